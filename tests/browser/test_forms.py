"""Forms in a real browser: written by keyboard and by thumb, nothing lost, two writers, sound pages."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.async_api import Error, expect

from browser.test_pages import AXE, RULES, SCREENS, words

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from browser.conftest import Reader

STAY = "/patients/{patient}/encounters/{visit}/sheets"
MEDICINES = "\n".join(
    f"{name}\t1 viên\tuống" for name in ("Paracetamol 500 mg", "Amoxicilin 500 mg", "Vitamin C", "ORS")
)
PASTE = """(text) => {
  const held = new DataTransfer();
  held.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: held, bubbles: true, cancelable: true}));
}"""
COPIES = """async () => {
  const base = await new Promise((done) => {
    const asked = indexedDB.open("hsba-forms");
    asked.onsuccess = () => done(asked.result);
  });
  return new Promise((done) => {
    const asked = base.transaction("copies").objectStore("copies").getAll();
    asked.onsuccess = () => done(asked.result.map((one) => new TextDecoder().decode(one.sealed)));
  });
}"""
"""What is kept in the browser, as it lies there."""
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
    page = await reader.open(at("17-BV1", "examination"))  # another test may have begun that one
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


@pytest.mark.parametrize("reader", BOTH, ids=words, indirect=True)
async def test_01_bv1__front_page_asks_what_its_conditions_ask_and_boxes_take_digits(reader: Reader) -> None:
    page = await reader.open(at("01-BV1", "reception"))
    first = page.locator("[data-boxes] input:visible").first
    name = await first.get_attribute("name")
    await first.focus()

    await page.keyboard.press("2")
    assert await page.locator(f'input[name="{name}"]:checked').get_attribute("value") == "2"
    assert await page.evaluate("document.activeElement.name") != name
    await page.locator(f'input[name="{name}"]:checked').focus()
    await page.keyboard.press("Backspace")
    assert await page.locator(f'input[name="{name}"][value="2"]').is_checked() is False
    await saved(page)
    assert reader.complaints == []


@pytest.mark.parametrize("reader", BOTH, ids=words, indirect=True)
async def test_01_bv1__examination_is_written_and_completed(reader: Reader) -> None:
    page = await reader.open(at("01-BV1", "examination"))
    for field in await page.locator("textarea[name]").all():
        await field.fill("Không có gì đặc biệt")
    await page.get_by_label("Lý do vào viện:").fill("Đau ngực")
    await page.get_by_role("combobox", name="Bệnh chính").fill("I10")
    await page.get_by_role("option").first.click()
    await saved(page)

    await page.keyboard.press("Control+Enter")

    await expect(page.locator("h1")).to_contain_text("01/BV1")
    await expect(page.locator("article")).to_contain_text("Đau ngực")
    assert reader.complaints == []


@pytest.mark.parametrize("reader", BOTH, ids=words, indirect=True)
async def test_36_bv2__a_note_with_medicines_pasted_from_a_spreadsheet(reader: Reader) -> None:
    page = await reader.open(at("36-BV2", "notes", entry=True))
    when = page.get_by_label("Thời gian")
    await when.fill("2011 745")
    await expect(page.locator("[data-day] .reading").first).to_contain_text(re.compile(r"20/11/\d{4} 07:45"))
    await page.get_by_label("S:").fill("Đỡ đau")
    cell = page.locator('[name="note.medicines.0.note.medicines.name"]')
    await cell.focus()
    await page.evaluate(PASTE, MEDICINES)
    await expect(page.locator("#paste")).to_contain_text("Amoxicilin 500 mg")
    await page.get_by_role("button", name="Dán vào bảng").click()
    assert await page.locator('[name="note.medicines.3.note.medicines.name"]').input_value() == "ORS"
    await page.get_by_role("button", name="Thêm dòng").click()
    assert await page.evaluate("document.activeElement.name") == "note.medicines.4.note.medicines.name"
    await page.get_by_label("III", exact=True).check()
    await saved(page)
    await sound(page)

    await page.get_by_role("button", name="Hoàn thành").click()

    await expect(page.locator("article")).to_contain_text("Amoxicilin 500 mg")
    await expect(page.locator("article .said")).to_contain_text(["BS. Lê Thử"])
    assert reader.complaints == []


@pytest.mark.parametrize("reader", SCREENS, ids=words, indirect=True)
async def test_pages_of_forms__are_sound(reader: Reader) -> None:
    for path in (
        "/forms",
        "/forms/17-BV1",
        "/forms/phrases",
        STAY,
        at("17-BV1", "examination"),
        at("14-BV1", "examination"),
    ):
        page = await reader.open(path)
        assert await page.locator("h1").count() == 1
        await sound(page)
    assert reader.complaints == []


async def test_draft__waits_off_line_and_goes_when_the_line_is_back(reader: Reader) -> None:
    page = await reader.open(at("17-BV1", "examination"))
    line = await cut(page)
    await page.get_by_label("Lý do vào trạm:").fill("Sốt")
    await expect(page.locator("#state")).to_contain_text("còn trong máy này")
    kept = await page.evaluate(COPIES)
    assert kept
    assert all("Sốt" not in one for one in kept), "the copy in the browser is not encrypted"
    await page.get_by_role("button", name="Hoàn thành").click()
    await expect(page.get_by_label("Lý do vào trạm:")).to_have_value("Sốt")

    line.cut = False
    await page.evaluate("dispatchEvent(new Event('online'))")

    await saved(page)


async def test_phrase__is_offered_and_chosen_by_keyboard(reader: Reader) -> None:
    page = await reader.open("/forms/phrases")
    await page.get_by_label("Chữ tắt").fill("sot")
    await page.get_by_label("Nội dung").fill("Người bệnh sốt, đã lau mát")
    await page.get_by_role("button", name="Lưu câu mẫu").click()
    await expect(page.locator(".sheets")).to_contain_text(";sot")
    page = await reader.open(at("17-BV1", "examination"))
    field = page.get_by_label("Quá trình bệnh lý:")
    await field.press_sequentially("Sáng nay ;so", delay=20)
    await expect(page.locator("#phrases [role=option]").first).to_be_visible()

    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")

    await expect(field).to_have_value("Sáng nay Người bệnh sốt, đã lau mát")
    await saved(page)
    assert reader.complaints == []


async def test_composing__is_not_disturbed_and_kept(reader: Reader) -> None:
    page = await reader.open(at("17-BV1", "examination"))
    field = page.get_by_label("Lý do vào trạm:")
    await field.fill("")
    session = await page.context.new_cdp_session(page)
    await session.send("Input.imeSetComposition", {"text": "sôt", "selectionStart": 3, "selectionEnd": 3})
    await session.send("Input.insertText", {"text": "sốt"})

    await expect(field).to_have_value("sốt")
    await saved(page)
