"""Bulk loading by several processes: each checks chunks of lines and saves them in its own transactions.

Validation is what costs most, and it is pure Python: one process per core loads about as many times faster.
"""

from __future__ import annotations

import asyncio
import gzip
import multiprocessing
import os
import random
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Problem
from hsba.ops import processes
from hsba.record import bulk
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from hsba.record.work import House, Opener

CHUNK = 400
HEAVY = 8 * 1024 * 1024
"""Bytes after which a chunk is full however few its lines are."""
TRIES = 6

Chunk = list[tuple[int, bytes]]


def read_lines(files: Iterable[Path]) -> Iterator[bytes]:
    """The lines of some NDJSON files, one after the other; `.gz` is unpacked on the way."""
    for file in files:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            yield from lines


def chunks(lines: Iterable[bytes], size: int = CHUNK, *, before: int = 0) -> Iterator[Chunk]:
    """Number the lines after the `before` first ones and give them out in chunks; empty lines are passed over."""
    chunk: Chunk = []
    weight = 0
    for number, line in enumerate(lines, before + 1):
        if line.strip():
            chunk.append((number, line))
            weight += len(line)
            if len(chunk) == size or weight > HEAVY:
                yield chunk
                chunk, weight = [], 0
    if chunk:
        yield chunk


async def load_chunk(house: House, tenant: str, chunk: Chunk, **by: Any) -> bulk.Figures:
    """Load one chunk in one transaction; tried again when it met another writer.

    `by` says who loads, for what and through which door (actor, purpose, channel).  What is refused as a whole is tried
    half by half, until the one line that is to blame stands alone.
    """
    keeper = house.tenants.get(tenant)
    told = {"channel": "bulk", **by}
    if "actor" in by:
        await house.know(by["actor"], keeper)
    for attempt in range(TRIES):
        try:
            async with house.pool.writing(keeper.id) as tx:
                return await bulk.load(house.context(tx=tx, tenant=keeper, **told), chunk)
        except RETRY:
            if attempt == TRIES - 1:
                raise
        except Problem as problem:
            if problem.status >= 500:
                raise
            found = bulk.Figures()
            if len(chunk) == 1:
                found.refuse(chunk[0][0], problem)
                return found
            half = len(chunk) // 2
            for part in (chunk[:half], chunk[half:]):
                found.add(await load_chunk(house, tenant, part, **by), keep=len(chunk))
            return found
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
    processes.die_with_parent()
    os.nice(5)
    _process = _Process(opener)
    processes.calm_collector()


def _work(tenant: str, chunk: Chunk, by: dict[str, Any]) -> bulk.Figures:
    assert _process is not None  # noqa: S101 - the pool's initializer ran
    return _process.loop.run_until_complete(load_chunk(_process.house, tenant, chunk, **by))


@dataclass(frozen=True, slots=True)
class Step:
    """How far a load is: all figures, those of the latest chunk, and the line up to which everything is done."""

    total: bulk.Figures
    part: bulk.Figures
    line: int


def load(
    opener: Opener,
    tenant: str,
    lines: Iterable[bytes],
    *,
    at_once: int | None = None,
    before: int = 0,
    note: Callable[[Step], bool | None] = lambda _: None,
    **by: Any,
) -> bulk.Figures:
    """Load NDJSON lines with several processes; `opener` (a picklable function) opens a house in each.

    `note` is told each chunk in the order of the lines, and answers False to stop; `before` lines were done earlier and
    are not among these.  At most a few chunks are in hand, so memory stays flat however long the file is.
    """
    total = bulk.Figures()
    count = at_once or max(1, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(opener,)) as pool:
        waiting: deque[tuple[int, Future[bulk.Figures]]] = deque()

        def take() -> bool:
            line, future = waiting.popleft()
            part = future.result()
            total.add(part)
            return note(Step(total, part, line)) is not False

        for chunk in chunks(lines, before=before):
            waiting.append((chunk[-1][0], pool.submit(_work, tenant, chunk, by)))
            if len(waiting) >= count * 3 and not take():
                break
        while waiting:
            take()
    return total
