"""Values against what a profile fixes: fixed, pattern, limits (FHIR R4 elementdefinition.html)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hsba.fhir import ucum
from hsba.fhir.validate.moments import not_after

_UCUM = "http://unitsofmeasure.org"

Named = tuple[str, Any]
"""(The type as it stands in the definition's key, the value): fixedUri → ("Uri", …)."""


def equal(value: Any, wanted: Any) -> bool:
    """Whether a value is exactly the fixed one; 1.0 is 1, but true is not 1."""
    if type(wanted) is str:
        return bool(wanted == value)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(equal(value[name], each) for name, each in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(equal, value, wanted))
    same: bool = _number(value) == _number(wanted)
    return same


def includes(value: Any, wanted: Any) -> bool:
    """Whether a value has at least what the pattern has (elementdefinition.html#pattern)."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            name in value and includes(value[name], each) for name, each in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(includes(one, each) for one in value) for each in wanted)
    return equal(value, wanted)


def _number(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


def below(value: Any, limit: Any) -> bool:
    """Whether a number, date or quantity is certainly smaller than a limit of the same kind."""
    if isinstance(value, dict) and isinstance(limit, dict):
        return _quantity_below(value, limit)
    first, second = _measure(value), _measure(limit)
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return first < second
    if isinstance(first, str) and isinstance(second, str):
        return not not_after(second, first)
    return False


def incomparable(value: Any, limit: Any) -> bool:
    """Whether two quantities have units by which they cannot be compared."""
    if not isinstance(value, dict) or not isinstance(limit, dict):
        return False
    if (value.get("system"), value.get("code")) == (limit.get("system"), limit.get("code")) != (None, None):
        return False
    here, there = _in_base(value), _in_base(limit)
    return here is None or there is None or here[0] != there[0]


def _quantity_below(value: dict[str, Any], limit: dict[str, Any]) -> bool:
    """Whether a quantity is smaller than another; units of UCUM are converted, other ones must be the same."""
    units = [(one.get("system"), one.get("code"), one.get("unit")) for one in (value, limit)]
    if units[0][:2] == units[1][:2] and (units[0][1] is not None or units[0][2] == units[1][2]):
        first, second = _measure(value.get("value")), _measure(limit.get("value"))
        return isinstance(first, Decimal) and isinstance(second, Decimal) and first < second
    here, there = _in_base(value), _in_base(limit)
    return here is not None and there is not None and here[0] == there[0] and here[1] < there[1]


def _in_base(quantity: Any) -> tuple[str, float] | None:
    """A quantity in the base units of UCUM: ("m", 50000.0)."""
    if not isinstance(quantity, dict) or quantity.get("system") != _UCUM:
        return None
    number, code = _measure(quantity.get("value")), quantity.get("code")
    unit = ucum.canonical(code) if isinstance(code, str) else None
    return (unit.base, unit.of(float(number))) if unit is not None and isinstance(number, Decimal) else None


def _measure(value: Any) -> Decimal | str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, Decimal)):
        return Decimal(str(value))
    return value if isinstance(value, str) else None
