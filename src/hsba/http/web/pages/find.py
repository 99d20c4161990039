"""`/find`, its live fragment, and `/patients`: people by name without accents, number, card, telephone or birth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from hsba.access.rights import emergency
from hsba.http.web.page import Page
from hsba.record.views import finding

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.record.views.finding import Hit


@dataclass(frozen=True, slots=True)
class Find:
    """What `find.html` and `_results.html` show."""

    q: str
    """What was typed."""
    people: tuple[Hit, ...]
    total: int | None
    """How many fit, where that was counted."""
    more_than: int
    """That many were looked at and more fit; 0 when all were seen."""
    next: str
    """The address of the next page; empty at the end."""
    too_short: bool
    """Whether too little was typed to search."""
    hit_numbers: frozenset[str]
    """Numbers that were typed, to be shown where they fit."""
    glass: bool = False
    """Whether the reader may come in an emergency to who has a number that finds nobody."""


async def find(ask: Ask) -> Page:
    """The page of results."""
    return Page("find.html", await _find(ask), section="patients")


async def results(ask: Ask) -> Page:
    """The same results without the page around them, for the finder while one types."""
    found = await _find(ask)
    headers = {}
    if "/find" in ask.request.headers.get("hx-current-url", ""):
        headers["hx-replace-url"] = "/find?q=" + quote(found.q)
    return Page("_results.html", found, headers=headers)


async def patients(ask: Ask) -> Page:
    """Everybody, newest first; with `?q=` the same as `/find`."""
    return Page("find.html", await _find(ask), section="patients")


async def _find(ask: Ask) -> Find:
    typed = " ".join(ask.query("q").split())[:200]
    if not typed:
        people, last = await finding.newest(ask.ctx, after=_cursor(ask.query("after")))
        following = f"/patients?after={quote(_written(last))}" if last else ""
        return Find("", people, None, 0, following, too_short=False, hit_numbers=frozenset())
    if len(typed) < 2:
        return Find(typed, (), None, 0, "", too_short=True, hit_numbers=frozenset())
    question, found = await finding.find(ask.ctx, typed, after=ask.query("after"))
    following = "/find?" + urlencode({"q": typed, "after": found.next}) if found.next else ""
    numbers = frozenset(question.numbers)
    return Find(
        typed,
        found.people,
        found.total,
        found.more_than,
        following,
        too_short=question.empty,
        hit_numbers=numbers,
        glass=emergency.may_open(ask.ctx.policy),
    )


def _written(last: tuple[datetime, int]) -> str:
    return f"{last[0].isoformat()}~{last[1]}"


def _cursor(text: str) -> tuple[datetime, int] | None:
    """Where the page before ended; None for the first page or what is no such place."""
    at, _, key = text.partition("~")
    try:
        return datetime.fromisoformat(at.replace(" ", "+")), int(key)
    except ValueError:
        return None
