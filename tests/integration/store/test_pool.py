"""Connections are few: who waits too long for one is told to come back, and the figures say how many wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

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
