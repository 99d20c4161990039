"""Whether an expression can have a meaning on a type at all: names no element lacks, types that exist.

Evaluation is lenient and finds nothing where a name is wrong; whoever stores an expression (a search
parameter, an invariant of a profile) asks here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hsba.fhir.fhirpath import ast
from hsba.fhir.fhirpath.functions import FUNCTIONS
from hsba.fhir.fhirpath.items import system_type
from hsba.fhir.fhirpath.parser import parse
from hsba.fhir.fhirpath.problems import InvalidExpression
from hsba.fhir.problems import UnknownType

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions

Types: TypeAlias = frozenset[str] | None
"""The types an expression may yield ("System." before the system's own); None when anything may come."""

_SAME = frozenset({
    "where", "first", "last", "tail", "skip", "take", "single", "distinct", "exclude", "intersect",
    "trace", "sort",
})  # fmt: skip
_PLACED = frozenset(["first", "last", "tail", "skip", "take"])
_UNORDERED = frozenset({"children", "descendants"})
_BOOLEAN = frozenset({
    "empty", "exists", "all", "allTrue", "anyTrue", "allFalse", "anyFalse", "subsetOf",
    "supersetOf", "isDistinct", "not", "is", "hasValue", "hasExtension", "startsWith", "endsWith",
    "matches", "matchesFull", "memberOf", "conformsTo", "htmlChecks", "comparable",
})  # fmt: skip
_LAMBDA = frozenset({
    "where", "select", "all", "exists", "repeat", "aggregate", "iif", "sort", "trace",
})  # fmt: skip


def check(expression: str, type: str, definitions: Definitions) -> Types:
    """The types the expression yields on a type; an InvalidExpression says what can have no meaning."""
    return _Checker(expression, type, definitions).whole()


@dataclass(frozen=True, slots=True)
class _Found:
    """What a part of the expression yields, and whether in a defined order."""

    types: Types
    is_ordered: bool = True


_ANYTHING = _Found(None)


def _system(name: str) -> _Found:
    return _Found(frozenset({f"System.{name}"}))


class _Checker:
    """Walks the tree with the types that are possible at each place."""

    def __init__(self, expression: str, root: str, definitions: Definitions) -> None:
        self.expression = expression
        self.root = root
        self.definitions = definitions

    def fault(self, position: int, en: str, vi: str) -> InvalidExpression:
        return InvalidExpression(self.expression, position, en, vi)

    def whole(self) -> Types:
        """Check all parts of a union that speak of this type; a search parameter may also speak of others."""
        parts = ast.alternatives(parse(self.expression))
        here = _Found(frozenset({self.root}))
        own = [part for part in parts if not self.speaks_of_another(part)] or parts[:1]
        return self.joined([self.infer(part, here) for part in own]).types

    def speaks_of_another(self, node: ast.Expression) -> bool:
        """Whether a path begins with the name of a resource type that this one is not."""
        match node:
            case ast.Member(None, name):
                return name in self.definitions.resource_types and not self.is_root(name)
            case ast.Member(target, _) | ast.Call(target, _, _) if target is not None:
                return self.speaks_of_another(target)
            case ast.Item(inner, _) | ast.TypeOperation(_, inner, _):
                return self.speaks_of_another(inner)
        return False

    def is_root(self, name: str) -> bool:
        return name[:1].isupper() and self.exists(name) and self.definitions.is_a(self.root, name)

    def exists(self, name: str) -> bool:
        try:
            self.definitions.type(name)
        except UnknownType:
            return False
        return True

    @staticmethod
    def joined(parts: list[_Found]) -> _Found:
        if any(part.types is None for part in parts):
            return _Found(None, all(part.is_ordered for part in parts))
        types = frozenset(name for part in parts for name in part.types or ())
        return _Found(types, all(part.is_ordered for part in parts))

    def infer(self, node: ast.Expression, this: _Found) -> _Found:
        match node:
            case ast.Literal(value):
                return _system(system_type(value))
            case ast.Nothing():
                return _Found(frozenset())
            case ast.Constant(name):
                return _Found(frozenset({self.root})) if name in {"resource", "context"} else _ANYTHING
            case ast.Special(name):
                return this if name == "this" else _system("Integer") if name == "index" else _ANYTHING
            case ast.Member(target, name, position):
                return self.member(None if target is None else self.infer(target, this), name, this, position)
            case ast.Item(target, index, position):
                found = self.infer(target, this)
                self.infer(index, this)
                self.need_order(found, "[…]", position)
                return found
            case ast.Call():
                return self.call(node, this)
            case ast.TypeOperation(operator, operand, name, position):
                self.infer(operand, this)
                self.need_type(name, position)
                return _system("Boolean") if operator == "is" else self.of_type(name)
            case ast.Unary(_, operand):
                return self.infer(operand, this)
            case ast.Binary(operator, left, right):
                found = self.joined([self.infer(left, this), self.infer(right, this)])
                if operator == "|":
                    return found
                return (
                    _ANYTHING
                    if operator in {"+", "-", "*", "/", "div", "mod"}
                    else _system("String" if operator == "&" else "Boolean")
                )

    def member(self, target: _Found | None, name: str, this: _Found, position: int) -> _Found:
        """The types of a child; a name that none of the possible types has is a fault."""
        if target is None:
            if self.is_root(name):
                return this
            target = this
        if target.types is None:
            return _ANYTHING
        reached: set[str] = set()
        for owner in target.types:
            found = self.child(owner, name)
            if found is None:
                return _ANYTHING
            reached |= found
        if not reached and target.types:
            owners = ", ".join(sorted(target.types))
            raise self.fault(
                position, f"{owners} has no element {name}.", f"{owners} không có phần tử {name}."
            )
        return _Found(frozenset(reached), target.is_ordered)

    def child(self, owner: str, name: str) -> frozenset[str] | None:
        """The types of a child: no type when there is no such child, None when it may be any resource."""
        if owner.startswith("System."):
            return frozenset()
        known = self.definitions.type(owner)
        if name in known.choices:
            return frozenset(known.elements[each].content for each in known.choices[name])
        element = known.elements.get(name)
        if element is not None and element.choice is None:
            return frozenset({element.content})
        return None if known.abstract and owner in {"Resource", "DomainResource"} else frozenset()

    def call(self, node: ast.Call, this: _Found) -> _Found:
        target = this if node.target is None else self.infer(node.target, this)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise self.fault(
                node.position, f"There is no function {node.name}().", f"Không có hàm {node.name}()."
            )
        if function.kind == "typed":
            name = ast.write(node.arguments[0]).replace("`", "")
            self.need_type(name, node.position)
            return _system("Boolean") if node.name == "is" else self.of_type(name)
        inner = _Found(target.types) if node.name in _LAMBDA else this
        arguments = [self.infer(argument, inner) for argument in node.arguments]
        if node.name in _PLACED:
            self.need_order(target, f"{node.name}()", node.position)
        if node.name in _SAME:
            return target
        if node.name in _BOOLEAN:
            return _system("Boolean")
        return self.result(node.name, target, arguments)

    def result(self, name: str, target: _Found, arguments: list[_Found]) -> _Found:
        match name:
            case "select" | "repeat":
                return arguments[0]
            case "union" | "combine":
                return self.joined([target, *arguments])
            case "iif":
                return self.joined(arguments[1:])
            case "extension":
                return _Found(frozenset({"Extension"}))
            case "count" | "length" | "indexOf" | "lastIndexOf":
                return _system("Integer")
        return _Found(None, name not in _UNORDERED)

    def need_order(self, found: _Found, what: str, position: int) -> None:
        if not found.is_ordered:
            raise self.fault(
                position,
                f"{what} needs an order, but children have none.",
                f"{what} cần thứ tự, nhưng các phần tử con không có thứ tự.",
            )

    def need_type(self, name: str, position: int) -> None:
        space, _, bare = name.rpartition(".")
        if space != "System" and not self.exists(bare) and not bare[:1].isupper():
            raise self.fault(position, f"There is no type {name}.", f"Không có kiểu {name}.")

    def of_type(self, name: str) -> _Found:
        space, _, bare = name.rpartition(".")
        if space != "System" and self.exists(bare):
            return _Found(frozenset({bare}))
        return _Found(frozenset({f"System.{bare}"}))
