"""Bulk loading by several processes: each checks chunks of lines and saves them in its own transactions.

Validation is what costs most, and it is pure Python: one process per core loads about as many times faster.
"""

from __future__ import annotations

import asyncio
import gzip
import multiprocessing
import os
import random
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import TYPE_CHECKING

from hsba.ops.processes import calm_collector
from hsba.record import bulk
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from hsba.record.work import House, Opener

CHUNK = 400
TRIES = 6

Chunk = list[tuple[int, bytes]]


def read_lines(files: Iterable[Path]) -> Iterator[bytes]:
    """The lines of some NDJSON files, one after the other; `.gz` is unpacked on the way."""
    for file in files:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            yield from lines


def chunks(lines: Iterable[bytes], size: int = CHUNK) -> Iterator[Chunk]:
    """Number the lines and give them out in chunks; empty lines are passed over."""
    chunk: Chunk = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            chunk.append((number, line))
            if len(chunk) == size:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


async def load_chunk(house: House, tenant: str, chunk: Chunk, *, channel: str = "bulk") -> bulk.Figures:
    """Load one chunk in one transaction; tried again when it met another writer."""
    keeper = house.tenants.get(tenant)
    for attempt in range(TRIES):
        try:
            async with house.pool.writing(keeper.id) as tx:
                return await bulk.load(house.context(tx=tx, tenant=keeper, channel=channel), chunk)
        except RETRY:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(random.uniform(0.01, 0.1) * 2**attempt)  # noqa: S311 - only spreads the tries
    raise AssertionError  # pragma: no cover - the loop returns or raises


class _Process:
    """What a loading process keeps between chunks: its loop and its open house."""

    def __init__(self, opener: Opener) -> None:
        self.loop = asyncio.new_event_loop()
        self.opened = opener()
        self.house = self.loop.run_until_complete(self.opened.__aenter__())


_process: _Process | None = None


def _start(opener: Opener) -> None:
    global _process  # noqa: PLW0603 - a pool's processes have nowhere else to keep things
    os.nice(5)
    _process = _Process(opener)
    calm_collector()


def _work(tenant: str, chunk: Chunk, channel: str) -> bulk.Figures:
    assert _process is not None  # noqa: S101 - the pool's initializer ran
    return _process.loop.run_until_complete(load_chunk(_process.house, tenant, chunk, channel=channel))


def load(
    opener: Opener,
    tenant: str,
    lines: Iterable[bytes],
    *,
    processes: int | None = None,
    channel: str = "bulk",
    note: Callable[[bulk.Figures], bool | None] = lambda _: None,
) -> bulk.Figures:
    """Load NDJSON lines with several processes; `opener` (a picklable function) opens a house in each.

    `note` is told the figures after each chunk, and answers False to stop.  At most a few chunks are in hand, so memory
    stays flat however long the file is.
    """
    total = bulk.Figures()
    count = processes or max(1, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(opener,)) as pool:
        waiting: set[Future[bulk.Figures]] = set()
        for chunk in chunks(lines):
            waiting.add(pool.submit(_work, tenant, chunk, channel))
            if len(waiting) >= count * 2:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    total.add(one.result())
                if note(total) is False:
                    break
        for one in waiting:
            total.add(one.result())
        note(total)
    return total
