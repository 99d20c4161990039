"""What an expression works on: nodes of a resource, and the surroundings in which it is evaluated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from hsba.fhir import definitions as packaged
from hsba.fhir.problems import UnknownType

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions

Items: TypeAlias = Sequence[Any]
"""A collection: nodes of a resource and system values (str, bool, int, Decimal, Moment, Quantity) in order.

A step may hand on the sequence it was given, so nobody changes one after it was returned.
"""

Resolve: TypeAlias = Callable[[str], dict[str, Any] | None]
CodeCheck: TypeAlias = Callable[[str | None, str, str], bool | None]
Conformance: TypeAlias = Callable[[dict[str, Any], str], bool | None]


class Node:
    """A value inside a resource: the JSON value, its ``_`` sibling, and where it stands."""

    __slots__ = ("extra", "index", "key", "named", "parent", "value")

    def __init__(
        self,
        value: Any,
        extra: dict[str, Any] | None = None,
        key: str = "",
        parent: Node | None = None,
        index: int | None = None,
        named: str | None = None,
    ) -> None:
        self.value = value
        self.extra = extra
        self.key = key
        self.parent = parent
        self.index = index
        self.named = named

    def __repr__(self) -> str:
        return f"Node({self.place() or '$this'}: {self.value!r})"

    def steps(self) -> tuple[str | int, ...]:
        """The keys and indexes that lead from the node where the evaluation began to this one."""
        found: list[str | int] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            if node.index is not None:
                found.append(node.index)
            found.append(node.key)
            node = node.parent
        return tuple(reversed(found))

    def place(self) -> str:
        """The same way as a FHIRPath-like text: name[0].given[1]."""
        text = ""
        for step in self.steps():
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
        return text.removeprefix(".")


class Scope:
    """The surroundings of an evaluation; one may serve all invariants of a resource, one after the other."""

    __slots__ = (
        "_definitions", "_now", "clock", "codes", "conforms", "context", "index", "resolve", "resource",
        "root", "strict", "total", "trace", "variables",
    )  # fmt: skip

    def __init__(
        self,
        definitions: Definitions | None = None,
        *,
        resource: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
        codes: CodeCheck | None = None,
        conforms: Conformance | None = None,
        clock: Callable[[], dt.datetime] | None = None,
        trace: Callable[[str, list[Any]], None] | None = None,
        strict: bool = False,
    ) -> None:
        """Keep the surroundings; ``strict`` makes ``as`` refuse several items, which R4's own invariants ask it."""
        self._definitions = definitions
        self.resource = resource
        self.root = root
        self.variables = variables
        self.resolve = resolve
        self.codes = codes
        self.conforms = conforms
        self.clock = clock
        self.trace = trace
        self.strict = strict
        self.context: Node = _NOWHERE
        self.index: int = 0
        self.total: Items = ()
        self._now: dt.datetime | None = None

    @property
    def definitions(self) -> Definitions:
        """The definitions given, or those of the program: asked only when a type is in question."""
        if self._definitions is None:
            self._definitions = packaged.default()
        return self._definitions

    @property
    def now(self) -> dt.datetime:
        """The time of this evaluation: the same however often an expression asks."""
        if self._now is None:
            self._now = self.clock() if self.clock else dt.datetime.now(dt.UTC)
        return self._now

    def start(self, context: Node) -> None:
        """Begin an evaluation at this node."""
        self.context = context
        self.index = 0
        self.total = ()
        self._now = None

    def type_of(self, node: Node) -> str:
        """The FHIR type of a node ("Observation.component" for a backbone); "" when nothing tells it."""
        named = node.named
        if named is None:
            named = node.named = self._find_type(node)
        return named

    def _find_type(self, node: Node) -> str:
        value = node.value
        if type(value) is dict:
            resource_type = value.get("resourceType")
            if type(resource_type) is str:
                return resource_type
        if node.parent is not None:
            owner = self.type_of(node.parent)
            if owner:
                try:
                    element = self.definitions.type(owner).elements.get(node.key)
                except UnknownType:
                    element = None
                if element is not None:
                    return element.content
        return _TYPES_BY_SHAPE.get(type(value), "")

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether a FHIR type is or specialises another; what is not defined is only itself."""
        if name == ancestor:
            return True
        try:
            return self.definitions.is_a(name, ancestor)
        except UnknownType:
            return False

    def is_defined(self, name: str) -> bool:
        """Whether the definitions have a type of this name."""
        try:
            self.definitions.type(name)
        except UnknownType:
            return False
        return True


_TYPES_BY_SHAPE = {bool: "boolean", int: "integer", Decimal: "decimal", str: "string"}
_NOWHERE = Node(None)
