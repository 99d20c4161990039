"""The second step of a log-in: who must take it, what a log-in that is half done can reach, and how codes are guessed at."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from acceptance.identity import LOGIN, OTHER, PASSWORD, Ward
from acceptance.second_factor import (
    FACTORS,
    NEW,
    SECOND,
    Telephone,
    add,
    enrol,
    numbers,
    offered,
    recovery_codes,
    rules,
    second,
)
from hsba.access.factors import second_factor
from hsba.access.slowing import Slowing
from hsba.http import gate, web
from hsba.http.callers import COOKIE

if TYPE_CHECKING:
    import httpx

ELSEWHERE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
SHORT = "Sông-9-x"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits after wrong codes."""
    monkeypatch.setattr(Slowing, "delay", lambda *_: 0.0)


# --- who must take it -------------------------------------------------------------------------------------------


async def test_login__administrator_sets_up_a_factor_before_anything_else(ward: Ward) -> None:
    told = rules(ward)
    await ward.account(kind="administrator")

    telephone, done = await enrol(ward)

    assert len(set(recovery_codes(done.text))) == 10
    assert 'href="/admin"' in done.text
    assert (await ward.http.get("/account")).status_code == 200
    assert told.acts == [("second-factor-add", "totp"), ("second-factor-use", "first factor")]
    async with ward.owner() as tx:
        row = await tx.fetchrow("SELECT secret, name FROM access.factor")
        sessions = await tx.fetch("SELECT second FROM access.session WHERE revoked IS NULL")
        codes = await tx.fetchval(
            "SELECT string_agg(encode(digest, 'escape'), ' ') FROM access.recovery_code"
        )
    assert telephone.secret.encode() not in row["secret"]
    assert row["name"] == "iPhone"
    assert [one["second"] for one in sessions] == [True]
    assert not any(one in codes for one in recovery_codes(done.text))


async def test_login__staff_inside_needs_a_password_alone_and_outside_a_factor(ward: Ward) -> None:
    rules(ward)
    await ward.account()

    inside = await ward.log_in()
    await add(ward)
    rules(ward, inside=False)
    outside = await ward.log_in()

    assert inside.headers["location"] == "/"
    assert outside.headers["location"] == SECOND
    assert "Mã của ứng dụng xác thực" in (await ward.http.get(SECOND)).text


async def test_login__first_factor_is_not_set_up_from_outside_with_an_old_password(ward: Ward) -> None:
    told = rules(ward, inside=False)
    await ward.account()
    await ward.account("bs.moi", must_change=True)

    stranger = await ward.log_in()
    handed = await ward.log_in("bs.moi")
    rules(ward, inside=False, second_factor_first_outside=True)
    allowed = await ward.log_in()

    assert stranger.status_code == 403
    assert "khi ở trong đơn vị" in stranger.text
    assert "set-cookie" not in stranger.headers
    assert (handed.headers["location"], allowed.headers["location"]) == (SECOND, SECOND)
    assert [(one.act, one.refused, one.account) for one in told.all] == [
        ("second-factor-refused", True, LOGIN)
    ]


async def test_login__waived_asks_who_has_a_factor_and_nobody_else(ward: Ward) -> None:
    rules(ward, inside=False, second_factor_waived=True)
    await ward.account(kind="administrator")

    first = await ward.log_in()
    page = (await ward.http.get("/login")).text
    await add(ward)
    after = await ward.log_in()

    assert first.headers["location"] == "/admin"
    assert "chỉ cần mật khẩu" in page
    assert after.headers["location"] == SECOND


async def test_token__of_an_account_with_a_factor_opens_the_record_as_before(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()
    await add(ward)
    bearer = await ward.token()
    ward.http.cookies.clear()

    assert (await ward.http.get("/fhir/CodeSystem?_count=0", headers=bearer)).status_code != 401


# --- what a log-in that is half done can reach ------------------------------------------------------------------


async def test_half_open__reaches_no_page_and_no_record(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()
    await add(ward)
    await ward.log_in()
    paths = [
        re.sub(r"\{.*?\}", "1", one.path)
        for one in web.ROUTES
        if one.path not in gate.OPEN and not one.path.startswith(gate.OPEN_BELOW)
    ]

    pages = {path: await ward.http.get(path) for path in paths}
    changes = [
        await ward.http.post(path) for path in ("/password", NEW, FACTORS + "/1", "/account/sessions/1")
    ]
    record = [
        await ward.http.get("/fhir/Patient"),
        await ward.http.get("/fhir/Patient/1/_history"),
        await ward.http.post("/fhir", json={"resourceType": "Bundle", "type": "batch"}),
        await ward.http.get("/t/main/fhir/Patient"),
    ]

    assert len(paths) > 10
    for path, answer in pages.items():
        assert (answer.status_code, answer.content) == (303, b""), path
        assert answer.headers["location"].startswith("/login"), path
    assert {(one.status_code, one.headers["location"]) for one in changes} == {(303, "/login")}
    assert {one.status_code for one in record} == {401}


async def test_half_open__lasts_five_minutes_and_is_done_once(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    telephone, _ = await enrol(ward)
    ward.at.later(minutes=1)
    await ward.log_in()
    half = ward.http.cookies[COOKIE]

    ward.at.later(minutes=5.1)
    late = await second(ward, telephone.code())
    gone = await ward.http.get(SECOND)
    await ward.log_in()
    half = ward.http.cookies[COOKIE]
    entered = await second(ward, telephone.code())
    whole = ward.http.cookies[COOKIE]
    ward.http.cookies.clear()
    ward.http.cookies.set(COOKIE, half)
    again = await second(ward, telephone.code(1))
    opened = await ward.http.get("/account")

    assert late.status_code == 401
    assert "quá thời gian" in late.text
    assert gone.headers["location"] == "/login"
    assert entered.status_code == 303
    assert whole != half, "a session has a secret that nobody could know before"
    assert (again.status_code, opened.status_code) == (401, 303)


async def test_half_open__of_this_browser_ends_its_session(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()
    _, done = await add(ward)
    before = ward.http.cookies[COOKIE]

    await ward.log_in()
    ward.http.cookies.clear()
    ward.http.cookies.set(COOKIE, before)

    assert done.status_code == 200
    assert not await ward.inside()


async def test_half_open__ends_with_the_account_and_a_new_password(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    telephone, _ = await enrol(ward)
    ward.at.later(minutes=1)
    await ward.log_in()

    async with ward.owner() as tx:
        await second_factor.reset(tx, ward.at(), LOGIN)

    assert (await second(ward, telephone.code())).status_code == 401
    assert (await ward.http.get(SECOND)).headers["location"] == "/login"


async def test_enrol__of_two_begun_with_one_password_the_second_is_asked_for_the_factor(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    await ward.log_in()
    stranger = ward.http.cookies[COOKIE]
    key, sealed = offered((await ward.http.get(SECOND)).text)
    ward.http.cookies.clear()
    await enrol(ward)
    ward.http.cookies.clear()
    ward.http.cookies.set(COOKIE, stranger)

    form = {"sealed": sealed, "code": Telephone(ward, key).code()}
    refused = await ward.http.post(SECOND, data=form)

    assert refused.status_code == 401
    assert 'id="key"' not in refused.text
    assert not await ward.inside()


async def test_enrol__a_wrong_code_offers_the_same_key_again_and_keeps_nothing(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    await ward.log_in()
    key, sealed = offered((await ward.http.get(SECOND)).text)

    wrong = await ward.http.post(SECOND, data={"sealed": sealed, "code": "000000"})
    forged = await ward.http.post(SECOND, data={"sealed": sealed[:-8] + "AAAAAAA=", "code": "000000"})
    ward.at.later(minutes=4)
    done = await ward.http.post(SECOND, data={"sealed": sealed, "code": Telephone(ward, key).code()})

    assert (wrong.status_code, offered(wrong.text)[0]) == (400, key)
    assert (forged.status_code, offered(forged.text)[0] == key) == (400, False)
    assert done.status_code == 200


# --- codes ------------------------------------------------------------------------------------------------------


async def test_code__is_good_for_one_log_in_within_a_step_of_the_clock(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    telephone, _ = await enrol(ward)
    used = telephone.code()

    async def tried(code: str) -> int:
        await ward.log_in()
        return (await second(ward, code)).status_code

    replayed = await tried(used)
    early = await tried(telephone.code(1))
    stale = await tried(used)
    ward.at.later(minutes=2)
    far = [await tried(telephone.code(steps)) for steps in (-2, 2)]
    late = await tried(f" {telephone.code(-1)[:3]} {telephone.code(-1)[3:]} ")

    assert (replayed, early, stale) == (401, 303, 401)
    assert far == [401, 401]
    assert late == 303


async def test_recovery_code__opens_one_log_in_of_its_own_account(ward: Ward) -> None:
    told = rules(ward)
    await ward.account(kind="administrator")
    await ward.account("an.ninh", kind="security")
    _, done = await enrol(ward)
    codes = recovery_codes(done.text)
    await enrol(ward, "an.ninh")

    await ward.log_in()
    typed = await second(ward, codes[0].upper().replace("-", " "))
    await ward.log_in()
    again = await second(ward, codes[0])
    await ward.log_in("an.ninh")
    others = await second(ward, codes[1])

    assert [one.status_code for one in (typed, again, others)] == [303, 401, 401]
    assert ("recovery-code-use", "recovery code") in told.acts


async def test_lock__five_wrong_codes_close_the_account_and_its_password_gives_no_new_tries(
    ward: Ward,
) -> None:
    told = rules(ward)
    await ward.account(kind="administrator")
    telephone, _ = await enrol(ward)
    ward.at.later(minutes=1)

    await ward.log_in()
    wrong = [await second(ward, "000000") for _ in range(3)]
    await ward.log_in()
    wrong += [await second(ward, "aaaa-aaaa-aaaa-aaaa") for _ in range(2)]
    right = await second(ward, telephone.code())
    password = await ward.log_in()
    ward.at.later(minutes=16)
    await ward.log_in()
    after = await second(ward, telephone.code())

    assert [one.status_code for one in wrong] == [401] * 5
    assert (right.status_code, password.status_code, after.status_code) == (401, 401, 303)
    assert [one.reason for one in told.all if one.refused] == ["wrong code"] * 5 + ["locked"]


async def test_login__wrong_password_of_an_account_with_a_factor_sounds_as_any(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    await enrol(ward)

    answers = [await ward.log_in(password="x"), await ward.log_in("khong.co", "x")]

    texts = {re.sub(r'(value|data-options)="[^"]*"', "", one.text) for one in answers}
    assert {one.status_code for one in answers} == {401}
    assert len(texts) == 1


async def test_key_file__of_another_installation_leaves_the_recovery_codes(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    telephone, done = await enrol(ward)
    ward.at.later(minutes=1)
    vault = ward.application.pages.state.second_step.vault
    vault.path.unlink()
    del vault.__dict__["_kept"]

    await ward.log_in()
    unread = await second(ward, telephone.code())
    recovered = await second(ward, recovery_codes(done.text)[0])

    assert unread.status_code == 500
    assert "tệp khóa" in unread.text
    assert recovered.status_code == 303


@pytest.mark.parametrize("path", [SECOND, "/login/passkey", NEW, FACTORS + "/1", "/account/recovery-codes"])
async def test_page__of_another_site_does_nothing_with_factors(ward: Ward, path: str) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()

    answer = await ward.http.post(path, data={"code": "1"}, headers=ELSEWHERE)

    assert answer.status_code == 403
    assert await ward.inside()


async def test_next__of_the_second_step_leads_to_no_other_place(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()
    telephone, _ = await add(ward)
    ward.at.later(minutes=1)

    there = await ward.log_in(going="/find?q=lan")
    page = (await ward.http.get(there.headers["location"])).text
    forged = await second(ward, telephone.code(), next="//evil.example")

    assert there.headers["location"] == "/login/second?next=/find%3Fq%3Dlan"
    assert 'name="next" value="/find?q=lan"' in page
    assert forged.headers["location"] == "/"


async def test_log__holds_no_code_and_no_key(ward: Ward, caplog: pytest.LogCaptureFixture) -> None:
    told = rules(ward)
    await ward.account(kind="administrator")
    with caplog.at_level(logging.DEBUG):
        telephone, done = await enrol(ward)
        ward.at.later(minutes=1)
        await ward.log_in()
        await second(ward, "123123")
        await second(ward, telephone.code())

    secret = [telephone.secret, telephone.code(), "123123", *recovery_codes(done.text)]
    lines = [str(vars(one)) for one in caplog.records if one.name.startswith("hsba")] + [
        str(one) for one in told.all
    ]
    assert not [one for one in secret for line in lines if one in line]


# --- one's own factors ------------------------------------------------------------------------------------------


async def test_factors__are_added_named_and_removed_with_the_password(ward: Ward) -> None:
    told = rules(ward)
    await ward.account()
    await ward.log_in()
    before = ward.http.cookies[COOKIE]
    key, sealed = offered((await ward.http.get(NEW)).text)
    form = {"sealed": sealed, "code": Telephone(ward, key).code(), "name": "Điện thoại"}

    wrong = await ward.http.post(NEW, data={**form, "password": "x"})
    first = await ward.http.post(NEW, data={**form, "password": PASSWORD})
    _, more = await add(ward)
    one, two = await numbers(ward)
    await ward.http.post(
        f"{FACTORS}/{one}", data={"act": "rename", "name": "  Máy\n<b>riêng</b> " + "x" * 99}
    )
    renamed = (await ward.http.get(FACTORS)).text
    unsure = await ward.http.post(f"{FACTORS}/{one}", data={"act": "remove", "password": "x"})
    removed = [
        await ward.http.post(f"{FACTORS}/{factor}", data={"act": "remove", "password": PASSWORD})
        for factor in (one, two)
    ]

    assert (wrong.status_code, first.status_code, unsure.status_code) == (403, 200, 403)
    assert len(recovery_codes(first.text)) == 10
    assert (more.status_code, more.headers["location"]) == (303, FACTORS), "the codes of before stay good"
    assert "Máy &lt;b&gt;riêng&lt;/b&gt; xxx" in renamed
    assert [answer.status_code for answer in removed] == [303, 303]
    assert await numbers(ward) == []
    assert ward.http.cookies[COOKIE] != before
    assert (await ward.log_in()).headers["location"] == "/"
    assert [act for act in told.acts if act[0].startswith("second-factor")] == [
        ("second-factor-refused", "wrong password"),
        ("second-factor-add", "totp"),
        ("second-factor-add", "totp"),
        ("second-factor-refused", "wrong password"),
        ("second-factor-remove", "totp"),
        ("second-factor-remove", "totp"),
    ]


async def test_factors__of_others_are_left_alone(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.account("bs.khac")
    await ward.log_in()
    await add(ward)
    (number,) = await numbers(ward)

    await ward.log_in("bs.khac")
    named = await ward.http.post(f"{FACTORS}/{number}", data={"act": "rename", "name": "của tôi"})
    removed = await ward.http.post(f"{FACTORS}/{number}", data={"act": "remove", "password": PASSWORD})

    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT name FROM access.factor") == "Máy 2"
    assert (named.status_code, removed.status_code) == (303, 404)


async def test_factors__the_last_one_of_an_administrator_stays(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    await enrol(ward)
    (number,) = await numbers(ward)

    refused = await ward.http.post(f"{FACTORS}/{number}", data={"act": "remove", "password": PASSWORD})

    assert refused.status_code == 403
    assert "bắt buộc" in refused.text
    assert await numbers(ward) == [number]


async def test_factors__passwords_at_the_page_are_counted_with_those_of_log_ins(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()
    await add(ward)

    for _ in range(5):
        await ward.http.post("/account/recovery-codes", data={"password": "x"})

    assert (await ward.http.post("/account/recovery-codes", data={"password": PASSWORD})).status_code == 403
    assert (await ward.log_in()).status_code == 401


async def test_recovery_codes__are_made_anew_and_the_old_ones_end(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    _, done = await enrol(ward)
    old = recovery_codes(done.text)

    renewed = await ward.http.post("/account/recovery-codes", data={"password": PASSWORD})
    new = recovery_codes(renewed.text)
    await ward.log_in()
    tries = [(await second(ward, code)).status_code for code in (old[0], new[0])]

    assert len(set(old + new)) == 20
    assert tries == [401, 303]
    assert "Còn 9 mã" in (await ward.http.get(FACTORS)).text


async def test_password__may_be_shorter_with_a_factor_and_must_be_longer_without_it_again(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()

    async def change(old: str, new: str) -> httpx.Response:
        ward.at.later(minutes=1)
        return await ward.http.post("/password", data={"old": old, "new": new, "again": new})

    without = await change(PASSWORD, SHORT)
    await add(ward)
    shown = (await ward.http.get("/password")).text
    with_factor = await change(PASSWORD, SHORT)
    (number,) = await numbers(ward)
    removed = await ward.http.post(f"{FACTORS}/{number}", data={"act": "remove", "password": SHORT})
    sent = await ward.http.get("/account")
    still_short = await change(SHORT, SHORT + "a")
    long_enough = await change(SHORT, OTHER)

    assert (without.status_code, with_factor.status_code, removed.status_code) == (400, 303, 303)
    assert 'minlength="8"' in shown
    assert sent.headers["location"] == "/password"
    assert (still_short.status_code, long_enough.status_code) == (400, 303)


async def test_reset__ends_everything_and_lets_the_account_begin_anew(ward: Ward) -> None:
    told = rules(ward, inside=False, second_factor_first_outside=True)
    await ward.account()
    await enrol(ward)
    bearer = await ward.token()

    async with ward.services.pool.bare() as tx, tx.transaction():
        await second_factor.reset(tx, ward.at(), LOGIN, by="quan.tri", witness=told)
    ward.services.identity.forget()
    open_then = (await ward.inside(), (await ward.http.get("/fhir/Patient", headers=bearer)).status_code)
    rules(ward, inside=False)
    _, done = await enrol(ward)
    sent = await ward.http.get("/patients")

    assert open_then == (False, 401)
    assert len(recovery_codes(done.text)) == 10
    assert sent.headers["location"] == "/password"
    assert [(one.act, one.account, one.subject) for one in told.all if one.subject == LOGIN] == [
        ("second-factor-reset", "quan.tri", LOGIN)
    ]


async def test_first_start__administrator_enrols_and_then_changes_the_password(ward: Ward) -> None:
    rules(ward, inside=False)
    await ward.account(kind="administrator", must_change=True)

    await enrol(ward)

    assert (await ward.http.get("/account")).headers["location"] == "/password"
    assert (await ward.http.get(FACTORS)).headers["location"] == "/password"
