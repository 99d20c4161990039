"""On the page of an account: when it may work, and the second factor of somebody who lost it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from acceptance.administering import Room, furnished
from hsba.access.rights.hours import DAYS

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

WHY = "Mất điện thoại, đã gặp trực tiếp"


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """The administrator quan.tri at his browser; a second and a third one, an officer, and the clinician bs.lan."""
    room = await furnished(ward)
    for login, kind in (("hai", "administrator"), ("ba", "administrator"), ("an.ninh", "security")):
        await ward.account(login, kind, roles=())
    async with ward.owner() as tx:
        await tx.execute(
            "INSERT INTO access.factor (account, kind, name, secret, created)"
            " SELECT id, 'totp', 'Điện thoại', '\\x00', now() FROM access.account WHERE login IN ('hai', 'bs.lan')"
        )
    return room


async def factors(room: Room, login: str) -> int:
    async with room.ward.owner() as tx:
        found: int = await tx.fetchval(
            "SELECT count(*) FROM access.factor f JOIN access.account a ON a.id = f.account WHERE a.login = $1",
            login,
        )
        return found


async def act(room: Room, login: str, what: str, **form: str) -> httpx.Response:
    return await room.post(f"/accounts/{await room.number(login)}/{what}", **form)


async def test_reset__of_a_clinician_is_done_at_once_with_a_reason(room: Room) -> None:
    silent = await act(room, "bs.lan", "factors", reason="")
    kept = await factors(room, "bs.lan")
    done = await act(room, "bs.lan", "factors", reason=WHY)

    assert (silent.status_code, kept, done.status_code) == (400, 1, 303)
    assert await factors(room, "bs.lan") == 0
    assert await room.column("bs.lan", "must_change") is True
    assert room.told.words[-2:] == ["✗ second-factor-reset", "second-factor-reset"]
    assert room.told.happenings[-1].reason == WHY


async def test_reset__of_an_administrator_waits_for_a_second_person(room: Room) -> None:
    asked = await act(room, "hai", "factors", reason=WHY)
    kept = await factors(room, "hai")
    own = await act(room, "hai", "factors/confirm")
    still = await factors(room, "hai")
    await room.ward.log_in("ba")
    page = (await room.get(f"/accounts/{await room.number('hai')}")).text
    confirmed = await act(room, "hai", "factors/confirm")
    twice = await act(room, "hai", "factors/confirm")

    assert (asked.status_code, kept, own.status_code, still) == (303, 1, 403, 1)
    assert WHY in page
    assert (confirmed.status_code, twice.status_code) == (303, 409)
    assert await factors(room, "hai") == 0
    assert "quan.tri" in room.told.happenings[-2].reason
    assert [one for one in room.told.words if one.startswith(("second", "✗ second"))] == [
        "second-factor-reset-ask",
        "✗ second-factor-reset",
        "second-factor-reset",
        "✗ second-factor-reset",
    ]


async def test_reset__of_an_administrator_is_confirmed_by_the_officer_or_not_at_all(room: Room) -> None:
    await act(room, "hai", "factors", reason=WHY)
    await room.ward.log_in("an.ninh")
    asked = await act(room, "hai", "factors", reason=WHY)
    declined = await act(room, "hai", "factors/decline")
    late = await act(room, "hai", "factors/confirm")
    await room.ward.log_in("quan.tri")
    await act(room, "hai", "factors", reason=WHY)
    await room.ward.log_in("an.ninh")
    confirmed = await act(room, "hai", "factors/confirm")

    assert [one.status_code for one in (asked, declined, late, confirmed)] == [403, 303, 409, 303]
    assert await factors(room, "hai") == 0


async def test_reset__is_not_confirmed_by_whom_it_is_about_nor_after_a_day(room: Room) -> None:
    await act(room, "an.ninh", "factors", reason=WHY)
    await room.ward.log_in("an.ninh")
    own = await act(room, "an.ninh", "factors/confirm")
    await room.ward.log_in("ba")
    room.ward.at.later(hours=25)
    await room.ward.log_in("ba")
    late = await act(room, "an.ninh", "factors/confirm")

    assert (own.status_code, late.status_code) == (403, 409)


async def test_reset__of_an_administrator_who_was_just_made_staff_waits_too(room: Room) -> None:
    await act(room, "hai", "change", name="Hai", kind="staff")

    await act(room, "hai", "factors", reason=WHY)

    assert await factors(room, "hai") == 1


async def test_reset__of_ones_own_is_refused(room: Room) -> None:
    assert (await act(room, "quan.tri", "factors", reason=WHY)).status_code == 403


async def test_hours__of_an_account_are_set_shown_and_taken_away(room: Room) -> None:
    set_ = await act(room, "bs.lan", "hours", hours="mon-fri 07:00-17:00", to="2099-12-31", reason="Thử việc")
    page = (await room.get(f"/accounts/{await room.number('bs.lan')}")).text
    bad = await act(room, "bs.lan", "hours", hours="lúc nào cũng được")
    own = await act(room, "quan.tri", "hours", hours="mon-fri 07:00-17:00")
    lifted = await act(room, "bs.lan", "hours", hours="")
    free = (await room.get(f"/accounts/{await room.number('bs.lan')}")).text

    assert [one.status_code for one in (set_, bad, own, lifted)] == [303, 400, 403, 303]
    assert "mon-fri 07:00-17:00</span>" in page
    assert "31/12/2099" in page
    assert "31/12/2099" not in free
    assert [one for one in room.told.words if "hours" in one] == [
        "account-hours",
        "✗ account-hours",
        "✗ account-hours",
        "account-hours",
    ]


async def test_hours__of_an_account_end_what_it_does(room: Room) -> None:
    day = DAYS[(room.ward.at().weekday() + 3) % 7]
    await act(room, "bs.lan", "grants", role="nurse")
    await act(room, "bs.lan", "hours", hours=f"{day} 08:00-09:00")

    token = await room.ward.token("bs.lan")
    await room.ward.log_in("bs.lan")
    page, api = await room.http.get("/patients"), await room.http.get("/fhir/Patient", headers=token)

    assert api.status_code == 403
    assert page.headers["location"].startswith("/login")  # nothing opened for him


async def test_hours__of_a_role_are_given_with_it(room: Room) -> None:
    given = await act(room, "bs.lan", "grants", role="nurse", hours="sat 19:00-07:00")
    bad = await act(room, "bs.lan", "grants", role="nurse", hours="sat")

    assert (given.status_code, bad.status_code) == (303, 400)
    assert "sat 19:00-07:00" in (await room.get("/grants")).text
    assert "sat 19:00-07:00" in room.told.happenings[-2].reason


@pytest.mark.parametrize("what", ["hours", "factors", "factors/confirm", "factors/decline"])
async def test_act__about_an_account_that_is_not_there_is_not_found(room: Room, what: str) -> None:
    assert (await room.post(f"/accounts/999999/{what}", reason=WHY)).status_code == 404
