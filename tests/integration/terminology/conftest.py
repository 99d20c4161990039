"""The terminology room on a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest_asyncio

from house import House
from hsba import app, config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def house(database: Any) -> AsyncIterator[House]:
    """The opened application."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as opened:
        yield House(opened)
