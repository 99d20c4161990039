"""Who has an account, which roles, since when and when last used: to be looked through and confirmed every half year."""

from __future__ import annotations

import calendar
import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime  # noqa: TC003 - msgspec reads the types when it runs
from typing import TYPE_CHECKING

import msgspec

from hsba.access.ports import Happening
from hsba.fhir.problems import Conflict

if TYPE_CHECKING:
    from hsba.access.ports import Witness
    from hsba.store.pool import Connection


class ListChanged(Conflict):
    """The list of accounts was changed while you read it; nothing was confirmed: look through the new one."""

    vi = "Danh sách tài khoản đã thay đổi trong lúc bạn xem nên chưa xác nhận gì; hãy xem lại danh sách mới."


@dataclass(frozen=True, slots=True)
class Standing:
    """An account or a service client of a keeper."""

    login: str
    name: str
    kind: str
    state: str
    created: datetime
    last_use: datetime | None
    roles: tuple[str, ...]
    """Names of the roles in force, with `@` a department where only there."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """When somebody confirmed the list, and who."""

    confirmed: datetime
    account: str
    accounts: int


STANDINGS = """
SELECT a.login, a.name, a.kind, a.state, a.created, a.last_use, ARRAY(
    SELECT g.role || coalesce('@' || g.department, '') FROM record.role_grant g
    WHERE g.tenant = $1 AND g.account = a.login AND g.revoked IS NULL AND g.valid_from <= $2 AND $2 < g.valid_to
    ORDER BY 1
) AS roles
FROM (
    SELECT login, name, kind, state, created, last_use FROM access.account WHERE tenants IS NULL OR $1 = ANY (tenants)
    UNION ALL
    SELECT 'client:' || name, title, 'service', state, created, last_use FROM access.client
    WHERE tenants IS NULL OR $1 = ANY (tenants)
) a ORDER BY a.kind, a.login
"""


async def standings(tx: Connection, tenant: int, now: datetime) -> list[Standing]:
    """Every account and client of a keeper."""
    rows = await tx.fetch(STANDINGS, tenant, now)
    return [Standing(**{**row, "roles": tuple(row["roles"])}) for row in rows]


def digest(some: list[Standing]) -> str:
    """What a list says, in short; when somebody was last there is no part of it."""
    kept = [{name: value for name, value in asdict(one).items() if name != "last_use"} for one in some]
    return hashlib.sha256(msgspec.json.encode(kept)).hexdigest()


async def last(tx: Connection, tenant: int) -> Confirmation | None:
    """The last confirmation."""
    row = await tx.fetchrow(
        "SELECT confirmed, account, cardinality(accounts) AS accounts FROM access.review WHERE tenant = $1"
        " ORDER BY confirmed DESC LIMIT 1",
        tenant,
    )
    return Confirmation(**row) if row is not None else None


async def overdue(tx: Connection, tenant: int, now: datetime, months: int) -> bool:
    """Whether nobody has confirmed the list for too long; a new keeper has the same time from its first account on."""
    since = await tx.fetchval(
        "SELECT coalesce((SELECT max(confirmed) FROM access.review WHERE tenant = $1),"
        " (SELECT min(created) FROM access.account WHERE tenants IS NULL OR $1 = ANY (tenants)))",
        tenant,
    )
    return since is not None and earlier(now, months) > since


async def confirm(
    tx: Connection, tenant: int, by: str, now: datetime, seen: str, witness: Witness, address: str | None
) -> None:
    """Keep that somebody looked through the list and found it right; refused where he saw another one."""
    found = await standings(tx, tenant, now)
    if digest(found) != seen:
        raise ListChanged
    await tx.execute(
        "INSERT INTO access.review (tenant, confirmed, account, accounts) VALUES ($1, $2, $3, $4)",
        tenant,
        now,
        by,
        [f"{one.login} {one.state} {' '.join(one.roles)}".strip() for one in found],
    )
    told = Happening("audit-review", by, f"{len(found)} {seen[:16]}", address=address, tenant=tenant)
    await witness.tell(tx, told)


def earlier(when: datetime, months: int) -> datetime:
    """The same day some months before, or the last of that month."""
    year, month = divmod(when.year * 12 + when.month - 1 - months, 12)
    return when.replace(
        year=year, month=month + 1, day=min(when.day, calendar.monthrange(year, month + 1)[1])
    )
