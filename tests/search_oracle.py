"""Search, slow and obvious: every expression asked of every resource's extracted values, without any SQL.

It shares with the store what a value means (extraction, folding, units) and nothing of how it is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import ucum
from hsba.fhir.extract import extract
from hsba.fhir.fold import fold
from hsba.fhir.paths import catalogue
from hsba.fhir.query import expression as e
from hsba.fhir.query.values import token_code
from hsba.record import belongs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.extract import Rows
    from hsba.fhir.paths import Parameter

Resource = dict[str, Any]
Visible = "Callable[[str], e.Expression]"
NEAR = 1e-9


@dataclass
class Oracle:
    """Everything that is there, with its values, and what may be seen."""

    definitions: Definitions
    zone: ZoneInfo
    resources: Mapping[str, Resource]
    visible: Callable[[str], e.Expression]
    merged: Mapping[str, str]
    unasked: frozenset[tuple[str, str]] = frozenset()
    """Parameters that look at what is hidden, by type: a compartment that is asked for does not reach through them."""

    def __post_init__(self) -> None:
        self.rows: dict[str, Rows] = {
            address: extract(one, self.definitions, self.zone) for address, one in self.resources.items()
        }

    def matches(self, type_: str, where: e.Expression) -> set[str]:
        """The addresses of the resources of a type that match and may be seen."""
        return {
            address
            for address in self.resources
            if address.startswith(type_ + "/")
            and self.seen(address)
            and self.true(where, address, policed=True)
        }

    def seen(self, address: str) -> bool:
        """Whether a resource may be seen."""
        return self.true(self.visible(address.partition("/")[0]), address, policed=False)

    def parameter(self, address: str, code: str) -> Parameter:
        return catalogue(self.definitions, address.partition("/")[0]).parameters[code]

    def true(self, where: e.Expression, address: str, *, policed: bool) -> bool:
        """Whether an expression is true of a resource; `policed` when what is followed must be visible too."""
        type_, _, id_ = address.partition("/")
        match where:
            case e.Everything():
                return True
            case e.Nothing():
                return False
            case e.And(parts):
                return all(self.true(part, address, policed=policed) for part in parts)
            case e.Or(parts):
                return any(self.true(part, address, policed=policed) for part in parts)
            case e.Not(part):
                return not self.true(part, address, policed=policed)
            case e.Ids(ids):
                return id_ in ids
            case e.OfTypes(types):
                return type_ in types
            case e.Match(code, test):
                return self.match(self.parameter(address, code), test, self.rows[address])
            case e.Missing(code):
                return not self.present(self.parameter(address, code), self.rows[address])
            case e.Chain(code, types, inner):
                return any(
                    self.reachable(other, types, inner, policed=policed)
                    for target in self.targets(address, code)
                    for other in {target, self.merged.get(target, target)}
                )
            case e.Has(source, code, inner):
                selves = {address} | {merged for merged, into in self.merged.items() if into == address}
                return any(
                    selves & self.targets(other, code)
                    and self.reachable(other, (source,), inner, policed=policed)
                    for other in self.resources
                    if other.startswith(source + "/")
                )
            case e.Belongs(column, _, inner):
                return any(
                    self.reachable(f"{kind}/{owner}", (kind,), inner, policed=policed)
                    for name, kind, owner in belongs.owners(self.resources[address])
                    if name == column
                )
            case e.Unlabelled(bits):
                return not belongs.labels(self.resources[address]) & bits
            case e.InState(states):
                return 0 in states  # nothing here has a lifecycle
            case e.InCompartment(code, owner):
                return self.in_compartment(address, code, owner, policed=policed)
            case e.InList(owner):
                holder = f"List/{owner}"
                return (
                    holder in self.resources
                    and (not policed or self.seen(holder))
                    and address in self.targets(holder, "item")
                )
        raise AssertionError(where)

    def reachable(self, address: str, types: tuple[str, ...], where: e.Expression, *, policed: bool) -> bool:
        return (
            address in self.resources
            and address.partition("/")[0] in types
            and (not policed or self.seen(address))
            and self.true(where, address, policed=policed)
        )

    def targets(self, address: str, code: str) -> set[str]:
        """The addresses that a reference parameter leads to."""
        keys = {path.key for path in self.parameter(address, code).paths}
        return {f"{type_}/{id_}" for key, type_, id_ in self.rows[address].reference if key in keys}

    def in_compartment(self, address: str, code: str, owner: str, *, policed: bool) -> bool:
        wanted = {f"{code}/{owner}"} | {m for m, into in self.merged.items() if into == f"{code}/{owner}"}
        if address in wanted:
            return True
        type_ = address.partition("/")[0]
        known = catalogue(self.definitions, type_).parameters
        names = self.definitions.compartment(code).get(type_, ())
        if policed:
            names = tuple(name for name in names if (type_, name) not in self.unasked)
        return any(wanted & self.targets(address, name) for name in names if name in known)

    # --- values --------------------------------------------------------------------------------------------

    def present(self, parameter: Parameter, rows: Rows) -> bool:
        keys = {path.key for path in parameter.paths}
        tables: Any = {
            "token": [rows.token, rows.string],
            "string": [rows.string],
            "date": [rows.date],
            "number": [rows.quantity],
            "quantity": [rows.quantity],
            "reference": [rows.reference, rows.uri, rows.token],
            "uri": [rows.uri],
        }[parameter.kind]
        return any(row[0] in keys for table in tables for row in table)

    def match(self, parameter: Parameter, test: e.Test, rows: Rows) -> bool:
        if isinstance(test, e.Together):
            return any(
                self.together(parameter, number, test, rows) for number in range(len(parameter.composites))
            )
        keys = {path.key for path in parameter.paths}
        leaves = frozenset(leaf for path in parameter.paths for leaf in path.leaves)
        return self.passes(test, keys, leaves, parameter, rows)

    def together(self, parameter: Parameter, number: int, test: e.Together, rows: Rows) -> bool:
        composite = parameter.composites[number]
        if composite.path is None:
            return all(
                self.passes(
                    one,
                    {path.key for path in part.paths},
                    frozenset(x for p in part.paths for x in p.leaves),
                    parameter,
                    rows,
                )
                for part, one in zip(composite.parts, test.parts, strict=True)
            )
        first, second = test.parts
        assert isinstance(first, e.Token)
        for row in rows.composite:
            if row[0] != composite.path.key or not _token(first, row[1], row[2], frozenset()):
                continue
            if (
                isinstance(second, e.Quantity)
                and row[3] == "n"
                and _quantity(second, (row[4] or "", row[5] or "", row[6], row[7], row[8], row[9], row[10]))
            ):
                return True
            if (
                isinstance(second, e.Token)
                and row[3] == "t"
                and _token(second, row[4] or "", row[5] or "", frozenset())
            ):
                return True
        return False

    def passes(
        self, test: e.Test, keys: set[str], leaves: frozenset[str], parameter: Parameter, rows: Rows
    ) -> bool:
        match test:
            case e.Other(e.Reference(type_, id_, url)):
                here = [row for row in rows.reference if row[0] in keys]
                there = [row for row in rows.uri if row[0] in keys]
                if url is not None:
                    return bool(here) or any(row[1] != url for row in there)
                means = self.meant(type_, id_, parameter)
                return bool(there) or any(f"{row[1]}/{row[2]}" not in means for row in here)
            case e.Other(inner):
                return any(not self.row_passes(inner, row, leaves) for row in self.table(inner, rows, keys))
            case e.Reference(type_, id_, None):
                means = self.meant(type_, id_, parameter)
                return any(row[0] in keys and f"{row[1]}/{row[2]}" in means for row in rows.reference)
            case e.Reference(_, _, str() as url):
                return any(row[0] in keys and row[1] == url for row in rows.uri)
            case e.Identified(token):
                return any(
                    row[0] in keys and _token(token, row[1], row[2], frozenset({"Reference"}))
                    for row in rows.token
                )
            case e.TokenText(text):
                return any(row[0] in keys and row[1].startswith(text) for row in rows.string)
            case e.OfType(system, code, value):
                return any(
                    row[0] in keys
                    and row[3] == "t"
                    and system in (None, row[1])
                    and row[2] == code
                    and row[5] == value
                    for row in rows.composite
                )
            case e.Text(text, "starts") if "HumanName" in leaves:
                known = [row[1] for row in rows.string if row[0] in keys]
                return all(any(one.startswith(word) for one in known) for word in text.split())
            case e.Hierarchy(direction, system, code):
                return any(
                    row[0] in keys
                    and system in (None, row[1])
                    and (
                        row[2].startswith(code.lower())
                        if direction == "below"
                        else code.lower().startswith(row[2])
                    )
                    for row in rows.token
                )
        return any(self.row_passes(test, row, leaves) for row in self.table(test, rows, keys))

    def meant(self, type_: str | None, id_: str | None, parameter: Parameter) -> set[str]:
        types = {type_} if type_ else set(parameter.targets)
        found = {f"{one}/{id_}" for one in types}
        return found | {merged for merged, into in self.merged.items() if into in found}

    def table(self, test: e.Test, rows: Rows, keys: set[str]) -> list[Any]:
        table: Any = {
            e.Token: rows.token, e.Text: rows.string, e.Date: rows.date, e.Number: rows.quantity,
            e.Quantity: rows.quantity, e.Uri: rows.uri,
        }[type(test)]  # fmt: skip
        found = [row for row in table if row[0] in keys]
        # The further words of a name, and the texts beside codes, are no values of their own.
        return (
            [row for row in found if row[2] is not None]
            if isinstance(test, e.Text) and test.how != "starts"
            else found
        )

    def row_passes(self, test: e.Test, row: Any, leaves: frozenset[str]) -> bool:
        match test:
            case e.Token():
                return _token(test, row[1], row[2], leaves)
            case e.Text(text, how):
                ways: dict[str, bool] = {
                    "starts": row[1].startswith(text),
                    "contains": text in row[1],
                    "ends": row[1].endswith(text),
                    "equals": row[1] == text,
                    "exact": row[2] == text and row[1] == fold(text),
                }
                return ways[how]
            case e.Date(prefix, first, last):
                return _span(prefix, row[1], row[2], first, last)
            case e.Number():
                return _number(test, row[3], row[4])
            case e.Quantity():
                return _quantity(test, row[1:])
            case e.Uri(value, how):
                return row[1] == value or (how == "below" and row[1].startswith(value.rstrip("/") + "/"))
        raise AssertionError(test)


def _token(test: e.Token, system: str, code: str, leaves: frozenset[str]) -> bool:
    wanted = None if test.code is None else token_code(test.code, leaves)
    return (test.system is None or test.system == system) and (wanted is None or wanted == code)


def _span(prefix: str, low: Any, high: Any, first: Any, last: Any) -> bool:
    """FHIR R4 search.html#prefix, word by word: [low, high] is stored, [first, last] is asked."""
    contained = first <= low and high <= last
    match prefix:
        case "eq":
            return bool(contained)
        case "ne":
            return not contained
        case "gt":
            return bool(high > last)
        case "lt":
            return bool(low < first)
        case "ge":
            return bool(high > last or contained)
        case "le":
            return bool(low < first or contained)
        case "sa":
            return bool(low > last)
        case "eb":
            return bool(high < first)
    return bool(low <= last and high >= first)


def _number(test: e.Number, low: float, high: float, of: Any = None) -> bool:
    convert = of or (lambda value: value)
    value, least, most = convert(test.value), convert(test.low), convert(test.high)
    room = NEAR * max(abs(value), abs(most - least)) if of else 0.0
    match test.prefix:
        case "eq":
            return bool(least - room <= low and high < most - room)
        case "ne":
            return bool(low < least - room or high >= most - room)
        case "gt":
            return bool(high > value + room)
        case "lt":
            return bool(low < value - room)
        case "ge":
            return bool(high >= value - room)
        case "le":
            return bool(low <= value + room)
        case "sa":
            return bool(low > value + room)
        case "eb":
            return bool(high < value - room)
    return bool(low <= most + room and high >= least - room)


def _quantity(test: e.Quantity, row: Any) -> bool:
    system, unit, low, high, base, base_low, base_high = row
    if test.unit is None:
        return test.system in (None, system) and _number(test.number, low, high)
    asked = ucum.canonical(ucum.written(test.unit)) if test.system in (None, ucum.SYSTEM) else None
    if asked is not None and base is not None:
        return bool(base == asked.base) and _number(test.number, base_low, base_high, asked.of)
    if asked is not None and test.system is not None:
        return False
    return test.system in (None, system) and bool(unit == test.unit) and _number(test.number, low, high)
