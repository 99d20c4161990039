"""Forms in a real browser: written by keyboard and by thumb, nothing lost, two writers, sound pages."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.async_api import Error, expect

from browser.test_pages import AXE, RULES, words

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from browser.conftest import Reader

STAY = "/patients/{patient}/encounters/{visit}/sheets"
BOTH = [{"size": "desktop"}, {"size": "phone"}]


async def sound(page: Page) -> None:
    """No violation, and nothing beside the screen."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []


def at(slug: str, part: str, *, entry: bool = False) -> str:
    """A part of a sheet of its own."""
    return f"{STAY}/{slug}/{uuid4()}/{part}" + (f"/{uuid4()}" if entry else "")


async def saved(page: Page) -> None:
    """Wait until the server has what was typed."""
    await expect(page.locator("#state")).to_contain_text("trên máy chủ")


async def killed(page: Page) -> None:
    """End the page as a crash does: nothing of it runs any more."""
    with suppress(Error):
        await page.goto("chrome://crash", timeout=3000)


@dataclass
class Line:
    """The line to the server, as far as drafts go."""

    cut: bool = True

    async def take(self, route: Route) -> None:
        """Lose the request, or let it through."""
        await (route.abort() if self.cut else route.continue_())


async def cut(page: Page) -> Line:
    """Cut the line for every page of this browser."""
    line = Line()
    await page.context.route(re.compile("/_(draft|hold)$"), line.take)
    return line


async def begin(reader: Reader, slug: str) -> Page:
    """From the visit to a new sheet, as people go."""
    page = await reader.open("/patients/{patient}/encounters/{visit}")
    await page.get_by_role("link", name="Bệnh án và tờ phiếu").click()
    await page.locator(f'button[value="{slug}"]').click()
    await page.wait_for_url(f"**/{slug}/**")
    return page


@pytest.mark.parametrize("reader", BOTH, ids=words, indirect=True)
async def test_17_bv1__is_written_to_its_end_with_a_killed_tab_in_the_middle(reader: Reader) -> None:
    page = await begin(reader, "17-BV1")
    await page.goto(
        re.sub(r"(/17-BV1/[0-9a-f-]+).*", r"\1/examination", page.url)
    )  # another test may have begun it
    address = page.url

    await page.get_by_label("Lý do vào trạm:").fill("Sốt, ho")
    await page.get_by_label("Quá trình bệnh lý:").fill("Sốt cao 3 ngày,\nho khan")
    await page.get_by_label("Mạch").fill("96")
    await saved(page)

    line = await cut(page)
    await page.get_by_label("Nhiệt độ").fill("38,5")
    await page.get_by_label("Hướng điều trị:").fill("Hạ sốt, theo dõi")
    await expect(page.locator("#state")).to_contain_text("còn trong máy này")
    await killed(page)
    line.cut = False

    page = await page.context.new_page()
    await page.goto(address)
    await expect(page.locator("#state")).to_contain_text(re.compile("Đã lấy lại 2 ô|trên máy chủ"))
    assert await page.get_by_label("Lý do vào trạm:").input_value() == "Sốt, ho"
    assert await page.get_by_label("Quá trình bệnh lý:").input_value() == "Sốt cao 3 ngày,\nho khan"
    assert await page.get_by_label("Nhiệt độ").input_value() == "38,5"
    assert await page.get_by_label("Hướng điều trị:").input_value() == "Hạ sốt, theo dõi"
    await saved(page)

    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#problems")).to_be_focused()
    await expect(page.locator("#problems")).to_contain_text("+ Bệnh chính:".strip("+ :"))
    finder = page.get_by_role("combobox", name="Bệnh chính")
    await finder.fill("J06")
    await page.get_by_role("option").first.click()
    await saved(page)
    if await page.get_by_label("Lý do sửa").count():
        await page.get_by_label("Lý do sửa").fill("Bổ sung")
    await page.get_by_role("button", name="Hoàn thành").click()

    await expect(page.locator("h1")).to_contain_text("17/BV1")
    await expect(page.locator("#part-examination")).to_contain_text("Sốt cao 3 ngày")
    await expect(page.locator("#part-examination .said")).to_contain_text("BS. Lê Thử")
    left = await page.evaluate("localCopies.places(document.getElementById('cover').dataset.login)")
    assert left == []
