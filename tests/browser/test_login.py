"""Coming in as people do, in a real browser: at a desk and on a telephone, with script and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from browser.test_pages import AXE, RULES
from callers import LOGIN, PASSWORD

if TYPE_CHECKING:
    from browser.conftest import Reader

STRANGERS = [
    {"known": False, "size": size, "java_script_enabled": script}
    for size in ("desktop", "phone")
    for script in (True, False)
]


@pytest.mark.parametrize(
    "reader", STRANGERS, ids=["desk", "desk-no-script", "phone", "phone-no-script"], indirect=True
)
async def test_login__leads_to_the_page_and_logout_away_from_it(reader: Reader) -> None:
    page = await reader.open("/patients")
    await expect(page.locator("h1")).to_have_text("Đăng nhập")
    assert await page.locator(".finder").count() == 0

    await page.fill("#login", LOGIN)
    await page.fill("#password", "sai mật khẩu")
    await page.press("#password", "Enter")
    await expect(page.get_by_role("alert")).to_contain_text("không đúng")
    await expect(page.locator("#login")).to_have_value(LOGIN)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")

    await expect(page.locator("h1")).to_have_text("Người bệnh")
    assert page.url == reader.site.address + "/patients"
    await page.locator("a.me").click()
    await expect(page.locator("h1")).to_have_text("BS. Lê Thử")
    await page.locator("main").get_by_role("button", name="Đăng xuất", exact=True).click()
    await expect(page.locator("h1")).to_have_text("Đăng nhập")
    await page.go_back()
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Đăng nhập")


@pytest.mark.parametrize("reader", [{"size": "phone"}, {"color_scheme": "dark"}], indirect=True)
@pytest.mark.parametrize("path", ["/login", "/password", "/account"])
async def test_page__of_accounts_is_sound(reader: Reader, path: str) -> None:
    page = await reader.open(path)

    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [one["id"] for one in found["violations"]] == []
