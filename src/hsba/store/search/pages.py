"""One page of matches, and a cursor for the next one that stays right while others write.

The default order is by key, newest first: keys never change and are never given again.  For an order by values, which
do change, the cursor carries the snapshot of the first page: what was changed since then keeps, on later pages, the place
it had; what was created since then is left out.  So nothing is shown twice and nothing is passed over.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from hsba.fhir import json
from hsba.fhir.extract import extract
from hsba.fhir.query import expression as e
from hsba.store.resources import Stored
from hsba.store.search import order
from hsba.store.search.base import NEVER, Alias
from hsba.store.search.cursor import Cursor
from hsba.store.search.cursor import read as read_cursor
from hsba.store.search.source import (
    has_common_name,
    is_broad,
    is_broad_link,
    is_by_key,
    is_narrow,
    matches,
    one_link,
    walked,
)
from hsba.store.search.statement import Ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.fhir.query.parse import Search, Sort
    from hsba.store.pool import Connection
    from hsba.store.search.compile import Compiler
    from hsba.store.search.cursor import Value
    from hsba.store.search.facts import Facts, Scope
    from hsba.store.search.order import Key

LONGEST_WRITE = timedelta(minutes=10)
"""A transaction takes less: what was recorded earlier than this before the first page was there for it to see."""

Way = Literal["joined", "newest", "staged", "sorted"]
Row = tuple[Any, ...]
"""key, type, id, vid, recorded, body, snapshot, then the values of the order"""


async def read(tx: Connection, wanted: Search, scope: Scope, facts: Facts) -> tuple[list[Stored], str | None]:
    """The matches of a page and the cursor of the next one, None on the last page."""
    reader = _Reader(tx, wanted, scope, facts)
    after = await reader.cursor()
    rows = await reader.rows(after)
    shown = rows[: wanted.count]
    matches = [Stored(row[0], row[1], row[2], row[3], row[4], deleted=False, body=row[5]) for _, row in shown]
    if len(rows) <= wanted.count:
        return matches, None
    stage, last = shown[-1]
    snapshot, taken = (after.snapshot, after.taken) if after is not None else (last[6], datetime.now(UTC))
    return matches, Cursor(reader.signature, stage, tuple(last[7:]), last[0], snapshot, taken).text()


CALLED = (
    "JOIN record.bodies($1, ARRAY(SELECT key FROM p ORDER BY key), ARRAY(SELECT vid FROM p ORDER BY key),"
    " ARRAY(SELECT recorded FROM p ORDER BY key)) b ON b.resource = p.key"
)
"""The texts of a page by a function, which keeps its plan: to plan a look into every month's versions takes long."""
LOOKED_UP = (
    "CROSS JOIN LATERAL (SELECT v.body FROM record.version v WHERE v.tenant = $1 AND v.resource = p.key"
    " AND v.vid = p.vid AND v.recorded = p.recorded OFFSET 0) b"
)
"""The same where the whole statement's plan is kept."""


class _Reader:
    """Reads the rows of one page, stage by stage: those that have the first value of the order, then those without."""

    def __init__(self, tx: Connection, wanted: Search, scope: Scope, facts: Facts) -> None:
        self.ask = Ask(tx, scope, facts)
        self.tx = tx
        self.wanted = wanted
        self.scope = scope
        self.alias = Alias("r", wanted.types)
        self.signature = _signature(wanted)
        self.steady = all(sort.code == "_id" for sort in wanted.sort)
        self.keys: list[Key] = []
        self.by_key = False
        self.way: Way = "joined"
        """How the order is reached: `joined` by key through joins, `newest` by key with probes, `staged` through the rows
        of the first value with probes and then those without one, `sorted` by gathering all matches."""

    @property
    def staged(self) -> bool:
        """Whether the rows of the first value are walked."""
        return self.way == "staged"

    async def cursor(self) -> Cursor | None:
        """Understand the order, choose the way to it, and read the cursor that the request brings."""
        where, alias = self.wanted.where, self.alias

        def learn(compiler: Compiler) -> str:
            self.keys = order.keys(compiler, self.wanted.sort, alias)
            if self.keys:
                walks = self.keys[0].walk is not None and not is_narrow(compiler, where, alias)
                self.way = "staged" if walks else "sorted"
            elif has_common_name(compiler, where, alias) and not is_narrow(compiler, where, alias):
                self.way = "newest"
            self.by_key = not self.keys and self.wanted.cursor is None and is_by_key(compiler, where, alias)
            return ""

        await self.ask(learn)
        link = None if self.keys else one_link(where)
        if link is not None and await is_broad_link(self.ask, link):
            self.way = "newest"
        elif self.way == "staged" and not await is_broad(self.ask, where, alias, names_only=False):
            self.way = "sorted"
        elif self.way == "newest" and not await is_broad(self.ask, where, alias, names_only=True):
            self.way = "joined"
        if self.wanted.cursor is None:
            return None
        return read_cursor(self.wanted.cursor, self.signature, tuple(key.kind for key in self.keys))

    async def rows(self, after: Cursor | None) -> list[tuple[int, Row]]:
        """One row more than the page, each with its stage."""
        limit = self.wanted.count + 1
        found: list[tuple[int, Row]] = []
        stage = 1 if self.staged and after is not None and after.values[0] is None else 0
        place = after
        while True:
            found += [(stage, row) for row in await self.stage(stage, place, after, limit - len(found))]
            if len(found) >= limit or not self.staged or stage == 1 or self.always_there():
                break
            stage, place = 1, None
        if after is not None and not self.steady:
            found = await self.with_changed(found, after, limit)
        return found

    def always_there(self) -> bool:
        """Whether every match has the first value of the order, because a part of the condition tests it."""
        where = self.wanted.where
        parts = where.parts if isinstance(where, e.And) else (where,)
        return any(isinstance(part, e.Match) and part.code == self.wanted.sort[0].code for part in parts)

    async def stage(self, stage: int, place: Cursor | None, first: Cursor | None, limit: int) -> list[Row]:
        """The rows of one stage after a place."""

        def write(compiler: Compiler) -> str:
            return self.write(compiler, stage, place, first, limit)

        return [tuple(row) for row in await self.ask(write, by_key=self.by_key) or ()]

    def write(
        self, compiler: Compiler, stage: int, place: Cursor | None, first: Cursor | None, limit: int
    ) -> str:
        """The statement: the page's rows in order, then their texts by one call."""
        keys = order.keys(compiler, self.wanted.sort, self.alias)
        where, alias = self.wanted.where, self.alias
        if self.staged and stage == 0:
            by = self.wanted.sort[0].code if keys[0].kind is datetime else None
            source = walked(compiler, where, alias, by=by, typed=False)
        elif self.staged or self.way == "newest":
            source = walked(compiler, where, alias, by=None, typed=True)
        else:
            source = matches(compiler, where, alias, gather=self.way == "joined")
        if source.nothing:
            return NEVER
        parts = source.parts
        text = source.text
        newest = order.newest_first(keys)
        key = "r.key"
        if self.staged:
            table, on, column = keys[0].walk or ("", "", "")
            on = on.replace("x.", "w.")
            if stage == 0:
                text += f" JOIN record.{table} w ON w.resource = r.key"
                parts += ["w.tenant = $1", on]
                keys[0] = replace(keys[0], sql=f"w.{column}", join="", missing=False)
                key = "w.resource"
            else:
                parts.append(
                    f"NOT EXISTS (SELECT FROM record.{table} w WHERE w.tenant = $1 AND w.resource = r.key AND {on})"
                )
                keys[0] = replace(keys[0], sql=f"NULL::{order.CASTS[keys[0].kind]}", join="")
        if place is not None:
            parts.append(self.beyond(compiler, keys, stage, place, key, newest=newest))
        if first is not None and not self.steady:
            parts.append(_unchanged(compiler, first))
        told = "".join(f", {one.sql} AS s{number}" for number, one in enumerate(keys))
        joins = "".join(one.join for one in keys)
        ordered = keys[1:] if self.staged and stage == 1 else keys
        inner = (
            f"SELECT r.key, r.type, r.id, r.vid, r.recorded{told} FROM {text}{joins} WHERE {' AND '.join(parts)}"
            f" ORDER BY {order.text(ordered, key, newest=newest)} LIMIT {compiler.arg(limit)}"
        )
        again = [replace(one, sql=f"p.s{number}") for number, one in enumerate(keys)]
        snapshot = "''" if self.steady else "(SELECT pg_current_snapshot()::text)"
        values = "".join(f", p.s{number}" for number in range(len(keys)))
        return (
            f"WITH p AS MATERIALIZED ({inner})"
            f" SELECT p.key, p.type, p.id, p.vid, p.recorded, b.body, {snapshot}{values}"
            f" FROM p {LOOKED_UP if self.by_key else CALLED}"
            f" ORDER BY {order.text(again, 'p.key', newest=newest)}"
        )

    def beyond(
        self, compiler: Compiler, keys: Sequence[Key], stage: int, place: Cursor, key: str, *, newest: bool
    ) -> str:
        """The condition that a row comes after a place."""
        if stage == 0 and len(keys) == 1 and self.staged:
            value = f"{compiler.arg(place.values[0])}::{order.CASTS[keys[0].kind]}"
            return f"({keys[0].sql}, {key}) {'<' if newest else '>'} ({value}, {compiler.arg(place.key)}::bigint)"
        skip = 1 if self.staged and stage == 1 else 0
        return order.after(keys[skip:], place.values[skip:], place.key, key, compiler.arg, newest=newest)

    # --- what was changed since the first page -------------------------------------------------------------

    async def with_changed(
        self, found: list[tuple[int, Row]], after: Cursor, limit: int
    ) -> list[tuple[int, Row]]:
        """Put what was changed since the first page where it stood then."""

        def changed(compiler: Compiler) -> str:
            source = matches(compiler, self.wanted.where, self.alias, gather=False)
            since = f"r.recorded > {compiler.arg(after.taken - LONGEST_WRITE)}"
            changed_since = f"{since} AND NOT {_seen(compiler, after)}"
            return (
                NEVER
                if source.nothing
                else f"SELECT r.key FROM {source.text} WHERE {source.where} AND {changed_since}"
            )

        keys = [row[0] for row in await self.ask(changed) or ()]
        if not keys:
            return found
        rows = await self.tx.fetch(BEFORE, self.scope.tenant.id, keys, after.snapshot)
        newest = order.newest_first(self.keys)
        placed = [(*one, False) for one in found]
        for row in rows:
            values = self.values_of(row)
            stage = 1 if self.staged and values[0] is None else 0
            shown = (row[0], row[1], row[2], row[3], row[4], row[5], after.snapshot, *values)
            placed.append((stage, shown, True))
        start = _rank(self.keys, after.values, after.key, newest=newest)
        ranked = sorted(
            (
                (_rank(self.keys, row[7:], row[0], newest=newest), stage, row)
                for stage, row, moved in placed
                if not moved or _rank(self.keys, row[7:], row[0], newest=newest) > start
            ),
            key=lambda one: one[0],
        )
        return [(stage, row) for _, stage, row in ranked[:limit]]

    def values_of(self, row: Any) -> tuple[Value, ...]:
        """The values of the order as they stood in the version that the first page could see."""
        resource = json.parse(row[6].encode())
        told = extract(resource, self.scope.definitions, self.scope.tenant.zone)
        return tuple(
            _value(sort, key, told, resource, row[7], self.scope)
            for sort, key in zip(self.wanted.sort, self.keys, strict=True)
        )


BEFORE = """
SELECT r.key, r.type, r.id, r.vid, r.recorded, v.body, o.body, o.recorded
FROM record.resource r
JOIN record.version v ON v.tenant = r.tenant AND v.resource = r.key AND v.vid = r.vid AND v.recorded = r.recorded
JOIN LATERAL (SELECT x.body, x.recorded FROM record.version x
              WHERE x.tenant = r.tenant AND x.resource = r.key AND x.vid < r.vid
                AND pg_visible_in_snapshot(x.xid, $3::text::pg_snapshot)
              ORDER BY x.vid DESC LIMIT 1) o ON o.body IS NOT NULL
WHERE r.tenant = $1 AND r.key = ANY ($2)
"""


def _signature(wanted: Search) -> str:
    """Names the search a cursor belongs to: the same types, condition and order."""
    told = repr((wanted.types, wanted.where, wanted.sort))
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()


def _seen(compiler: Compiler, first: Cursor) -> str:
    """The current version was there when the first page was taken."""
    since = compiler.arg(first.taken - LONGEST_WRITE)
    return (
        "EXISTS (SELECT FROM record.version v WHERE v.tenant = $1 AND v.resource = r.key AND v.vid = r.vid"
        f" AND v.recorded = r.recorded AND v.recorded > {since}"
        f" AND pg_visible_in_snapshot(v.xid, {compiler.arg(first.snapshot)}::text::pg_snapshot))"
    )


def _unchanged(compiler: Compiler, first: Cursor) -> str:
    return f"(r.recorded <= {compiler.arg(first.taken - LONGEST_WRITE)} OR {_seen(compiler, first)})"


def _value(sort: Sort, key: Key, told: Any, resource: Any, recorded: datetime, scope: Scope) -> Value:
    """One value of the order, from what was extracted of an older version."""
    if sort.code == "_id":
        return str(resource["id"])
    if sort.code == "_lastUpdated":
        return recorded
    paths = order.keys_of(sort.code, resource["resourceType"], scope.definitions)
    found: list[Any] = []
    for path in paths:
        match path.kind:
            case "token":
                found += [row[2] for row in told.token if row[0] == path.key]
            case "order":
                found += [row[1] for row in told.string if row[0] == path.key]
            case "string":
                found += [row[1] for row in told.string if row[0] == path.key and row[2] is not None]
            case "date":
                found += [row[1] for row in told.date if row[0] == path.key]
            case "number" | "quantity":
                found += [row[3] for row in told.quantity if row[0] == path.key]
            case "uri":
                found += [row[1] for row in told.uri if row[0] == path.key]
    if not found:
        return None
    value: Value = max(found) if key.descending else min(found)
    return value


def _rank(keys: Sequence[Key], values: Sequence[Value], key: int, *, newest: bool) -> tuple[Any, ...]:
    """A value that sorts rows in Python as the ORDER BY does."""
    parts: list[Any] = []
    for one, value in zip(keys, values, strict=True):
        parts.append((1, None) if value is None else (0, _Backwards(value) if one.descending else value))
    return (*parts, -key if newest else key)


class _Backwards:
    """Compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Backwards) -> bool:
        smaller: bool = other.value < self.value
        return smaller

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment] # only compared
