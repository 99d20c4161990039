"""The form of answers: JSON and XML, parts, pretty, compressed, across origins (FHIR R4 http.html#mime-type)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import zstandard

from acceptance.door import patient
from hsba.fhir import json

if TYPE_CHECKING:
    from acceptance.door import Client


XML = "application/fhir+xml"
NS = "{http://hl7.org/fhir}"


async def test_xml__both_ways_without_loss(client: Client) -> None:
    sent = await client.http.post(
        "/Patient",
        content='<Patient xmlns="http://hl7.org/fhir"><name><family value="Nguyễn"/></name></Patient>'.encode(),
        headers={"Content-Type": XML, "Accept": XML},
    )
    as_json = await client.get(sent.headers["location"])

    assert sent.status_code == 201, sent.text
    assert sent.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    assert ET.fromstring(sent.content).find(f"{NS}name/{NS}family").get("value") == "Nguyễn"  # type: ignore[union-attr] # noqa: S314 - our own text
    assert as_json.json()["name"] == [{"family": "Nguyễn"}]


async def test_format__in_the_address_wins(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.get(f"/Patient/{made['id']}?_format=xml", Accept="application/fhir+json")

    assert answer.headers["content-type"].startswith(XML)


async def test_format__searches_and_outcomes_in_xml(client: Client) -> None:
    await client.made(patient())

    found = await client.get("/Patient", Accept=XML)
    missing = await client.get("/Patient/nobody", Accept=XML)

    assert ET.fromstring(found.content).tag == f"{NS}Bundle"  # noqa: S314
    assert missing.status_code == 404
    assert ET.fromstring(missing.content).tag == f"{NS}OperationOutcome"  # noqa: S314


@pytest.mark.parametrize(
    "accept",
    ["text/turtle", "application/fhir+json; fhirVersion=3.0", "application/fhir+json; charset=latin1"],
)
async def test_accept__what_cannot_be_given_is_406(client: Client, accept: str) -> None:
    made = await client.made(patient())

    answer = await client.get(f"/Patient/{made['id']}", Accept=accept)

    assert answer.status_code == 406
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_accept__a_browser_gets_indented_json(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.get(f"/Patient/{made['id']}", Accept="text/html,application/xhtml+xml,*/*;q=0.8")

    assert answer.text.startswith('{\n  "resourceType"')
    assert answer.json() == made


async def test_pretty__is_the_same_resource(client: Client) -> None:
    made = await client.made(patient())

    answer = await client.get(f"/Patient/{made['id']}?_pretty=true")
    found = await client.get("/Patient?_pretty=true")

    assert "\n" in answer.text
    assert answer.json() == made
    assert "\n" in found.text
    assert found.json()["entry"][0]["resource"] == made


async def test_summary__of_a_read_and_of_a_search(client: Client) -> None:
    made = await client.made(
        patient(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">An</div>'})
    )

    data = (await client.get(f"/Patient/{made['id']}?_summary=data")).json()
    text = (await client.get("/Patient?_summary=text")).json()["entry"][0]["resource"]
    count = (await client.get("/Patient?_summary=count")).json()
    true = (await client.get("/Patient?_summary=true")).json()["entry"][0]["resource"]

    assert "text" not in data
    assert set(text) == {"resourceType", "id", "meta", "text"}
    assert text["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert count["total"] == 1
    assert "entry" not in count
    assert "name" in true
    assert "text" not in true


async def test_elements__of_a_search(client: Client) -> None:
    await client.made(patient())

    found = (await client.get("/Patient?_elements=birthDate")).json()["entry"][0]["resource"]

    assert set(found) == {"resourceType", "id", "meta", "active", "birthDate"}


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_compression__both_ways(client: Client, coding: str) -> None:
    resource = json.dump(patient(name=[{"text": f"Nguyễn Văn {n}"} for n in range(200)]))
    packed = zlib.compress(resource, wbits=31) if coding == "gzip" else zstandard.compress(resource)

    headers = {"Content-Type": "application/fhir+json", "Content-Encoding": coding, "Accept-Encoding": coding}
    async with client.http.stream("POST", "/Patient", content=packed, headers=headers) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])

    assert answer.status_code == 201
    assert answer.headers["content-encoding"] == coding
    assert int(answer.headers["content-length"]) == len(raw)
    plain = (
        zlib.decompress(raw, wbits=31)
        if coding == "gzip"
        else zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    )
    assert len(json.parse(plain)["name"]) == 200


async def test_compression__small_answers_are_sent_as_they_are(client: Client) -> None:
    answer = await client.get("/Patient/nobody", Accept_Encoding="gzip")

    assert "content-encoding" not in answer.headers


async def test_options__says_what_an_address_answers_to(client: Client) -> None:
    of_type = await client.http.options("/Patient")
    of_instance = await client.http.options("/Patient/1")

    assert of_type.status_code == 204
    assert of_type.headers["allow"] == "POST, GET, PUT, PATCH, DELETE, HEAD, OPTIONS"
    assert set(of_instance.headers["allow"].split(", ")) == {
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
    }


async def test_cors__only_for_the_origins_allowed(client: Client) -> None:
    ask = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match"}

    friend = await client.http.options("/Patient/1", headers={"Origin": "https://app.example.vn", **ask})
    stranger = await client.http.options("/Patient/1", headers={"Origin": "https://evil.example", **ask})
    call = await client.get("/Patient/nobody", Origin="https://app.example.vn")

    assert friend.headers["access-control-allow-origin"] == "https://app.example.vn"
    assert "PUT" in friend.headers["access-control-allow-methods"]
    assert "if-match" in friend.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in friend.headers
    assert "access-control-allow-origin" not in stranger.headers
    assert "etag" in call.headers["access-control-expose-headers"]


async def test_language__of_outcomes_follows_the_client(client: Client) -> None:
    vietnamese = (await client.get("/Patient/nobody")).json()
    english = (await client.get("/Patient/nobody", Accept_Language="en-GB,en;q=0.9")).json()

    assert vietnamese["issue"][0]["details"]["text"].startswith("Không có bản ghi này.")
    assert english["issue"][0]["details"]["text"].startswith("There is no such resource here.")


async def test_traceparent__is_handed_back(client: Client) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    assert (await client.get("/Patient/nobody", traceparent=trace)).headers["traceparent"] == trace
    assert "traceparent" not in (await client.get("/Patient/nobody", traceparent="x")).headers
