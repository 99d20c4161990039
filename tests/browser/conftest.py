"""A server of its own with a small demo hospital, and a browser to look at it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import httpx
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from callers import SESSION, let_in
from hsba import app, config
from hsba.fhir import json
from hsba.http.callers import COOKIE
from hsba.ops import demo, loading
from hsba.store.cluster import OWNER, RUNTIME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from hsba.store.embedded import Server

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": (1440, 900), "phone": (360, 740)}
NAME = "browser_tests"


@dataclass(frozen=True, slots=True)
class Site:
    """The server under test and somebody in its hospital."""

    address: str
    patient: str
    visit: str
    """A patient lying in hospital, and his stay."""
    owner: str
    """The database behind it, as the operator of the server has it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser, on the loop that the browser of the run was started on."""
    for item in items:
        if "browser" in Path(item.path).parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def furnish(dsn: str) -> tuple[str, str]:
    """Load a small demo hospital; answers somebody who lies in it with results, and his stay."""
    async with app.opened(config.load({}, files=()), dsn) as opened:
        lines = (json.dump(one) for one in demo.generate(scale=0.12))
        for chunk in loading.chunks(lines):
            figures = await loading.load_chunk(cast("Any", opened), demo.HOSPITAL.slug, chunk)
            assert not figures.refused, figures.problems
        keeper = opened.tenants.get()
        async with opened.pool.searching(keeper.id) as tx:
            row = await tx.fetchrow(
                "SELECT p.id AS patient, e.id AS visit FROM record.resource e"
                " JOIN record.resource p ON p.tenant = e.tenant AND p.key = e.patient"
                " JOIN record.resource o ON o.tenant = e.tenant AND o.encounter = e.key AND o.type = $3"
                " JOIN record.version v ON v.tenant = e.tenant AND v.resource = e.key"
                ' WHERE e.tenant = $1 AND e.type = $2 AND v.body LIKE \'%"status":"in-progress"%\''
                " GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1",
                keeper.id,
                opened.registry.type_id("Encounter"),
                opened.registry.type_id("Observation"),
            )
    return row["patient"], row["visit"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The demo hospital behind its real door."""
    name = f"{NAME}_{os.getpid()}"
    tx = await asyncpg.connect(postgres.admin_dsn)
    await tx.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    owner, runtime = (postgres.folder.dsn(role, name) for role in (OWNER, RUNTIME))
    hospital = demo.HOSPITAL
    await app.prepare(config.load({}, files=()), owner, tenant=(hospital.slug, hospital.title))
    patient, visit = await furnish(runtime)
    await let_in(owner, patient)
    port = free_port()
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("HSBA_", "PG", "DATABASE_URL"))
    }
    server = subprocess.Popen(  # noqa: ASYNC220 - a fixture of the whole run
        [sys.executable, "-m", "hsba.cli", "http"],
        env={
            **kept,
            "DATABASE_URL": runtime,
            "HSBA_PORT": str(port),
            "HSBA_SECOND_FACTOR": "technical",  # administrators of other tests come in by password
            "HSBA_SECOND_FACTOR_KEY": str(tmp_path_factory.mktemp("keys") / "second-factor.key"),
            "TZ": "America/New_York",
        },
    )
    try:
        address = f"http://localhost:{port}"
        await ready(address, server)
        yield Site(address, patient, visit, owner)
    finally:
        server.terminate()
        server.wait(20)
        await tx.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await tx.close()


async def ready(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + 30
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert server.poll() is None, "the server ended"
            try:
                if (await client.get(address + "/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                assert time.monotonic() < until, "the server does not answer"
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of this run."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


class Reader:
    """A person at a screen: opens pages and remembers what the browser complained about."""

    def __init__(self, page: Page, site: Site) -> None:
        self.site = site
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def open(self, path: str) -> Page:
        """Go to a page of the site; places in the path are filled."""
        await self.page.goto(
            self.site.address + path.format(patient=self.site.patient, visit=self.site.visit)
        )
        return self.page


@pytest_asyncio.fixture(loop_scope="session")
async def reader(chromium: Browser, site: Site, request: pytest.FixtureRequest) -> AsyncIterator[Reader]:
    """Somebody at a desk, unless the test says otherwise by `parametrize("reader", …, indirect=True)`."""
    options: dict[str, Any] = {"size": "desktop", "color_scheme": "light", "java_script_enabled": True}
    options |= getattr(request, "param", {})
    known = options.pop("known", True)
    width, height = SIZES[options.pop("size")]
    context = await chromium.new_context(
        viewport={"width": width, "height": height}, locale="vi-VN", **options
    )
    if known:
        await context.add_cookies([{"name": COOKIE, "value": SESSION, "url": site.address, "httpOnly": True}])
    yield Reader(await context.new_page(), site)
    await context.close()
