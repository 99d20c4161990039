"""The first page: how much is in the record, and who is in the hospital now, by department."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.record.views import people
from hsba.record.views.facts import link, text
from hsba.record.views.patient import HERE
from hsba.record.views.rows import COLUMNS, VERSION, one_of, read, written

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.people import Person

MOST = 10_000
"""Beyond this a count is not worth its time on a first page: it is shown as `10.000+`."""

LYING = 300
IN_PATIENT = one_of("class", "IMP", "ACUTE", "NONAC")
COUNTED = ("Patient", "Encounter", "Observation", "DiagnosticReport", "Practitioner")


@dataclass(frozen=True, slots=True)
class Lying:
    """Somebody in hospital: who, since when, in which bed."""

    person: Person
    encounter: str
    since: str
    bed: str


@dataclass(frozen=True, slots=True)
class Department:
    """A department and who lies there, by bed."""

    title: str
    people: tuple[Lying, ...]


async def counts(ctx: Context) -> dict[str, int]:
    """How many resources of each kind there are, counted up to one beyond MOST."""
    sql, args = await written(
        ctx,
        lambda q: " UNION ALL ".join(
            f"SELECT {number} AS place, count(*) AS some FROM (SELECT FROM record.resource r"
            f" WHERE {q.of(kind)} LIMIT {MOST + 1}) r"
            for number, kind in enumerate(COUNTED)
        ),
    )
    records = await ctx.tx.fetch(sql, *args)
    return {COUNTED[record["place"]]: record["some"] for record in records}


async def in_hospital(ctx: Context) -> tuple[list[Department], bool]:
    """Everybody with an in-patient stay in progress, by department and bed; True when there are more than are read."""
    rows = await read(
        ctx,
        lambda q: (
            f"""
        WITH stay AS MATERIALIZED (
            SELECT r.key, r.patient FROM record.resource r
            WHERE {q.of("Encounter")} AND {q.where(HERE, "Encounter")} AND {q.where(IN_PATIENT, "Encounter")}
            LIMIT {LYING * 2 + 1}
        )
        SELECT {COLUMNS}, r.patient FROM record.resource r {VERSION}
        WHERE {q.of("Encounter", "Patient")} AND r.key IN (SELECT key FROM stay UNION SELECT patient FROM stay)
    """
        ),
    )
    patients = {row.stored.key: people.person(row.content) for row in rows if row.type == "Patient"}
    best: dict[int, tuple[tuple[int, str], str, Lying]] = {}
    for row in rows:
        patient = row.more[0]
        if row.type != "Encounter" or patient not in patients:
            continue
        place = people.place([row.content])
        if place is None:
            continue
        # A stay in a department (part of the visit) names the place better than the visit does.
        rank = (len(place.spots) + ("partOf" in row.content), place.since)
        if patient not in best or rank > best[patient][0]:
            whole = link(row.content.get("partOf"))
            since = text((row.content.get("period") or {}).get("start"))
            lying = Lying(
                patients[patient],
                whole.id if whole else row.id,
                since,
                place.spots[-1] if place.spots else "",
            )
            best[patient] = (rank, place.department, lying)
    departments: dict[str, list[Lying]] = {}
    for _, department, lying in best.values():
        departments.setdefault(department, []).append(lying)
    listed = [
        Department(title, tuple(sorted(some, key=lambda one: one.bed))) for title, some in departments.items()
    ]
    return sorted(listed, key=lambda one: (not one.title, one.title)), len(best) >= LYING
