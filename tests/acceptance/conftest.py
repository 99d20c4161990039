"""The whole server in the test's own process, on a database of the test's own, behind its real HTTP door."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest_asyncio
from argon2 import PasswordHasher

from acceptance.door import Client
from acceptance.identity import PROXY, At, Ward
from callers import Always
from hsba import app, config
from hsba.access import passwords
from hsba.access.identity import Identity
from hsba.access.rules import Rules
from hsba.fhir import json, xml
from hsba.http import web
from hsba.http.app import Options, build
from hsba.record import tenants
from watch import Recording, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from hsba.app import App


@pytest_asyncio.fixture
async def services(database: Any) -> AsyncIterator[App]:
    """The services of a server with two keepers of records (the first one, and tram-thu) and no data."""
    settings = config.load({}, files=())
    async with app.opened(settings, database.runtime_dsn, size=6) as opened:
        async with opened.pool.bare() as tx:
            await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
            await opened.tenants.read(tx)
        opened.trail = Recording()
        opened.identity = Always(opened)
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
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://localhost/fhir",
        event_hooks={"response": [partial(check_told, services)]},
    ) as http:
        http.headers.pop("accept-encoding")
        yield Client(http, application, services)


EXACT = frozenset({"search", "history"})
"""Acts of which the trail is told exactly what is shown; a read may be answered by less (304, $meta, a validation)."""


async def check_told(services: App, response: httpx.Response) -> None:
    """Whatever a test is about: no resource is shown that the trail was not told of, under the request's own number."""
    media = response.headers.get("content-type", "")
    if (
        not ("fhir+json" in media or "fhir+xml" in media) or "content-encoding" in response.headers
    ):  # what is packed a test unpacks itself
        return
    if not await response.aread():
        return
    assert isinstance(services.trail, Recording)
    content = (
        json.parse(response.content) if "json" in media else xml.parse(response.content, services.definitions)
    )
    lines = services.trail.requests.get(response.headers["x-request-id"], [])
    told = {one for _, subjects in lines for one in subjects}
    assert shown(content) <= told
    if {interaction for interaction, _ in lines} <= EXACT:
        assert shown(content) >= told - deleted(content)


def deleted(content: dict[str, Any]) -> set[str]:
    """What a page of history says the end of, without content."""
    entries = content.get("entry", ())
    return {one["request"]["url"] for one in entries if one.get("request", {}).get("method") == "DELETE"}


@pytest_asyncio.fixture
async def ward(
    services: App, database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Ward]:
    """A server with real accounts, and passwords that are quick to look at."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(1, 64, 1))
    passwords._nobodys.cache_clear()
    at = At()
    services.identity = Identity(
        services.pool.bare, at, Rules(second_factor_waived=True), services.identity.witness
    )
    options = Options(
        allowed_hosts=("localhost",),
        trusted_proxies=(PROXY,),
        second_factor_key=tmp_path / "second-factor.key",
    )
    application = build(services, options, pages=web.ROUTES)
    transport = httpx.ASGITransport(application, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers={"Origin": "http://localhost"}
    ) as http:
        yield Ward(http, services, at, database.owner_dsn, application)
    passwords._nobodys.cache_clear()
