"""Work that somebody ordered over REST: who asked, how far it is, and the files it leaves for a while.

Only who started a job may see it; for anybody else it is not there.  Its folder is removed when the files have had their
time, by a job of its own that is enqueued with the order and so outlives every crash.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, ClassVar

from hsba.fhir import json, outcome
from hsba.fhir.problems import Issue, NotFound, TooManyRequests
from hsba.record.calls import Reply
from hsba.record.context import Actor
from hsba.record.tenants import UnknownTenant
from hsba.record.work import Kind
from hsba.store import jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from hsba.record.calls import Call
    from hsba.record.context import Context, Tenant
    from hsba.record.work import House
    from hsba.store.jobs import Job, Status

KEEP = timedelta(hours=24)
"""How long files stay after the job has ended: a night's download may fail and be repeated the next day, and copies of
patients' data do not pile up on the disk."""
MOST = 8
"""Jobs of one kind that an account may have waiting or running: they are done one after the other and fill the disk."""
REMOVE = "remove-files"


class NoSuchJob(NotFound):
    """There is no such job of yours, or its files have had their time; start it again."""

    vi = "Không có công việc này của bạn, hoặc tệp đã hết hạn; hãy chạy lại."


class TooManyJobs(TooManyRequests):
    """So many jobs of yours are not done yet; wait for one of them, or give one up."""

    vi = "Bạn đang có nhiều công việc chưa xong; hãy chờ hoặc bỏ bớt một việc."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}


async def order(ctx: Context, kind: str, detail: dict[str, Any], folder: str = "") -> Reply:
    """Ask for work in the transaction of `ctx`; answers 202 with the address where its state is told.

    `folder` is where its files lie below the folder for files; by default one named after the job.
    """
    waiting = await jobs.unfinished(ctx.tx, kind, tenant=ctx.tenant.id)
    if sum(one["actor"]["account"] == ctx.actor.account for one in waiting) >= MOST:
        raise TooManyJobs
    told = {**detail, "actor": asdict(ctx.actor), "purpose": ctx.purpose}
    number = await jobs.enqueue(ctx.tx, kind, told, tenant=ctx.tenant.id)
    await jobs.enqueue(
        ctx.tx,
        REMOVE,
        {"job": number, "folder": folder or f"{kind}s/{number}"},
        tenant=ctx.tenant.id,
        after=KEEP,
    )
    address = f"{ctx.base}/${kind}-status?job={number}"
    begun = Issue(
        "information",
        "informational",
        f"Begun; ask {address} how far it is.",
        f"Đã bắt đầu; hỏi {address} để biết đến đâu.",
    )
    return Reply(202, (("Content-Location", address),), outcome.outcome([begun]))


async def mine(ctx: Context, call: Call, kind: str) -> Status:
    """The job that a call names, if this account started it for this keeper and it is still to be had."""
    text = call.text("job") or ""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NoSuchJob
    found = await jobs.status(ctx.tx, int(text))
    if found is None or found.kind != kind or found.tenant != ctx.tenant.id or found.state == "cancelled":
        raise NoSuchJob
    if not _his(found.detail["actor"], ctx.actor):
        raise NoSuchJob
    if found.ended is not None and found.ended + KEEP <= datetime.now(UTC):
        raise NoSuchJob
    return found


def _his(ordered: dict[str, Any], actor: Actor) -> bool:
    """Whether this actor ordered it; by a token with scopes, by one with the same: its files hold what those reach."""
    if ordered["account"] != actor.account:
        return False
    same = ordered.get("scope", ""), ordered.get("patient")
    return not actor.scope or (actor.scope, actor.patient) == same


def under_way(job: Status, told: str) -> Reply:
    """202: not ready yet, and when to ask again: the longer it takes, the more seldom."""
    seconds = (datetime.now(UTC) - job.made).total_seconds()
    wait = min(60, max(1, int(seconds / 10)))
    return Reply(202, (("X-Progress", told), ("Retry-After", str(wait))))


def broken(job: Status) -> Reply:
    """500: it came to nothing, and why."""
    issue = Issue(
        "error",
        "exception",
        f"The job failed: {job.problem}",
        f"Công việc không xong: {job.problem}",
        problem="JobFailed",
    )
    return Reply(500, (), outcome.outcome([issue]))


def ready(job: Status, manifest: dict[str, Any]) -> Reply:
    """200 with the list of files, and until when they are there."""
    assert job.ended is not None  # noqa: S101 - what is done has ended
    expires = format_datetime(job.ended + KEEP, usegmt=True)
    return Reply(200, (("Expires", expires),), text=json.dump(manifest).decode())


async def give_up(ctx: Context, call: Call, kind: str, folder: Callable[[Status], Path]) -> Reply:
    """DELETE: stop the work, remove its files; from then on it is not there."""
    job = await mine(ctx, call, kind)
    if not await jobs.cancel(ctx.tx, job.id):
        await jobs.forget(ctx.tx, job.id)
    if job.state != "running":  # else whoever writes them removes them when he notices
        await asyncio.to_thread(shutil.rmtree, folder(job), ignore_errors=True)
    return Reply(202)


# --- for the worker ----------------------------------------------------------------------------------------


async def keeper(house: House, number: int | None) -> Tenant:
    """The keeper a job is for, also one that was added since this process started."""
    for again in (False, True):
        if again:
            async with house.pool.bare() as tx:
                await house.tenants.read(tx)
        for one in house.tenants.all():
            if one.id == number:
                return one
    raise UnknownTenant(str(number))


@asynccontextmanager
async def acting(house: House, job: Job, channel: str) -> AsyncIterator[Context]:
    """A context of who ordered the work, with the rights he has now."""
    tenant = await keeper(house, job.tenant)
    actor = Actor(**job.detail["actor"])
    await house.know(actor, tenant)
    async with house.pool.searching(tenant.id) as tx:
        yield house.context(
            tx=tx,
            tenant=tenant,
            channel=channel,
            purpose=job.detail["purpose"],
            actor=actor,
        )


async def remove(house: House, job: Job) -> dict[str, Any]:
    """Remove the files of a job that ended long enough ago, or look again later."""
    number = job.detail["job"]
    async with house.pool.bare() as tx:
        found = await jobs.status(tx, number)
        now = datetime.now(UTC)
        if found is not None and found.state in ("waiting", "running"):
            left = KEEP
        elif found is not None and found.state == "done" and found.ended is not None:
            left = found.ended + KEEP - now
        else:
            left = timedelta()
        if left > timedelta():
            await jobs.enqueue(tx, REMOVE, job.detail, tenant=job.tenant, after=left)
            return {"later": left.total_seconds()}
    await asyncio.to_thread(shutil.rmtree, house.files / job.detail["folder"], ignore_errors=True)
    return {}


JOBS: Sequence[Kind] = (Kind(REMOVE, remove),)

__all__ = [
    "JOBS",
    "KEEP",
    "NoSuchJob",
    "acting",
    "broken",
    "give_up",
    "keeper",
    "mine",
    "order",
    "ready",
    "remove",
    "under_way",
]
