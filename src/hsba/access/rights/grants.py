"""The tables of rights: a hospital's own roles, who was given which role where and until when, and who an account is.

Each change names who makes it; nobody gives himself a role, takes one from himself or changes one he has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - msgspec reads the types of a grant when it runs
from typing import TYPE_CHECKING

import msgspec

from hsba.access.ports import UNTOLD, Happening
from hsba.access.rights import hours as week
from hsba.access.rights import roles
from hsba.access.rights.policy import OwnRole
from hsba.access.rights.roles import BadRole, Role
from hsba.fhir.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from hsba.access.ports import Witness
    from hsba.record.context import Actor
    from hsba.store.pool import Connection


class UnknownRole(NotFound):
    """There is no role of this name; `hsba role list` shows them all."""

    vi = "Không có vai trò tên này; `hsba role list` liệt kê tất cả."


class UnknownGrant(NotFound):
    """There is no such grant in force; nothing was changed."""

    vi = "Không có lần cấp quyền nào như vậy đang hiệu lực; chưa thay đổi gì."


class ForeignTenant(Forbidden):
    """Your account belongs to another keeper of records; only an administrator of this one gives rights here."""

    vi = "Tài khoản của bạn thuộc cơ sở khác; chỉ quản trị của cơ sở này mới cấp quyền ở đây."


class BadCrossing(BadRequest):
    """The account belongs to another keeper of records, so say why it may come here: referral, province or emergency."""

    vi = "Tài khoản thuộc cơ sở khác; phải nêu lý do cho vào: referral (chuyển tuyến), province (tỉnh), emergency (cấp cứu)."


CROSSINGS = ("emergency", "province", "referral")
"""Why an account of another keeper may come to this one's records."""


class RoleInUse(Conflict):
    """Somebody has this role; take the grants back first. Nothing was changed."""

    vi = "Còn người đang giữ vai trò này; hãy thu hồi trước. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Grant:
    """A role given to an account; without a department in all of them."""

    id: int
    account: str
    role: str
    department: str | None
    valid_from: datetime
    valid_to: datetime | None
    """None is without end."""
    reason: str | None
    granted_by: str
    hours: str | None = None
    """Of the week in which it holds (access/rights/hours.py); None is always."""
    crossing: str | None = None
    """Why it is given to an account of another keeper."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When an account may work at all."""

    hours: str | None
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Loan:
    """A record, or one dossier of it, lent to the account for reading."""

    patient: str
    dossier: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the tables say of an account at a moment: grants of these days, the roles they name, and who it is."""

    grants: tuple[Grant, ...]
    roles: tuple[Role, ...]
    broken: tuple[str, ...]
    """Sentences about roles that cannot be read."""
    practitioners: tuple[str, ...]
    patients: tuple[str, ...]
    kind: str | None
    """The kind of the account; None for a program that is no account."""
    hours: Hours | None = None
    guest: bool = False
    """Whether it belongs to other keepers only."""
    loans: tuple[Loan, ...] = ()
    emergencies: tuple[str, ...] = ()
    """Patients whom it came to in an emergency that still lasts."""


STANDING = """
SELECT (SELECT coalesce(json_agg(json_build_object('id', g.id, 'account', g.account, 'role', g.role,
            'department', g.department, 'valid_from', g.valid_from,
            'valid_to', CASE WHEN isfinite(g.valid_to) THEN g.valid_to END,
            'reason', g.reason, 'granted_by', g.granted_by, 'hours', g.hours, 'crossing', g.crossing) ORDER BY g.id), '[]')
        FROM record.role_grant g WHERE g.tenant = $1 AND g.account = $2 AND g.revoked IS NULL
          AND g.valid_from <= $3 AND $3 < g.valid_to),
       (SELECT coalesce(json_agg(json_build_object('name', r.name, 'title', r.title, 'lines', r.lines) ORDER BY r.name), '[]')
        FROM record.role r WHERE r.tenant = $1),
       (SELECT coalesce(json_agg(json_build_object('type', p.type, 'id', p.id) ORDER BY p.type, p.id), '[]')
        FROM record.role_person p WHERE p.tenant = $1 AND p.account = $2),
       (SELECT a.kind FROM access.account a WHERE a.login = $2),
       (SELECT json_build_object('hours', h.hours, 'valid_from', CASE WHEN isfinite(h.valid_from) THEN h.valid_from END,
            'valid_to', CASE WHEN isfinite(h.valid_to) THEN h.valid_to END)
        FROM record.account_hours h WHERE h.tenant = $1 AND h.account = $2),
       EXISTS (SELECT FROM access.account a WHERE a.login = $2 AND NOT $1 = ANY(a.tenants))
         OR EXISTS (SELECT FROM access.client c WHERE 'client:' || c.name = $2 AND NOT $1 = ANY(c.tenants)),
       (SELECT coalesce(json_agg(DISTINCT jsonb_build_object('patient', l.patient, 'dossier', l.dossier,
            'purpose', l.purpose)), '[]')
        FROM record.loan l WHERE l.tenant = $1 AND l.account = $2 AND l.returned IS NULL
          AND l.valid_from <= $3 AND $3 < l.valid_to),
       (SELECT coalesce(array_agg(DISTINCT m.patient ORDER BY m.patient), '{}')
        FROM record.emergency m WHERE m.tenant = $1 AND m.account = $2 AND m.begun <= $3 AND $3 < m.ends)
"""


async def standing(tx: Connection, tenant: int, account: str, now: datetime) -> Standing:
    """What the tables say of an account at this moment."""
    row = await tx.fetchrow(STANDING, tenant, account, now)
    grants = msgspec.json.decode(row[0], type=list[Grant])
    people = msgspec.json.decode(row[2])
    found, broken = _roles(msgspec.json.decode(row[1]))
    named = {grant.role for grant in grants}
    return Standing(
        tuple(grants),
        tuple(role for name, role in sorted(found.items()) if name in named),
        tuple(broken),
        tuple(one["id"] for one in people if one["type"] == "Practitioner"),
        tuple(one["id"] for one in people if one["type"] == "Patient"),
        row[3],
        None if row[4] is None else msgspec.json.decode(row[4], type=Hours),
        bool(row[5]),
        tuple(sorted(msgspec.json.decode(row[6], type=list[Loan]), key=repr)),
        tuple(row[7]),
    )


async def every_role(tx: Connection, tenant: int) -> tuple[dict[str, Role], list[str]]:
    """The roles of a tenant by name, its own in place of those that come with the program; and what cannot be read."""
    rows = await tx.fetch(
        "SELECT name, title, lines FROM record.role WHERE tenant = $1 ORDER BY name", tenant
    )
    return _roles([{"name": row[0], "title": row[1], "lines": msgspec.json.decode(row[2])} for row in rows])


def _roles(rows: list[dict[str, object]]) -> tuple[dict[str, Role], list[str]]:
    found, broken = dict(roles.built_in()), []
    for row in rows:
        name = str(row["name"])
        try:
            found[name] = roles.read(name, str(row["title"]), row["lines"], roles.groups(), own=True)
        except BadRole as problem:
            found.pop(
                name, None
            )  # what came with the program was replaced by this, so it grants nothing either
            broken.append(problem.sentence)
    return found, broken


async def put_role(
    tx: Connection,
    tenant: int,
    by: Actor,
    name: str,
    title: str,
    lines: object,
    *,
    witness: Witness = UNTOLD,
) -> Role:
    """Keep a role of the hospital's own; refused (BadRole) when it cannot be read, and of a role one has oneself."""
    if await _is_elsewhere(tx, tenant, by.account):
        raise ForeignTenant(by.account)
    role = roles.read(name, title, lines, roles.groups(), own=True)
    if await has_role(tx, tenant, by.account, name):
        raise OwnRole(name)
    await tx.execute(
        "INSERT INTO record.role (tenant, name, title, lines, account) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (tenant, name) DO UPDATE"
        " SET title = excluded.title, lines = excluded.lines, account = excluded.account, changed = now()",
        tenant,
        name,
        title,
        msgspec.json.encode([line.data() for line in role.lines]).decode(),
        by.account,
    )
    await _tell(tx, witness, tenant, by, "role-change", name)
    return role


async def remove_role(tx: Connection, tenant: int, name: str) -> None:
    """Remove a role of the hospital's own that nobody has; one that stood in place of a shipped one gives it back."""
    held = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM record.role_grant WHERE tenant = $1 AND role = $2 AND revoked IS NULL"
        " AND valid_to > now())",
        tenant,
        name,
    )
    if held and name not in roles.built_in():
        raise RoleInUse(name)
    gone = await tx.fetchval(
        "DELETE FROM record.role WHERE tenant = $1 AND name = $2 RETURNING true", tenant, name
    )
    if gone is None:
        raise UnknownRole(name)


async def has_role(tx: Connection, tenant: int, account: str, role: str) -> bool:
    """Whether an account was given a role, in force, over or still to come."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM record.role_grant WHERE tenant = $1 AND account = $2 AND role = $3"
        " AND revoked IS NULL)",
        tenant,
        account,
        role,
    )
    return found


async def grant(
    tx: Connection,
    tenant: int,
    by: Actor,
    account: str,
    role: str,
    *,
    department: str | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    reason: str | None = None,
    witness: Witness = UNTOLD,
    hours: str | None = None,
    crossing: str | None = None,
) -> int:
    """Give a role to an account and answer the grant's number; nobody gives himself one.

    `hours` are those of the week in which it holds; `crossing` says why an account of another keeper may come here.
    """
    await _may_give(tx, tenant, by, account)
    if role not in (await every_role(tx, tenant))[0]:
        raise UnknownRole(role)
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise BadRequest("It would end before it begins.", vi="Ngày kết thúc trước ngày bắt đầu.")
    if hours is not None:
        week.read(hours)
    if crossing not in (None, *CROSSINGS) or (crossing is None and await _is_elsewhere(tx, tenant, account)):
        raise BadCrossing(account)
    number: int = await tx.fetchval(
        "INSERT INTO record.role_grant"
        " (tenant, account, role, department, valid_from, valid_to, reason, granted_by, hours, crossing)"
        " VALUES ($1, $2, $3, $4, coalesce($5::timestamptz, now()), coalesce($6::timestamptz, 'infinity'), $7, $8, $9, $10)"
        " RETURNING id",
        tenant,
        account,
        role,
        department,
        valid_from,
        valid_to,
        reason,
        by.account,
        hours,
        crossing,
    )
    where = f" @ {department}" if department else ""
    await _tell(tx, witness, tenant, by, "grant-give", f"{account} {role}{where} #{number}", reason or "")
    return number


async def revoke(tx: Connection, tenant: int, by: Actor, number: int, *, witness: Witness = UNTOLD) -> Grant:
    """End a grant now."""
    row = await tx.fetchrow(
        "UPDATE record.role_grant SET revoked = now(), revoked_by = $3"
        " WHERE tenant = $1 AND id = $2 AND revoked IS NULL"
        " RETURNING id, account, role, department, valid_from, CASE WHEN isfinite(valid_to) THEN valid_to END,"
        " reason, granted_by, hours, crossing",
        tenant,
        number,
        by.account,
    )
    if row is None:
        raise UnknownGrant(str(number))
    await _may_give(tx, tenant, by, row["account"])  # raising rolls back
    await _tell(tx, witness, tenant, by, "grant-take", f"{row['account']} {row['role']} #{number}")
    return Grant(*row)


async def grants_of(tx: Connection, tenant: int, account: str | None = None) -> list[Grant]:
    """The grants not revoked, of an account or of all, those that are over or still to come too."""
    rows = await tx.fetch(
        "SELECT id, account, role, department, valid_from, CASE WHEN isfinite(valid_to) THEN valid_to END, reason, granted_by,"
        " hours, crossing FROM record.role_grant WHERE tenant = $1 AND revoked IS NULL AND ($2::text IS NULL OR account = $2)"
        " ORDER BY account, id",
        tenant,
        account,
    )
    return [Grant(*row) for row in rows]


async def set_hours(
    tx: Connection,
    tenant: int,
    by: Actor,
    account: str,
    hours: str | None,
    *,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    reason: str | None = None,
    witness: Witness = UNTOLD,
) -> None:
    """Say when an account may work at all, in whatever role; without anything it always may."""
    await _may_give(tx, tenant, by, account)
    if hours is not None:
        week.read(hours)
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise BadRequest("It would end before it begins.", vi="Ngày kết thúc trước ngày bắt đầu.")
    await _tell(tx, witness, tenant, by, "account-hours", f"{account} {hours or '-'}", reason or "")
    if hours is None and valid_from is None and valid_to is None:
        await tx.execute(
            "DELETE FROM record.account_hours WHERE tenant = $1 AND account = $2", tenant, account
        )
        return
    await tx.execute(
        "INSERT INTO record.account_hours (tenant, account, hours, valid_from, valid_to, reason, changed_by)"
        " VALUES ($1, $2, $3, coalesce($4::timestamptz, '-infinity'), coalesce($5::timestamptz, 'infinity'), $6, $7)"
        " ON CONFLICT (tenant, account) DO UPDATE SET hours = excluded.hours, valid_from = excluded.valid_from,"
        " valid_to = excluded.valid_to, reason = excluded.reason, changed = now(), changed_by = excluded.changed_by",
        tenant,
        account,
        hours,
        valid_from,
        valid_to,
        reason,
        by.account,
    )


async def hours_of(tx: Connection, tenant: int, account: str) -> Hours | None:
    """When an account may work at all; None where it always may."""
    row = await tx.fetchrow(
        "SELECT hours, CASE WHEN isfinite(valid_from) THEN valid_from END, CASE WHEN isfinite(valid_to) THEN valid_to END"
        " FROM record.account_hours WHERE tenant = $1 AND account = $2",
        tenant,
        account,
    )
    return None if row is None else Hours(*row)


def person(text: str) -> tuple[str, str]:
    """Who `Practitioner/…` or `Patient/…` names."""
    type_, _, id_ = text.partition("/")
    if type_ not in ("Practitioner", "Patient") or not id_:
        raise BadRequest(
            "A person is Practitioner/… or Patient/….", vi="Người được nêu là Practitioner/… hoặc Patient/…."
        )
    return type_, id_


async def tell_person(
    tx: Connection, tenant: int, by: Actor, account: str, type: str, id: str, *, witness: Witness = UNTOLD
) -> None:
    """Say that an account belongs to this Practitioner or Patient, or represents this Patient."""
    await _may_give(tx, tenant, by, account)
    await tx.execute(
        "INSERT INTO record.role_person (tenant, account, type, id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tenant,
        account,
        type,
        id,
    )
    await _tell(tx, witness, tenant, by, "account-person", f"{account} {type}/{id}")


async def _tell(
    tx: Connection, witness: Witness, tenant: int, by: Actor, act: str, subject: str, reason: str = ""
) -> None:
    """Note a change of rights."""
    told = Happening(act, by.account, subject, reason=reason, workstation=by.workstation, tenant=tenant)
    await witness.tell(tx, told)


async def _may_give(tx: Connection, tenant: int, by: Actor, account: str) -> None:
    """Refuse who would change his own rights, or gives rights in the record of a keeper that is not his."""
    if by.account == account:
        raise OwnRole(account)
    if await _is_elsewhere(tx, tenant, by.account):
        raise ForeignTenant(by.account)


async def _is_elsewhere(tx: Connection, tenant: int, account: str) -> bool:
    """Whether an account belongs to other keepers only."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM access.account WHERE login = $2 AND NOT $1 = ANY(tenants))"
        " OR EXISTS (SELECT FROM access.client WHERE 'client:' || name = $2 AND NOT $1 = ANY(tenants))",
        tenant,
        account,
    )
    return found
