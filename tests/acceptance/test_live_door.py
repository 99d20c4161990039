"""The door on a real socket, in a process of its own that is cut off and killed (Granian, TCP)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest

from acceptance.door import patient
from callers import BEARER, TOKEN, let_in
from hsba.fhir import json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App

pytestmark = pytest.mark.slow

SERVE = "from hsba.http import listen; listen.serve('hsba.app:asgi', host='localhost', port={port})"
KEY = f"Authorization: Bearer {TOKEN}\r\n".encode()
HEAD = (
    b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\n" + KEY + b"Content-Type: application/fhir+json\r\n"
)

OPEN = (
    "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    " WHERE d.datname = current_database() AND l.relation = 'record.version'::regclass"
    " AND l.mode = 'RowExclusiveLock')"
)
"""Whether somebody has begun to write versions and not committed yet."""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def started(dsn: str, port: int, zone: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "DATABASE_URL": dsn, "TZ": zone}
    return subprocess.Popen(
        [sys.executable, "-c", SERVE.format(port=port)], env=environ, start_new_session=True
    )


@asynccontextmanager
async def served(
    database: Any, zone: str
) -> AsyncIterator[tuple[httpx.AsyncClient, int, subprocess.Popen[bytes]]]:
    """A server process on this database, ready; killed at the end."""
    port = free_port()
    await let_in(database.owner_dsn)
    process = started(database.runtime_dsn, port, zone)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://localhost:{port}", trust_env=False, headers=BEARER
        ) as http:
            for _ in range(100):
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)
            yield http, port, process
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def versions(services: App) -> int:
    async with services.pool.reading(services.tenants.get().id) as tx:
        found: int = await tx.fetchval("SELECT count(*) FROM record.version")
        return found


async def send_and_leave(port: int, data: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.transport.abort()


async def test_client__killed_in_mid_body_writes_nothing(
    database: Any, services: App, elsewhere: str
) -> None:
    whole = json.dump(patient())

    async with served(database, elsewhere) as (http, port, _):
        await send_and_leave(port, HEAD + b"Content-Length: %d\r\n\r\n" % (len(whole) + 1) + whole)
        await send_and_leave(
            port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(whole) + whole + b"\r\n"
        )
        await send_and_leave(port, HEAD + b"Content-Length: %d\r\n\r\n" % len(whole) + whole[:30])
        assert (await http.get("/fhir/Patient?_summary=count")).json()["total"] == 0

    assert await versions(services) == 0


async def test_server__killed_after_its_commit_gives_the_same_answer_to_the_repeat(
    database: Any, services: App, elsewhere: str
) -> None:
    content = json.dump(patient())
    headers = {"Content-Type": "application/fhir+json", "Idempotency-Key": "k-1"}
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
    request = b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\n" + KEY + lines
    request += b"Content-Length: %d\r\n\r\n" % len(content) + content

    async with served(database, elsewhere) as (_, port, process):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        for _ in range(100):
            if await versions(services):
                break
            await asyncio.sleep(0.02)
        _kill(process)
        writer.transport.abort()
    async with served(database, elsewhere) as (http, _, _):
        first = await http.post("/fhir/Patient", content=content, headers=headers)
        again = await http.post("/fhir/Patient", content=content, headers=headers)

    assert first.status_code == again.status_code == 201
    assert first.headers["idempotent-replayed"] == "true"
    assert first.content == again.content
    assert await versions(services) == 1


async def test_server__killed_in_mid_transaction_keeps_nothing_and_the_repeat_is_whole(
    database: Any, services: App, elsewhere: str
) -> None:
    entries = [{"request": {"method": "POST", "url": "Patient"}, "resource": patient()} for _ in range(400)]
    content = json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    headers = {"Content-Type": "application/fhir+json", "Idempotency-Key": "k-2"}
    watching = await asyncpg.connect(database.owner_dsn)
    try:
        async with served(database, elsewhere) as (http, _, process):
            sending = asyncio.create_task(http.post("/fhir", content=content, headers=headers, timeout=60))
            while not await watching.fetchval(OPEN) and not sending.done():
                await asyncio.sleep(0.01)
            _kill(process)
            with pytest.raises(httpx.TransportError):
                await sending
        assert await versions(services) == 0
    finally:
        await watching.close()
    async with served(database, elsewhere) as (http, _, _):
        answer = await http.post("/fhir", content=content, headers=headers, timeout=60)

    assert answer.status_code == 200, answer.text
    assert await versions(services) == 400


async def test_server__in_another_zone_answers_in_the_tenants(
    database: Any, services: App, elsewhere: str
) -> None:
    async with served(database, elsewhere) as (http, _, _):
        made = await http.post(
            "/fhir/Patient", json=patient(), headers={"Content-Type": "application/fhir+json"}
        )

    assert made.json()["meta"]["lastUpdated"].endswith("+07:00")
    assert await versions(services) == 1
