"""Finding people: what was typed decides what is searched (web design 3.2), in one query.

Twelve digits are an ID number, fifteen characters an insurance card, ten digits a telephone or insurance number, words
are a name without accents in any order, and a number beside words is a year of birth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from hsba.fhir import names
from hsba.fhir.fold import fold
from hsba.fhir.query import expression as e
from hsba.fhir.query.dates import interval
from hsba.record.views import people
from hsba.record.views.facts import objects
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from hsba.record.context import Context
    from hsba.record.views.people import Person
    from hsba.record.views.rows import Query, Row

Place = tuple[datetime, int]
"""Where a page ended: when its last patient was recorded, and the key."""

PAGE = 50
MOST = 500
"""People that are looked at for one question; where more fit, the question should be narrower."""

_NUMBER = re.compile(r"[A-Z]{0,3}[-/.]?\d[\dA-Z/.-]*")
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_YEAR = re.compile(r"(?:19|20)?\d\d")


@dataclass(frozen=True, slots=True)
class Question:
    """What was typed, understood: numbers to look up, words of a name, days or years of birth."""

    numbers: tuple[str, ...]
    words: tuple[str, ...]
    born: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing can be searched."""
        return not (self.numbers or self.words or self.born)


@dataclass(frozen=True, slots=True)
class Hit:
    """A person found; `alike` when another one in the list may be taken for him."""

    person: Person
    key: int
    alike: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The people of a page; `more_than` when so many fit that the question should be narrower."""

    people: tuple[Hit, ...]
    total: int | None
    more_than: int
    next: str


def understand(typed: str, today: date) -> Question:
    """Read what was typed into the one box."""
    line = " ".join(typed.replace("\0", " ").split())[:200]
    numbers: list[str] = []
    born: list[str] = []
    words: list[str] = []
    # Cards are written in groups (0791 5901 2345): digits that stand in a row are one number.
    joined = re.sub(r"(?<=\d)[ .](?=\d{3,})", "", line) if not _DAY.search(line) else line
    for word in joined.split(" "):
        upper = word.upper()
        if found := _DAY.fullmatch(word):
            day, month, year = (int(part) for part in found.groups())
            try:
                born.append(date(year, month, day).isoformat())
            except ValueError:
                words.append(word)
        elif word.isdigit() and len(word) == 8 and (then := _run_together(word)):
            born.append(then)
        elif _YEAR.fullmatch(word):
            born += _years(word, today)
        elif any(char.isdigit() for char in word) and _NUMBER.fullmatch(upper):
            numbers.append(upper)
        elif bare := fold(word):
            words.append(bare)
    return Question(tuple(numbers), tuple(words), tuple(dict.fromkeys(born)))


def _run_together(word: str) -> str:
    """`12051959` as the day it may mean; empty when it means none."""
    try:
        return (
            date(int(word[4:]), int(word[2:4]), int(word[:2])).isoformat()
            if word[4:6] in ("19", "20")
            else ""
        )
    except ValueError:
        return ""


def _years(word: str, today: date) -> list[str]:
    """`59` is 1959; `05` may be 1905 or 2005; a year to come is nobody's."""
    written = [word] if len(word) == 4 else ["19" + word, "20" + word]
    return [year for year in written if today.year - 125 <= int(year) <= today.year] or written[:1]


def expression(question: Question, zone: ZoneInfo) -> e.Expression:
    """The question as a search of Patient, for the store's one compiler."""
    parts: list[e.Expression] = []
    for number in question.numbers:
        spellings = {number, number.lower(), number.replace(".", "").replace("-", "")}
        tests: list[e.Expression] = [e.Match("identifier", e.Token(None, one)) for one in sorted(spellings)]
        if number.isdigit() and 9 <= len(number) <= 11:
            tests.append(e.Match("phone", e.Token(None, number)))
        parts.append(e.any_of(tests))
    parts += [e.Match("name", e.Text(word)) for word in question.words]
    if question.born:
        spans = [interval(text, zone) for text in question.born]
        parts.append(e.any_of([e.Match("birthdate", e.Date("eq", first, last)) for first, last in spans]))
    return e.all_of(parts)


async def find(ctx: Context, typed: str, *, after: str = "") -> tuple[Question, Found]:
    """The people who fit, in the Vietnamese order of names: tên, họ, đệm."""
    question = understand(typed, ctx.clock.now().astimezone(ctx.tenant.zone).date())
    if question.empty:
        return question, Found((), None, 0, "")
    wanted = expression(question, ctx.tenant.zone)

    def fitting(q: Query) -> str:
        source = q.matching(wanted, "Patient")
        page = f"SELECT r.* FROM {source.text} WHERE {source.where} LIMIT {MOST + 1}"
        return f"WITH page AS MATERIALIZED ({page}) SELECT {COLUMNS} FROM page r {VERSION}"

    rows = await read(ctx, fitting)
    ordered = sorted(rows[:MOST], key=lambda row: _order(row, question))
    start = next((at + 1 for at, row in enumerate(ordered) if row.id == after), 0) if after else 0
    page = ordered[start : start + PAGE]
    more = len(rows) > MOST
    return question, Found(
        people=_hits(page),
        total=None if more else len(ordered),
        more_than=MOST if more else 0,
        next=page[-1].id if start + PAGE < len(ordered) else "",
    )


async def newest(ctx: Context, *, after: Place | None = None) -> tuple[tuple[Hit, ...], Place | None]:
    """Everybody, those registered or changed last first; the second value is where the next page begins."""

    def later(q: Query) -> str:
        if after is None:
            return "true"
        return f"(r.recorded, r.key) < ({q.arg(after[0])}::timestamptz, {q.arg(after[1])}::bigint)"

    rows = await read(
        ctx,
        lambda q: (
            f"""
        WITH page AS MATERIALIZED (
            SELECT r.* FROM record.resource r WHERE {q.of("Patient")} AND {later(q)}
            ORDER BY r.recorded DESC, r.key DESC LIMIT {PAGE + 1}
        )
        SELECT {COLUMNS} FROM page r {VERSION} ORDER BY r.recorded DESC, r.key DESC
    """
        ),
    )
    page = rows[:PAGE]
    last = (page[-1].stored.recorded, page[-1].stored.key) if len(rows) > PAGE else None
    return _hits(page), last


def _order(row: Row, question: Question) -> tuple[bool, str, str, str]:
    """Those whose own name (tên) was typed come first, then the order of a Vietnamese list."""
    written = next(objects(row.content.get("name")), {})
    called = fold(names.display(written)).rpartition(" ")[2]
    typed = question.words[-1] if question.words else ""
    return called != typed, names.sort_key(written), str(row.content.get("birthDate", "")), row.id


def _hits(rows: Sequence[Row]) -> tuple[Hit, ...]:
    """The people, marking those whose names differ by accents only."""
    found = [(people.person(row.content), row.stored.key) for row in rows]
    folded = [fold(person.name.full) if person.name else "" for person, _ in found]
    return tuple(
        Hit(person, key, bool(bare) and folded.count(bare) > 1)
        for (person, key), bare in zip(found, folded, strict=True)
    )
