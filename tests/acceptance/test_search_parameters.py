"""A search parameter saved through REST works for the whole installation (decision 0007)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acceptance.door import Resource, patient
from hsba import worker
from hsba.fhir import fhirpath, json

if TYPE_CHECKING:
    from acceptance.door import Client

EXTENSION = "http://benhvien.example/blood"


def parameter(code: str = "marital", **members: Any) -> Resource:
    return {
        "resourceType": "SearchParameter",
        "id": f"sp-{code}",
        "url": f"http://benhvien.example/SearchParameter/{code}",
        "name": code.title().replace("-", ""),
        "status": "active",
        "description": "Thử",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        "expression": "Patient.maritalStatus",
        **members,
    }


def wed(status: str, **members: Any) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    return patient(maritalStatus={"coding": [{"system": system, "code": status}]}, **members)


async def put(client: Client, resource: Resource, status: int = 201) -> Resource:
    answer = await client.put(f"/{resource['resourceType']}/{resource['id']}", resource)
    assert answer.status_code == status, answer.text
    found: Resource = answer.json()
    return found


async def found(client: Client, query: str) -> list[str]:
    answer = await client.get(f"/{query}", Prefer="handling=strict")
    assert answer.status_code == 200, answer.text
    return sorted(entry["resource"]["id"] for entry in answer.json().get("entry", []))


async def work(client: Client) -> None:
    """What the worker does when it is there."""
    while await worker.run_one(client.services, client.services.jobs):
        pass
    async with client.services.pool.bare() as tx:
        assert await tx.fetch("SELECT problem FROM ops.job WHERE state <> 'done'") == []
        await client.services.renew(tx)


async def test_parameter__over_stored_resources_waits_and_then_finds_what_fhirpath_finds(
    client: Client,
) -> None:
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": wed("MSD"[number % 3], id=f"p{number}")
                if number % 4
                else patient(id=f"p{number}"),
                "request": {"method": "PUT", "url": f"Patient/p{number}"},
            }
            for number in range(300)
        ],
    }
    assert (await client.post("", bundle)).status_code == 200

    await put(client, parameter())
    refused = await client.get("/Patient?marital=M")
    await work(client)
    matches = await found(client, "Patient?marital=M&_count=1000")

    assert refused.status_code == 400
    assert "StillIndexing" in refused.text or "incomplete" in refused.text
    assert refused.headers["retry-after"] == "60"
    expression = fhirpath.compile("Patient.maritalStatus.coding.where(code = 'M').exists()")
    oracle = [
        entry["resource"]["id"]
        for entry in bundle["entry"]
        if expression.test(entry["resource"], definitions=client.services.definitions)
    ]
    assert matches == sorted(oracle)
    assert len(matches) > 50


async def test_parameter__of_an_extension_with_a_further_filter(client: Client) -> None:
    await put(client, {**blood("a", "AB"), "id": "a"})
    await put(client, {**blood("b", "O"), "id": "b"})
    where = f"Patient.extension.where(url='{EXTENSION}').value"

    await put(client, parameter("blood", expression=where))
    await put(client, {**blood("c", "AB"), "id": "c"})
    await work(client)

    assert await found(client, "Patient?blood=AB") == ["a", "c"]
    assert await found(client, "Patient?blood:not=AB") == ["b"]


def blood(id_: str, group: str) -> Resource:
    return patient(id=id_, extension=[{"url": EXTENSION, "valueCode": group}])


@pytest.mark.parametrize("status", ["draft", "retired", "unknown"])
async def test_parameter__that_is_not_active_does_nothing(client: Client, status: str) -> None:
    await put(client, parameter(status=status, expression="Patient.nothing"))

    answer = await client.get("/Patient?marital=M", Prefer="handling=strict")

    assert answer.status_code == 400
    assert client.services.definitions.generation == 0


REFUSED: dict[str, tuple[Resource, int, str]] = {
    "code of FHIR": (parameter("gender"), 409, "individual-gender"),
    "code with a colon": (parameter(code="a:b", id="x"), 422, "SearchParameter.code"),
    "control": (parameter(code="_since", id="x"), 422, "SearchParameter.code"),
    "unknown base": (parameter(base=["Patients"]), 422, "Patients"),
    "special": (parameter(type="special"), 422, "special"),
    "no expression": (parameter(expression=None), 422, "expression"),
    "no such element": (parameter(expression="Patient.maritalState"), 422, "maritalState"),
    "not FHIRPath": (parameter(expression="Patient.maritalStatus."), 422, "maritalStatus"),
    "no plain path": (
        parameter(expression="Patient.name.select(given.first() + family)", type="string"), 422, "select",
    ),
    "of another type": (parameter(expression="Observation.code"), 422, "Observation"),
    "no value of that kind": (parameter(type="quantity"), 422, "CodeableConcept"),
    "unknown part": (
        parameter(
            type="composite", expression="Patient",
            component=[{"definition": "http://x/a", "expression": "gender"},
                       {"definition": "http://x/b", "expression": "gender"}],
        ), 422, "http://x/a",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_parameter__that_cannot_work_is_refused_with_the_reason_in_both_languages(
    client: Client, case: str
) -> None:
    resource, status, word = REFUSED[case]
    resource = {name: value for name, value in resource.items() if value is not None}

    answer = await client.put(f"/SearchParameter/{resource['id']}", resource)
    english = await client.put(f"/SearchParameter/{resource['id']}", resource, **{"Accept-Language": "en"})

    assert answer.status_code == english.status_code == status, answer.text
    assert word in answer.text
    assert word in english.text
    assert answer.json()["issue"][0]["details"]["text"] != english.json()["issue"][0]["details"]["text"]
    assert (await client.get(f"/SearchParameter/{resource['id']}")).status_code == 404
    assert client.services.definitions.generation == 0


async def test_parameter__code_of_another_added_one_is_refused_naming_it(client: Client) -> None:
    await put(client, parameter())

    answer = await client.put(
        "/SearchParameter/other", parameter(id="other", url="http://other.example/marital")
    )

    assert answer.status_code == 409
    assert "http://benhvien.example/SearchParameter/marital" in answer.text


async def test_parameter__two_of_one_code_in_a_transaction_leave_neither(client: Client) -> None:
    two = [parameter(), parameter(id="other", url="http://other.example/marital")]
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"SearchParameter/{one['id']}"}} for one in two
    ]

    answer = await client.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    assert answer.status_code == 409
    assert await found(client, "SearchParameter") == []
    assert client.services.definitions.generation == 0


async def test_parameter__in_a_transaction_with_what_it_finds(client: Client) -> None:
    entries: list[Any] = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in (
            wed("M", id="a"), parameter(), parameter("deceased-at", type="date", expression="Patient.deceased"),
        )
    ]  # fmt: skip
    # What holds a conditional reference is saved last, in a statement of its own, after the parameter took effect.
    entries.append(
        {
            "resource": wed("M", id="b", link=[{"other": {"reference": "Patient?_id=a"}, "type": "seealso"}]),
            "request": {"method": "PUT", "url": "Patient/b"},
        }
    )

    answer = await client.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    await work(client)

    assert answer.status_code == 200, answer.text
    assert await found(client, "Patient?marital=M") == ["a", "b"]


async def test_parameter__works_for_every_keeper_whoever_brought_it(client: Client) -> None:
    await put(client, wed("M", id="here"))
    there = "http://localhost/t/tram-thu/fhir"
    for resource in (wed("M", id="there"), parameter()):
        answer = await client.put(f"{there}/{resource['resourceType']}/{resource['id']}", resource)
        assert answer.status_code == 201, answer.text

    await work(client)

    assert await found(client, "Patient?marital=M") == ["here"]
    answer = await client.get(f"{there}/Patient?marital=M", Prefer="handling=strict")
    assert [entry["resource"]["id"] for entry in answer.json()["entry"]] == ["there"]


async def test_parameter__two_keepers_may_bring_the_same_but_not_two_meanings(client: Client) -> None:
    there = "http://localhost/t/tram-thu/fhir/SearchParameter/sp-marital"
    await put(client, parameter())

    other = await client.put(there, parameter(expression="Patient.contact.relationship"))
    same = await client.put(there, parameter(description="Lời khác"))
    deleted = await client.delete("/SearchParameter/sp-marital")
    await work(client)

    assert other.status_code == 409
    assert same.status_code == 201, same.text
    assert deleted.status_code in (200, 204)
    assert await found(client, "Patient?marital=M") == []  # the other keeper still wants it


async def test_parameter__changed_expression_waits_again_and_leaves_no_old_rows(client: Client) -> None:
    kin = {"relationship": [{"coding": [{"code": "N"}]}]}
    await put(client, wed("M", id="a", contact=[{**kin, "name": {"text": "Lê Văn Ba"}}]))
    await put(client, parameter())
    await work(client)

    await put(client, parameter(expression="Patient.contact.relationship"), 200)
    refused = await client.get("/Patient?marital=N")
    await work(client)

    assert refused.status_code == 400
    assert await found(client, "Patient?marital=N") == ["a"]
    assert await found(client, "Patient?marital=M") == []
    assert await rows_at(client, "Patient.maritalStatus") == 0


async def test_parameter__deleted_is_unknown_and_when_it_comes_back_nothing_is_lost(client: Client) -> None:
    await put(client, wed("M", id="a"))
    await put(client, parameter())
    await work(client)

    await client.delete("/SearchParameter/sp-marital")
    unknown = await client.get("/Patient?marital=M", Prefer="handling=strict")
    await put(client, wed("M", id="b"))  # written while nobody looks there
    await put(client, wed("S", id="a"), 200)
    await work(client)
    left = await rows_at(client, "Patient.maritalStatus")
    await put(client, parameter())
    refused = await client.get("/Patient?marital=M")
    await work(client)

    assert unknown.status_code == 400
    assert left == 0
    assert refused.status_code == 400
    assert await found(client, "Patient?marital=M") == ["b"]


async def rows_at(client: Client, expression: str) -> int:
    async with client.services.pool.reading(client.services.tenants.get().id) as tx:
        number: int = await tx.fetchval(
            "SELECT count(*) FROM record.ix_token x JOIN reference.path p ON p.id = x.path WHERE p.expression = $1",
            expression,
        )
    return number


async def test_parameter__over_a_path_that_is_indexed_already_works_at_once(client: Client) -> None:
    await put(client, patient(id="a"))

    await put(client, parameter("sex", expression="Patient.gender"))

    assert await found(client, "Patient?sex=female") == ["a"]


async def test_parameter__other_words_change_nothing(client: Client) -> None:
    await put(client, parameter())
    before = client.services.definitions.generation

    await put(client, parameter(description="Lời khác"), 200)

    assert client.services.definitions.generation == before


async def test_parameter__that_a_package_defines_is_kept_and_changes_nothing(client: Client) -> None:
    gender = client.services.definitions.read("http://hl7.org/fhir/SearchParameter/individual-gender")
    assert gender is not None
    plain = json.parse(json.dump({**gender, "id": "gender", "status": "active"}))

    await put(client, plain)

    assert client.services.definitions.generation == 0


async def test_metadata__states_a_parameter_once_it_can_be_asked(client: Client) -> None:
    await put(client, wed("M", id="a"))
    await put(client, parameter())

    waiting = await stated(client)
    await work(client)

    assert "marital" not in waiting
    assert (await stated(client))["marital"] == "http://benhvien.example/SearchParameter/marital"


async def stated(client: Client) -> dict[str, str]:
    rest = (await client.get("/metadata")).json()["rest"][0]
    of_patient = next(one for one in rest["resource"] if one["type"] == "Patient")
    return {one["name"]: one["definition"] for one in of_patient["searchParam"]}


async def test_reindex_status__tells_what_waits(client: Client) -> None:
    await put(client, wed("M", id="a"))
    await put(client, parameter())

    before = (await client.get("/SearchParameter/$hsba-reindex")).json()["parameter"]
    await work(client)
    after = (await client.get("/SearchParameter/$hsba-reindex")).json()["parameter"]

    assert {"name": "running", "valueBoolean": True} in before
    waits = next(one for one in before if one["name"] == "waiting")
    assert {"name": "code", "valueCode": "marital"} in waits["part"]
    assert after == [{"name": "generation", "valueInteger": 1}, {"name": "running", "valueBoolean": False}]


async def test_parameter__on_all_types_by_a_common_base(client: Client) -> None:
    await put(client, patient(id="a", meta={"source": "urn:x:his"}))
    await put(
        client, {"resourceType": "Organization", "id": "o", "name": "A", "meta": {"source": "urn:x:his"}}
    )

    await put(client, parameter("from", base=["Resource"], type="uri", expression="Resource.meta.source"))
    await work(client)

    assert await found(client, "Patient?from=urn:x:his") == ["a"]
    assert await found(client, "Organization?from=urn:x:his") == ["o"]
