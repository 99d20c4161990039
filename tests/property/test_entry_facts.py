"""Whatever an entry said before: after an amendment the record says what it says now, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from form_answers import answers, response
from hsba.forms import catalogue, extract
from hsba.forms.following import changes

Resource = dict[str, Any]
PARTS = [
    (form, part.id, answers(form, part.id))
    for slug in ("01-BV1", "06-BV2", "17-BV1", "36-BV2", "PL1-TT26")
    for form in (catalogue.forms()[slug],)
    for part in form.parts
    if extract.resources(form, response(form, part.id))
]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Any, str, list[dict[str, Any]]]:
    """A part, and what its entry said at several times: some of its questions answered, some numbers changed."""
    form, part, full = draw(st.sampled_from(PARTS))
    versions = []
    for _ in range(draw(st.integers(2, 4))):
        kept = draw(st.sets(st.sampled_from(sorted(full))))
        moved = draw(st.integers(0, 3))
        versions.append({id_: full[id_] + moved if type(full[id_]) is int else full[id_] for id_ in kept})
    return form, part, versions


@settings(max_examples=150, deadline=None)
@given(histories())
def test_changes__leave_no_orphan_and_no_disagreement(history: tuple[Any, str, list[dict[str, Any]]]) -> None:
    form, part, versions = history
    there: dict[tuple[str, str], Resource] = {}

    for number, said in enumerate(versions):
        entry = response(form, part, said, authored=f"2026-11-2{number}T09:00:00+07:00")
        made = extract.made(form, entry)
        for one in changes(made, there):
            there[one["resourceType"], one["id"]] = one

        live = {address: plain(one) for address, one in there.items() if not is_void(one)}
        assert live == {
            (one["resourceType"], one["id"]): plain(one) for one in extract.resources(form, entry)
        }


def is_void(one: Resource) -> bool:
    return "entered-in-error" in str(one.get("verificationStatus", one.get("status")))


def plain(one: Resource) -> Resource:
    """What a fact says, without how it came to say it and since when."""
    return {
        name: value
        for name, value in one.items()
        if name not in ("status", "effectiveDateTime", "recordedDate", "authoredOn", "performedDateTime")
    }
