"""Records lent for reading: to a named person, for a purpose, until a day (Luật KBCB 15/2023/QH15 Điều 69 khoản 4).

What is lent is read and neither copied, printed nor exported; what a role shows of it stands in its lines with `lent`.
Patients and those who speak for them read in the same way, on their written request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hsba.access.ports import Happening
from hsba.access.rights.grants import every_role
from hsba.access.rights.policy import OwnRole
from hsba.fhir.problems import BadRequest, NotFound
from hsba.fhir.query import expression as e
from hsba.record import fence
from hsba.record.ports import AllowAll
from hsba.store import search as searching

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.ports import Witness
    from hsba.access.rights.current import Rights
    from hsba.record.context import Context
    from hsba.store.pool import Connection

ACT = "lend"
PURPOSES = ("TREAT", "HRESCH", "HLEGAL", "HPAYMT", "HOPERAT", "PATRQT", "FAMRQT")
"""What a record is lent for (v3-PurposeOfUse); consents decide by it."""
LEAST, MOST = 5, 500
"""Characters of a reason."""
COLUMNS = "id, account, patient, dossier, purpose, reason, valid_from, valid_to, lent, lent_by, returned, returned_by"


class BadLoan(BadRequest):
    """It cannot be lent so; nothing was changed."""

    code = "value"
    vi = "Không cho mượn được như vậy; chưa thay đổi gì."


class NoBorrower(BadRequest):
    """This account has no role in which records may be borrowed; nothing was changed."""

    code = "value"
    vi = "Tài khoản này không có vai trò nào được mượn hồ sơ; chưa thay đổi gì."


class UnknownLoan(NotFound):
    """This is not lent now; nothing was changed."""

    vi = "Hồ sơ này hiện không cho mượn; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Lent:
    """A record lent to somebody."""

    id: int
    account: str
    patient: str
    dossier: str | None
    purpose: str
    reason: str
    valid_from: datetime
    valid_to: datetime
    lent: datetime
    lent_by: str
    returned: datetime | None
    returned_by: str | None

    def lasts(self, now: datetime) -> bool:
        """Whether it may be read by this loan now."""
        return self.returned is None and self.valid_from <= now < self.valid_to


class Desk:
    """Lends and takes back; every act is told."""

    def __init__(self, rights: Rights, witness: Witness) -> None:
        """Work on the rights of this process."""
        self.rights = rights
        self.witness = witness

    async def lend(
        self,
        ctx: Context,
        account: str,
        patient: str,
        *,
        purpose: str,
        reason: str,
        until: datetime,
        dossier: str | None = None,
    ) -> Lent:
        """Lend a patient's record, or one dossier of it, to an account; nobody lends to himself."""
        words = " ".join(reason.split())
        now = ctx.clock.now()
        await self._may(ctx, patient)
        if account == ctx.actor.account:
            raise OwnRole(account)
        if purpose not in PURPOSES or not LEAST <= len(words) <= MOST:
            raise BadLoan(
                f"Name a purpose ({', '.join(PURPOSES)}) and a reason.", vi="Hãy chọn mục đích và ghi lý do."
            )
        if until <= now:
            raise BadLoan("It would end before it begins.", vi="Ngày trả trước hôm nay.")
        if dossier is not None and not await _is_of(ctx, dossier, patient):
            raise BadLoan(f"Composition/{dossier}")
        if not await _may_borrow(ctx, account, now):
            raise NoBorrower(account)
        row = await ctx.tx.fetchrow(
            "INSERT INTO record.loan (tenant, account, patient, dossier, purpose, reason, valid_from, valid_to, lent_by)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {COLUMNS}",
            ctx.tenant.id,
            account,
            patient,
            dossier,
            purpose,
            words,
            now,
            until,
            ctx.actor.account,
        )
        await self._tell(ctx, "loan-give", account, f"#{row['id']} Patient/{patient} {purpose}: {words}")
        await ctx.trail.add(ctx.because(words), ACT, "Patient", [("Patient", patient)])
        return Lent(**row)

    async def take_back(self, ctx: Context, number: int) -> Lent:
        """End a loan now; the borrower himself may give it back too."""
        row = await ctx.tx.fetchrow(
            "UPDATE record.loan SET returned = $3, returned_by = $4"
            f" WHERE tenant = $1 AND id = $2 AND returned IS NULL RETURNING {COLUMNS}",
            ctx.tenant.id,
            number,
            ctx.clock.now(),
            ctx.actor.account,
        )
        if row is None:
            raise UnknownLoan(str(number))
        if row["account"] != ctx.actor.account:
            await self._may(ctx, row["patient"])  # raising rolls back
        await self._tell(ctx, "loan-return", row["account"], f"#{number}")
        return Lent(**row)

    async def _may(self, ctx: Context, patient: str) -> None:
        """Refuse who may not lend this patient's record, as if there were none."""
        ctx.policy.check(ctx, ACT, "Patient", before=None, after=None)
        if not await searching.match_keys(ctx.tx, e.Ids((patient,)), "Patient", ctx, limit=1):
            raise NotFound(f"Patient/{patient}")
        await fence.require(ctx, [(ACT, "Patient", patient)])

    async def _tell(self, ctx: Context, act: str, account: str, reason: str) -> None:
        await self.witness.tell(
            ctx.tx,
            Happening(
                act,
                ctx.actor.account,
                subject=account,
                reason=reason,
                address=ctx.address,
                tenant=ctx.tenant.id,
            ),
        )
        self.rights.forget(ctx.tenant.id, account)


def may_lend(ctx: Context) -> bool:
    """Whether a role of the actor lets him lend records."""
    return not isinstance(ctx.policy.within(ACT, "Patient"), e.Nothing)


async def loans(
    tx: Connection, tenant: int, *, patient: str | None = None, account: str | None = None, most: int = 100
) -> list[Lent]:
    """What was lent, of a patient or to an account, the newest first."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM record.loan WHERE tenant = $1"
        " AND ($2::text IS NULL OR patient = $2) AND ($3::text IS NULL OR account = $3)"
        " ORDER BY id DESC LIMIT $4",
        tenant,
        patient,
        account,
        most,
    )
    return [Lent(**row) for row in rows]


async def _may_borrow(ctx: Context, account: str, now: datetime) -> bool:
    """Whether a role in force of an account has a line for what is lent."""
    names = await ctx.tx.fetch(
        "SELECT DISTINCT role FROM record.role_grant WHERE tenant = $1 AND account = $2 AND revoked IS NULL"
        " AND valid_from <= $3 AND $3 < valid_to",
        ctx.tenant.id,
        account,
        now,
    )
    known, _ = await every_role(ctx.tx, ctx.tenant.id)
    held = [known[row["role"]] for row in names if row["role"] in known]
    return any("lent" in line.where for role in held for line in role.lines)


async def _is_of(ctx: Context, dossier: str, patient: str) -> bool:
    """Whether a dossier is one of a patient's."""
    whole = replace(ctx, policy=AllowAll())
    where = e.all_of([e.Ids((dossier,)), e.Belongs("patient", "Patient", e.Ids((patient,)))])
    return bool(await searching.match_keys(ctx.tx, where, "Composition", whole, limit=1))
