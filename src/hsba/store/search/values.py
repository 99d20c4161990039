"""Tests of one value as SQL conditions on one search row (alias `x`); no table is joined here.

Comparisons follow FHIR R4 search.html#prefix: a stored value is a range [low, high], so is the value asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir import ucum
from hsba.fhir.fold import MAX_FOLDED, above, key_text
from hsba.fhir.query.dates import BEGINNING, END

if TYPE_CHECKING:
    from hsba.fhir.query import expression as e

Arg = Callable[[Any], str]
"""Takes a value, gives its place in the statement ("$7")."""

MAX_EXACT = 1000
TINY = 1e-9
"""Relative room for values that went through a conversion of units, where the last digit is not certain."""


def prefix_range(column: str, prefix: str, arg: Arg) -> str:
    """The column starts with the text: two comparisons that an index on C collation answers."""
    prefix = prefix[:MAX_FOLDED]
    end = above(prefix)
    low = f"{column} >= {arg(prefix)}"
    return low if end is None else f"{low} AND {column} < {arg(end)}"


def date(test: e.Date, low: str, high: str, arg: Arg) -> str:
    """A span against the span asked for (search.html#date, #prefix)."""
    first, last = test.first, test.last
    match test.prefix:
        case "eq":
            end = arg(last)
            return f"{low} >= {arg(first)} AND {high} <= {end} AND {low} <= {end}"
        case "ne":
            return f"({low} < {arg(first)} OR {high} > {arg(last)})"
        case "gt":
            return f"{high} > {arg(last)}"
        case "lt":
            return f"{low} < {arg(first)}"
        case "ge":
            start = arg(first)
            return f"{high} >= {start} AND ({low} >= {start} OR {high} > {arg(last)})"
        case "le":
            end = arg(last)
            return f"{low} <= {end} AND ({high} <= {end} OR {low} < {arg(first)})"
        case "sa":
            return f"{low} > {arg(last)}"
        case "eb":
            return f"{high} < {arg(first)}"
        case "ap":
            # A tenth of the way from the value to now on both sides (search.html#prefix).
            room = abs(datetime.now(UTC) - first) / 10
            return f"{low} <= {arg(_shifted(last, room))} AND {high} >= {arg(_shifted(first, -room))}"
        case _:  # po: the spans overlap
            return f"{low} <= {arg(last)} AND {high} >= {arg(first)}"


def _shifted(when: datetime, by: timedelta) -> datetime:
    try:
        return min(max(when + by, BEGINNING), END)
    except OverflowError:
        return END if by > timedelta() else BEGINNING


def number(
    test: e.Number, low: str, high: str, arg: Arg, convert: Callable[[float], float] | None = None
) -> str:
    """A range of numbers against the number asked for (search.html#number); `convert` brings it to a base unit."""
    value, least, most = test.value, test.low, test.high
    room = 0.0
    if convert is not None:
        value, least, most = convert(value), convert(least), convert(most)
        room = TINY * max(abs(value), abs(most - least))
    match test.prefix:
        case "eq":
            start, end = arg(least - room), arg(most - room)
            return f"{low} >= {start} AND {low} < {end} AND {high} >= {start} AND {high} < {end}"
        case "ne":
            return f"({low} < {arg(least - room)} OR {high} >= {arg(most - room)})"
        case "gt" | "ge":
            # A plain number has low = high: told apart from ranges, the index on low answers.
            beyond = f"{'>=' if test.prefix == 'ge' else '>'} {arg(value - room if test.prefix == 'ge' else value + room)}"
            return f"({low} {beyond} OR (x.high > x.low AND {high} {beyond}))"
        case "sa":
            return f"{low} > {arg(value + room)}"
        case "eb":
            return f"{high} < {arg(value - room)}"
        case "lt":
            return f"{low} < {arg(value - room)}"
        case "le":
            return f"{low} <= {arg(value + room)}"
        case _:  # ap, po: the ranges overlap
            return f"{low} <= {arg(most + room)} AND {high} >= {arg(least - room)}"


def quantity(
    test: e.Quantity, system: str, arg: Arg, columns: tuple[str, ...] | None = None, known: int | None = None
) -> str:
    """A quantity: in its base unit where that is known, else by unit as written (search.html#quantity).

    `columns` are the names of unit, low, high, base, base low and base high; `known` is the number of the system asked.
    """
    unit, low, high, base, base_low, base_high = columns or (
        "x.unit", "x.low", "x.high", "x.base", "x.base_low", "x.base_high",
    )  # fmt: skip
    if test.unit is None:
        plain = number(test.number, low, high, arg)
        return plain if test.system is None else f"{system} = {arg(known)} AND {plain}"
    ours = ucum.canonical(ucum.written(test.unit)) if test.system in (ucum.SYSTEM, None) else None
    if ours is None:
        of = "" if test.system is None else f"{system} = {arg(known)} AND "
        return f"{of}{unit} = {arg(key_text(test.unit))} AND {number(test.number, low, high, arg)}"
    in_base = f"{base} = {arg(ours.base)} AND {number(test.number, base_low, base_high, arg, ours.of)}"
    if test.system is not None:
        return in_base
    as_written = (
        f"{base} IS NULL AND {unit} = {arg(key_text(test.unit))} AND {number(test.number, low, high, arg)}"
    )
    return f"(({in_base}) OR ({as_written}))"


def text(test: e.Text, arg: Arg) -> str:
    """A text; `starts` of one word or of a whole value."""
    match test.how:
        case "starts":
            return prefix_range("x.folded", test.text, arg)
        case "equals":
            return f"x.folded = {arg(test.text[:MAX_FOLDED])} AND x.exact IS NOT NULL"
        case "contains":
            return f"x.exact IS NOT NULL AND position({arg(test.text)} IN x.folded) > 0"
        case "ends":
            ending = arg(test.text)
            return f"x.exact IS NOT NULL AND right(x.folded, length({ending})) = {ending}"
        case _:
            raise AssertionError(test.how)


def uri(test: e.Uri, arg: Arg, *, canonical: bool) -> str:
    """An address: as it is (a canonical of any version when none is asked), or in the tree (search.html#uri)."""
    value = test.value
    match test.how:
        case "exact":
            if "|" in value or not canonical:
                return f"x.value = {arg(value)}"
            return f"(x.value = {arg(value)} OR {_starts('x.value', value + '|', arg)})"
        case "below":
            return f"(x.value = {arg(value)} OR {_starts('x.value', value.rstrip('/') + '/', arg)})"
        case _:
            return f"x.value = ANY({arg(_ancestors(value))}::text[])"


def _starts(column: str, prefix: str, arg: Arg) -> str:
    end = above(prefix)
    return f"({column} >= {arg(prefix)} AND {column} < {arg(end)})"


def _ancestors(address: str) -> list[str]:
    """The addresses above one: cut at each slash after the host."""
    found = [address]
    while "/" in address and not address.endswith(("//", ":/")):
        address = address.rpartition("/")[0]
        if address.endswith(("/", ":")):
            break
        found += [address, address + "/"]
    return found
