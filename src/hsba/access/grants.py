"""The tables of rights: a hospital's own roles, who was given which role where and until when, and who an account is.

Each change names who makes it; nobody gives himself a role, takes one from himself or changes one he has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - msgspec reads the types of a grant when it runs
from typing import TYPE_CHECKING

import msgspec

from hsba.access import roles
from hsba.access.policy import OwnRole
from hsba.access.ports import UNTOLD, Happening
from hsba.access.roles import BadRole, Role
from hsba.fhir.problems import BadRequest, NotFound

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


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the tables say of an account at a moment: grants in force, the roles they name, and who it is."""

    grants: tuple[Grant, ...]
    roles: tuple[Role, ...]
    broken: tuple[str, ...]
    """Sentences about roles that cannot be read."""
    practitioners: tuple[str, ...]
    patients: tuple[str, ...]
    kind: str | None
    """The kind of the account; None for a program that is no account."""


STANDING = """
SELECT (SELECT coalesce(json_agg(json_build_object('id', g.id, 'account', g.account, 'role', g.role,
            'department', g.department, 'valid_from', g.valid_from,
            'valid_to', CASE WHEN isfinite(g.valid_to) THEN g.valid_to END,
            'reason', g.reason, 'granted_by', g.granted_by) ORDER BY g.id), '[]')
        FROM record.role_grant g WHERE g.tenant = $1 AND g.account = $2 AND g.revoked IS NULL
          AND g.valid_from <= $3 AND $3 < g.valid_to),
       (SELECT coalesce(json_agg(json_build_object('name', r.name, 'title', r.title, 'lines', r.lines) ORDER BY r.name), '[]')
        FROM record.role r WHERE r.tenant = $1),
       (SELECT coalesce(json_agg(json_build_object('type', p.type, 'id', p.id) ORDER BY p.type, p.id), '[]')
        FROM record.role_person p WHERE p.tenant = $1 AND p.account = $2),
       (SELECT a.kind FROM access.account a WHERE a.login = $2)
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
    role = roles.read(name, title, lines, roles.groups(), own=True)
    if await tx.fetchval(
        "SELECT EXISTS (SELECT FROM record.role_grant WHERE tenant = $1 AND account = $2 AND role = $3"
        " AND revoked IS NULL)",
        tenant,
        by.account,
        name,
    ):
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
) -> int:
    """Give a role to an account and answer the grant's number; nobody gives himself one."""
    _not_oneself(by, account)
    if role not in (await every_role(tx, tenant))[0]:
        raise UnknownRole(role)
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise BadRequest("It would end before it begins.", vi="Ngày kết thúc trước ngày bắt đầu.")
    number: int = await tx.fetchval(
        "INSERT INTO record.role_grant (tenant, account, role, department, valid_from, valid_to, reason, granted_by)"
        " VALUES ($1, $2, $3, $4, coalesce($5::timestamptz, now()), coalesce($6::timestamptz, 'infinity'), $7, $8) RETURNING id",
        tenant,
        account,
        role,
        department,
        valid_from,
        valid_to,
        reason,
        by.account,
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
        " reason, granted_by",
        tenant,
        number,
        by.account,
    )
    if row is None:
        raise UnknownGrant(str(number))
    _not_oneself(by, row["account"])  # raising rolls back
    await _tell(tx, witness, tenant, by, "grant-take", f"{row['account']} {row['role']} #{number}")
    return Grant(*row)


async def grants_of(tx: Connection, tenant: int, account: str | None = None) -> list[Grant]:
    """The grants not revoked, of an account or of all, those that are over or still to come too."""
    rows = await tx.fetch(
        "SELECT id, account, role, department, valid_from, CASE WHEN isfinite(valid_to) THEN valid_to END, reason, granted_by"
        " FROM record.role_grant WHERE tenant = $1 AND revoked IS NULL AND ($2::text IS NULL OR account = $2)"
        " ORDER BY account, id",
        tenant,
        account,
    )
    return [Grant(*row) for row in rows]


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
    _not_oneself(by, account)
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


def _not_oneself(by: Actor, account: str) -> None:
    if by.account == account:
        raise OwnRole(account)
