"""A ward's shared PC in a real browser: people change places by PIN, and come back within the page they were writing."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import expect

from browser.test_pages import AXE, RULES
from callers import give_all
from hsba.access import accounts
from hsba.ops import accounts as keeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from browser.conftest import Reader, Site

PASSWORD = "Hoa-súng-03-trắng"
PINS = {"dd.mai": "482915", "bs.hung": "730164"}
NAMES = {"dd.mai": "ĐD. Trần Thị Mai", "bs.hung": "BS. Lý Văn Hùng"}
KEEPER = "qt.phuc"
STRANGER = {"known": False}
NOTE = "Người bệnh tỉnh, tiếp xúc tốt.\nMạch 82, huyết áp 120/80."

FORM = """(() => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/notes/new";
  form.id = "note";
  form.innerHTML = '<label for="words">Diễn biến</label><textarea id="words" name="words"></textarea><button>Lưu</button>';
  document.querySelector("main").prepend(form);
})()"""
"""A form as the pages that take notes will have; none does yet."""


@asynccontextmanager
async def owner(site: Site) -> AsyncIterator[Any]:
    tx = await asyncpg.connect(site.owner)
    try:
        yield tx
    finally:
        await tx.close()


@pytest_asyncio.fixture(loop_scope="session")
async def people(site: Site) -> None:
    """Two who work in the ward, and an administrator."""
    now = datetime.now(UTC)
    async with owner(site) as tx:
        known = {one.login for one in await accounts.every(tx)}
        for login, name in NAMES.items() - {(login, NAMES.get(login)) for login in known}:
            await accounts.create(tx, now, login, "staff", name, password=PASSWORD, must_change=False)
            await give_all(tx, login)
        if KEEPER not in known:
            await accounts.create(
                tx, now, KEEPER, "administrator", "QT. Võ Phúc", password=PASSWORD, must_change=False
            )
            await keeping.give(tx, KEEPER, ["administrator"])
        await tx.execute("DELETE FROM access.pin")
        await tx.execute(
            "UPDATE access.workstation SET revoked = now(), revoked_by = 'test' WHERE revoked IS NULL"
        )


async def log_in(page: Page, login: str) -> None:
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await expect(page.locator("#password")).to_have_count(0)


async def set_pin(page: Page, site: Site, login: str) -> None:
    await page.goto(site.address + "/account/pin")
    await page.fill("#pin", PINS[login])
    await page.fill("#again", PINS[login])
    await page.press("#again", "Enter")
    await expect(page.locator("#h-pin .tag")).to_be_visible()
    await page.wait_for_load_state()


async def at_workstation(reader: Reader, name: str = "Nội 2 · PC 1") -> Page:
    """This browser, made a workstation by an administrator who has left."""
    page = await reader.open("/workstation")
    await log_in(page, KEEPER)
    await page.goto(reader.site.address + "/workstation")
    await page.fill("#name", name)
    await page.select_option("#department", index=1)
    await page.get_by_role("button", name="Đăng ký máy này").click()
    await expect(page.locator("main")).to_contain_text(name)
    await page.goto(reader.site.address + "/account")
    await page.locator("main").get_by_role("button", name="Đăng xuất", exact=True).click()
    return page


async def ended(site: Site, login: str) -> None:
    """Let as much time pass for the server as ends an idle session."""
    async with owner(site) as tx:
        await tx.execute(
            "UPDATE access.session s SET last_seen = now() - interval '16 minutes' FROM access.account a"
            " WHERE a.id = s.account AND a.login = $1",
            login,
        )
    await asyncio.sleep(1.1)  # a process remembers a caller for a second


async def sound(page: Page) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], page.url


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_switch__two_people_change_places_and_find_their_pages_again(
    people: None, reader: Reader
) -> None:
    page = await at_workstation(reader)
    site = reader.site
    await log_in(page, "dd.mai")
    await set_pin(page, site, "dd.mai")
    await reader.open("/patients/{patient}")
    patient = await page.locator("h1.name").inner_text()
    await page.keyboard.press("F4")
    await expect(page.locator("#cover")).to_be_visible()
    await expect(page.locator("h1.name")).not_to_be_visible()
    await page.get_by_role("link", name="Người khác").click()
    await page.get_by_role("link", name="Tên và mật khẩu").click()
    await log_in(page, "bs.hung")
    await set_pin(page, site, "bs.hung")
    await page.get_by_role("button", name="Khóa màn hình").click()
    await page.get_by_role("link", name="Người khác").click()

    await page.get_by_role("link", name=NAMES["dd.mai"]).click()
    await page.fill("#pin", "999181")
    await page.press("#pin", "Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Mã PIN không đúng")
    await page.fill("#pin", PINS["dd.mai"])
    await page.press("#pin", "Enter")

    await expect(page.locator("h1.name")).to_have_text(patient)
    await expect(page.locator("a.me")).to_have_text(NAMES["dd.mai"])
    await expect(page.locator(".station")).to_have_text("Nội 2 · PC 1")


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_lock__is_undone_in_the_page_by_pin_and_nothing_written_is_lost(
    people: None, reader: Reader
) -> None:
    page = await at_workstation(reader)
    await log_in(page, "dd.mai")
    await set_pin(page, reader.site, "dd.mai")
    await page.evaluate(FORM)
    await page.fill("#words", NOTE)
    await page.keyboard.press("F4")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.locator("#cover")).to_be_visible()
    await sound(page)
    await page.fill("#cover-typed", "999181")
    await page.press("#cover-typed", "Enter")
    await expect(page.locator("#cover [role=alert]")).to_contain_text("Mã PIN không đúng")

    await page.fill("#cover-typed", PINS["dd.mai"])
    await page.press("#cover-typed", "Enter")

    await expect(page.locator("#cover")).not_to_be_visible()
    await expect(page.locator("#words")).to_have_value(NOTE)


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_idle__covers_the_page_by_itself(people: None, reader: Reader) -> None:
    await reader.page.clock.install()
    page = await at_workstation(reader)
    await log_in(page, "dd.mai")
    await page.goto(reader.site.address + "/patients")
    await page.clock.fast_forward(14 * 60 * 1000)
    await page.mouse.move(50, 50)
    await page.clock.fast_forward(14 * 60 * 1000)
    await expect(page.locator("#cover")).not_to_be_visible()

    await page.clock.fast_forward(2 * 60 * 1000)

    await expect(page.locator("#cover")).to_be_visible()
    await expect(page.locator("h1")).not_to_be_visible()
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Màn hình đang khóa")


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_idle__form_that_met_an_ended_session_is_sent_after_the_password(
    people: None, reader: Reader
) -> None:
    page = await reader.open("/patients")
    await log_in(page, "bs.hung")
    await page.evaluate(FORM)
    await page.fill("#words", NOTE)
    await ended(reader.site, "bs.hung")
    sent: list[str] = []
    page.on(
        "request",
        lambda one: (
            sent.append(one.post_data or "")
            if one.url.endswith("/notes/new") and one.method == "POST"
            else None
        ),
    )

    await page.click("#note button")
    await expect(page.locator("#cover")).to_be_visible()
    assert sent == []
    await page.fill("#cover-typed", "sai")
    await page.press("#cover-typed", "Enter")
    await expect(page.locator("#cover [role=alert]")).to_contain_text("không đúng")
    await page.fill("#cover-typed", PASSWORD)
    await page.press("#cover-typed", "Enter")

    await expect(page).to_have_url(re.compile("/notes/new$"))
    assert len(sent) == 1
    assert "120%2F80" in sent[0]


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_idle__a_fragment_that_met_an_ended_session_comes_after_the_password(
    people: None, reader: Reader
) -> None:
    page = await reader.open("/find")
    await log_in(page, "bs.hung")
    await ended(reader.site, "bs.hung")
    await page.locator("#q").press_sequentially("nguyen", delay=20)
    await expect(page.locator("#cover")).to_be_visible()

    await page.fill("#cover-typed", PASSWORD)
    await page.press("#cover-typed", "Enter")

    await expect(page.locator("#cover")).not_to_be_visible()
    await expect(page.locator("#results [role=status]")).to_contain_text("người khớp")


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_switch__what_stands_in_a_covered_page_waits_for_its_person(
    people: None, reader: Reader
) -> None:
    page = await at_workstation(reader)
    await log_in(page, "bs.hung")
    await set_pin(page, reader.site, "bs.hung")
    await page.goto(reader.site.address + "/patients")
    await page.evaluate(FORM)
    await page.fill("#words", NOTE)
    await page.keyboard.press("F4")
    await page.get_by_role("link", name="Người khác").click()
    await page.get_by_role("link", name="Tên và mật khẩu").click()
    await log_in(page, "dd.mai")
    await page.goto(reader.site.address + "/unsent")
    await expect(page.locator("main")).not_to_contain_text("120/80")
    await page.goto(reader.site.address + "/switch")
    await page.get_by_role("link", name=NAMES["bs.hung"]).click()
    await page.fill("#pin", PINS["bs.hung"])
    await page.press("#pin", "Enter")

    await expect(page.locator("h1")).to_have_text("Chưa gửi")
    await expect(page.locator(".kept")).to_contain_text("Mạch 82, huyết áp 120/80.")


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_revoke__asks_in_the_page_who_it_is(people: None, reader: Reader) -> None:
    page = await at_workstation(reader, "Nội 2 · PC 7")
    await page.goto(reader.site.address + "/login")
    await log_in(page, KEEPER)
    await page.goto(reader.site.address + "/admin/workstations")
    await sound(page)
    await page.get_by_role("button", name="Thu hồi").click()
    await expect(page.get_by_role("heading", name="Xác nhận đúng là bạn")).to_be_visible()
    await page.get_by_role("button", name="Thôi").click()
    await expect(page.locator("tbody")).to_contain_text("Nội 2 · PC 7")

    await page.get_by_role("button", name="Thu hồi").click()
    await page.fill("#cover-typed", PASSWORD)
    await page.press("#cover-typed", "Enter")

    await expect(page.locator("h1")).to_have_text("Đăng nhập")  # it was this very PC
    async with owner(reader.site) as tx:
        assert (
            await tx.fetchval("SELECT revoked_by FROM access.workstation WHERE name = 'Nội 2 · PC 7'")
            == KEEPER
        )


@pytest.mark.parametrize(
    "reader",
    [{**STRANGER, "size": "phone"}, {**STRANGER, "color_scheme": "dark", "java_script_enabled": True}],
    ids=["phone", "dark"], indirect=True,
)  # fmt: skip
async def test_page__of_the_ward_is_sound(people: None, reader: Reader) -> None:
    page = await at_workstation(reader)
    site = reader.site
    await log_in(page, "dd.mai")
    await set_pin(page, site, "dd.mai")
    await sound(page)
    await page.goto(site.address + "/switch")
    await sound(page)
    await page.locator(".shift a").click()
    await sound(page)
    await page.goto(site.address + "/patients")
    await page.evaluate(
        "fetch('/lock', {method: 'POST', body: new URLSearchParams(), headers: {'hsba-script': '1'}})"
    )
    await page.goto(site.address + "/lock")
    await sound(page)


@pytest.mark.parametrize(
    "reader", [{**STRANGER, "java_script_enabled": False}], ids=["no-script"], indirect=True
)
async def test_no_script__people_lock_and_change_places(people: None, reader: Reader) -> None:
    page = await at_workstation(reader)
    site = reader.site
    await log_in(page, "bs.hung")
    await set_pin(page, site, "bs.hung")
    await page.goto(site.address + "/patients?p=1")
    await page.get_by_role("button", name="Khóa màn hình").click()
    await expect(page.locator("h1")).to_have_text("Màn hình đang khóa")
    await page.get_by_role("link", name="Người khác").click()
    await page.get_by_role("link", name=NAMES["bs.hung"]).click()
    await page.fill("#pin", PINS["bs.hung"])
    await page.press("#pin", "Enter")

    await expect(page).to_have_url(site.address + "/patients?p=1")
