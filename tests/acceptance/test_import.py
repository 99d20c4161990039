"""`$import` through the door: lines are sent, the worker loads them, the refused ones are told with their numbers."""

from __future__ import annotations

import gzip
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import zstandard

from acceptance.door import patient
from acceptance.jobs import finished, with_files, working
from hsba import worker
from hsba.fhir import json
from hsba.ops import importing
from hsba.store import jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from acceptance.door import Client
    from databases import Database
    from hsba.app import App

Resource = dict[str, Any]
NDJSON = {"Content-Type": "application/fhir+ndjson", "Prefer": "respond-async"}


@pytest_asyncio.fixture
async def services(database: Database, folder: Path) -> AsyncIterator[App]:
    async with with_files(database, folder) as opened:
        yield opened


async def send(client: Client, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.http.post("/$import", content=content, headers={**NDJSON, **named})


def people(count: int) -> bytes:
    return b"".join(json.dump(patient(id=f"p{number}")) + b"\n" for number in range(count))


async def figures(client: Client, content: bytes, **headers: str) -> tuple[Resource, Resource]:
    """What became of some lines, and the whole manifest."""
    answer = await send(client, content, **headers)
    assert answer.status_code == 202, answer.text
    async with working(client.services):
        manifest = await finished(client, answer.headers["content-location"])
    return manifest["extension"]["urn:hsba:import"], manifest


async def test_import__lines_become_resources_and_the_bad_ones_are_told(client: Client, folder: Path) -> None:
    broken = [
        b"{not json",
        json.dump({"resourceType": "Nothing", "id": "x"}),
        json.dump({"resourceType": "Patient"}),
        json.dump({"resourceType": "Patient", "id": "y", "gender": "nobody"}),
    ]
    content = people(3) + b"\n" + b"\n".join(broken) + b"\n" + json.dump(patient(id="last"))

    found, manifest = await figures(client, content)

    assert found == {"created": 4, "updated": 0, "unchanged": 0, "refused": 4}
    (file,) = manifest["error"]
    assert file["count"] == 4
    refused = await client.get(file["url"], Accept="application/fhir+ndjson")
    outcomes = [json.parse(line) for line in refused.content.splitlines()]
    assert [one["resourceType"] for one in outcomes] == ["OperationOutcome"] * 4
    assert [one["issue"][0]["diagnostics"] for one in outcomes] == ["line=5", "line=6", "line=7", "line=8"]
    assert "Dòng 5" in outcomes[0]["issue"][0]["details"]["text"]
    assert (await client.get("/Patient/last")).status_code == 200
    assert [file.name for file in folder.glob("files/imports/*/*")] == ["refused.ndjson"]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_import__compressed_as_the_door_takes_it(client: Client, coding: str) -> None:
    content = people(30)
    packed = gzip.compress(content) if coding == "gzip" else zstandard.compress(content)

    found, _ = await figures(client, packed, Content_Encoding=coding)

    assert found["created"] == 30


async def test_import__again_changes_nothing(client: Client) -> None:
    await figures(client, people(5))

    found, manifest = await figures(client, people(5))

    assert found == {"created": 0, "updated": 0, "unchanged": 5, "refused": 0}
    assert manifest["error"] == []
    assert (await client.get("/Patient/p0")).json()["meta"]["versionId"] == "1"


async def test_import__goes_on_where_it_was_cut_off(client: Client, folder: Path) -> None:
    """What a dead worker left: a job whose first lines are done, and a refusal written that nobody noted."""
    content = people(3) + b"{broken\n" + people(5)[len(people(3)) :]
    address = (await send(client, content)).headers["content-location"]
    services = client.services
    number = int(address.rpartition("=")[2])
    (refused,) = [file.parent / "refused.ndjson" for file in folder.glob("files/imports/*/lines.ndjson")]
    refused.write_bytes(b"noted\nnot noted")
    kept = {"line": 2, "created": 2, "size": 6}
    async with services.pool.bare() as tx:
        await jobs.take(tx, ["import"])
        await jobs.progress(tx, number, kept)
        await tx.execute("UPDATE ops.job SET taken = now() - interval '2 minutes' WHERE id = $1", number)

    async with working(services):
        manifest = await finished(client, address)

    assert manifest["extension"]["urn:hsba:import"] == {
        "created": 5,
        "updated": 0,
        "unchanged": 0,
        "refused": 1,
    }
    assert (await client.get("/Patient/p0")).status_code == 404  # it was done, says the job
    first, second = refused.read_bytes().splitlines()
    assert first == b"noted"
    assert json.parse(second)["issue"][0]["diagnostics"] == "line=4"


async def test_import__is_resumed_though_it_ended_unnoticed(client: Client, folder: Path) -> None:
    """Killed between the last line and the note in the queue: the second run finds nothing left to do."""
    address = (await send(client, people(2))).headers["content-location"]
    services = client.services
    number = int(address.rpartition("=")[2])
    async with services.pool.bare() as tx:
        job = await jobs.take(tx, ["import"])
        assert job is not None
        await importing.run(services, job)
        assert not list(folder.glob("files/imports/*/lines.ndjson"))
        await tx.execute("UPDATE ops.job SET taken = now() - interval '2 minutes' WHERE id = $1", number)

    async with working(services):
        manifest = await finished(client, address)

    assert manifest["extension"]["urn:hsba:import"]["created"] == 2


async def test_import__figures_are_told_while_it_runs(client: Client) -> None:
    address = (await send(client, people(1))).headers["content-location"]
    waiting = await client.get(address)
    async with client.services.pool.bare() as tx:
        job = await jobs.take(tx, ["import"])
        assert job is not None
        await jobs.progress(tx, job.id, {"line": 1200, "created": 1100, "refused": 100})

    running = await client.get(address)

    assert (waiting.status_code, waiting.headers["x-progress"]) == (202, "waiting")
    assert running.status_code == 202
    assert running.headers["x-progress"] == "1200 lines, 1100 new, 0 changed, 0 as they were, 100 refused"


async def test_import__what_never_became_a_job_is_swept_away(client: Client, folder: Path) -> None:
    for name, age in (("old", 3), ("new", 0)):
        there = folder / "files" / "imports" / name
        there.mkdir(parents=True)
        when = time.time() - age * 24 * 3600
        os.utime(there, (when, when))

    await figures(client, people(1))

    assert not (folder / "files" / "imports" / "old").exists()
    assert (folder / "files" / "imports" / "new").exists()


async def test_import__given_up_it_leaves_no_file(client: Client, folder: Path) -> None:
    address = (await send(client, people(2))).headers["content-location"]

    assert (await client.delete(address)).status_code == 202
    assert (await client.get(address)).status_code == 404
    assert not list(folder.glob("files/imports/*"))
    assert not await worker.run_one(client.services, client.services.jobs)


async def test_import__is_for_the_one_who_began_it_only(client: Client) -> None:
    address = (await send(client, people(1))).headers["content-location"]

    answer = await client.get(address.replace("localhost/fhir", "localhost/t/tram-thu/fhir"))

    assert answer.status_code == 404


async def test_import__addresses_are_not_fetched(client: Client, folder: Path) -> None:
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            {"name": "input", "part": [{"name": "url", "valueUrl": "http://169.254.169.254/latest"}]},
        ],
    }

    answer = await client.post("/$import", parameters, Prefer="respond-async")

    assert answer.status_code == 400
    assert "địa chỉ" in answer.json()["issue"][0]["details"]["text"]
    assert not list(folder.glob("files/imports/*"))


async def test_import__what_is_refused_leaves_no_file(client: Client, folder: Path) -> None:
    client.application.door.options = type(client.application.door.options)(
        allowed_hosts=("localhost",), max_lines=1000
    )

    too_long = await send(client, people(100))
    unfolds = await send(client, gzip.compress(b" " * 10_000_000), Content_Encoding="gzip")
    broken = await send(client, gzip.compress(people(3))[:-20], Content_Encoding="gzip")
    no_gzip = await send(client, people(1), Content_Encoding="gzip")
    other = await send(client, people(1), Content_Encoding="br")
    by_get = await client.get("/$import")

    statuses = [one.status_code for one in (too_long, unfolds, broken, no_gzip, other, by_get)]
    assert statuses == [413, 413, 400, 400, 415, 405]
    assert not list(folder.glob("files/imports/*"))


async def test_import__ndjson_is_for_import_only(client: Client) -> None:
    answer = await client.http.post("/$validate", content=people(1), headers=NDJSON)

    assert answer.status_code == 415
