"""Sheets over resources: the chart of vital signs, the medicines told to the patient, and the lines over every sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo_stay import TODAY, stay
from hsba.forms import catalogue, paper, populate

if TYPE_CHECKING:
    from house import House

STAY = stay()


async def begun(house: House, slug: str, part: str) -> dict[str, Any]:
    """What stands in a part before anybody types."""
    form = catalogue.forms()[slug]
    async with house.writing() as ctx:
        await STAY.save(ctx)
        facts = await populate.gather(ctx, STAY.patient, STAY.encounter, populate.wanted(form))
    return populate.filled(form, part, facts, paper.ZONE)


def told(type_: str) -> list[dict[str, Any]]:
    return [one for one in STAY.resources if one["resourceType"] == type_]


async def test_filled__the_chart_of_vital_signs_has_a_column_for_each_time_of_measuring(house: House) -> None:
    answers = await begun(house, "chuc-nang-song", "chart")

    columns = answers["vitals.series"]
    times = [one["vitals.series.when"] for one in columns]
    measured = {
        one["effectiveDateTime"]
        for one in told("Observation")
        if any(kind["coding"][0]["code"] == "vital-signs" for kind in one["category"])
        and one["encounter"]["reference"] == f"Encounter/{STAY.encounter}"
    }
    assert times == sorted(set(times))
    assert measured <= set(times)  # and those that the stay's own sheets tell of
    first = columns[0]
    assert first["vitals.series.pressure"].count("/") == 1
    assert first["vitals.series.by"].startswith("ĐD.")


async def test_filled__the_medicines_told_to_the_patient_are_those_ordered(house: House) -> None:
    answers = await begun(house, "cong-khai-thuoc", "ordered")

    ordered = {
        one["medicationCodeableConcept"]["text"]
        for one in told("MedicationRequest")
        if one["encounter"]["reference"] == f"Encounter/{STAY.encounter}"
    }
    assert {one["medicines.name"] for one in answers["medicines"]} == ordered
    assert all(one["medicines.dose"] and one["medicines.by"] for one in answers["medicines"])


async def test_filled__the_lines_over_a_sheet_say_whose_it_is_and_where(house: House) -> None:
    answers = await begun(house, "36-BV2", "sheet")

    (patient,) = (one for one in told("Patient") if one["id"] == STAY.patient)
    years = TODAY.year - int(patient["birthDate"][:4])
    assert answers["person.name"] == answers["person.name"].upper()
    assert answers["person.age"] in (years, years - 1)
    assert answers["person.sex"] == {"male": "1", "female": "2"}[patient["gender"]]
    assert answers["place.department"].startswith("Khoa")
    assert answers["diagnosis.current"].endswith(")")


async def test_filled__a_paper_begins_with_the_stay_and_its_diagnoses(house: House) -> None:
    answers = await begun(house, "02-TT25", "discharge")

    assert answers["leaving.in"].endswith("+07:00")
    assert answers["address.all"].count(",") >= 2
    assert answers["diagnosis.final"]
    assert "leaving.out" not in answers  # the stay goes on
