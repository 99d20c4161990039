"""What the record knows stands in a form before anybody types: facts, items of each kind, and yesterday's entry."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from demo_stay import stay
from hsba.fhir.problems import NotFound
from hsba.forms import catalogue, populate
from hsba.forms.answers import PART, SHEET, to_items
from hsba.ops.demo.places import HOSPITAL_NAME
from hsba.record import interactions

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
STAY = stay()
COVER = catalogue.forms()["17-BV1"]


async def about(ctx: Context, *names: str) -> dict[str, list[Any]]:
    return await populate.gather(ctx, STAY.patient, STAY.encounter, frozenset(names))


async def test_gather__tells_who_the_patient_is_and_where(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        facts = await populate.gather(ctx, STAY.patient, STAY.encounter, populate.wanted(COVER))

    answers = populate.filled(COVER, "reception", facts, ZONE)
    assert answers["person.name"] == answers["person.name"].upper()
    assert answers["person.sex"] in ("1", "2")
    assert answers["person.birth-date"] == facts["patient.birth-date"][0]
    assert answers["address.street"]
    assert answers["arrival"].endswith("+07:00")
    assert populate.head(COVER, facts, ZONE)["head.facility"] == HOSPITAL_NAME


async def test_gather__every_fact_can_be_asked(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        facts = await about(ctx, *catalogue.facts())

    for name in (
        "patient.name",
        "patient.ethnicity",
        "department.name",
        "encounter.number",
        "dossier.number",
    ):
        assert facts[name], name


async def test_gather__the_last_vital_signs_are_taken(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, pulse("early", "2026-11-23T06:00:00+07:00", 61))
        await interactions.update(ctx, pulse("late", "2026-11-23T09:00:00+07:00", 93))
        facts = await about(ctx, "vitals.pulse")

    assert facts == {"vitals.pulse": [93]}
    assert populate.filled(COVER, "examination", facts, ZONE) == {"vitals.pulse": 93}


async def test_gather__what_was_taken_back_is_no_fact(house: House) -> None:
    late = pulse("late", "2026-11-23T09:00:00+07:00", 193)
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, pulse("early", "2026-11-23T06:00:00+07:00", 61))
        await interactions.update(ctx, {**late, "status": "entered-in-error"})
        facts = await about(ctx, "vitals.pulse")

    assert facts == {"vitals.pulse": [61]}


async def test_gather__of_who_is_not_there_is_refused(house: House) -> None:
    async with house.reading() as ctx:
        with pytest.raises(NotFound):
            await populate.gather(ctx, "nobody", "", frozenset({"patient.name"}))


async def test_gather__equal_searches_are_asked_once(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        asked = []
        search = interactions.search

        async def counted(inner: Context, wanted: Any) -> Any:
            asked.append(wanted)
            return await search(inner, wanted)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(interactions, "search", counted)
            await about(ctx, "vitals.systolic", "vitals.diastolic", "insurance.number", "insurance.until")

    assert len(asked) == 2


async def test_previous__is_the_last_completed_entry_without_what_the_record_owns(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        for number, status in enumerate(("completed", "completed", "in-progress"), 1):
            answers = {"reason": f"Lý do {number}", "allergies": "Trứng", "vitals.weight": Decimal("50.5")}
            await interactions.update(ctx, entry(f"e{number}", number, status, answers))
        found = await populate.previous(ctx, COVER, "examination", STAY.patient, STAY.encounter)
        days = await populate.earlier(ctx, COVER, "examination", STAY.patient, STAY.encounter)
        other = await populate.previous(ctx, COVER, "reception", STAY.patient, STAY.encounter)

    assert found == {"reason": "Lý do 2", "vitals.weight": Decimal("50.5")}
    assert [one.id for one in days] == ["e2", "e1"]
    assert other is None


def pulse(id_: str, when: str, value: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{STAY.patient}"},
        "encounter": {"reference": f"Encounter/{STAY.encounter}"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "/min"},
    }


def entry(id_: str, hour: int, status: str, answers: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id_,
        "extension": [{"url": PART, "valueCode": "examination"}],
        "identifier": {"system": SHEET, "value": "sheet-1"},
        "questionnaire": COVER.canonical,
        "status": status,
        "subject": {"reference": f"Patient/{STAY.patient}"},
        "encounter": {"reference": f"Encounter/{STAY.encounter}"},
        "authored": f"2026-11-23T0{hour}:00:00+07:00",
        "item": to_items(COVER, "examination", answers),
    }
