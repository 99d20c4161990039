"""A small record to search in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from hsba import app, config
from search_world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database


@pytest_asyncio.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """An empty record in an opened application."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=6) as opened:
        found = await World.make(opened)
        found.shadowed = True
        yield found
