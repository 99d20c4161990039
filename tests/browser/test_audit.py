"""Who investigates, who answers for the accounts and the patient himself look at the trail, at a desk and on a telephone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from browser.test_pages import AXE, RULES
from callers import LOGIN, OFFICER, PASSWORD, PATIENT

if TYPE_CHECKING:
    from playwright.async_api import Page

    from browser.conftest import Reader


async def entered(reader: Reader, login: str, path: str) -> Page:
    """Log in, and go to a page."""
    page = await reader.open("/login")
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await expect(page.locator(".me")).to_be_visible()
    return await reader.open(path)


async def sound(page: Page, name: str) -> None:
    """Nothing is wider than the screen and axe finds nothing; with HSBA_SHOTS a picture is kept."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    if folder := os.environ.get("HSBA_SHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [one["id"] for one in found["violations"]] == []


@pytest.mark.parametrize("reader", [{"known": False}, {"known": False, "size": "phone"}], indirect=True)
async def test_audit__is_searched_and_leads_from_a_line_to_the_person(reader: Reader) -> None:
    page = await entered(reader, LOGIN, "/patients/{patient}")
    await reader.open("/account")
    await page.locator("main").get_by_role("button", name="Đăng xuất", exact=True).click()
    page = await entered(reader, OFFICER, "/audit")

    await page.fill("#person", "Lê Thử")
    await page.get_by_role("button", name="Tìm", exact=True).click()
    await expect(page.locator("tbody tr").first).to_contain_text("BS. Lê Thử")
    await sound(page, "audit")
    await page.locator("tbody tr").first.locator("a").first.click()
    await expect(page.locator("#person")).to_have_value(LOGIN)
    await page.fill("#patient", "khong-co-ai")
    await page.get_by_role("button", name="Tìm", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Không có người bệnh")
    async with page.expect_download() as download:
        await page.goto(reader.site.address + "/audit")
        await page.get_by_role("link", name="Tải về CSV").click()
    assert (await download.value).suggested_filename.endswith(".csv")
    assert reader.complaints == []


@pytest.mark.parametrize("reader", [{"known": False}, {"known": False, "size": "phone"}], indirect=True)
async def test_accounts__are_looked_through_and_confirmed(reader: Reader) -> None:
    page = await entered(reader, OFFICER, "/audit/accounts")
    await expect(page.locator("tbody")).to_contain_text("BS. Lê Thử")
    await sound(page, "accounts")

    await page.get_by_role("button", name="Xác nhận danh sách").click()

    await expect(page.locator("main")).to_contain_text("Xác nhận gần nhất")
    await expect(page.locator("main")).to_contain_text("Đỗ Hải An")


@pytest.mark.parametrize("reader", [{"known": False}, {"known": False, "size": "phone"}], indirect=True)
async def test_own__a_patient_sees_who_read_his_record(reader: Reader) -> None:
    await entered(reader, LOGIN, "/patients/{patient}")
    page = await reader.open("/account")
    await page.locator("main").get_by_role("button", name="Đăng xuất", exact=True).click()
    page = await entered(reader, PATIENT, "/account")
    await page.get_by_role("link", name="Ai đã xem hồ sơ của tôi").first.click()

    await expect(page.locator(".looks")).to_contain_text("BS. Lê Thử")
    await sound(page, "own-seen")
