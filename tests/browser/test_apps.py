"""Letting an app in, in a real browser: the page's own policy must let the answer go to the app, and nowhere else."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import expect

from browser.conftest import NAME
from browser.test_pages import AXE, RULES
from hsba.access.oauth import apps
from hsba.access.oauth.apps import Wanted
from hsba.store.cluster import OWNER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from browser.conftest import Reader, Site
    from hsba.store.embedded import Server

SCOPE = "openid fhirUser launch launch/patient offline_access patient/Immunization.rs patient/Patient.rs user/Observation.cruds"


@asynccontextmanager
async def elsewhere() -> AsyncIterator[str]:
    """The app's own server, where people come back to."""

    async def serve(asked: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        await asked.readuntil(b"\r\n\r\n")
        body = b"<!doctype html><title>app</title><link rel=icon href=data:,><h1>The app</h1>"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        answer.write(head.encode() + body)
        await answer.drain()
        answer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest_asyncio.fixture(loop_scope="session")
async def app(postgres: Server, site: Site) -> AsyncIterator[str]:
    """A registered app; answers its address."""
    tx = await asyncpg.connect(postgres.folder.dsn(OWNER, f"{NAME}_{os.getpid()}"))
    async with elsewhere() as address:
        wanted = Wanted(
            "Sổ tiêm chủng", SCOPE, (f"{address}/back",), public=True, launch_url=f"{address}/launch"
        )
        try:
            await apps.register(tx, datetime.now(UTC), "vaccines", wanted)
        except apps.BadApp:
            await apps.change(tx, datetime.now(UTC), "vaccines", wanted)
        yield address
    await tx.close()


def asking(site: Site, address: str, **more: str) -> str:
    """The address that the app sends people to."""
    given = {
        "response_type": "code", "client_id": "vaccines", "redirect_uri": f"{address}/back", "scope": SCOPE, "state": "s1",
        "aud": f"{site.address}/fhir", "code_challenge": "x" * 43, "code_challenge_method": "S256", **more,
    }  # fmt: skip
    return "/oauth/authorize?" + urlencode(given)


async def sound(reader: Reader) -> None:
    """The page is as wide as the screen and can be read by everybody."""
    page = reader.page
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [one["id"] for one in found["violations"]] == []
    if folder := os.environ.get("HSBA_SHOTS"):
        title = (await page.title()).partition(" ")[0]
        await page.screenshot(path=f"{folder}/{title}-{width}.png", full_page=True)


@pytest.mark.parametrize("reader", [{"size": "desktop"}, {"size": "phone"}], indirect=True)
async def test_authorize__a_patient_is_chosen_and_the_app_let_in(reader: Reader, app: str) -> None:
    page = await reader.open(asking(reader.site, app))
    await expect(page.locator("h1")).to_contain_text("Sổ tiêm chủng")
    await sound(reader)
    await page.locator(".people button").first.click()

    await expect(page.locator("h1")).to_have_text("Cho phép Sổ tiêm chủng truy cập?")
    await expect(page.locator(".consent")).to_contain_text("của riêng người bệnh này")
    await sound(reader)
    await page.get_by_role("button", name="Cho phép", exact=True).click()

    await expect(page.locator("h1")).to_have_text("The app")
    assert page.url.startswith(f"{app}/back?code=hsba_")
    assert reader.complaints == []


async def test_authorize__who_says_no_goes_back_with_that(reader: Reader, app: str) -> None:
    page = await reader.open(asking(reader.site, app, scope="user/Observation.rs"))

    await page.get_by_role("button", name="Không cho phép").click()

    await expect(page.locator("h1")).to_have_text("The app")
    assert "error=access_denied" in page.url


@pytest.mark.parametrize("reader", [{"size": "desktop"}, {"size": "phone"}], indirect=True)
async def test_launch__opens_the_app_from_the_patients_page(reader: Reader, app: str) -> None:
    page = await reader.open("/patients/{patient}")
    await page.get_by_role("link", name="Mở bằng ứng dụng").click()
    await expect(page.locator("h1").last).to_have_text("Mở hồ sơ này bằng ứng dụng")
    await sound(reader)

    await page.get_by_role("button", name="Mở", exact=True).first.click()

    await expect(page.locator("h1")).to_have_text("The app")
    assert page.url.startswith(f"{app}/launch?iss=http")
    assert "launch=hsba_" in page.url
