"""Connections of one kind, handed out and taken back: the one given back last goes first, and who waits stands in line.

asyncpg's own pool starts a task for every release and resets what our code leaves clean; this is a tenth of a read's time
(decision 0002).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from hsba.store.pool import Connection

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


class Connections:
    """At most `size` connections, made when they are needed and kept."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int, wait: float = WAIT) -> None:
        """Make none yet."""
        self._connect = connect
        self._size = size
        self._wait = wait
        self._open = 0
        self._closed = False
        self._idle: list[Connection] = []
        self._line: deque[asyncio.Future[Connection | None]] = deque()

    def taken(self, tenant: int | None = None) -> Taken:
        """A connection for as long as a block runs, set to a tenant."""
        return Taken(self, tenant)

    async def take(self) -> Connection:
        """A connection that is up: an idle one, a new one, or the next one given back."""
        if self._closed:
            raise NoConnection
        while self._idle:
            tx = self._idle.pop()
            if not tx.is_closed():
                return tx
            self._open -= 1
        if self._open < self._size:
            return await self._new()
        place: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            async with asyncio.timeout(self._wait):
                given = await place
        except BaseException as exc:
            if place.done() and not place.cancelled():  # it came at the very moment that we gave up
                self._pass_on(place.result())
            elif place in self._line:
                self._line.remove(place)
            if isinstance(exc, TimeoutError):
                raise NoConnection from exc
            raise
        return given if given is not None else await self._new()

    def give(self, tx: Connection) -> None:
        """Take a connection back; one that is down, or was left in the middle of something, is dropped."""
        if not tx.is_closed() and tx.is_in_transaction():
            tx.terminate()
        if tx.is_closed():
            self._open -= 1
            self._pass_on(None)
        else:
            self._pass_on(tx)

    def _pass_on(self, tx: Connection | None) -> None:
        """Give a connection, or the place of one, to who waits longest."""
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(tx)
                return
        if tx is not None:
            self._idle.append(tx)

    async def _new(self) -> Connection:
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._open -= 1
            self._pass_on(None)
            raise

    def figures(self) -> Figures:
        """The figures as they are now."""
        return Figures(self._open, len(self._idle), sum(1 for place in self._line if not place.done()))

    async def close(self) -> None:
        """Wait a while for the connections in use, then close all; nobody gets one any more."""
        self._closed = True
        for _ in range(100):
            if len(self._idle) == self._open:
                break
            await asyncio.sleep(0.1)
        while self._idle:
            tx = self._idle.pop()
            self._open -= 1
            if not tx.is_closed():
                await tx.close(timeout=5)


class Taken:
    """A connection while it is in use."""

    __slots__ = ("_from", "_tenant", "_tx")

    def __init__(self, source: Connections, tenant: int | None) -> None:
        """Say where from, and for which tenant."""
        self._from = source
        self._tenant = tenant

    async def __aenter__(self) -> Connection:
        """Take it."""
        tx = self._tx = await self._from.take()
        if self._tenant is not None and tx.tenant != self._tenant:
            try:
                await tx.use(self._tenant)
            except BaseException:
                self._from.give(tx)
                raise
        return tx

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        """Give it back."""
        self._from.give(self._tx)
