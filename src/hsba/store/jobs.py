"""The queue: work that somebody must do, taken with SKIP LOCKED, kept until it is done (decision 0006).

A job is committed with the write that asks for it.  A worker that dies leaves its job `running` with an old `taken`;
after `STALE` it is taken again, so handlers must bear being run twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from hsba.store.pool import Connection

STALE = timedelta(seconds=60)
ATTEMPTS = 8

_TAKE = """
UPDATE ops.job SET state = 'running', taken = now(), attempts = attempts + 1
WHERE id = (
    SELECT id FROM ops.job
    WHERE (state = 'waiting' AND due <= now() OR state = 'running' AND taken < now() - $2::interval) AND kind = ANY($1)
    ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, tenant, kind, detail, attempts, progress
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work as taken by a worker."""

    id: int
    tenant: int | None
    kind: str
    detail: dict[str, Any]
    attempts: int
    progress: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a job is, for the one who asked for it."""

    id: int
    tenant: int | None
    kind: str
    state: str
    detail: dict[str, Any]
    progress: dict[str, Any]
    problem: str | None
    made: datetime
    ended: datetime | None


def _text(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _dict(value: str) -> dict[str, Any]:
    return msgspec.json.decode(value, type=dict[str, Any])


async def enqueue(
    tx: Connection,
    kind: str,
    detail: dict[str, Any],
    *,
    tenant: int | None = None,
    after: timedelta = timedelta(),
) -> int:
    """Ask for work; it becomes visible to workers when this transaction commits."""
    number: int = await tx.fetchval(
        "INSERT INTO ops.job (tenant, kind, detail, due) VALUES ($1, $2, $3::jsonb, now() + $4) RETURNING id",
        tenant,
        kind,
        _text(detail),
        after,
    )
    return number


async def is_asked_for(tx: Connection, kind: str, *, tenant: int | None = None) -> bool:
    """Whether work of this kind waits or runs; with `tenant`, whether it waits for that one."""
    there: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM ops.job WHERE kind = $1 AND CASE WHEN $2::integer IS NULL"
        " THEN state IN ('waiting', 'running') ELSE state = 'waiting' AND tenant = $2 END)",
        kind,
        tenant,
    )
    return there


async def take(tx: Connection, kinds: list[str]) -> Job | None:
    """The next piece of work of these kinds, now ours; None when there is nothing to do."""
    row = await tx.fetchrow(_TAKE, kinds, STALE)
    if row is None:
        return None
    return Job(
        row["id"], row["tenant"], row["kind"], _dict(row["detail"]), row["attempts"], _dict(row["progress"])
    )


async def progress(tx: Connection, job: int, state: dict[str, Any]) -> bool:
    """Keep how far it is and that we are alive; False when the job was cancelled and should stop."""
    kept = await tx.fetchval(
        "UPDATE ops.job SET progress = $2::jsonb, taken = now() WHERE id = $1 AND state = 'running' RETURNING true",
        job,
        _text(state),
    )
    return bool(kept)


async def alive(tx: Connection, job: int) -> None:
    """Keep that we are alive, during a step that takes its time."""
    await tx.execute("UPDATE ops.job SET taken = now() WHERE id = $1 AND state = 'running'", job)


async def done(tx: Connection, job: int, state: dict[str, Any]) -> None:
    """Close a job as done, with its last figures."""
    await tx.execute(
        "UPDATE ops.job SET state = 'done', progress = $2::jsonb, ended = now(), problem = NULL"
        " WHERE id = $1 AND state = 'running'",
        job,
        _text(state),
    )


async def failed(tx: Connection, job: Job, problem: str, *, final: bool = False) -> None:
    """Note why it failed; it is tried again after a growing pause, up to ATTEMPTS times."""
    last = final or job.attempts >= ATTEMPTS
    await tx.execute(
        "UPDATE ops.job SET state = $2, problem = $3, due = now() + $4, ended = CASE WHEN $2 = 'failed' THEN now() END"
        " WHERE id = $1 AND state = 'running'",
        job.id,
        "failed" if last else "waiting",
        problem[:2000],
        timedelta(seconds=min(2**job.attempts, 3600)),
    )


async def later(tx: Connection, job: int, after: timedelta, state: dict[str, Any]) -> None:
    """Put a job back for a while: nothing is wrong with it, it only has to wait."""
    await tx.execute(
        "UPDATE ops.job SET state = 'waiting', due = now() + $2, attempts = 0, progress = $3::jsonb"
        " WHERE id = $1 AND state = 'running'",
        job,
        after,
        _text(state),
    )


async def cancel(tx: Connection, job: int) -> bool:
    """Stop a job that waits or runs; its worker notices at its next sign of life."""
    return bool(
        await tx.fetchval(
            "UPDATE ops.job SET state = 'cancelled', ended = now()"
            " WHERE id = $1 AND state IN ('waiting', 'running') RETURNING true",
            job,
        )
    )


async def unfinished(tx: Connection, kind: str, *, tenant: int | None = None) -> list[dict[str, Any]]:
    """What the waiting and running jobs of a kind are about; those of one tenant, or all."""
    rows = await tx.fetch(
        "SELECT detail FROM ops.job WHERE state IN ('waiting', 'running') AND kind = $1"
        " AND ($2::integer IS NULL OR tenant = $2)",
        kind,
        tenant,
    )
    return [_dict(row["detail"]) for row in rows]


async def forget(tx: Connection, job: int) -> None:
    """Take a job that has ended off the list, so that nobody may ask for it any more."""
    await tx.execute("DELETE FROM ops.job WHERE id = $1 AND state NOT IN ('waiting', 'running')", job)


async def status(tx: Connection, job: int) -> Status | None:
    """How far a job is."""
    row = await tx.fetchrow(
        "SELECT id, tenant, kind, state, detail, progress, problem, made, ended FROM ops.job WHERE id = $1",
        job,
    )
    if row is None:
        return None
    return Status(
        row["id"],
        row["tenant"],
        row["kind"],
        row["state"],
        _dict(row["detail"]),
        _dict(row["progress"]),
        row["problem"],
        row["made"],
        row["ended"],
    )
