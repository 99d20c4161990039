"""That a person is there now: proofs are good once, for one act, of one session, and not for long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from hsba.access import accounts, passwords
from hsba.access.coming_back.pins import Pins, WrongPin
from hsba.access.coming_back.step_up import STRONG, NotProved, StepUp
from hsba.access.coming_in.login import From, LogIn
from hsba.access.coming_in.workstations import Station, Workstations
from hsba.access.identity import Identity
from hsba.access.problems import WrongLogin
from hsba.access.rules import Rules
from hsba.store.pool import Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.access.identity import Caller

PASSWORD, PIN = "Hoa-súng-03-trắng", "482915"
ACT = "sign:5f2c"
HOME = From("192.0.2.7")


class Ward:
    """A log-in and its step-up on a database, at a time that a test moves."""

    def __init__(self, pool: Pool) -> None:
        self.time = datetime.now(UTC)
        self.identity = Identity(pool.bare, lambda: self.time, Rules(second_factor_waived=True))
        self.doors = LogIn(self.identity)
        self.pins = Pins(self.identity, self.doors)
        self.step_up = StepUp(self.identity, self.doors, self.pins)

    async def caller(self, login: str = "bs.lan", where: From = HOME) -> Caller:
        secret = await self.doors.log_in(login, PASSWORD, where)
        found = await self.identity.caller(None, secret)
        assert found is not None
        return found

    async def spend(self, caller: Caller, proof: str, act: str = ACT) -> str:
        async with self.identity.connect() as tx, tx.transaction():
            return await self.step_up.spend(tx, caller, proof, act)


@pytest_asyncio.fixture
async def ward(database: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ward]:
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(1, 64, 1))
    passwords._nobodys.cache_clear()
    pool = await Pool.open(database.runtime_dsn, size=4, search_size=2, application="test")
    found = Ward(pool)
    tx = await asyncpg.connect(database.owner_dsn)
    for login in ("bs.lan", "bs.khac"):
        await accounts.create(tx, found.time, login, "staff", "BS. Lan", password=PASSWORD, must_change=False)
    await accounts.create(
        tx, found.time, "qt.minh", "administrator", "QT", password=PASSWORD, must_change=False
    )
    await tx.close()
    yield found
    await pool.close()
    passwords._nobodys.cache_clear()


async def test_prove__gives_a_proof_that_is_good_once(ward: Ward) -> None:
    caller = await ward.caller()
    proof = await ward.step_up.prove(caller, PASSWORD, ACT, HOME)

    how = await ward.spend(caller, proof)

    assert how == "password"
    with pytest.raises(NotProved):
        await ward.spend(caller, proof)


async def test_prove__many_at_once_spend_it_once(ward: Ward) -> None:
    caller = await ward.caller()
    proof = await ward.step_up.prove(caller, PASSWORD, ACT, HOME)

    results = await asyncio.gather(*(ward.spend(caller, proof) for _ in range(4)), return_exceptions=True)

    assert sum(one == "password" for one in results) == 1


async def test_prove__is_undone_with_the_act_it_was_for(ward: Ward) -> None:
    caller = await ward.caller()
    proof = await ward.step_up.prove(caller, PASSWORD, ACT, HOME)
    async with ward.identity.connect() as tx:
        act = tx.transaction()
        await act.start()
        await ward.step_up.spend(tx, caller, proof, ACT)
        await act.rollback()

    assert await ward.spend(caller, proof) == "password"


async def test_prove__for_one_act_is_not_good_for_another(ward: Ward) -> None:
    caller = await ward.caller()
    proof = await ward.step_up.prove(caller, PASSWORD, ACT, HOME)

    for act in ("sign:5f2d", "sign", "", "pin-set"):
        with pytest.raises(NotProved):
            await ward.spend(caller, proof, act)


async def test_prove__of_one_session_is_not_good_in_another(ward: Ward) -> None:
    caller, again, other = await ward.caller(), await ward.caller(), await ward.caller("bs.khac")
    proof = await ward.step_up.prove(caller, PASSWORD, ACT, HOME)

    for one in (again, other):
        with pytest.raises(NotProved):
            await ward.spend(one, proof)


async def test_prove__is_good_for_two_minutes(ward: Ward) -> None:
    caller = await ward.caller()
    proof = await ward.step_up.prove(caller, PASSWORD, ACT, HOME)
    ward.time += timedelta(seconds=121)

    with pytest.raises(NotProved):
        await ward.spend(caller, proof)


async def test_prove__wrong_passwords_are_counted_and_give_nothing(ward: Ward) -> None:
    caller = await ward.caller()
    for _ in range(5):
        with pytest.raises(WrongLogin):
            await ward.step_up.prove(caller, "x", ACT, HOME)

    with pytest.raises(WrongLogin):
        await ward.step_up.prove(caller, PASSWORD, ACT, HOME)


async def test_prove__by_pin_at_its_workstation_only(ward: Ward) -> None:
    stations = Workstations(ward.identity)
    keeper = await ward.caller("qt.minh")
    secret = await stations.register(keeper, Station(0, 1, "PC 1"), HOME.address)
    station = await stations.known(secret, HOME.address)
    at_pc = From(HOME.address, station=station)
    caller = await ward.caller(where=at_pc)
    await ward.pins.set_pin(caller, PIN, at_pc)

    proof = await ward.step_up.prove(caller, PIN, ACT, at_pc)

    assert await ward.spend(caller, proof) == "pin"
    with pytest.raises(WrongPin):
        await ward.step_up.prove(caller, "999181", ACT, at_pc)
    with pytest.raises(WrongLogin):
        await ward.step_up.prove(caller, PIN, ACT, HOME)
    with pytest.raises(WrongLogin):
        await ward.step_up.prove(caller, PIN, ACT, at_pc, by=STRONG)


async def test_fresh__tells_how_and_for_how_long(ward: Ward) -> None:
    caller = await ward.caller()
    within = timedelta(minutes=5)
    at_once = await ward.step_up.fresh(caller, within)
    ward.time += timedelta(minutes=6)
    late = await ward.step_up.fresh(caller, within)
    async with ward.identity.connect() as tx:
        await ward.step_up.note(tx, caller, "passkey")
    by_passkey = await ward.step_up.fresh(caller, within, by=STRONG)
    async with ward.identity.connect() as tx:
        await ward.step_up.note(tx, caller, "badge")

    assert (at_once, late, by_passkey) == ("password", None, "passkey")
    assert await ward.step_up.fresh(caller, within) is None, "a badge can lie on the table"
