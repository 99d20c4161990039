"""Functions that ask for types: is, as, ofType, type (FHIRPath N1, sections "Types" and "Reflection")."""

from __future__ import annotations

from typing import Any

from hsba.fhir.fhirpath.functions.kinds import Function, plain, typed
from hsba.fhir.fhirpath.items import EMPTY, one, system_type
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.scope import Items, Node, Scope

_SYSTEM = frozenset(
    {"Any", "Boolean", "Date", "DateTime", "Decimal", "Integer", "Long", "Quantity", "String", "Time"}
)


def is_of(scope: Scope, item: Any, name: str) -> bool:
    """Whether an item is of a type or a descendant of it; FHIR's types and the system's are kept apart."""
    space, _, bare = name.rpartition(".")
    if type(item) is Node:
        return space in {"", "FHIR"} and scope.is_a(scope.type_of(item), bare)
    return space in {"", "System"} and bare in {system_type(item), "Any"}


def _known(scope: Scope, name: str) -> None:
    """Refuse a type that does not exist: a misspelt name would silently match nothing."""
    space, _, bare = name.rpartition(".")
    if (space in {"", "System"} and bare in _SYSTEM) or (space in {"", "FHIR"} and scope.is_defined(bare)):
        return
    if space == "System":
        return
    raise Refused(f"There is no type {name}.", f"Không có kiểu {name}.")


def is_type(scope: Scope, items: Items, name: str) -> Items:
    """Whether the single item is of a type."""
    item = one(items)
    return EMPTY if item is None else (is_of(scope, item, name),)


def as_type(scope: Scope, items: Items, name: str) -> Items:
    """The item if it is of the type, else nothing; R4's own expressions also ask it of several items."""
    if scope.strict:
        one(items)
    return of_type(scope, items, name)


def of_type(scope: Scope, items: Items, name: str) -> Items:
    """The items of a type: a primitive only of exactly this one (to HL7's suite a code is no string here)."""
    _known(scope, name)
    return [item for item in items if is_of(scope, item, name) and _exactly(scope, item, name)]


def _exactly(scope: Scope, item: Any, name: str) -> bool:
    if type(item) is not Node or type(item.value) is dict:
        return True
    return scope.type_of(item) == name.rpartition(".")[2]


def reflect(scope: Scope, items: Items) -> Items:
    """For each item what type it is, as namespace and name."""
    found = []
    for item in items:
        space = "FHIR" if type(item) is Node else "System"
        name = scope.type_of(item) if type(item) is Node else system_type(item)
        found.append(Node({"namespace": space, "name": name}, named="SimpleTypeInfo"))
    return found


TABLE: dict[str, Function] = {
    "is": typed(is_type),
    "as": typed(as_type),
    "ofType": typed(of_type),
    "type": plain(reflect),
}
