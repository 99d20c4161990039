"""Every page in a real browser: at a desk and on a telephone, by day and by night, by keyboard, on paper."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from browser.conftest import Reader

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

PAGES = {
    "/": "Bệnh viện",
    "/find?q=nguyen": "Người bệnh",
    "/patients": "Người bệnh",
    "/patients/{patient}": "",
    "/patients/{patient}?tab=timeline": "",
    "/patients/{patient}?tab=results": "",
    "/patients/{patient}?tab=results&code=pulse": "",
    "/patients/{patient}?tab=medicines": "",
    "/patients/{patient}?tab=documents": "",
    "/patients/{patient}/encounters/{visit}": "Nội trú",
    "/patients/{patient}/resources/Encounter/{visit}": "Encounter",
    "/patients/nobody": "Không có gì ở địa chỉ này",
    "/no/such/page": "Không có gì ở địa chỉ này",
}
"""Each page and the words its heading begins with."""

SCREENS = [
    {"size": size, "color_scheme": scheme} for size in ("desktop", "phone") for scheme in ("light", "dark")
]
KEY_PAGES = ("/", "/patients/{patient}", "/patients/{patient}/encounters/{visit}")
"""Pages looked at on all four screens; the others at a desk by day and on a telephone by night."""

LOOKS = [
    (screen, path) for screen in SCREENS for path in PAGES if path in KEY_PAGES or screen in SCREENS[::3]
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FIRST_VISIT = 110 * 1024
LATER_VISIT = 25 * 1024


def words(value: Any) -> str | None:
    return "-".join(str(one) for one in value.values()) if isinstance(value, dict) else None


@pytest.mark.parametrize("reader,path", LOOKS, ids=words, indirect=["reader"])
async def test_page__is_sound_on_every_screen(reader: Reader, path: str) -> None:
    page = await reader.open(path)

    assert await page.locator("h1").count() == 1
    assert (await page.locator("h1").inner_text()).startswith(PAGES[path])
    assert (await page.title()).count("·") >= 1
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]] == []
    refused = "404" if PAGES[path].startswith("Không có gì") else None
    assert [text for text in reader.complaints if not (refused and refused in text)] == []


@pytest.mark.parametrize("reader", SCREENS[::3], ids=words, indirect=True)
async def test_targets__are_large_enough_to_be_touched(reader: Reader) -> None:
    page = await reader.open("/patients/{patient}")
    small = await page.evaluate(
        """() => [...document.querySelectorAll('a, button, summary, input')]
          .filter((one) => one.offsetParent !== null && !one.closest('p, li:not(.visit), td, th, dd, .skip'))
          .map((one) => [one.textContent.trim().slice(0, 30), one.getBoundingClientRect().height])
          .filter(([, height]) => height < 24)"""
    )

    assert small == []


async def test_finder__answers_while_one_types_and_opens_by_keyboard(reader: Reader) -> None:
    page = await reader.open("/find")
    await page.keyboard.press("F2")
    await page.keyboard.type("nguyen", delay=20)
    await expect(page.locator("#results [role=status]")).to_contain_text("người khớp")
    await expect(page).to_have_url(re.compile(r"/find\?q=nguyen$"))
    name = await page.locator("#results .people .name").first.inner_text()

    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")

    await expect(page.locator("h1.name")).to_have_text(re.compile(re.escape(name.split("≈")[0].strip())))
    await page.go_back()
    await expect(page.locator("#results .people li").first).to_be_visible()
    assert reader.complaints == []


async def test_finder__on_the_first_page_keeps_the_address_and_clears(reader: Reader) -> None:
    page = await reader.open("/")
    finder = page.locator("#q")
    await expect(finder).to_be_focused()
    await finder.press_sequentially("tran", delay=20)
    await expect(page.locator("#results .people li").first).to_be_visible()

    await finder.fill("")

    await expect(page.locator("#results .people")).to_have_count(0)
    assert page.url.rstrip("/") == reader.site.address


async def test_finder__waits_for_a_letter_that_is_still_being_composed(reader: Reader) -> None:
    page = await reader.open("/find")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "_results" in request.url else None)
    await page.evaluate(
        """() => {
          const box = document.getElementById('q');
          box.value = 'hoà';
          box.dispatchEvent(new InputEvent('input', {isComposing: true, bubbles: true}));
        }"""
    )
    await page.wait_for_timeout(500)
    assert asked == []

    await page.evaluate(
        "document.getElementById('q').dispatchEvent(new CompositionEvent('compositionend', {bubbles: true}))"
    )

    await expect(page).to_have_url(re.compile(r"/find\?q=ho%C3%A0$"))


async def test_keys__skip_link_tabs_and_finder(reader: Reader) -> None:
    page = await reader.open("/patients/{patient}")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()

    await page.keyboard.press("Alt+3")
    await expect(page).to_have_url(re.compile(r"tab=results$"))
    await expect(page.locator(".tabs [aria-current=page]")).to_have_text("Kết quả")
    await page.keyboard.press("F2")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type("le")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/find\?q=le$"))


async def test_keys__everything_that_can_be_pressed_can_be_reached(reader: Reader) -> None:
    page = await reader.open("/patients/{patient}")
    wanted = await page.locator("main a:visible").count()
    reached = set()
    for _ in range(wanted + 40):
        await page.keyboard.press("Tab")
        at = await page.evaluate("[...document.querySelectorAll('main a')].indexOf(document.activeElement)")
        if at >= 0:
            reached.add(at)
            hidden = await page.evaluate(
                """() => {
                  const at = document.activeElement;
                  const box = at.getBoundingClientRect();
                  const bar = document.querySelector('.banner').getBoundingClientRect();
                  return !at.closest('.banner') && box.bottom <= bar.bottom && box.top >= bar.top;
                }"""
            )
            assert not hidden, "focus is hidden under the banner"

    assert len(reached) == wanted


@pytest.mark.parametrize("reader", [{"java_script_enabled": False}], ids=["no-script"], indirect=True)
async def test_no_script__finding_reading_and_turning_pages_work(reader: Reader) -> None:
    page = await reader.open("/")
    await page.locator("#q").fill("nguyen")
    await page.locator(".finder button").click()
    await page.locator(".people a").first.click()
    assert await page.locator("h1.name").count() == 1
    for title in ("Diễn biến", "Kết quả", "Thuốc", "Hồ sơ", "Tóm tắt"):
        await page.locator(".tabs a", has_text=title).click()
        assert (await page.locator(".tabs [aria-current=page]").inner_text()).startswith(title)
    await page.goto(reader.site.address + "/patients")
    first = await page.locator(".people .name").first.inner_text()
    await page.locator("a[rel=next]").click()
    assert await page.locator(".people .name").first.inner_text() != first


async def test_language_and_colours__are_kept_from_page_to_page(reader: Reader) -> None:
    page = await reader.open("/patients/{patient}?tab=results")
    await page.locator(".prefs a[hreflang=en]").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page).to_have_url(re.compile(r"\?tab=results$"))
    await expect(page.locator(".tabs [aria-current=page]")).to_have_text("Results")

    await page.locator(".prefs a").last.click()
    await page.goto(reader.site.address + "/patients")

    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("h1")).to_have_text("Patients")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 23)"


async def test_patient__opens_visit_result_and_raw_view_by_links(reader: Reader) -> None:
    page = await reader.open("/patients/{patient}")
    name = await page.locator("h1.name").inner_text()
    await page.locator(".line .now a").first.click()
    await expect(page.locator("h1")).to_contain_text("Nội trú")
    await expect(page.locator(".banner .name")).to_have_text(name)
    await page.locator("#vitals td a").first.click()
    await expect(page.locator("h1")).to_contain_text("Observation")
    await expect(page.locator(".json")).to_contain_text('"resourceType": "Observation"')
    await page.locator(".json a", has_text="Patient/").first.click()
    await expect(page.locator("h1")).to_contain_text("Patient")
    for _ in range(3):
        await page.go_back()
    await expect(page.locator("h1.name")).to_have_text(name)


async def test_print__name_allergy_and_practice_mark_are_on_the_paper(reader: Reader, tmp_path: Path) -> None:
    page = await reader.open("/patients/{patient}/encounters/{visit}")
    name = await page.locator(".banner .name").inner_text()
    await page.emulate_media(media="print")
    assert not await page.locator(".tabs").first.is_visible()
    assert not await page.locator(".prefs").is_visible()
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await page.pdf(path=tmp_path / "visit.pdf", format="A4")

    program = ("pdftotext", str(tmp_path / "visit.pdf"), "-")
    reading = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    read, _ = await reading.communicate()
    text = " ".join(read.decode().upper().split())
    for wanted in (name, "DỮ LIỆU TẬP", "Dị ứng", "Dấu hiệu sinh tồn", "in lúc"):
        assert wanted.upper() in text


@pytest.mark.parametrize("reader", [{"color_scheme": "dark"}], ids=["dark"], indirect=True)
async def test_print__is_black_on_white_by_night_too(reader: Reader) -> None:
    page = await reader.open("/patients/{patient}")
    await page.emulate_media(media="print")
    colours = await page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )

    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert await page.locator(".banner .ids").is_visible()


async def test_weight__first_visit_and_later_ones_stay_within_the_budget(reader: Reader) -> None:
    async def weigh(path: str) -> dict[str, int]:
        answered: list[Any] = []

        def note(request: Any) -> None:
            answered.append(request)

        reader.page.on("requestfinished", note)
        await (await reader.open(path)).wait_for_load_state("networkidle")
        reader.page.remove_listener("requestfinished", note)
        sizes = {request.url: await request.sizes() for request in answered}
        return {url: size["responseBodySize"] + size["responseHeadersSize"] for url, size in sizes.items()}

    first = await weigh("/patients/{patient}")
    later = sum(
        size
        for url, size in (await weigh("/patients/{patient}?tab=results")).items()
        if "/assets/" not in url
    )

    print(f"first visit {sum(first.values()) / 1024:.1f} KB, a tab {later / 1024:.1f} KB")
    assert any(url.partition("?")[0].endswith(".woff2") for url in first)
    assert sum(first.values()) <= FIRST_VISIT, first
    assert later <= LATER_VISIT
