"""The patient's page: the banner, and one query for each part of it (web design 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from hsba.fhir.problems import NotFound
from hsba.fhir.query.expression import Missing
from hsba.record.views import care, measures, people
from hsba.record.views.facts import link
from hsba.record.views.rows import COLUMNS, VERSION, one_of, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from hsba.record.context import Context
    from hsba.record.views.care import Diagnosis, Medicine, Paper, Visit
    from hsba.record.views.facts import Json
    from hsba.record.views.measures import Reading
    from hsba.record.views.people import Banner
    from hsba.record.views.rows import Query, Row

T = TypeVar("T")

PAGE = 50
HERE = one_of("status", "in-progress", "arrived", "triaged", "onleave")
"""An Encounter of somebody who is here."""

GOING_ON = one_of("clinical-status", *sorted(care.ACTIVE))
TAKEN = one_of("status", "active", "on-hold", "intended")

PAPERS = ("Composition", "DocumentReference", "ClinicalImpression")
VITAL = "vital-signs"
VOID = frozenset({"entered-in-error", "cancelled"})


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of a list ended: when its last entry happened, and its key."""

    at: datetime
    key: int


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A page of a list, newest first, and where the next one begins; None at the end."""

    entries: tuple[T, ...]
    next: Cursor | None = None


async def banner(ctx: Context, patient: str) -> Banner:
    """Who he is, his cards, allergies and flags, and where he lies."""
    rows = await read(
        ctx,
        lambda q: (
            f"""
        WITH who AS MATERIALIZED ({q.people(patient)})
        SELECT {COLUMNS} FROM record.resource r {VERSION}
        WHERE {q.of("Patient", "Coverage", "AllergyIntolerance", "Flag")} AND r.patient IN (SELECT key FROM who)
        UNION ALL
        SELECT {COLUMNS} FROM record.resource r {VERSION}
        WHERE {q.of("Encounter")} AND r.patient IN (SELECT key FROM who)
          AND {q.where(HERE, "Encounter")}
    """
        ),
    )
    own = next((row for row in rows if row.type == "Patient" and row.id == patient), None)
    if own is None:
        raise NotFound(f"Patient/{patient}")
    others = [row.content for row in rows if row.type != "Patient"]
    recorded = own.stored.recorded.isoformat()
    return people.banner([own.content, *others], vid=own.stored.vid, recorded=recorded)


async def care_now(ctx: Context, patient: str) -> tuple[list[Diagnosis], list[Medicine]]:
    """The problems he has and the medicines he takes."""
    rows = await read(
        ctx,
        lambda q: (
            f"""
        SELECT {COLUMNS} FROM record.resource r {VERSION}
        WHERE {q.of("Condition", "MedicationRequest", "MedicationStatement")} AND r.patient IN ({q.people(patient)})
          AND CASE r.type
              WHEN {q.type("Condition")} THEN {q.where(GOING_ON, "Condition")}
              WHEN {q.type("MedicationRequest")} THEN {q.where(TAKEN, "MedicationRequest")}
              ELSE {q.where(TAKEN, "MedicationStatement")} END
        ORDER BY v.occurred DESC NULLS LAST, r.key DESC LIMIT 300
    """
        ),
    )
    problems = [care.diagnosis(row.content) for row in rows if row.type == "Condition"]
    medicines = [care.medicine(row.content) for row in rows if row.type != "Condition"]
    return _problems(problems), [one for one in medicines if one.active]


def _problems(found: Sequence[Diagnosis]) -> list[Diagnosis]:
    """One line for each illness: those on the problem list first; a diagnosis made twice stands once."""
    ordered = sorted(
        (one for one in found if one.active), key=lambda one: "problem-list-item" not in one.categories
    )
    lines: dict[str, Diagnosis] = {}
    for one in ordered:
        lines.setdefault(one.code or one.text.lower(), one)
    return list(lines.values())


async def measured(ctx: Context, patient: str, *, vitals: int = 120, results: int = 200) -> list[Reading]:
    """The newest vital signs and laboratory results, newest first."""
    rows = await read(
        ctx,
        lambda q: (
            f"""
        SELECT {COLUMNS} FROM (
            SELECT o.*, k.vital, row_number() OVER (
                PARTITION BY k.vital ORDER BY w.occurred DESC NULLS LAST, o.key DESC) AS place
            FROM record.resource o
            JOIN record.version w
              ON w.tenant = o.tenant AND w.resource = o.key AND w.vid = o.vid AND w.recorded = o.recorded
            CROSS JOIN LATERAL (SELECT {q.where(one_of("category", VITAL), "Observation", "o")} AS vital) k
            WHERE {q.of("Observation", alias="o")} AND o.patient IN ({q.people(patient)})
        ) r {VERSION}
        WHERE r.place <= CASE WHEN r.vital THEN {int(vitals)} ELSE {int(results)} END
        ORDER BY v.occurred DESC NULLS LAST, r.key
    """
        ),
    )
    return _readings(rows)


def _readings(rows: Sequence[Row]) -> list[Reading]:
    found = (measures.reading(row.content) for row in rows)
    return [one for one in found if one is not None and one.status not in VOID]


async def visits(
    ctx: Context, patient: str, *, limit: int = PAGE, before: Cursor | None = None
) -> Part[Visit]:
    """His visits, newest first, each with its diagnoses and its stays in departments."""
    rows = await read(
        ctx,
        lambda q: (
            f"""
        WITH page AS MATERIALIZED (
            SELECT e.key, w.occurred FROM record.resource e
            JOIN record.version w
              ON w.tenant = e.tenant AND w.resource = e.key AND w.vid = e.vid AND w.recorded = e.recorded
            WHERE {q.of("Encounter", alias="e")} AND e.patient IN ({q.people(patient)})
              AND {q.where(Missing("part-of"), "Encounter", "e")} AND {_before(q, before, "w.occurred", "e.key")}
            ORDER BY w.occurred DESC NULLS LAST, e.key DESC LIMIT {q.arg(limit + 1)}
        )
        SELECT {COLUMNS} FROM record.resource r {VERSION}
        WHERE {q.of("Encounter")} AND r.key IN (SELECT key FROM page)
        UNION ALL
        SELECT {COLUMNS} FROM record.resource r {VERSION}
        WHERE {q.of("Condition")} AND r.encounter IN (SELECT key FROM page)
    """
        ),
    )
    conditions = {row.id: row.content for row in rows if row.type == "Condition"}
    by_visit: dict[str, dict[str, Json]] = {}
    for id_, condition in conditions.items():
        made_in = link(condition.get("encounter"))
        by_visit.setdefault(made_in.id if made_in else "", {})[id_] = condition
    found = sorted((row for row in rows if row.type == "Encounter"), key=_place, reverse=True)
    shown = [row for row in found if row.content.get("status") != "entered-in-error"]
    listed = (care.visit(row.content, by_visit.get(row.id, {})) for row in shown[:limit])
    return Part(tuple(listed), _cursor(found, limit))


async def medicines(ctx: Context, patient: str, *, before: Cursor | None = None) -> Part[Medicine]:
    """Everything ever prescribed or told to be taken, newest first."""
    return await _list(
        ctx, patient, ("MedicationRequest", "MedicationStatement"), care.medicine, before, limit=100
    )


async def papers(ctx: Context, patient: str, *, before: Cursor | None = None) -> Part[Paper]:
    """Notes and documents, newest first."""
    return await _list(ctx, patient, PAPERS, care.paper, before)


async def _list(
    ctx: Context,
    patient: str,
    types: Sequence[str],
    shown: Callable[[Json], T],
    before: Cursor | None,
    *,
    limit: int = PAGE,
) -> Part[T]:
    rows = await read(
        ctx,
        lambda q: (
            f"""
        SELECT {COLUMNS} FROM record.resource r {VERSION}
        WHERE {q.of(*types)} AND r.patient IN ({q.people(patient)}) AND {_before(q, before, "v.occurred", "r.key")}
        ORDER BY v.occurred DESC NULLS LAST, r.key DESC LIMIT {q.arg(limit + 1)}
    """
        ),
    )
    valid = [row.content for row in rows[:limit] if row.content.get("status") != "entered-in-error"]
    return Part(tuple(shown(one) for one in valid), _cursor(rows, limit))


def _before(q: Query, cursor: Cursor | None, occurred: str, key: str) -> str:
    """Keyset paging: what comes after the last entry shown (entries without a time stand at the end)."""
    if cursor is None:
        return "true"
    at, last = q.arg(cursor.at), q.arg(cursor.key)
    return f"(coalesce({occurred}, '-infinity'), {key}) < ({at}::timestamptz, {last}::bigint)"


def _place(row: Row) -> tuple[bool, datetime | None, int]:
    return row.occurred is not None, row.occurred or row.stored.recorded, row.stored.key


def _cursor(rows: Sequence[Row], limit: int) -> Cursor | None:
    """The place of the last entry shown, when there is one more behind it."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return Cursor(last.occurred, last.stored.key) if last.occurred is not None else None
