"""Reception, queue and beds in a real browser, at a desk and on a telephone, by keyboard and without script."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from playwright.async_api import expect

from browser.test_rights import is_sound, somebody

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from browser.conftest import Site

CARDS = {
    "desktop": "099080000071|099080071|NGUYỄN VĂN MẪU|01011980|Nam|Số 1, Phường Cao Lãnh, Đồng Tháp|02032021",
    "phone": "099190000072|099190072|TRẦN THỊ MẪU|02021990|Nữ|Số 2, Phường Cao Lãnh, Đồng Tháp|02032021",
}
SHOTS = os.environ.get("HSBA_SHOTS")
"""A folder for pictures of the pages, for who wants to look at them."""


async def seen(page: Page, name: str) -> None:
    """Sound, and kept as a picture where somebody asked for pictures."""
    await is_sound(page)
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_reception__a_scanned_card_becomes_a_patient_with_a_number_by_keyboard_alone(
    chromium: Browser, site: Site, size: str
) -> None:
    async with somebody(chromium, site, f"td.{size}", "reception", department=None, size=size) as page:
        await page.goto(f"{site.address}/reception")
        await seen(page, f"{size}-desk")
        await page.keyboard.insert_text(CARDS[size])
        await page.keyboard.press("Enter")
        await expect(page.locator("#h-card")).to_have_text("Đọc từ thẻ")
        await seen(page, f"{size}-card")
        await page.get_by_role("button", name="Đăng ký người mới, điền sẵn").press("Enter")
        await expect(page.locator("#f-commune")).to_have_value("Phường Cao Lãnh")
        await seen(page, f"{size}-filled")
        await page.get_by_role("button", name="Đăng ký", exact=True).press("Enter")
        await expect(page.locator("h1.pagetitle")).to_have_text("Đón vào khám, nhập viện")
        await seen(page, f"{size}-open")
        await page.select_option("#f-place", label="Phòng khám Nội 1")
        await page.fill("#f-reason", "Ho, sốt")
        await page.get_by_role("button", name="Đón vào", exact=True).press("Enter")
        await expect(page.locator(".slip .turn")).to_have_text(re.compile(r"^[1-9]$"))
        await seen(page, f"{size}-slip")


@pytest.mark.parametrize("size, script", [("desktop", True), ("phone", False)])
async def test_register__what_is_missing_is_said_and_what_was_typed_is_there(
    chromium: Browser, site: Site, size: str, script: bool
) -> None:
    async with somebody(
        chromium, site, f"dk.{size}", "reception", department=None, size=size, script=script
    ) as page:
        await page.goto(f"{site.address}/patients/new")
        await page.fill("#f-name", "lê bé thử")
        await page.fill("#f-birth", "1/2/2024")
        await page.get_by_role("button", name="Đăng ký", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("Trẻ dưới 6 tuổi phải có người thân.")
        await expect(page.locator("#f-name")).to_have_value("lê bé thử")
        if script:
            await seen(page, f"{size}-wrong")
        await page.goto(f"{site.address}/patients/new/temporary?kind=newborn")
        if script:
            await seen(page, f"{size}-temporary")


async def test_queue_and_beds__are_worked_by_plain_buttons(chromium: Browser, site: Site) -> None:
    for size in ("desktop", "phone"):
        async with somebody(
            chromium, site, f"bs.kb.{size}", "doctor", department="demo-dept-kb", size=size
        ) as page:
            await page.goto(f"{site.address}/queue")
            await seen(page, f"{size}-rooms")
            await page.get_by_role("link", name="Phòng khám Nội 1").click()
            await seen(page, f"{size}-queue")
        async with somebody(
            chromium, site, f"dd.noi.{size}", "nurse", department="demo-dept-noi", size=size
        ) as page:
            await page.goto(f"{site.address}/wards")
            await page.get_by_role("link", name="Khoa Nội tổng hợp").click()
            await seen(page, f"{size}-beds")
            await page.locator(".bed details summary").first.click()
            await is_sound(page)


async def test_merge__two_records_stand_side_by_side(chromium: Browser, site: Site) -> None:
    tx = await asyncpg.connect(site.owner)
    other = await tx.fetchval(
        "SELECT id FROM record.resource WHERE id LIKE 'demo-patient-%' AND id <> $1 LIMIT 1", site.patient
    )
    await tx.close()
    for size in ("desktop", "phone"):
        async with somebody(chromium, site, f"kh.{size}", "planning", department=None, size=size) as page:
            await page.goto(f"{site.address}/patients/{site.patient}/merge?with={other}")
            await seen(page, f"{size}-merge")
