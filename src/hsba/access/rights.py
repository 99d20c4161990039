"""The policies of the accounts that are at work, each read anew every other second.

A door says who is coming (`know`) before it makes a context; the context then takes the policy (`of`).  Whoever was not
told of, or whose policy has grown old, has no right at all.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hsba.access import grants, people, roles
from hsba.access.conditions import Setting
from hsba.access.identity import CARE
from hsba.access.people import Person
from hsba.access.policy import Given, RolePolicy
from hsba.fhir.problems import Forbidden
from hsba.record.ports import AllowNothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.access.grants import Standing
    from hsba.record.context import Actor, Context
    from hsba.record.ports import Policy

log = logging.getLogger("hsba.access")

FRESH = 2.0
"""Seconds for which a policy is taken as it is: a right that was taken away is gone so much later at most."""
STALE = 120.0
"""Seconds after which a policy that nobody asked anew grants nothing; longer than a request may take."""
HOUSE = frozenset((*roles.groups()["shared"], "AuditEvent"))
"""The types that are about no patient, or tell who saw whom."""
MOST = 5000
"""Policies that are kept; beyond, all are forgotten and read again."""


class NoRole(Forbidden):
    """This account has no role here at present, so it may do nothing; ask your administrator for one."""

    vi = (
        "Tài khoản này hiện không có vai trò nào ở đây nên không làm được gì; hãy đề nghị người quản trị cấp."
    )


Key = tuple[int, str, str | None]


@dataclass(slots=True)
class _Kept:
    policy: RolePolicy
    made_of: tuple[object, ...]
    read: float


class Rights:
    """What each account may do, by tenant, account and the role it acts in."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self._kept: dict[Key, _Kept] = {}
        self._nothing = AllowNothing()

    def of(self, tenant: int, actor: Actor) -> Policy:
        """The policy of an account that was told of."""
        kept = self._kept.get((tenant, actor.account, actor.role))
        if kept is None or time.monotonic() - kept.read > STALE:
            return self._nothing
        return kept.policy

    def is_fresh(self, tenant: int, actor: Actor) -> bool:
        """Whether nothing need be read."""
        kept = self._kept.get((tenant, actor.account, actor.role))
        return kept is not None and time.monotonic() - kept.read <= FRESH

    def forget(self, tenant: int, account: str) -> None:
        """Read an account's rights anew when it next comes: they were changed by this process."""
        for key in [key for key in self._kept if key[:2] == (tenant, account)]:
            del self._kept[key]

    async def know(self, ctx: Context, actor: Actor) -> RolePolicy:
        """Read the rights of an account; `ctx` sees everything, and its connection is one for searches."""
        now = datetime.now(UTC)
        began = time.monotonic()
        told = await grants.standing(ctx.tx, ctx.tenant.id, actor.account, now)
        duty = await people.on_duty(ctx, told.practitioners, now)
        key = ctx.tenant.id, actor.account, actor.role
        made_of = (told, duty, ctx.definitions.generation, now.replace(second=0, microsecond=0))
        kept = self._kept.get(key)
        if kept is not None and kept.made_of == made_of:  # what it worked out for each type still holds
            kept.read = began
            kept.policy.kept.clear()  # the store may know more by now: that somebody was merged, for instance
            return kept.policy
        for sentence in told.broken:
            log.warning("a role cannot be read and grants nothing", extra={"why": sentence})
        person = Person(actor.account, told.practitioners, told.patients, duty)
        setting = Setting(ctx.definitions, ctx.codes, ctx.tenant.zone, person, duty, now)
        policy = RolePolicy(_lines(told, actor.role, duty), setting)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = _Kept(policy, made_of, began)
        return policy


def _lines(told: Standing, role: str | None, duty: tuple[str, ...]) -> list[Given]:
    """The lines in force; an account that acts in some of its roles (`doctor,planning`) has the lines of those only.

    A grant for a department holds in that one, a grant for all where the person is on duty.
    """
    known = {one.name: one for one in told.roles}
    acting = None if role is None else role.split(",")
    found = [
        Given(grant.role, line, duty if grant.department is None else (grant.department,), grant.id)
        for grant in told.grants
        if (acting is None or grant.role in acting) and grant.role in known
        for line in known[grant.role].lines
    ]
    return found if told.kind in (None, *CARE) else list(_of_the_house(found))


def _of_the_house(lines: list[Given]) -> Iterator[Given]:
    """What is left for who keeps the house: an administrator sees no patient, whatever he was given."""
    for one in lines:
        about = HOUSE if "*" in one.line.types else one.line.types & HOUSE
        if about:
            yield replace(one, line=replace(one.line, types=about))
