"""Administrators of an installation that serves several keepers of records: each in the houses that are his."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from acceptance.administering import Room, furnished
from hsba.access.rights import grants

if TYPE_CHECKING:
    from acceptance.identity import Ward

STATION = "tram-thu"


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """The administrator of all keepers at his browser; xa.hai administrates the commune's station only."""
    room = await furnished(ward)
    station = ward.services.tenants.get(STATION).id
    await ward.account("xa.hai", "administrator", roles=(), tenants=(station,))
    await ward.account("o.day", roles=(), tenants=(room.tenant,))
    await ward.account("ys.tu", roles=(), tenants=(station,))
    return room


async def test_keeper__is_chosen_and_its_accounts_and_roles_are_administrated(room: Room) -> None:
    station = room.ward.services.tenants.get(STATION).id
    first = (await room.get("/accounts")).text
    chosen = await room.post("/keeper", keeper=STATION)
    there = (await room.get("/accounts")).text
    await room.post("/roles/nurse/copy", new="tram", title="Điều dưỡng trạm")
    given = await room.post(f"/accounts/{await room.number('ys.tu')}/grants", role="tram")

    assert "ys.tu" not in first
    assert "ys.tu" in there
    assert "Trạm Y tế Thử" in there
    assert (chosen.status_code, given.status_code) == (303, 303)
    async with room.ward.services.pool.reading(station) as tx:
        assert "tram" in (await grants.every_role(tx, station))[0]
        assert [one.role for one in await grants.grants_of(tx, station)] == ["tram"]
    async with room.ward.services.pool.reading(room.tenant) as tx:
        assert "tram" not in (await grants.every_role(tx, room.tenant))[0]
    assert room.told.happenings[-1].tenant == station


async def test_keeper__of_a_stations_administrator_is_his_own_and_no_other(room: Room) -> None:
    await room.ward.log_in("xa.hai")

    accounts = (await room.get("/accounts")).text
    other = await room.post("/keeper", keeper=room.ward.services.tenants.get().slug)
    room.http.cookies.set("hsba-keeper", room.ward.services.tenants.get().slug)
    forged = (await room.get("/accounts")).text
    number = await room.number("o.day")
    refused = [
        await room.get(f"/accounts/{number}"),
        await room.post(f"/accounts/{number}/close"),
        await room.post("/keeper", keeper="khong-co"),
        await room.post("/keeper"),
    ]

    assert "ys.tu" in accounts
    assert "o.day" not in accounts + forged
    assert other.status_code == 404
    assert [one.status_code for one in refused[:3]] == [404, 404, 404]
    assert await room.column("o.day", "state") == "active"
    assert 'action="/admin/keeper"' not in accounts
