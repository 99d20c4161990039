"""The quick way: conditions that plain JSON can answer, without nodes, types or definitions.

Most invariants only ask whether elements are present, equal to a literal, or one of a few codes.  Such a
condition becomes a function of the JSON object; what turns out not to be that plain raises NotPlain, and the
full way is taken.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from hsba.fhir.fhirpath import ast
from hsba.fhir.fhirpath.members import CHOICES, choice_key
from hsba.fhir.fhirpath.scope import Scope

Condition: TypeAlias = Callable[[Any, Scope], bool | None]
Path: TypeAlias = Callable[[Any, Scope], list[Any]]


CONSTANTS: Final = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
"""The constants that every expression may name (FHIR R4 fhirpath.html#variables)."""


class NotPlain(Exception):
    """The content needs the full way: types, extensions of primitives, or an error to be told."""


class _Bare:
    """Stands for a primitive that has only extensions."""


BARE: Final = _Bare()
_OF_PRIMITIVES = frozenset({"extension", "id"})
_ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})


def condition(node: ast.Expression) -> Condition | None:
    """The quick form of a true-or-false expression; None when it has none."""
    match node:
        case ast.Call(_, name, _) if name in _CALLS:
            return _CALLS[name](node)
        case ast.Binary(symbol, left, right) if symbol in _LOGIC:
            first, second = _as_condition(left), _as_condition(right)
            return None if first is None or second is None else _LOGIC[symbol](first, second)
        case ast.Binary("=" | "!=" as symbol, left, right):
            return _equality(left, right, negated=symbol == "!=")
        case ast.Binary("in", left, right):
            return _one_of(left, right)
        case ast.Binary(symbol, left, right) if symbol in _ORDER:
            return _order(left, right, _ORDER[symbol])
    return None


def _as_condition(node: ast.Expression) -> Condition | None:
    """A condition, or a path used as one: a single value that is no boolean counts as true."""
    found = condition(node)
    if found is not None:
        return found
    reach = path(node)
    if reach is None:
        return None

    def truth(value: Any, scope: Scope) -> bool | None:
        items = reach(value, scope)
        if not items:
            return None
        if len(items) > 1:
            raise NotPlain
        return items[0] if type(items[0]) is bool else True

    return truth


# --- paths --------------------------------------------------------------------------------------------------


def path(node: ast.Expression) -> Path | None:
    """The quick form of a path a.b.c, perhaps with where(…) in it; None when it has none."""
    names: list[str] = []
    while isinstance(node, ast.Member) and node.target is not None:
        names.append(node.name)
        node = node.target
    start: Path | None = None
    match node:
        case ast.Member(None, name):
            if name[:1].isupper():
                start = None if name in _ABSTRACT else _of_type(name)
            else:
                names.append(name)
                start = _this
        case ast.Special("this"):
            start = _this
        case ast.Constant("resource"):
            start = _resource
        case ast.Call(target, "where", (criteria,)):
            start = _filtered(target, criteria)
    if start is None:
        return None
    names.reverse()
    begins_here = isinstance(node, ast.Member)
    if any(name in _OF_PRIMITIVES for name in (names[1:] if begins_here else names)):
        return None
    if not names:
        return start
    if begins_here and start is _this and len(names) == 1:
        return _single(names[0])
    return _chain(start, tuple((name, "_" + name, name in CHOICES) for name in names))


def _this(value: Any, scope: Scope) -> list[Any]:  # noqa: ARG001 - every path is called alike
    return [value]


def _resource(value: Any, scope: Scope) -> list[Any]:  # noqa: ARG001
    if scope.resource is None:
        raise NotPlain
    return [scope.resource]


def _of_type(name: str) -> Path:
    def reach(value: Any, scope: Scope) -> list[Any]:  # noqa: ARG001
        if type(value) is not dict or "resourceType" not in value:
            raise NotPlain
        return [value] if value["resourceType"] == name else []

    return reach


def _filtered(target: ast.Expression | None, criteria: ast.Expression) -> Path | None:
    reach, holds = _this if target is None else path(target), _as_condition(criteria)
    if reach is None or holds is None:
        return None

    def filtered(value: Any, scope: Scope) -> list[Any]:
        return [item for item in reach(value, scope) if holds(item, scope) is True]

    return filtered


def _single(name: str) -> Path:
    """A path of one name from here."""
    under = "_" + name
    is_choice = name in CHOICES

    def reach(value: Any, scope: Scope) -> list[Any]:  # noqa: ARG001
        if type(value) is not dict:
            raise NotPlain
        found = value.get(name)
        if found is None:
            return _absent(value, name, under, is_choice=is_choice)
        if type(found) is list:
            return _with_gaps(found, value.get(under)) if None in found else found
        return [found]

    return reach


def _absent(value: dict[str, Any], name: str, under: str, *, is_choice: bool) -> list[Any]:
    """What stands for a name that is not there: its extensions alone, or one of its forms."""
    extra = value.get(under)
    if extra is not None:
        return [BARE for each in extra if each is not None] if type(extra) is list else [BARE]
    if is_choice:
        key = choice_key(value, name)
        if key is not None:
            found = value.get(key)
            if type(found) is list:
                return _with_gaps(found, value.get("_" + key))
            return [BARE if found is None else found]
    return []


def _with_gaps(values: list[Any], extra: Any) -> list[Any]:
    """The entries of a list where some have extensions only; what has neither value nor extension is nothing."""
    extras = extra if type(extra) is list else []
    found: list[Any] = []
    for index, each in enumerate(values):
        if each is not None:
            found.append(each)
        elif index < len(extras) and extras[index] is not None:
            found.append(BARE)
    return found


def _chain(start: Path, steps: tuple[tuple[str, str, bool], ...]) -> Path:
    def reach(value: Any, scope: Scope) -> list[Any]:
        here = start(value, scope)
        for name, under, is_choice in steps:
            there: list[Any] = []
            for each in here:
                if type(each) is not dict:
                    raise NotPlain
                found = each.get(name)
                if found is None:
                    there.extend(_absent(each, name, under, is_choice=is_choice))
                elif type(found) is list:
                    there.extend(_with_gaps(found, each.get(under)) if None in found else found)
                else:
                    there.append(found)
            if not there:
                return there
            here = there
        return here

    return reach


# --- functions ----------------------------------------------------------------------------------------------


def _target(node: ast.Call) -> Path | None:
    return _this if node.target is None else path(node.target)


def _exists(node: ast.Call) -> Condition | None:
    reach = _target(node)
    if reach is None or len(node.arguments) > 1:
        return None
    if not node.arguments:
        return lambda value, scope: bool(reach(value, scope))
    holds = _as_condition(node.arguments[0])
    if holds is None:
        return None
    return lambda value, scope: any(holds(item, scope) is True for item in reach(value, scope))


def _empty(node: ast.Call) -> Condition | None:
    reach = None if node.arguments else _target(node)
    return None if reach is None else lambda value, scope: not reach(value, scope)


def _not(node: ast.Call) -> Condition | None:
    holds = None if node.arguments or node.target is None else _as_condition(node.target)
    if holds is None:
        return None

    def negated(value: Any, scope: Scope) -> bool | None:
        answer = holds(value, scope)
        return None if answer is None else not answer

    return negated


def _all(node: ast.Call) -> Condition | None:
    reach = _target(node)
    holds = _as_condition(node.arguments[0]) if len(node.arguments) == 1 else None
    if reach is None or holds is None:
        return None
    return lambda value, scope: all(holds(item, scope) is True for item in reach(value, scope))


def _has_value(node: ast.Call) -> Condition | None:
    reach = None if node.arguments or node.target is None else path(node.target)
    if reach is None:
        return None

    def has(value: Any, scope: Scope) -> bool:
        items = reach(value, scope)
        return len(items) == 1 and items[0] is not BARE and type(items[0]) is not dict

    return has


def _starts_with(node: ast.Call) -> Condition | None:
    reach = None if node.target is None else path(node.target)
    match node.arguments:
        case (ast.Literal(str() as prefix),) if reach is not None:
            pass
        case _:
            return None

    def starts(value: Any, scope: Scope) -> bool | None:
        items = reach(value, scope)
        if not items:
            return None
        if len(items) > 1 or type(items[0]) is not str:
            raise NotPlain
        return items[0].startswith(prefix)

    return starts


_CALLS: dict[str, Callable[[ast.Call], Condition | None]] = {
    "exists": _exists,
    "empty": _empty,
    "not": _not,
    "all": _all,
    "hasValue": _has_value,
    "startsWith": _starts_with,
}


# --- operators ----------------------------------------------------------------------------------------------


def _and(first: Condition, second: Condition) -> Condition:
    def both(value: Any, scope: Scope) -> bool | None:
        left = first(value, scope)
        if left is False:
            return False
        right = second(value, scope)
        return False if right is False else None if left is None or right is None else True

    return both


def _or(first: Condition, second: Condition) -> Condition:
    def either(value: Any, scope: Scope) -> bool | None:
        left = first(value, scope)
        if left is True:
            return True
        right = second(value, scope)
        return True if right is True else None if left is None or right is None else False

    return either


def _xor(first: Condition, second: Condition) -> Condition:
    def differ(value: Any, scope: Scope) -> bool | None:
        left, right = first(value, scope), second(value, scope)
        return None if left is None or right is None else left is not right

    return differ


def _implies(first: Condition, second: Condition) -> Condition:
    def implied(value: Any, scope: Scope) -> bool | None:
        left = first(value, scope)
        if left is False:
            return True
        right = second(value, scope)
        return True if right is True else False if left and right is False else None

    return implied


_LOGIC: dict[str, Callable[[Condition, Condition], Condition]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}


def _literal(node: ast.Expression) -> Any:
    """The value of a plain literal or of a constant such as %ucum; None for everything else."""
    if isinstance(node, ast.Literal) and type(node.value) in {str, int, bool, Decimal}:
        return node.value
    return CONSTANTS.get(node.name) if isinstance(node, ast.Constant) else None


def _equality(left: ast.Expression, right: ast.Expression, *, negated: bool) -> Condition | None:
    """A path or count compared with a literal, or two conditions with each other."""
    wanted = _literal(right)
    if wanted is None and _literal(left) is not None:
        return _equality(right, left, negated=negated)
    if wanted is None:
        return _same_answer(left, right, negated=negated)
    total = _sum(left) if type(wanted) is int else None
    if total is not None:
        return lambda value, scope: (total(value, scope) == wanted) is not negated
    reach = path(left)
    if reach is None:
        return None
    kind = type(wanted)

    def equals(value: Any, scope: Scope) -> bool | None:
        items = reach(value, scope)
        if not items:
            return None
        if len(items) != 1:
            return negated
        item = items[0]
        if type(item) is dict or (kind is not str and kind is not bool and type(item) is not kind):
            raise NotPlain
        return (type(item) is kind and item == wanted) is not negated

    return equals


def _same_answer(left: ast.Expression, right: ast.Expression, *, negated: bool) -> Condition | None:
    first, second = condition(left), condition(right)
    if first is None or second is None:
        return None

    def compare(value: Any, scope: Scope) -> bool | None:
        one, other = first(value, scope), second(value, scope)
        return None if one is None or other is None else (one is other) is not negated

    return compare


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = frozenset({int, Decimal})


def _order(
    left: ast.Expression, right: ast.Expression, compare: Callable[[Any, Any], bool]
) -> Condition | None:
    """A count, or a path to a number, compared with a literal number."""
    limit = _literal(right)
    if type(limit) not in _NUMBERS:
        return None
    total = _sum(left)
    if total is not None:
        return lambda value, scope: compare(total(value, scope), limit)
    reach = path(left)
    if reach is None:
        return None

    def ordered(value: Any, scope: Scope) -> bool | None:
        items = reach(value, scope)
        if not items:
            return None
        if len(items) > 1 or type(items[0]) not in _NUMBERS:
            raise NotPlain
        return compare(items[0], limit)

    return ordered


def _sum(node: ast.Expression) -> Callable[[Any, Scope], int] | None:
    """count() of paths, and their sums."""
    match node:
        case ast.Call(target, "count", ()) if target is not None:
            reach = path(target)
            return None if reach is None else lambda value, scope: len(reach(value, scope))
        case ast.Binary("+", left, right):
            first, second = _sum(left), _sum(right)
            if first is not None and second is not None:
                return lambda value, scope: operator.add(first(value, scope), second(value, scope))
    return None


def _one_of(left: ast.Expression, right: ast.Expression) -> Condition | None:
    """A path that must be one of some literal strings."""
    reach = path(left)
    literals = [_literal(part) for part in ast.alternatives(right)]
    if reach is None or not all(type(literal) is str for literal in literals):
        return None
    codes = frozenset(literals)

    def among(value: Any, scope: Scope) -> bool | None:
        items = reach(value, scope)
        if not items:
            return None
        if len(items) > 1 or type(items[0]) is dict:
            raise NotPlain
        return items[0] in codes

    return among
