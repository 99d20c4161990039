"""Read, create, update, patch and delete through the door (FHIR R4 http.html)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from acceptance.door import numbered, patient
from hsba.http import middleware

if TYPE_CHECKING:
    import pytest

    from acceptance.door import Client


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+07:00")


async def test_create__answers_the_resource_and_where_it_is(client: Client) -> None:
    answer = await client.post("/Patient", patient(id="mine"))

    made = answer.json()
    assert answer.status_code == 201
    assert made["id"] != "mine"
    assert made["meta"]["versionId"] == "1"
    assert INSTANT.fullmatch(made["meta"]["lastUpdated"])
    assert made["name"] == patient()["name"]
    assert answer.headers["location"] == f"http://localhost/fhir/Patient/{made['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert "GMT" in answer.headers["last-modified"]


async def test_read__answers_the_very_bytes_that_were_answered_to_create(client: Client) -> None:
    created = await client.post("/Patient", patient())

    read = await client.get(f"/Patient/{created.json()['id']}")

    assert read.status_code == 200
    assert read.content == created.content
    assert read.headers["etag"] == 'W/"1"'
    assert read.headers["cache-control"] == "no-store"


async def test_read__head_has_the_headers_and_no_body(client: Client) -> None:
    made = await client.made(patient())

    read = await client.get(f"/Patient/{made['id']}")
    head = await client.http.head(f"/Patient/{made['id']}")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == read.headers["content-length"]
    assert head.headers["etag"] == read.headers["etag"]


async def test_read__what_never_was_is_404_and_what_was_deleted_410(client: Client) -> None:
    made = await client.made(patient())

    assert (await client.get("/Patient/nobody")).status_code == 404
    assert (await client.delete(f"/Patient/{made['id']}")).status_code == 204
    assert (await client.get(f"/Patient/{made['id']}")).status_code == 410
    assert (await client.get(f"/Patient/{made['id']}/_history/1")).status_code == 200
    assert (await client.get(f"/Patient/{made['id']}/_history/2")).status_code == 410
    assert (await client.get(f"/Patient/{made['id']}/_history/3")).status_code == 404


async def test_update__makes_a_new_version(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.put(f"/Patient/{made['id']}", patient(id=made["id"], gender="male"))

    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["content-location"] == f"http://localhost/fhir/Patient/{made['id']}/_history/2"
    assert "location" not in answer.headers
    assert answer.json()["gender"] == "male"
    first = await client.get(f"/Patient/{made['id']}/_history/1")
    assert first.json()["gender"] == "female"
    assert first.headers["etag"] == 'W/"1"'


async def test_update__creates_at_the_id_given(client: Client) -> None:
    answer = await client.put("/Patient/bn-1", patient(id="bn-1"))

    assert answer.status_code == 201
    assert answer.headers["location"] == "http://localhost/fhir/Patient/bn-1/_history/1"


async def test_update__brings_back_what_was_deleted(client: Client) -> None:
    await client.put("/Patient/bn-1", patient(id="bn-1"))
    await client.delete("/Patient/bn-1")

    answer = await client.put("/Patient/bn-1", patient(id="bn-1"))

    assert answer.status_code == 201
    assert answer.headers["etag"] == 'W/"3"'


async def test_update__the_id_must_be_that_of_the_address(client: Client) -> None:
    assert (await client.put("/Patient/bn-1", patient(id="bn-2"))).status_code == 400
    assert (await client.put("/Patient/bn-1", patient())).status_code == 400
    assert (await client.get("/Patient/bn-1")).status_code == 404


async def test_update__if_none_match_star_only_creates(client: Client) -> None:
    first = await client.put("/Patient/bn-1", patient(id="bn-1"), If_None_Match="*")
    second = await client.put("/Patient/bn-1", patient(id="bn-1", gender="male"), If_None_Match="*")

    assert (first.status_code, second.status_code) == (201, 412)
    assert (await client.get("/Patient/bn-1")).json()["gender"] == "female"


async def test_update__what_changes_nothing_makes_no_version(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.put(f"/Patient/{made['id']}", made)

    assert answer.status_code == 200
    assert answer.headers["etag"] == 'W/"1"'


async def test_patch__json_patch(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.patch(
        f"/Patient/{made['id']}", [{"op": "replace", "path": "/gender", "value": "male"}]
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["gender"] == "male"
    assert answer.headers["etag"] == 'W/"2"'


async def test_patch__fhirpath_patch(client: Client) -> None:
    made = await client.made(patient())
    change = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "replace"},
                    {"name": "path", "valueString": "Patient.birthDate"},
                    {"name": "value", "valueDate": "1986"},
                ],
            }
        ],
    }

    answer = await client.send("PATCH", f"/Patient/{made['id']}", change)

    assert answer.status_code == 200, answer.text
    assert answer.json()["birthDate"] == "1986"


async def test_patch__other_contents_are_refused(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.send(
        "PATCH", f"/Patient/{made['id']}", made, Content_Type="application/merge-patch+json"
    )

    assert answer.status_code == 415


async def test_delete__twice_and_of_nothing_is_well(client: Client) -> None:
    made = await client.made(patient())

    for path in (f"/Patient/{made['id']}", f"/Patient/{made['id']}", "/Patient/nobody"):
        assert (await client.delete(path)).status_code == 204


async def test_prefer__minimal_has_no_body(client: Client) -> None:
    answer = await client.post("/Patient", patient(), Prefer="return=minimal")

    assert answer.status_code == 201
    assert answer.content == b""
    assert answer.headers["location"]


async def test_prefer__operation_outcome(client: Client) -> None:
    answer = await client.post("/Patient", patient(), Prefer="return=OperationOutcome")
    deleted = await client.delete("/Patient/nobody", Prefer="return=OperationOutcome")

    assert answer.status_code == 201
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["severity"] == "information"
    assert deleted.status_code == 200
    assert deleted.json()["resourceType"] == "OperationOutcome"


async def test_create__decimals_and_unicode_are_kept_as_written(client: Client) -> None:
    observation = (
        '{"resourceType":"Observation","status":"final","code":{"text":"Đường huyết"},'
        '"valueQuantity":{"value":5.60,"unit":"mmol/L"}}'
    )

    answer = await client.http.post(
        "/Observation", content=observation.encode(), headers={"Content-Type": "application/fhir+json"}
    )

    assert answer.status_code == 201, answer.text
    assert '"value":5.60' in answer.text
    assert '"text":"Đường huyết"' in answer.text


async def test_request_id__is_the_clients_when_it_is_a_uuid(client: Client) -> None:
    number = "0190f7f0-7d7e-7b1e-8f3a-0f5a7d1f6c11"

    ours = await client.get("/Patient/nobody", X_Request_Id="ticket 17")
    theirs = await client.get("/Patient/nobody", X_Request_Id=number)
    named = await client.get("/Patient/nobody", X_Request_Id="ticket-17")

    assert theirs.headers["x-request-id"] == number
    assert len(ours.headers["x-request-id"]) == 36
    assert "x-correlation-id" not in ours.headers
    assert named.headers["x-correlation-id"] == "ticket-17"


async def test_provenance__reason_channel_and_request_are_kept_with_the_version(client: Client) -> None:
    number = "0190f7f0-7d7e-7b1e-8f3a-0f5a7d1f6c11"
    reason = "Nhập bù sau mất điện"

    await client.post("/Patient", patient(), X_Request_Id=number, X_HSBA_Reason=quote(reason))

    async with client.services.pool.reading(client.services.tenants.get().id) as tx:
        row = await tx.fetchrow("SELECT account, channel, purpose, reason, request::text FROM record.version")
    assert dict(row) == {
        "account": "operator",
        "channel": "rest",
        "purpose": "TREAT",
        "reason": reason,
        "request": number,
    }


async def test_tenants__each_keeper_has_a_record_of_its_own(client: Client) -> None:
    made = await client.made(numbered("1"))
    station = "http://localhost/t/tram-thu/fhir"
    first = f"http://localhost/t/{client.services.tenants.get().slug}/fhir"

    assert (await client.get(f"{station}/Patient/{made['id']}")).status_code == 404
    theirs = await client.post(f"{station}/Patient", patient())
    assert theirs.status_code == 201
    assert theirs.headers["location"].startswith(f"{station}/Patient/")
    assert (await client.get(theirs.headers["location"])).status_code == 200
    assert (await client.get(f"{first}/Patient/{made['id']}")).status_code == 200
    unknown = await client.get("http://localhost/t/khong-co/fhir/Patient/1")
    assert unknown.status_code == 404
    assert unknown.json()["resourceType"] == "OperationOutcome"


async def test_binary__goes_in_and_out_as_itself(client: Client) -> None:
    content = b"%PDF-1.7\n\x00\xff"

    sent = await client.http.post("/Binary", content=content, headers={"Content-Type": "application/pdf"})
    resource = await client.get(sent.headers["location"], Accept="application/fhir+json")
    itself = await client.get(sent.headers["location"], Accept="application/pdf")
    page = await client.http.post("/Binary", content=b"<script>", headers={"Content-Type": "text/html"})
    shown = await client.get(page.headers["location"], Accept="text/html,*/*;q=0.8")

    assert sent.status_code == 201, sent.text
    assert resource.json()["contentType"] == "application/pdf"
    assert (itself.content, itself.headers["content-type"]) == (content, "application/pdf")
    assert itself.headers["etag"] == 'W/"1"'
    assert shown.headers["content-disposition"] == "attachment"
    assert shown.headers["content-security-policy"].startswith("sandbox")


async def test_update__forty_at_once_of_one_resource_are_all_saved(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "PAUSES", (0.0,))  # one more try is enough, for that one waits in line
    id_ = (await client.post("/Patient", patient())).json()["id"]

    answers = await asyncio.gather(
        *(
            client.put(f"/Patient/{id_}", {**patient(id=id_), "multipleBirthInteger": number})
            for number in range(1, 41)
        )
    )

    assert [answer.status_code for answer in answers] == [200] * 40
    assert sorted(int(answer.json()["meta"]["versionId"]) for answer in answers) == list(range(2, 42))
