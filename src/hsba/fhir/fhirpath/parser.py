"""Read a FHIRPath expression into its tree by operator precedence (FHIRPath N1, grammar)."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from hsba.fhir.fhirpath import ast, quantities, values
from hsba.fhir.fhirpath.lexer import Token, tokens
from hsba.fhir.fhirpath.problems import InvalidExpression

MAX_LENGTH = 20_000
MAX_DEPTH = 60
"""How deep an expression may nest: far above every published one, far below the interpreter's own limit."""

_SIGN, _DOT = 11, 12
_KEYWORDS_AS_NAMES = frozenset({"as", "contains", "in", "is"})


@lru_cache(maxsize=4096)
def parse(expression: str) -> ast.Expression:
    """The tree of an expression; what cannot be read is an InvalidExpression with its place."""
    return _Reader(expression).whole()


class _Reader:
    """Walks the words once, from left to right."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        if len(expression) > MAX_LENGTH:
            raise self.fault(0, "The expression is too long.", "Biểu thức quá dài.")
        self.words = tokens(expression)
        self.place = 0
        self.depth = 0

    @property
    def word(self) -> Token:
        return self.words[self.place]

    def fault(self, position: int, en: str, vi: str) -> InvalidExpression:
        return InvalidExpression(self.expression, position, en, vi)

    def unexpected(self) -> InvalidExpression:
        if self.word.kind == "end":
            return self.fault(
                self.word.position, "The expression ends too early.", "Biểu thức kết thúc quá sớm."
            )
        text = self.word.text
        return self.fault(self.word.position, f"{text!r} is not expected here.", f"Không chờ {text!r} ở đây.")

    def take(self) -> Token:
        word = self.word
        self.place += 1
        return word

    def is_symbol(self, text: str) -> bool:
        return self.word.kind == "symbol" and self.word.text == text

    def need(self, text: str) -> Token:
        if not self.is_symbol(text):
            raise self.unexpected()
        return self.take()

    def whole(self) -> ast.Expression:
        found = self.read(0)
        if self.word.kind != "end":
            raise self.unexpected()
        return found

    def read(self, least: int) -> ast.Expression:
        """Read an expression whose operators bind at least this strongly."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fault(
                self.word.position, "The expression nests too deeply.", "Biểu thức lồng quá sâu."
            )
        left = self.prefix()
        links = 0
        while True:
            word = self.word
            level = ast.PRECEDENCE.get(word.text, 0) if word.kind in {"symbol", "name"} else 0
            if level == 0 or level < least:
                break
            links += 1
            if links > 1000:
                raise self.fault(
                    word.position, "The expression has too many parts.", "Biểu thức có quá nhiều phần."
                )
            self.take()
            if word.text in {"is", "as"}:
                left = ast.TypeOperation(word.text, left, self.type_name(), word.position)
            else:
                left = ast.Binary(word.text, left, self.read(level + 1), word.position)
        self.depth -= 1
        return left

    def prefix(self) -> ast.Expression:
        """Read a term with its sign, its dots and its indexes."""
        if self.is_symbol("-") or self.is_symbol("+"):
            sign = self.take()
            return ast.Unary(sign.text, self.read(_SIGN), sign.position)
        found = self.term()
        links = 0
        while True:
            links += 1
            if links > 1000:
                raise self.fault(self.word.position, "The path is too long.", "Đường dẫn quá dài.")
            if self.is_symbol("."):
                self.take()
                found = self.invocation(found, after_dot=True)
            elif self.is_symbol("["):
                position = self.take().position
                index = self.read(0)
                self.need("]")
                found = ast.Item(found, index, position)
            else:
                return found

    def term(self) -> ast.Expression:
        word = self.word
        position = word.position
        match word.kind:
            case "symbol" if word.text == "(":
                self.take()
                found = self.read(0)
                self.need(")")
                return found
            case "symbol" if word.text == "{":
                self.take()
                self.need("}")
                return ast.Nothing(position)
            case "string":
                return ast.Literal(self.take().text, position)
            case "number":
                return self.number()
            case "date" | "datetime" | "time":
                return self.moment()
            case "external":
                return ast.Constant(self.take().text, position)
            case "special":
                return self.invocation(None, after_dot=False)
            case "name" if word.text in {"true", "false"}:
                return ast.Literal(self.take().text == "true", position)
            case "name" | "quoted":
                return self.invocation(None, after_dot=False)
        raise self.unexpected()

    def number(self) -> ast.Literal:
        """A number, or a quantity when a unit follows: 4 days, 10 'mg'."""
        word = self.take()
        value = Decimal(word.text) if "." in word.text else int(word.text)
        unit = self.word
        if unit.kind == "string":
            self.take()
            return ast.Literal(quantities.quantity(value, unit.text), word.position)
        if unit.kind == "name" and unit.text in quantities.CALENDAR:
            self.take()
            return ast.Literal(quantities.quantity(value, unit.text, calendar=True), word.position)
        return ast.Literal(value, word.position)

    def moment(self) -> ast.Literal:
        word = self.take()
        read = {"date": values.read_date, "datetime": values.read_date_time, "time": values.read_time}[
            word.kind
        ]
        value = read(word.text.removeprefix("T") if word.kind == "time" else word.text)
        if value is None:
            raise self.fault(
                word.position,
                f"@{word.text} is not a real date or time.",
                f"@{word.text} không phải ngày giờ có thật.",
            )
        return ast.Literal(value, word.position)

    def invocation(self, target: ast.Expression | None, *, after_dot: bool) -> ast.Expression:
        """Read an element's name, a function call, or $this, $index, $total."""
        word = self.take()
        if word.kind == "special":
            if target is not None:
                raise self.fault(
                    word.position, f"${word.text} stands alone.", f"${word.text} phải đứng riêng."
                )
            return ast.Special(word.text, word.position)
        if word.kind not in {"name", "quoted"} or (
            word.kind == "name" and not after_dot and word.text in ast.RESERVED - _KEYWORDS_AS_NAMES
        ):
            self.place -= 1
            raise self.unexpected()
        if not self.is_symbol("(") or word.kind == "quoted":
            return ast.Member(target, word.text, word.position)
        self.take()
        arguments = []
        if not self.is_symbol(")"):
            arguments.append(self.argument())
            while self.is_symbol(","):
                self.take()
                arguments.append(self.argument())
        self.need(")")
        return ast.Call(target, word.text, tuple(arguments), word.position)

    def argument(self) -> ast.Expression:
        return self.read(0)

    def type_name(self) -> str:
        """Read a type after is/as: a name, perhaps with its namespace."""
        parts = []
        while True:
            if self.word.kind not in {"name", "quoted"}:
                raise self.unexpected()
            parts.append(self.take().text)
            if not self.is_symbol("."):
                return ".".join(parts)
            self.take()
