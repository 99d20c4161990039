"""The CapabilityStatement says what is there, and what it says is true (FHIR R4 http.html#capabilities)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from hsba.fhir.validate import validate

if TYPE_CHECKING:
    from acceptance.door import Client


async def test_metadata__states_all_types_parameters_and_operations(client: Client) -> None:
    stated = (await client.get("/metadata")).json()

    rest = stated["rest"][0]
    types = {one["type"]: one for one in rest["resource"]}
    patient = types["Patient"]
    assert set(types) == client.services.definitions.resource_types
    assert stated["fhirVersion"] == "4.0.1"
    assert stated["implementation"]["url"] == "http://localhost/fhir"
    assert "application/fhir+json" in stated["format"]
    assert "application/json-patch+json" in stated["patchFormat"]
    assert {one["code"] for one in patient["interaction"]} >= {
        "read",
        "vread",
        "create",
        "update",
        "patch",
        "delete",
    }
    assert {one["code"] for one in rest["interaction"]} == {
        "transaction",
        "batch",
        "search-system",
        "history-system",
    }
    assert {one["name"] for one in patient["searchParam"]} >= {"name", "birthdate", "_id", "_lastUpdated"}
    assert {one["name"] for one in patient["operation"]} >= {"everything", "validate", "merge"}
    assert "merge" not in {one["name"] for one in types["Observation"]["operation"]}
    assert "Observation:subject" in patient["searchRevInclude"]
    assert len(rest["compartment"]) == 5


async def test_metadata__is_a_valid_resource(client: Client) -> None:
    stated = (await client.get("/metadata")).json()

    issues = validate(stated, client.services.definitions, codes=client.services.codes)

    assert [issue for issue in issues if issue.blocks] == []


async def test_metadata__xml_etag_and_another_base(client: Client) -> None:
    first = await client.get("/metadata")
    again = await client.get("/metadata", If_None_Match=first.headers["etag"])
    xml = await client.get("/metadata?_format=xml")
    other = (await client.get("http://localhost/t/tram-thu/fhir/metadata")).json()

    assert again.status_code == 304
    assert ET.fromstring(xml.content).tag == "{http://hl7.org/fhir}CapabilityStatement"  # noqa: S314 - our own text
    assert other["implementation"]["url"] == "http://localhost/t/tram-thu/fhir"


async def test_metadata__is_made_once(client: Client) -> None:
    await client.get("/metadata")
    started = time.perf_counter()

    await client.get("/metadata")

    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize(
    "code", ["read", "vread", "update", "patch", "delete", "history-instance", "history-type"]
)
async def test_metadata__every_interaction_stated_has_a_route(client: Client, code: str) -> None:
    stated = (await client.get("/metadata")).json()

    for one in stated["rest"][0]["resource"]:
        if one["type"] not in client.services.stores:  # what is served from elsewhere states less
            assert code in {interaction["code"] for interaction in one["interaction"]}
    assert code in {route.interaction for route in client.application.door.table.routes}


async def test_health__alive_ready_and_figures(client: Client) -> None:
    await client.get("/Patient/nobody")

    alive = await client.get("http://localhost/healthz")
    ready = await client.get("http://localhost/readyz")
    figures = await client.get("http://localhost/metrics")

    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert ready.status_code == 200, ready.text
    assert ready.json() == {"database": "ok", "schema": "ok", "partitions": "ok"}
    assert (
        'hsba_http_request_seconds_count{interaction="read",status="404",type="Patient"} 1.0' in figures.text
    )
    for part in ("work", "search"):
        assert f"hsba_pool_{part}_waiting 0.0" in figures.text
        assert f"hsba_pool_{part}_open 1.0" in figures.text


async def test_health__not_ready_without_the_database(client: Client) -> None:
    await client.services.pool.close()

    ready = await client.get("http://localhost/readyz")
    read = await client.get("/Patient/1")

    assert ready.status_code == 503
    assert read.status_code == 503
    assert read.headers["retry-after"]
