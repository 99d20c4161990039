"""Emergency access, its review, a loan and the end of one's hours, as people meet them in a real browser."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest
from playwright.async_api import expect

from browser.conftest import SIZES
from browser.test_pages import AXE, RULES
from hsba.access import accounts, secrets
from hsba.access.rights import grants
from hsba.access.rights.hours import DAYS
from hsba.http.callers import COOKIE
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from browser.conftest import Site

WHY = "Hôn mê, cần tiền sử dị ứng"
NOBODYS = "khoa-khong-co"
"""A department that nobody lies in: whoever is on duty there sees no patient."""


@asynccontextmanager
async def somebody(
    chromium: Browser, site: Site, login: str, role: str, *, kind: str = "staff", size: str = "desktop",
    script: bool = True, department: str | None = NOBODYS,
) -> AsyncIterator[Page]:  # fmt: skip
    """A page of somebody who has one role and is logged in."""
    tx = await asyncpg.connect(site.owner)
    now, secret = datetime.now(UTC), secrets.made()
    try:
        if not any(one.login == login for one in await accounts.every(tx)):
            await accounts.create(
                tx, now, login, kind, f"Người thử {login}", password=secret, must_change=False
            )
            await grants.grant(tx, 1, OPERATOR, login, role, department=department)
        await tx.execute(
            "INSERT INTO access.session (digest, account, address, created, last_seen, ends)"
            " SELECT $1, id, '::1', $2, $2, $3 FROM access.account WHERE login = $4",
            secrets.digest(secret), now, now + timedelta(hours=1), login,
        )  # fmt: skip
    finally:
        await tx.close()
    width, height = SIZES[size]
    context = await chromium.new_context(
        viewport={"width": width, "height": height}, locale="vi-VN", java_script_enabled=script
    )
    await context.add_cookies([{"name": COOKIE, "value": secret, "url": site.address, "httpOnly": True}])
    yield await context.new_page()
    await context.close()


async def is_sound(page: Page) -> None:
    """One heading, no scrolling sideways, nothing that axe finds."""
    assert await page.locator("h1").count() == 1
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []


@pytest.mark.parametrize("size, script", [("desktop", True), ("phone", False)])
async def test_emergency__from_the_refusal_to_the_record_and_to_the_review(
    chromium: Browser, site: Site, size: str, script: bool
) -> None:
    async with somebody(chromium, site, f"dd.{size}", "nurse", size=size, script=script) as page:
        await page.goto(f"{site.address}/patients/{site.patient}")
        await page.get_by_role("link", name="Truy cập khẩn cấp").click()
        await expect(page.locator("h1")).to_have_text("Truy cập khẩn cấp")
        if script:
            await is_sound(page)
        await page.get_by_label("Nguy hiểm tính mạng").check()
        await page.fill("#reason", WHY)
        await page.get_by_role("button", name="Mở hồ sơ khẩn cấp").click()
        await expect(page.locator(".notice", has_text=f"dd.{size}")).to_contain_text(WHY)
        assert page.url.endswith(f"/patients/{site.patient}")
        if script:
            await is_sound(page)

    async with somebody(chromium, site, "an.ninh", "security-officer", kind="security", size=size) as page:
        await page.goto(f"{site.address}/emergencies")
        waiting = page.locator(".versions li", has_text=f"dd.{size}").first
        await expect(waiting).to_contain_text(WHY)
        await is_sound(page)
        await waiting.get_by_label("Ghi chú").fill("Đúng quy định")
        await waiting.get_by_role("button", name="Có lý do chính đáng", exact=True).click()
        await expect(page.locator("section", has_text="Đã xem xét").last).to_contain_text("Đúng quy định")


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_loan__is_made_on_the_patients_page(chromium: Browser, site: Site, size: str) -> None:
    async with somebody(chromium, site, f"bs.{size}", "doctor", size=size) as page:
        await page.goto(f"{site.address}/patients/{site.patient}")
        await expect(page.get_by_role("link", name="Cho mượn hồ sơ")).to_have_count(0)
    async with somebody(chromium, site, "kho.hs", "planning", department=None, size=size) as page:
        await page.goto(f"{site.address}/patients/{site.patient}")
        await page.get_by_role("link", name="Cho mượn hồ sơ").click()
        await page.fill("#account", f"bs.{size}")
        await page.select_option("#purpose", "HRESCH")
        await page.fill("#reason", "Đề tài cấp cơ sở số 12")
        await is_sound(page)
        await page.get_by_role("button", name="Cho mượn", exact=True).click()
        await expect(page.locator(".versions li", has_text=f"bs.{size}")).to_contain_text("đang mượn")
    async with somebody(chromium, site, f"bs.{size}", "doctor", size=size) as page:
        await page.goto(f"{site.address}/patients/{site.patient}")
        await expect(page.locator(".banner")).to_have_count(1)


async def test_hours__over_while_somebody_writes_end_the_session_and_give_back_what_was_typed(
    chromium: Browser, site: Site
) -> None:
    async with somebody(chromium, site, "dd.gio", "nurse", size="phone") as page:
        # With that script the page asks first, and what was typed waits at /unsent (test_ward_pc.py).
        await page.route("**/assets/session.js*", lambda route: route.abort())
        await page.goto(f"{site.address}/patients/{site.patient}/emergency")
        await page.get_by_label("Lý do khác").check()
        await page.fill("#reason", WHY)
        tx = await asyncpg.connect(site.owner)
        day = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
        await tx.execute(
            "UPDATE record.role_grant SET hours = $1 WHERE account = 'dd.gio'", f"{day} 08:00-09:00"
        )
        await tx.close()
        await page.wait_for_timeout(2100)
        await page.get_by_role("button", name="Mở hồ sơ khẩn cấp").click()

        await expect(page.locator("h1")).to_have_text("Ngoài khung giờ làm việc")
        await expect(page.locator("textarea")).to_have_value(WHY)
        await expect(page.locator("main")).to_contain_text("08:00-09:00")
        await is_sound(page)
        await page.goto(site.address)
        await expect(page.locator("h1")).to_have_text("Đăng nhập")
