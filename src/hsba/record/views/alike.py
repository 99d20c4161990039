"""Who may be the same person as somebody who is about to be registered: a score, and the reasons for it, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir import names
from hsba.fhir.fold import contact, fold
from hsba.fhir.query import expression as e
from hsba.fhir.query.dates import interval
from hsba.record.views import people
from hsba.record.views.facts import objects, text
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.facts import Json
    from hsba.record.views.people import Person
    from hsba.record.views.rows import Query

MOST = 50
"""Rows that are weighed."""
SHOWN = 5
"""Candidates that are shown: whoever must look at more looks at none."""
LIKELY = 55
"""The score from which somebody is shown and must be told apart by a reason."""

WEIGHTS = {
    "same-id": 100,
    "same-card": 90,
    "same-name": 40,
    "near-name": 30,
    "same-day": 30,
    "same-year": 15,
    "same-phone": 25,
    "same-sex": 5,
    "other-sex": -20,
    "other-id": -30,
}
"""What each reason adds to the score, which ends at 99; only the same ID number makes it 100."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the person at the desk."""

    name: str = ""
    birth: str = ""
    gender: str = ""
    number: str = ""
    phone: str = ""
    cards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody in the record who may be the same, how likely, and why."""

    person: Person
    score: int
    reasons: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether it is the same person for certain: one ID number is one person."""
        return "same-id" in self.reasons


async def candidates(ctx: Context, known: Known, *, besides: str = "") -> list[Candidate]:
    """Those who may be the same, the likeliest first; `besides` is whose record is being completed."""
    wanted = _wanted(ctx, known)
    if wanted is None:
        return []

    def fitting(q: Query) -> str:
        source = q.matching(wanted, "Patient")
        page = f"SELECT r.* FROM {source.text} WHERE {source.where} LIMIT {MOST}"
        return f"WITH page AS MATERIALIZED ({page}) SELECT {COLUMNS} FROM page r {VERSION}"

    rows = await read(ctx, fitting)
    found = [
        weigh(row.content, known)
        for row in rows
        if row.id != besides
        and not any(one.get("type") == "replaced-by" for one in objects(row.content.get("link")))
    ]
    likely = sorted(
        (one for one in found if one.score >= LIKELY), key=lambda one: (-one.score, one.person.id)
    )
    return likely[:SHOWN]


def weigh(patient: Json, known: Known) -> Candidate:
    """How likely this Patient is the person who is known."""
    person = people.person(patient)
    numbers = {one.value for one in person.identifiers if one.kind == "cccd"}
    cards = {one.value for one in person.identifiers if one.kind == "bhyt"}
    lines = [names.display(one) for one in objects(patient.get("name"))]
    reasons = []
    if known.number and numbers:
        reasons.append("same-id" if known.number in numbers else "other-id")
    if cards & set(known.cards):
        reasons.append("same-card")
    if known.name and any(line.casefold() == known.name.casefold() for line in lines):
        reasons.append("same-name")
    elif known.name and any(sorted(fold(line).split()) == sorted(fold(known.name).split()) for line in lines):
        reasons.append("near-name")
    if known.birth and person.birth:
        if known.birth == person.birth and len(known.birth) == len("2026-11-23"):
            reasons.append("same-day")
        elif known.birth[:4] == person.birth[:4]:
            reasons.append("same-year")
    telephones = {contact(text(one.get("value"))) for one in objects(patient.get("telecom"))}
    if known.phone and contact(known.phone) in telephones:
        reasons.append("same-phone")
    if {known.gender, person.gender} <= {"male", "female"}:
        reasons.append("same-sex" if known.gender == person.gender else "other-sex")
    total = sum(WEIGHTS[reason] for reason in reasons)
    return Candidate(person, 100 if "same-id" in reasons else max(0, min(99, total)), tuple(reasons))


def _wanted(ctx: Context, known: Known) -> e.Expression | None:
    """The search for whoever has one of the numbers, the telephone, or the name with a birth in that year."""
    tests: list[e.Expression] = [
        e.Match("identifier", e.Token(None, number)) for number in (known.number, *known.cards) if number
    ]
    if known.phone:
        tests.append(e.Match("phone", e.Token(None, contact(known.phone))))
    bare = fold(known.name).split()
    if bare and known.birth:
        first, last = interval(known.birth[:4], ctx.tenant.zone)
        named: list[e.Expression] = [e.Match("name", e.Text(word)) for word in bare]
        tests.append(e.all_of([*named, e.Match("birthdate", e.Date("eq", first, last))]))
    return e.any_of(tests) if tests else None
