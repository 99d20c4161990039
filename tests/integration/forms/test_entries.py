"""A sheet kept as one types and completed, in the real record."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, NotFound, VersionConflict
from hsba.fhir.query.parse import Search
from hsba.forms import catalogue, entries
from hsba.forms.entries import NoSuchPart, NotComplete, Place
from hsba.forms.typed import Wrong
from hsba.record import drafts, interactions

if TYPE_CHECKING:
    from house import House

COMMUNE = catalogue.forms()["17-BV1"]
SESSION = uuid4()
TYPED = {
    "reason": "Sốt", "history.illness": "Sốt cao 3 ngày", "vitals.pulse": "96", "vitals.temperature": "38,5",
    "vitals.systolic": "120", "vitals.diastolic": "80", "diagnosis.main": "http://hl7.org/fhir/sid/icd-10|J06.9|Viêm họng",
    "plan": "Hạ sốt\nTheo dõi",
}  # fmt: skip


def place(patient: str = "an", encounter: str = "kham-1", sheet: str | None = None) -> Place:
    return Place(patient, encounter, COMMUNE, sheet or str(uuid4()))


@pytest.fixture
async def people(house: House) -> None:
    async with house.writing("op") as ctx:
        for who, visit in (("an", "kham-1"), ("binh", "kham-2")):
            await interactions.update(ctx, {"resourceType": "Patient", "id": who, "name": [{"text": who}]})
            await interactions.update(
                ctx,
                {
                    "resourceType": "Encounter", "id": visit, "status": "in-progress",
                    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                    "subject": {"reference": f"Patient/{who}"},
                },
            )  # fmt: skip


@pytest.mark.usefixtures("people")
async def test_keep__what_is_typed_is_there_again_and_wrong_text_with_it(house: House) -> None:
    where, part = place(), COMMUNE.parts[1]
    entry = where.entry(part)

    async with house.writing("an") as ctx:
        first = await entries.keep(
            ctx, where, part, entry, {"reason": "Sốt", "vitals.pulse": "abc"}, session=SESSION
        )
    async with house.writing("an") as ctx:
        await entries.keep(ctx, where, part, entry, {"reason": "Sốt cao"}, session=SESSION)
        again = await entries.draft(ctx, where, part, entry)
        others = await interactions.search(ctx, Search(("QuestionnaireResponse",)))

    assert [note.item for note in first.notes if not note.say.startswith("Còn thiếu")] == ["vitals.pulse"]
    assert again is not None
    assert again["reason"] == "Sốt cao"
    assert isinstance(again["vitals.pulse"], Wrong)
    assert again["vitals.pulse"].typed == "abc"
    assert not others.matches  # a draft is no version


@pytest.mark.usefixtures("people")
async def test_complete__makes_one_entry_and_drops_the_draft(house: House) -> None:
    where, part = place(), COMMUNE.parts[1]
    entry = where.entry(part)

    async with house.writing("an") as ctx:
        kept = await entries.keep(ctx, where, part, entry, TYPED, session=SESSION)
        await entries.complete(ctx, where, part, entry, kept.answers)
        whole = await entries.sheet(ctx, where)
        left = await drafts.load(ctx, f"QuestionnaireResponse/{entry}")

    (one,) = whole.entries
    assert left is None
    assert (one.id, one.part, one.status) == (entry, "examination", "completed")
    assert one.answers == kept.answers
    assert one.body["questionnaire"] == COMMUNE.canonical


@pytest.mark.usefixtures("people")
async def test_complete__what_is_missing_is_named_and_the_draft_stays(house: House) -> None:
    where, part = place(), COMMUNE.parts[1]
    entry = where.entry(part)

    async with house.writing("an") as ctx:
        kept = await entries.keep(ctx, where, part, entry, {"reason": "Sốt"}, session=SESSION)
        with pytest.raises(NotComplete) as told:
            await entries.complete(ctx, where, part, entry, kept.answers)
        left = await entries.draft(ctx, where, part, entry)

    assert {note.item for note in told.value.notes} == {"history.illness", "diagnosis.main", "plan"}
    assert "Bệnh chính" in told.value.sentence_vi
    assert left == {"reason": "Sốt"}


@pytest.mark.usefixtures("people")
async def test_complete__a_correction_is_a_new_version_and_one_that_saw_less_is_refused(house: House) -> None:
    where, part = place(), COMMUNE.parts[1]
    entry = where.entry(part)
    async with house.writing("an") as ctx:
        kept = await entries.keep(ctx, where, part, entry, TYPED, session=SESSION)
        await entries.complete(ctx, where, part, entry, kept.answers)

    async with house.writing("an") as ctx:
        changed = {**kept.answers, "plan": "Nhập viện"}
        saved = await entries.complete(ctx, where, part, entry, changed, if_match="1")
        assert json.stored(saved.stored.body or "")["status"] == "amended"
        with pytest.raises(VersionConflict):
            await entries.complete(ctx, where, part, entry, kept.answers, if_match="1")


@pytest.mark.usefixtures("people")
async def test_keep__another_patients_stay_or_sheet_is_not_found(house: House) -> None:
    where, part = place(), COMMUNE.parts[1]
    entry = where.entry(part)
    async with house.writing("an") as ctx:
        kept = await entries.keep(ctx, where, part, entry, TYPED, session=SESSION)
        await entries.complete(ctx, where, part, entry, kept.answers)

    for wrong in (place("an", "kham-2"), place("binh", "kham-2", where.sheet), place("an", "nowhere")):
        async with house.writing("an") as ctx:
            with pytest.raises(NotFound):
                await entries.keep(ctx, wrong, part, entry, TYPED, session=SESSION)


@pytest.mark.usefixtures("people")
async def test_keep__a_field_or_part_or_sheet_that_is_not_there_is_refused(house: House) -> None:
    where = place()
    for typed in ("shoe", "vitals.999999.x", "person.name.0.x"):
        async with house.writing("an") as ctx:
            with pytest.raises(BadRequest, match="no field"):
                await entries.keep(
                    ctx, where, COMMUNE.parts[1], where.entry(COMMUNE.parts[1]), {typed: "1"}, session=SESSION
                )
    with pytest.raises(NoSuchPart):
        where.part("nowhere")
    with pytest.raises(NotFound):
        place(sheet="no-uuid").entry(COMMUNE.parts[1])
