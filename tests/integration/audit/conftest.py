"""The whole house with its audit trail, on a database of its own, with its files in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest_asyncio

from house import House
from hsba import app, config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from databases import Database


@pytest_asyncio.fixture
async def house(database: Database, folder: Path) -> AsyncIterator[House]:
    """The record and its trail, as `app.py` joins them."""
    settings = config.load({}, files=(), given={"data": str(folder)})
    async with app.opened(settings, database.runtime_dsn, size=8) as opened:
        yield House(opened)


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """A connection of the database's owner, who may do everything."""
    tx = await asyncpg.connect(database.owner_dsn)
    yield tx
    await tx.close()
