"""Searches through the door: bundles, links, modes, strict and lenient (FHIR R4 http.html#search)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acceptance.door import MRN, numbered, patient
from hsba.fhir import json

if TYPE_CHECKING:
    from acceptance.door import Client


def links(bundle: dict[str, Any]) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


async def weighed(client: Client, who: dict[str, Any], kilograms: int) -> dict[str, Any]:
    return await client.made(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": f"Patient/{who['id']}"},
            "valueQuantity": {
                "value": kilograms,
                "unit": "kg",
                "system": "http://unitsofmeasure.org",
                "code": "kg",
            },
        }
    )


async def test_search__answers_a_bundle_of_the_stored_resources(client: Client) -> None:
    made = await client.made(numbered("17"))
    await client.made(numbered("18"))

    answer = await client.get(f"/Patient?identifier={MRN}|17")

    found = answer.json()
    assert answer.status_code == 200
    assert found["type"] == "searchset"
    assert links(found)["self"] == f"http://localhost/fhir/Patient?identifier={MRN}|17"
    assert found["entry"] == [
        {
            "fullUrl": f"http://localhost/fhir/Patient/{made['id']}",
            "resource": made,
            "search": {"mode": "match"},
        }
    ]


async def test_search__by_post_is_the_same_search(client: Client) -> None:
    await client.made(numbered("17"))
    await client.made(numbered("18"))

    answer = await client.http.post(
        "/Patient/_search?_count=5", data={"identifier": f"{MRN}|17", "_format": "json"}
    )
    plain = await client.http.post("/Patient/_search?_count=1")
    wrong = await client.post("/Patient/_search", patient())

    assert [entry["resource"]["identifier"][0]["value"] for entry in answer.json()["entry"]] == ["17"]
    assert links(answer.json())["self"].startswith("http://localhost/fhir/Patient?_count=5&identifier=")
    assert len(plain.json()["entry"]) == 1
    assert wrong.status_code == 415


async def test_search__pages_by_absolute_links_on_the_address_used(client: Client) -> None:
    for number in range(5):
        await client.made(numbered(str(number)))

    seen = []
    base = f"http://localhost/t/{client.services.tenants.get().slug}/fhir"
    address = f"{base}/Patient?_count=2&_sort=-_lastUpdated&_format=json"
    for _ in range(4):
        page = (await client.get(address)).json()
        seen += [entry["resource"]["identifier"][0]["value"] for entry in page.get("entry", ())]
        address = links(page).get("next", "")
        if not address:
            break
        assert address.startswith(f"{base}/Patient?")
        assert "_format=json" in address

    assert seen == ["4", "3", "2", "1", "0"]


async def test_search__unknown_parameters_are_refused_or_told(client: Client) -> None:
    await client.made(patient())

    strict = await client.get("/Patient?nosuch=1", Prefer="handling=strict")
    unsaid = await client.get("/Patient?nosuch=1")
    lenient = await client.get("/Patient?nosuch=1&gender=female", Prefer="handling=lenient")

    assert (strict.status_code, unsaid.status_code, lenient.status_code) == (400, 400, 200)
    found = lenient.json()
    assert [entry["search"]["mode"] for entry in found["entry"]] == ["match", "outcome"]
    assert found["entry"][1]["resource"]["resourceType"] == "OperationOutcome"
    assert "nosuch" in found["entry"][1]["resource"]["issue"][0]["details"]["text"]
    assert links(found)["self"] == "http://localhost/fhir/Patient?gender=female"


async def test_search__includes_are_marked(client: Client) -> None:
    who = await client.made(patient())
    await weighed(client, who, 60)

    found = (await client.get("/Observation?_include=Observation:subject&_elements=status")).json()

    assert {entry["resource"]["resourceType"]: entry["search"]["mode"] for entry in found["entry"]} == {
        "Observation": "match",
        "Patient": "include",
    }
    included = next(entry["resource"] for entry in found["entry"] if entry["search"]["mode"] == "include")
    assert included == who


async def test_search__of_the_system_and_of_a_compartment(client: Client) -> None:
    who, other = await client.made(patient()), await client.made(patient())
    theirs = await weighed(client, who, 60)
    await weighed(client, other, 70)

    system = (await client.get("/?_type=Patient,Observation")).json()
    one = (await client.get(f"/Patient/{who['id']}/Observation")).json()
    every = (await client.get(f"/Patient/{who['id']}/*")).json()
    posted = await client.http.post(f"/Patient/{who['id']}/Observation/_search", data={"status": "final"})
    none = await client.get(f"/Organization/{who['id']}/Observation")

    assert len(system["entry"]) == 4
    assert [entry["resource"]["id"] for entry in one["entry"]] == [theirs["id"]]
    assert {entry["resource"]["id"] for entry in every["entry"]} == {theirs["id"], who["id"]}
    assert len(posted.json()["entry"]) == 1
    assert none.status_code == 404


async def test_search__total_and_count(client: Client) -> None:
    for _ in range(3):
        await client.made(patient())

    accurate = (await client.get("/Patient?_total=accurate&_count=1")).json()
    count = (await client.get("/Patient?_summary=count")).json()
    zero = (await client.get("/Patient?_count=0&_total=accurate")).json()

    assert (accurate["total"], len(accurate["entry"])) == (3, 1)
    assert count["total"] == 3
    assert (zero["total"], "entry" in zero) == (3, False)


async def test_search__large_bundles_come_in_pieces(client: Client) -> None:
    note = "x" * 20_000
    for _ in range(30):
        await client.made(
            patient(
                text={
                    "status": "additional",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{note}</div>',
                }
            )
        )

    answer = await client.get("/Patient?_count=100")
    packed = await client.get("/Patient?_count=100", Accept_Encoding="gzip")

    assert "content-length" not in answer.headers
    assert len(json.parse(answer.content)["entry"]) == 30
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.json()["entry"]) == 30


async def test_links__follow_a_trusted_proxy_only(client: Client) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost:8443"}

    direct = (await client.http.get("/Patient", headers=forwarded)).json()
    client.application._proxies = frozenset({"127.0.0.1"})
    proxied = (await client.http.get("/Patient", headers=forwarded)).json()

    assert links(direct)["self"] == "http://localhost/fhir/Patient"
    assert links(proxied)["self"] == "https://localhost:8443/fhir/Patient"
