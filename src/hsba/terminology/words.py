"""How a name of a list is cut into words, and a code made plain, so that few unaccented letters find it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hsba.fhir.fold import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = re.compile(r"[^\W_]+")
_Y = re.compile(r"(?<=[bcdghklmnprstvx])y$|(?<=qu)y$")
MAX_WORD = 60
"""Letters of a word that count; what is longer is no word of a name."""


def words(text: str) -> list[str]:
    """The words without accents, quị as quỵ and mỹ as mĩ."""
    return [_Y.sub("i", word)[:MAX_WORD] for word in _WORDS.findall(fold(text))]


def folded(text: str) -> str:
    """The same as one text."""
    return " ".join(words(text))


def plain(code: str) -> str:
    """A code as it is typed in haste: without points, spaces and case."""
    return "".join(_WORDS.findall(fold(code)))


def mark(system: int) -> str:
    """What stands before each word of a system's names in the index, so that a search reads one list only."""
    return f"~{system}~"


def marked(some: Iterable[str], system: int) -> str:
    """Words as the index has them, apart by spaces."""
    before = mark(system)
    return " ".join(sorted(before + one for one in some))
