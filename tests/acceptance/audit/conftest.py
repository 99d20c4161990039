"""The whole server with its own audit trail, behind its real HTTP door and with its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest_asyncio

from acceptance.conftest import options
from acceptance.door import Client
from callers import Always
from hsba import app, config
from hsba.http import web
from hsba.http.app import build
from hsba.record import tenants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hsba.app import App


@pytest_asyncio.fixture
async def services(database: Any, folder: Path) -> AsyncIterator[App]:
    """The services as they run in the product, with their files in a folder of the test's own."""
    settings = config.load({}, files=(), given={"data": str(folder)})
    async with app.opened(settings, database.runtime_dsn, size=6) as opened:
        async with opened.pool.bare() as tx:
            await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
            await opened.tenants.read(tx)
        opened.identity = Always(opened)
        yield opened


@pytest_asyncio.fixture
async def client(services: App) -> AsyncIterator[Client]:
    """A client of the FHIR door and, by whole addresses, of the pages."""
    application = build(services, options(), pages=web.ROUTES)
    transport = httpx.ASGITransport(application, client=("10.9.8.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/fhir") as http:
        http.headers.pop("accept-encoding")
        yield Client(http, application, services)


@pytest_asyncio.fixture
async def owner(database: Any) -> AsyncIterator[Any]:
    """A connection of the database's owner, who sees every keeper's lines."""
    tx = await asyncpg.connect(database.owner_dsn)
    yield tx
    await tx.close()
