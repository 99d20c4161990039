"""Somebody else's server: a real HTTP server in the test's process that keeps what it was told."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class Told:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Target:
    """What it was told, and what it answers."""

    port: int = 0
    told: list[Told] = field(default_factory=list)
    status: int = 200
    slow: float = 0.0
    extra: str = ""
    calls: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def paths(self) -> list[str]:
        return [one.path for one in self.told]

    async def until(self, count: int, seconds: float = 30.0) -> list[Told]:
        """Wait until it was told so often."""
        await until(lambda: len(self.told) >= count, seconds)
        return self.told

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self.calls.add(task)
        try:
            await self.answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.calls.discard(task)
            writer.transport.abort()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.told.append(Told(method, path, headers, body))
            if self.slow:
                await asyncio.sleep(self.slow)
            writer.write(f"HTTP/1.1 {self.status} Said\r\n{self.extra}Content-Length: 2\r\n\r\nok".encode())
            await writer.drain()


@contextlib.asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Target]:
    """A target on this machine; on the given port, or one that is free."""
    target = Target()
    server = await asyncio.start_server(target.serve, "127.0.0.1", port)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target
    finally:
        server.close()
        for call in list(target.calls):
            call.cancel()
        await asyncio.gather(*target.calls, return_exceptions=True)
        await asyncio.sleep(0.01)  # what was aborted closes in the loop's next turn


async def until(true: object, seconds: float = 30.0) -> None:
    """Wait until something is true."""
    assert callable(true)
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)
