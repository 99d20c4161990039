"""Connections are few: who waits too long for one is told to come back, and the figures say how many wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from hsba.store.pool import RETRY, Figures, NoConnection, Pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """One connection of each kind."""
    opened = await Pool.open(database.runtime_dsn, size=1, search_size=1, wait=0.3)
    yield opened
    await opened.close()


async def test_reading__who_waits_too_long_is_told_to_come_back(pool: Pool) -> None:
    async with pool.reading(1):
        with pytest.raises(NoConnection) as refused:
            async with pool.reading(1):
                pass
        async with pool.searching(1) as other:
            assert await other.fetchval("SELECT 1") == 1
    async with pool.reading(1) as tx:
        assert await tx.fetchval("SELECT 1") == 1

    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"]
    assert not isinstance(refused.value, RETRY)


async def test_reading__who_is_served_in_time_notices_nothing(pool: Pool) -> None:
    async def one() -> int:
        async with pool.reading(1) as tx:
            await asyncio.sleep(0.02)
            number: int = await tx.fetchval("SELECT 1")
            return number

    assert await asyncio.gather(*(one() for _ in range(5))) == [1] * 5


async def test_figures__say_who_waits(pool: Pool) -> None:
    assert pool.figures() == {"work": Figures(1, 1, 0), "search": Figures(1, 1, 0)}

    async def later() -> None:
        async with pool.writing(1):
            pass

    async with pool.reading(1):
        waiting = asyncio.create_task(later())
        await asyncio.sleep(0.05)
        assert pool.figures()["work"] == Figures(1, 0, 1)
    await waiting
    assert pool.figures()["work"] == Figures(1, 1, 0)


async def test_reading__who_goes_away_while_waiting_takes_nothing_along(pool: Pool) -> None:
    async def later() -> None:
        async with pool.reading(1):
            pass

    async with pool.reading(1):
        waiting = asyncio.create_task(later())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert pool.figures()["work"] == Figures(1, 1, 0)


async def test_reading__a_connection_that_the_server_ended_is_replaced(
    pool: Pool, database: Database
) -> None:
    async with pool.reading(1) as tx:
        number = tx.get_server_pid()
    await _end(database, number)

    async with pool.reading(1) as tx:
        assert await tx.fetchval("SELECT 1") == 1
        assert tx.get_server_pid() != number
    assert pool.figures()["work"] == Figures(1, 1, 0)


async def test_reading__who_waits_behind_a_connection_that_dies_gets_a_new_one(
    pool: Pool, database: Database
) -> None:
    async def later() -> int:
        async with pool.reading(1) as tx:
            found: int = await tx.fetchval("SELECT 2")
            return found

    async with pool.reading(1) as tx:
        waiting = asyncio.create_task(later())
        await asyncio.sleep(0.05)
        await _end(database, tx.get_server_pid())

    assert await waiting == 2
    assert pool.figures()["work"] == Figures(1, 1, 0)


async def test_reading__a_connection_left_in_a_transaction_is_not_given_to_the_next(pool: Pool) -> None:
    async with pool.reading(1) as tx:
        number = tx.get_server_pid()
        await tx.execute("BEGIN")

    async with pool.reading(1) as tx:
        assert tx.get_server_pid() != number


async def test_writing__cancelled_in_the_middle_leaves_a_connection_that_works(pool: Pool) -> None:
    begun = asyncio.Event()

    async def long() -> None:
        async with pool.writing(1) as tx:
            begun.set()
            await tx.execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(long())
    await begun.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with pool.writing(1) as tx:
        assert await tx.fetchval("SELECT 1") == 1
    assert pool.figures()["work"] == Figures(1, 1, 0)


async def test_pool__an_address_that_leads_nowhere_is_told_at_once() -> None:
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await Pool.open("postgresql://nobody@localhost:1/nothing")


async def _end(database: Database, number: int) -> None:
    """End a connection as an administrator, or the server's restart, would."""
    tx = await asyncpg.connect(database.runtime_dsn)
    await tx.execute("SELECT pg_terminate_backend($1)", number)
    await tx.close()
    await asyncio.sleep(0.1)
