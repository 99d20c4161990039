"""Names of people: as one line, as words to search by, and as a key that sorts them the Vietnamese way.

A Vietnamese list is ordered by tên, then họ, then đệm, and by the letters of the Vietnamese alphabet (a ă â … d đ e ê
… o ô ơ … u ư … y) before the tones (ngang, huyền, hỏi, ngã, sắc, nặng).  PostgreSQL cannot do that without ICU, so
the key is computed here and compared byte by byte.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

HumanName = dict[str, Any]

_TONES = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}
_SHAPES = {("a", "\u0306"): "a{", ("a", "\u0302"): "a|", ("e", "\u0302"): "e{"}
_SHAPES |= {("o", "\u0302"): "o{", ("o", "\u031b"): "o|", ("u", "\u031b"): "u{"}


def display(name: HumanName) -> str:
    """The name on one line: its text, or family and given names in the Vietnamese order."""
    if text := name.get("text"):
        return str(text)
    parts = [name.get("family"), *(name.get("given") or ())]
    return " ".join(part for part in parts if isinstance(part, str))


def spelled(name: HumanName) -> list[str]:
    """Every part of a name that may be searched for, the whole line first."""
    parts: list[str] = [display(name)]
    for key in ("family", "given", "prefix", "suffix"):
        value = name.get(key)
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, list):
            parts.extend(part for part in value if isinstance(part, str))
    return [part for part in parts if part]


@lru_cache(maxsize=16_384)
def _word_key(word: str) -> str:
    """One syllable: its letters in alphabet order, then its tone."""
    letters: list[str] = []
    tone = "0"
    for char in unicodedata.normalize("NFD", word.lower()):
        if char in _TONES:
            tone = _TONES[char]
        elif letters and (letters[-1], char) in _SHAPES:
            letters[-1] = _SHAPES[letters[-1], char]
        elif unicodedata.combining(char):
            continue
        else:
            letters.append("d{" if char == "đ" else char)
    return "".join(letters) + tone


def order_key(text: str) -> str:
    """A key that sorts any Vietnamese text by the alphabet, syllable by syllable."""
    return " ".join(_word_key(word) for word in text.split())


def sort_key(name: HumanName) -> str:
    """A key that sorts people by tên, họ, đệm."""
    family = str(name.get("family") or "")
    given = " ".join(part for part in name.get("given") or () if isinstance(part, str))
    line = display(name)
    if not given:
        words = line.split()
        family, given = (words[0], " ".join(words[1:])) if len(words) > 1 else ("", line)
    called = given.split()
    ordered = [called[-1] if called else "", family, " ".join(called[:-1])]
    return "  ".join(order_key(part) for part in ordered)
