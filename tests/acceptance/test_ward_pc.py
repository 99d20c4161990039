"""The shared PC of a ward: registering it, changing places by PIN and badge, locking it, and what a thief gets of it."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from acceptance.identity import LOGIN, PASSWORD, Ward
from hsba.access.rules import Rules
from hsba.http import web
from hsba.http.app import Options, build
from hsba.http.callers import COOKIE, STATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.access.ports import Happening
    from hsba.store.pool import Connection

PIN, BADGE = "482915", "0004711290"
OTHER_PIN = "730164"
STRANGER = "bs.khac"


class Heard:
    """A witness that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Happening] = []

    async def tell(self, tx: Connection, happening: Happening) -> None:
        self.told.append(happening)

    def acts(self) -> list[str]:
        return [one.act + ("!" if one.refused else "") for one in self.told]


@pytest.fixture
def heard(ward: Ward) -> Heard:
    found = Heard()
    ward.services.identity.witness = found
    return found


@asynccontextmanager
async def machine(ward: Ward, address: str = "192.0.2.7", **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A PC with a browser of its own, at an address."""
    application = build(ward.services, Options(allowed_hosts=("localhost",)), pages=web.ROUTES)
    transport = httpx.ASGITransport(application, client=(address, 1))
    given = {"Origin": "http://localhost", **headers}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=given) as http:
        yield http


async def log_in(http: httpx.AsyncClient, login: str = LOGIN, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/login", data={"login": login, "password": password, "next": "/"})


async def registered(ward: Ward, http: httpx.AsyncClient, name: str = "Nội 2 · PC 1") -> None:
    """An administrator makes a PC a workstation, and leaves."""
    async with ward.owner() as tx:
        there = await tx.fetchval("SELECT EXISTS (SELECT FROM access.account WHERE login = 'qt.minh')")
    if not there:
        await ward.account("qt.minh", "administrator")
    await log_in(http, "qt.minh")
    answer = await http.post("/workstation", data={"name": name, "department": ""})
    assert answer.status_code == 303, answer.text
    await http.post("/logout")


async def with_pin(http: httpx.AsyncClient, login: str = LOGIN, pin: str = PIN) -> int:
    """Somebody logs in fully and sets a PIN; answers the number of the account."""
    await log_in(http, login)
    answer = await http.post("/account/pin", data={"thing": "pin", "pin": pin, "again": pin})
    assert answer.status_code == 303, answer.text
    return await number(http, login)


async def number(http: httpx.AsyncClient, login: str) -> int:
    page = (await http.get("/switch")).text
    found = re.search(rf'person=(\d+)"><b>[^<]*</b> <span class="quiet code">{re.escape(login)}<', page)
    assert found, page
    return int(found[1])


async def switched(http: httpx.AsyncClient, account: int, pin: str, going: str = "/") -> httpx.Response:
    return await http.post("/switch", data={"person": str(account), "pin": pin, "next": going})


async def inside(http: httpx.AsyncClient) -> bool:
    return (await http.get("/patients")).status_code == 200


async def test_workstation__is_registered_by_an_administrator_and_named_in_session_and_trail(
    ward: Ward, heard: Heard
) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        given = http.cookies[STATION]
        await log_in(http)
        caller = await ward.services.identity.caller(None, http.cookies[COOKIE])
        page = (await http.get("/account")).text

    assert caller is not None
    assert caller.actor.workstation == "Nội 2 · PC 1"
    assert "Nội 2 · PC 1" in page
    async with ward.owner() as tx:
        kept = await tx.fetchrow("SELECT * FROM access.workstation")
    assert given not in str(dict(kept))
    assert "workstation-register" in heard.acts()


@pytest.mark.parametrize("kind", ["staff", "security", "technical", "patient"])
async def test_workstation__is_for_administrators_only(ward: Ward, kind: str) -> None:
    await ward.account(kind=kind)
    await ward.log_in()

    answers = [
        await ward.http.get("/workstation"),
        await ward.http.post("/workstation", data={"name": "PC", "department": ""}),
        await ward.http.get("/admin/workstations"),
        await ward.http.post("/admin/workstations/1/revoke"),
    ]

    assert [one.status_code for one in answers] == [403] * 4


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\x07b"])
async def test_workstation__needs_a_name(ward: Ward, name: str) -> None:
    await ward.account("qt.minh", "administrator")
    await ward.log_in("qt.minh")

    answer = await ward.http.post("/workstation", data={"name": name, "department": ""})

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


async def test_workstation__of_a_name_that_is_taken_or_a_department_that_is_not_there_is_refused(
    ward: Ward,
) -> None:
    async with machine(ward) as http:
        await registered(ward, http)
        http.cookies.clear()
        await log_in(http, "qt.minh")
        again = await http.post("/workstation", data={"name": "nội 2 · pc 1", "department": ""})
        nowhere = await http.post("/workstation", data={"name": "PC 9", "department": "no-such"})

    assert (again.status_code, nowhere.status_code) == (400, 400)


async def test_switch__brings_each_person_of_the_shift_to_a_session_of_his_own(
    ward: Ward, heard: Heard
) -> None:
    await ward.account()
    await ward.account(STRANGER)
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        khac = await with_pin(http, STRANGER, OTHER_PIN)
        of_khac = http.cookies[COOKIE]
        page = (await http.get("/switch")).text
        asked = (await http.get(f"/switch?person={lan}")).text

        answer = await switched(http, lan, PIN, "/patients")

        caller = await ward.services.identity.caller(None, http.cookies[COOKIE])
        assert LOGIN in page
        assert STRANGER in page
        assert 'name="pin"' in asked
        assert (answer.status_code, answer.headers["location"]) == (303, "/patients")
        assert caller is not None
        assert caller.actor.account == LOGIN
        left = await ward.services.identity.caller(None, of_khac)
        assert left is not None
        assert left.covered
        await switched(http, khac, OTHER_PIN)
        assert http.cookies[COOKIE] != of_khac
        assert await ward.services.identity.caller(None, of_khac) is None, "the old cookie opens nothing"
    told = [one for one in heard.told if one.reason == "pin"]
    assert [(one.act, one.account, one.workstation) for one in told] == [
        ("login", LOGIN, "Nội 2 · PC 1"), ("login", STRANGER, "Nội 2 · PC 1")
    ]  # fmt: skip


async def test_switch__comes_back_to_the_page_that_was_left(ward: Ward) -> None:
    await ward.account()
    await ward.account(STRANGER)
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        await http.post("/lock", data={"next": "/find?q=lan"})
        await with_pin(http, STRANGER, OTHER_PIN)

        answer = await switched(http, lan, PIN)

    assert answer.headers["location"] == "/find?q=lan"


async def test_lock__covers_pages_and_api_until_the_same_person_is_back(ward: Ward, heard: Heard) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        await with_pin(http)

        locked = await http.post("/lock", headers={"Referer": "http://localhost/find?q=an"})

        page = await http.get("/patients")
        over_rest = await http.get("/fhir/Patient")
        shown = (await http.get("/lock")).text
        wrong = await http.post("/unlock", data={"typed": "999181"})
        still = await inside(http)
        back = await http.post("/unlock", data={"typed": PIN})
        assert locked.headers["location"] == "/lock"
        assert (page.status_code, page.headers["location"]) == (303, "/lock?next=/patients")
        assert over_rest.status_code == 401
        assert "BS. Phạm Thu Lan" in shown
        assert wrong.status_code == 401
        assert not still
        assert (back.status_code, back.headers["location"]) == (303, "/find?q=an")
        assert await inside(http)
    assert [one for one in heard.acts() if one in ("lock", "unlock")] == ["lock", "unlock"]


async def test_idle__session_at_a_workstation_is_covered_and_elsewhere_it_ends(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        await with_pin(http)
        ward.at.later(minutes=16)

        page = await http.get("/patients")
        for _ in range(3):
            assert not await inside(http), "asking keeps nothing awake"
        back = await http.post("/unlock", data={"typed": PIN})

        assert page.headers["location"] == "/lock?next=/patients"
        assert back.status_code == 303
        assert await inside(http)
    await ward.log_in()
    ward.at.later(minutes=16)
    assert (await ward.http.get("/patients")).headers["location"] == "/login?next=/patients"


async def test_idle__session_of_an_administrator_ends_at_a_workstation_too(ward: Ward) -> None:
    async with machine(ward) as http:
        await registered(ward, http)
        await log_in(http, "qt.minh")
        ward.at.later(minutes=16)

        page = await http.get("/account")
        back = await http.post("/unlock", data={"typed": PASSWORD})

    assert page.headers["location"] == "/switch?next=/account"
    assert back.headers.get("location") == "/login" or back.status_code == 401


async def test_pin__is_nothing_outside_a_workstation(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward) as home:
        await registered(ward, http)
        lan = await with_pin(http)

        as_password = await log_in(home, LOGIN, PIN)
        page = await switched(home, lan, PIN)
        await log_in(home)
        await home.post("/lock")
        unlocked = await home.post("/unlock", data={"typed": PIN})

    assert as_password.status_code == 401
    assert page.headers["location"] == "/login"
    assert unlocked.status_code == 401


@pytest.mark.parametrize("kind", ["administrator", "security", "technical"])
async def test_pin__is_nothing_for_who_keeps_the_house(ward: Ward, kind: str) -> None:
    await ward.account(kind=kind)
    async with machine(ward) as http:
        await registered(ward, http)
        await log_in(http)

        answer = await http.post("/account/pin", data={"thing": "pin", "pin": PIN, "again": PIN})
        people = await http.get("/switch")

    assert answer.status_code == 403
    assert people.headers["location"] == "/login", "nobody is on shift"


@pytest.mark.parametrize(
    "pin",
    [
        "12345", "1234567890123", "000000", "123456", "654321", "246802", "121212", "123123", "112233", "147258",
        "258147", "abcdef", "12345a", "", "1٢3456", "789456",
    ],
)  # fmt: skip
async def test_pin__that_everybody_would_try_is_refused(ward: Ward, pin: str) -> None:
    await ward.account()
    await ward.log_in()

    answer = await ward.http.post("/account/pin", data={"thing": "pin", "pin": pin, "again": pin})

    assert answer.status_code == 400


async def test_pin__asks_for_the_password_unless_it_was_typed_just_now(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    ward.at.later(minutes=6)
    form = {"thing": "pin", "pin": PIN, "again": PIN}

    asked = await ward.http.post("/account/pin", data=form)
    wrong = await ward.http.post("/account/pin", data={**form, "typed": "x"})
    done = await ward.http.post("/account/pin", data={**form, "typed": PASSWORD})

    assert asked.status_code == wrong.status_code == 401
    assert f'name="pin" value="{PIN}"' in asked.text
    assert done.status_code == 303


async def test_pin__five_wrong_ones_close_it_until_the_next_full_log_in(ward: Ward, heard: Heard) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        for _ in range(5):
            assert (await switched(http, lan, "999181")).status_code == 401

        closed = await switched(http, lan, PIN)
        ward.at.later(minutes=30)
        still = await switched(http, lan, PIN)
        await log_in(http)
        opened = await switched(http, lan, PIN)

    assert (closed.status_code, still.status_code, opened.status_code) == (401, 401, 303)
    assert heard.acts().count("login!") == 7


async def test_pin__guesses_over_several_accounts_close_the_pins_of_the_pc(ward: Ward) -> None:
    logins = [f"bs.so{n}" for n in range(4)]
    async with machine(ward) as http:
        await registered(ward, http)
        people = []
        for login in logins:
            await ward.account(login)
            people.append(await with_pin(http, login))

        answers = [await switched(http, people[n % 4], "999181") for n in range(12)]
        right = await switched(http, people[0], PIN)
        in_full = await log_in(http, logins[0])

    assert [one.status_code for one in answers] == [401] * 10 + [403] * 2
    assert right.status_code == 403
    assert in_full.status_code == 303


async def test_stolen_cookie__of_a_workstation_shows_nothing_in_another_network_and_is_told(
    ward: Ward, heard: Heard
) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward, "198.51.100.9") as thief:
        await registered(ward, http)
        lan = await with_pin(http)
        thief.cookies.set(STATION, http.cookies[STATION])

        page = await thief.get("/switch")
        tried = await switched(thief, lan, PIN)
        forged = await thief.post(
            "/switch", data={"person": str(lan), "pin": PIN}, headers={"X-Forwarded-For": "192.0.2.7"}
        )

    assert page.headers["location"] == "/login"
    assert (tried.status_code, forged.status_code) == (401, 401)
    moved = [one for one in heard.told if one.act == "workstation-move"]
    assert [(one.subject, one.reason) for one in moved] == [("Nội 2 · PC 1", "192.0.2.7 > 198.51.100.9")]


async def test_stolen_cookie__in_the_same_network_shows_names_and_no_record(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward, "192.0.2.200") as thief:
        await registered(ward, http)
        await with_pin(http)
        thief.cookies.set(STATION, http.cookies[STATION])

        page = await thief.get("/switch")
        record = await thief.get("/patients")

    assert LOGIN in page.text
    assert record.headers["location"] == "/switch?next=/patients"


async def test_shift__over_or_left_lets_no_pin_in(ward: Ward) -> None:
    await ward.account()
    await ward.account(STRANGER)
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        khac = await with_pin(http, STRANGER, OTHER_PIN)
        await http.post("/logout")
        left = await switched(http, khac, OTHER_PIN)
        ward.at.later(hours=12.1)
        over = await switched(http, lan, PIN)
        covered = await http.post("/unlock", data={"typed": PIN})

    assert (left.status_code, over.status_code) == (401, 401)
    assert covered.headers["location"] == "/login"


async def test_shift__does_not_make_a_session_last_longer(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        ward.at.later(hours=11.9)
        await switched(http, lan, PIN)
        ward.at.later(hours=0.2)

        assert not await inside(http)


async def test_shift__ends_with_log_out_everywhere_and_with_the_account(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward) as home:
        await registered(ward, http)
        lan = await with_pin(http)
        await log_in(home)
        await home.post("/logout", data={"everywhere": "yes"})

        assert (await switched(http, lan, PIN)).status_code == 401


async def test_revoked_workstation__ends_its_sessions_and_its_pins(ward: Ward, heard: Heard) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward) as office:
        await registered(ward, http)
        lan = await with_pin(http)
        await log_in(office, "qt.minh")
        page = (await office.get("/admin/workstations")).text
        path = re.findall(r'action="(/admin/workstations/\d+/revoke)"', page)[0]

        asked = await office.post(path)
        done = await office.post(path, data={"typed": PASSWORD})
        ward.at.later(seconds=2)

        assert "Nội 2 · PC 1" in page
        assert asked.status_code == 401
        assert done.status_code == 303
        assert not await inside(http)
        assert (await switched(http, lan, PIN)).headers["location"] == "/login"
    assert "workstation-revoke" in heard.acts()


async def test_badge__says_who_it_is_and_the_pin_is_asked_for(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        await http.post("/account/pin", data={"thing": "badge", "badge": BADGE})
        before = http.cookies[COOKIE]

        shown = await http.post("/switch", data={"badge": BADGE})
        unknown = await http.post("/switch", data={"badge": "9999999999"})

        assert f'name="person" value="{lan}"' in shown.text
        assert http.cookies[COOKIE] == before
        assert unknown.status_code == 401
    async with ward.owner() as tx:
        assert BADGE.encode() not in await tx.fetchval("SELECT digest FROM access.badge")


async def test_badge__alone_lets_in_where_the_hospital_says_so(ward: Ward) -> None:
    ward.services.identity.rules = Rules(badge_alone=True)
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        await with_pin(http)
        await http.post("/account/pin", data={"thing": "badge", "badge": BADGE})
        await http.post("/lock")

        answer = await http.post("/switch", data={"badge": BADGE})

        assert answer.status_code == 303
        assert await inside(http)


async def test_badge__of_somebody_else_is_not_taken(ward: Ward) -> None:
    await ward.account()
    await ward.account(STRANGER)
    await ward.log_in()
    await ward.http.post("/account/pin", data={"thing": "badge", "badge": BADGE})
    await ward.log_in(STRANGER)

    answer = await ward.http.post("/account/pin", data={"thing": "badge", "badge": BADGE})

    assert answer.status_code == 409


@pytest.mark.parametrize(
    "path", ["/switch", "/lock", "/unlock", "/workstation", "/account/pin", "/session/proof", "/unsent"]
)
async def test_page__of_another_site_switches_nobody(ward: Ward, path: str) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        form = {"person": str(lan), "pin": PIN, "typed": PIN, "name": "x", "thing": "pin", "again": PIN}

        answer = await http.post(path, data=form, headers={"Origin": "https://evil.example"})

        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_session__that_was_planted_is_never_the_one_that_comes_back(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        own = http.cookies[COOKIE]
        http.cookies.set(COOKIE, "hsba_planted-by-somebody", domain="localhost.local", path="/")

        planted = await http.post("/unlock", data={"typed": PIN})
        answer = await switched(http, lan, PIN)

        given = re.findall(r"hsba-session=(hsba_[\w-]+)", answer.headers["set-cookie"])
        assert planted.headers["location"] == "/login"
        assert given
        assert given[0] not in (own, "hsba_planted-by-somebody")


async def test_covered_cookie__that_was_copied_opens_nothing_at_another_pc(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward, "198.51.100.9") as thief:
        await registered(ward, http)
        await with_pin(http)
        await http.post("/lock")
        thief.cookies.set(COOKIE, http.cookies[COOKIE])
        thief.cookies.set(STATION, http.cookies[STATION])

        answers = [await thief.post("/unlock", data={"typed": typed}) for typed in (PIN, PASSWORD)]

    assert [one.status_code for one in answers] == [401, 401]


async def test_log_in__of_another_person_covers_the_session_that_was_open(ward: Ward) -> None:
    await ward.account()
    await ward.account(STRANGER)
    async with machine(ward) as http:
        await registered(ward, http)
        lan = await with_pin(http)
        first = http.cookies[COOKIE]
        await log_in(http, STRANGER)

        covered = await ward.services.identity.caller(None, first)
        await switched(http, lan, PIN)
        async with ward.owner() as tx:
            sessions: Any = await tx.fetchval(
                "SELECT count(*) FROM access.session WHERE station IS NOT NULL AND revoked IS NULL"
                " AND account = (SELECT id FROM access.account WHERE login = $1)",
                LOGIN,
            )

    assert covered is not None
    assert covered.covered
    assert sessions == 1


async def test_workstation__belongs_to_a_department_of_the_record_that_the_administrator_may_see(
    ward: Ward,
) -> None:
    await ward.account()
    bearer = await ward.token()
    for id_, name, active in (("noi", "Khoa Nội", True), ("cu", "Khoa cũ", False), ("da", "Đơn vị A", True)):
        content = {"resourceType": "Organization", "id": id_, "name": name, "active": active}
        put = await ward.http.put(f"/fhir/Organization/{id_}", json=content, headers=bearer)
        assert put.status_code == 201, put.text
    await ward.account("qt.minh", "administrator", roles=("administrator",))
    await ward.account("qt.khong", "administrator", roles=())
    async with machine(ward) as http, machine(ward) as blind:
        await log_in(http, "qt.minh")
        page = (await http.get("/workstation")).text
        await http.post("/workstation", data={"name": "PC 1", "department": "noi"})
        await log_in(blind, "qt.khong")
        nothing = (await blind.get("/workstation")).text

    assert re.findall(r'<option value="(\w*)"', page) == ["", "da", "noi"]
    assert re.findall(r'<option value="(\w*)"', nothing) == [""]
    async with ward.owner() as tx:
        kept = await tx.fetchrow("SELECT name, department, department_title FROM access.workstation")
    assert tuple(kept) == ("PC 1", "noi", "Khoa Nội")


async def test_version__and_trail_bear_the_name_of_the_workstation(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http:
        await registered(ward, http)
        await with_pin(http)
        content = {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"}
        saved = await http.put("/fhir/Organization/noi", json=content)

    assert saved.status_code == 201
    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT workstation FROM record.version") == "Nội 2 · PC 1"
