"""What follows from an entry is written by the rights of who writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from form_answers import response
from hospital import Hospital, encounter, post, to
from hsba import app, config
from hsba.fhir import json
from hsba.fhir.problems import Forbidden
from hsba.forms import catalogue, extract
from hsba.record import derived, interactions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database

COVER = catalogue.forms()["17-BV1"]
OPERATION = catalogue.forms()["06-BV2"]
DIAGNOSIS = {"diagnosis.main": {"display": "Cúm"}, "vitals.pulse": 92}


@pytest_asyncio.fixture
async def hospital(database: Database) -> AsyncIterator[Hospital]:
    """A patient in khoa Nội with a doctor and a nurse there, and a surgeon of another department in the care team."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=8) as opened:
        found = Hospital(opened, database.owner_dsn)
        people = ("binh", "lan", "chi")
        await found.save(
            {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"},
            {"resourceType": "Organization", "id": "ngoai", "name": "Khoa Ngoại"},
            *({"resourceType": "Practitioner", "id": one, "name": [{"text": one}]} for one in people),
            post("binh-noi", "binh", "noi"), post("lan-noi", "lan", "noi"), post("chi-ngoai", "chi", "ngoai"),
            {"resourceType": "Patient", "id": "an", "name": [{"text": "An"}]},
            encounter("stay", "an", "noi"),
            {
                "resourceType": "CareTeam", "id": "team", "status": "active", "subject": to("Patient", "an"),
                "participant": [{"member": to("Practitioner", "chi")}],
            },
        )  # fmt: skip
        for account, role, practitioner in (
            ("binh", "doctor", "binh"),
            ("lan", "nurse", "lan"),
            ("chi", "doctor", "chi"),
        ):
            await found.is_person(account, "Practitioner", practitioner)
            await found.give(account, role)
        yield found


async def roles(hospital: Hospital) -> list[str]:
    async with hospital.acting() as ctx:
        stored = await interactions.read(ctx, "Encounter", "stay")
    return [one["use"]["coding"][0]["code"] for one in json.stored(stored.body or "").get("diagnosis", ())]


async def made(hospital: Hospital) -> set[str]:
    async with hospital.acting() as ctx:
        found = await derived.made_of(ctx, response(COVER, "examination", {})["id"], extract.TYPES)
    return {type_ for type_, _ in found}


def cover(**given: Any) -> dict[str, Any]:
    return response(COVER, "examination", {name.replace("_", "."): value for name, value in given.items()})


async def test_follow__a_doctor_of_the_department_writes_findings_and_diagnoses(hospital: Hospital) -> None:
    async with hospital.acting("binh") as ctx:
        await interactions.update(ctx, cover(**DIAGNOSIS))

    assert await made(hospital) == {"Observation", "Condition"}
    assert await roles(hospital) == ["AD"]


async def test_follow__a_nurse_writes_findings_and_no_diagnosis(hospital: Hospital) -> None:
    with pytest.raises(Forbidden):
        async with hospital.acting("lan") as ctx:
            await interactions.update(ctx, cover(**DIAGNOSIS))
    assert await made(hospital) == set()

    async with hospital.acting("lan") as ctx:
        await interactions.update(ctx, cover(vitals_pulse=92))
    assert await made(hospital) == {"Observation"}


async def test_follow__a_surgeon_called_in_gives_the_stay_his_diagnosis(hospital: Hospital) -> None:
    given = {
        "operation.start": "2026-11-20T07:45:00+07:00",
        "diagnosis.before": {"display": "Viêm ruột thừa"},
        "operation.method": "Cắt ruột thừa nội soi",
    }
    async with hospital.acting("chi") as ctx:
        await interactions.update(ctx, response(OPERATION, OPERATION.parts[0].id, given))

    assert await made(hospital) == {"Condition", "Procedure"}
    assert await roles(hospital) == ["pre-op"]


async def test_follow__what_is_hidden_from_the_writer_stays_in_the_stay(hospital: Hospital) -> None:
    await hospital.save(encounter("stay", "an", "noi", reasonCode=[{"text": "Kín"}]))
    types = ["Encounter", "QuestionnaireResponse", "Observation", "Condition", "Patient"]
    line = {"may": ["view", "create", "update"], "types": types, "hidden": ["Encounter.reasonCode"]}
    await hospital.role("half", line)
    await hospital.give("half-seeing", "half")

    async with hospital.acting("half-seeing") as ctx:
        await interactions.update(ctx, cover(**DIAGNOSIS))

    assert await roles(hospital) == ["AD"]
    async with hospital.acting() as ctx:
        stored = await interactions.read(ctx, "Encounter", "stay")
    assert json.stored(stored.body or "")["reasonCode"] == [{"text": "Kín"}]
