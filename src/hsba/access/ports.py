"""Who is told of what happens to accounts: log-ins, refusals, passwords, rights, sessions, clients.

`audit` answers it and `app.py` joins them; what happens in the record itself is told through `record.ports.Trail`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hsba.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to an account, a session, a right or a client."""

    act: str
    """One word with hyphens, of `<thing>-<what>` or just the thing: `login`, `logout`, `password-change`, `grant-give`."""
    account: str
    """Who did it, or under whose name it was tried: a login, or an account of the program's own."""
    subject: str = ""
    """What it was done to, where it is not the account itself: another account, a role, a client, a workstation."""
    refused: bool = False
    reason: str = ""
    """Why it was done, or why it was refused; one line, no secret and no patient's data."""
    address: str | None = None
    workstation: str | None = None
    tenant: int | None = None
    """The keeper it concerns; None is every one the account belongs to."""


class Witness(Protocol):
    """Told of what happens to accounts; the line is committed with what happened, or by itself for a refusal."""

    async def tell(self, tx: Connection, happening: Happening) -> None:
        """Note it on this connection, in its transaction if there is one."""
        ...


class Untold:
    """Tells nobody: for the tools that open no application."""

    async def tell(self, tx: Connection, happening: Happening) -> None:
        """Keep nothing."""


UNTOLD = Untold()
NOBODY = "anonymous"
"""Under whose name something was tried that is no account's: what was typed may be a password."""
