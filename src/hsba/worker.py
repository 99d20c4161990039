"""The thin door of the background: takes jobs from the queue, follows the feed, keeps house.

One process beside the web workers.  It may be killed at any time: what it held is taken again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import asyncpg

from hsba import app as house
from hsba import config, logs
from hsba.fhir.problems import Problem
from hsba.ops import processes
from hsba.record import reindexing
from hsba.record.work import Later
from hsba.store import jobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hsba.app import App
    from hsba.config import Settings
    from hsba.record.work import Follower, Kind
    from hsba.store.jobs import Job

log = logging.getLogger("hsba.worker")

PAUSE = 0.5


class Housekeeping:
    """The chores of the house, each at its time; one that fails is tried again when it is next due."""

    def __init__(self, app: App) -> None:
        """Everything is due at the start."""
        self._app = app
        self._due = {chore.name: 0.0 for chore in app.housekeeping}

    async def step(self) -> bool:
        """Do what is due; there is never more to do at once."""
        for chore in self._app.housekeeping:
            if time.monotonic() < self._due[chore.name]:
                continue
            self._due[chore.name] = time.monotonic() + chore.every
            try:
                await chore.do(self._app)
            except Exception:  # a chore must never stop the worker; the cause is in the log
                log.exception("housekeeping failed", extra={"chore": chore.name})
        return False


async def run_one(app: App, kinds: Sequence[Kind]) -> bool:
    """Take and do one job of these kinds; False when there was none."""
    async with app.pool.bare() as tx:
        job = await jobs.take(tx, [kind.name for kind in kinds])
    if job is None:
        return False
    await do(app, kinds, job)
    return True


async def do(app: App, kinds: Sequence[Kind], job: Job) -> None:
    """Do a job that was taken, and say in the queue what became of it."""
    handler = next(kind.handler for kind in kinds if kind.name == job.kind)
    told = {"job": job.id, "kind": job.kind}
    started = time.perf_counter()
    try:
        figures = await handler(app, job)
    except asyncio.CancelledError:
        raise
    except Later as later:
        async with app.pool.bare() as tx:
            await jobs.later(tx, job.id, later.after, later.progress)
    except Problem as problem:
        log.warning("job refused", extra={**told, "problem": type(problem).__name__})
        async with app.pool.bare() as tx:
            await jobs.failed(tx, job, problem.sentence, final=problem.status < 500)
    except (
        Exception
    ) as problem:  # a job must never stop the worker; the cause is kept with the job and in the log
        log.exception("job failed", extra=told)
        async with app.pool.bare() as tx:
            await jobs.failed(tx, job, f"{type(problem).__name__}: {problem}")
    else:
        async with app.pool.bare() as tx:
            await jobs.done(tx, job.id, figures)
        log.info("job done", extra={**told, "seconds": round(time.perf_counter() - started, 3)})


async def repeat(step: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    """Take a step again and again, with a pause when it found nothing to do, until told to stop."""
    while not stop.is_set():
        try:
            busy = await step()
        except (OSError, Problem, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.exception("the worker will try again")
            busy = False
        if not busy:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)


async def side_by_side(app: App, kind: Kind, stop: asyncio.Event) -> None:
    """Do up to `slots` jobs of a kind at once, each for itself; what is begun when told to stop is ended."""
    async with asyncio.TaskGroup() as work:
        busy: set[asyncio.Task[None]] = set()

        async def take() -> bool:
            if len(busy) >= kind.slots:
                await asyncio.wait(busy, timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
                return True
            async with app.pool.bare() as tx:
                job = await jobs.take(tx, [kind.name])
            if job is None:
                return False
            task = work.create_task(do(app, [kind], job))
            busy.add(task)
            task.add_done_callback(busy.discard)
            return True

        await repeat(take, stop)


async def run(app: App, stop: asyncio.Event) -> None:
    """Keep house, follow the feed, do short jobs and do long ones, side by side, until told to stop."""

    async def follow(read_on: Follower) -> bool:
        return await read_on(app) > 0

    shared = [kind for kind in app.jobs if not kind.slots]
    short = [kind for kind in shared if not kind.long]
    long = [kind for kind in shared if kind.long]
    async with asyncio.TaskGroup() as work:
        work.create_task(repeat(Housekeeping(app).step, stop))
        for read_on in app.followers:  # each for itself: one that waits for another machine holds nobody up
            work.create_task(repeat(partial(follow, read_on), stop))
        work.create_task(repeat(partial(run_one, app, short), stop))
        work.create_task(repeat(partial(run_one, app, long), stop))
        for kind in app.jobs:
            if kind.slots:
                work.create_task(side_by_side(app, kind, stop))


async def main(settings: Settings) -> None:
    """Open the house and work until told to stop."""
    async with house.opened(settings, settings.database_url, size=5) as app:
        processes.calm_collector()
        await reindexing.begin(app)
        await run(app, asyncio.Event())


if __name__ == "__main__":
    found = config.load()
    logs.configure(found.log_format, found.log_level)
    processes.die_with_parent()
    processes.run(main(found))
