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
from hsba.terminology.words import mark, plain, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_MEANT = 8
"""Ways of saying it that are read for the codes they mean."""
MOST_WAYS = 4
"""Ways of saying it whose words are looked for."""
MOST_WORDS = 12
SHORT = 4
"""Letters of an abbreviation at most: where a synonym gives one, it is a word and not the beginning of others."""

INDEXED = 100
"""Letters of a name that its index has."""
NAME = f"left(c.folded, {INDEXED})"


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


@dataclass(frozen=True, slots=True)
class Looks:
    """Conditions on `c`, each answered by one index, in the order in which they are tried."""

    begins: list[str]
    """Codes that are meant, and codes and names that begin as typed."""
    steps: list[str]
    """Names with the words typed, the next only as far as those before did not find enough: whole, the last begun."""
    synonyms: list[str]
    """Names with the words of another way to say it."""
    loose: str
    """Names with words that begin as each of those typed: where nothing else was found."""

    def all(self) -> list[str]:
        """All of them, without an order."""
        return [*self.begins, *self.steps, *self.synonyms, self.loose]


def looks(
    what: Typed, arg: Callable[[object], str], systems: Iterable[int], liked: Iterable[tuple[int, str]] = ()
) -> Looks:
    """How to look for what was typed in some systems; `liked` are codes that are looked at in any case."""
    marks = [mark(one) for one in sorted(systems)]

    def words_at(way: tuple[str, ...], begun: frozenset[str]) -> str:
        query = " | ".join(f"({_way(way, one, begun)})" for one in marks)
        return f"c.words @@ {arg(query)}::text::tsquery" if way and query else "false"

    begins = []
    if what.hinted:
        begins.append(f"c.code = ANY({arg(list(what.hinted))}::text[])")
    if what.code:
        begins.append(_begins("c.plain", what.code, arg))
    first, *others = what.ways or ((),)
    if first:
        begins.append(_begins(NAME, " ".join(first)[:INDEXED], arg))
    synonyms = [words_at(way, frozenset(one for one in way[-1:] if len(one) > SHORT)) for way in others]
    loose = words_at(first, frozenset(first))
    codes = sorted({code for _, code in liked})
    if codes:
        fits = " OR ".join([*begins, *synonyms, loose])
        begins.append(f"(c.code = ANY({arg(codes)}::text[]) AND ({fits}))")
    return Looks(
        begins, [words_at(first, frozenset()), words_at(first, frozenset(first[-1:]))], synonyms, loose
    )


def _begins(column: str, text: str, arg: Callable[[object], str]) -> str:
    """A text that begins so, as the index has it."""
    return f"({column} >= {arg(text)}::text AND {column} < {arg(above(text) or text)}::text)"


def _way(way: tuple[str, ...], mark: str, begun: frozenset[str]) -> str:
    """All words of a way, those that are `begun` as the beginning of one."""
    return " & ".join(f"'{mark}{word}'" + (":*" if word in begun else "") for word in dict.fromkeys(way))


def order(what: Typed, arg: Callable[[object], str], liked: Iterable[tuple[int, str]] = ()) -> str:
    """The order of what is found, the likeliest first: what is chosen often stands before what only fits."""
    parts: list[str] = []
    if what.code:
        parts.append(f"c.plain = {arg(what.code)}::text DESC")
    keys = [f"{system}|{code}" for system, code in liked]
    if keys:
        parts.append(f"array_position({arg(keys)}::text[], c.system || '|' || c.code) NULLS LAST")
    if what.code:
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


__all__ = ["Looks", "Typed", "looks", "order", "typed"]
