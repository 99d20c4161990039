"""Everything a careless or hostile client may send gets a clear OperationOutcome, and nothing is half written."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.door import numbered, patient
from hsba.fhir import json
from hsba.http import middleware

if TYPE_CHECKING:
    import httpx

    from acceptance.door import Client

JSON = "application/fhir+json"
XML = "application/fhir+xml"
BOMB = (
    '<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    '<Patient xmlns="http://hl7.org/fhir"><name><family value="&c;"/></name></Patient>'
)
OUTSIDE = (
    '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<Patient xmlns="http://hl7.org/fhir"><name><family value="&x;"/></name></Patient>'
)


def refused(answer: httpx.Response, status: int) -> None:
    """The answer is an OperationOutcome with this status that says something in both languages."""
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert found["resourceType"] == "OperationOutcome"
    for issue in found["issue"]:
        assert issue["severity"] in ("error", "fatal")
        assert issue["details"]["text"]


async def nothing_written(client: Client) -> None:
    async with client.services.pool.reading(client.services.tenants.get().id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM record.version") == 0
        assert await tx.fetchval("SELECT count(*) FROM record.resource WHERE vid > 0") == 0


async def posted(client: Client, content: bytes, kind: str = JSON, **headers: str) -> httpx.Response:
    return await client.http.post("/Patient", content=content, headers={"Content-Type": kind, **headers})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b'"text"',
        b'{"resourceType":"Patient","resourceType":"Patient"}',
        b'{"resourceType":"Patient","active":true,"active":false}',
        b'{"resourceType":"Patient","name":[{"text":"a\\u0000b"}]}',
        b'{"resourceType":"Patient","name":[{"text":"\\ud800"}]}',
        '{"resourceType":"Patient","name":[{"text":"Ánh"}]}'.encode("utf-16"),
        b'{"resourceType":"Patient","name":[{"text":"\xff"}]}',
        b'{"resourceType":"Patient","extension":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"resourceType":"Patient",' + b'"contact":{' * 10_000 + b"}" * 10_001,
        b'{"active":true}',
        b'{"resourceType":"Nonsense"}',
        b'{"resourceType":7}',
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"}}',
    ],
    ids=lambda content: repr(content[:40]),
)
async def test_json__what_cannot_be_read_without_doubt(client: Client, content: bytes) -> None:
    refused(await posted(client, content), 400)
    await nothing_written(client)


@pytest.mark.parametrize(
    "content", ["", "<", "<Patient/>", "<nonsense xmlns='http://hl7.org/fhir'/>", BOMB, OUTSIDE]
)
async def test_xml__what_cannot_be_read_without_doubt(client: Client, content: str) -> None:
    answer = await posted(client, content.encode(), XML)

    refused(answer, 400)
    assert "root:" not in answer.text
    await nothing_written(client)


async def test_content__that_breaks_the_rules_is_422_with_every_problem(client: Client) -> None:
    wrong = {"resourceType": "Patient", "gender": "nữ", "birthDate": "hôm qua", "nosuch": 1}

    answer = await client.post("/Patient", wrong)

    refused(answer, 422)
    paths = {path for issue in answer.json()["issue"] for path in issue.get("expression", ())}
    assert {"Patient.gender", "Patient.birthDate"} <= paths
    assert len(answer.json()["issue"]) == 3
    await nothing_written(client)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/fhir+json; charset=utf-16", ""]
)
async def test_content_type__others_are_415(client: Client, kind: str) -> None:
    refused(await posted(client, json.dump(patient()), kind), 415)


async def test_body__100_mb_is_413(client: Client) -> None:
    refused(await posted(client, b" " * (100 << 20)), 413)
    await nothing_written(client)


async def test_body__a_zip_bomb_is_413(client: Client) -> None:
    bomb = zlib.compress(b" " * (100 << 20), wbits=31)

    assert len(bomb) < 200_000
    refused(await posted(client, bomb, **{"Content-Encoding": "gzip"}), 413)
    refused(await posted(client, b"nonsense", **{"Content-Encoding": "gzip"}), 400)
    refused(await posted(client, b"nonsense", **{"Content-Encoding": "br"}), 415)
    await nothing_written(client)


async def test_body__a_client_killed_in_the_middle_writes_nothing(client: Client) -> None:
    whole = json.dump(patient())
    sent: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": whole[:20], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/fhir+json")]
    await client.application(
        {
            "type": "http",
            "method": "POST",
            "path": "/fhir/Patient",
            "query_string": b"",
            "headers": headers,
            "scheme": "http",
            "client": ("127.0.0.1", 1),
        },
        receive,
        send,
    )

    assert sent == []
    await nothing_written(client)


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/Nonsense", 404),
        ("GET", "/Nonsense/1", 404),
        ("GET", "/patient/1", 404),
        ("GET", "/nonsense", 404),
        ("GET", "/Patient/1/nonsense", 404),
        ("GET", "/Patient/1/_history/1/2/3", 404),
        ("GET", "/Patient//1", 404),
        ("GET", "/Patient/..%2F..%2Fetc", 404),
        ("GET", "/Patient/a%00b", 404),
        ("GET", "/Patient/a%20b", 404),
        ("GET", "/Patient/%ff", 404),
        ("GET", "/Patient/" + "a" * 65, 404),
        ("GET", "/Patient/1/_history/1;DROP", 404),
        ("GET", "/Patient/1/_history/99999999999999999999", 404),
        ("DELETE", "/", 405),
        ("PUT", "/Patient/1/_history/1", 405),
        ("DELETE", "/Patient/_search", 405),
        ("POST", "/Patient/1", 405),
        ("TRACE", "/Patient/1", 405),
        ("POST", "/metadata", 405),
        ("GET", "/$nonsense", 404),
        ("GET", "/Observation/$merge", 404),
        ("GET", "/Patient/1/$meta-add", 405),
    ],
)
async def test_address__wrong_ones_are_told_apart(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = await client.http.request(method, path)

    refused(answer, status)
    if status == 405:
        assert answer.headers["allow"]


async def test_address__odd_ids_cannot_be_written(client: Client) -> None:
    for id_ in ("a b", "a_b", "ngừi", "a" * 65):
        refused(await client.put(f"/Patient/{id_}", patient(id=id_)), 400)
    await nothing_written(client)


async def test_address__an_id_may_be_a_word_of_the_api(client: Client) -> None:
    for id_ in ("Patient", "metadata", "1"):
        assert (await client.put(f"/Patient/{id_}", patient(id=id_))).status_code == 201
        assert (await client.get(f"/Patient/{id_}")).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "nosuch=1",
        "birthdate=hôm-qua",
        "_lastUpdated=x",
        "name=a%00b",
        "name=%ff",
        "_count=x",
        "_count=-1",
        "_total=all",
        "_summary=all",
        "_sort=nosuch",
        "_include=Patient",
        "_include=Patient:nosuch",
        "_has:Observation:patient",
        "_filter=name eq",
        "_filter=" + "(" * 5000,
        "name:nosuch=x",
        "organization.nosuch=1",
        "link." * 200 + "name=x",
        "_cursor=nonsense",
        "&".join(f"name=a{n}" for n in range(1001)),
    ],
    ids=lambda query: query[:30],
)
async def test_search__what_cannot_be_asked_is_400(client: Client, query: str) -> None:
    refused(await client.get(f"/Patient?{query}"), 400)


async def test_search__enormous_count_is_cut_down(client: Client) -> None:
    answer = await client.get("/Patient?_count=" + "9" * 100)

    assert answer.status_code == 200


async def test_search__cyclic_includes_end(client: Client) -> None:
    one = await client.made({"resourceType": "Organization", "name": "A"})
    two = await client.made(
        {"resourceType": "Organization", "name": "B", "partOf": {"reference": f"Organization/{one['id']}"}}
    )
    await client.put(
        f"/Organization/{one['id']}", {**one, "partOf": {"reference": f"Organization/{two['id']}"}}
    )

    both = "_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof"
    answer = await client.get(f"/Organization?name=A&{both}")

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["entry"]) == 2


async def test_host__another_name_is_421(client: Client) -> None:
    for path in ("/Patient/1", "http://localhost/", "http://localhost/healthz"):
        answer = await client.get(path, Host="evil.example")
        assert answer.status_code == 421
    assert (await client.get("/metadata", Host='localhost"><script>')).status_code == 421


async def test_precondition__empty_if_match_is_428(client: Client) -> None:
    made = await client.made(patient())

    refused(await client.put(f"/Patient/{made['id']}", made, If_Match='""'), 428)


async def test_overload__one_too_many_is_told_to_come_back(client: Client) -> None:
    client.application.door.at_once.most = 0

    answer = await client.get("/Patient/1")

    refused(answer, 429)
    assert answer.headers["retry-after"]


async def test_unexpected__is_500_with_a_number_and_no_patient_data(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("Nguyễn Thị Ánh")

    monkeypatch.setattr("hsba.record.interactions.read", broken)

    answer = await client.get("/Patient/1")

    refused(answer, 500)
    assert answer.headers["x-request-id"] in answer.text
    assert "Ánh" not in answer.text
    assert "Ánh" not in "".join(str(record.__dict__.get("message", record.msg)) for record in caplog.records)


async def test_write__that_meets_another_is_tried_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncpg  # noqa: PLC0415 - only this test speaks of the driver

    from hsba.record import interactions  # noqa: PLC0415

    tries = 0
    create = interactions.create

    async def unlucky(*arguments: Any, **options: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise asyncpg.SerializationError("could not serialize access")
        return await create(*arguments, **options)

    monkeypatch.setattr(interactions, "create", unlucky)
    monkeypatch.setattr(middleware, "PAUSES", (0.0, 0.0, 0.0))

    assert (await client.post("/Patient", patient())).status_code == 201
    assert tries == 3
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 1

    tries = -10
    refused(await client.post("/Patient", patient()), 503)
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 1


async def test_statement__that_takes_too_long_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(ctx: Any, *_: object) -> None:
        await ctx.tx.execute("SET LOCAL statement_timeout = 0")
        await ctx.tx.fetchval("SET statement_timeout = '50ms'")
        try:
            await ctx.tx.fetchval("SELECT pg_sleep(5)")
        finally:
            await ctx.tx.execute("RESET statement_timeout")

    monkeypatch.setattr("hsba.record.interactions.read", slow)

    refused(await client.get("/Patient/1"), 403)


async def test_clients__many_at_once_with_few_connections_are_all_served(client: Client) -> None:
    made = await client.made(numbered("1"))

    answers = await asyncio.gather(
        *(client.get(f"/Patient/{made['id']}") for _ in range(50)),
        *(client.post("/Patient", patient()) for _ in range(30)),
    )

    assert {answer.status_code for answer in answers} == {200, 201}


async def test_refusal__quotes_what_xml_does_not_have_in_every_form(client: Client) -> None:
    for form in ("application/fhir+xml", "application/fhir+json"):
        answer = await client.get("/Patient?_sort=%01%EF%BF%BF", Accept=form)

        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith(form)
        assert "\ufffd" in answer.text


async def test_update__of_a_binary_without_id_is_no_error_of_ours(client: Client) -> None:
    answer = await client.http.put(
        "/Binary?contenttype=x", content=b"abc", headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code in (201, 400, 412)
