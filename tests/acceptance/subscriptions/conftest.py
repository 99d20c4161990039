"""A server that may call this machine, and somebody to be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest_asyncio

from acceptance.subscriptions.hook import Target, listening
from callers import Always
from hsba import app, config, worker
from hsba.record import tenants
from hsba.record.subscriptions import watch
from watch import Recording

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from hsba.app import App

SETTINGS = {"HSBA_SUBSCRIPTION_TARGETS": "127.0.0.1,10.0.0.0/8", "HSBA_SUBSCRIPTION_HTTP": "yes"}


@pytest_asyncio.fixture
async def services(database: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """The services of a server with two keepers of records (the first one, and tram-thu) and no data."""
    monkeypatch.setattr(watch, "QUIET", 0.1)
    monkeypatch.setattr(watch, "TENANTS_EVERY", 0.1)
    monkeypatch.setattr(worker, "PAUSE", 0.05)
    async with app.opened(config.load(SETTINGS, files=()), database.runtime_dsn, size=8) as opened:
        async with opened.pool.bare() as tx:
            await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
            await opened.tenants.read(tx)
        opened.trail = Recording()
        opened.identity = Always(opened)
        yield opened


@pytest_asyncio.fixture
async def target() -> AsyncIterator[Target]:
    """Somebody else's server."""
    async with listening() as found:
        yield found
