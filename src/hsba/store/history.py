"""The versions in the order they came: pages of history, and the feed that misses no late committer.

`recorded` is set before the commit, so a version may appear after a later one was seen.  The feed therefore follows
`xid` and reads only below the oldest transaction still open.  A page of history shows all that is committed; its
cursor carries the snapshot of the first page, so the following pages neither repeat nor lose anything.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest
from hsba.store.resources import Stored

if TYPE_CHECKING:
    from hsba.store.pool import Connection

_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_SNAPSHOT = re.compile(r"\d{1,20}:\d{1,20}:(?:\d{1,20}(?:,\d{1,20})*)?").fullmatch


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended, and of its first page the snapshot it was read in and the horizon."""

    xid: int
    resource: int
    vid: int
    snapshot: str
    horizon: datetime

    def text(self) -> str:
        """The cursor as it stands in a link."""
        horizon = (self.horizon - _EPOCH) // _TICK
        plain = f"{self.xid}.{self.resource}.{self.vid}.{self.snapshot}.{horizon}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> Cursor:
        """Read a cursor out of a link."""
        try:
            plain = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
            xid, resource, vid, snapshot, horizon = plain.split(".")
            found = cls(int(xid), int(resource), int(vid), snapshot, _EPOCH + int(horizon) * _TICK)
        except (ValueError, OverflowError, binascii.Error) as exc:
            raise BadRequest("This page link is broken.", vi="Liên kết trang không đúng.") from exc
        if not _SNAPSHOT(snapshot) or max(found.xid, found.resource, found.vid) >= 2**63:
            raise BadRequest("This page link is broken.", vi="Liên kết trang không đúng.")
        return found


@dataclass(frozen=True, slots=True)
class Entry:
    """A version and the transaction that wrote it."""

    stored: Stored
    xid: int


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions are wanted: recorded since a time, or current at some point of a period."""

    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None


_COLUMNS = "v.resource, v.type, v.vid, v.recorded, v.interaction, v.body, v.xid::text"


def _conditions(span: Span, arguments: list[Any]) -> str:
    """The parts of WHERE that ask for a span; their values are added to the arguments."""
    parts = ""
    if span.since is not None:
        arguments.append(span.since)
        parts += f" AND v.recorded >= ${len(arguments)}"
    if span.at is not None:
        arguments.extend(span.at)
        low, high = len(arguments) - 1, len(arguments)
        parts += (
            f" AND v.recorded <= ${high} AND NOT EXISTS (SELECT FROM record.version n WHERE n.tenant = v.tenant"
            f" AND n.resource = v.resource AND n.vid = v.vid + 1 AND n.recorded <= ${low})"
        )
    return parts


async def of_resource(
    tx: Connection, tenant: int, key: int, span: Span, *, before: int | None, limit: int
) -> list[Entry]:
    """Versions of one resource, the newest first, below version `before`."""
    arguments: list[Any] = [tenant, key, 2**31 - 1 if before is None else before, limit]
    rows = await tx.fetch(
        f"SELECT {_COLUMNS}, r.id FROM record.version v"
        " JOIN record.resource r ON r.tenant = v.tenant AND r.key = v.resource"
        f" WHERE v.tenant = $1 AND v.resource = $2 AND v.vid < $3{_conditions(span, arguments)}"
        " ORDER BY v.vid DESC LIMIT $4",
        *arguments,
    )
    return [_entry(row) for row in rows]


async def of_types(
    tx: Connection, tenant: int, types: list[int] | None, span: Span, *, after: Cursor | None, limit: int
) -> list[Entry]:
    """Versions of some types (None = of all), the newest first, continuing where a page ended.

    Each type is walked along its own part of the index and the parts are merged: a rare type costs no walk over
    the frequent ones, and the whole system costs as many short walks as there are types.
    """
    arguments: list[Any] = [tenant, limit]
    conditions = _conditions(span, arguments)
    if after is not None:
        arguments.extend((str(after.xid), after.resource, after.vid, after.snapshot))
        n = len(arguments)
        conditions += (
            f" AND (v.xid, v.resource, v.vid) < (${n - 3}::text::xid8, ${n - 2}::bigint, ${n - 1}::integer)"
            f" AND pg_visible_in_snapshot(v.xid, ${n}::text::pg_snapshot)"
        )
    chosen = ""
    if types is not None:
        arguments.append(types)
        chosen = f" WHERE t.id = ANY(${len(arguments)}::smallint[])"
    rows = await tx.fetch(
        f"SELECT {_COLUMNS}, r.id FROM (SELECT v.* FROM reference.type t CROSS JOIN LATERAL ("
        f"SELECT v.* FROM record.version v WHERE v.tenant = $1 AND v.type = t.id{conditions}"
        " ORDER BY v.xid DESC, v.resource DESC, v.vid DESC LIMIT $2) v"
        f"{chosen} ORDER BY v.xid DESC, v.resource DESC, v.vid DESC LIMIT $2) v"
        " JOIN record.resource r ON r.tenant = v.tenant AND r.key = v.resource"
        " ORDER BY v.xid DESC, v.resource DESC, v.vid DESC",
        *arguments,
    )
    return [_entry(row) for row in rows]


async def last_bodies(tx: Connection, tenant: int, keys: list[int]) -> dict[int, str]:
    """What some resources, deleted since, said last, by their keys."""
    rows = await tx.fetch(
        "SELECT k.key, v.body FROM unnest($2::bigint[]) AS k(key) CROSS JOIN LATERAL ("
        "SELECT x.body FROM record.version x WHERE x.tenant = $1 AND x.resource = k.key AND x.body IS NOT NULL"
        " ORDER BY x.vid DESC LIMIT 1) v",
        tenant,
        keys,
    )
    return {row[0]: row[1] for row in rows}


async def snapshot(tx: Connection) -> str:
    """The snapshot of this moment, for a cursor."""
    text: str = await tx.fetchval("SELECT pg_current_snapshot()::text")
    return text


async def count(tx: Connection, tenant: int, key: int, span: Span) -> int:
    """How many versions of one resource there are in a span."""
    arguments: list[Any] = [tenant, key]
    number: int = await tx.fetchval(
        f"SELECT count(*) FROM record.version v WHERE v.tenant = $1 AND v.resource = $2{_conditions(span, arguments)}",
        *arguments,
    )
    return number


async def horizon(tx: Connection) -> datetime:
    """A time before which nothing can appear any more: when the oldest open transaction began, less a second.

    The second is for clocks of two machines that differ a little.  Whoever asks again with `_since` this time sees
    some versions twice but misses none.
    """
    when: datetime = await tx.fetchval(
        "SELECT date_trunc('milliseconds', least(statement_timestamp(), min(a.xact_start)) - interval '1 second')"
        " FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
        " AND a.backend_type = 'client backend'"
    )
    return when


async def bound(tx: Connection) -> int:
    """The oldest transaction still open: below it nothing can appear any more."""
    return int(await tx.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))


async def feed(
    tx: Connection,
    tenant: int,
    after: int,
    *,
    limit: int,
    types: list[int] | None = None,
    bodies: bool = True,
) -> tuple[list[Entry], int]:
    """Versions that came after a transaction, in commit-safe order, and how far that is; without `bodies` no contents.

    Whole transactions only (the page may be longer than the limit), so the cursor is one number.  What stands above
    the oldest open transaction waits, for a smaller xid may still commit.
    """
    end = await bound(tx)
    if end <= after + 1:
        return [], after
    columns = _COLUMNS if bodies else _COLUMNS.replace("v.body", "NULL::text")
    rows = await tx.fetch(
        f"SELECT {columns}, r.id FROM (SELECT v.* FROM reference.type t CROSS JOIN LATERAL ("
        "SELECT v.* FROM record.version v WHERE v.tenant = $1 AND v.type = t.id"
        " AND v.xid > $2::text::xid8 AND v.xid < $3::text::xid8"
        " ORDER BY v.xid FETCH FIRST $4 ROWS WITH TIES) v"
        " WHERE $5::smallint[] IS NULL OR t.id = ANY($5)"
        " ORDER BY v.xid FETCH FIRST $4 ROWS WITH TIES) v"
        " JOIN record.resource r ON r.tenant = v.tenant AND r.key = v.resource"
        " ORDER BY v.xid, v.recorded, v.resource, v.vid",
        tenant,
        str(after),
        str(end),
        limit,
        types,
    )
    entries = [_entry(row) for row in rows]
    return entries, entries[-1].xid if len(entries) >= limit else end - 1


def _entry(row: Any) -> Entry:
    interaction = row[4].decode()
    deleted = interaction == "D"
    return Entry(Stored(row[0], row[1], row[7], row[2], row[3], deleted, row[5], interaction), int(row[6]))
