"""Connections to PostgreSQL: each knows the tenant it is set to, so that row-level security fences every query."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba.fhir.problems import Busy
from hsba.store.connections import WAIT, Connections, Figures, NoConnection, Taken
from hsba.store.generation import DefinitionsChanged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

SCHEMAS = "record, reference, ops"


class Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg ships no types
    """A connection that remembers which tenant it was set to, and whether its transaction has written addresses.

    A transaction handed out by `Pool.writing` begins with its first statement; what is asked by `…_alone` before that
    is a transaction of its own, which saves two of three trips to the server for a write that is one statement.
    `stepped` says how often its transaction has changed the search parameters.
    """

    __slots__ = ("by_key", "stepped", "tenant", "transacted", "waiting", "wrote")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without a tenant: row-level security then shows nothing."""
        super().__init__(*args, **kwargs)
        self.tenant: int | None = None
        self.wrote = False
        self.waiting = False
        self.stepped = 0
        self.transacted: Any = None
        self.by_key: Pool | None = None

    async def fetch_by_key(self, tenant: int, sql: str, *args: Any) -> Any:
        """Rows of a statement whose plan is the same for all values.

        A connection for searches plans each statement anew, which costs more than a name or a number to find; it has
        this one run on a connection that keeps its plans.
        """
        if self.by_key is None:
            return await self.fetch(sql, *args)
        async with self.by_key.reading(tenant) as tx:
            return await tx.fetch(sql, *args)

    async def begin(self) -> None:
        """Begin the transaction that was handed out, unless that was done."""
        if self.waiting:
            self.waiting = False
            self.transacted = self.transaction()
            await self.transacted.start()

    async def fetch(self, *args: Any, **kwargs: Any) -> Any:
        """As in asyncpg, in the transaction."""
        if self.waiting:
            await self.begin()
        return await super().fetch(*args, **kwargs)

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        """As in asyncpg, in the transaction."""
        if self.waiting:
            await self.begin()
        return await super().fetchrow(*args, **kwargs)

    async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
        """As in asyncpg, in the transaction."""
        if self.waiting:
            await self.begin()
        return await super().fetchval(*args, **kwargs)

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """As in asyncpg, in the transaction."""
        if self.waiting:
            await self.begin()
        return await super().execute(*args, **kwargs)

    async def fetch_alone(self, *args: Any) -> Any:
        """Rows, as a transaction of their own where none has begun."""
        return await super().fetch(*args)

    async def fetchrow_alone(self, *args: Any) -> Any:
        """A row, as a transaction of its own where none has begun."""
        return await super().fetchrow(*args)

    async def fetchval_alone(self, *args: Any) -> Any:
        """A value, as a transaction of its own where none has begun."""
        return await super().fetchval(*args)

    async def use(self, tenant: int) -> None:
        """Show the rows of this tenant and of no other from now on."""
        if self.tenant != tenant:
            await self.execute(f"SET hsba.tenant = '{int(tenant)}'")
            self.tenant = tenant


BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Reads and writes go by key, always: one plan per statement, and never the scan that looked cheap while the
tables of a new installation were still empty."""


async def _nothing_to_renew(_: Connection) -> None:
    """A pool without a house around it knows no search parameters."""


class Pool:
    """The process's connections: `work` for reads and writes, `search` with plans made for the values at hand.

    Tenants differ in size, so a search plan made for one would be wrong for another
    (`plan_cache_mode=force_custom_plan`).
    """

    def __init__(self, work: Connections, search: Connections) -> None:
        """Keep the two kinds; use `Pool.open`."""
        self._work = work
        self._search = search
        self.renew: Callable[[Connection], Awaitable[None]] = _nothing_to_renew
        """Called when the search parameters have changed under a transaction, or by it; `app` sets it."""

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        size: int = 10,
        search_size: int = 6,
        application: str = "hsba",
        wait: float = WAIT,
    ) -> Pool:
        """Connect with the runtime role's address; sizes are upper limits per process."""

        async def connect(**settings: str) -> Connection:
            tx: Connection = await asyncpg.connect(
                dsn,
                connection_class=Connection,
                command_timeout=120,
                statement_cache_size=512,
                server_settings={
                    "search_path": SCHEMAS,
                    "application_name": application,
                    "timezone": "UTC",
                    "jit": "off",
                    "statement_timeout": "60s",
                    "idle_in_transaction_session_timeout": "60s",
                    **settings,
                },
            )
            return tx

        pool = cls(
            Connections(partial(connect, **BY_KEY), size, wait),
            Connections(partial(connect, plan_cache_mode="force_custom_plan"), search_size, wait),
        )
        async with pool.bare(), pool.searching(0):
            pass  # an address that leads nowhere is told now
        return pool

    def reading(self, tenant: int) -> Taken:
        """A connection for single reads, each its own snapshot."""
        return self._work.taken(tenant)

    def searching(self, tenant: int) -> Searching:
        """A connection for composed searches."""
        return Searching(self._search.taken(tenant), self)

    def writing(self, tenant: int) -> Writing:
        """A transaction: returning commits, raising rolls back; it begins with its first statement."""
        return Writing(self._work.taken(tenant), self)

    def bare(self) -> Taken:
        """A connection for the machinery (jobs, tenants, lists), with whatever tenant it had before."""
        return self._work.taken()

    def figures(self) -> dict[str, Figures]:
        """The figures of each kind, as they are now."""
        return {"work": self._work.figures(), "search": self._search.figures()}

    async def close(self) -> None:
        """Wait for the connections in use, then close."""
        await self._work.close()
        await self._search.close()


class Searching:
    """A connection for searches while it is in use."""

    __slots__ = ("_pool", "_taken")

    def __init__(self, taken: Taken, pool: Pool) -> None:
        """Say which, and whose connections keep their plans."""
        self._taken = taken
        self._pool = pool

    async def __aenter__(self) -> Connection:
        """Take it."""
        tx = await self._taken.__aenter__()
        tx.by_key = self._pool
        return tx

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        """Give it back."""
        await self._taken.__aexit__(kind, exc, at)


class Writing:
    """A transaction while it is under way."""

    __slots__ = ("_pool", "_taken", "_tx")

    def __init__(self, taken: Taken, pool: Pool) -> None:
        """Say on which connection, and who is told of changed search parameters."""
        self._taken = taken
        self._pool = pool

    async def __aenter__(self) -> Connection:
        """Take the connection; the first statement begins the transaction."""
        tx = self._tx = await self._taken.__aenter__()
        tx.wrote, tx.stepped, tx.waiting, tx.transacted = False, 0, True, None
        return tx

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        """Commit or roll back, and give the connection back."""
        try:
            await self._end(exc)
        finally:
            await self._taken.__aexit__(kind, exc, at)

    async def _end(self, exc: BaseException | None) -> None:
        tx = self._tx
        tx.waiting = False
        transacted, tx.transacted = tx.transacted, None
        try:
            if transacted is not None:
                if exc is None:
                    await transacted.commit()
                elif not tx.is_closed():
                    await transacted.rollback()
        finally:
            stepped = tx.stepped > 0
            tx.wrote, tx.stepped = False, 0
        if isinstance(exc, DefinitionsChanged):
            await self._pool.renew(tx)
        elif exc is None and stepped:
            # It is committed; a process that cannot read it now hears of it by the next refusal.
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._pool.renew(tx)


RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError, Busy)
"""What a second try with all state rebuilt may cure: two writers met, nothing was kept of the loser."""

__all__ = ["RETRY", "Connection", "Figures", "NoConnection", "Pool"]
