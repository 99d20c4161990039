"""The finder of codes by keyboard alone, on a telephone, and without script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from browser.test_pages import AXE, RULES, SCREENS, words

if TYPE_CHECKING:
    from browser.conftest import Reader


async def test_codes__are_found_and_chosen_by_keyboard_alone(reader: Reader) -> None:
    page = await reader.open("/codes")
    finder = page.locator("#q")
    await expect(finder).to_be_focused()

    await page.keyboard.type("viem ruot thua", delay=20)
    await expect(page.get_by_role("listbox")).to_be_visible()
    await expect(finder).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")

    chosen = page.locator('[role=option][aria-selected="true"]')
    await expect(chosen).to_have_count(1)
    assert await finder.get_attribute("aria-activedescendant") == await chosen.get_attribute("id")
    await expect(finder).to_be_focused()
    code = await chosen.get_attribute("data-code")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(rf"/codes\?list=vn-icd10&code={code}$"))
    await expect(page.locator(".codecard h2")).to_contain_text(code or "?")
    assert reader.complaints == []


async def test_codes__esc_closes_the_list_and_then_empties_the_field(reader: Reader) -> None:
    page = await reader.open("/codes")
    await page.keyboard.type("suyen", delay=20)
    await expect(page.get_by_role("option").first).to_be_visible()

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("option")).to_have_count(0)
    assert await page.locator("#q").input_value() == "suyen"
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option").first).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")

    assert await page.locator("#q").input_value() == ""


@pytest.mark.parametrize("reader", SCREENS, ids=words, indirect=True)
async def test_codes__page_is_sound_with_choices_open(reader: Reader) -> None:
    page = await reader.open("/codes?list=vn-icd10&code=G63.2&use=main&sex=male")
    await expect(page.locator(".codecard .warned").first).to_contain_text("không được làm bệnh chính")
    await page.locator("#q").fill("tha")
    await page.locator("#q").press("ArrowDown")
    await expect(page.get_by_role("option").first).to_be_visible()

    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []
    assert reader.complaints == []


@pytest.mark.parametrize("reader", [{"size": "phone"}], ids=words, indirect=True)
async def test_codes__a_finger_chooses_on_a_telephone(reader: Reader) -> None:
    page = await reader.open("/codes")
    await page.locator("#q").fill("tha")
    option = page.get_by_role("option").first
    await expect(option).to_contain_text("I10")
    box = await option.bounding_box()
    assert box is not None
    assert box["height"] >= 44

    await option.click()

    await expect(page.locator(".codecard h2")).to_contain_text("I10")


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], ids=words, indirect=True)
async def test_codes__without_script_the_page_answers_with_links(reader: Reader) -> None:
    page = await reader.open("/codes")
    await page.get_by_label("Tra cứu mã").fill("tha")
    await page.get_by_role("button", name="Tìm").click()
    await page.locator(".codes a").first.click()

    await expect(page.locator(".codecard h2")).to_contain_text("I10")
