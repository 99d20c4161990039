"""The administrators' room through the real door: who may come in, accounts, grants, and what nobody does to himself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from acceptance.administering import PASSWORD, Room, Told, addresses, furnished
from hsba.access.rights import grants
from hsba.record.context import OPERATOR
from watch import Recording

if TYPE_CHECKING:
    from acceptance.identity import Ward

PAGES, ACTS = addresses("GET"), addresses("POST")
OFFICERS_TOO = ("/approve", "/confirm", "/decline", "/keeper")
"""A security officer decides too (for these here there is nothing to decide), and looks at any house that is his."""


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """An administrator at his browser."""
    return await furnished(ward)


# --- who may come in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
async def test_page__is_for_administrators_only(ward: Ward, path: str) -> None:
    anonymous = await ward.http.get(path)
    answers = {}
    for kind in ("staff", "patient", "technical", "service"):
        await ward.account(kind, kind)
        await ward.log_in(kind)
        answers[kind] = await ward.http.get(path)

    assert (anonymous.status_code, anonymous.headers["location"][:6]) == (303, "/login")
    assert {one.status_code for one in answers.values()} == {403}
    assert all("NotAdministrator" in one.text for one in answers.values())


@pytest.mark.parametrize("path", ACTS)
async def test_act__is_refused_for_everybody_but_administrators(ward: Ward, path: str) -> None:
    told = Told()
    ward.services.identity.witness = told
    anonymous = await ward.http.post(path)
    refusals = {}
    for kind in ("staff", "patient", "security"):
        await ward.account(kind, kind)
        await ward.log_in(kind)
        refusals[kind] = re.findall(
            r"NotAdministrator|OfficerChangesNothing", (await ward.http.post(path)).text
        )

    assert anonymous.status_code == 303
    assert refusals == {
        "staff": ["NotAdministrator"],
        "patient": ["NotAdministrator"],
        "security": [] if path.endswith(OFFICERS_TOO) else ["OfficerChangesNothing"],
    }
    at_the_door = ("NotAdministrator", "OfficerChangesNothing")
    refused = [one for one in told.happenings if one.refused and one.reason in at_the_door]
    assert len(refused) == (2 if path.endswith(OFFICERS_TOO) else 3)


@pytest.mark.parametrize("path", ACTS)
async def test_act__from_another_sites_page_is_refused(room: Room, path: str) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    answer = await room.http.post(path, data={"name": "x", "kind": "administrator"}, headers=headers)

    assert answer.status_code == 403
    assert room.told.happenings == []


@pytest.mark.parametrize("path", PAGES)
async def test_page__that_is_shown_leaves_a_line(room: Room, path: str) -> None:
    trail = room.ward.services.trail
    assert isinstance(trail, Recording)
    before = len(trail.lines)

    answer = await room.http.get(path)

    shown = [act for act, about in trail.lines[before:] if any(one.startswith("admin.") for one in about)]
    assert (answer.status_code, shown) in ((200, ["page"]), (404, []), (409, []))


async def test_officer__reads_the_room_and_changes_nothing(room: Room) -> None:
    await room.ward.account("an.ninh", "security")
    await room.ward.log_in("an.ninh")

    list_, one = await room.get("/accounts"), await room.get(f"/accounts/{await room.number('bs.lan')}")

    assert (list_.status_code, one.status_code) == (200, 200)
    assert "bs.lan" in list_.text
    main = one.text.partition("<main")[2].partition("</main>")[0]
    assert main.count('method="post"') == main.count(
        'action="/admin/keeper"'
    )  # where he looks, and nothing else


async def test_log_in__leads_an_administrator_to_what_is_to_be_set_up(room: Room) -> None:
    entered = await room.ward.log_in("quan.tri")
    page = await room.http.get(entered.headers["location"])

    assert entered.headers["location"] == "/admin"
    assert "Việc cần thiết lập" in page.text
    assert "Người bệnh</a>" not in page.text


# --- accounts ----------------------------------------------------------------------------------------------


async def test_make_account__comes_in_with_the_password_that_is_shown_once(room: Room) -> None:
    form = {
        "name": "ĐD. Phạm Thu Hà",
        "login": "Ha.Pham",
        "kind": "staff",
        "role": "nurse",
        "department": "noi",
    }

    made = await room.post("/accounts/new", **form)
    again = await room.get(f"/accounts/{await room.number('ha.pham')}")
    password = PASSWORD.findall(made.text)[0]
    entered = await room.ward.log_in("ha.pham", password)

    assert made.status_code == 200
    assert password not in again.text
    assert "Điều dưỡng" in again.text
    assert "Khoa Nội" in again.text
    assert entered.status_code == 303
    assert (await room.http.get("/")).headers["location"] == "/password"
    assert room.told.words[:2] == ["account-create", "grant-give"]


async def test_make_account__is_refused_whole_where_its_role_is(room: Room) -> None:
    answer = await room.post("/accounts/new", name="X", login="moi.den", kind="staff", role="khong-co")
    taken = await room.post("/accounts/new", name="X", login="bs.lan", kind="staff")
    bad = await room.post("/accounts/new", name="X", login="../etc", kind="staff")

    assert (answer.status_code, taken.status_code, bad.status_code) == (404, 400, 400)
    assert 'value="../etc"' in bad.text
    assert await room.number("moi.den") is None


async def test_make_account__takes_no_field_that_is_not_in_the_form(room: Room) -> None:
    form = {"login": "moi.den", "name": "Mới", "tenants": "", "roles": "doctor", "must_change": "false",
            "state": "active", "password": "Tôi-tự-đặt-1-mật-khẩu"}  # fmt: skip

    await room.post("/accounts/new", **form)

    tenant = room.ward.services.tenants.get().id
    assert await room.column("moi.den", "tenants") == [tenant]
    assert await room.column("moi.den", "must_change") is True
    assert (await room.ward.log_in("moi.den", "Tôi-tự-đặt-1-mật-khẩu")).status_code == 401


async def test_make_account__of_an_administrator_is_told_by_its_own_word(room: Room) -> None:
    await room.post("/accounts/new", name="Người thứ hai", login="hai", kind="administrator")
    await room.post(f"/accounts/{await room.number('bs.lan')}/change", name="Lan", kind="administrator")

    assert room.told.words == ["administrator-create", "administrator-create", "account-name"]
    assert "administrator" not in (await room.get("/changes")).text
    assert (await room.get("/changes")).text.count("Quản trị") >= 2


async def test_accounts__are_found_without_accents_and_narrowed(room: Room) -> None:
    await room.post("/accounts/new", name="ĐD. Đỗ Thị Hường", login="huong", kind="staff", role="nurse")

    found = await room.get("/accounts?q=do+huong")
    by_role = await room.get("/accounts?role=nurse")
    by_kind = await room.get("/accounts?kind=administrator")

    assert ("Đỗ Thị Hường" in found.text, "bs.lan" in found.text) == (True, False)
    assert ("huong" in by_role.text, "bs.lan" in by_role.text) == (True, False)
    assert ("quan.tri" in by_kind.text, "bs.lan" in by_kind.text) == (True, False)


async def test_close_account__ends_what_is_open_and_opens_again(room: Room) -> None:
    number, token = await room.number("bs.lan"), await room.ward.token("bs.lan")

    await room.post(f"/accounts/{number}/close")
    room.ward.services.identity.forget()
    closed = (
        await room.column("bs.lan", "state"),
        (await room.http.get("/fhir/Patient", headers=token)).status_code,
    )
    await room.post(f"/accounts/{number}/open")

    assert closed == ("disabled", 401)
    assert await room.column("bs.lan", "state") == "active"
    assert [word for word in room.told.words if "token-wrong" not in word] == [
        "account-close",
        "account-open",
    ]


async def test_new_password__lets_the_person_in_again(room: Room) -> None:
    made = await room.post(f"/accounts/{await room.number('bs.lan')}/password")
    password = PASSWORD.findall(made.text)[0]

    assert (await room.ward.log_in("bs.lan")).status_code == 401
    assert (await room.ward.log_in("bs.lan", password)).status_code == 303
    assert room.told.words[0] == "password-reset"


async def test_link_person__is_one_person_one_account(room: Room) -> None:
    number = await room.number("bs.lan")
    await room.post("/accounts/new", name="Lan hai", login="lan.hai", kind="staff")
    found = await room.get(f"/accounts/{number}?q=lan")

    linked = await room.post(f"/accounts/{number}/people", type="Practitioner", person="lan")
    second = await room.post(
        f"/accounts/{await room.number('lan.hai')}/people", type="Practitioner", person="lan"
    )
    odd = await room.post(f"/accounts/{number}/people", type="Group", person="lan")

    assert "Phạm Thu Lan" in found.text
    assert (linked.status_code, second.status_code, odd.status_code) == (303, 409, 400)
    assert "bs.lan" in second.text
    assert room.told.words == ["account-create", "account-person", "✗ account-person", "✗ account-person"]


# --- nobody to himself -------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["change", "close", "open", "password", "sessions/end", "people", "grants"])
async def test_act__to_ones_own_account_is_refused_and_told(room: Room, act: str) -> None:
    form = {"name": "Tôi", "kind": "staff", "type": "Practitioner", "person": "lan", "role": "doctor"}

    answer = await room.post(f"/accounts/{await room.number('quan.tri')}/{act}", **form)

    assert answer.status_code == 403
    assert await room.column("quan.tri", "kind") == "administrator"
    assert [one.refused for one in room.told.happenings] == [True]
    assert (await room.get("/accounts")).status_code == 200


async def test_administrators__who_close_each_other_leave_one(room: Room) -> None:
    await room.ward.account("hai", "administrator")
    first, second = await room.number("quan.tri"), await room.number("hai")

    await room.post(f"/accounts/{second}/close")
    entered = await room.ward.log_in("hai")
    async with room.ward.services.pool.bare() as tx:
        may = [await tx.fetchval("SELECT access.administrates($1, $2)", one, [1]) for one in (first, second)]

    assert entered.status_code == 401
    assert may == [True, False]


async def test_account__of_more_keepers_than_ones_own_is_left_alone(ward: Ward) -> None:
    tenant = ward.services.tenants.get().id
    await ward.account("quan.tri", "administrator", tenants=[tenant])
    await ward.account("tinh", "staff", tenants=None)
    await ward.account("tram", "staff", tenants=[tenant + 1])
    await ward.log_in("quan.tri")
    async with ward.owner() as tx:
        numbers = dict(await tx.fetch("SELECT login, id FROM access.account"))

    shared = await ward.http.post(f"/admin/accounts/{numbers['tinh']}/password")
    foreign = await ward.http.post(f"/admin/accounts/{numbers['tram']}/password")

    assert (shared.status_code, "OtherKeepers" in shared.text or "cơ sở mà bạn" in shared.text) == (403, True)
    assert foreign.status_code == 404
    assert "tram" not in (await ward.http.get("/admin/accounts")).text.partition("<main")[2]


async def test_database__makes_no_account_in_the_name_of_who_is_no_administrator(room: Room) -> None:
    staff = await room.number("bs.lan")
    async with room.ward.services.pool.bare() as tx:
        with pytest.raises(asyncpg.PostgresError, match="account"):
            await tx.execute(
                "SELECT access.make_account('x', 'administrator', 'X', NULL, '', now(), false, $1)",
                staff,
            )
        with pytest.raises(asyncpg.PostgresError, match="account"):
            await tx.execute("SELECT access.change_account($1, 'X', 'administrator', now(), $1)", staff)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute(
                "INSERT INTO access.account (login, kind, name, created) VALUES ('x', 'staff', 'x', now())"
            )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute("UPDATE access.account SET kind = 'administrator'")


# --- grants ------------------------------------------------------------------------------------------------


async def test_give_role__holds_from_its_first_to_its_last_day(room: Room) -> None:
    number = await room.number("bs.lan")
    form = {
        "role": "doctor",
        "department": "noi",
        "from": "2026-12-01",
        "to": "2026-12-31",
        "reason": "Tăng cường",
    }

    given = await room.post(f"/accounts/{number}/grants", **form)
    page = await room.get(f"/accounts/{number}")

    async with room.ward.owner() as tx:
        row = await tx.fetchrow("SELECT * FROM record.role_grant WHERE account = 'bs.lan'")
    assert given.status_code == 303
    assert (f"{row['valid_from']:%m-%dT%H}", f"{row['valid_to']:%m-%dT%H:%M}") == ("11-30T17", "12-31T16:59")
    assert "01/12/2026 – 31/12/2026" in page.text
    assert (row["granted_by"], row["reason"]) == ("quan.tri", "Tăng cường")


@pytest.mark.parametrize(
    "form",
    [
        {"role": "khong-co"},
        {"role": "doctor", "from": "hôm nay"},
        {"role": "doctor", "from": "2026-12-31", "to": "2026-12-01"},
        {"role": "doctor", "to": "2001-01-01"},
        {},
    ],
)
async def test_give_role__bad_input_gives_nothing(room: Room, form: dict[str, str]) -> None:
    answer = await room.post(f"/accounts/{await room.number('bs.lan')}/grants", **form)

    async with room.ward.owner() as tx:
        given = await tx.fetchval("SELECT count(*) FROM record.role_grant")
    assert 400 <= answer.status_code < 500
    assert given == 0


async def test_take_back__of_ones_own_role_is_refused(room: Room) -> None:
    tenant = room.ward.services.tenants.get().id
    async with room.ward.services.pool.writing(tenant) as tx:
        own = await grants.grant(tx, tenant, OPERATOR, "quan.tri", "administrator")
        other = await grants.grant(tx, tenant, OPERATOR, "bs.lan", "doctor")

    refused = await room.post(f"/grants/{own}/end")
    ended = await room.post(f"/grants/{other}/end", back="account")
    again = await room.post(f"/grants/{other}/end")

    assert (refused.status_code, ended.status_code, again.status_code) == (403, 303, 404)
    assert ended.headers["location"] == f"/admin/accounts/{await room.number('bs.lan')}"
    assert room.told.words[:2] == ["✗ grant-take", "grant-take"]


async def test_changes__are_listed_with_who_made_them(room: Room) -> None:
    number = await room.number("bs.lan")
    await room.post(f"/accounts/{number}/grants", role="doctor", department="noi")

    page = (await room.get("/changes")).text

    assert "cấp vai trò" in page
    assert "Bác sĩ, Khoa Nội" in page
    assert "quan.tri" in page
