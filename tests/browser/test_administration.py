"""Administration in a real browser: an account, its role, the patient it then sees; and a role changed line by line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import expect

from browser.test_pages import AXE, RULES
from hsba.access import accounts
from hsba.access.problems import BadAccount

if TYPE_CHECKING:
    from playwright.async_api import Page

    from browser.conftest import Reader

SECOND = "quan.tri.hai"
LOGIN, PASSWORD = "quan.tri", "Hồ-sen-4-mùa-nở"
OWN = "Cửa-sổ-2-cánh-xanh"
STRANGER = {"known": False}


@pytest_asyncio.fixture(loop_scope="session")
async def room(reader: Reader) -> Reader:
    """An administrator who has logged in; there is a second one."""
    tx = await asyncpg.connect(reader.site.owner)
    now = datetime.now(UTC)
    try:
        for login, name in ((LOGIN, "Vũ Quốc Bình"), (SECOND, "Lê Thị Hai")):
            await accounts.create(tx, now, login, "administrator", name, password=PASSWORD, must_change=False)
    except BadAccount:
        pass  # they are there from the test before
    finally:
        await tx.close()
    await log_in(await reader.open("/login"), LOGIN, PASSWORD)
    return reader


async def log_in(page: Page, login: str, password: str) -> None:
    await page.fill("#login", login)
    await page.fill("#password", password)
    await page.press("#password", "Enter")
    await page.wait_for_url(lambda url: "/login" not in url)


@pytest.mark.parametrize(
    "reader",
    [STRANGER, {**STRANGER, "size": "phone", "java_script_enabled": False}],
    ids=["desk", "phone-no-script"],
    indirect=True,
)
async def test_account__is_made_given_a_role_and_sees_a_patient(
    room: Reader, request: pytest.FixtureRequest
) -> None:
    login = f"ha.{request.node.callspec.id.replace('-', '.')}"
    page = room.page
    await expect(page.locator("h1")).to_contain_text("Quản trị")

    await page.goto(room.site.address + "/admin/accounts/new")
    await page.get_by_label("Tên hiển thị").fill("ĐD. Phạm Thu Hà")
    await page.get_by_label("Tên đăng nhập").fill(login)
    await page.keyboard.press("Enter")
    password = await page.locator(".secret").nth(1).inner_text()
    await page.get_by_role("link", name="Đã giao xong").click()
    await page.get_by_role("combobox", name="Vai trò").select_option("planning")
    await page.locator("#f-to").fill("2099-12-31")
    await page.get_by_role("button", name="Cấp vai trò").click()
    await expect(page.locator("table").first).to_contain_text("31/12/2099")

    await page.context.clear_cookies()
    await log_in(await room.open("/login"), login, password)
    await page.fill("#old", password)
    await page.fill("#new", OWN)
    await page.fill("#again", OWN)
    async with page.expect_navigation():
        await page.press("#again", "Enter")
    await expect(page.locator("a.me")).to_have_text("ĐD. Phạm Thu Hà")
    await room.open("/patients/{patient}")
    await expect(page.locator(".banner .name")).to_be_visible()
    await page.goto(room.site.address + "/admin")
    await expect(page.locator(".problem")).to_contain_text("NotAdministrator")


@pytest.mark.parametrize("reader", [STRANGER], ids=["desk"], indirect=True)
async def test_role__is_copied_and_a_line_of_it_changed_when_a_second_person_approves(room: Reader) -> None:
    page = await room.open("/admin/roles/nurse")
    await page.get_by_label("Tiêu đề").fill("Điều dưỡng trực đêm")
    await page.get_by_label("Tên trong dữ liệu").fill("night-nurse")
    await page.get_by_role("button", name="Chép").click()
    await page.get_by_role("link", name="Sửa dòng 2").click()
    await expect(page.get_by_label("người bệnh đang ở đó, hoặc rời đi chưa quá:")).to_be_checked()
    await page.get_by_label("Bao lâu").fill("2")
    await page.get_by_label("Đơn vị").select_option("d")
    await page.get_by_label("in", exact=True).check()
    await page.get_by_role("button", name="Xem sẽ thay đổi gì").click()
    await expect(page.locator("main")).to_contain_text("rời khoa chưa quá 2 ngày")
    await page.get_by_role("button", name="Lưu").click()

    await expect(page.locator("h1")).to_contain_text("Điều dưỡng trực đêm")
    await expect(page.locator(".rules > li.comes")).to_contain_text("xem, in:")
    await expect(page.get_by_role("button", name="Duyệt")).to_have_count(0)
    proposal = page.url
    await page.context.clear_cookies()
    await log_in(await room.open("/login"), SECOND, PASSWORD)
    await page.goto(proposal)
    await page.get_by_role("button", name="Duyệt").click()
    await expect(page.locator("tbody tr", has_text="Điều dưỡng trực đêm").first).to_contain_text("đã duyệt")
    await page.get_by_role("link", name="Vai trò", exact=True).first.click()
    await page.get_by_role("link", name="Điều dưỡng trực đêm").click()
    await expect(page.locator(".rules > li").nth(1)).to_contain_text("xem, in:")
    await expect(page.locator(".rules > li").nth(1)).to_contain_text("rời khoa chưa quá 2 ngày")
    await page.keyboard.press("F2")
    await page.wait_for_url("**/admin/accounts")
    await page.keyboard.press("F2")
    await page.keyboard.type("quoc binh")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)


PAGES = [
    "/admin",
    "/admin/accounts",
    "/admin/accounts/new",
    "/admin/accounts/import",
    "/admin/accounts/1",
    "/admin/roles",
    "/admin/roles/doctor",
    "/admin/roles/sound/lines/2",
    "/admin/roles/sound/lines/2/remove",
    "/admin/proposals",
    "/admin/proposals/{proposal}",
    "/admin/grants",
    "/admin/ask?account=thu.nghiem&act=view&type=Observation",
    "/admin/apps",
    "/admin/apps/new",
    "/admin/changes",
]


async def proposed(room: Reader, page: Page) -> str:
    """Propose another title for the copied role; answers the proposal's number."""
    await room.open("/admin/roles/sound")
    if await page.locator("#f-renamed").count():
        await page.locator("#f-renamed").fill("Bác sĩ thử lại")
        async with page.expect_navigation():
            await page.locator("section:has(#h-role) button").first.click()
    else:  # the test before has proposed it
        await page.locator(".notice a[href^='/admin/proposals/']").click()
    return page.url.rpartition("/")[2]


@pytest.mark.parametrize(
    "reader",
    [{**STRANGER, "size": "phone"}, {**STRANGER, "color_scheme": "dark"}],
    ids=["phone", "dark"],
    indirect=True,
)
async def test_page__of_administration_is_sound(room: Reader) -> None:
    page = await room.open("/admin/roles/doctor")
    await page.get_by_label("Tiêu đề").fill("Bác sĩ thử")
    await page.get_by_label("Tên trong dữ liệu").fill("sound")
    async with page.expect_navigation():  # the form goes after the page has asked whether the session lasts
        await page.get_by_role("button", name="Chép").click()  # 409 where the test before made it
    proposal = await proposed(room, page)
    width = page.viewport_size["width"] if page.viewport_size else 0
    room.complaints.clear()
    for path in PAGES:
        page = await room.open(path.replace("{proposal}", proposal))
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert await page.title() != "HSBA", path
        await page.evaluate(AXE.read_text("utf-8"))
        found = await page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
        assert [one["id"] for one in found["violations"]] == [], path
    assert [one for one in room.complaints if "409" not in one] == []
