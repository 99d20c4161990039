"""Forms for other programs: Questionnaires, $populate and $extract (SDC), responses held against their form, and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest_asyncio

from demo_stay import stay
from hsba.forms import catalogue
from hsba.forms.answers import PART, SHEET, to_items

if TYPE_CHECKING:
    from acceptance.door import Client

Resource = dict[str, Any]
STAY = stay()
COVER = catalogue.forms()["17-BV1"]
ENTRY = "0191e7a0-0000-7000-8000-00000000000a"
PATH = f"/QuestionnaireResponse/{ENTRY}"
ABOUT = {
    "subject": {"reference": f"Patient/{STAY.patient}"},
    "encounter": {"reference": f"Encounter/{STAY.encounter}"},
}
ANSWERS = {"reason": "Sốt", "vitals.pulse": 92, "diagnosis.main": {"display": "Cúm"}}


@pytest_asyncio.fixture(autouse=True)
async def patient(client: Client) -> None:
    """One stay of the demo hospital."""
    async with client.services.pool.writing(client.services.tenants.get().id) as tx:
        await STAY.save(client.services.context(tx=tx))


def entry(answers: dict[str, Any] | None = None, **more: Any) -> Resource:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": ENTRY,
        "extension": [{"url": PART, "valueCode": "examination"}],
        "identifier": {"system": SHEET, "value": "0191e7a0-0000-7000-8000-000000000000"},
        "questionnaire": COVER.canonical,
        "status": "completed",
        **ABOUT,
        "authored": "2026-11-23T09:00:00+07:00",
        "item": to_items(COVER, "examination", answers or ANSWERS),
        **more,
    }


async def facts(client: Client) -> list[Resource]:
    found = (await client.get(f"/Observation?_source=QuestionnaireResponse/{ENTRY}")).json()
    return [one["resource"] for one in found.get("entry", ())]


# --- Questionnaire -----------------------------------------------------------------------------------------


async def test_questionnaire__is_read_and_found_by_its_address(client: Client) -> None:
    read = await client.get("/Questionnaire/17-BV1.1")
    found = await client.get(f"/Questionnaire?url={COVER.url}&version=1&status=active")

    assert read.json()["title"] == COVER.name
    assert [one["resource"]["id"] for one in found.json()["entry"]] == ["17-BV1.1"]
    assert found.json()["total"] == 1


async def test_questionnaire__is_found_by_words_without_accents(client: Client) -> None:
    found = (await client.get("/Questionnaire?title:contains=noi khoa")).json()

    assert "01-BV1.1" in [one["resource"]["id"] for one in found["entry"]]


async def test_questionnaire__a_keepers_own_stand_beside_those_of_the_program(client: Client) -> None:
    own = {
        "resourceType": "Questionnaire",
        "url": "http://example.vn/q/1",
        "status": "active",
        "title": "Riêng",
    }
    await client.made(own)
    shown: list[str] = []
    path: str | None = "/Questionnaire?_count=7"
    while path:
        page = (await client.get(path)).json()
        assert len(page.get("entry", ())) <= 7
        shown += [one["resource"]["title"] for one in page.get("entry", ())]
        path = next((one["url"] for one in page["link"] if one["relation"] == "next"), None)

    assert len(shown) == len(catalogue.every()) + 1
    assert shown[-1] == "Riêng"


async def test_questionnaire__one_of_the_program_is_not_written_over(client: Client) -> None:
    made = (await client.get("/Questionnaire/17-BV1.1")).json()

    answer = await client.put("/Questionnaire/17-BV1.1", {**made, "title": "Khác"})
    other = await client.post(
        "/Questionnaire", {"resourceType": "Questionnaire", "status": "draft", "url": COVER.url}
    )

    assert (answer.status_code, other.status_code) == (409, 409), answer.text


async def test_questionnaire__a_false_place_in_the_list_is_refused(client: Client) -> None:
    assert (await client.get("/Questionnaire?_cursor=shelf:x")).status_code == 400


# --- $populate and $extract --------------------------------------------------------------------------------


async def test_populate__fills_what_the_record_knows(client: Client) -> None:
    asked = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subject", "valueReference": ABOUT["subject"]},
            {"name": "context", "part": [
                {"name": "name", "valueString": "encounter"},
                {"name": "content", "valueReference": ABOUT["encounter"]},
            ]},
        ],
    }  # fmt: skip

    answer = await client.post("/Questionnaire/17-BV1.1/$populate", asked)

    response = answer.json()["parameter"][0]["resource"]
    assert response["questionnaire"] == COVER.canonical
    assert response["status"] == "in-progress"
    ids = {one["linkId"] for one in response["item"]}
    assert {"person.name", "person.birth-date", "person.age", "arrival"} <= ids


async def test_populate__of_nobody_is_not_found(client: Client) -> None:
    answer = await client.get(f"/Questionnaire/$populate?canonical={COVER.canonical}&subject=Patient/nobody")

    assert answer.status_code == 404


async def test_populate__without_a_form_or_a_subject_is_refused(client: Client) -> None:
    none = await client.get(f"/Questionnaire/$populate?subject=Patient/{STAY.patient}")
    nobody = await client.get(f"/Questionnaire/$populate?canonical={COVER.canonical}")
    unknown = await client.get(
        f"/Questionnaire/$populate?canonical={COVER.url}|7&subject=Patient/{STAY.patient}"
    )
    wrong = await client.get(f"/Questionnaire/$populate?canonical={COVER.canonical}&subject=Group/1")

    assert [one.status_code for one in (none, nobody, unknown, wrong)] == [400, 400, 404, 400]


async def test_extract__tells_what_saving_writes(client: Client) -> None:
    told = await client.post("/QuestionnaireResponse/$extract", entry())
    assert await facts(client) == []
    await client.put(PATH, entry())

    again = await client.get(f"{PATH}/$extract")
    bundle = told.json()["parameter"][0]["resource"]
    assert bundle == again.json()["parameter"][0]["resource"]
    ids = {
        one["resource"]["id"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"
    }
    assert {one["id"] for one in await facts(client)} == ids


# --- ownership ---------------------------------------------------------------------------------------------


async def test_fact__is_read_as_any_other_and_changed_with_its_sheet_alone(client: Client) -> None:
    await client.put(PATH, entry())
    (pulse,) = (one for one in await facts(client) if "valueQuantity" in one)
    path = f"/Observation/{pulse['id']}"
    change = [{"op": "replace", "path": "/status", "value": "cancelled"}]

    refused = [
        await client.put(path, {**pulse, "status": "cancelled"}),
        await client.patch(path, change),
        await client.delete(path),
    ]
    await client.put(PATH, entry({**ANSWERS, "vitals.pulse": 70}, status="amended"))

    assert [one.status_code for one in refused] == [409, 409, 409]
    assert all(ENTRY in one.text for one in refused)
    now = (await client.get(path)).json()
    assert (now["valueQuantity"]["value"], now["status"]) == (70, "corrected")


async def test_response__that_does_not_fit_its_form_is_refused_with_the_name_of_the_item(
    client: Client,
) -> None:
    wrong = {"linkId": "vitals", "item": [{"linkId": "vitals.pulse", "answer": [{"valueString": "nhanh"}]}]}

    answer = await client.put(PATH, entry(item=[wrong]))
    other = await client.put(PATH, entry(questionnaire=f"{COVER.url}|8"))
    draft = await client.put(PATH, entry(item=[wrong], status="in-progress"))

    assert (answer.status_code, other.status_code, draft.status_code) == (422, 422, 201)
    assert "vitals.pulse" in answer.text


async def test_response__in_a_bundle_is_refused_with_its_place(client: Client) -> None:
    wrong = entry(item=[{"linkId": "unknown", "answer": [{"valueString": "x"}]}])
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": wrong, "request": {"method": "PUT", "url": PATH[1:]}}],
    }

    answer = await client.post("", bundle)

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource.item[0]"]
