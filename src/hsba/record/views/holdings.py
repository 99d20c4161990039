"""How much is written about a patient, by kind, in one query: what somebody weighs before two records are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.record.views.rows import written

if TYPE_CHECKING:
    from hsba.record.context import Context

KINDS = (
    "Encounter", "Coverage", "Composition", "QuestionnaireResponse", "Condition", "AllergyIntolerance", "Observation",
    "DiagnosticReport", "MedicationRequest", "DocumentReference",
)  # fmt: skip
"""What is counted, as far as the reader may see it."""


async def counts(ctx: Context, patient: str) -> dict[str, int]:
    """The kinds of which there is something, and how much."""
    sql, args = await written(
        ctx,
        lambda q: (
            f"SELECT r.type, count(*) AS some FROM record.resource r WHERE {q.of(*KINDS)}"
            f" AND r.patient IN ({q.people(patient)}) GROUP BY r.type"
        ),
    )
    found = {ctx.registry.type_name(row["type"]): row["some"] for row in await ctx.tx.fetch(sql, *args)}
    return {kind: found[kind] for kind in KINDS if kind in found}
