"""Passkeys: as the second step and alone, and every way in which an answer may be wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acceptance.authenticator import Authenticator
from acceptance.identity import LOGIN, PASSWORD, Ward
from acceptance.second_factor import FACTORS, NEW, SECOND, add, options, recovery_codes, rules
from hsba.access.slowing import Slowing

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

ALONE = "/login/passkey"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits after wrong answers."""
    monkeypatch.setattr(Slowing, "delay", lambda *_: 0.0)


async def holding(ward: Ward, login: str = LOGIN, **of: object) -> Authenticator:
    """Somebody who logs in and makes a passkey."""
    passkey = Authenticator(**of)  # type: ignore[arg-type]
    await ward.log_in(login)
    made = await make(ward, passkey)
    assert made.status_code in (200, 303), made.text
    return passkey


async def make(ward: Ward, passkey: Authenticator) -> httpx.Response:
    asked = options((await ward.http.get(NEW)).text)
    form = {"credential": passkey.create(asked), "name": "Khóa USB", "password": PASSWORD}
    return await ward.http.post(NEW, data=form)


async def alone(ward: Ward, passkey: Authenticator, **more: bytes) -> httpx.Response:
    ward.http.cookies.clear()
    asked = options((await ward.http.get("/login")).text)
    return await ward.http.post(ALONE, data={"credential": passkey.get(asked, **more), "next": "/patients"})


async def second(ward: Ward, passkey: Authenticator) -> httpx.Response:
    await ward.log_in()
    asked = options((await ward.http.get(SECOND)).text)
    return await ward.http.post(SECOND, data={"credential": passkey.get(asked)})


async def test_passkey__is_the_second_step_or_the_whole_log_in(ward: Ward) -> None:
    told = rules(ward)
    await ward.account()
    passkey = await holding(ward)

    beside = await second(ward, passkey)
    page = (await ward.http.get(FACTORS)).text
    by_itself = await alone(ward, passkey)

    assert (beside.status_code, beside.headers["location"]) == (303, "/")
    assert "Khóa USB" in page
    assert (by_itself.status_code, by_itself.headers["location"]) == (303, "/patients")
    assert await ward.inside()
    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT second FROM access.session ORDER BY id DESC LIMIT 1")
        assert await tx.fetchval("SELECT uses FROM access.factor") == 2
    assert told.acts == [
        ("second-factor-add", "passkey"),
        ("second-factor-use", "passkey"),
        ("second-factor-use", "passkey alone"),
    ]


async def test_passkey__may_be_the_first_factor_that_is_demanded(ward: Ward) -> None:
    rules(ward)
    await ward.account(kind="administrator")
    await ward.log_in()
    passkey = Authenticator()

    asked = options((await ward.http.get(SECOND)).text)
    done = await ward.http.post(SECOND, data={"credential": passkey.create(asked), "name": ""})

    assert len(recovery_codes(done.text)) == 10
    assert (await ward.http.get("/account")).status_code == 200


async def test_passkey__is_kept_once(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.account("bs.khac")
    passkey = await holding(ward)
    await ward.log_in("bs.khac")

    again = await make(ward, passkey)

    assert again.status_code == 400


@pytest.mark.parametrize(
    "wrong, value",
    [("origin", "https://evil.example"), ("site", "evil.example"), ("origin", "http://localhost:81")],
)
async def test_passkey__made_or_used_for_another_server_is_refused(
    ward: Ward, wrong: str, value: str
) -> None:
    rules(ward)
    await ward.account()
    passkey = await holding(ward)
    await ward.log_in()
    setattr(passkey, wrong, value)

    assert (await second(ward, passkey)).status_code == 401
    assert (await alone(ward, passkey)).status_code == 401
    assert not await ward.inside()


async def test_passkey__answer_is_taken_once_and_for_its_own_question(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    passkey = await holding(ward)
    ward.http.cookies.clear()
    asked = options((await ward.http.get("/login")).text)
    answer = passkey.get(asked)

    first = await ward.http.post(ALONE, data={"credential": answer})
    ward.http.cookies.clear()
    passkey.uses = 50
    again = [await ward.http.post(ALONE, data={"credential": one}) for one in (answer, passkey.get(asked))]
    await ward.log_in()
    elsewhere = await ward.http.post(SECOND, data={"credential": passkey.get(asked)})
    own = json.loads(asked) | {"challenge": "x" * 54}
    forged = await ward.http.post(SECOND, data={"credential": passkey.get(json.dumps(own))})
    late = options((await ward.http.get("/login")).text)
    ward.at.later(minutes=11)
    ward.http.cookies.clear()
    after = await ward.http.post(ALONE, data={"credential": passkey.get(late)})

    assert first.status_code == 303
    assert [one.status_code for one in (*again, elsewhere, forged, after)] == [401] * 5


async def test_passkey__of_another_second_step_or_another_account_is_refused(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.account("bs.khac")
    mine = await holding(ward)
    others = await holding(ward, "bs.khac")
    await ward.log_in()
    earlier = options((await ward.http.get(SECOND)).text)
    await ward.log_in()
    now = options((await ward.http.get(SECOND)).text)

    tries = [
        await ward.http.post(SECOND, data={"credential": others.get(now)}),
        await ward.http.post(SECOND, data={"credential": mine.get(earlier)}),
        await ward.http.post(SECOND, data={"credential": mine.get(now)}),
    ]

    assert [one.status_code for one in tries] == [401, 401, 303]


async def test_passkey__alone_must_make_sure_of_its_holder(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    passkey = await holding(ward, verifies=False)

    unsure = await alone(ward, passkey)
    beside = await second(ward, passkey)
    passkey.verifies = True
    nameless = await alone(ward, passkey, handle=b"")
    misnamed = await alone(ward, passkey, handle=b"x" * 32)
    sure = await alone(ward, passkey)

    assert [one.status_code for one in (unsure, beside, nameless, misnamed, sure)] == [
        401, 303, 401, 401, 303,
    ]  # fmt: skip


async def test_passkey__whose_count_goes_back_is_a_copy(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    passkey = await holding(ward)
    await second(ward, passkey)
    passkey.uses = 0

    assert (await second(ward, passkey)).status_code == 401


async def test_passkey__opens_no_account_that_is_closed_or_locked(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    passkey = await holding(ward)

    async def tried(change: str) -> int:
        async with ward.owner() as tx:
            await tx.execute(f"UPDATE access.account SET {change}")
        return (await alone(ward, passkey)).status_code

    assert await tried("state = 'disabled'") == 401
    assert await tried("state = 'active', locked_until = now() + interval '1 hour'") == 401
    assert await tried("locked_until = NULL, last_use = now() - interval '46 days'") == 401
    assert await tried("last_use = now()") == 303


@pytest.mark.parametrize(
    "sent",
    [
        lambda _: "",
        lambda _: "null",
        lambda _: "[" * 15_000,
        lambda _: '{"id": 1}',
        lambda text: text[: len(text) // 2],
        lambda text: json.dumps(json.loads(text) | {"rawId": "AAAA"}),
        lambda text: text.replace('"signature": "', '"signature": "AAAA'),
        lambda text: text.replace("public-key", "x"),
    ],
)
async def test_passkey__what_cannot_be_read_is_refused(ward: Ward, sent: Callable[[str], str]) -> None:
    rules(ward)
    await ward.account()
    passkey = await holding(ward)
    ward.http.cookies.clear()
    asked = options((await ward.http.get("/login")).text)

    answer = await ward.http.post(ALONE, data={"credential": sent(passkey.get(asked))})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_passkey__of_a_stranger_for_an_account_is_not_made(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.account("bs.khac")
    await ward.log_in("bs.khac")
    others = options((await ward.http.get(NEW)).text)
    await ward.log_in()
    form = {"name": "x", "password": PASSWORD}

    forged = await ward.http.post(NEW, data={**form, "credential": Authenticator().create(others)})
    broken = await ward.http.post(NEW, data={**form, "credential": '{"id": 1}'})

    assert (forged.status_code, broken.status_code) == (400, 400)
    assert (await ward.log_in()).headers["location"] == "/"


async def test_factors__are_ten_at_the_most(ward: Ward) -> None:
    rules(ward)
    await ward.account()
    await ward.log_in()
    for _ in range(10):
        await make(ward, Authenticator())

    _, refused = await add(ward)

    assert refused.status_code == 400
    assert "nhiều nhất 10" in refused.text
