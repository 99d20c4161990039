"""Finding a code as a doctor types it: unaccented letters, words in any order, abbreviations, codes without their point.

What was typed is one or more ways of saying it (a table of synonyms, source/synonyms.csv of the package); each way is
the words that must all begin a word of the name.  First come the codes that a synonym names, then a code that begins as
typed, then names by how near they are.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from hsba.fhir import code_lists
from hsba.fhir.fold import above
from hsba.terminology.words import plain, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_MEANT = 8
"""Ways of saying it that are read for the codes they mean."""
MOST_WAYS = 4
"""Ways of saying it whose words are looked for."""
MOST_WORDS = 12
SHORT = 4
"""Letters of an abbreviation at most: where a synonym gives one, it is a word and not the beginning of others."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as it is looked for."""

    ways: tuple[tuple[str, ...], ...]
    """Words that must all begin a word of the name, for each way of saying it."""
    hinted: tuple[str, ...]
    """The codes that a synonym names, the likeliest first."""
    code: str
    """What was typed as the beginning of a code, without its point; empty where it is no code."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not any(self.ways) and not self.code


@dataclass(frozen=True, slots=True)
class _Meaning:
    """Names that mean the same, as words, and the codes that they most often are."""

    names: tuple[tuple[str, ...], ...]
    codes: tuple[str, ...]


@cache
def _synonyms() -> dict[tuple[str, ...], tuple[_Meaning, ...]]:
    """Every meaning by each of its names, and by the words of each in order of the alphabet."""
    found: dict[tuple[str, ...], list[_Meaning]] = {}
    with code_lists.SYNONYMS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names = tuple(dict.fromkeys(tuple(words(name)) for name in row["names"].split("|")))
            meaning = _Meaning(names, tuple(row["codes"].split()))
            for name in dict.fromkeys([*names, *(tuple(sorted(name)) for name in names)]):
                found.setdefault(name, []).append(meaning)
    return {name: tuple(some) for name, some in found.items()}


@cache
def _longest() -> int:
    return max(len(name) for name in _synonyms())


def typed(text: str) -> Typed:
    """Read what was typed."""
    said = tuple(words(text)[:MOST_WORDS])
    code = plain(text)
    is_code = bool(code) and any(letter.isdigit() for letter in code) and len(text.split()) == 1
    ways = dict.fromkeys([said])
    for start in range(len(said)):
        for end in range(min(len(said), start + _longest()), start, -1):
            for meaning in _synonyms().get(said[start:end], ()):
                for name in meaning.names:
                    if len(ways) < MOST_MEANT:
                        ways[(*said[:start], *name, *said[end:])] = None
    hinted: dict[str, None] = {}
    for way in ways:
        for meaning in _synonyms().get(way) or _synonyms().get(tuple(sorted(way)), ()):
            hinted.update(dict.fromkeys(meaning.codes))
    return Typed(tuple(way for way in ways if way)[:MOST_WAYS], tuple(hinted), code if is_code else "")


def condition(what: Typed, arg: Callable[[object], str], marks: Iterable[str] = ()) -> str:
    """The condition on `c`; `marks` are the words of the systems looked in, which keep the index to these."""
    among = " | ".join(f"'{one}'" for one in marks)
    ways = [
        " & ".join(
            f"'{word}'" if number and len(word) <= SHORT else f"'{word}':*" for word in dict.fromkeys(way)
        )
        for number, way in enumerate(what.ways)
    ]
    parts = []
    if ways:
        query = " | ".join(f"({way})" for way in ways)
        parts.append(f"c.words @@ {arg(f'({among}) & ({query})' if among else query)}::text::tsquery")
    if what.code:
        parts.append(
            f"(c.plain >= {arg(what.code)}::text AND c.plain < {arg(above(what.code) or what.code)}::text)"
        )
    if what.hinted:
        parts.append(f"c.code = ANY({arg(list(what.hinted))}::text[])")
    return f"({' OR '.join(parts) or 'false'})"


def order(what: Typed, arg: Callable[[object], str]) -> str:
    """The order of what is found, the likeliest first."""
    parts: list[str] = []
    if what.code:
        parts.append(f"c.plain = {arg(what.code)}::text DESC")
        parts.append(f"starts_with(c.plain, {arg(what.code)}::text) DESC")
    if what.hinted:
        parts.append(f"array_position({arg(list(what.hinted))}::text[], c.code) NULLS LAST")
    phrases = [" ".join(way) for way in what.ways if way == what.ways[0] or len(" ".join(way)) > SHORT]
    if phrases:
        parts += [
            f"c.folded = ANY({arg(phrases)}::text[]) DESC",
            f"c.folded LIKE ANY({arg([f'{one}%' for one in phrases])}::text[]) DESC",
            f"c.folded LIKE ANY({arg([f'%{one}%' for one in phrases])}::text[]) DESC",
        ]
    parts += ["length(c.code) <= 3 DESC", "length(c.folded)", "c.code"]
    return ", ".join(parts)


__all__ = ["Typed", "condition", "order", "typed"]
