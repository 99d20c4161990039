"""The list of accounts as an administrator reads it: who there is, in which state, with which roles, used when and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.fold import fold
from hsba.fhir.problems import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hsba.access.administration.office import Office
    from hsba.access.rules import Rules

PAGE = 50
STATES = ("active", "disabled", "locked", "must-change", "never-used")
"""What the list can be narrowed to."""


class NoSuchAccount(NotFound):
    """There is no account of this number in this house."""

    vi = "Cơ sở này không có tài khoản mang số đó."


_COLUMNS = """
a.id, a.login, a.kind, a.name, a.state, a.tenants, a.created, a.made_by, a.last_use, a.must_change,
CASE WHEN a.locked_until > $2 THEN a.locked_until END AS locked_until,
ARRAY(SELECT DISTINCT g.role FROM record.role_grant g
      WHERE g.tenant = $1 AND g.account = a.login AND g.revoked IS NULL AND g.valid_from <= $2 AND $2 < g.valid_to
      ORDER BY 1) AS roles
"""
_HERE = "(a.tenants IS NULL OR $1 = ANY (a.tenants))"


@dataclass(frozen=True, slots=True)
class Entry:
    """One account of the list; `roles` are those it has at this moment."""

    id: int
    login: str
    kind: str
    name: str
    state: str
    tenants: tuple[int, ...] | None
    created: datetime
    made_by: str | None
    last_use: datetime | None
    must_change: bool
    locked_until: datetime | None
    """None for one that is not locked by wrong passwords now."""
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list is narrowed to; empty asks for nothing."""

    typed: str = ""
    kind: str = ""
    state: str = ""
    role: str = ""
    after: str = ""
    """The login at which the page before ended."""


@dataclass(frozen=True, slots=True)
class Open:
    """A session that is open."""

    id: int
    address: str
    agent: str
    workstation: str | None
    created: datetime
    last_seen: datetime


async def accounts(office: Office, asked: Asked) -> tuple[list[Entry], str]:
    """A page of the accounts of this house by login; and where the next one begins, empty at the end."""
    among = None if not asked.typed.strip() else await _typed(office, asked.typed)
    rows = await office.tx.fetch(
        f"SELECT * FROM (SELECT {_COLUMNS} FROM access.account a WHERE {_HERE} AND a.login > $3"
        " AND ($4 = '' OR a.kind = $4) AND ($5::bigint[] IS NULL OR a.id = ANY ($5))) a"
        " WHERE ($6 = '' OR $6 = ANY (a.roles)) AND CASE $7 WHEN '' THEN true"
        " WHEN 'locked' THEN a.locked_until IS NOT NULL WHEN 'must-change' THEN a.must_change AND a.state = 'active'"
        " WHEN 'never-used' THEN a.last_use IS NULL ELSE a.state = $7 END"
        " ORDER BY a.login LIMIT $8",
        office.tenant,
        office.now,
        asked.after,
        asked.kind,
        among,
        asked.role,
        asked.state if asked.state in STATES else "",
        PAGE + 1,
    )
    found = [_entry(row) for row in rows[:PAGE]]
    return found, found[-1].login if len(rows) > PAGE else ""


async def one(office: Office, id: int) -> Entry:
    """An account of this house; raises NoSuchAccount."""
    row = await office.tx.fetchrow(
        f"SELECT {_COLUMNS} FROM access.account a WHERE {_HERE} AND a.id = $3", office.tenant, office.now, id
    )
    if row is None:
        raise NoSuchAccount(str(id))
    return _entry(row)


async def named(office: Office, logins: Sequence[str]) -> dict[str, Entry]:
    """Those accounts of this house that have one of these names."""
    rows = await office.tx.fetch(
        f"SELECT {_COLUMNS} FROM access.account a WHERE {_HERE} AND a.login = ANY ($3)",
        office.tenant,
        office.now,
        list(logins),
    )
    return {row["login"]: _entry(row) for row in rows}


async def sessions(office: Office, id: int, rules: Rules) -> list[Open]:
    """The open sessions of an account, the newest first."""
    rows = await office.tx.fetch(
        "SELECT id, address, coalesce(agent, '') AS agent, workstation, created, last_seen FROM access.session"
        " WHERE account = $1 AND revoked IS NULL AND ends > $2 AND last_seen > $3 ORDER BY created DESC LIMIT 100",
        id,
        office.now,
        office.now - rules.session_idle,
    )
    return [Open(**row) for row in rows]


async def counts(office: Office) -> dict[str, int]:
    """How many accounts of this house are open, closed, locked, to change their password, and administrators."""
    row = await office.tx.fetchrow(
        "SELECT count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'disabled') AS disabled,"
        " count(*) FILTER (WHERE locked_until > $2) AS locked,"
        " count(*) FILTER (WHERE must_change AND state = 'active') AS must_change,"
        " count(*) FILTER (WHERE kind = 'administrator' AND state = 'active') AS administrators,"
        " count(*) FILTER (WHERE kind = 'staff' AND state = 'active') AS staff,"
        " count(*) FILTER (WHERE kind = 'security' AND state = 'active') AS officers"
        f" FROM access.account a WHERE {_HERE}",
        office.tenant,
        office.now,
    )
    return dict(row)


async def _typed(office: Office, typed: str) -> list[int]:
    """The numbers of the accounts whose login or name has all the words that were typed, without accents."""
    words = fold(typed[:200]).split()
    rows = await office.tx.fetch(
        f"SELECT a.id, a.login, a.name FROM access.account a WHERE {_HERE}", office.tenant
    )
    return [row["id"] for row in rows if all(word in f"{row['login']} {fold(row['name'])}" for word in words)]


def _entry(row: object) -> Entry:
    kept = dict(row)  # type: ignore[call-overload]
    kept["roles"] = tuple(kept["roles"])
    kept["tenants"] = None if kept["tenants"] is None else tuple(kept["tenants"])
    return Entry(**kept)
