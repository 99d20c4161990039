"""A large body keeps nobody waiting: it is read and checked beside the others' requests."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from acceptance.conftest import options
from acceptance.door import JSON, patient
from acceptance.test_live_door import served
from hsba.fhir import json, xml
from hsba.http.app import build

if TYPE_CHECKING:
    from hsba.app import App

pytestmark = pytest.mark.slow

HEALTH = "http://localhost/healthz"


def transaction(*some: dict[str, Any]) -> dict[str, Any]:
    entries = [{"request": {"method": "POST", "url": one["resourceType"]}, "resource": one} for one in some]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def note(size: int, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Diễn biến"},
        "note": [{"text": "x" * 900} for _ in range(size // 1000)],
        **members,
    }


def open_door(services: App) -> httpx.AsyncClient:
    application = build(services, replace(options(), max_body=64 * 1024 * 1024))
    transport = httpx.ASGITransport(application)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost/fhir", timeout=120)


async def test_healthz__answers_again_and_again_while_a_large_bundle_is_checked(services: App) -> None:
    body = json.dump(transaction(*[note(100_000)] * 200, note(0, status="xong")))
    assert len(body) > 18_000_000

    async with open_door(services) as http:
        await http.post("/Observation", content=json.dump(note(400_000)), headers=JSON)  # the process is up
        checking = asyncio.create_task(http.post("/", content=body, headers=JSON))
        answered = 0
        while not checking.done():
            assert (await http.get(HEALTH)).status_code == 200
            answered += not checking.done()
            await asyncio.sleep(0.02)
        answer = await checking

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[200].resource.status"]
    assert answered >= 10


@pytest.mark.parametrize("kind", ["json", "xml"])
async def test_transaction__large_is_saved_whole(services: App, kind: str) -> None:
    link = {"reference": "urn:uuid:6f2c1e0a-0000-4000-8000-000000000001"}
    content = transaction(patient(), *[note(2_000, subject=link) for _ in range(200)])
    content["entry"][0]["fullUrl"] = link["reference"]
    body = json.dump(content) if kind == "json" else xml.dump(content, services.definitions)

    async with open_door(services) as http:
        answer = await http.post("/", content=body, headers={"Content-Type": f"application/fhir+{kind}"})
        found = (await http.get("/Observation?subject:Patient.gender=female&_summary=count")).json()

    assert (answer.status_code, len(answer.json()["entry"]), found["total"]) == (200, 201, 200)
    assert multiprocessing.active_children()


async def test_create__large_is_saved_or_refused_as_a_small_one(services: App) -> None:
    async with open_door(services) as http:
        saved = await http.post("/Observation", content=json.dump(note(400_000)), headers=JSON)
        wrong = await http.post("/Observation", content=json.dump(note(400_000, so=1)), headers=JSON)
        broken = await http.post("/Observation", content=json.dump(note(400_000))[:-1], headers=JSON)
        elsewhere = await http.post("/Patient", content=json.dump(note(400_000)), headers=JSON)
        binary = await http.post("/Binary", content=b"x" * 400_000, headers={"Content-Type": "image/png"})
        checked = await http.post(
            "/Observation/$validate", content=json.dump(note(400_000, so=1)), headers=JSON
        )

    assert [one.status_code for one in (saved, wrong, broken, elsewhere, binary, checked)] == [
        201, 422, 400, 400, 201, 200,
    ]  # fmt: skip
    assert any(issue["severity"] == "error" for issue in checked.json()["issue"])


async def test_create__large_is_done_when_the_process_for_it_is_killed(services: App) -> None:
    async with open_door(services) as http:
        await http.post("/Observation", content=json.dump(note(400_000)), headers=JSON)
        for process in multiprocessing.active_children():
            os.kill(process.pid or 0, signal.SIGKILL)
        answers = [
            await http.post("/Observation", content=json.dump(note(400_000)), headers=JSON) for _ in range(2)
        ]

    assert [one.status_code for one in answers] == [201, 201]


def below(pid: int) -> set[int]:
    """The processes that a process started, and theirs."""
    children = {
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (text := read(stat)) and int(text.rpartition(")")[2].split()[1]) == pid
    }
    return children.union(*(below(child) for child in children))


def read(stat: Path) -> str:
    try:
        text = stat.read_text()
    except OSError:
        return ""
    return "" if ") Z" in text else text


async def test_serve__the_process_beside_ends_with_the_web_process(database: Any) -> None:
    async with served(database, "UTC") as (http, _, server):
        before = below(server.pid)
        saved = await http.post(
            "/fhir/Observation", content=json.dump(note(400_000)), headers=JSON, timeout=60
        )
        beside = below(server.pid) - before
    for _ in range(100):
        if not any(read(Path(f"/proc/{pid}/stat")) for pid in beside):
            break
        await asyncio.sleep(0.1)

    assert saved.status_code == 201
    assert beside
    assert not [pid for pid in beside if read(Path(f"/proc/{pid}/stat"))]
