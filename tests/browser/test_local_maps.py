"""The mapping workbench in a browser: a map is begun, a code accepted by keyboard, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from browser.test_pages import AXE, RULES, SCREENS, words

if TYPE_CHECKING:
    from playwright.async_api import Page

    from browser.conftest import Reader

SOURCE = "http://fhir.hl7.org.vn/core/CodeSystem/hsba-technique-cs"


async def begun(reader: Reader) -> Page:
    """The map of the techniques to ICD-9-CM; the one that is there when another test began it."""
    page = await reader.open("/maps")
    there = page.get_by_role("link", name="Kỹ thuật của viện")
    if await there.count():
        await there.first.click()
        await expect(page.locator("h1")).to_have_text("Kỹ thuật của viện")
        return page
    await page.get_by_label("Tên", exact=True).fill("Kỹ thuật của viện")
    await page.get_by_label("Địa chỉ (URI) của hệ mã tại cơ sở").fill(SOURCE)
    await page.get_by_label("Danh mục quốc gia").select_option("vn-icd9cm")
    await page.get_by_role("button", name="Bắt đầu").click()
    await expect(page.locator("h1")).to_have_text("Kỹ thuật của viện")
    return page


async def test_map__a_suggestion_is_accepted_and_undone_by_keyboard(reader: Reader) -> None:
    page = await begun(reader)
    await expect(page.locator("h1")).to_have_text("Kỹ thuật của viện")
    accept = page.locator(".likely button[value=accepted]").first
    code = await page.locator(".mapping > li:has(.likely button) .local .code").first.inner_text()

    await accept.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".latest")).to_contain_text(code)
    await page.get_by_role("link", name="Đã ánh xạ").click()
    await expect(page.locator(".mapping .local .code").first).to_have_text(code)
    await page.locator(".decided button").first.focus()
    await page.keyboard.press("Enter")

    await expect(page.locator(".mapping .local .code", has_text=code)).to_have_count(0)
    assert reader.complaints == []


async def test_map__another_code_is_chosen_with_the_finder(reader: Reader) -> None:
    page = await begun(reader)
    row = page.locator(".mapping > li").first
    code = await row.locator(".local .code").inner_text()
    await row.locator("summary").click()
    finder = row.get_by_role("combobox", name="Mã quốc gia")
    await finder.press_sequentially("noi soi", delay=20)
    await expect(row.get_by_role("option").first).to_be_visible()
    await finder.press("ArrowDown")
    await finder.press("Enter")
    chosen = await row.locator("[data-into=code]").input_value()
    assert (await finder.input_value()).startswith(chosen)
    await row.locator("details button[value=accepted]").click()

    await expect(page.locator(".latest li").first).to_contain_text(code)
    await expect(page.locator(".latest li").first).to_contain_text(chosen)
    await page.locator(".latest button").first.click()
    assert reader.complaints == []


@pytest.mark.parametrize("reader", SCREENS, ids=words, indirect=True)
async def test_map__pages_are_sound_on_every_screen(reader: Reader) -> None:
    page = await begun(reader)
    for path in (page.url.removeprefix(reader.site.address), "/maps"):
        await reader.open(path)
        width = page.viewport_size["width"] if page.viewport_size else 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, (
            "the page scrolls sideways"
        )
        await page.evaluate(AXE.read_text("utf-8"))
        found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
        assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []
    assert reader.complaints == []
