"""Keeps our own processes up: starts them, starts one again when it ends, stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence

log = logging.getLogger(__name__)

SHORT_LIFE = 5.0
"""A process that ends sooner than this did not come up."""
TRIES = 5
STOPPING = 30.0
PR_SET_PDEATHSIG = 1
REFUSED = 78
"""What a process ends with when starting it again would not help (EX_CONFIG of sysexits.h)."""


class ProcessFailed(Problem):
    """One of our processes does not come up; its own message says why."""

    vi = "Một tiến trình của chương trình không khởi động được; thông báo của nó nói lý do."


@dataclass(frozen=True, slots=True)
class Process:
    """A process to keep up: its name for people, its command, its environment."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]


def die_with_parent() -> None:
    """Have the kernel end this process when the one that started it is gone, by whatever cause (prctl(2))."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def calm_collector() -> None:
    """Keep Python's collector of cycles from walking over the language's definitions again and again.

    They live as long as the process.  What is there already is set apart now, what is built in the first minute (the
    definitions are loaded when they are first asked for) after that; requests leave few cycles, so the rest is looked at
    more rarely.  It takes a quarter off a create.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    with contextlib.suppress(RuntimeError):  # a process without a running loop is done before it matters
        asyncio.get_running_loop().call_later(60, gc.freeze)


def run(main: Coroutine[object, object, None]) -> None:
    """Run a command to its end, or until SIGINT, SIGTERM or SIGHUP asks it to clean up and end."""

    async def told() -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is in a task
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await main

    asyncio.run(told())


@contextlib.asynccontextmanager
async def keeping(processes: Sequence[Process]) -> AsyncIterator[asyncio.Task[None]]:
    """Keep these up while the block lasts, then end them; the task ends when one does not come up."""
    stop = asyncio.Event()
    ones = [asyncio.create_task(_keep_one(process, stop)) for process in processes]
    task = asyncio.create_task(_first_failure(ones))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait([task, *ones])


async def _first_failure(tasks: Sequence[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()


async def _keep_one(process: Process, stop: asyncio.Event) -> None:
    failures = 0
    while not stop.is_set():
        started = time.monotonic()
        # A session of its own: Ctrl-C in the terminal reaches us alone, and we end everything in order.
        child = await asyncio.create_subprocess_exec(
            *process.command, env=dict(process.environ), start_new_session=True
        )
        if not await _ended_by_itself(child, stop):
            return
        failures = failures + 1 if time.monotonic() - started < SHORT_LIFE else 1
        if failures >= TRIES or child.returncode == REFUSED:
            raise ProcessFailed(f"{process.name} ({child.returncode})")
        log.error("a process ended; starting it again", extra={"worker": process.name, "count": failures})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(0.1 * 2**failures, 5.0))


async def _ended_by_itself(child: asyncio.subprocess.Process, stop: asyncio.Event) -> bool:
    """Wait until the child ends, or end it when we are told to stop (False)."""
    ending = asyncio.create_task(child.wait())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not stop.is_set():
        return True
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not ending.done():
            child.send_signal(number)
            await asyncio.wait([ending], timeout=STOPPING)
    await ending
    return False
