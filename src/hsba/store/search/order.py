"""The order of matches as SQL: what to sort by, and where the next page begins (FHIR R4 search.html#sort).

A value that is missing comes last in both directions; among equals the newest key comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hsba.fhir.paths import catalogue
from hsba.fhir.problems import UnknownParameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.paths import Path
    from hsba.fhir.query.parse import Sort
    from hsba.store.search.base import Alias
    from hsba.store.search.compile import Compiler
    from hsba.store.search.cursor import Value
    from hsba.store.search.values import Arg

COLUMNS: dict[str, tuple[str, str, str, type]] = {
    # kind of path: table, column when ascending, column when descending, type of the value
    "token": ("ix_token", "code", "code", str),
    "string": ("ix_string", "folded", "folded", str),
    "order": ("ix_string", "folded", "folded", str),
    "date": ("ix_date", "low", "low", datetime),
    "number": ("ix_quantity", "low", "low", float),
    "quantity": ("ix_quantity", "low", "low", float),
    "reference": ("ix_reference", "target", "target", float),
    "uri": ("ix_uri", "value", "value", str),
}

CASTS = {str: "text", datetime: "timestamptz", float: "float8"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the order: the SQL that gives its value, whether it may be missing, and how it is read."""

    sql: str
    descending: bool
    kind: type
    join: str = ""
    missing: bool = True
    walk: tuple[str, str, str] | None = None
    """`walk` is (table, path condition, column) where at most one row holds the value: its index gives the order."""


def keys(compiler: Compiler, sorts: Sequence[Sort], alias: Alias) -> list[Key]:
    """The keys of the order asked for."""
    found: list[Key] = []
    for sort in sorts:
        if sort.code == "_id":
            found.append(Key(f"{alias.name}.id", sort.descending, str, missing=False))
        elif sort.code == "_lastUpdated":
            found.append(Key(f"{alias.name}.recorded", sort.descending, datetime, missing=False))
        else:
            found.append(_by_parameter(compiler, sort, alias, len(found)))
    return found


def _by_parameter(compiler: Compiler, sort: Sort, alias: Alias, number: int) -> Key:
    parameters = compiler.parameters(alias, sort.code)
    paths = [path for p in parameters for path in keys_of(p.code, p.type, compiler.scope.definitions)]
    if not parameters or not paths:
        raise UnknownParameter(f"“{sort.code}”.")
    table, ascending, descending, kind = COLUMNS[paths[0].kind]
    column = descending if sort.descending else ascending
    on = compiler.on("x", paths)
    cast = "::float8" if kind is float else ""
    if on is None:
        return Key(f"NULL::{CASTS[kind]}", sort.descending, kind)
    name = f"k{number}"
    exact = " AND x.exact IS NOT NULL" if paths[0].kind == "string" else ""
    most = "max" if sort.descending else "min"
    join = (
        f" LEFT JOIN LATERAL (SELECT {most}(x.{column}){cast} AS v FROM record.{table} x"
        f" WHERE x.tenant = $1 AND x.resource = {alias.name}.key AND {on}{exact}) {name} ON true"
    )
    numbers = {compiler.path(path) for path in paths}
    if len(numbers) == 1 and all(path.single for path in paths) and paths[0].kind in ("date", "order"):
        # One row at most: it is joined as it is, or its index is walked.
        row = f"{name}.tenant = $1 AND {name}.resource = {alias.name}.key AND {compiler.on(name, paths)}"
        join = f" LEFT JOIN record.{table} {name} ON {row}"
        return Key(f"{name}.{column}", sort.descending, kind, join, walk=(table, on, column))
    return Key(f"{name}.v", sort.descending, kind, join)


def keys_of(code: str, type_: str, definitions: Definitions) -> list[Path]:
    """Where the value of an order stands: people's names have a key of their own (tên, họ, đệm)."""
    known = catalogue(definitions, type_)
    return [known.paths.get(f"order {path.expression}", path) for path in known.parameters[code].paths]


def text(found: Sequence[Key], key: str, *, newest: bool) -> str:
    """The ORDER BY list; `key` breaks ties."""
    parts = [
        f"{one.sql} {'DESC' if one.descending else 'ASC'}{' NULLS LAST' if one.missing else ''}"
        for one in found
    ]
    return ", ".join([*parts, f"{key} {'DESC' if newest else 'ASC'}"])


def after(
    found: Sequence[Key], values: Sequence[Value], last: int, key: str, arg: Arg, *, newest: bool
) -> str:
    """The condition that a row comes after the last one shown."""
    if not found:
        return f"{key} {'<' if newest else '>'} {arg(last)}::bigint"
    one, value = found[0], values[0]
    rest = after(found[1:], values[1:], last, key, arg, newest=newest)
    if value is None:
        return f"({one.sql} IS NULL AND {rest})" if one.missing else rest
    place = f"{arg(value)}::{CASTS[one.kind]}"
    sign = "<" if one.descending else ">"
    beyond = f"{one.sql} {sign} {place} OR ({one.sql} = {place} AND {rest})"
    if one.missing:
        return f"({beyond} OR {one.sql} IS NULL)"
    # The plain comparison is for the index; the other says it exactly.
    return f"({one.sql} {sign}= {place} AND ({beyond}))"


def newest_first(found: Sequence[Key]) -> bool:
    """Whether ties go to the newest key: always, but where the first key ascends by an index the key ascends with it."""
    return not found or found[0].descending
