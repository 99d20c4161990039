"""Functions that make one kind of value of another (FHIRPath N1, section 5.5 "Conversion")."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir.fhirpath import quantities, values
from hsba.fhir.fhirpath.functions.kinds import Function, plain
from hsba.fhir.fhirpath.items import EMPTY, FALSE, TRUE, one, one_text
from hsba.fhir.fhirpath.items import plain as plain_value
from hsba.fhir.fhirpath.quantities import Quantity
from hsba.fhir.fhirpath.values import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.fhirpath.scope import Items, Scope

_BOOLEANS: dict[Any, bool] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_LIMIT = 2**31
_DIGITS = 1000
"""A number with more digits is written with its exponent: 1e999999 must not become a million characters."""


def _boolean(value: Any) -> bool | None:
    if type(value) is str:
        return _BOOLEANS.get(value.lower())
    if type(value) is bool:
        return value
    if type(value) in {int, Decimal} and value in {0, 1}:
        return bool(value)
    return None


def _integer(value: Any) -> int | None:
    if type(value) in {int, bool}:
        return int(value)
    if (
        type(value) is str
        and len(value) < 20
        and _INTEGER.fullmatch(value)
        and -_LIMIT <= int(value) < _LIMIT
    ):
        return int(value)
    return None


def _decimal(value: Any) -> Decimal | None:
    if type(value) in {int, bool, Decimal}:
        return Decimal(value)
    return Decimal(value) if type(value) is str and _DECIMAL.fullmatch(value) else None


def write(value: Any) -> str | None:
    """A system value as a string; None for what has no text."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return str(value) if abs(value.adjusted()) > _DIGITS else format(value, "f")
        case int() | Moment() | Quantity():
            return str(value)
        case str():
            return value
    return None


def _date(value: Any) -> Moment | None:
    if type(value) is str:
        value = values.read_date_time(value)
    if type(value) is Moment and value.kind in {"Date", "DateTime"}:
        return Moment("Date", value.parts[:3])
    return None


def _date_time(value: Any) -> Moment | None:
    if type(value) is str:
        return values.read_date_time(value)
    if type(value) is Moment and value.kind in {"Date", "DateTime"}:
        return Moment("DateTime", value.parts, value.offset)
    return None


def _time(value: Any) -> Moment | None:
    if type(value) is str:
        return values.read_time(value)
    return value if type(value) is Moment and value.kind == "Time" else None


def _quantity(value: Any) -> Quantity | None:
    if type(value) is bool:
        return Quantity(Decimal("1.0") if value else Decimal("0.0"))
    if type(value) in {int, Decimal}:
        return Quantity(value)
    if type(value) is str:
        return quantities.read_quantity(value)
    return value if type(value) is Quantity else None


def to_quantity(scope: Scope, items: Items, unit: Items = EMPTY) -> Items:
    """The item as a quantity, in the unit asked for where it can be told in it."""
    item = one(items)
    found = None if item is None else _quantity(plain_value(scope, item))
    wanted = one_text(scope, unit)
    if found is None or wanted is None:
        return EMPTY if found is None else (found,)
    target = quantities.quantity(1, wanted)
    both = quantities.comparable(found, target)
    if both is None:
        return EMPTY
    return (Quantity(both[0] / both[1], target.unit, target.calendar),)


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "Boolean": _boolean,
    "Integer": _integer,
    "Decimal": _decimal,
    "String": write,
    "Date": _date,
    "DateTime": _date_time,
    "Time": _time,
    "Quantity": _quantity,
}


def _to(convert: Callable[[Any], Any]) -> Callable[[Scope, Items], Items]:
    def run(scope: Scope, items: Items) -> Items:
        item = one(items)
        found = None if item is None else convert(plain_value(scope, item))
        return EMPTY if found is None else (found,)

    return run


def _converts_to(convert: Callable[[Any], Any]) -> Callable[..., Items]:
    def run(scope: Scope, items: Items, *unit: Items) -> Items:
        item = one(items)
        if item is None:
            return EMPTY
        if unit and unit[0]:
            return TRUE if to_quantity(scope, items, unit[0]) else FALSE
        return TRUE if convert(plain_value(scope, item)) is not None else FALSE

    return run


TABLE: dict[str, Function] = {
    **{f"to{name}": plain(_to(convert)) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": plain(_converts_to(convert)) for name, convert in _CONVERSIONS.items()},
    "toQuantity": plain(to_quantity, 0, 1),
    "convertsToQuantity": plain(_converts_to(_quantity), 0, 1),
}
