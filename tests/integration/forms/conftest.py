"""The record on a database of its own: contexts by actor, and the retry that doors do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from house import House
from hsba import app, config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database as TestDatabase


@pytest_asyncio.fixture
async def house(database: TestDatabase) -> AsyncIterator[House]:
    """The whole record, as `app.py` joins it."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=16) as opened:
        yield House(opened)
