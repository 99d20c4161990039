"""Emergency access: somebody comes to a patient whom his roles do not show him, with a reason, for a short time.

He may then do what his role may do to a patient in treatment.  The patient's page shows it, the trail keeps it, and
somebody else looks at each afterwards.  Who has no right to it learns nothing, neither of patients nor of numbers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hsba.access.ports import Happening
from hsba.access.rights.alarm import REVIEW, Alarm, may_review, reach_of
from hsba.access.rights.policy import BREAK_GLASS, NoRight, OwnRole, RolePolicy
from hsba.fhir.problems import BadRequest, NotFound
from hsba.fhir.query import expression as e
from hsba.record.calls import Operation, parameters
from hsba.record.ports import AllowAll
from hsba.record.saving import instant
from hsba.store import jobs
from hsba.store import search as searching

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.ports import Witness
    from hsba.access.rights.current import Rights
    from hsba.record.calls import Call, Resource
    from hsba.record.context import Context
    from hsba.record.ports import Policy
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.access")

ACT = "emergency"
"""The right to come to a patient so."""
MAIL = "emergency-mail"
"""The job that tells by e-mail that something waits (ops/alarm_mail.py)."""
CATEGORIES = ("life", "consultation", "transfer", "duty", "other")
"""Why: life in danger, called for advice, taken over from elsewhere, on duty for others, something else."""
LEAST, MOST = 10, 500
"""Characters of a reason."""
NUMBERS = ("identifier", "vn-cccd", "vn-bhyt", "vn-mrn")
GATHERED = timedelta(seconds=5)
"""What is opened within so long is told in one e-mail."""
SHOWN = timedelta(days=7)
"""So long it stands on the patient's page."""
PAGE = 100

COLUMNS = (
    "id, account, name, patient, category, reason, departments, address, workstation, begun, ends, reviewed, reviewed_by,"
    " justified, comment"
)


class NoReason(BadRequest):
    """Say why in a category and at least ten characters; nothing was opened."""

    vi = "Phải chọn tình huống và ghi lý do ít nhất mười ký tự; chưa mở gì."


class UnknownEmergency(NotFound):
    """There is no such emergency access waiting for you; nothing was changed."""

    vi = "Không có lần truy cập khẩn cấp nào như vậy chờ bạn xem xét; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Emergency:
    """One emergency access."""

    id: int
    account: str
    name: str
    patient: str
    category: str
    reason: str
    departments: tuple[str, ...]
    address: str | None
    workstation: str | None
    begun: datetime
    ends: datetime
    reviewed: datetime | None
    reviewed_by: str | None
    justified: bool | None
    comment: str | None


class Glass:
    """Opens emergency accesses and keeps what was found about them."""

    def __init__(self, rights: Rights, witness: Witness, lasts: timedelta, *, mails: bool = False) -> None:
        """Work on the rights of this process; `mails` says whether somebody is told of each by e-mail."""
        self.rights = rights
        self.witness = witness
        self.lasts = lasts
        self.mails = mails
        self.alarm = Alarm()

    async def open(
        self, ctx: Context, patient: str, category: str, reason: str, *, name: str = ""
    ) -> Emergency:
        """Let the actor of `ctx` come to a patient; raising leaves nothing open."""
        if not may_open(ctx.policy):
            raise NoRight(f"({ACT} Patient)")
        words = check_reason(category, reason)
        if not await _is_there(ctx, patient):
            raise NotFound(f"Patient/{patient}")
        now = ctx.clock.now()
        row = await ctx.tx.fetchrow(
            "INSERT INTO record.emergency"
            " (tenant, account, name, patient, category, reason, departments, address, workstation, begun, ends)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING {COLUMNS}",
            ctx.tenant.id,
            ctx.actor.account,
            name or ctx.actor.account,
            patient,
            category,
            words,
            _departments(ctx.policy),
            ctx.address,
            ctx.actor.workstation,
            now,
            now + self.lasts,
        )
        told = replace(ctx, purpose=BREAK_GLASS, reason=words)
        await ctx.trail.add(told, ACT, "Patient", [("Patient", patient)])
        await self._tell(ctx, "emergency-open", f"Patient/{patient}", f"{category}: {words}")
        self.alarm.forget(ctx.tenant.id)
        if self.mails and not await jobs.is_asked_for(ctx.tx, MAIL, tenant=ctx.tenant.id):
            await jobs.enqueue(ctx.tx, MAIL, {}, tenant=ctx.tenant.id, after=GATHERED)
        log.warning("emergency access opened", extra={"account": ctx.actor.account, "category": category})
        return _emergency(row)

    async def end(self, ctx: Context, number: int) -> None:
        """End one's own before its time."""
        patient = await ctx.tx.fetchval(
            "UPDATE record.emergency SET ends = $4 WHERE tenant = $1 AND id = $2 AND account = $3 AND ends > $4"
            " RETURNING patient",
            ctx.tenant.id,
            number,
            ctx.actor.account,
            ctx.clock.now(),
        )
        if patient is not None:
            await self._tell(ctx, "emergency-end", f"Patient/{patient}", f"#{number}")

    async def missed(self, ctx: Context, reason: str) -> None:
        """Tell that somebody with the right to it asked for a number that nobody has here."""
        await self._tell(
            ctx, "emergency-open", "", f"no such number: {' '.join(reason.split())}", refused=True
        )

    async def review(self, ctx: Context, number: int, *, justified: bool, comment: str) -> Emergency:
        """Say whether an emergency access was justified; nobody says it of his own, and each is said once."""
        waiting = await self.one(ctx, number)
        if waiting.account == ctx.actor.account:
            raise OwnRole(waiting.account)
        row = await ctx.tx.fetchrow(
            "UPDATE record.emergency SET reviewed = $3, reviewed_by = $4, justified = $5, comment = $6"
            f" WHERE tenant = $1 AND id = $2 AND reviewed IS NULL RETURNING {COLUMNS}",
            ctx.tenant.id,
            number,
            ctx.clock.now(),
            ctx.actor.account,
            justified,
            " ".join(comment.split())[:MOST] or None,
        )
        if row is None:
            raise UnknownEmergency(str(number))
        self.alarm.forget(ctx.tenant.id)
        verdict = "justified" if justified else "not justified"
        await self._tell(ctx, "emergency-review", waiting.account, f"#{number} {verdict}")
        return _emergency(row)

    async def one(self, ctx: Context, number: int) -> Emergency:
        """One that this actor may look at."""
        where, more = _reach(ctx, 3)
        row = await ctx.tx.fetchrow(
            f"SELECT {COLUMNS} FROM record.emergency WHERE tenant = $1 AND id = $2 AND {where}",
            ctx.tenant.id,
            number,
            *more,
        )
        if row is None:
            raise UnknownEmergency(str(number))
        return _emergency(row)

    async def waiting(self, ctx: Context) -> list[Emergency]:
        """Those that this actor may look at and nobody has yet, the oldest first; then the newest of the others."""
        where, more = _reach(ctx, 3)
        rows = await ctx.tx.fetch(
            f"(SELECT {COLUMNS} FROM record.emergency WHERE tenant = $1 AND reviewed IS NULL AND {where}"
            " ORDER BY begun LIMIT $2) UNION ALL"
            f" (SELECT {COLUMNS} FROM record.emergency WHERE tenant = $1 AND reviewed IS NOT NULL AND {where}"
            " ORDER BY reviewed DESC LIMIT $2)",
            ctx.tenant.id,
            PAGE,
            *more,
        )
        return [_emergency(row) for row in rows]

    async def _tell(
        self, ctx: Context, act: str, subject: str, reason: str, *, refused: bool = False
    ) -> None:
        told = Happening(
            act,
            ctx.actor.account,
            subject=subject,
            refused=refused,
            reason=reason,
            address=ctx.address,
            workstation=ctx.actor.workstation,
            tenant=ctx.tenant.id,
        )
        await self.witness.tell(ctx.tx, told)

    def operation(self) -> Operation:
        """`POST /fhir/Patient/{id}/$emergency-access` with `category` and `reason`."""

        async def call(ctx: Context, asked: Call) -> Resource:
            found = await self.open(
                ctx, asked.id or "", asked.text("category") or "", asked.text("reason") or ctx.reason or ""
            )
            self.rights.forget(ctx.tenant.id, ctx.actor.account)
            return parameters({"name": "until", "valueInstant": instant(found.ends, ctx)})

        return Operation(
            "emergency-access",
            frozenset({"instance"}),
            call,
            ("Patient",),
            affects_state=True,
            tx="writing",
            definition="urn:hsba:operation:emergency-access",
        )


def check_reason(category: str, reason: str) -> str:
    """The reason on one line; refused (NoReason) where it says too little."""
    words = " ".join(reason.split())
    if category not in CATEGORIES or not LEAST <= len(words) <= MOST:
        raise NoReason
    return words


def may_open(policy: Policy) -> bool:
    """Whether a role of the actor lets him come to patients so; who belongs to another keeper may not."""
    if not isinstance(policy, RolePolicy):
        return isinstance(policy, AllowAll)
    return not policy.guest and not isinstance(policy.within(ACT, "Patient"), e.Nothing)


async def found_by_number(ctx: Context, number: str) -> str | None:
    """The one patient who has exactly this number, also one whom the actor may not see; only for who may come to him."""
    if not may_open(ctx.policy):
        raise NoRight(f"({ACT} Patient)")
    where = e.any_of([e.Match(code, e.Token(None, number.strip())) for code in NUMBERS])
    keys = await searching.match_keys(ctx.tx, where, "Patient", replace(ctx, policy=AllowAll()), limit=2)
    return keys[0][1] if number.strip() and len(keys) == 1 else None


async def of_patient(tx: Connection, tenant: int, patient: str, now: datetime) -> list[Emergency]:
    """Those of the last days to a patient, for who may see him; the newest first."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM record.emergency WHERE tenant = $1 AND patient = $2 AND begun > $3"
        " ORDER BY begun DESC LIMIT 20",
        tenant,
        patient,
        now - SHOWN,
    )
    return [_emergency(row) for row in rows]


async def own(ctx: Context, patient: str) -> Emergency | None:
    """The actor's own that lasts now."""
    row = await ctx.tx.fetchrow(
        f"SELECT {COLUMNS} FROM record.emergency WHERE tenant = $1 AND account = $2 AND patient = $3 AND ends > $4"
        " ORDER BY ends DESC LIMIT 1",
        ctx.tenant.id,
        ctx.actor.account,
        patient,
        ctx.clock.now(),
    )
    return None if row is None else _emergency(row)


def _departments(policy: Policy) -> list[str]:
    """Where somebody works: on duty, or by a role given there; the heads of these look at what he did."""
    if not isinstance(policy, RolePolicy):
        return []
    return sorted({*policy.person.departments, *(id_ for one in policy.lines for id_ in one.departments)})


def _reach(ctx: Context, first: int) -> tuple[str, list[object]]:
    """Whose accesses the actor may look at: those of his departments, or all where his right has no condition."""
    if not may_review(ctx.policy):
        raise NoRight(f"({REVIEW} AuditEvent)")
    departments = reach_of(ctx.policy)
    return (
        ("true", []) if departments is None else (f"departments && ${first}::text[]", [sorted(departments)])
    )


async def _is_there(ctx: Context, patient: str) -> bool:
    whole = replace(ctx, policy=AllowAll())
    return bool(await searching.match_keys(ctx.tx, e.Ids((patient,)), "Patient", whole, limit=1))


def _emergency(row: object) -> Emergency:
    found = dict(row)  # type: ignore[call-overload] # a row of the driver
    return Emergency(**{**found, "departments": tuple(found["departments"])})
