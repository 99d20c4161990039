"""Text as it is compared in a search: without accents, case or doubled spaces, so that Đặng is found by "dang".

PostgreSQL here has no ICU: everything that Vietnamese needs is computed on this side, in one place, and stored.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans({"đ": "d", "ð": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i"})
"""Letters that Unicode does not decompose, as a Vietnamese keyboard without marks would write them."""

_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_SPACES = re.compile(r"\s+")

MAX_FOLDED = 200
"""Characters of a folded text that are indexed: a B-tree entry must stay below a third of a page."""

MAX_KEY = 400
"""Characters of a code or address that are indexed as written; what is longer ends in its hash."""


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """``fold("Đặng Thị  Ánh") == "dang thi anh"``; composed and decomposed spellings give the same."""
    if text.isascii():
        return " ".join(text.lower().split())
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold())).translate(_LETTERS)
    return _SPACES.sub(" ", unicodedata.normalize("NFC", bare)).strip()


def words(text: str) -> list[str]:
    """The folded words of a text; any of them may begin a match in a name."""
    return fold(text).split()


def key_text(text: str) -> str:
    """A code or address short enough for an index: beyond MAX_KEY characters the rest is replaced by its hash."""
    if len(text) <= MAX_KEY:
        return text
    return text[: MAX_KEY - 64] + hashlib.sha256(text.encode()).hexdigest()


def token(code: str) -> str:
    """A code as it is kept and compared: in doubt a token matches whatever its case (FHIR R4 search.html#token)."""
    return key_text(code.strip().lower())


def above(prefix: str) -> str | None:
    """The least text that is greater than every text starting with the prefix; None when there is none.

    ``x >= prefix AND x < above(prefix)`` is a prefix search on C collation with operators that are leakproof,
    so the index is used under row-level security, where LIKE would not be.
    """
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1])
        if point < 0x10FFFF:
            following = 0xE000 if point == 0xD7FF else point + 1
            return prefix[: end - 1] + chr(following)
    return None


def contact(value: str) -> str:
    """A telephone number or e-mail address as it is compared: digits only with the national 0, or lower case."""
    if "@" in value:
        return value.strip().lower()
    digits = re.sub(r"[^\d+]", "", value)
    if len(digits) < len(value) // 2 or not digits.strip("+"):
        return fold(value)
    if digits.startswith("+84"):
        return "0" + digits[3:].lstrip("0")
    if digits.startswith("0084"):
        return "0" + digits[4:].lstrip("0")
    return digits
