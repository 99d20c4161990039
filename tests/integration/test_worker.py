"""The worker keeps house: chores of the rooms at their times, whatever becomes of one of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest_asyncio

from hsba import app, config, worker
from hsba.record import idempotency, tenants
from hsba.record.idempotency import Answer
from hsba.record.work import Chore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from databases import Database
    from hsba.record.work import House


@pytest_asyncio.fixture
async def opened(database: Database, folder: Path) -> AsyncIterator[app.App]:
    """The house, with a second keeper that this process has not seen yet."""
    settings = config.load({}, files=(), given={"data": str(folder)})
    async with app.opened(settings, database.runtime_dsn, size=5) as found:
        async with found.pool.bare() as tx:
            await tenants.ensure(tx, "second", "Trạm Y tế")
        yield found


async def keep(opened: app.App, tenant: int, key: str, age: timedelta) -> None:
    async with opened.pool.writing(tenant) as tx:
        ctx = opened.context(tx=tx, tenant=replace(opened.tenants.get(), id=tenant))
        await idempotency.keep(ctx, key, b"", Answer(200))
        await tx.execute("UPDATE record.idempotency SET kept = $1 WHERE key = $2", ctx.clock.now() - age, key)


async def test_housekeeping__forgets_old_answers_of_every_keeper_and_sees_new_keepers(
    opened: app.App,
) -> None:
    async with opened.pool.bare() as tx:
        numbers = [row[0] for row in await tx.fetch("SELECT id FROM record.tenant ORDER BY id")]
    for number in numbers:
        await keep(opened, number, "old", timedelta(hours=25))
        await keep(opened, number, "new", timedelta(hours=23))

    await worker.Housekeeping(opened).step()

    assert [one.slug for one in opened.tenants.all()] == ["main", "second"]
    for number in numbers:
        async with opened.pool.reading(number) as tx:
            assert [row[0] for row in await tx.fetch("SELECT key FROM record.idempotency")] == ["new"]


async def test_housekeeping__each_at_its_time_and_a_failure_stops_nothing(
    opened: app.App, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def chore(name: str, every: float) -> Chore:
        async def do(_: House) -> None:
            done.append(name)
            if name == "broken":
                raise RuntimeError(name)

        return Chore(name, do, every)

    opened.housekeeping = (chore("broken", 0), chore("rare", 3600), chore("often", 0))
    keeping = worker.Housekeeping(opened)

    await keeping.step()
    await keeping.step()

    assert done == ["broken", "rare", "often", "broken", "often"]
    assert [record.chore for record in caplog.records] == ["broken", "broken"]  # type: ignore[attr-defined]


async def test_run__keeps_house_and_stops_when_told(opened: app.App) -> None:
    stop = asyncio.Event()
    seen = asyncio.Event()

    async def see(_: House) -> None:
        seen.set()

    opened.housekeeping = (Chore("see", see, 60),)
    running = asyncio.create_task(worker.run(opened, stop))
    await asyncio.wait_for(seen.wait(), 10)
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_repeat__goes_on_when_a_connection_was_lost() -> None:
    stop = asyncio.Event()
    tries = 0

    async def step() -> bool:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        stop.set()
        return True

    async with asyncio.timeout(10):
        await worker.repeat(step, stop)

    assert tries == 2


async def test_followers__one_that_waits_for_another_machine_holds_nobody_up(
    opened: app.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAUSE", 0.01)
    stop, told = asyncio.Event(), 0

    async def waits(_: House) -> int:
        await stop.wait()
        return 0

    async def goes_on(_: House) -> int:
        nonlocal told
        told += 1
        if told == 3:
            stop.set()
        return 0

    monkeypatch.setattr(opened, "followers", (waits, goes_on))
    async with asyncio.timeout(30):
        await worker.run(opened, stop)

    assert told == 3
