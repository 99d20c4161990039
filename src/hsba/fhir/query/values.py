"""The values of search parameters, from their text to tests (FHIR R4 search.html#ptypes, #prefix, #escaping)."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, cast

from hsba.fhir.extract import literal
from hsba.fhir.fold import contact, fold, key_text, token
from hsba.fhir.problems import BadRequest
from hsba.fhir.query import expression as e
from hsba.fhir.query.dates import interval

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from hsba.fhir.paths import Parameter

_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+\-.])")
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class BadValue(BadRequest):
    """The value of a search parameter cannot be read; nothing was searched."""

    vi = "Không đọc được giá trị của tham số tìm kiếm; chưa tìm gì."


def split(text: str, mark: str) -> list[str]:
    r"""Cut at every mark that is not escaped by a backslash; the escapes stay in the parts."""
    if "\\" not in text:
        return text.split(mark)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == mark:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


def unescape(text: str) -> str:
    r"""Take the backslash from `\,` `\$` `\|` and `\\`."""
    return re.sub(r"\\([,$|\\])", r"\1", text) if "\\" in text else text


class Reader:
    """Reads the values of one search; knows the zone, the types and the addresses of this server."""

    def __init__(self, zone: ZoneInfo, types: frozenset[str], bases: tuple[str, ...] = ()) -> None:
        """Keep what values depend on."""
        self.zone = zone
        self.types = types
        self.bases = bases

    def read(self, parameter: Parameter, text: str) -> e.Test:
        """One value without a modifier (between commas already cut)."""
        match parameter.kind:
            case "token":
                return self.token(text)
            case "string":
                return self.string(unescape(text))
            case "date":
                return self.date(unescape(text))
            case "number":
                return self.number(unescape(text))
            case "quantity":
                return self.quantity(text)
            case "reference":
                return self.reference(unescape(text))
            case "uri":
                return e.Uri(key_text(unescape(text)))
            case "composite":
                return self.composite(parameter, text)
            case _:
                return self.near(text)

    def token(self, text: str) -> e.Token:
        """`code`, `system|code`, `|code`, `system|`."""
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) == 1:
            return e.Token(None, parts[0])
        if len(parts) > 2 or parts == ["", ""]:
            raise _bad(text, "system|code", "hệ mã|mã")
        return e.Token(parts[0], parts[1] or None)

    def of_type(self, text: str) -> e.OfType:
        """`type system|type code|value` (search.html#token, :of-type)."""
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise _bad(text, "system|code|value", "hệ mã|mã|giá trị")
        return e.OfType(parts[0] or None, token(parts[1]), token(parts[2]))

    def string(self, text: str) -> e.Text:
        """A text that the value starts with, folded."""
        return e.Text(fold(text))

    def prefixed(self, text: str) -> tuple[e.Prefix, str]:
        """The comparison at the beginning of a value, and the rest."""
        found = _PREFIX.match(text)
        return (cast("e.Prefix", found[1]), text[2:]) if found else ("eq", text)

    def span(self, text: str) -> tuple[datetime, datetime]:
        """The first and last instant of a date value."""
        try:
            return interval(text, self.zone)
        except ValueError:
            raise _bad(text, "a date such as 2026-11-22", "ngày, ví dụ 2026-11-22") from None

    def date(self, text: str) -> e.Date:
        """A date with its comparison."""
        prefix, rest = self.prefixed(text)
        return e.Date(prefix, *self.span(rest))

    def number(self, text: str) -> e.Number:
        """A number with its comparison and the range that its precision implies (search.html#number)."""
        prefix, rest = self.prefixed(text)
        return number(prefix, rest)

    def quantity(self, text: str) -> e.Quantity:
        """`number`, `number|system|code`, `number||code`."""
        parts = [unescape(part) for part in split(text, "|")]
        if len(parts) not in (1, 3):
            raise _bad(text, "number|system|code", "số|hệ đơn vị|đơn vị")
        told = self.number(parts[0])
        if len(parts) == 1:
            return e.Quantity(told, None, None)
        return e.Quantity(told, parts[1] or None, parts[2] or None)

    def reference(self, text: str, type: str | None = None) -> e.Reference:
        """`id`, `Type/id`, an address of this server or of another one, a canonical or a urn."""
        local = literal(text, self.types, self.bases)
        if local is not None:
            return e.Reference(*local)
        if _ID.fullmatch(text):
            return e.Reference(type, text)
        if ":" in text or text.startswith("#"):
            return e.Reference(None, None, key_text(text))
        raise _bad(text, "Type/id, an id or an address", "Loại/id, id hoặc địa chỉ")

    def composite(self, parameter: Parameter, text: str) -> e.Together:
        """The values of a composite's components, joined by `$`."""
        texts = split(text, "$")
        parts = parameter.composites[0].parts
        if len(texts) != len(parts):
            raise _bad(text, f"{len(parts)} values joined by $", f"{len(parts)} giá trị nối bằng $")
        tests: list[e.Test] = []
        for part, one in zip(parts, texts, strict=True):
            if not one:
                raise _bad(text, f"{len(parts)} values joined by $", f"{len(parts)} giá trị nối bằng $")
            match part.kind:
                case "token":
                    tests.append(self.token(one))
                case "string":
                    tests.append(self.string(unescape(one)))
                case "date":
                    tests.append(self.date(unescape(one)))
                case "number":
                    tests.append(self.number(unescape(one)))
                case "quantity":
                    tests.append(self.quantity(one))
                case "reference":
                    tests.append(self.reference(unescape(one)))
                case _:
                    tests.append(e.Uri(key_text(unescape(one))))
        return e.Together(tuple(tests))

    def near(self, text: str) -> e.Near:
        """`latitude|longitude|distance|unit` (location.html#search, near)."""
        parts = split(text, "|")
        try:
            latitude, longitude = float(parts[0]), float(parts[1])
            distance = float(parts[2]) if len(parts) > 2 and parts[2] else 5.0
            unit = parts[3] if len(parts) > 3 and parts[3] else "km"
            factor = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "mi": 1.609344}[unit]
        except (ValueError, IndexError, KeyError):
            raise _bad(text, "latitude|longitude|distance|km", "vĩ độ|kinh độ|khoảng cách|km") from None
        if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 <= distance <= 50_000):
            raise _bad(text, "latitude|longitude|distance|km", "vĩ độ|kinh độ|khoảng cách|km")
        return e.Near(latitude, longitude, distance * factor)


def number(prefix: e.Prefix, text: str) -> e.Number:
    """A number and the range its written precision covers: 100 is [99.5, 100.5), 100.00 is [99.995, 100.005)."""
    text = text.strip()
    try:
        if not _NUMBER.fullmatch(text):
            raise _bad(text, "a number", "một số")
        value = Decimal(text)
        exponent = int(value.as_tuple().exponent)
    except (InvalidOperation, ValueError):
        raise _bad(text, "a number", "một số") from None
    if not -300 < value.adjusted() < 300:
        raise _bad(text, "a number", "một số")
    # search.html#number says that 1e2 means [95, 105): a positive exponent counts one digit finer.
    half = Decimal(5).scaleb(exponent - (2 if exponent > 0 else 1))
    if prefix == "ap":
        half = max(half, abs(value) / 10)
    return e.Number(prefix, float(value), float(value - half), float(value + half))


def token_code(code: str, leaves: frozenset[str]) -> str:
    """A code as it is kept for these datatypes: telephone numbers as digits, the rest in lower case."""
    return key_text(contact(code)) if "ContactPoint" in leaves else token(code)


def _bad(text: str, wanted: str, wanted_vi: str) -> BadValue:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return BadValue(f"“{shown}” should be {wanted}.", vi=f"“{shown}” phải là {wanted_vi}.")
