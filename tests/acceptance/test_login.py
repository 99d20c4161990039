"""Coming in by the browser: passwords, lock-outs, sessions, cookies, other sites' pages, and the first start."""

from __future__ import annotations

import logging
import re
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import pytest

from acceptance.door import patient
from acceptance.identity import LOGIN, OTHER, PASSWORD, PROXY, Ward
from hsba.access import accounts, passwords
from hsba.access.rules import Rules
from hsba.access.slowing import MOST, Slowing
from hsba.http import web
from hsba.http.app import Options, build
from hsba.http.callers import COOKIE

REFUSED = "Tên đăng nhập hoặc mật khẩu không đúng"
ELSEWHERE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def behind_proxy(ward: Ward) -> httpx.AsyncClient:
    application = build(
        ward.services, Options(allowed_hosts=("localhost",), trusted_proxies=(PROXY,)), pages=web.ROUTES
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application, client=(PROXY, 1)),
        base_url="https://localhost",
        headers={"Origin": "https://localhost", "X-Forwarded-Proto": "https"},
    )


async def test_login__leads_back_to_the_page_that_was_asked_for(ward: Ward) -> None:
    await ward.account()

    asked = await ward.http.get("/find?q=lan")
    page = await ward.http.get(asked.headers["location"])
    entered = await ward.log_in(going="/find?q=lan")

    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/find%3Fq%3Dlan")
    assert 'name="next" value="/find?q=lan"' in page.text
    assert (entered.status_code, entered.headers["location"]) == (303, "/find?q=lan")
    assert await ward.inside()
    assert "BS. Phạm Thu Lan" in (await ward.http.get("/patients")).text


async def test_cookie__is_out_of_reach_of_scripts_and_other_sites(ward: Ward) -> None:
    await ward.account()

    plain = (await ward.log_in()).headers["set-cookie"]
    async with behind_proxy(ward) as http:
        form = {"login": LOGIN, "password": PASSWORD}
        secure = (await http.post("/login", data=form)).headers["set-cookie"]

    assert re.fullmatch(r"hsba-session=hsba_[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", plain)
    assert re.fullmatch(r"__Host-hsba-session=hsba_[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", secure)


async def test_login__wrong_name_password_or_account_hear_the_same(ward: Ward) -> None:
    await ward.account()
    await ward.account("da.nghi")
    async with ward.owner() as tx:
        await accounts.disable(tx, ward.at(), "da.nghi")

    answers = [
        await ward.log_in(password="Sai-mật-khẩu-1-rồi"),
        await ward.log_in("khong.co"),
        await ward.log_in("da.nghi"),
        await ward.log_in(""),
    ]

    texts = {
        re.sub(r'(value|data-options)="[^"]*"', "", one.text).replace(" autofocus", "") for one in answers
    }
    assert {one.status_code for one in answers} == {401}
    assert len(texts) == 1
    assert REFUSED in texts.pop()
    assert not await ward.inside()


async def test_login__costs_the_same_for_a_name_that_nobody_has(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ward.account()
    verified: list[str] = []
    whole = passwords._verified

    def counted(kept: str, password: str) -> bool:
        verified.append(kept)
        return whole(kept, password)

    monkeypatch.setattr(passwords, "_verified", counted)
    await ward.log_in(password="x")
    await ward.log_in("khong.co", "x")
    await ward.log_in("không\tcó", "x")

    assert len(verified) == 3
    assert all(one.startswith("$argon2id$v=19$m=64,t=1,p=1$") for one in verified)


async def test_lock__five_wrong_passwords_close_the_account_for_a_quarter_of_an_hour(ward: Ward) -> None:
    await ward.account()
    await ward.account("bs.khac")
    for _ in range(5):
        await ward.log_in(password="x")

    closed = await ward.log_in()
    neighbour = await ward.log_in("bs.khac")
    ward.at.later(minutes=14.9)
    still = await ward.log_in()
    ward.at.later(minutes=0.2)
    opened = await ward.log_in()

    assert (closed.status_code, still.status_code) == (401, 401)
    assert (neighbour.status_code, opened.status_code) == (303, 303)


async def test_lock__a_right_password_in_between_and_the_passing_of_time_begin_anew(ward: Ward) -> None:
    await ward.account()
    for _ in range(3):
        for _ in range(4):
            await ward.log_in(password="x")
        assert (await ward.log_in()).status_code == 303
    for _ in range(4):
        await ward.log_in(password="x")
    ward.at.later(minutes=16)
    await ward.log_in(password="x")

    assert (await ward.log_in()).status_code == 303


async def test_lock__many_tries_at_once_get_no_more_than_five(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio  # noqa: PLC0415 - here alone

    monkeypatch.setattr(Slowing, "delay", lambda *_: 0.0)
    await ward.account()

    await asyncio.gather(*(ward.log_in(password=f"x{n}") for n in range(12)))

    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT failures FROM access.account WHERE login = $1", LOGIN) == 5


def test_slowing__an_address_waits_longer_but_never_for_ever() -> None:
    slowing = Slowing()
    delays = []
    for _ in range(40):
        slowing.failed("192.0.2.7")
        delays.append(slowing.delay("192.0.2.7"))

    assert delays[:3] == [0, 0, 0]
    assert delays == sorted(delays)
    assert delays[-1] == MOST
    assert slowing.delay("192.0.2.8") == 0


async def test_session__that_somebody_planted_is_not_taken_over(ward: Ward) -> None:
    await ward.account()
    ward.http.cookies.set(COOKIE, "hsba_planted-by-somebody", domain="localhost.local", path="/")

    entered = await ward.log_in(Cookie=f"{COOKIE}=hsba_planted-by-somebody")

    assert "planted" not in entered.headers["set-cookie"]
    ward.http.cookies.clear()
    ward.http.cookies.set(COOKIE, "hsba_planted-by-somebody")
    assert not await ward.inside()


async def test_session__of_this_browser_ends_when_somebody_logs_in_again(ward: Ward) -> None:
    await ward.account()
    await ward.account("bs.khac")
    await ward.log_in()
    first = ward.http.cookies[COOKIE]
    await ward.log_in("bs.khac")
    second = ward.http.cookies[COOKIE]

    assert await ward.inside()
    ward.http.cookies.clear()
    ward.http.cookies.set(COOKIE, first)
    assert first != second
    assert not await ward.inside()


async def test_session__ends_when_idle_and_at_its_limit(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    for _ in range(3):
        ward.at.later(minutes=14)
        assert await ward.inside()
    ward.at.later(minutes=16)
    idle = await ward.inside()

    await ward.log_in()
    for _ in range(55):
        ward.at.later(minutes=13)
        assert await ward.inside()
    ward.at.later(minutes=6)

    assert not idle
    assert not await ward.inside()


async def test_logout__ends_the_session_and_takes_the_cookie(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    kept = ward.http.cookies[COOKIE]

    left = await ward.http.post("/logout")

    assert left.headers["location"] == "/login"
    assert "Max-Age=0" in left.headers["set-cookie"]
    ward.http.cookies.set(COOKIE, kept)
    assert not await ward.inside()


async def test_account__shows_own_sessions_and_ends_one_or_all(ward: Ward) -> None:
    await ward.account()
    await ward.account("bs.khac")
    kept = []
    for agent in ("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0", "PC-B", "PC-C"):
        ward.at.later(minutes=1)
        ward.http.cookies.clear()
        await ward.log_in(**{"User-Agent": agent})
        kept.append(ward.http.cookies[COOKIE])
    page = (await ward.http.get("/account")).text
    numbers = re.findall(r'action="/account/sessions/(\d+)"', page)
    ward.http.cookies.clear()
    await ward.log_in("bs.khac")
    await ward.http.post(f"/account/sessions/{numbers[0]}")
    ward.http.cookies.clear()

    async def alive() -> list[bool]:
        found = []
        for one in kept:
            ward.http.cookies.clear()
            ward.http.cookies.set(COOKIE, one)
            found.append(await ward.inside())
        return found

    assert len(numbers) == 2
    assert "Firefox, Windows" in page
    assert await alive() == [True, True, True], "nobody ends the session of another"
    await ward.http.post(f"/account/sessions/{numbers[0]}")
    assert await alive() == [True, False, True]
    bearer = await ward.token()
    await ward.http.post("/logout", data={"everywhere": "yes"})
    assert await alive() == [False, False, False]
    ward.http.cookies.clear()
    assert (await ward.http.get("/fhir/Patient", headers=bearer)).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/logout", "/password", "/account/sessions/1"])
@pytest.mark.parametrize(
    "headers", [ELSEWHERE, {"Origin": "null"}, {"Origin": "http://localhost.evil.example"}, {"Origin": ""}]
)
async def test_page__of_another_site_changes_nothing(ward: Ward, path: str, headers: dict[str, str]) -> None:
    await ward.account()
    await ward.log_in()

    answer = await ward.http.post(path, data={"login": LOGIN, "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert await ward.inside()


async def test_page__change_of_unknown_origin_is_refused(ward: Ward) -> None:
    await ward.account()
    del ward.http.headers["origin"]

    assert (await ward.log_in()).status_code == 403
    assert (await ward.log_in(**{"Sec-Fetch-Site": "same-origin"})).status_code == 303


@pytest.mark.parametrize(
    "going",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/login?next=/login", "/logout", "/a\r\nSet-Cookie: x=y", "http:evil", "", "/\t/evil.example",
    ],
)  # fmt: skip
async def test_next__leads_to_no_other_place(ward: Ward, going: str) -> None:
    await ward.account()

    shown = await ward.http.get("/login", params={"next": going})
    entered = await ward.log_in(going=going)

    assert 'name="next" value="/"' in shown.text
    assert entered.headers["location"] == "/"


async def test_forwarded_for__is_believed_of_our_proxies_only(ward: Ward) -> None:
    await ward.account()
    await ward.log_in(**{"X-Forwarded-For": "203.0.113.5"})
    direct = (await ward.http.get("/account")).text
    async with behind_proxy(ward) as http:
        form = {"login": LOGIN, "password": PASSWORD}
        forged = "203.0.113.5, 198.51.100.7, " + PROXY
        await http.post("/login", data=form, headers={"X-Forwarded-For": forged})
        proxied = (await http.get("/account")).text

    assert "192.0.2.7" in direct
    assert "203.0.113.5" not in direct
    assert "198.51.100.7" in proxied
    assert "203.0.113.5" not in proxied


async def test_log__holds_nothing_that_was_typed(ward: Ward, caplog: pytest.LogCaptureFixture) -> None:
    await ward.account()
    with caplog.at_level(logging.DEBUG):
        await ward.log_in("x\n12:00:00 info hsba.access: logged in account=admin", "Bí-mật-số-1-của-tôi")
        await ward.log_in(LOGIN, "Bí-mật-số-1-của-tôi")
        await ward.log_in("Bí-mật-số-1-của-tôi", "")

    lines = [str(vars(one)) for one in caplog.records if one.name.startswith("hsba")]
    assert sum("log-in refused" in one for one in lines) == 3
    assert not any("admin" in one or "Bí-mật" in one for one in lines)


async def test_first_start__makes_one_administrator_who_must_change_the_password(ward: Ward) -> None:
    async with ward.owner() as tx:
        made = await accounts.first(tx, ward.at())
        again = await accounts.first(tx, ward.at())
    assert made is not None

    entered = await ward.log_in("admin", made)
    sent = [(await ward.http.get(path)).headers.get("location") for path in ("/", "/patients", "/account")]
    over_rest = await ward.http.get("/fhir/Patient")
    changed = await ward.http.post("/password", data={"old": made, "new": OTHER, "again": OTHER})
    after = await ward.http.get("/account")
    ward.http.cookies.clear()

    assert again is None
    assert entered.status_code == 303
    assert sent == ["/password"] * 3
    assert over_rest.status_code == 403
    assert over_rest.json()["issue"][0]["code"] == "expired"
    assert changed.headers["location"] == "/admin"
    assert after.status_code == 200
    assert (await ward.log_in("admin", made)).status_code == 401
    assert (await ward.log_in("admin", OTHER)).status_code == 303


async def test_password__must_be_changed_when_it_is_old(ward: Ward) -> None:
    await ward.account()
    for _ in range(5):
        ward.at.later(days=37)
        await ward.log_in()

    assert (await ward.http.get("/")).headers["location"] == "/password"


async def test_password__none_of_the_last_ten_is_taken_again(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    had = [PASSWORD, *(f"Bậc-thang-số-{n}-cao" for n in range(10, 20))]

    async def change(old: str, new: str) -> httpx.Response:
        ward.at.later(minutes=1)
        return await ward.http.post("/password", data={"old": old, "new": new, "again": new})

    for old, new in pairwise(had):
        assert (await change(old, new)).status_code == 303
    refused = [(await change(had[-1], one)).status_code for one in had[1:]]

    assert refused == [400] * 10
    assert (await change(had[-1], PASSWORD)).status_code == 303


async def test_password__change_ends_what_was_open_and_needs_the_old_one(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    first = ward.http.cookies[COOKIE]
    bearer = await ward.token()

    wrong = await ward.http.post("/password", data={"old": "x", "new": OTHER, "again": OTHER})
    differ = await ward.http.post("/password", data={"old": PASSWORD, "new": OTHER, "again": OTHER + "x"})
    done = await ward.http.post("/password", data={"old": PASSWORD, "new": OTHER, "again": OTHER})
    here = await ward.inside()
    ward.http.cookies.clear()
    by_token = await ward.http.get("/fhir/Patient", headers=bearer)
    ward.http.cookies.set(COOKIE, first)

    assert [one.status_code for one in (wrong, differ, done)] == [403, 400, 303]
    assert here
    assert by_token.status_code == 401
    assert not await ward.inside()


@pytest.mark.parametrize(
    "password",
    [
        "Ngắn-1", "chỉ-toàn-chữ-thường-1", "CHỈ-TOÀN-CHỮ-HOA-1", "Không-có-chữ-số-nào", "Khongcodaunao12345",
        "Password@123456", "P@ssw0rd!2026!!", "MatKhau@123456", "BenhVien#2026#Admin", "Aa1-Aa1-Aa1-Aa1",
        "Bs.Lan-dep-lam-1", "Qwerty!12345678", "Mật-khẩu-123456",
    ],
)  # fmt: skip
async def test_password__that_is_easily_guessed_is_refused(ward: Ward, password: str) -> None:
    await ward.account()
    await ward.log_in()

    answer = await ward.http.post("/password", data={"old": PASSWORD, "new": password, "again": password})

    assert answer.status_code == 400
    assert "mật khẩu cũ vẫn còn hiệu lực" in answer.text


def test_check__eight_characters_are_enough_with_a_second_factor() -> None:
    passwords.check("Sông-9-x", Rules(), login=LOGIN, second_factor=True)


async def test_account__that_nobody_used_for_45_days_is_closed(ward: Ward) -> None:
    await ward.account()
    ward.at.later(days=46)
    closed = await ward.log_in()
    async with ward.owner() as tx:
        await accounts.enable(tx, ward.at(), LOGIN)

    assert closed.status_code == 401
    assert (await ward.log_in()).status_code == 303


async def test_pages__none_is_shown_to_who_is_not_logged_in(ward: Ward) -> None:
    open_ = (
        "/login", "/outside-hours", "/login/outside", "/login/outside/callback", "/assets/{name:path}",
        "/verify/{number:uuid}",  # what a print in somebody's hand is; nothing of the patient
    )  # fmt: skip
    paths = [one.path for one in web.ROUTES if one.path not in open_]

    answers = {path: await ward.http.get(re.sub(r"\{.*?\}", "1", path)) for path in paths}

    assert len(paths) > 10
    for path, answer in answers.items():
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login"), path
        assert answer.content == b"", path


async def test_fragment__asked_for_by_nobody_sends_its_page_to_the_log_in(ward: Ward) -> None:
    answer = await ward.http.get(
        "/find/_results?q=x",
        headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/patients?p=2"},
    )

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login?next=/patients%3Fp%3D2"


async def test_open__health_figures_and_files_need_nobody(ward: Ward) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/assets/app.css"):
        assert (await ward.http.get(path)).status_code == 200


@pytest.mark.parametrize("kind", ["staff", "administrator", "security", "technical", "service", "patient"])
async def test_account__without_a_role_sees_itself_and_no_record(ward: Ward, kind: str) -> None:
    await ward.account(kind=kind, roles=())

    await ward.log_in()

    assert (await ward.http.get("/account")).status_code == 200
    assert (await ward.http.get("/patients")).status_code == 403
    assert (await ward.http.get("/fhir/Patient")).status_code == 403


@pytest.mark.parametrize("kind", ["administrator", "security", "technical"])
async def test_account__that_keeps_the_house_sees_no_patient_whatever_it_was_given(
    ward: Ward, kind: str
) -> None:
    await ward.account("thu.ky")
    made = await ward.http.post("/fhir/Patient", json=patient(), headers=await ward.token("thu.ky"))
    await ward.account(kind=kind)
    bearer = await ward.token()

    entered = await ward.log_in()

    assert entered.headers["location"] == ("/account" if kind == "technical" else "/admin")
    assert (await ward.http.get("/patients")).status_code == 403
    assert (await ward.http.get("/fhir/Patient?_total=accurate", headers=bearer)).json()["total"] == 0
    address = f"/fhir/Patient/{made.json()['id']}"
    assert (await ward.http.get(address, headers=bearer)).status_code == 404
    assert (await ward.http.post("/fhir/Patient", json=patient(), headers=bearer)).status_code == 403
    assert (await ward.http.get("/fhir/Organization", headers=bearer)).status_code == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access.account SET kind = 'administrator'",
        "UPDATE access.account SET tenants = NULL",
        "INSERT INTO access.account (login, kind, name, created) VALUES ('x', 'staff', 'x', now())",
        "UPDATE access.session SET account = 1",
        "UPDATE access.session SET second = true",
        "UPDATE access.factor SET account = 1",
        "UPDATE access.factor SET public_key = ''",
        "UPDATE access.half_open SET account = 1",
        "UPDATE access.token SET scope = 'x'",
        "DELETE FROM access.account",
        "INSERT INTO access.client (name, title, secret, scope, created) VALUES ('x', 'x', '', '', now())",
    ],
)
async def test_runtime__may_not_make_accounts_or_raise_one(database: Any, statement: str) -> None:
    tx = await asyncpg.connect(database.runtime_dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute(statement)
    finally:
        await tx.close()
