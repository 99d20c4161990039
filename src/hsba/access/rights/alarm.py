"""How many emergency accesses wait to be looked at, for the sign on every page of those who look at them.

Each process reads the few that wait anew every other second at most, and counts them by each reader's reach.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.access.rights.policy import RolePolicy
from hsba.record.ports import AllowAll

if TYPE_CHECKING:
    from hsba.access.rights.policy import Given
    from hsba.record.ports import Policy
    from hsba.store.pool import Connection

FRESH = 2.0
"""Seconds for which what was read is good."""
MOST = 1000
"""Nobody counts further than this."""
REVIEW = "review"
"""The right to look at emergency accesses (of AuditEvent)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that nobody has looked at yet: whose it is, and in which departments he was on duty."""

    account: str
    departments: frozenset[str]


@dataclass(slots=True)
class Alarm:
    """What waits in each keeper's house, as far as this process has heard."""

    _waiting: dict[int, tuple[float, tuple[Waiting, ...]]] = field(default_factory=dict)

    def is_fresh(self, tenant: int) -> bool:
        """Whether what is known was read just now."""
        return tenant in self._waiting and time.monotonic() - self._waiting[tenant][0] < FRESH

    async def read(self, tx: Connection, tenant: int) -> None:
        """Read what waits."""
        at = time.monotonic()
        rows = await tx.fetch(
            "SELECT account, departments FROM record.emergency WHERE tenant = $1 AND reviewed IS NULL"
            " ORDER BY begun LIMIT $2",
            tenant,
            MOST,
        )
        self._waiting[tenant] = (at, tuple(Waiting(row[0], frozenset(row[1])) for row in rows))

    def forget(self, tenant: int) -> None:
        """What waits has changed."""
        self._waiting.pop(tenant, None)

    def count(self, policy: Policy, account: str, tenant: int) -> int:
        """How many wait for this reader; nobody looks at his own."""
        reach = reach_of(policy)
        return sum(
            one.account != account and (reach is None or not reach.isdisjoint(one.departments))
            for one in self._waiting.get(tenant, (0.0, ()))[1]
        )


def may_review(policy: Policy) -> bool:
    """Whether a role of the reader lets him look at emergency accesses: at all, or at those of people of a department."""
    return isinstance(policy, AllowAll) or bool(_looking(policy))


def reach_of(policy: Policy) -> frozenset[str] | None:
    """The departments whose people's accesses a reader looks at; None is everybody's."""
    lines = _looking(policy)
    if isinstance(policy, AllowAll) or any(not one.line.where for one in lines):
        return None
    return frozenset(id_ for one in lines for id_ in one.departments)


def _looking(policy: Policy) -> list[Given]:
    """The lines that let look at emergency accesses; none where one takes that away."""
    if not isinstance(policy, RolePolicy):
        return []
    concerned = [
        one for one in policy.lines if one.patients is None and one.line.concerns(REVIEW, "AuditEvent")
    ]
    if any(one.line.deny for one in concerned):
        return []
    return [one for one in concerned if one.line.where in ((), ("department",))]
