"""The record on a database of its own: contexts by actor, and the retry that doors do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from hsba.record.context import Actor
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hsba.app import App
    from hsba.record.context import Context

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class House:
    """An opened application, and short ways to act in it."""

    app: App

    @asynccontextmanager
    async def writing(self, account: str = "operator", tenant: str | None = None) -> AsyncIterator[Context]:
        """A context in a transaction of its own, of an account that may do everything."""
        keeper = self.app.tenants.get(tenant)
        async with self.app.pool.writing(keeper.id) as tx:
            ctx = self.app.context(tx=tx, tenant=keeper, actor=Actor(account=account))
            yield replace(ctx, policy=self.app.policy)

    @asynccontextmanager
    async def reading(self, account: str = "operator", tenant: str | None = None) -> AsyncIterator[Context]:
        """A context whose every statement sees what is committed."""
        keeper = self.app.tenants.get(tenant)
        async with self.app.pool.reading(keeper.id) as tx:
            ctx = self.app.context(tx=tx, tenant=keeper, actor=Actor(account=account))
            yield replace(ctx, policy=self.app.policy)

    async def do(self, work: Callable[[Context], Awaitable[Done]], **of: Any) -> Done:
        """What a door does with a write: a transaction, and again when it met another one."""
        for _ in range(8):
            try:
                async with self.writing(**of) as ctx:
                    return await work(ctx)
            except RETRY:
                continue
        async with self.writing(**of) as ctx:
            return await work(ctx)

    async def settle(self) -> None:
        """Wait until no transaction begun before this moment is open, in whatever database of the server.

        The tests of other processes hold the feed back too (making a database is a long transaction): that is what it
        promises, and not what tests are about.
        """
        async with self.reading() as ctx:
            ours = await ctx.tx.fetchval("SELECT pg_current_xact_id()")
            while await ctx.tx.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot()) <= $1", ours):
                await asyncio.sleep(0.02)
