"""The `_filter` language of FHIR R4 (search_filter.html): comparisons joined by and, or, not and parentheses.

Every mistake is told with its position.  The same language writes access policies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, cast

import msgspec

from hsba.fhir.fold import fold, key_text
from hsba.fhir.problems import BadRequest, UnknownParameter
from hsba.fhir.query import expression as e
from hsba.fhir.query.values import BadValue, number

if TYPE_CHECKING:
    from hsba.fhir.paths import Parameter
    from hsba.fhir.query.parse import Parser

MAX_NESTING = 24
MAX_TERMS = 200

OPERATORS = frozenset(
    (
        "eq",
        "ne",
        "co",
        "sw",
        "ew",
        "gt",
        "lt",
        "ge",
        "le",
        "ap",
        "sa",
        "eb",
        "pr",
        "po",
        "ss",
        "sb",
        "in",
        "ni",
        "re",
    )
)

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([()\[\]])|([^\s()\[\]"]+))')


class BadFilter(BadRequest):
    """The _filter cannot be read; nothing was searched."""

    vi = "Không đọc được _filter; chưa tìm gì."


def parse_filter(parser: Parser, types: tuple[str, ...], text: str) -> e.Expression:
    """The expression that a filter asks for on these types."""
    return _Filter(parser, text).read(types)


class _Filter:
    """One pass over the text, from left to right: `and` and `or` have no precedence (search_filter.html)."""

    def __init__(self, parser: Parser, text: str) -> None:
        self.parser = parser
        self.text = text
        self.tokens: list[tuple[str, int]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                self.fail("an unfinished text", "chuỗi chưa đóng", len(text) - len(text[at:].lstrip()))
            word = found[1] or found[2] or found[3]
            self.tokens.append((word, found.end() - len(word)))
            at = found.end()
        self.at = 0
        self.terms = 0

    def fail(self, en: str, vi: str, at: int | None = None) -> NoReturn:
        if at is None:
            at = self.tokens[self.at][1] if self.at < len(self.tokens) else len(self.text)
        raise BadFilter(f"At character {at + 1}: {en}.", vi=f"Tại ký tự {at + 1}: {vi}.")

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        word = self.peek()
        if not word or (wanted and word != wanted):
            self.fail(f"“{wanted or 'a word'}” is missing", f"thiếu “{wanted or 'một từ'}”")
        self.at += 1
        return word

    def read(self, types: tuple[str, ...]) -> e.Expression:
        found = self.logical(types, 0)
        if self.peek():
            self.fail(f"“{self.peek()}” was not expected", f"thừa “{self.peek()}”")
        return found

    def logical(self, types: tuple[str, ...], depth: int) -> e.Expression:
        if depth > MAX_NESTING:
            self.fail("too many parentheses", "quá nhiều ngoặc")
        found = self.term(types, depth)
        while self.peek() in ("and", "or"):
            word = self.take()
            other = self.term(types, depth)
            found = e.all_of([found, other]) if word == "and" else e.any_of([found, other])
        return found

    def term(self, types: tuple[str, ...], depth: int) -> e.Expression:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.fail("too many comparisons", "quá nhiều phép so sánh")
        word = self.peek()
        if word == "(":
            self.take("(")
            found = self.logical(types, depth + 1)
            self.take(")")
            return found
        if word == "not":
            self.take("not")
            self.take("(")
            found = e.Not(self.logical(types, depth + 1))
            self.take(")")
            return found
        return self.comparison(types, depth)

    def comparison(self, types: tuple[str, ...], depth: int) -> e.Expression:
        """`path op value`; a path is a parameter, or references joined by dots, each with a filter in brackets."""
        start = self.tokens[self.at][1] if self.at < len(self.tokens) else len(self.text)
        path = self.take()
        if path in "()[]" or path.startswith('"'):
            self.fail("a parameter's name is missing", "thiếu tên tham số", start)
        return self.along(types, path, start, depth)

    def along(self, types: tuple[str, ...], path: str, start: int, depth: int) -> e.Expression:
        if depth > MAX_NESTING:
            self.fail("too deep a path", "đường dẫn quá sâu", start)
        code, dot, rest = path.partition(".")
        if code.startswith("_has:"):
            _, type_, reference, *more = [*code.split(":", 3), "", "", ""]
            if type_ not in self.parser.definitions.resource_types or not more[0]:
                self.fail(
                    f"“{code}” should be _has:Type:reference:parameter", f"“{code}” sai dạng _has", start
                )
            self.known((type_,), reference, start)
            inner = more[0] + dot + rest
            return e.Has(type_, reference, self.along((type_,), inner, start, depth + 1))
        if dot or self.peek() == "[":
            return self.beyond(types, code, rest, start, depth)
        return self.compare(types, code, start)

    def beyond(self, types: tuple[str, ...], code: str, rest: str, start: int, depth: int) -> e.Expression:
        """Follow a reference: for each type that it may lead to and that knows what comes after."""
        name, _, narrowed = code.partition(":")
        targets = self.targets(types, name, start)
        if narrowed:
            targets = (narrowed,) if narrowed in self.parser.definitions.resource_types else ()
        mark = end = self.at
        found: dict[e.Expression, list[str]] = {}
        problem: BadRequest | None = None
        for target in targets:
            self.at = mark
            try:
                within: e.Expression = e.Everything()
                inner = rest
                if self.peek() == "[":
                    self.take("[")
                    within = self.logical((target,), depth + 1)
                    self.take("]")
                    inner = self.take()[1:] if self.peek().startswith(".") else ""
                    if not inner:
                        self.fail("a path goes on after “]” with a dot", "sau “]” phải là dấu chấm")
                where = e.all_of([within, self.along((target,), inner, start, depth + 1)])
            except (UnknownParameter, BadFilter) as exc:
                problem = exc
                continue
            end = self.at
            found.setdefault(where, []).append(target)
        if not found:
            if problem is not None:
                raise problem
            self.fail(f"“{code}” leads nowhere", f"“{code}” không dẫn tới đâu", start)
        self.at = end
        return e.any_of([e.Chain(name, tuple(which), where) for where, which in found.items()])

    def known(self, types: tuple[str, ...], code: str, start: int) -> Parameter:
        try:
            return self.parser.common(types, code)
        except UnknownParameter:
            self.fail(f"“{code}” is no search parameter here", f"“{code}” không phải tham số tìm kiếm", start)

    def targets(self, types: tuple[str, ...], code: str, start: int) -> tuple[str, ...]:
        if self.known(types, code, start).kind != "reference":
            self.fail(f"“{code}” is no reference", f"“{code}” không phải tham chiếu", start)
        return tuple(sorted(self.parser.targets(types, code)))

    def compare(self, types: tuple[str, ...], code: str, start: int) -> e.Expression:
        operator = self.peek()
        if operator not in OPERATORS:
            self.fail("a comparison such as eq is missing", "thiếu phép so sánh, ví dụ eq")
        self.take()
        if operator == "pr":
            present = True
            if self.peek() in ("true", "false"):
                present = self.take() == "true"
            self.known(types, code, start)
            return e.Not(e.Missing(code)) if present else e.Missing(code)
        at = self.tokens[self.at][1] if self.at < len(self.tokens) else len(self.text)
        if self.peek() in ("", "(", ")", "[", "]"):
            self.fail("a value is missing", "thiếu giá trị")
        raw = self.take()
        value = self.value(raw, at)
        try:
            if code == "_id":
                return self.by_id(operator, value)
            if code == "_lastUpdated":
                return e.Updated(e.Date(self.prefix(operator, at), *self.parser.values.span(value)))
            parameter = self.known(types, code, start)
            test = self.test(parameter, operator, value, at)
        except BadValue as exc:
            self.fail(exc.detail.rstrip("."), exc.detail_vi.rstrip("."), at)
        if operator == "ni":
            return e.Not(e.Match(code, test))
        if operator == "ne" and parameter.kind in ("token", "string", "reference", "uri"):
            return e.Match(code, e.Other(test))
        return e.Match(code, test)

    def value(self, raw: str, at: int) -> str:
        if not raw.startswith('"'):
            return raw
        try:
            return msgspec.json.decode(raw.encode(), type=str)
        except (msgspec.DecodeError, UnicodeEncodeError):
            self.fail("a text with a wrong escape", "chuỗi có ký tự thoát sai", at)

    def prefix(self, operator: str, at: int) -> e.Prefix:
        if operator not in ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb", "po"):
            self.fail(
                f"“{operator}” does not compare dates or numbers", f"“{operator}” không so được ngày, số", at
            )
        return cast("e.Prefix", operator)

    def by_id(self, operator: str, value: str) -> e.Expression:
        if operator not in ("eq", "ne"):
            self.fail(f"“{operator}” does not compare ids", f"“{operator}” không so được id")
        return e.Ids((value,)) if operator == "eq" else e.Not(e.Ids((value,)))

    def test(self, parameter: Parameter, operator: str, value: str, at: int) -> e.Test:
        values = self.parser.values
        match parameter.kind, operator:
            case "string", ("eq" | "ne"):
                return e.Text(fold(value), "equals")
            case "string", "co":
                return e.Text(fold(value), "contains")
            case "string", "sw":
                return e.Text(fold(value), "starts")
            case "string", "ew":
                return e.Text(fold(value), "ends")
            case "token", ("eq" | "ne"):
                return values.token(value)
            case "token", "co" | "sw":
                return e.TokenText(fold(value))
            case "token", ("in" | "ni"):
                return e.InValueSet(value)
            case "token", "ss":
                token = values.token(value)
                return e.Hierarchy("below", token.system, token.code or "")
            case "token", "sb":
                token = values.token(value)
                return e.Hierarchy("above", token.system, token.code or "")
            case "reference", ("eq" | "ne" | "re"):
                return values.reference(value)
            case "uri", ("eq" | "ne"):
                return e.Uri(key_text(value))
            case "uri", "sw":
                return e.Uri(key_text(value), "below")
            case "date", _:
                return e.Date(self.prefix(operator, at), *values.span(value))
            case "number", _:
                return number(self.prefix(operator, at), value)
            case "quantity", _:
                told, *unit = value.split("|")
                found = number(self.prefix(operator, at), told)
                if len(unit) not in (0, 2):
                    raise BadValue(
                        f"“{value}” should be number|system|code.", vi=f"“{value}” phải là số|hệ|đơn vị."
                    )
                return e.Quantity(
                    found, (unit[0] or None) if unit else None, (unit[1] or None) if unit else None
                )
            case _:
                self.fail(
                    f"“{operator}” does not fit “{parameter.code}” ({parameter.kind})",
                    f"“{operator}” không dùng được cho “{parameter.code}” ({parameter.kind})",
                    at,
                )
