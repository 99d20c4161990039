"""A compiled expression and the ways to ask it: for values, for nodes, for a verdict."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hsba.fhir.fhirpath import quick
from hsba.fhir.fhirpath.compiler import Compiler
from hsba.fhir.fhirpath.items import TRUE, truth
from hsba.fhir.fhirpath.parser import parse
from hsba.fhir.fhirpath.problems import EvaluationFailed, InvalidExpression, Refused
from hsba.fhir.fhirpath.quantities import Quantity
from hsba.fhir.fhirpath.scope import CodeCheck, Conformance, Items, Node, Resolve, Scope
from hsba.fhir.fhirpath.values import Moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.fhirpath.ast import Expression


class Compiled:
    """An expression ready to be evaluated; it keeps nothing between evaluations."""

    __slots__ = ("_condition", "_path", "_step", "expression", "tree")

    def __init__(self, expression: str) -> None:
        """Read and compile the expression; what cannot be read is an InvalidExpression."""
        self.expression = expression
        self.tree: Expression = parse(expression)
        try:
            self._step = Compiler(expression).build(self.tree)
            self._condition = quick.condition(self.tree)
            self._path = quick.path(self.tree)
        except RecursionError as exc:
            raise InvalidExpression(
                expression, 0, "The expression nests too deeply.", "Biểu thức lồng quá sâu."
            ) from exc

    def evaluate(
        self,
        node: Any,
        *,
        definitions: Definitions | None = None,
        type: str | None = None,
        resource: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
        codes: CodeCheck | None = None,
        conforms: Conformance | None = None,
        clock: Callable[[], dt.datetime] | None = None,
        trace: Callable[[str, list[Any]], None] | None = None,
        strict: bool = False,
    ) -> list[Any]:
        """The values found, as plain JSON values of the node itself (no copies); extensions alone give none."""
        scope = Scope(
            definitions, resource=resource, root=root, variables=variables, resolve=resolve, codes=codes,
            conforms=conforms, clock=clock, trace=trace, strict=strict,
        )  # fmt: skip
        return self.values(node, scope, type)

    def test(
        self,
        node: Any,
        *,
        definitions: Definitions | None = None,
        type: str | None = None,
        resource: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
        codes: CodeCheck | None = None,
        conforms: Conformance | None = None,
    ) -> bool:
        """Whether an invariant holds: true does, nothing does not, as in the reference implementation."""
        scope = Scope(
            definitions, resource=resource, root=root, variables=variables, resolve=resolve, codes=codes,
            conforms=conforms,
        )  # fmt: skip
        return self.verdict(node, scope, type) is True

    def values(self, node: Any, scope: Scope, type: str | None = None) -> list[Any]:
        """The values found within a scope that the caller keeps, as plain JSON values."""
        if self._path is not None and node.__class__ is dict:
            try:
                return [each for each in self._path(node, scope) if each is not quick.BARE]
            except quick.NotPlain:
                pass
        found = (_json(item) for item in self.nodes(node, scope, type))
        return [value for value in found if value is not None]

    def nodes(self, node: Any, scope: Scope, type: str | None = None) -> Items:
        """The items found: nodes with their place (``Scope.type_of`` has their type), and computed values."""
        context = node if isinstance(node, Node) else Node(node, named=type)
        scope.start(context)
        try:
            return self._step(scope, (context,))
        except RecursionError as exc:
            raise EvaluationFailed(
                self.expression, 0, "The evaluation nests too deeply.", "Phép tính lồng quá sâu."
            ) from exc
        except ArithmeticError as exc:
            raise EvaluationFailed(
                self.expression, 0, "A number is too large to compute with.", "Có số quá lớn để tính."
            ) from exc

    def verdict(self, node: Any, scope: Scope, type: str | None = None) -> bool | None:
        """True, false, or None when the expression gives nothing."""
        if self._condition is not None and node.__class__ is dict:
            try:
                return self._condition(node, scope)
            except quick.NotPlain:
                pass
        found = self.nodes(node, scope, type)
        if found is TRUE:
            return True
        try:
            return truth(found)
        except Refused as exc:
            raise EvaluationFailed(self.expression, 0, exc.en, exc.vi) from exc

    def __repr__(self) -> str:
        return f"Compiled({self.expression!r})"


def _json(item: Any) -> Any:
    """An item as a JSON value: a moment as its text, a quantity as FHIR's Quantity."""
    if isinstance(item, Node):
        return item.value
    if isinstance(item, Moment):
        return str(item)
    if isinstance(item, Quantity):
        value = item.value if isinstance(item.value, int) else Decimal(item.value)
        if item.calendar:
            return {"value": value, "unit": item.unit}
        return {"value": value, "unit": item.unit, "system": "http://unitsofmeasure.org", "code": item.unit}
    return item


@lru_cache(maxsize=4096)
def compile(expression: str) -> Compiled:
    """The compiled form of an expression, made once and kept."""
    return Compiled(expression)
