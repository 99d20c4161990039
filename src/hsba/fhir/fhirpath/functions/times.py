"""Functions of time and precision: now(), boundaries, comparability (FHIRPath, "Utility functions")."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir.fhirpath import quantities, values
from hsba.fhir.fhirpath.functions.kinds import Function, plain
from hsba.fhir.fhirpath.items import EMPTY, FALSE, TRUE, describe, one, one_integer
from hsba.fhir.fhirpath.items import plain as plain_value
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.quantities import Quantity
from hsba.fhir.fhirpath.values import Moment

if TYPE_CHECKING:
    from hsba.fhir.fhirpath.scope import Items, Scope


def now(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The moment of this evaluation."""
    return (values.of_datetime(scope.now),)


def today(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The day of this evaluation."""
    return (Moment("Date", values.of_datetime(scope.now).parts[:3]),)


def time_of_day(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The time of day of this evaluation."""
    return (Moment("Time", values.of_datetime(scope.now).parts[3:]),)


def _boundary(scope: Scope, items: Items, precision: Items, *, high: bool) -> Items:
    item = one(items)
    digits = one_integer(scope, precision)
    if item is None:
        return EMPTY
    value = plain_value(scope, item)
    found: Any = None
    if isinstance(value, Moment):
        found = values.boundary(value, digits, high=high)
    elif isinstance(value, Quantity):
        number = quantities.decimal_boundary(value.value, digits, high=high)
        found = None if number is None else Quantity(number, value.unit, value.calendar)
    elif type(value) in {int, Decimal}:
        found = quantities.decimal_boundary(value, digits, high=high)
    else:
        raise _no_precision(scope, item)
    return EMPTY if found is None else (found,)


def _no_precision(scope: Scope, item: Any) -> Refused:
    shown = describe(scope, item)
    return Refused(f"{shown} has no precision.", f"{shown} không có độ chính xác.")


def low_boundary(scope: Scope, items: Items, precision: Items = EMPTY) -> Items:
    """The least value that the written one may stand for."""
    return _boundary(scope, items, precision, high=False)


def high_boundary(scope: Scope, items: Items, precision: Items = EMPTY) -> Items:
    """The greatest value that the written one may stand for."""
    return _boundary(scope, items, precision, high=True)


def precision_of(scope: Scope, items: Items) -> Items:
    """The digits a value is written with: decimals of a number, 4 of a year."""
    item = one(items)
    if item is None:
        return EMPTY
    value = plain_value(scope, item)
    if isinstance(value, Moment):
        return (value.digits,)
    if type(value) in {int, Decimal}:
        return (max(0, -int(Decimal(value).as_tuple().exponent)),)
    raise _no_precision(scope, item)


def comparable(scope: Scope, items: Items, other: Items) -> Items:
    """Whether two quantities can be told in one unit."""
    first, second = one(items), one(other)
    if first is None or second is None:
        return EMPTY
    pair = [plain_value(scope, item) for item in (first, second)]
    if not all(isinstance(value, Quantity) for value in pair):
        return FALSE
    return TRUE if quantities.comparable(pair[0], pair[1]) else FALSE


TABLE: dict[str, Function] = {
    "now": plain(now),
    "today": plain(today),
    "timeOfDay": plain(time_of_day),
    "lowBoundary": plain(low_boundary, 0, 1),
    "highBoundary": plain(high_boundary, 0, 1),
    "precision": plain(precision_of),
    "comparable": plain(comparable, 1),
}
