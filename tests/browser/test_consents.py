"""What a patient allows and forbids, written down and withdrawn in a real browser, at a desk and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from browser.test_rights import is_sound, somebody

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from browser.conftest import Site


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_consent__is_written_down_and_withdrawn(chromium: Browser, site: Site, size: str) -> None:
    async with somebody(chromium, site, f"kho.hs.{size}", "planning", size=size, department=None) as page:
        await page.goto(f"{site.address}/patients/{site.patient}")
        await page.get_by_role("link", name="Ý muốn của người bệnh về hồ sơ").click()
        await page.get_by_label("Học tập, nghiên cứu").check()
        await page.get_by_label("Giấy tờ làm căn cứ").fill(f"Phiếu 12 {size}")
        await page.get_by_role("button", name="Lưu").click()

        said = page.locator("li", has_text=f"Phiếu 12 {size}")
        await expect(said).to_contain_text("đang hiệu lực")
        await is_sound(page)
        await said.get_by_label("Lý do rút lại").fill("Đơn số 3")
        await said.get_by_role("button", name="Rút lại").click()
        await expect(said).to_contain_text("đã rút")
