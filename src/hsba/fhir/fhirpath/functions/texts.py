"""Functions on strings (FHIRPath N1, "String Manipulation" and "Additional String Functions")."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from hsba.fhir.fhirpath.functions.kinds import Function, plain
from hsba.fhir.fhirpath.items import EMPTY, one_integer, one_text, texts
from hsba.fhir.fhirpath.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.fhirpath.scope import Items, Scope

MAX_LENGTH = 5_000_000
"""A string built by an expression may not grow beyond this: replace() in replace() grows without end."""


def measured(text: str) -> Items:
    """The text as a collection, if it is not longer than any use."""
    if len(text) > MAX_LENGTH:
        raise Refused("The string becomes too long.", "Chuỗi trở nên quá dài.")
    return (text,)


def _with_text(work: Callable[[str, str], object]) -> Callable[[Scope, Items, Items], Items]:
    """A function of two strings."""

    def run(scope: Scope, items: Items, other: Items) -> Items:
        text, argument = one_text(scope, items), one_text(scope, other)
        return EMPTY if text is None or argument is None else (work(text, argument),)

    return run


def _of_text(work: Callable[[str], object]) -> Callable[[Scope, Items], Items]:
    """A function of one string."""

    def run(scope: Scope, items: Items) -> Items:
        text = one_text(scope, items)
        return EMPTY if text is None else (work(text),)

    return run


def substring(scope: Scope, items: Items, start: Items, length: Items | None = None) -> Items:
    """The part from a place on; nothing when the place lies outside."""
    text, begin = one_text(scope, items), one_integer(scope, start)
    if text is None or begin is None or not 0 <= begin < len(text):
        return EMPTY
    size = None if length is None else one_integer(scope, length)
    return (text[begin:] if size is None else text[begin : begin + max(0, size)],)


def replace(scope: Scope, items: Items, pattern: Items, substitution: Items) -> Items:
    """The string with every occurrence replaced."""
    text, old, new = (one_text(scope, each) for each in (items, pattern, substitution))
    if text is None or old is None or new is None:
        return EMPTY
    if len(text) * len(new) > MAX_LENGTH and (text.count(old) + 1) * len(new) > MAX_LENGTH:
        raise Refused("The string becomes too long.", "Chuỗi trở nên quá dài.")
    return measured(text.replace(old, new))


@lru_cache(maxsize=512)
def regex(pattern: str) -> re.Pattern[str]:
    """A regular expression where the dot also means a line's end (matches(), "single line mode")."""
    if len(pattern) > 2000:
        raise Refused("The regular expression is too long.", "Biểu thức chính quy quá dài.")
    try:
        return re.compile(pattern, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as exc:
        raise Refused(f"Not a regular expression: {exc}.", f"Không phải biểu thức chính quy: {exc}.") from exc


_GROUP = re.compile(r"\$(?:(\d+)|\{(\w+)\})|\\")


def replace_matches(scope: Scope, items: Items, pattern: Items, substitution: Items) -> Items:
    """The string with every match replaced; $1 or ${name} stand for the groups."""
    text, old, new = (one_text(scope, each) for each in (items, pattern, substitution))
    if text is None or old is None or new is None:
        return EMPTY
    if not old:
        return (text,)
    template = _GROUP.sub(
        lambda found: r"\g<" + (found[1] or found[2]) + ">" if found[0] != "\\" else r"\\", new
    )
    try:
        return measured(regex(old).sub(template, text))
    except (re.error, IndexError) as exc:
        raise Refused(f"The replacement does not fit: {exc}.", f"Phần thay thế không hợp lệ: {exc}.") from exc


def to_chars(scope: Scope, items: Items) -> Items:
    """The characters, one by one."""
    return list(one_text(scope, items) or "")


def split(scope: Scope, items: Items, separator: Items) -> Items:
    """The parts between the separators."""
    text, mark = one_text(scope, items), one_text(scope, separator)
    if text is None or mark is None:
        return EMPTY
    return text.split(mark) if mark else list(text)


def join(scope: Scope, items: Items, separator: Items = EMPTY) -> Items:
    """All strings as one, with the separator between."""
    return measured((one_text(scope, separator) or "").join(texts(scope, items))) if items else EMPTY


_ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "urlbase64": base64.urlsafe_b64encode,
    "hex": binascii.hexlify,
}
_DECODE: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64decode,
    "urlbase64": base64.urlsafe_b64decode,
    "hex": binascii.unhexlify,
}
_ESCAPE: dict[str, Callable[[str], str]] = {
    "html": html.escape,
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
}
_UNESCAPE: dict[str, Callable[[str], str]] = {
    "html": html.unescape,
    "json": lambda text: str(json.loads('"' + re.sub(r'(?<!\\)"', r"\"", text) + '"')),
}


def _by_format(
    table: dict[str, Callable[[bytes], bytes]],
) -> Callable[[str, str], str]:
    def work(text: str, name: str) -> str:
        try:
            return _chosen(table, name)(text.encode()).decode()
        except ValueError as exc:
            raise Refused(f"This is not {name}: {exc}.", f"Không phải {name}: {exc}.") from exc

    return work


def _by_target(table: dict[str, Callable[[str], str]]) -> Callable[[str, str], str]:
    def work(text: str, name: str) -> str:
        try:
            return _chosen(table, name)(text)
        except ValueError as exc:
            raise Refused(f"This is not {name}: {exc}.", f"Không phải {name}: {exc}.") from exc

    return work


_Work = TypeVar("_Work")


def _chosen(table: dict[str, _Work], name: str) -> _Work:
    """The entry of a table, or what names it has."""
    if name not in table:
        known = ", ".join(table)
        raise Refused(f"{name!r} is none of {known}.", f"{name!r} không thuộc {known}.")
    return table[name]


TABLE: dict[str, Function] = {
    "indexOf": plain(_with_text(lambda text, part: text.find(part)), 1),
    "lastIndexOf": plain(_with_text(lambda text, part: text.rfind(part)), 1),
    "substring": plain(substring, 1, 2),
    "startsWith": plain(_with_text(lambda text, part: text.startswith(part)), 1),
    "endsWith": plain(_with_text(lambda text, part: text.endswith(part)), 1),
    "contains": plain(_with_text(lambda text, part: part in text), 1),
    "upper": plain(_of_text(str.upper)),
    "lower": plain(_of_text(str.lower)),
    "replace": plain(replace, 2),
    "matches": plain(_with_text(lambda text, pattern: regex(pattern).search(text) is not None), 1),
    "matchesFull": plain(_with_text(lambda text, pattern: regex(pattern).fullmatch(text) is not None), 1),
    "replaceMatches": plain(replace_matches, 2),
    "length": plain(_of_text(len)),
    "toChars": plain(to_chars),
    "trim": plain(_of_text(str.strip)),
    "split": plain(split, 1),
    "join": plain(join, 0, 1),
    "encode": plain(_with_text(_by_format(_ENCODE)), 1),
    "decode": plain(_with_text(_by_format(_DECODE)), 1),
    "escape": plain(_with_text(_by_target(_ESCAPE)), 1),
    "unescape": plain(_with_text(_by_target(_UNESCAPE)), 1),
}
