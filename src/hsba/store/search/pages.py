"""One page of matches, and a cursor for the next one that stays right while others write.

The default order is by key, newest first: keys never change and are never given again.  For an order by values, which
do change, the cursor carries the snapshot of the first page: what was changed since then keeps, on later pages, the place
it had; what was created since then is left out.  So nothing is shown twice and nothing is passed over.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.extract import extract
from hsba.fhir.query import expression as e
from hsba.store.resources import Stored
from hsba.store.search import order
from hsba.store.search.compile import ALWAYS, NEVER, Alias, Compiler
from hsba.store.search.cursor import Cursor
from hsba.store.search.cursor import read as read_cursor
from hsba.store.search.statement import compiled
from hsba.store.search.values import date as dates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.fhir.query.parse import Search, Sort
    from hsba.store.pool import Connection
    from hsba.store.search.cursor import Value
    from hsba.store.search.facts import Facts, Scope
    from hsba.store.search.order import Key

LONGEST_WRITE = timedelta(minutes=10)
"""A transaction takes less: what was recorded earlier than this before the first page was there for it to see."""

Row = tuple[Any, ...]
"""key, type, id, vid, recorded, body, snapshot, then the values of the order"""


def conditions(
    compiler: Compiler,
    where: e.Expression,
    alias: Alias,
    *,
    deleted: bool = False,
    held: dict[str, str] | None = None,
) -> tuple[str, list[str]]:
    """FROM and WHERE of the matches: what is there and may be seen, and every part of the condition.

    `held` names the aliases of date rows that are joined anyway, by their parameter: a test of that date looks there.
    """
    parts: list[str] = []
    rest: list[e.Expression] = []
    joins: list[str] = []
    narrow = is_narrow(compiler, where, alias)
    gathered = None
    for part in where.parts if isinstance(where, e.And) else (where,):
        match part:
            case e.Match(code, e.Date() as test) if held and code in held:
                row = held[code]
                parts.append(f"({dates(test, f'{row}.low', f'{row}.high', compiler.arg)})")
                continue
        own = compiler.patients_row(alias, part)
        if own is not None:
            parts.append(own)
        elif (rows := compiler.joined(part, alias)) is not None:
            joins.append(rows)
        elif not narrow and gathered is None and (rows := compiler.gathered(part, alias)) is not None:
            gathered = rows
            joins.append(rows)
        else:
            rest.append(part)
    parts.insert(0, compiler.live(alias, deleted=deleted, typed=not joins and not held))
    parts += compiler.conjuncts(rest, alias)
    source = f"record.resource {alias.name}"
    if NEVER in joins:
        return source, [NEVER]
    for number, rows in enumerate(joins):
        source += f" JOIN ({rows}) j{number} ON j{number}.resource = {alias.name}.key"
    return source, [part for part in parts if part != ALWAYS]


def is_narrow(compiler: Compiler, where: e.Expression, alias: Alias) -> bool:
    """Whether a part of the condition leaves so few resources that sorting them is cheaper than walking an index."""
    for part in where.parts if isinstance(where, e.And) else (where,):
        match part:
            case e.Ids() | e.InCompartment() | e.InList():
                return True
            case e.Match(code, e.Token() | e.Reference()):
                if any(
                    "Identifier" in path.leaves or parameter.targets == {"Patient"} or path.expression == f"{type_}.encounter"
                    for type_ in alias.types
                    for parameter in compiler.parameters(Alias(alias.name, (type_,)), code)
                    for path in parameter.paths
                ):
                    return True
            case e.Match(_, e.Reference("Patient" | "Encounter", str())):
                return True
    return False


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


class _Reader:
    """Reads the rows of one page, stage by stage: those that have the first value of the order, then those without."""

    def __init__(self, tx: Connection, wanted: Search, scope: Scope, facts: Facts) -> None:
        self.tx = tx
        self.wanted = wanted
        self.scope = scope
        self.facts = facts
        self.alias = Alias("r", wanted.types)
        self.signature = _signature(wanted)
        self.steady = all(sort.code == "_id" for sort in wanted.sort)
        self.keys: list[Key] = []
        self.staged = False

    async def cursor(self) -> Cursor | None:
        """Understand the order, and the cursor that the request brings."""

        def learn(compiler: Compiler) -> str:
            self.keys = order.keys(compiler, self.wanted.sort, self.alias)
            walks = bool(self.keys) and self.keys[0].walk is not None
            self.staged = walks and not is_narrow(compiler, self.wanted.where, self.alias)
            return ""

        if self.wanted.sort:
            await compiled(self.tx, self.scope, self.facts, learn)
        if self.wanted.cursor is None:
            return None
        return read_cursor(self.wanted.cursor, self.signature, tuple(key.kind for key in self.keys))

    async def rows(self, after: Cursor | None) -> list[tuple[int, Row]]:
        """One row more than the page, each with its stage."""
        limit = self.wanted.count + 1
        found: list[tuple[int, Row]] = []
        stage = after.stage if after is not None else 0
        place = after
        while True:
            found += [(stage, row) for row in await self.stage(stage, place, after, limit - len(found))]
            if len(found) >= limit or not self.staged or stage == 1:
                break
            stage, place = 1, None
        if after is not None and not self.steady:
            found = await self.with_changed(found, after, limit)
        return found

    async def stage(self, stage: int, place: Cursor | None, first: Cursor | None, limit: int) -> list[Row]:
        """The rows of one stage after a place."""

        def write(compiler: Compiler) -> str:
            return self.write(compiler, stage, place, first, limit)

        sql, args = await compiled(self.tx, self.scope, self.facts, write)
        return [] if sql == NEVER else [tuple(row) for row in await self.tx.fetch(sql, *args)]

    def write(self, compiler: Compiler, stage: int, place: Cursor | None, first: Cursor | None, limit: int) -> str:
        """The statement: the page's rows in order, then their texts by one call."""
        keys = order.keys(compiler, self.wanted.sort, self.alias)
        held = {self.wanted.sort[0].code: "w"} if self.staged and stage == 0 and keys[0].kind is datetime else None
        source, parts = conditions(compiler, self.wanted.where, self.alias, held=held)
        if NEVER in parts:
            return NEVER
        newest = order.newest_first(keys)
        key = "r.key"
        if self.staged:
            table, on, column = keys[0].walk or ("", "", "")
            on = on.replace("x.", "w.")
            if stage == 0:
                source += f" JOIN record.{table} w ON w.resource = r.key"
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
            f"SELECT r.key, r.type, r.id, r.vid, r.recorded{told} FROM {source}{joins} WHERE {' AND '.join(parts)}"
            f" ORDER BY {order.text(ordered, key, newest=newest)} LIMIT {compiler.arg(limit)}"
        )
        again = [replace(one, sql=f"p.s{number}") for number, one in enumerate(keys)]
        snapshot = "''" if self.steady else "(SELECT pg_current_snapshot()::text)"
        values = "".join(f", p.s{number}" for number in range(len(keys)))
        return (
            f"WITH p AS MATERIALIZED ({inner})"
            f" SELECT p.key, p.type, p.id, p.vid, p.recorded, b.body, {snapshot}{values}"
            " FROM p JOIN record.bodies($1, ARRAY(SELECT key FROM p ORDER BY key), ARRAY(SELECT vid FROM p ORDER BY key),"
            " ARRAY(SELECT recorded FROM p ORDER BY key)) b ON b.resource = p.key"
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

    async def with_changed(self, found: list[tuple[int, Row]], after: Cursor, limit: int) -> list[tuple[int, Row]]:
        """Put what was changed since the first page where it stood then."""

        def changed(compiler: Compiler) -> str:
            source, parts = conditions(compiler, self.wanted.where, self.alias)
            since = compiler.arg(after.taken - LONGEST_WRITE)
            parts += [f"r.recorded > {since}", f"NOT {_seen(compiler, after)}"]
            return NEVER if NEVER in parts else f"SELECT r.key FROM {source} WHERE {' AND '.join(parts)}"

        sql, args = await compiled(self.tx, self.scope, self.facts, changed)
        keys = [] if sql == NEVER else [row[0] for row in await self.tx.fetch(sql, *args)]
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
