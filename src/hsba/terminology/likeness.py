"""Which national codes a local name may mean: names that share its rare words, ordered by how alike they are.

How alike: half by the shared words, a rare one counting more, half by the shared groups of three letters.  A local code
that is written like a national one comes first.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.terminology.words import folded, mark, plain, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from hsba.record.context import Context

SHOWN = 3
LOOKED_AT = 300
"""Names that are compared for each code."""
COMMON = 1000
"""Names beyond which a word is simply common."""
LEAST = 0.2
"""Below this a name is not alike."""
MAX_WORDS = 20

HOW_MANY = """
SELECT w.word, (SELECT count(*) FROM (SELECT FROM reference.concept c WHERE c.words @@ w.query::tsquery LIMIT $3) few)
FROM unnest($1::text[], $2::text[]) AS w(word, query)
"""
SHARING = """
SELECT k.n, s.uri AS system, c.code, c.display, c.folded FROM unnest($1::text[]) WITH ORDINALITY AS k(query, n)
CROSS JOIN LATERAL (
    SELECT c.system, c.code, c.display, c.folded FROM reference.concept c
    WHERE c.words @@ k.query::tsquery AND c.tenant IN (0, $2) AND c.valid_from <= $3 AND c.valid_to >= $3
      AND NOT c.abstract LIMIT $4) c
JOIN reference.system s ON s.id = c.system
"""
SPELLED = """
SELECT s.uri AS system, c.code, c.display, c.folded, c.plain FROM reference.concept c
JOIN reference.system s ON s.id = c.system
WHERE c.system = ANY($1) AND c.plain = ANY($2) AND c.tenant IN (0, $3) AND c.valid_from <= $4 AND c.valid_to >= $4
  AND NOT c.abstract
"""


@dataclass(frozen=True, slots=True)
class Likely:
    """A national code that a local one may be."""

    system: str
    code: str
    display: str
    score: float

    @property
    def percent(self) -> int:
        """How alike, for people."""
        return round(self.score * 100)


async def likely(
    ctx: Context, systems: set[int], local: list[tuple[str, str]], day: date
) -> dict[str, tuple[Likely, ...]]:
    """For each local code with its name the national codes it may be, the likeliest first."""
    named = {code: list(dict.fromkeys(words(display)))[:MAX_WORDS] for code, display in local}
    known = await _how_many(ctx, systems, {word for some in named.values() for word in some})
    queries = {code: query for code, some in named.items() if (query := _rare(some, known, systems))}
    found: dict[str, dict[tuple[str, str], Likely]] = {code: {} for code, _ in local}
    numbered = list(queries)
    names = dict(local)
    for row in await ctx.tx.fetch(SHARING, list(queries.values()), ctx.tenant.id, day, LOOKED_AT):
        code = numbered[row["n"] - 1]
        score = alike(folded(names[code]), row["folded"], known)
        if score >= LEAST:
            found[code][row["system"], row["code"]] = Likely(
                row["system"], row["code"], row["display"], score
            )
    spelled: dict[str, list[str]] = {}
    for code, _ in local:
        spelled.setdefault(plain(code), []).append(code)
    for row in await ctx.tx.fetch(SPELLED, sorted(systems), list(spelled), ctx.tenant.id, day):
        for code in spelled[row["plain"]]:
            score = max(0.9, alike(folded(names[code]), row["folded"], known))
            found[code][row["system"], row["code"]] = Likely(
                row["system"], row["code"], row["display"], score
            )
    return {
        code: tuple(sorted(some.values(), key=lambda one: (-one.score, len(one.code), one.code)))
        for code, some in found.items()
    }


async def _how_many(ctx: Context, systems: set[int], some: set[str]) -> dict[str, int]:
    """How many names of the lists have a word, up to COMMON."""
    listed = sorted(some)
    marks = [mark(one) for one in sorted(systems)]
    queries = [" | ".join(f"'{one}{word}'" for one in marks) for word in listed]
    rows = await ctx.tx.fetch(HOW_MANY, listed, queries, COMMON) if marks and listed else []
    return {row[0]: row[1] for row in rows}


def _rare(some: list[str], known: dict[str, int], systems: set[int]) -> str:
    """A query for the rarest words of a name, as many as give enough names to compare."""
    there = sorted((word for word in some if known.get(word)), key=lambda word: known[word])
    taken: list[str] = []
    names = 0
    for word in there:
        if taken and names + known[word] > LOOKED_AT:
            break
        taken.append(word)
        names += known[word]
    rest = [word for word in there if word not in taken]
    marks = [mark(one) for one in sorted(systems)]
    parts = [f"'{one}{word}'" for one in marks for word in taken]
    if names > LOOKED_AT and rest:  # even the rarest is common: then two together
        parts = [f"('{one}{taken[0]}' & '{one}{word}')" for one in marks for word in rest]
    return " | ".join(parts)


def alike(one: str, other: str, known: dict[str, int]) -> float:
    """How alike two folded names are, 0 to 1."""
    ours, theirs = set(one.split()), set(other.split())
    if not ours or not theirs:
        return 0.0

    def weight(some: Iterable[str]) -> float:
        return sum(1 / math.log(3 + known.get(word, 0)) for word in some)

    by_words = weight(ours & theirs) / weight(ours | theirs)
    first, second = _threes(one), _threes(other)
    shared = sum((first & second).values())
    by_letters = 2 * shared / max(1, first.total() + second.total())
    return (by_words + by_letters) / 2


def _threes(text: str) -> Counter[str]:
    padded = f"  {text} "
    return Counter(padded[at : at + 3] for at in range(len(padded) - 2))
