"""One visit: everything that was written in it, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import NotFound
from hsba.record.views import care, measures
from hsba.record.views.patient import PAPERS, VOID
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.care import Act, Medicine, Paper, Report, Study, Visit
    from hsba.record.views.measures import Reading

MOST = 1500
"""Entries of one visit that a page shows; a stay of weeks in intensive care may hold more."""

TYPES = (
    "Encounter",
    "Condition",
    "Observation",
    "DiagnosticReport",
    "ImagingStudy",
    "MedicationRequest",
    "MedicationStatement",
    "Procedure",
    "Immunization",
    *PAPERS,
)


@dataclass(frozen=True, slots=True)
class VisitPage:
    """What one visit holds, each list newest first."""

    visit: Visit
    readings: tuple[Reading, ...]
    reports: tuple[Report, ...]
    studies: tuple[Study, ...]
    medicines: tuple[Medicine, ...]
    acts: tuple[Act, ...]
    papers: tuple[Paper, ...]
    cut: bool
    """Whether there was more than a page shows."""


async def visit(ctx: Context, patient: str, encounter: str) -> VisitPage:
    """The visit and its stays in departments with everything written in them; it must be this patient's."""
    rows = await read(
        ctx,
        lambda q: (
            f"""
        WITH who AS MATERIALIZED ({q.people(patient)}), own AS MATERIALIZED (
            SELECT e.key FROM record.resource e
            WHERE {q.of("Encounter", alias="e")} AND e.patient IN (SELECT key FROM who) AND e.id = {q.arg(encounter)}
        ), whole AS MATERIALIZED (
            SELECT key FROM own
            UNION ALL
            SELECT e.key FROM record.resource e
            WHERE {q.of("Encounter", alias="e")} AND e.patient IN (SELECT key FROM who)
              AND {q.refers("reference Encounter.partOf", "SELECT key FROM own", "e")}
        )
        SELECT {COLUMNS} FROM (
            SELECT r.* FROM record.resource r WHERE {q.of(*TYPES)} AND r.encounter IN (SELECT key FROM whole)
            UNION ALL
            SELECT r.* FROM record.resource r
            WHERE {q.of("DocumentReference")} AND r.encounter IS NULL AND r.patient IN (SELECT key FROM who)
              AND {q.refers("reference DocumentReference.context.encounter", "SELECT key FROM whole")}
        ) r {VERSION}
        ORDER BY r.type = {q.type("Encounter")} DESC, v.occurred DESC NULLS LAST, r.key LIMIT {MOST + 1}
    """
        ),
    )
    cut = len(rows) > MOST
    content = [row.content for row in rows[:MOST] if row.content.get("status") != "entered-in-error"]
    of: dict[str, list[dict[str, object]]] = {}
    for one in content:
        of.setdefault(one["resourceType"], []).append(one)
    encounters = {one["id"]: one for one in of.get("Encounter", ())}
    if encounter not in encounters:
        raise NotFound(f"Encounter/{encounter}")
    conditions = {str(one["id"]): one for one in of.get("Condition", ())}
    shown = care.visit(encounters.pop(encounter), conditions)
    parts = [care.visit(part, {}) for part in encounters.values()]
    parts.sort(key=lambda part: part.span.start)
    readings = (measures.reading(one) for one in of.get("Observation", ()))
    papers = [care.paper(one) for kind_ in PAPERS for one in of.get(kind_, ())]
    papers.sort(key=lambda one: one.when, reverse=True)
    return VisitPage(
        visit=care.with_parts(shown, parts, conditions),
        readings=tuple(one for one in readings if one is not None and one.status not in VOID),
        reports=tuple(care.report(one) for one in of.get("DiagnosticReport", ())),
        studies=tuple(care.study(one) for one in of.get("ImagingStudy", ())),
        medicines=tuple(
            care.medicine(one)
            for kind_ in ("MedicationRequest", "MedicationStatement")
            for one in of.get(kind_, ())
        ),
        acts=tuple(care.act(one) for kind_ in ("Procedure", "Immunization") for one in of.get(kind_, ())),
        papers=tuple(papers),
        cut=cut,
    )
