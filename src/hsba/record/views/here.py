"""Who is here now, at a room or in a department: visits with their patients and marks, in one query each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hsba.fhir.query import expression as e
from hsba.fhir.query.dates import interval
from hsba.record.views import people
from hsba.record.views.facts import codes, identifiers, link, objects, span, text
from hsba.record.views.home import IN_PATIENT
from hsba.record.views.patient import HERE
from hsba.record.views.rows import COLUMNS, VERSION, one_of, read

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.facts import Json
    from hsba.record.views.people import Allergies, Person
    from hsba.record.views.rows import Query, Row

MOST = 2000
"""Visits that a page looks at: those of a large hospital that are open at one moment."""
WAITING = ("planned", "arrived", "triaged")
"""Encounter.status of who has not been called."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at a room: the visit, its number of the day, since when, and whether he goes first."""

    encounter: str
    version: int
    person: Person
    allergies: Allergies
    flags: tuple[str, ...]
    number: str
    since: str
    status: str
    first: bool
    room: str
    room_name: str
    reason: str

    @property
    def waiting(self) -> bool:
        """Whether he has come and was not called yet."""
        return self.status in ("arrived", "triaged")


@dataclass(frozen=True, slots=True)
class Lying:
    """Somebody of a ward: the stay in the department and the whole one, the bed (none: still waiting for one)."""

    encounter: str
    whole: str
    version: int
    person: Person
    allergies: Allergies
    flags: tuple[str, ...]
    bed: str
    since: str
    status: str
    going: str
    """The department he is being moved to."""
    reason: str


async def visitors(ctx: Context, room: str = "") -> list[Visitor]:
    """Out-patients of today, at one room or at all: whoever goes first, then by number; the booked ones last."""
    today = ctx.clock.now().astimezone(ctx.tenant.zone).date().isoformat()
    first, last = interval(today, ctx.tenant.zone)
    tests: list[e.Expression] = [
        one_of("status", *WAITING, "in-progress"),
        one_of("class", "AMB", "EMER"),
        e.Match("date", e.Date("ge", first, last)),
    ]
    if room:
        tests.append(e.Match("location", e.Reference("Location", room)))
    found = []
    for row, content, person, allergies, flags in await _with_people(ctx, e.all_of(tests)):
        since = span(content.get("period")).start
        if "partOf" in content or not _is_of(since, today, ctx):
            continue
        spot = next((link(one.get("location")) for one in objects(content.get("location"))), None)
        number = next((one.value for one in identifiers(content) if one.kind == "so-thu-tu"), "")
        found.append(
            Visitor(
                row.id, row.stored.vid, person, allergies, flags, number, since, text(content.get("status")),
                "UR" in codes(content.get("priority")), spot.id if spot else "", spot.text if spot else "",
                _reason(content),
            )
        )  # fmt: skip
    return sorted(found, key=_turn)


async def lying(ctx: Context, department: str) -> list[Lying]:
    """The in-patients of a department, those sent to it and not accepted among them, one line each."""
    tests = [HERE, e.Match("service-provider", e.Reference("Organization", department))]
    inside = e.any_of([IN_PATIENT, e.Not(e.Missing("part-of"))])
    best: dict[str, tuple[tuple[int, int, str], Lying]] = {}
    for row, content, person, allergies, flags in await _with_people(ctx, e.all_of([*tests, inside])):
        place = people.place([content])
        spots = [
            one
            for one in objects(content.get("location"))
            if one.get("status", "active") == "active" and link(one.get("location"))
        ]
        bed = link(spots[-1].get("location")) if spots else None
        whole = link(content.get("partOf"))
        going = link((content.get("hospitalization") or {}).get("destination"))
        one = Lying(
            row.id, whole.id if whole else row.id, row.stored.vid, person, allergies, flags, bed.id if bed else "",
            place.since if place else "", text(content.get("status")), going.text if going else "",
            _reason(content),
        )  # fmt: skip
        # The stay in the department says more than the visit it is a part of.
        rank = (int(whole is not None), int(bool(one.bed)), one.since)
        if person.id not in best or rank > best[person.id][0]:
            best[person.id] = (rank, one)
    return sorted((one for _, one in best.values()), key=lambda one: (one.since, one.person.id))


async def _with_people(
    ctx: Context, wanted: e.Expression
) -> list[tuple[Row, Json, Person, Allergies, tuple[str, ...]]]:
    """The visits that fit, each with its patient, his allergies and what is flagged of him."""

    def fitting(q: Query) -> str:
        source = q.matching(wanted, "Encounter")
        return f"""
        WITH visit AS MATERIALIZED (SELECT r.key, r.patient FROM {source.text} WHERE {source.where} LIMIT {MOST})
        SELECT {COLUMNS}, r.patient FROM record.resource r {VERSION}
        WHERE {q.of("Encounter", "Patient")} AND r.key IN (SELECT key FROM visit UNION SELECT patient FROM visit)
        UNION ALL
        SELECT {COLUMNS}, r.patient FROM record.resource r {VERSION}
        WHERE {q.of("AllergyIntolerance", "Flag")} AND r.patient IN (SELECT patient FROM visit)
        """

    rows = await read(ctx, fitting)
    persons = {row.stored.key: people.person(row.content) for row in rows if row.type == "Patient"}
    marks: dict[int, list[Json]] = {}
    for row in rows:
        if row.type in ("AllergyIntolerance", "Flag"):
            marks.setdefault(row.more[0], []).append(row.content)
    found = []
    for row in rows:
        person = persons.get(row.more[0])
        if row.type != "Encounter" or person is None:
            continue
        own = marks.get(row.more[0], [])
        allergies = people.allergies(one for one in own if one["resourceType"] == "AllergyIntolerance")
        flags = tuple(
            text((one.get("code") or {}).get("text")) or "?"
            for one in own
            if one["resourceType"] == "Flag" and one.get("status") == "active"
        )
        found.append((row, row.content, person, allergies, flags))
    return found


def _is_of(since: str, today: str, ctx: Context) -> bool:
    try:
        begun = datetime.fromisoformat(since)
    except ValueError:
        return False
    return begun.astimezone(ctx.tenant.zone).date().isoformat() == today


def _turn(one: Visitor) -> tuple[bool, bool, int, str]:
    number = int(one.number) if one.number.isdigit() else 0
    return one.status == "planned", not one.first, number, one.since


def _reason(content: Json) -> str:
    return next((text(one.get("text")) for one in objects(content.get("reasonCode"))), "")
