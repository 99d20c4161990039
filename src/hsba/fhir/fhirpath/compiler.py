"""Make of an expression's tree a closure that evaluates it, with all it needs already looked up.

A step is called with the scope and the collection that stands for ``$this``; a name or a function with
nothing before it works on that collection.
"""

from __future__ import annotations

from typing import Any

from hsba.fhir.fhirpath import ast, operators, quick
from hsba.fhir.fhirpath.functions import FUNCTIONS, Function
from hsba.fhir.fhirpath.items import (
    EMPTY,
    FALSE,
    TRUE,
    one_integer,
)
from hsba.fhir.fhirpath.members import Step, member, root_name
from hsba.fhir.fhirpath.problems import EvaluationFailed, InvalidExpression, Refused
from hsba.fhir.fhirpath.scope import Items, Node, Scope


class Compiler:
    """Turns the nodes of one expression into steps."""

    def __init__(self, expression: str) -> None:
        """Keep the text, which every fault quotes."""
        self.expression = expression

    def build(self, node: ast.Expression) -> Step:
        """The step of a node; a part that plain JSON can answer takes the quick way."""
        fast = quick.condition(node)
        if fast is not None:
            return self.quickly(fast, self.build_fully(node))
        return self.build_fully(node)

    @staticmethod
    def quickly(fast: quick.Condition, fully: Step) -> Step:
        """Answer from the JSON of a single complex item, and by the full step where that does not suffice."""

        def step(scope: Scope, this: Items) -> Items:
            if len(this) == 1:
                item = this[0]
                if type(item) is Node and type(item.value) is dict:
                    try:
                        answer = fast(item.value, scope)
                    except quick.NotPlain:
                        return fully(scope, this)
                    return TRUE if answer else EMPTY if answer is None else FALSE
            return fully(scope, this)

        return step

    def build_fully(self, node: ast.Expression) -> Step:
        """The step of a node by its kind."""
        match node:
            case ast.Literal(value):
                return _constant((value,))
            case ast.Nothing():
                return _constant(EMPTY)
            case ast.Constant(name, position):
                return self.outside(name, position)
            case ast.Special(name):
                return _SPECIAL[name]
            case ast.Member(target, name):
                return self.named(target, name)
            case ast.Item(target, index, position):
                return self.placed(position, self.item(target, index))
            case ast.Call():
                return self.call(node)
            case ast.TypeOperation(operator, operand, name, position):
                return self.typed(FUNCTIONS[operator], self.build(operand), name, position)
            case ast.Unary(operator, operand, position):
                return self.placed(position, operators.signed(self.build(operand), operator))
            case ast.Binary(operator, left, right, position):
                made = operators.OPERATORS[operator](self.build(left), self.build(right))
                return self.placed(position, made)

    def placed(self, position: int, step: Step) -> Step:
        """The step, whose refusal is told with its place in the expression."""
        expression = self.expression

        def run(scope: Scope, this: Items) -> Items:
            try:
                return step(scope, this)
            except Refused as exc:
                raise EvaluationFailed(expression, position, exc.en, exc.vi) from exc

        return run

    def named(self, target: ast.Expression | None, name: str) -> Step:
        """An element by name, or the context itself by its type's name."""
        if target is None:
            return root_name(name) if name[:1].isupper() else member(name)
        before, last = self.build(target), member(name)
        return lambda scope, this: last(scope, before(scope, this))

    def item(self, target: ast.Expression, index: ast.Expression) -> Step:
        """One item by its place; nothing when there are not so many."""
        before, place = self.build(target), self.build(index)

        def step(scope: Scope, this: Items) -> Items:
            number = one_integer(scope, place(scope, this))
            found = before(scope, this)
            return EMPTY if number is None or number < 0 else found[number : number + 1]

        return step

    def outside(self, name: str, position: int) -> Step:
        """A constant from outside the expression (FHIR R4 fhirpath.html#variables)."""
        known = _OUTSIDE.get(name)
        if known is not None:
            return known
        for prefix, base in _ADDRESSES.items():
            if name.startswith(prefix):
                return _constant((base + name.removeprefix(prefix),))

        def variable(scope: Scope, this: Items) -> Items:  # noqa: ARG001 - every step is called alike
            if scope.variables is None or name not in scope.variables:
                raise Refused(f"Nothing is known as %{name}.", f"Không biết %{name} là gì.")
            value = scope.variables[name]
            return [_outside(each) for each in value] if type(value) is list else (_outside(value),)

        return self.placed(position, variable)

    def call(self, node: ast.Call) -> Step:
        """A function that exists, with as many arguments as it takes."""
        function = FUNCTIONS.get(node.name)
        count = len(node.arguments)
        if function is None:
            raise InvalidExpression(
                self.expression,
                node.position,
                f"There is no function {node.name}().",
                f"Không có hàm {node.name}().",
            )
        if not function.least <= count <= function.most:
            raise InvalidExpression(
                self.expression,
                node.position,
                f"{node.name}() does not take {count} arguments.",
                f"{node.name}() không nhận {count} tham số.",
            )
        before = _SPECIAL["this"] if node.target is None else self.build(node.target)
        if function.kind == "typed":
            return self.typed(function, before, self.type_name(node.arguments[0]), node.position)
        if node.name == "sort":
            return self.placed(node.position, self.sorted(before, function, node.arguments))
        steps = tuple(self.build(argument) for argument in node.arguments)
        return self.placed(node.position, _called(before, function, steps))

    def sorted(self, before: Step, function: Function, arguments: tuple[ast.Expression, ...]) -> Step:
        """sort(): a minus before a key turns its order round, whatever its type."""
        keys: list[tuple[Step, bool]] = []
        for argument in arguments or (ast.Special("this"),):
            falling = isinstance(argument, ast.Unary) and argument.operator == "-"
            inner = argument.operand if isinstance(argument, ast.Unary) else argument
            keys.append((self.build(inner), falling))
        run = function.run
        return lambda scope, this: run(scope, before(scope, this), *keys)

    def typed(self, function: Function, before: Step, name: str, position: int) -> Step:
        """A function or operator whose right side names a type."""
        run = function.run
        return self.placed(position, lambda scope, this: run(scope, before(scope, this), name))

    def type_name(self, node: ast.Expression) -> str:
        """The type that an argument such as FHIR.Patient names."""
        if isinstance(node, ast.Member):
            if node.target is None:
                return node.name
            return f"{self.type_name(node.target)}.{node.name}"
        raise InvalidExpression(
            self.expression, node.position, "A type's name is needed here.", "Ở đây cần tên một kiểu."
        )


def _called(before: Step, function: Function, steps: tuple[Step, ...]) -> Step:
    """A call: lazy functions get the steps, plain ones the items of their arguments."""
    run = function.run
    if not steps:
        return lambda scope, this: run(scope, before(scope, this))
    if function.kind == "lazy":
        return lambda scope, this: run(scope, before(scope, this), *steps)
    if len(steps) == 1:
        only = steps[0]
        return lambda scope, this: run(scope, before(scope, this), only(scope, this))
    return lambda scope, this: run(scope, before(scope, this), *[step(scope, this) for step in steps])


# --- what comes from outside --------------------------------------------------------------------------------


def _constant(items: Items) -> Step:
    return lambda scope, this: items  # noqa: ARG005 - every step is called alike


def _outside(value: Any) -> Any:
    return Node(value) if type(value) is dict else value


def _context(scope: Scope, this: Items) -> Items:  # noqa: ARG001
    return (scope.context,)


def _resource(scope: Scope, this: Items) -> Items:  # noqa: ARG001
    return (
        scope.context
        if scope.resource is None or scope.resource is scope.context.value
        else Node(scope.resource),
    )


def _root(scope: Scope, this: Items) -> Items:
    return _resource(scope, this) if scope.root is None else (Node(scope.root),)


_OUTSIDE: dict[str, Step] = {
    "context": _context,
    "resource": _resource,
    "rootResource": _root,
    **{name: _constant((value,)) for name, value in quick.CONSTANTS.items()},
}
_ADDRESSES = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
_SPECIAL: dict[str, Step] = {
    "this": lambda scope, this: this,  # noqa: ARG005
    "index": lambda scope, this: (scope.index,),  # noqa: ARG005
    "total": lambda scope, this: scope.total,  # noqa: ARG005
}
