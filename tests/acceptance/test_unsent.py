"""What somebody sent after the session had ended: kept for the same account and browser, and for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from acceptance.identity import LOGIN, PASSWORD, Ward
from acceptance.test_ward_pc import STRANGER, log_in, machine
from hsba.http.callers import COOKIE

if TYPE_CHECKING:
    import httpx

NOTE = {"words": "Người bệnh tỉnh.\r\nMạch 82 & <b>120/80</b>", "dose": "1,50"}
THERE = "/patients/p1/notes"


async def sent_too_late(ward: Ward, form: dict[str, str] | None = None, there: str = THERE) -> httpx.Response:
    """Somebody writes for longer than a session lasts, and sends what was written."""
    await ward.account()
    await ward.log_in()
    ward.at.later(minutes=16)
    return await ward.http.post(there, data=form or NOTE)


async def test_form__sent_too_late_waits_until_its_person_is_back_and_goes_on_as_it_was(ward: Ward) -> None:
    asked = await sent_too_late(ward)

    entered = await ward.log_in(going=asked.headers["location"].partition("next=")[2])
    page = await ward.http.get("/unsent")
    sent = await ward.http.post("/unsent", data=NOTE)
    again = await ward.http.get("/unsent")

    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/unsent")
    assert entered.headers["location"] == "/unsent"
    assert "Mạch 82 &amp; &lt;b&gt;120/80&lt;/b&gt;" in page.text
    assert (sent.status_code, sent.headers["location"]) == (307, THERE)
    assert again.status_code == 404


async def test_form__is_of_no_use_to_another_person_or_another_browser(ward: Ward) -> None:
    await sent_too_late(ward)
    await ward.account(STRANGER)
    await ward.log_in(STRANGER)
    other_person = await ward.http.get("/unsent")
    sent = await ward.http.post("/unsent", data=NOTE)
    async with machine(ward) as elsewhere:
        await log_in(elsewhere)
        other_browser = await elsewhere.get("/unsent")

    assert [one.status_code for one in (other_person, sent, other_browser)] == [404] * 3


async def test_form__is_kept_under_a_key_that_the_database_has_not(ward: Ward) -> None:
    await sent_too_late(ward)

    async with ward.owner() as tx:
        kept = await tx.fetchrow("SELECT * FROM access.unsent")
    assert b"120" not in bytes(kept["body"])
    assert kept["target"] == THERE


async def test_form__is_forgotten_after_half_an_hour(ward: Ward) -> None:
    await sent_too_late(ward)
    ward.at.later(minutes=31)
    await ward.log_in()

    assert (await ward.http.get("/unsent")).status_code == 404


async def test_form__can_be_thrown_away(ward: Ward) -> None:
    await sent_too_late(ward)
    await ward.log_in()

    await ward.http.post("/unsent", data={"discard": "yes"})

    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT count(*) FROM access.unsent") == 0


async def test_form__that_is_sent_on_too_late_again_stays_kept(ward: Ward) -> None:
    await sent_too_late(ward)
    await ward.log_in()
    ward.at.later(minutes=16)
    asked = await ward.http.post("/unsent", data=NOTE)
    await ward.log_in()

    sent = await ward.http.post("/unsent", data=NOTE)

    assert asked.headers["location"] == "/login?next=/unsent"
    assert (sent.status_code, sent.headers["location"]) == (307, THERE)


async def test_form__of_passwords_and_of_nobody_is_not_kept(ward: Ward) -> None:
    nobody = await ward.http.post(THERE, data=NOTE)
    ward.http.cookies.set(COOKIE, "hsba_planted-by-somebody", domain="localhost.local", path="/")
    planted = await ward.http.post(THERE, data=NOTE)
    ward.http.cookies.clear()
    secret = await sent_too_late(ward, {"old": PASSWORD, "new": "x"}, "/password")

    assert [one.headers["location"] for one in (nobody, planted, secret)] == ["/login"] * 3
    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT count(*) FROM access.unsent") == 0


async def test_form__of_another_site_is_not_kept(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    ward.at.later(minutes=16)

    answer = await ward.http.post(THERE, data=NOTE, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT count(*) FROM access.unsent") == 0


async def test_form__that_is_very_long_is_refused_and_one_account_keeps_five(ward: Ward) -> None:
    await sent_too_late(ward)
    long = await ward.http.post(THERE, data={"words": "x" * 300_000})
    for n in range(7):
        ward.at.later(seconds=1)
        await ward.http.post(THERE, data={"words": str(n)})

    assert long.status_code == 413
    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT count(*) FROM access.unsent") == 5


async def test_unlock__of_a_page_that_was_made_for_somebody_else_is_refused(ward: Ward) -> None:
    await ward.account()
    await ward.account(STRANGER)
    await ward.log_in(STRANGER)
    script = {"hsba-script": "1"}

    asked = await ward.http.get(f"/session?as={LOGIN}", headers=script)
    unlocked = await ward.http.post("/unlock", data={"typed": PASSWORD, "as": LOGIN}, headers=script)
    own = await ward.http.get(f"/session?as={STRANGER}", headers=script)

    assert [(one.status_code, one.headers["hsba-session"]) for one in (asked, unlocked)] == [
        (409, "other")
    ] * 2
    assert own.status_code == 204


async def test_unlock__opens_an_idle_session_again_under_a_new_secret_and_not_one_that_is_over(
    ward: Ward,
) -> None:
    await ward.account()
    await ward.log_in()
    first = ward.http.cookies[COOKIE]
    ward.at.later(minutes=20)
    script = {"hsba-script": "1"}

    wrong = await ward.http.post("/unlock", data={"typed": "x", "as": LOGIN}, headers=script)
    back = await ward.http.post("/unlock", data={"typed": PASSWORD, "as": LOGIN}, headers=script)
    inside = await ward.inside()
    renewed = ward.http.cookies[COOKIE]
    ward.at.later(hours=12)
    over = await ward.http.post("/unlock", data={"typed": PASSWORD, "as": LOGIN}, headers=script)

    assert (wrong.status_code, back.status_code, over.status_code) == (401, 204, 401)
    assert inside
    assert renewed != first
    assert over.headers["hsba-session"] == "over"
    ward.http.cookies.clear()
    ward.http.cookies.set(COOKIE, first)
    assert not await ward.inside()


async def test_unlock__from_another_network_or_of_an_ended_session_asks_for_a_log_in(ward: Ward) -> None:
    await ward.account()
    async with machine(ward) as http, machine(ward, "198.51.100.9") as thief:
        await log_in(http)
        thief.cookies.set(COOKIE, http.cookies[COOKIE])
        ward.at.later(minutes=16)
        elsewhere = await thief.post("/unlock", data={"typed": PASSWORD}, headers={"hsba-script": "1"})
        await http.post("/logout")
        ended = await http.post("/unlock", data={"typed": PASSWORD}, headers={"hsba-script": "1"})

    assert [(one.status_code, one.headers["hsba-session"]) for one in (elsewhere, ended)] == [
        (401, "over")
    ] * 2


async def test_script__that_met_an_ended_session_is_told_so_and_not_sent_away(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    ward.at.later(minutes=16)

    by_htmx = await ward.http.get("/find/_results?q=x", headers={"HX-Request": "true"})
    by_fetch = await ward.http.post(THERE, content=urlencode(NOTE), headers={"Sec-Fetch-Dest": "empty"})

    for answer in (by_htmx, by_fetch):
        assert (answer.status_code, answer.headers["hsba-session"]) == (401, "ended")
        assert "hx-redirect" not in answer.headers
