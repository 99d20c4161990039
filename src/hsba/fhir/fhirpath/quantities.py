"""Quantities: numbers with a UCUM unit or a calendar word, compared and computed in the base of their units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from hsba.fhir import ucum

Number: TypeAlias = int | Decimal


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit: a UCUM code or a calendar word, which means something else: 1 year ≠ 1 'a'."""

    value: Number
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        """The text as FHIRPath writes it."""
        value = format(self.value, "f") if isinstance(self.value, Decimal) else str(self.value)
        if self.calendar:
            return f"{value} {self.unit}" if self.value == 1 else f"{value} {self.unit}s"
        return f"{value} '{self.unit}'"


_SINGULAR = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
CALENDAR: Final = {**{unit: unit for unit in _SINGULAR}, **{f"{unit}s": unit for unit in _SINGULAR}}
"""The calendar words, singular and plural, to their singular."""

DEFINITE = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}


def quantity(value: Number, unit: str, *, calendar: bool = False) -> Quantity:  # noqa: A002, RUF100 - FHIRPath's word
    """A quantity by its written unit; a calendar word in quotes is still the calendar word."""
    if calendar or unit in CALENDAR:
        return Quantity(value, CALENDAR[unit], calendar=True)
    return Quantity(value, unit)


MAX_DECIMALS = 28


def decimal_boundary(value: Number, digits: int | None, *, high: bool) -> Decimal | None:
    """The least or greatest number that rounds to the one written, to so many decimals.

    A bound that must be shortened is cut towards zero when it lies nearer to zero, else rounded to the
    nearest, as HL7's suite has it.
    """
    wanted = 8 if digits is None else digits
    if not 0 <= wanted <= MAX_DECIMALS:
        return None
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    half = Decimal(5).scaleb(min(int(exponent), 0) - 1)
    bound = number + half if high else number - half
    outward = high != (number < 0)
    rounding = "ROUND_HALF_UP" if outward and number != 0 else "ROUND_DOWN"
    return bound.quantize(Decimal(1).scaleb(-wanted), rounding=rounding)


_CALENDAR_AS_UCUM = {unit: code for code, unit in DEFINITE.items()}


def in_base(amount: Quantity) -> tuple[Decimal, str] | None:
    """The quantity in the base of its unit, with that base; None when the unit is not known."""
    if amount.calendar:
        code = _CALENDAR_AS_UCUM.get(amount.unit)
        if code is None:
            return Decimal(amount.value) * (12 if amount.unit == "year" else 1), "month"
    else:
        code = amount.unit
    unit = ucum.canonical(code)
    if unit is None:
        return None
    value = Decimal(amount.value) * Decimal(repr(unit.factor)) + Decimal(repr(unit.shift))
    return +value, unit.base


def comparable(one: Quantity, other: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both values in one unit, to twelve digits; None when their units cannot be compared."""
    if one.unit == other.unit and one.calendar == other.calendar:
        return Decimal(one.value), Decimal(other.value)
    first, second = in_base(one), in_base(other)
    if first is None or second is None or first[1] != second[1]:
        return None
    return _rounded(first[0]), _rounded(second[0])


def _rounded(value: Decimal) -> Decimal:
    """Twelve significant digits: factors such as 5/9 are not exact."""
    return value if not value else round(value, 11 - value.adjusted())


def multiply(one: Quantity, other: Quantity, *, divide: bool = False) -> Quantity | None:
    """The product (or quotient) in base units; None when a unit is not known or the divisor is nothing."""
    if divide and other.value == 0:
        return None
    first, second = in_base(one), in_base(other)
    if first is None or second is None:
        return None
    value = first[0] / second[0] if divide else first[0] * second[0]
    joined = f"({first[1]}){'/' if divide else '.'}({second[1]})"
    unit = ucum.canonical(joined)
    return None if unit is None else Quantity(value * Decimal(repr(unit.factor)), unit.base)


_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?", re.ASCII)


def read_quantity(text: str) -> Quantity | None:
    """The Quantity of "4 days", "1.5 'mg'" or "7"; None when the text is none."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    number, code, word = found.groups()
    value = Decimal(number) if "." in number else int(number)
    if word is not None:
        return quantity(value, word, calendar=True) if word in CALENDAR else None
    return quantity(value, code) if code else Quantity(value)
