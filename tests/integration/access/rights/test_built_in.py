"""The roles that come with the program, as a table: how much of the demo hospital each sees, and what it may do."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hsba.access.rights import roles
from hsba.fhir import json
from hsba.fhir.query.parse import Search
from hsba.ops import loading
from hsba.ops.demo.generate import generate
from hsba.record import interactions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hospital import Hospital

GOLDEN = Path(__file__).parent / "built-in-roles.txt"
ACTS = tuple(act for act in roles.ACTS if act != "view")
DAY = date(2026, 11, 20)


def rows(counts: dict[str, Counter[str]], may: dict[str, dict[str, list[str]]]) -> Iterator[str]:
    for role in sorted(counts):
        yield f"# {role}"
        for type_ in sorted({*counts[role], *may[role]}):
            yield f"{type_:26} {counts[role][type_]:5}  {' '.join(may[role].get(type_, []))}".rstrip()
        yield ""


@pytest.mark.slow
async def test_built_in__roles_see_and_may_do_what_the_table_says(hospital: Hospital) -> None:
    """Counts are of a doctor's or nurse's department, a patient's own record, and so on; `HSBA_GOLDEN=1` writes the table."""
    resources = list(generate(scale=0.05, today=DAY))
    chunk = [(number, json.dump(one)) for number, one in enumerate(resources)]
    tenant = hospital.app.tenants.get()
    for start in range(0, len(chunk), 500):
        figures = await loading.load_chunk(hospital.app, tenant.slug, chunk[start : start + 500])
        assert not figures.problems
    stays = [
        one for one in resources if one["resourceType"] == "Encounter" and one["status"] == "in-progress"
    ]
    stay = min(stays, key=lambda one: one["id"])
    department = stay["serviceProvider"]["reference"].split("/")[1]
    doctor = stay["participant"][0]["individual"]["reference"].split("/")[1]
    patient = stay["subject"]["reference"].split("/")[1]
    types = sorted({one["resourceType"] for one in resources} | {"AuditEvent"})
    counts, may = {}, {}
    for role in roles.built_in():
        kind, id_ = (
            ("Patient", patient) if role in ("patient", "representative") else ("Practitioner", doctor)
        )
        await hospital.is_person(role, kind, id_)
        await hospital.give(role, role, department)
        counts[role] = Counter[str]()
        policy = await hospital.policy(role)
        async with hospital.app.pool.searching(tenant.id) as tx:
            ctx = hospital.app.context(tx=tx, tenant=tenant)
            ctx.policy = policy
            for type_ in types:
                page = await interactions.search(ctx, Search((type_,), count=0, total="accurate"))
                if (
                    page.total and type_ != "AuditEvent"
                ):  # its lines grow with every act, those of this test too
                    counts[role][type_] = page.total
        may[role] = {
            type_: held
            for type_ in types
            if (held := [act for act in ACTS if "Nothing()" not in repr(policy.within(act, type_))])
        }
        assert not policy.faults

    table = "\n".join(rows(counts, may))
    if os.environ.get("HSBA_GOLDEN"):
        GOLDEN.write_text(table, "utf-8")
    assert table == GOLDEN.read_text("utf-8")
