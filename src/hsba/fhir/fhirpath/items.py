"""How items are read: as plain values, as truth, as equal, as ordered (FHIRPath N1, "Operators")."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hsba.fhir.fhirpath import quantities, values
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.quantities import Number, Quantity
from hsba.fhir.fhirpath.scope import Items, Node, Scope
from hsba.fhir.fhirpath.values import Moment

TRUE: Items = (True,)
FALSE: Items = (False,)
EMPTY: Items = ()

_QUANTITIES = frozenset(
    {"Quantity", "SimpleQuantity", "MoneyQuantity", "Age", "Count", "Distance", "Duration"}
)
_UCUM = "http://unitsofmeasure.org"


def plain(scope: Scope, item: Any) -> Any:
    """The system value of an item: str, bool, number, Moment or Quantity; the node itself when it is complex.

    A primitive that has only extensions is None.  Only what looks like a date asks for its type.
    """
    if type(item) is not Node:
        return item
    value = item.value
    kind = type(value)
    if kind is str:
        if looks_temporal(value):
            reader = values.READERS.get(scope.type_of(item))
            if reader is not None:
                moment = reader(value)
                return value if moment is None else moment
        return value
    if kind is dict:
        return _quantity(value) if "value" in value and scope.type_of(item) in _QUANTITIES else item
    return value


def looks_temporal(text: str) -> bool:
    """Whether a text might be a date or time: four digits first, or a clock."""
    return (text[:4].isdigit() and len(text) > 3 and text[4:5] in {"", "-"}) or (
        text[:2].isdigit() and text[2:3] == ":"
    )


def _quantity(value: dict[str, Any]) -> Quantity | None:
    """The system Quantity of a FHIR Quantity; one with a comparator (< 5) has no single value."""
    number = value["value"]
    if "comparator" in value or type(number) not in {int, Decimal}:
        return None
    code = value.get("code")
    if code is not None and value.get("system") in {None, _UCUM}:
        return Quantity(number, code)
    unit = value.get("unit")
    return Quantity(number, code or unit or "1")


def texts(scope: Scope, items: Items) -> list[str]:
    """The items as strings; a function on strings refuses anything else."""
    found = []
    for item in items:
        value = item.value if type(item) is Node else item
        if type(value) is not str:
            raise Refused(
                f"A string is needed, not {describe(scope, item)}.",
                f"Cần chuỗi, không phải {describe(scope, item)}.",
            )
        found.append(value)
    return found


def one(items: Items) -> Any:
    """The single item, or None when there is none; more than one is refused."""
    if not items:
        return None
    if len(items) > 1:
        raise Refused(
            f"One item is needed here, not {len(items)}.", f"Ở đây cần một giá trị, không phải {len(items)}."
        )
    return items[0]


def one_text(scope: Scope, items: Items) -> str | None:
    """The single item as a string."""
    item = one(items)
    return None if item is None else _first(texts(scope, (item,)))


def _first(found: list[str]) -> str:
    return found[0]


def one_number(scope: Scope, items: Items) -> Number | None:
    """The single item as a number."""
    item = one(items)
    if item is None:
        return None
    value = item.value if type(item) is Node else item
    if type(value) is not int and type(value) is not Decimal:
        raise Refused(
            f"A number is needed, not {describe(scope, item)}.",
            f"Cần số, không phải {describe(scope, item)}.",
        )
    return value


def one_integer(scope: Scope, items: Items) -> int | None:
    """The single item as a whole number."""
    value = one_number(scope, items)
    if isinstance(value, Decimal):
        raise Refused(f"A whole number is needed, not {value}.", f"Cần số nguyên, không phải {value}.")
    return value


def truth(items: Items) -> bool | None:
    """The items as a condition: nothing is unknown, one item that is no boolean is true (N1, 4.5)."""
    item = one(items)
    if item is None:
        return None
    value = item.value if type(item) is Node else item
    return value if type(value) is bool else True


def describe(scope: Scope, item: Any) -> str:
    """An item's type and value in a few characters, for messages."""
    named = system_type(item)
    if isinstance(item, Node):
        named = scope.type_of(item) or "element"
        if type(item.value) is dict:
            return named
        item = item.value
    text = str(item)
    return f"{named} {text if len(text) <= 40 else text[:40] + '…'}"


def system_type(item: Any) -> str:
    """The name of a system value's type; "" for a node."""
    if isinstance(item, Moment):
        return item.kind
    return _SYSTEM_TYPES.get(type(item), "")


_SYSTEM_TYPES: dict[type, str] = {
    bool: "Boolean", int: "Integer", Decimal: "Decimal", str: "String", Quantity: "Quantity",
}  # fmt: skip


# --- equality -----------------------------------------------------------------------------------------------


def equal(scope: Scope, left: Items, right: Items) -> bool | None:
    """``left = right``: None when one is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for first, second in zip(left, right, strict=True):
        answer = equal_items(scope, first, second)
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


def alike_in_form(first: Any, second: Any) -> bool:
    """Whether two items are texts of one length and zone: as dates or as strings, the text decides."""
    if type(first) is not Node or type(second) is not Node:
        return False
    left, right = first.value, second.value
    if type(left) is not str or type(right) is not str or len(left) != len(right):
        return False
    return len(left) < 11 or left[-6:] == right[-6:] or left[-1] == right[-1] == "Z"


def equal_items(scope: Scope, first: Any, second: Any) -> bool | None:
    """Whether two items are equal by value; a node's type does not count."""
    if alike_in_form(first, second):
        return bool(first.value == second.value)
    one_value, other = plain(scope, first), plain(scope, second)
    if type(one_value) is Moment or type(other) is Moment:
        return _equal_moments(first, second, one_value, other)
    if type(one_value) is Quantity or type(other) is Quantity:
        pair = _quantities(one_value, other)
        if pair is None:
            return False
        both = quantities.comparable(*pair)
        return None if both is None else both[0] == both[1]
    if type(one_value) is Node or type(other) is Node or one_value is None or other is None:
        return same(_raw(first), _raw(second))
    return same(one_value, other)


def _raw(item: Any) -> Any:
    if type(item) is Node:
        return item.value if item.value is not None else item.extra
    return item


def _equal_moments(first: Any, second: Any, one_value: Any, other: Any) -> bool | None:
    if type(one_value) is Moment and type(other) is Moment:
        if (one_value.kind == "Time") != (other.kind == "Time"):
            return False
        answer = values.compare(one_value, other)
        return None if answer is None else answer == 0
    left, right = _raw(first), _raw(second)
    return type(left) is str and type(right) is str and left == right


def _quantities(one_value: Any, other: Any) -> tuple[Quantity, Quantity] | None:
    """Both as quantities: a number is a quantity without unit."""
    pair = [Quantity(value) if type(value) in {int, Decimal} else value for value in (one_value, other)]
    return (pair[0], pair[1]) if all(type(value) is Quantity for value in pair) else None


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: numbers by value, true is not 1, objects whatever their order."""
    kind = type(left)
    if kind is dict:
        return (
            type(right) is dict
            and left.keys() == right.keys()
            and all(same(value, right[name]) for name, value in left.items())
        )
    if kind is list:
        return type(right) is list and len(left) == len(right) and all(map(same, left, right))
    if kind is bool or type(right) is bool:
        return left is right
    return bool(left == right)


# --- equivalence --------------------------------------------------------------------------------------------


def equivalent(scope: Scope, left: Items, right: Items) -> bool:
    """``left ~ right``: in any order, case and white space aside, numbers to the lesser precision."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for first in left:
        found = next((place for place, item in enumerate(rest) if equivalent_items(scope, first, item)), None)
        if found is None:
            return False
        del rest[found]
    return True


def equivalent_items(scope: Scope, first: Any, second: Any) -> bool:
    """Whether two items are equivalent."""
    one_value, other = plain(scope, first), plain(scope, second)
    if type(one_value) is Moment and type(other) is Moment:
        return (one_value.kind == "Time") == (other.kind == "Time") and values.compare(one_value, other) == 0
    if type(one_value) is Quantity or type(other) is Quantity:
        pair = _quantities(one_value, other)
        return pair is not None and _equivalent_quantities(*pair)
    return _alike(_raw(first), _raw(second))


def _equivalent_quantities(one_value: Quantity, other: Quantity) -> bool:
    """Equal in the coarser of both units, to the lesser precision."""
    if one_value.unit == other.unit:
        return _alike(one_value.value, other.value)
    first, second = quantities.in_base(one_value), quantities.in_base(other)
    if first is None or second is None or first[1] != second[1]:
        return False
    sizes = [quantities.in_base(Quantity(1, each.unit, each.calendar)) for each in (one_value, other)]
    coarse, fine = (one_value, other), (first[0], second[0])
    if sizes[0] is None or sizes[1] is None:
        return False
    if sizes[0][0] < sizes[1][0]:
        coarse, fine, sizes = coarse[::-1], fine[::-1], sizes[::-1]
    size = sizes[0][0] if sizes[0] is not None else Decimal(1)
    decimals = _decimals(coarse[0].value)
    return round(Decimal(coarse[0].value), decimals) == round(fine[1] / size, decimals)


def _decimals(value: Number) -> int:
    """The decimals a number is written with, zeros at the end aside."""
    return max(0, -int(Decimal(value).normalize().as_tuple().exponent))


def _alike(left: Any, right: Any) -> bool:
    kinds = {type(left), type(right)}
    if kinds == {str}:
        return " ".join(left.split()).casefold() == " ".join(right.split()).casefold()
    if bool not in kinds and kinds <= {int, Decimal}:
        decimals = min(_decimals(left), _decimals(right))
        return round(Decimal(left), decimals) == round(Decimal(right), decimals)
    if kinds == {dict}:
        names = (left.keys() | right.keys()) - {"id", "_id"}
        return all(name in left and name in right and _alike(left[name], right[name]) for name in names)
    if kinds == {list}:
        rest = list(right)
        for each in left:
            found = next((place for place, item in enumerate(rest) if _alike(each, item)), None)
            if found is None:
                return False
            del rest[found]
        return not rest
    return same(left, right)


# --- order --------------------------------------------------------------------------------------------------


def order(scope: Scope, left: Items, right: Items) -> int | None:
    """-1, 0 or 1 for two single items; None when one is empty or precision leaves it open."""
    first, second = one(left), one(right)
    if first is None or second is None:
        return None
    return order_items(scope, first, second)


def order_items(scope: Scope, first: Any, second: Any) -> int | None:
    """The order of two items of one kind; others cannot be ordered."""
    if alike_in_form(first, second):
        return _three_way(first.value, second.value)
    one_value, other = plain(scope, first), plain(scope, second)
    if one_value is None or other is None:
        return None
    kinds = (type(one_value), type(other))
    if kinds == (Moment, Moment) and (one_value.kind == "Time") == (other.kind == "Time"):
        return values.compare(one_value, other)
    if Quantity in kinds:
        pair = _quantities(one_value, other)
        both = quantities.comparable(*pair) if pair else None
        if pair is not None:
            return None if both is None else _three_way(*both)
    elif kinds == (str, str) or (kinds[0] in {int, Decimal} and kinds[1] in {int, Decimal}):
        return _three_way(one_value, other)
    left, right = describe(scope, first), describe(scope, second)
    raise Refused(f"{left} and {right} have no order.", f"Không so sánh được {left} với {right}.")


def _three_way(left: Any, right: Any) -> int:
    return 1 if left > right else -1 if left < right else 0


# --- sets ---------------------------------------------------------------------------------------------------


def key(scope: Scope, item: Any) -> Any:
    """A hashable value that is the same for equal items: what sets of items are made of."""
    value = plain(scope, item)
    kind = type(value)
    if kind is bool:
        return ("bool", value)
    if kind is Moment:
        return values.key(value)
    if kind is Quantity:
        base = quantities.in_base(value)
        return ("quantity", *base) if base else ("quantity", value.value, value.unit)
    if kind is Node or kind is type(None):
        return _frozen(_raw(item))
    return value


def _frozen(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return ("dict", frozenset((name, _frozen(each)) for name, each in value.items()))
    if kind is list:
        return ("list", tuple(_frozen(each) for each in value))
    return ("bool", value) if kind is bool else value


def distinct(scope: Scope, items: Items) -> Items:
    """The items without repetitions, each where it stands first."""
    if len(items) < 2:
        return items
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(key(scope, item), item)
    return list(found.values())
