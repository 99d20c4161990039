"""`$export` through the door, with the worker that does it: begin, poll, take the files, give up."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio

from acceptance.door import patient
from acceptance.jobs import finished, with_files, working
from hsba import worker
from hsba.fhir import json
from hsba.record import orders
from hsba.record.exports import work
from hsba.store import jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from acceptance.door import Client
    from databases import Database
    from hsba.app import App

Resource = dict[str, Any]


@pytest_asyncio.fixture
async def services(database: Database, folder: Path) -> AsyncIterator[App]:
    async with with_files(database, folder) as opened:
        yield opened


async def begin(client: Client, path: str, **headers: str) -> str:
    answer = await client.get(path, Prefer="respond-async", **headers)
    assert answer.status_code == 202, answer.text
    return answer.headers["content-location"]


async def lines(client: Client, manifest: Resource, part: str = "output") -> list[Resource]:
    """Every line of every file."""
    found = []
    for file in manifest[part]:
        answer = await client.get(file["url"], Accept="application/fhir+ndjson")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/fhir+ndjson"
        there = [json.parse(line) for line in answer.content.splitlines()]
        assert len(there) == file["count"]
        assert {one["resourceType"] for one in there} == {file["type"]}
        found += there
    return found


async def exported(client: Client, path: str) -> list[Resource]:
    async with working(client.services):
        return await lines(client, await finished(client, await begin(client, path)))


def names(found: list[Resource]) -> list[str]:
    return sorted(f"{one['resourceType']}/{one['id']}" for one in found)


def observation(id_: str, subject: str, **members: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{subject}"},
        **members,
    }


async def ward(client: Client) -> None:
    """Three patients with a measure each, a fourth without, a Group of two, and things that are of nobody."""
    for id_ in ("an", "binh", "chi", "dung"):
        assert (await client.put(f"/Patient/{id_}", patient(id=id_))).status_code == 201
    for id_ in ("an", "binh", "chi"):
        await client.put(f"/Observation/o-{id_}", observation(f"o-{id_}", id_))
    await client.put("/Organization/h", {"resourceType": "Organization", "id": "h", "name": "Khoa Nội"})
    free = {**observation("o-free", "x"), "subject": {"reference": "Location/l"}}
    await client.put("/Observation/o-free", free)
    member = [
        {"entity": {"reference": "Patient/an"}},
        {"entity": {"reference": "Patient/binh"}, "inactive": True},
        {"entity": {"reference": "Patient/chi"}},
    ]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member}
    assert (await client.put("/Group/g", group)).status_code == 201


async def test_export__whole_system_as_it_is_served(client: Client) -> None:
    await ward(client)
    async with working(client.services):
        address = await begin(client, "/$export?_outputFormat=ndjson")
        manifest = await finished(client, address)
        found = await lines(client, manifest)

    assert address.startswith("http://localhost/fhir/$export-status?job=")
    assert manifest["request"] == "http://localhost/fhir/$export?_outputFormat=ndjson"
    assert manifest["requiresAccessToken"] is True
    assert manifest["error"] == []
    assert "deleted" not in manifest
    assert len(found) == 10
    for one in found:
        assert (await client.get(f"/{one['resourceType']}/{one['id']}")).json() == one


async def test_export__patient_level_is_what_is_of_any_patient(client: Client) -> None:
    await ward(client)

    found = names(await exported(client, "/Patient/$export"))

    assert found == [
        "Group/g",
        *(f"Observation/o-{one}" for one in ("an", "binh", "chi")),
        *(f"Patient/{one}" for one in ("an", "binh", "chi", "dung")),
    ]


async def test_export__group_is_its_active_members_and_those_merged_into_them(client: Client) -> None:
    await ward(client)
    await client.put("/Patient/cu", patient(id="cu"))
    await client.put("/Observation/o-cu", observation("o-cu", "cu"))
    merged = await client.post("/Patient/$merge?source-patient=Patient/cu&target-patient=Patient/chi")
    assert merged.status_code == 200, merged.text

    found = names(await exported(client, "/Group/g/$export?_type=Patient,Observation"))

    assert found == [
        "Observation/o-an",
        "Observation/o-chi",
        "Observation/o-cu",
        "Patient/an",
        "Patient/chi",
        "Patient/cu",
    ]


async def test_export__type_and_filter_and_named_patients(client: Client) -> None:
    await ward(client)
    await client.put("/Observation/o-late", observation("o-late", "an", status="cancelled"))
    asked = "/Patient/$export?_type=Observation&_typeFilter=Observation%3Fstatus%3Dcancelled,final"

    filtered = names(await exported(client, f"{asked}&patient=Patient/an"))
    narrower = names(
        await exported(client, "/$export?_typeFilter=Observation%3Fstatus%3Dcancelled&_type=Observation")
    )

    assert filtered == ["Observation/o-an", "Observation/o-late"]
    assert narrower == ["Observation/o-late"]


async def test_export__asked_by_post_with_parameters(client: Client) -> None:
    await ward(client)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Patient"},
            {"name": "patient", "valueReference": {"reference": "Patient/an"}},
        ],
    }
    async with working(client.services):
        answer = await client.post("/Patient/$export", parameters, Prefer="respond-async")
        found = await lines(client, await finished(client, answer.headers["content-location"]))

    assert names(found) == ["Patient/an"]


async def test_export__since_the_last_one_says_what_changed_and_what_was_deleted(client: Client) -> None:
    await ward(client)
    async with working(client.services):
        first = await finished(client, await begin(client, "/$export"))
        await asyncio.sleep(1.2)  # transactionTime lies a second back, so that clocks may differ
        again = await finished(client, await begin(client, "/$export"))
        await client.put("/Patient/binh", patient(id="binh", gender="male"))
        await client.delete("/Observation/o-an")
        await client.delete("/Organization/h")
        since = httpx.QueryParams(_since=again["transactionTime"])
        manifest = await finished(client, await begin(client, f"/$export?{since}"))
        of_patients = await finished(client, await begin(client, f"/Patient/$export?{since}"))
        changed = await lines(client, manifest)
        gone = await lines(client, manifest, "deleted")
        gone_of_patients = await lines(client, of_patients, "deleted")

    def deleted(bundles: list[Resource]) -> set[str]:
        assert all(one["type"] == "transaction" for one in bundles)
        return {entry["request"]["url"] for one in bundles for entry in one["entry"]}

    assert first["transactionTime"] < again["transactionTime"]
    assert names(changed) == ["Patient/binh"]
    assert deleted(gone) == {"Observation/o-an", "Organization/h"}
    assert deleted(gone_of_patients) == {"Observation/o-an"}


async def test_export__file_is_compressed_where_the_client_takes_it(client: Client) -> None:
    await ward(client)
    async with working(client.services):
        manifest = await finished(client, await begin(client, "/$export?_type=Patient"))
    (file,) = manifest["output"]

    async with client.http.stream("GET", file["url"], headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])

    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(packed).splitlines()) == 4


async def test_export__given_up_it_is_not_there_and_leaves_no_file(client: Client, folder: Path) -> None:
    await ward(client)
    async with working(client.services):
        address = await begin(client, "/$export")
        manifest = await finished(client, address)
    assert list(folder.glob("files/exports/*/*.ndjson"))

    assert (await client.delete(address)).status_code == 202

    assert (await client.get(address)).status_code == 404
    assert (await client.get(manifest["output"][0]["url"])).status_code == 404
    assert (await client.delete(address)).status_code == 404
    assert not list(folder.glob("files/exports/*"))


async def test_export__given_up_before_it_began_is_never_done(client: Client, folder: Path) -> None:
    address = await begin(client, "/$export")
    await client.delete(address)
    async with working(client.services):
        await asyncio.sleep(0.2)

    assert (await client.get(address)).status_code == 404
    assert not list(folder.glob("files/exports/*"))


async def test_export__worker_that_died_in_the_middle_is_followed_by_another(
    client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH", 1)
    await ward(client)
    services = client.services
    address = await begin(client, "/$export")
    number = int(address.rpartition("=")[2])
    async with services.pool.bare() as tx:
        job = await jobs.take(tx, ["export"])
        assert job is not None
        dying = asyncio.create_task(work.run(services, job))
        written = 0
        while written < 3:
            written = await tx.fetchval(
                "SELECT coalesce((progress->>'resources')::integer, 0) FROM ops.job WHERE id = $1", number
            )
        dying.cancel()
        await asyncio.wait([dying])
        running = await client.get(address)
        await tx.execute("UPDATE ops.job SET taken = now() - interval '2 minutes' WHERE id = $1", number)
    for file in folder.glob("files/exports/*/*.ndjson"):
        file.write_bytes(file.read_bytes() + b"half a li")

    async with working(services):
        found = names(await lines(client, await finished(client, address)))

    assert running.status_code == 202
    assert "resources, type" in running.headers["x-progress"]
    assert len(found) == len(set(found)) == 10


async def test_export__given_up_while_it_runs_leaves_no_file(
    client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH", 1)
    await ward(client)
    address = await begin(client, "/$export")
    async with client.services.pool.bare() as tx:
        job = await jobs.take(tx, ["export"])
    assert job is not None
    running = asyncio.create_task(work.run(client.services, job))
    while not list(folder.glob("files/exports/*/*.ndjson")):
        await asyncio.sleep(0.01)

    assert (await client.delete(address)).status_code == 202
    assert await running == {}

    assert (await client.get(address)).status_code == 404
    assert not list(folder.glob("files/exports/*"))


async def test_export__files_have_their_time(client: Client, folder: Path) -> None:
    await ward(client)
    async with working(client.services):
        address = await begin(client, "/$export")
        await finished(client, address)
    expires = (await client.get(address)).headers["expires"]
    services = client.services
    async with services.pool.bare() as tx:
        await tx.execute("UPDATE ops.job SET due = now() WHERE kind = $1", orders.REMOVE)
        await worker.run_one(services, services.jobs)  # too early: it looks again later
        assert list(folder.glob("files/exports/*"))
        await tx.execute("UPDATE ops.job SET ended = ended - $1::interval, due = now()", orders.KEEP)
        await worker.run_one(services, services.jobs)

    assert expires.endswith("GMT")
    assert (await client.get(address)).status_code == 404
    assert not list(folder.glob("files/exports/*"))


@pytest.mark.parametrize(
    "path, status",
    [
        ("/$export?_outputFormat=text/csv", 400),
        ("/$export?_type=Nothing", 400),
        ("/Patient/$export?_type=Organization", 400),
        ("/$export?_since=yesterday", 400),
        ("/$export?_since=2026-01-01&_since=2026-01-02", 400),
        ("/$export?organizeOutputBy=Patient", 400),
        ("/$export?_typeFilter=Patient", 400),
        ("/$export?_typeFilter=Patient%3Fnothing%3D1", 400),
        ("/$export?_typeFilter=Patient%3F_sort%3Dname", 400),
        ("/$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal", 400),
        ("/$export?patient=Patient/an", 400),
        ("/Patient/$export?patient=Group/g", 400),
        ("/Group/none/$export", 404),
        ("/Group/$export", 404),
        ("/Observation/$export", 404),
        ("/$export-status?job=1", 404),
        ("/$export-status?job=abc", 404),
        ("/$export-status", 404),
        ("/$export-file?job=1&name=Patient-1.ndjson", 404),
    ],
)
async def test_export__what_cannot_be_asked_is_refused(client: Client, path: str, status: int) -> None:
    answer = await client.get(path, Prefer="respond-async")

    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_export__too_many_at_once_are_put_off(client: Client) -> None:
    for _ in range(orders.MOST):
        await begin(client, "/$export")

    answer = await client.get("/$export", Prefer="respond-async")
    elsewhere = await client.get("http://localhost/t/tram-thu/fhir/$export", Prefer="respond-async")

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert elsewhere.status_code == 202


async def test_export__files_are_nobody_else_s_on_the_machine(client: Client, folder: Path) -> None:
    await ward(client)
    async with working(client.services):
        await finished(client, await begin(client, "/$export"))

    (place,) = folder.glob("files/exports/*")
    assert place.stat().st_mode & 0o077 == 0


async def test_export__must_be_asked_to_answer_later(client: Client) -> None:
    answer = await client.get("/$export")

    assert answer.status_code == 400
    assert "respond-async" in answer.text


async def test_export__unknown_parameter_is_passed_over_when_asked_leniently(client: Client) -> None:
    answer = await client.get("/$export?organizeOutputBy=Patient", Prefer="respond-async, handling=lenient")

    assert answer.status_code == 202
    assert "organizeOutputBy" in answer.text


async def test_export__is_not_part_of_a_bundle(client: Client) -> None:
    entry = {"request": {"method": "GET", "url": "$export"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}

    answer = await client.post("", batch, Prefer="respond-async")

    assert answer.json()["entry"][0]["response"]["status"].startswith("400")


async def test_export_status__is_for_the_one_who_began_it_only(client: Client) -> None:
    await ward(client)
    async with working(client.services):
        address = await begin(client, "/$export")
        manifest = await finished(client, address)
    name = manifest["output"][0]["url"]
    job = int(address.rpartition("=")[2])

    other_keeper = [
        await client.get(one.replace("localhost/fhir", "localhost/t/tram-thu/fhir"))
        for one in (address, name)
    ]
    async with client.services.pool.bare() as tx:
        await tx.execute(
            "UPDATE ops.job SET detail = jsonb_set(detail, '{actor,account}', '\"other\"') WHERE id = $1", job
        )
    other_account = [await client.get(one) for one in (address, name)]
    removed = await client.delete(address)

    assert [one.status_code for one in (*other_keeper, *other_account, removed)] == [404] * 5


async def test_export_file__only_what_the_manifest_lists(client: Client) -> None:
    await ward(client)
    async with working(client.services):
        address = await begin(client, "/$export")
        await finished(client, address)
    job = address.rpartition("=")[2]

    for name in ("../../../etc/passwd", "Patient-2.ndjson", ""):
        assert (await client.get(f"/$export-file?job={job}&name={name}")).status_code == 404


async def test_export_status__says_why_it_came_to_nothing(client: Client) -> None:
    address = await begin(client, "/$export")
    services = client.services
    async with services.pool.bare() as tx:
        job = await jobs.take(tx, ["export"])
        assert job is not None
        await jobs.failed(tx, job, "the disk is full", final=True)

    answer = await client.get(address)

    assert answer.status_code == 500
    assert "the disk is full" in answer.text


async def test_capabilities__list_the_exports(client: Client) -> None:
    rest = (await client.get("/metadata")).json()["rest"][0]

    assert "export" in {one["name"] for one in rest["operation"]}
    of = {one["type"]: {found["name"] for found in one.get("operation", ())} for one in rest["resource"]}
    assert "export" in of["Patient"]
    assert "export" in of["Group"]
    assert "export" not in of["Observation"]
