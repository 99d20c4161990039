"""The thin door of the background: takes jobs from the queue, follows the feed, keeps partitions ahead.

One process beside the web workers.  It may be killed at any time: what it held is taken again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from hsba import app as house
from hsba import config, logs
from hsba.fhir.problems import Problem
from hsba.ops import processes
from hsba.store import jobs, migrate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsba.app import App, Follower, Handler
    from hsba.config import Settings

log = logging.getLogger("hsba.worker")

PAUSE = 0.5
PARTITIONS_EVERY = 6 * 3600


async def run_one(app: App, handlers: Mapping[str, Handler]) -> bool:
    """Take and do one job; False when there was none."""
    async with app.pool.bare() as tx:
        job = await jobs.take(tx, list(handlers))
    if job is None:
        return False
    started = time.perf_counter()
    try:
        figures = await handlers[job.kind](app, job)
    except asyncio.CancelledError:
        raise
    except Problem as problem:
        log.warning("job refused", extra={"job": job.id, "kind": job.kind, "problem": type(problem).__name__})
        async with app.pool.bare() as tx:
            await jobs.failed(tx, job, problem.sentence, final=problem.status < 500)
    except (
        Exception
    ) as problem:  # a job must never stop the worker; the cause is kept with the job and in the log
        log.exception("job failed", extra={"job": job.id, "kind": job.kind})
        async with app.pool.bare() as tx:
            await jobs.failed(tx, job, f"{type(problem).__name__}: {problem}")
    else:
        async with app.pool.bare() as tx:
            await jobs.done(tx, job.id, figures)
        log.info(
            "job done",
            extra={"job": job.id, "kind": job.kind, "seconds": round(time.perf_counter() - started, 3)},
        )
    return True


async def run(
    app: App, handlers: Mapping[str, Handler], followers: Mapping[str, Follower], stop: asyncio.Event
) -> None:
    """Work until told to stop; a follower answers how many versions it read, so that a busy feed is read at once."""
    next_partitions = 0.0
    while not stop.is_set():
        busy = False
        try:
            if time.monotonic() >= next_partitions:
                async with app.pool.bare() as tx:
                    await migrate.ensure_partitions(tx)
                next_partitions = time.monotonic() + PARTITIONS_EVERY
            for follow in followers.values():
                busy = await follow(app) > 0 or busy
            busy = await run_one(app, handlers) or busy
        except (OSError, Problem):
            log.exception("the worker will try again")
        if not busy:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)


async def main(settings: Settings) -> None:
    """Open the house and work until told to stop."""
    async with house.opened(settings, settings.database_url, size=3) as app:
        await run(app, app.jobs, app.followers, asyncio.Event())


if __name__ == "__main__":
    found = config.load()
    logs.configure(found.log_format, found.log_level)
    processes.die_with_parent()
    processes.run(main(found))
