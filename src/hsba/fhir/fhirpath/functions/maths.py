"""Functions on numbers, exact in decimals (FHIRPath N1, section 5.7 "Math")."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import TYPE_CHECKING

from hsba.fhir.fhirpath.functions.kinds import Function, plain
from hsba.fhir.fhirpath.items import EMPTY, one, one_integer, one_number
from hsba.fhir.fhirpath.items import plain as plain_value
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.quantities import Number, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.fhirpath.scope import Items, Scope

MAX_BITS = 4096
"""Whole numbers longer than this have no use, but would cost time."""


def _of_number(work: Callable[[Number], Number]) -> Callable[[Scope, Items], Items]:
    """A function of one number; what has no result (the root of -1) is nothing."""

    def run(scope: Scope, items: Items) -> Items:
        number = one_number(scope, items)
        if number is None:
            return EMPTY
        try:
            return (work(number),)
        except ArithmeticError:
            return EMPTY

    return run


def _whole(rounding: str) -> Callable[[Number], Number]:
    def work(number: Number) -> Number:
        if Decimal(number).adjusted() > MAX_BITS:
            raise OverflowError
        return int(Decimal(number).to_integral_value(rounding=rounding))

    return work


def absolute(scope: Scope, items: Items) -> Items:
    """The number, or quantity, without its sign."""
    item = one(items)
    value = None if item is None else plain_value(scope, item)
    if isinstance(value, Quantity):
        number = -value.value if value.value < 0 else value.value
        return (Quantity(number, value.unit, value.calendar),)
    plain_number = one_number(scope, items)
    return EMPTY if plain_number is None else (abs(plain_number),)


def power(scope: Scope, items: Items, exponent: Items) -> Items:
    """The number raised to a power."""
    base, by = one_number(scope, items), one_number(scope, exponent)
    if base is None or by is None:
        return EMPTY
    if isinstance(base, int) and isinstance(by, int) and by >= 0:
        return EMPTY if base.bit_length() * by > MAX_BITS else (base**by,)
    try:
        return (Decimal(base) ** Decimal(by),)
    except ArithmeticError:
        return EMPTY


def log(scope: Scope, items: Items, base: Items) -> Items:
    """The logarithm to a base."""
    number, by = one_number(scope, items), one_number(scope, base)
    if number is None or by is None:
        return EMPTY
    try:
        return (round(Decimal(number).ln() / Decimal(by).ln(), 20),)
    except ArithmeticError:
        return EMPTY


def round_to(scope: Scope, items: Items, places: Items = EMPTY) -> Items:
    """The number rounded to so many decimals, half away from zero."""
    number, wanted = one_number(scope, items), one_integer(scope, places) or 0
    if number is None:
        return EMPTY
    if not 0 <= wanted <= 28:
        raise Refused(f"Cannot round to {wanted} decimals.", f"Không làm tròn được đến {wanted} chữ số.")
    try:
        return (Decimal(number).quantize(Decimal(1).scaleb(-wanted), rounding=decimal.ROUND_HALF_UP),)
    except ArithmeticError:
        return (number,)


TABLE: dict[str, Function] = {
    "abs": plain(absolute),
    "ceiling": plain(_of_number(_whole(decimal.ROUND_CEILING))),
    "exp": plain(_of_number(lambda number: Decimal(number).exp())),
    "floor": plain(_of_number(_whole(decimal.ROUND_FLOOR))),
    "ln": plain(_of_number(lambda number: Decimal(number).ln())),
    "log": plain(log, 1),
    "power": plain(power, 1),
    "round": plain(round_to, 0, 1),
    "sqrt": plain(_of_number(lambda number: Decimal(number).sqrt())),
    "truncate": plain(_of_number(_whole(decimal.ROUND_DOWN))),
}
