"""Answers the question of `access`, "who is told of what happens to accounts?": a line of the trail, sealed like any other.

It is told by what a happening looks like, for `audit` and `access` do not know one another; `app.py` and the tools join them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import uuid_utils.compat as uuid7s

from hsba.audit.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNEL = "access"
"""Lines under this channel are about accounts, sessions, rights and clients, and not about the record."""
INSTALLATION = 0
"""The tenant of a line that concerns every keeper, or an account that nobody has."""
NOBODY = "anonymous"
"""Who tried, where no account is behind the name: no account may bear it."""
TELL = "SELECT audit.tell($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


class Happening(Protocol):
    """What it is told: `hsba.access.ports.Happening`."""

    @property
    def act(self) -> str:
        """What happened."""

    @property
    def account(self) -> str:
        """Who did it."""

    @property
    def subject(self) -> str:
        """What it was done to."""

    @property
    def refused(self) -> bool:
        """Whether it came to nothing."""

    @property
    def reason(self) -> str:
        """Why."""

    @property
    def address(self) -> str | None:
        """From which machine."""

    @property
    def workstation(self) -> str | None:
        """At which workstation."""

    @property
    def tenant(self) -> int | None:
        """The keeper that it concerns."""


def _now() -> datetime:
    return datetime.now(UTC)


class TrailWitness:
    """Writes what happens to accounts into the trail of this database."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        """Write the time of this clock."""
        self._now = now

    async def tell(self, tx: Any, happening: Happening) -> None:
        """One line for each keeper it concerns, on this connection and in its transaction if there is one."""
        await tx.fetchval(
            TELL,
            plain(happening.account) or NOBODY,
            plain(happening.subject) or None,
            happening.tenant,
            self._now(),
            plain(happening.act),
            happening.refused,
            plain(happening.reason) or None,
            happening.address or None,
            happening.workstation or None,
            uuid7s.uuid7(),
        )
