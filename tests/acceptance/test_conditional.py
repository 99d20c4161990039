"""Conditional interactions, versions that clients name, and repeats (FHIR R4 http.html#concurrency, #ccreate)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from acceptance.door import MRN, numbered, patient

if TYPE_CHECKING:
    from acceptance.door import Client, Resource


def condition(number: str) -> str:
    return f"identifier={MRN}|{number}"


async def test_read__not_modified_when_the_client_has_it(client: Client) -> None:
    made = await client.post("/Patient", patient())
    path = f"/Patient/{made.json()['id']}"

    same = await client.get(path, If_None_Match='W/"1"')
    other = await client.get(path, If_None_Match='W/"7"')
    several = await client.get(path, If_None_Match='W/"7", W/"1"')
    since = await client.get(path, If_Modified_Since=made.headers["last-modified"])
    before = await client.get(path, If_Modified_Since="Mon, 01 Jan 2024 00:00:00 GMT")
    nonsense = await client.get(path, If_Modified_Since="yesterday")

    found = [answer.status_code for answer in (same, other, several, since, before, nonsense)]
    assert found == [304, 200, 304, 304, 200, 200]
    assert same.content == b""
    assert same.headers["etag"] == 'W/"1"'


async def test_update__if_match_of_the_current_version_only(client: Client) -> None:
    made = await client.made(patient())
    path = f"/Patient/{made['id']}"

    first = await client.put(path, {**made, "gender": "male"}, If_Match='W/"1"')
    second = await client.put(path, {**made, "gender": "other"}, If_Match='W/"1"')
    empty = await client.put(path, {**made, "gender": "other"}, If_Match='""')

    assert (first.status_code, second.status_code, empty.status_code) == (200, 412, 428)
    assert second.json()["issue"][0]["code"] == "conflict"
    assert (await client.get(path)).json()["gender"] == "male"


async def test_patch_and_delete__if_match(client: Client) -> None:
    made = await client.made(patient())
    path = f"/Patient/{made['id']}"
    change = [{"op": "replace", "path": "/gender", "value": "male"}]

    assert (await client.patch(path, change, If_Match='W/"9"')).status_code == 412
    assert (await client.delete(path, If_Match='W/"9"')).status_code == 412
    assert (await client.delete("/Patient/nobody", If_Match='W/"1"')).status_code == 412
    assert (await client.patch(path, change, If_Match='W/"1"')).status_code == 200
    assert (await client.delete(path, If_Match='W/"2"')).status_code == 204


async def test_update__of_two_clients_with_one_version_only_one_wins(client: Client) -> None:
    made = await client.made(patient())
    path = f"/Patient/{made['id']}"

    answers = await asyncio.gather(
        *(client.put(path, {**made, "birthDate": f"19{year}"}, If_Match='W/"1"') for year in range(50, 58))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_create__if_none_exist_makes_one_of_many_at_once(client: Client) -> None:
    answers = await asyncio.gather(
        *(client.post("/Patient", numbered("17"), If_None_Exist=condition("17")) for _ in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_create__if_none_exist_of_several_is_refused(client: Client) -> None:
    await client.made(numbered("17"))
    await client.made(numbered("17"))

    answer = await client.post("/Patient", numbered("17"), If_None_Exist=f"Patient?{condition('17')}")

    assert answer.status_code == 412
    assert answer.json()["issue"][0]["code"] == "multiple-matches"


async def test_update__by_condition(client: Client) -> None:
    created = await client.put(f"/Patient?{condition('5')}", numbered("5"))
    updated = await client.put(f"/Patient?{condition('5')}", numbered("5", gender="male"))

    assert (created.status_code, updated.status_code) == (201, 200)
    assert created.json()["id"] == updated.json()["id"]
    assert updated.headers["etag"] == 'W/"2"'


async def test_update__by_condition_that_says_nothing_is_refused(client: Client) -> None:
    for query in ("", "?", "?_format=json"):
        assert (await client.put(f"/Patient{query}", patient())).status_code == 400
        assert (await client.delete(f"/Patient{query}")).status_code == 400
    assert (await client.put("/Patient?nosuch=1", patient())).status_code == 400


async def test_patch__by_condition(client: Client) -> None:
    await client.made(numbered("5"))
    change = [{"op": "replace", "path": "/gender", "value": "male"}]

    found = await client.patch(f"/Patient?{condition('5')}", change)
    nothing = await client.patch(f"/Patient?{condition('6')}", change)

    assert (found.status_code, nothing.status_code) == (200, 404)


async def test_delete__by_condition_takes_one_and_refuses_several(client: Client) -> None:
    made = await client.made(numbered("5"))
    await client.made(numbered("6"))
    await client.made(numbered("6"))

    assert (await client.delete(f"/Patient?{condition('5')}")).status_code == 204
    assert (await client.delete(f"/Patient?{condition('5')}")).status_code == 204
    assert (await client.get(f"/Patient/{made['id']}")).status_code == 410
    assert (await client.delete(f"/Patient?{condition('6')}")).status_code == 412


async def test_idempotency__the_same_request_gets_the_same_answer_and_is_done_once(client: Client) -> None:
    first = await client.post("/Patient", patient(), Idempotency_Key="k-1")
    again = await client.post("/Patient", patient(), Idempotency_Key="k-1")

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 1


async def test_idempotency__many_at_once_are_done_once(client: Client) -> None:
    answers = await asyncio.gather(
        *(client.post("/Patient", patient(), Idempotency_Key="k-2") for _ in range(5))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_idempotency__a_key_of_another_request_is_refused(client: Client) -> None:
    await client.post("/Patient", patient(), Idempotency_Key="k-3")

    other = await client.post("/Patient", patient(gender="male"), Idempotency_Key="k-3")
    elsewhere = await client.delete("/Patient/1", Idempotency_Key="k-3")
    bad = await client.post("/Patient", patient(), Idempotency_Key="k" * 256)

    assert (other.status_code, elsewhere.status_code, bad.status_code) == (422, 422, 400)


async def test_idempotency__what_was_refused_may_be_tried_again(client: Client) -> None:
    refused = await client.put("/Patient/bn-1", patient(id="bn-1"), If_Match='W/"1"', Idempotency_Key="k-4")
    again = await client.put("/Patient/bn-1", patient(id="bn-1"), Idempotency_Key="k-4")

    assert (refused.status_code, again.status_code) == (412, 201)


async def test_idempotency__updates_patches_deletes_and_transactions(client: Client) -> None:
    made = await client.made(patient())
    path = f"/Patient/{made['id']}"
    change = [{"op": "add", "path": "/deceasedBoolean", "value": True}]
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": patient(), "request": {"method": "POST", "url": "Patient"}}],
    }

    for _ in range(2):
        patched = await client.patch(path, change, Idempotency_Key="p")
        sent = await client.post("/", bundle, Idempotency_Key="t")
        assert (patched.status_code, patched.headers["etag"]) == (200, 'W/"2"')
        assert sent.status_code == 200, sent.text
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 2
    for _ in range(2):
        assert (await client.delete(path, Idempotency_Key="d")).status_code == 204
    assert (await client.get(f"{path}/_history")).json()["total"] == 3


async def test_idempotency__a_repeated_batch_does_only_what_was_not_done(client: Client) -> None:
    bad = {"resourceType": "Patient", "gender": "nonsense"}

    def batch(second: Resource) -> Resource:
        entries = [
            {"resource": one, "request": {"method": "POST", "url": "Patient"}} for one in (patient(), second)
        ]
        return {"resourceType": "Bundle", "type": "batch", "entry": entries}

    first = (await client.post("/", batch(bad), Idempotency_Key="b")).json()
    again = (await client.post("/", batch(bad), Idempotency_Key="b")).json()

    assert [entry["response"]["status"][:3] for entry in first["entry"]] == ["201", "422"]
    assert again["entry"][0]["response"]["location"] == first["entry"][0]["response"]["location"]
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 1
