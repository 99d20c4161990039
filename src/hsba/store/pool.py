"""Connections to PostgreSQL: each knows the tenant it is set to, so that row-level security fences every query."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg

from hsba.fhir.problems import Busy, Problem
from hsba.store.generation import DefinitionsChanged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

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


async def _leave_as_it_is(connection: object) -> None:
    """No reset when a connection comes back: our code leaves nothing behind, and a reset costs half the reads/s."""


async def _nothing_to_renew(_: Connection) -> None:
    """A pool without a house around it knows no search parameters."""


WAIT = 10.0
"""Seconds that a request waits for a connection before it is told to come back."""


class NoConnection(Problem):
    """Every connection to the database is in use; nothing was changed, repeat the request in a moment."""

    status, code = 503, "throttled"
    vi = "Mọi kết nối tới cơ sở dữ liệu đang bận; chưa thay đổi gì, hãy gửi lại sau giây lát."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Open connections, those of them that wait for work, and requests that wait for one."""

    open: int
    idle: int
    waiting: int


class _Part:
    """Connections of one kind, and how many requests stand in line for them."""

    def __init__(self, pool: asyncpg.Pool, wait: float) -> None:
        self.pool = pool
        self.wait = wait
        self.waiting = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Connection]:
        """A connection itself: asyncpg's wrapper around it cannot hold what we remember, and costs time."""
        self.waiting += 1
        try:
            async with asyncio.timeout(self.wait):
                proxy = await self.pool.acquire()
        except TimeoutError as exc:
            raise NoConnection from exc
        finally:
            self.waiting -= 1
        try:
            yield proxy._con  # noqa: SLF001 - there is no public name for it
        finally:
            await self.pool.release(proxy)

    def figures(self) -> Figures:
        return Figures(self.pool.get_size(), self.pool.get_idle_size(), self.waiting)


class Pool:
    """The process's connections: `work` for reads and writes, `search` with plans made for the values at hand.

    Tenants differ in size, so a search plan made for one would be wrong for another
    (`plan_cache_mode=force_custom_plan`).
    """

    def __init__(self, work: _Part, search: _Part) -> None:
        """Keep the two parts; use `Pool.open`."""
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

        async def make(limit: int, **settings: str) -> _Part:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=limit,
                connection_class=Connection,
                reset=_leave_as_it_is,
                max_inactive_connection_lifetime=0,
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
            return _Part(pool, wait)

        return cls(
            await make(size, **BY_KEY),
            await make(search_size, plan_cache_mode="force_custom_plan"),
        )

    @asynccontextmanager
    async def reading(self, tenant: int) -> AsyncIterator[Connection]:
        """A connection for single reads, each its own snapshot."""
        async with self._work.taken() as tx:
            await tx.use(tenant)
            yield tx

    @asynccontextmanager
    async def searching(self, tenant: int) -> AsyncIterator[Connection]:
        """A connection for composed searches."""
        async with self._search.taken() as tx:
            await tx.use(tenant)
            tx.by_key = self
            yield tx

    @asynccontextmanager
    async def writing(self, tenant: int) -> AsyncIterator[Connection]:
        """A transaction: returning commits, raising rolls back; it begins with its first statement."""
        async with self._work.taken() as tx:
            await tx.use(tenant)
            tx.wrote, tx.stepped, tx.waiting, tx.transacted = False, 0, True, None
            try:
                yield tx
                tx.waiting = False
                if tx.transacted is not None:
                    await tx.transacted.commit()
                stepped = tx.stepped > 0
            except BaseException as exc:
                tx.waiting = False
                if tx.transacted is not None and not tx.is_closed() and tx.is_in_transaction():
                    await tx.transacted.rollback()
                if isinstance(exc, DefinitionsChanged):
                    await self.renew(tx)
                raise
            finally:
                tx.wrote, tx.stepped, tx.transacted = False, 0, None
            if stepped:
                # It is committed; a process that cannot read it now hears of it by the next refusal.
                with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await self.renew(tx)

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[Connection]:
        """A connection for the machinery (jobs, tenants, lists), with whatever tenant it had before."""
        async with self._work.taken() as tx:
            yield tx

    def figures(self) -> dict[str, Figures]:
        """The figures of each part, as they are now."""
        return {"work": self._work.figures(), "search": self._search.figures()}

    async def close(self) -> None:
        """Wait for the connections in use, then close."""
        await self._work.pool.close()
        await self._search.pool.close()


RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError, Busy)
"""What a second try with all state rebuilt may cure: two writers met, nothing was kept of the loser."""
