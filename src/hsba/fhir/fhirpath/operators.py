"""The operators of FHIRPath, each made into a step from the steps of its operands (FHIRPath N1, "Operations")."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir.fhirpath import quantities, values
from hsba.fhir.fhirpath.functions.texts import measured
from hsba.fhir.fhirpath.items import (
    EMPTY,
    FALSE,
    TRUE,
    describe,
    distinct,
    equal,
    equivalent,
    key,
    one,
    one_text,
    order,
    truth,
)
from hsba.fhir.fhirpath.items import plain as plain_value
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.quantities import Quantity
from hsba.fhir.fhirpath.values import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.fhirpath.members import Step
    from hsba.fhir.fhirpath.scope import Items, Scope


def signed(operand: Step, sign: str) -> Step:
    """A sign before a number or quantity."""

    def step(scope: Scope, this: Items) -> Items:
        item = one(operand(scope, this))
        if item is None:
            return EMPTY
        value = plain_value(scope, item)
        if type(value) not in {int, Decimal, Quantity}:
            shown = describe(scope, item)
            raise Refused(f"{shown} has no sign.", f"{shown} không có dấu.")
        if sign == "+":
            return (value,)
        return (Quantity(-value.value, value.unit, value.calendar) if type(value) is Quantity else -value,)

    return step


def _both_true(left: Step, right: Step) -> Step:
    def step(scope: Scope, this: Items) -> Items:
        first = truth(left(scope, this))
        if first is False:
            return FALSE
        second = truth(right(scope, this))
        if second is False:
            return FALSE
        return EMPTY if first is None or second is None else TRUE

    return step


def _one_true(left: Step, right: Step) -> Step:
    def step(scope: Scope, this: Items) -> Items:
        first = truth(left(scope, this))
        if first:
            return TRUE
        second = truth(right(scope, this))
        if second:
            return TRUE
        return EMPTY if first is None or second is None else FALSE

    return step


def _either_true(left: Step, right: Step) -> Step:
    def step(scope: Scope, this: Items) -> Items:
        first, second = truth(left(scope, this)), truth(right(scope, this))
        return EMPTY if first is None or second is None else (first is not second,)

    return step


def _implied(left: Step, right: Step) -> Step:
    def step(scope: Scope, this: Items) -> Items:
        first = truth(left(scope, this))
        if first is False:
            return TRUE
        second = truth(right(scope, this))
        if second:
            return TRUE
        return FALSE if first and second is False else EMPTY

    return step


def _answered(work: Callable[[Scope, Items, Items], bool | None]) -> Callable[[Step, Step], Step]:
    """An operator whose answer is true, false or nothing."""

    def make(left: Step, right: Step) -> Step:
        def step(scope: Scope, this: Items) -> Items:
            answer = work(scope, left(scope, this), right(scope, this))
            return EMPTY if answer is None else TRUE if answer else FALSE

        return step

    return make


def _not_equal(scope: Scope, left: Items, right: Items) -> bool | None:
    answer = equal(scope, left, right)
    return None if answer is None else not answer


def _ordered(accepted: frozenset[int]) -> Callable[[Step, Step], Step]:
    def work(scope: Scope, left: Items, right: Items) -> bool | None:
        answer = order(scope, left, right)
        return None if answer is None else answer in accepted

    return _answered(work)


def _among(scope: Scope, item: Items, items: Items) -> bool | None:
    wanted = one(item)
    if wanted is None:
        return None
    searched = key(scope, wanted)
    return any(key(scope, each) == searched for each in items)


def _united(left: Step, right: Step) -> Step:
    return lambda scope, this: distinct(scope, [*left(scope, this), *right(scope, this)])


def _joined(left: Step, right: Step) -> Step:
    def step(scope: Scope, this: Items) -> Items:
        first, second = one_text(scope, left(scope, this)), one_text(scope, right(scope, this))
        return measured((first or "") + (second or ""))

    return step


def _computed(operator: str) -> Callable[[Step, Step], Step]:
    """An arithmetic operator on two single items."""
    work = _ARITHMETIC[operator]

    def make(left: Step, right: Step) -> Step:
        def step(scope: Scope, this: Items) -> Items:
            first, second = one(left(scope, this)), one(right(scope, this))
            if first is None or second is None:
                return EMPTY
            one_value, other = plain_value(scope, first), plain_value(scope, second)
            if one_value is None or other is None:
                return EMPTY
            try:
                found = work(one_value, other)
            except (ArithmeticError, ValueError):
                return EMPTY
            except TypeError as exc:
                shown, shown_other = describe(scope, first), describe(scope, second)
                raise Refused(
                    f"{shown} {operator} {shown_other} has no meaning.",
                    f"{shown} {operator} {shown_other} không có nghĩa.",
                ) from exc
            return EMPTY if found is None else (found,)

        return step

    return make


_NUMBERS = {int, Decimal}


def _are_numbers(left: Any, right: Any) -> bool:
    return type(left) in _NUMBERS and type(right) in _NUMBERS


def _add(left: Any, right: Any, sign: int = 1) -> Any:
    if _are_numbers(left, right):
        return left + sign * right
    if type(left) is str and type(right) is str and sign == 1:
        return measured(left + right)[0]
    if type(left) is Moment and type(right) is Quantity:
        return values.add(left, right, sign)
    if type(left) is Quantity and type(right) is Quantity:
        both = quantities.comparable(left, right)
        if both is None:
            return None
        if left.unit == right.unit:
            return Quantity(left.value + sign * right.value, left.unit, left.calendar)
        size = quantities.comparable(Quantity(1, left.unit, left.calendar), right)
        return (
            None if size is None else Quantity((both[0] + sign * both[1]) / size[0], left.unit, left.calendar)
        )
    raise TypeError


def _subtract(left: Any, right: Any) -> Any:
    return _add(left, right, -1)


def _multiply(left: Any, right: Any) -> Any:
    if _are_numbers(left, right):
        return left * right
    if type(left) is Quantity and type(right) is Quantity:
        return quantities.multiply(left, right)
    if type(left) is Quantity and type(right) in _NUMBERS:
        return Quantity(left.value * right, left.unit, left.calendar)
    if type(right) is Quantity and type(left) in _NUMBERS:
        return Quantity(left * right.value, right.unit, right.calendar)
    raise TypeError


def _divide(left: Any, right: Any) -> Any:
    if _are_numbers(left, right):
        return Decimal(left) / Decimal(right) if right else None
    if type(left) is Quantity and type(right) is Quantity:
        return quantities.multiply(left, right, divide=True)
    if type(left) is Quantity and type(right) in _NUMBERS:
        return Quantity(Decimal(left.value) / Decimal(right), left.unit, left.calendar) if right else None
    raise TypeError


def _divide_whole(left: Any, right: Any) -> Any:
    if not _are_numbers(left, right):
        raise TypeError
    return int(Decimal(left) // Decimal(right)) if right else None


def _modulo(left: Any, right: Any) -> Any:
    if not _are_numbers(left, right):
        raise TypeError
    if not right:
        return None
    found = Decimal(left) % Decimal(right)
    return int(found) if type(left) is int and type(right) is int else found


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "div": _divide_whole,
    "mod": _modulo,
}

OPERATORS: dict[str, Callable[[Step, Step], Step]] = {
    "and": _both_true,
    "or": _one_true,
    "xor": _either_true,
    "implies": _implied,
    "=": _answered(equal),
    "!=": _answered(_not_equal),
    "~": _answered(equivalent),
    "!~": _answered(lambda scope, left, right: not equivalent(scope, left, right)),
    "<": _ordered(frozenset({-1})),
    "<=": _ordered(frozenset({-1, 0})),
    ">": _ordered(frozenset({1})),
    ">=": _ordered(frozenset({0, 1})),
    "in": _answered(_among),
    "contains": _answered(lambda scope, items, item: _among(scope, item, items)),
    "|": _united,
    "&": _joined,
    **{operator: _computed(operator) for operator in _ARITHMETIC},
}
