"""What the pages about the trail call accounts and roles: the names that people know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access import accounts
from hsba.access.rights import grants
from hsba.http.web import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.http.web.page import Ask


@dataclass(frozen=True, slots=True)
class Names:
    """The names of some accounts, and the titles of the keeper's roles."""

    accounts: dict[str, str]
    roles: dict[str, str]

    def name(self, login: str) -> str:
        """What people call an account; its own name where it is none."""
        return self.accounts.get(login, login)

    def role(self, names: str) -> str:
        """The titles of some roles."""
        return ", ".join(self.roles.get(name, name) for name in names.replace(",", " ").split())


async def names(ask: Ask, logins: Iterable[str]) -> Names:
    """Look up what is needed for a page."""
    tx, ours = ask.ctx.tx, {login: ask.show.say(title) for login, title in words.PROGRAM.items()}
    known, _ = await grants.every_role(tx, ask.ctx.tenant.id)
    return Names(
        ours | await accounts.names(tx, sorted(set(logins))),
        {name: role.title for name, role in known.items()},
    )
