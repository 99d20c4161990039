"""The whole server in the test's own process, on a database of the test's own, behind its real HTTP door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest_asyncio

from acceptance.door import Client
from hsba import app, config
from hsba.http.app import Options, build
from hsba.record import tenants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App


@pytest_asyncio.fixture
async def services(database: Any) -> AsyncIterator[App]:
    """The services of a server with two keepers of records (the first one, and tram-thu) and no data."""
    settings = config.load({}, files=())
    async with app.opened(settings, database.runtime_dsn, size=6) as opened:
        async with opened.pool.bare() as tx:
            await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
            await opened.tenants.read(tx)
        yield opened


def options() -> Options:
    """The doors' options in tests."""
    return Options(
        allowed_hosts=("localhost",), cors_origins=("https://app.example.vn",), max_body=4 * 1024 * 1024
    )


@pytest_asyncio.fixture
async def client(services: App) -> AsyncIterator[Client]:
    """A client of the FHIR door."""
    application = build(services, options())
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/fhir") as http:
        http.headers.pop("accept-encoding")
        yield Client(http, application, services)
