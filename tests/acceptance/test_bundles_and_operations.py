"""Batches, transactions and operations through the door (FHIR R4 http.html#transaction, operations.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acceptance.door import MRN, numbered, patient

if TYPE_CHECKING:
    from acceptance.door import Client


def bundle(kind: str, *entries: tuple[str, str, dict[str, Any] | None]) -> dict[str, Any]:
    found = []
    for method, url, resource in entries:
        entry: dict[str, Any] = {"request": {"method": method, "url": url}}
        if resource is not None:
            entry["resource"] = resource
        found.append(entry)
    return {"resourceType": "Bundle", "type": kind, "entry": found}


def statuses(answer: dict[str, Any]) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer["entry"]]


async def test_transaction__all_kinds_of_entries(client: Client) -> None:
    made = await client.made(numbered("1"))

    answer = await client.post(
        "/",
        bundle(
            "transaction",
            ("POST", "Patient", numbered("2")),
            ("PUT", f"Patient/{made['id']}", {**made, "gender": "male"}),
            ("GET", f"Patient?identifier={MRN}|2", None),
            ("GET", f"Patient/{made['id']}", None),
            ("GET", f"Patient/{made['id']}/_history", None),
            ("POST", "Patient/$validate", patient()),
            ("GET", "metadata", None),
        ),
    )

    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert found["type"] == "transaction-response"
    assert statuses(found) == ["201", "200", "200", "200", "200", "200", "200"]
    assert found["entry"][0]["response"]["location"].startswith("http://localhost/fhir/Patient/")
    assert "resource" not in found["entry"][0]
    assert found["entry"][2]["resource"]["entry"][0]["resource"]["identifier"][0]["value"] == "2"
    assert found["entry"][3]["resource"]["gender"] == "male"
    assert found["entry"][4]["resource"]["total"] == 2
    assert found["entry"][5]["resource"]["resourceType"] == "OperationOutcome"
    assert found["entry"][6]["resource"]["resourceType"] == "CapabilityStatement"


async def test_transaction__representation_where_it_is_preferred(client: Client) -> None:
    answer = await client.post(
        "/", bundle("transaction", ("POST", "Patient", patient())), Prefer="return=representation"
    )

    entry = answer.json()["entry"][0]
    assert entry["resource"]["gender"] == "female"
    assert entry["fullUrl"] == f"http://localhost/fhir/Patient/{entry['resource']['id']}"


async def test_transaction__one_fault_and_nothing_is_written(client: Client) -> None:
    answer = await client.post(
        "/",
        bundle(
            "transaction", ("POST", "Patient", patient()), ("POST", "Patient", {**patient(), "gender": "nữ"})
        ),
    )

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 0


async def test_batch__each_entry_for_itself(client: Client) -> None:
    answer = await client.post(
        "/",
        bundle(
            "batch",
            ("POST", "Patient", patient()),
            ("POST", "Patient", {**patient(), "gender": "nữ"}),
            ("GET", "Patient/nobody", None),
            ("GET", "Patient?_summary=count", None),
            ("GET", "Patient/$nosuch", None),
            ("POST", "Nonsense", patient()),
        ),
    )

    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert statuses(found) == ["201", "422", "404", "200", "404", "404"]
    assert found["entry"][1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert found["entry"][3]["resource"]["total"] == 1


async def test_bundle__other_kinds_are_refused(client: Client) -> None:
    for kind in ("collection", "history", "document"):
        assert (await client.post("/", bundle(kind))).status_code == 400
    assert (await client.post("/", patient())).status_code == 400
    inner = bundle("batch", ("POST", "/", bundle("batch")))
    assert statuses((await client.post("/", inner)).json()) == ["404"]


async def test_transaction__in_xml(client: Client) -> None:
    sent = (
        '<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Patient>'
        '<gender value="male"/></Patient></resource><request><method value="POST"/><url value="Patient"/>'
        "</request></entry></Bundle>"
    )

    answer = await client.http.post(
        "/", content=sent, headers={"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    )

    assert answer.status_code == 200, answer.text
    assert '<status value="201 Created"/>' in answer.text


async def test_validate__says_everything_and_saves_nothing(client: Client) -> None:
    good = await client.post("/Patient/$validate", patient())
    bad = await client.post("/Patient/$validate", {"resourceType": "Patient", "gender": "nữ"})
    wrapped = await client.post(
        "/Patient/$validate",
        {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient()}]},
    )

    assert {answer.status_code for answer in (good, bad, wrapped)} == {200}
    assert "error" not in {issue["severity"] for issue in good.json()["issue"]}
    assert "error" in {issue["severity"] for issue in bad.json()["issue"]}
    assert (await client.get("/Patient?_summary=count")).json()["total"] == 0


async def test_meta__at_three_levels_and_changed(client: Client) -> None:
    tag = {"system": "urn:x", "code": "a"}
    made = await client.made(patient())
    path = f"/Patient/{made['id']}"
    given = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag]}}]}

    added = await client.post(f"{path}/$meta-add", given)
    read = (await client.get(f"{path}/$meta")).json()
    of_version = (await client.get(f"{path}/_history/1/$meta")).json()
    of_type = (await client.get("/Patient/$meta")).json()
    taken = await client.post(f"{path}/$meta-delete", given)

    assert added.status_code == 200, added.text
    assert read["parameter"][0]["valueMeta"]["tag"] == [tag]
    assert "tag" not in of_version["parameter"][0]["valueMeta"]
    assert of_type["parameter"][0]["valueMeta"]["tag"] == [tag]
    assert "tag" not in taken.json()["parameter"][0]["valueMeta"]


async def test_everything__of_a_patient(client: Client) -> None:
    who = await client.made(patient())
    await client.made(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{who['id']}"},
        }
    )

    answer = await client.get(f"/Patient/{who['id']}/$everything")

    assert answer.status_code == 200, answer.text
    assert {entry["resource"]["resourceType"] for entry in answer.json()["entry"]} == {
        "Patient",
        "Observation",
    }
