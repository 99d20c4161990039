"""Second factors as people set them up and use them, in a real browser: an app on the telephone, and a passkey."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pyotp
import pytest
from playwright.async_api import expect

from browser.test_pages import AXE, RULES
from callers import PASSWORD
from hsba.access import accounts

if TYPE_CHECKING:
    from playwright.async_api import Page

    from browser.conftest import Reader

STRANGERS = [{"known": False, "size": "desktop"}, {"known": False, "size": "phone", "color_scheme": "dark"}]
WITHOUT_SCRIPT = {"known": False, "size": "phone", "java_script_enabled": False}
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def somebody(reader: Reader, kind: str) -> str:
    """A new account of the site, for this test alone."""
    login = f"thu.{time.monotonic_ns()}"
    tx = await asyncpg.connect(reader.site.owner)
    try:
        await accounts.create(
            tx, datetime.now(UTC), login, kind, "Lê Thị Thử", password=PASSWORD, must_change=False
        )
    finally:
        await tx.close()
    return login


async def log_in(page: Page, login: str) -> None:
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")


async def log_out(reader: Reader) -> None:
    page = await reader.open("/account")
    await page.locator("main").get_by_role("button", name="Đăng xuất", exact=True).click()


async def sound(page: Page) -> None:
    """Nothing for axe to say, and no scrolling sideways."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []


async def authenticator(page: Page) -> None:
    """A device with a passkey chip, whose holder always puts a finger on it."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


@pytest.mark.parametrize("reader", STRANGERS, ids=["desk", "phone-dark"], indirect=True)
async def test_administrator__sets_up_an_app_and_comes_in_with_its_code(reader: Reader) -> None:
    login = await somebody(reader, "technical")
    page = await reader.open("/login")
    await log_in(page, login)

    await expect(page.locator("h1")).to_have_text("Cài lớp xác thực thứ hai")
    await sound(page)
    square = await page.locator(".square svg").bounding_box()
    assert square is not None
    assert square["width"] == square["height"] > 150
    app = pyotp.TOTP((await page.locator("#key").inner_text()).replace(" ", ""))
    await page.fill("#code", "000000")
    await page.get_by_role("button", name="Cài ứng dụng").click()
    await expect(page.get_by_role("alert")).to_contain_text("giờ của điện thoại")
    await page.fill("#code", app.now())
    await page.get_by_role("button", name="Cài ứng dụng").click()
    await expect(page.locator("h1")).to_have_text("Mã khôi phục")
    await expect(page.locator(".recovery li")).to_have_count(10)
    await sound(page)
    recovery = await page.locator(".recovery li").first.inner_text()
    await page.get_by_role("link", name="Đã cất mã, tiếp tục").click()
    await expect(page.locator("h1")).to_have_text("Lê Thị Thử")

    await log_out(reader)
    await log_in(page, login)
    await expect(page.locator("h1")).to_have_text("Bước đăng nhập thứ hai")
    await sound(page)
    await page.fill("#code", app.at(int(time.time()), counter_offset=1))
    await page.press("#code", "Enter")
    await expect(page.locator("h1")).to_have_text("Lê Thị Thử")

    await log_out(reader)
    await log_in(page, login)
    await page.get_by_text("Mất điện thoại hoặc khóa truy cập?").click()
    await page.fill("#recovery", recovery)
    await page.press("#recovery", "Enter")
    await expect(page.locator("h1")).to_have_text("Lê Thị Thử")
    await reader.open("/account/second-factors")
    await expect(page.locator("h1")).to_have_text("Lớp xác thực thứ hai")
    await expect(page.locator("main")).to_contain_text("Còn 9 mã")
    await page.get_by_text("Đổi tên hoặc gỡ").click()
    await sound(page)
    unexpected: list[Any] = [one for one in reader.complaints if "400" not in one]
    assert unexpected == []


@pytest.mark.parametrize("reader", [WITHOUT_SCRIPT], ids=["phone"], indirect=True)
async def test_administrator__needs_no_script_for_an_app(reader: Reader) -> None:
    login = await somebody(reader, "technical")
    page = await reader.open("/login")
    await expect(page.get_by_role("button", name="Đăng nhập bằng khóa truy cập")).to_be_hidden()
    await log_in(page, login)
    app = pyotp.TOTP((await page.locator("#key").inner_text()).replace(" ", ""))
    await expect(page.get_by_role("button", name="Tạo khóa truy cập")).to_be_hidden()

    await page.fill("#code", app.now())
    await page.get_by_role("button", name="Cài ứng dụng").click()
    await page.get_by_role("link", name="Đã cất mã, tiếp tục").click()
    await log_out(reader)
    await log_in(page, login)
    await page.fill("#code", app.at(int(time.time()), counter_offset=1))
    await page.press("#code", "Enter")

    await expect(page.locator("h1")).to_have_text("Lê Thị Thử")


@pytest.mark.parametrize("reader", STRANGERS, ids=["desk", "phone-dark"], indirect=True)
async def test_passkey__is_made_and_used_beside_the_password_and_alone(reader: Reader) -> None:
    login = await somebody(reader, "administrator")
    page = await reader.open("/login")
    await authenticator(page)
    await log_in(page, login)
    await expect(page.locator("h1")).to_contain_text("Quản trị")
    await reader.open("/account")
    await page.get_by_role("link", name="Lớp xác thực thứ hai").click()
    await page.get_by_role("link", name="Thêm lớp xác thực thứ hai").click()
    await sound(page)
    await page.fill("#passkey-name", "Vân tay")
    await page.fill("#passkey-password", PASSWORD)
    await page.get_by_role("button", name="Tạo khóa truy cập").click()
    await expect(page.locator("h1")).to_have_text("Mã khôi phục")
    await page.get_by_role("link", name="Đã cất mã, tiếp tục").click()
    await expect(page.locator(".factors h2")).to_contain_text("Vân tay")

    await log_out(reader)
    await log_in(page, login)
    await expect(page.locator("h1")).to_have_text("Bước đăng nhập thứ hai")
    await page.get_by_role("button", name="Dùng khóa truy cập").click()
    await expect(page.locator("h1")).to_contain_text("Quản trị")

    await log_out(reader)
    await page.get_by_role("button", name="Đăng nhập bằng khóa truy cập").click()
    await expect(page.locator("h1")).to_contain_text("Quản trị")
    assert reader.complaints == []


@pytest.mark.parametrize("reader", STRANGERS[:1], indirect=True)
async def test_passkey__that_is_not_there_is_said_on_the_page(reader: Reader) -> None:
    page = await reader.open("/login")
    await authenticator(page)

    await page.get_by_role("button", name="Đăng nhập bằng khóa truy cập").click()

    await expect(page.get_by_role("alert")).to_contain_text("không có khóa truy cập")
    await expect(page.get_by_role("button", name="Đăng nhập bằng khóa truy cập")).to_be_enabled()
