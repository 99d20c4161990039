"""A small HTTP/1.1 client for load: prepared request bytes, keep-alive, no parsing beyond status and length.

It takes as little of the two cores as Python can, and the same for every server it asks.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import accounts
from hsba.access.rights import grants
from hsba.ops import accounts as keeping
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests gave: how many a second, and how long single ones took (seconds, sorted)."""

    rate: float
    times: Sequence[float]
    failed: int

    def percentile(self, share: float) -> float:
        """The time below which this share of the requests stayed, in milliseconds."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))] * 1000


TOKEN = ""
"""The bearer token that every request carries; `let_in` makes it."""


async def let_in(owner_dsn: str) -> None:
    """Make a staff account and take a token for it."""
    global TOKEN  # noqa: PLW0603 - one token for the run
    tx = await asyncpg.connect(owner_dsn)
    now = datetime.now(UTC)
    await accounts.create(tx, now, "bench", "staff", "Đo tốc độ", must_change=False)
    for (tenant,) in await tx.fetch("SELECT id FROM record.tenant"):
        await grants.put_role(tx, tenant, OPERATOR, *keeping.DEMO_ROLE)
    await keeping.give(tx, "bench", [keeping.DEMO_ROLE[0]])
    TOKEN = await accounts.token(tx, now, account="bench", scope="", lasts=timedelta(days=2))
    await tx.close()


def request(method: str, path: str, body: bytes = b"", *, host: str = "localhost", **headers: str) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: application/fhir+json"]
    if TOKEN:
        lines.append(f"Authorization: Bearer {TOKEN}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end])
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            if not self._buffer.endswith(b"0\r\n\r\n"):
                return
            body = bytes(self._buffer[end + 4 :])
        else:
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = bytes(self._buffer[end + 4 : end + 4 + length])
        self._buffer.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((int(head[9:12]), head, body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed by the server"))

    async def ask(self, data: bytes) -> tuple[int, bytes, bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)  # type: ignore[attr-defined]
        return await self._answer

    def close(self) -> None:
        self._transport.close()


async def connect(port: int) -> _Connection:
    """One connection to a server on this machine."""
    _, protocol = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return protocol


async def load(
    port: int,
    next_request: Callable[[], bytes],
    *,
    clients: int = 8,
    seconds: float = 3.0,
    expect: tuple[int, ...],
) -> Load:
    """Ask with `clients` connections for `seconds`; answers outside `expect` count as failed."""
    connections = [await connect(port) for _ in range(clients)]
    times: list[float] = []
    failed = 0
    started = time.perf_counter()
    until = started + seconds

    async def client(connection: _Connection) -> None:
        nonlocal failed
        while (now := time.perf_counter()) < until:
            status, _, body = await connection.ask(next_request())
            times.append(time.perf_counter() - now)
            if status not in expect:
                failed += 1
                if failed == 1:
                    print("unexpected answer", status, body[:400])

    await asyncio.gather(*(client(connection) for connection in connections))
    spent = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return Load(len(times) / spent, sorted(times), failed)
