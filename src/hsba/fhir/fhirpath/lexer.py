"""Cut a FHIRPath expression into its words (FHIRPath N1, section "Lexical Elements")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal as OneOf

from hsba.fhir.fhirpath.problems import InvalidExpression

Kind = OneOf[
    "name", "quoted", "string", "number", "date", "datetime", "time", "external", "special", "symbol", "end"
]


@dataclass(frozen=True, slots=True)
class Token:
    """A word, what kind it is, and where it begins; the text is already free of quotes and escapes."""

    kind: Kind
    text: str
    position: int


_TIME = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_ZONE = r"(?:Z|[+-]\d\d:\d\d)"
_WORD = re.compile(
    rf"""
      (?P<space>(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)+)
    | (?P<datetime>@\d{{4}}(?:-\d\d(?:-\d\d)?)?T(?:{_TIME}{_ZONE}?)?)
    | (?P<date>@\d{{4}}(?:-\d\d(?:-\d\d)?)?)
    | (?P<time>@T{_TIME})
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<external>%(?:[A-Za-z_][A-Za-z0-9_-]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`))
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{{}}])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)

_SIMPLE = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", **{char: char for char in "`'\"\\/"}}
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)


def tokens(expression: str) -> list[Token]:
    """The words of the expression, closed by one of kind "end"."""
    found = []
    place = 0
    while place < len(expression):
        match = _WORD.match(expression, place)
        if match is None or (expression.startswith("/*", place) and match.lastgroup != "space"):
            raise _unknown(expression, place)
        kind = match.lastgroup
        if kind != "space":
            found.append(_token(expression, kind, match.group(), place))
        place = match.end()
    found.append(Token("end", "", len(expression)))
    return found


def _token(expression: str, kind: str | None, text: str, place: int) -> Token:
    match kind:
        case "string" | "quoted":
            return Token(kind, _unescape(expression, text[1:-1], place + 1), place)
        case "external":
            inner = text[2:-1] if text[1] in "'`" else text[1:]
            return Token("external", _unescape(expression, inner, place + 2), place)
        case "special" | "date" | "datetime" | "time":
            return Token(kind, text[1:], place)
        case "number" | "name" | "symbol":
            return Token(kind, text, place)
    raise AssertionError(kind)


def _unescape(expression: str, text: str, place: int) -> str:
    """Put the characters meant in place of their escapes; what no rule knows is an error."""
    if "\\" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _SIMPLE:
            raise InvalidExpression(
                expression,
                place + match.start(),
                f"There is no escape \\{code}.",
                f"Không có ký hiệu thoát \\{code}.",
            )
        return _SIMPLE[code]

    plain = _ESCAPE.sub(one, text)
    try:
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as exc:
        raise InvalidExpression(
            expression, place, "A text holds half of a character pair.", "Chuỗi có nửa ký tự."
        ) from exc


def _unknown(expression: str, place: int) -> InvalidExpression:
    char = expression[place]
    if char in "'`":
        return InvalidExpression(
            expression, place, "A quoted text does not end.", "Chuỗi trong dấu nháy không kết thúc."
        )
    if expression.startswith("/*", place):
        return InvalidExpression(expression, place, "A comment does not end.", "Chú thích không kết thúc.")
    return InvalidExpression(
        expression, place, f"{char!r} has no meaning here.", f"{char!r} không có nghĩa ở đây."
    )
