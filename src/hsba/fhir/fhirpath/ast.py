"""The tree of a FHIRPath expression (FHIRPath N1, grammar): frozen values, equal by meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from hsba.fhir.fhirpath.values import Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.fhir.fhirpath.quantities import Quantity


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the expression: true, 'x', 4, 1.50, @2015-02, 4 days."""

    value: bool | str | int | Decimal | Moment | Quantity
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Nothing:
    """The empty collection {}."""

    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A value from outside: %resource, %ucum, %`vs-administrative-gender`."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Special:
    """$this, $index or $total, named without the dollar."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """An element by name, of the target or (target None) of what the expression is applied to."""

    target: Expression | None
    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function applied to the target (None: to what the expression is applied to)."""

    target: Expression | None
    name: str
    arguments: tuple[Expression, ...] = ()
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Item:
    """One item by its place: name[0]."""

    target: Expression
    index: Expression
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """+x or -x."""

    operator: str
    operand: Expression
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and the operator between them: and, =, |, div."""

    operator: str
    left: Expression
    right: Expression
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """A test of type (x is T) or a choice by type (x as T); the type may be qualified: FHIR.Patient."""

    operator: str
    operand: Expression
    type: str
    position: int = field(default=0, compare=False)


Expression: TypeAlias = (
    Literal | Nothing | Constant | Special | Member | Call | Item | Unary | Binary | TypeOperation
)


PRECEDENCE = {
    "implies": 1,
    "or": 2, "xor": 2,
    "and": 3,
    "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<=": 6, "<": 6, ">": 6, ">=": 6,
    "|": 7,
    "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
"""How strongly each operator binds; the sign binds with 11, the dot and the index with 12."""


def alternatives(expression: Expression) -> tuple[Expression, ...]:
    """The parts of a union ``a | b | c`` in their order; any other expression is its own only part."""
    if isinstance(expression, Binary) and expression.operator == "|":
        return (*alternatives(expression.left), *alternatives(expression.right))
    return (expression,)


def write(expression: Expression) -> str:
    """The expression as text in one canonical form: equal trees give equal text."""
    return _write(expression, 0)


def _write(one: Expression, outer: int) -> str:
    """Write one node, in brackets where the operator around it binds more strongly."""
    match one:
        case Literal(value):
            return write_literal(value)
        case Nothing():
            return "{}"
        case Constant(name):
            return "%" + _identifier(name)
        case Special(name):
            return "$" + name
        case Member(target, name):
            return _after(target) + _identifier(name)
        case Call(target, name, arguments):
            return f"{_after(target)}{name}({', '.join(_write(each, 0) for each in arguments)})"
        case Item(target, index):
            return f"{_write(target, 12)}[{_write(index, 0)}]"
        case Unary(operator, operand):
            text, level = operator + _write(operand, 11), 11
        case TypeOperation(operator, operand, named):
            level = PRECEDENCE[operator]
            text = f"{_write(operand, level)} {operator} {named}"
        case Binary(operator, left, right):
            level = PRECEDENCE[operator]
            text = f"{_write(left, level)} {operator} {_write(right, level + 1)}"
    return f"({text})" if level < outer else text


def _after(target: Expression | None) -> str:
    return "" if target is None else _write(target, 12) + "."


def _identifier(name: str) -> str:
    return (
        name if name.isidentifier() and name.isascii() and name not in RESERVED else f"`{_escape(name, '`')}`"
    )


RESERVED = frozenset(
    {"true", "false", "div", "mod", "and", "or", "xor", "implies", "is", "as", "in", "contains"}
)


def write_literal(value: bool | str | int | Decimal | Moment | Quantity) -> str:  # noqa: FBT001 - a value, not a switch
    """A system value as FHIRPath writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{_escape(value, chr(39))}'"
        case Moment():
            return value.literal()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}


def _escape(text: str, quote: str) -> str:
    return "".join("\\" + char if char == quote else _ESCAPES.get(char, char) for char in text)


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it."""
    yield expression
    match expression:
        case Member(target, _):
            inner: tuple[Expression | None, ...] = (target,)
        case Call(target, _, arguments):
            inner = (target, *arguments)
        case Item(target, index):
            inner = (target, index)
        case Unary(_, operand) | TypeOperation(_, operand, _):
            inner = (operand,)
        case Binary(_, left, right):
            inner = (left, right)
        case _:
            return
    for each in inner:
        if each is not None:
            yield from parts(each)
