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

from hsba.access.identity import CARE
from hsba.access.rights import consents, grants, hours, people, roles
from hsba.access.rights.conditions import Setting
from hsba.access.rights.people import Person
from hsba.access.rights.policy import BREAK_GLASS, Given, RolePolicy
from hsba.fhir.problems import Forbidden
from hsba.record.ports import AllowNothing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from hsba.access.rights.grants import Grant, Standing
    from hsba.access.rights.roles import Role
    from hsba.record.consents import Rule
    from hsba.record.context import Actor, Context
    from hsba.record.ports import Policy

log = logging.getLogger("hsba.access")

FRESH = 2.0
"""Seconds for which a policy is taken as it is: a right that was taken away is gone so much later at most."""
TOGETHER = 0.2
"""Seconds for which accounts that are read one after the other share a look at what patients have said."""
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


@dataclass(slots=True)
class _Consents:
    """What patients of a tenant have forbidden and lifted, by consent and version."""

    rules: dict[tuple[str, int], Rule | None]
    told: tuple[Rule, ...]
    read: float


class Rights:
    """What each account may do, by tenant, account and the role it acts in."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self._kept: dict[Key, _Kept] = {}
        self._consents: dict[int, _Consents] = {}
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
        rules = await self._rules(ctx)
        key = ctx.tenant.id, actor.account, actor.role
        made_of = (told, duty, rules, ctx.definitions.generation, now.replace(second=0, microsecond=0))
        kept = self._kept.get(key)
        if kept is not None and kept.made_of == made_of:  # what it worked out for each type still holds
            kept.read = began
            kept.policy.kept.clear()  # the store may know more by now: that somebody was merged, for instance
            return kept.policy
        for sentence in told.broken:
            log.warning("a role cannot be read and grants nothing", extra={"why": sentence})
        person = Person(actor.account, told.practitioners, told.patients, duty)
        setting = Setting(ctx.definitions, ctx.codes, ctx.tenant.zone, person, duty, now)
        outside = _outside(told, now, ctx.tenant.zone)
        lines = _lines(told, actor.role, duty, now, ctx.tenant.zone) if outside is None else []
        policy = RolePolicy(lines, setting, rules, outside=outside, guest=told.guest)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = _Kept(policy, made_of, began)
        return policy

    async def _rules(self, ctx: Context) -> tuple[Rule, ...]:
        """What the patients of this tenant have said; `ctx` sees everything."""
        kept = self._consents.get(ctx.tenant.id)
        began = time.monotonic()
        if kept is not None and began - kept.read <= TOGETHER:
            return kept.told
        before = {} if kept is None else kept.rules
        rules = await consents.read(ctx, before)
        if kept is not None and rules.keys() == before.keys():
            kept.read = began
            return kept.told
        told = tuple(rule for _, rule in sorted(rules.items()) if rule is not None)
        self._consents[ctx.tenant.id] = _Consents(rules, told, began)
        return told


def _outside(told: Standing, now: datetime, zone: ZoneInfo) -> str | None:
    """The hours of an account that it is outside of: its own, or those of all its roles; None where it may work."""
    own = told.hours
    if own is not None and not (
        (own.valid_from is None or own.valid_from <= now)
        and (own.valid_to is None or now < own.valid_to)
        and hours.hold(own.hours, now, zone)
    ):
        return own.hours or ""
    if told.grants and not any(hours.hold(one.hours, now, zone) for one in told.grants):
        return "; ".join(dict.fromkeys(one.hours for one in told.grants if one.hours is not None))
    return None


def _lines(
    told: Standing, role: str | None, duty: tuple[str, ...], now: datetime, zone: ZoneInfo
) -> list[Given]:
    """The lines in force; an account that acts in some of its roles (`doctor,planning`) has the lines of those only.

    A grant for a department holds in that one, a grant for all where the person is on duty; who belongs to another keeper
    has what was given him for crossing over, and no emergency.
    """
    known = {one.name: one for one in told.roles}
    acting = None if role is None else role.split(",")
    found = [
        given
        for grant in told.grants
        if (acting is None or grant.role in acting)
        and grant.role in known
        and hours.hold(grant.hours, now, zone)
        and (grant.crossing is not None or not told.guest)
        for given in _given(grant, known[grant.role], told, duty)
    ]
    return found if told.kind in (None, *CARE) else list(_of_the_house(found))


def _of_the_house(lines: list[Given]) -> Iterator[Given]:
    """What is left for who keeps the house: an administrator sees no patient, whatever he was given."""
    for one in lines:
        about = HOUSE if "*" in one.line.types else one.line.types & HOUSE
        if about:
            yield replace(one, line=replace(one.line, types=about))


def _given(grant: Grant, role: Role, told: Standing, duty: tuple[str, ...]) -> list[Given]:
    """The lines of one grant: as they are, once for each purpose of what is lent, and once more for an emergency."""
    departments = duty if grant.department is None else (grant.department,)
    found = []
    for line in role.lines:
        if "lent" in line.where:
            found += [
                Given(
                    role.name, line, departments, grant.id, purpose,
                    loans=tuple(one for one in told.loans if one.purpose == purpose),
                )
                for purpose in dict.fromkeys(one.purpose for one in told.loans)
            ]  # fmt: skip
            continue
        found.append(Given(role.name, line, departments, grant.id, role.purpose))
        if told.emergencies and not told.guest and not line.deny:
            found.append(
                Given(role.name, line, departments, grant.id, BREAK_GLASS, patients=told.emergencies)
            )
    return found
