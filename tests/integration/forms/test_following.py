"""What is written on a sheet is in the record: facts of an entry, corrected and taken back with it, and by nobody else."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from demo_stay import stay
from hsba.fhir import json
from hsba.fhir.problems import Unprocessable
from hsba.forms import catalogue, extract
from hsba.forms.answers import PART, SHEET, to_items
from hsba.record import derived, interactions
from hsba.record.derived import WrittenByEntry
from hsba.record.transaction import transaction

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context

STAY = stay()
COVER = catalogue.forms()["17-BV1"]
ENTRY = "0191e7a0-0000-7000-8000-000000000001"
Resource = dict[str, Any]
FLU = {
    "system": extract.ICD,
    "code": "J11.1",
    "display": "Cúm có biểu hiện hô hấp khác, vi rút không xác định",
}
ANSWERS = {
    "reason": "Sốt cao",
    "history.illness": "Sốt ba ngày nay.",
    "vitals.pulse": 92,
    "vitals.temperature": Decimal("38.5"),
    "vitals.systolic": 120,
    "vitals.diastolic": 80,
    "diagnosis.main": FLU,
    "diagnosis.other": {"display": "Viêm họng"},
    "plan": "Hạ sốt, theo dõi.",
}


def entry(answers: dict[str, Any] | None = None, status: str = "completed", **more: Any) -> Resource:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": ENTRY,
        "extension": [{"url": PART, "valueCode": "examination"}],
        "identifier": {"system": SHEET, "value": "0191e7a0-0000-7000-8000-000000000000"},
        "questionnaire": COVER.canonical,
        "status": status,
        "subject": {"reference": f"Patient/{STAY.patient}"},
        "encounter": {"reference": f"Encounter/{STAY.encounter}"},
        "authored": "2026-11-23T09:00:00+07:00",
        "item": to_items(COVER, "examination", ANSWERS if answers is None else answers),
        **more,
    }


async def made(ctx: Context) -> dict[str, Resource]:
    """What was made of the entry, by code."""
    found = await derived.made_of(ctx, ENTRY, extract.TYPES)
    return {code(one): one for one in found.values()}


def code(one: Resource) -> str:
    coding = one["code"].get("coding", [{}])[0]
    return str(coding.get("code") or one["code"]["text"])


async def diagnoses(ctx: Context) -> list[tuple[str, int]]:
    """Those of the stay that this entry gave: role and rank."""
    stored = await interactions.read(ctx, "Encounter", STAY.encounter)
    mine = {
        f"Condition/{id_}"
        for type_, id_ in await derived.made_of(ctx, ENTRY, extract.TYPES)
        if type_ == "Condition"
    }
    return [
        (one["use"]["coding"][0]["code"], one["rank"])
        for one in json.stored(stored.body or "")["diagnosis"]
        if one["condition"]["reference"] in mine
    ]


async def test_follow__the_facts_of_an_entry_are_resources(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry())
        found = await made(ctx)
        roles = await diagnoses(ctx)

    assert found["8867-4"]["valueQuantity"] == {
        "value": 92, "unit": "lần/ph", "system": "http://unitsofmeasure.org", "code": "/min",
    }  # fmt: skip
    assert [one["valueQuantity"]["value"] for one in found["85354-9"]["component"]] == [120, 80]
    assert found["10164-2"]["valueString"] == "Sốt ba ngày nay."
    assert found["10164-2"]["derivedFrom"] == [{"reference": f"QuestionnaireResponse/{ENTRY}"}]
    assert found["J11.1"]["encounter"] == {"reference": f"Encounter/{STAY.encounter}"}
    assert found["Viêm họng"]["code"] == {"text": "Viêm họng"}
    assert roles == [("AD", 1), ("AD", 2)]


async def test_follow__an_amendment_changes_its_facts_in_their_place(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry())
    async with house.writing() as ctx:
        before = await made(ctx)
        changed = {**ANSWERS, "vitals.pulse": 88}
        del changed["diagnosis.other"]
        del changed["vitals.systolic"], changed["vitals.diastolic"]
        await interactions.update(ctx, entry(changed, "amended", authored="2026-11-23T17:00:00+07:00"))
        after = await made(ctx)
        roles = await diagnoses(ctx)

    assert after.keys() == before.keys()
    assert (after["8867-4"]["id"], after["8867-4"]["status"]) == (before["8867-4"]["id"], "corrected")
    assert after["8867-4"]["effectiveDateTime"] == "2026-11-23T09:00:00+07:00"
    assert after["8310-5"]["meta"]["versionId"] == "1"
    assert after["85354-9"]["status"] == "entered-in-error"
    assert after["Viêm họng"]["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert roles == [("AD", 1)]


@pytest.mark.parametrize("status", ["entered-in-error", "in-progress"])
async def test_follow__an_entry_taken_back_takes_its_facts_back(house: House, status: str) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry())
        await interactions.update(ctx, entry(status=status))
        found = await made(ctx)
        roles = await diagnoses(ctx)

    assert all(is_void(one) for one in found.values())
    assert roles == []


async def test_follow__an_entry_put_into_the_right_stay_leaves_the_wrong_one(house: House) -> None:
    right = {"id": "right", "resourceType": "Encounter", "status": "in-progress", "class": {"code": "IMP"}}
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, {**right, "subject": {"reference": f"Patient/{STAY.patient}"}})
        await interactions.update(ctx, entry())
        moved = entry(status="amended", encounter={"reference": "Encounter/right"})
        await interactions.update(ctx, moved)
        wrong = await diagnoses(ctx)
        stored = await interactions.read(ctx, "Encounter", "right")
        found = await made(ctx)

    assert wrong == []
    assert len(json.stored(stored.body or "")["diagnosis"]) == 2
    assert {one["encounter"]["reference"] for one in found.values()} == {"Encounter/right"}


async def test_follow__a_deleted_entry_leaves_no_fact(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry())
        await interactions.delete(ctx, "QuestionnaireResponse", ENTRY)
        found = await made(ctx)

    assert found
    assert all(is_void(one) for one in found.values())


async def test_follow__a_draft_has_no_facts(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry(status="in-progress"))
        assert await made(ctx) == {}


async def test_follow__in_a_transaction_too(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await transaction(ctx, bundle(put(entry())))
        assert "8867-4" in await made(ctx)


async def test_follow__labels_of_the_entry_lie_on_its_facts(house: House) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry(meta={"security": [label]}))
        assert {one["meta"]["security"][0]["code"] for one in (await made(ctx)).values()} == {"HIV"}


async def test_derived__is_changed_by_its_entry_alone(house: House) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)
        await interactions.update(ctx, entry())
        pulse = (await made(ctx))["8867-4"]

    with pytest.raises(WrittenByEntry, match=ENTRY):
        async with house.writing() as ctx:
            await interactions.update(ctx, {**pulse, "status": "amended"})
    with pytest.raises(WrittenByEntry):
        async with house.writing() as ctx:
            await interactions.delete(ctx, "Observation", pulse["id"])
    with pytest.raises(WrittenByEntry):
        async with house.writing() as ctx:
            await transaction(ctx, bundle(put({**pulse, "status": "amended"})))
    with pytest.raises(WrittenByEntry):
        async with house.writing() as ctx:
            await transaction(
                ctx, bundle({"request": {"method": "DELETE", "url": f"Observation/{pulse['id']}"}})
            )


async def test_derived__nobody_else_says_that_he_is_the_entry(house: House) -> None:
    false = {
        "resourceType": "Observation",
        "meta": {"source": f"QuestionnaireResponse/{ENTRY}"},
        "status": "final",
        "code": {"text": "Mạch"},
    }

    with pytest.raises(WrittenByEntry):
        async with house.writing() as ctx:
            await interactions.create(ctx, false)


@pytest.mark.parametrize(
    "item, says",
    [
        ({"linkId": "unknown", "answer": [{"valueString": "x"}]}, "unknown"),
        ({"linkId": "reason", "answer": [{"valueInteger": 3}]}, "reason"),
        ({"linkId": "reason", "answer": [{"valueString": "a"}, {"valueString": "b"}]}, "reason"),
        ({"linkId": "reason", "answer": [{"valueString": "a" * 2_001}]}, "reason"),
        ({"linkId": "arrival", "answer": [{"valueDateTime": "2026-11-23T07:00:00+07:00"}]}, "reception"),
        (
            {"linkId": "vitals", "item": [{"linkId": "vitals.pulse", "answer": [{"valueInteger": 900}]}]},
            "350",
        ),
        ({"linkId": "vitals", "answer": [{"valueInteger": 1}]}, "vitals"),
    ],
)
async def test_follow__an_entry_that_does_not_fit_its_form_is_refused(
    house: House, item: Resource, says: str
) -> None:
    async with house.writing() as ctx:
        await STAY.save(ctx)

    with pytest.raises(Unprocessable) as refused:
        async with house.writing() as ctx:
            await interactions.update(ctx, entry(item=[item]))
    assert says in " ".join(issue.en for issue in refused.value.issues)
    async with house.writing() as ctx:
        await interactions.update(ctx, entry(item=[item], status="in-progress"))


async def test_follow__an_entry_without_its_time_is_refused(house: House) -> None:
    without = {name: value for name, value in entry().items() if name != "authored"}

    with pytest.raises(Unprocessable) as refused:
        async with house.writing() as ctx:
            await interactions.update(ctx, without)
    assert [issue.path for issue in refused.value.issues] == ["QuestionnaireResponse.authored"]


async def test_follow__another_version_of_the_form_is_refused(house: House) -> None:
    with pytest.raises(Unprocessable, match="99"):
        async with house.writing() as ctx:
            await interactions.update(ctx, entry(questionnaire=f"{COVER.url}|99"))


async def test_follow__a_response_to_a_form_of_another_house_is_kept_as_it_is(house: House) -> None:
    async with house.writing() as ctx:
        saved = await interactions.update(
            ctx, entry(questionnaire="http://elsewhere.example/Questionnaire/1")
        )
        assert saved.created
        assert await made(ctx) == {}


def is_void(one: Resource) -> bool:
    return "entered-in-error" in str(one.get("verificationStatus", one.get("status")))


def put(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def bundle(*entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
