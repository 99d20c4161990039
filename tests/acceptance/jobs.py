"""The worker beside the server, and how a client waits for a job."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from callers import Always
from hsba import app, config, worker
from hsba.record import tenants
from watch import Recording

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from acceptance.door import Client
    from databases import Database
    from hsba.app import App

Resource = dict[str, Any]


@asynccontextmanager
async def with_files(database: Database, folder: Path) -> AsyncIterator[App]:
    """A server whose files lie in a folder of the test's own."""
    settings = replace(config.load({}, files=()), data=folder)
    async with app.opened(settings, database.runtime_dsn, size=6) as opened:
        async with opened.pool.bare() as tx:
            await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
            await opened.tenants.read(tx)
        opened.trail = Recording()
        opened.identity = Always(opened)
        yield opened


@asynccontextmanager
async def working(services: App) -> AsyncIterator[None]:
    """The worker beside the server."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(services, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def finished(client: Client, address: str) -> Resource:
    """The manifest, once it is there."""
    for _ in range(600):
        answer = await client.get(address)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            found: Resource = answer.json()
            return found
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-progress"]
        await asyncio.sleep(0.05)
    pytest.fail("the job does not end")
