"""The job that tells a subscription's target what changed: at least once, and the current state last.

All that one subscription has to tell is told by one job, so a target that is slow or down holds up no other.  Each
resource is read anew right before it is sent, with the rights of whoever saved the subscription: what he may no longer
see, or what no longer fits, is not told.

(FHIR R4 codesystem-subscription-channel-type.html#rest-hook: without a payload a bare POST to the address, with one an
update, PUT [endpoint]/[type]/[id].)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir import json, xml
from hsba.fhir.problems import Gone, NotFound
from hsba.fhir.query.expression import Ids, all_of
from hsba.ops.hooks.sending import Sender, Unreached
from hsba.record import interactions
from hsba.record.subscriptions import check, state
from hsba.record.subscriptions.addresses import TargetRefused
from hsba.record.work import Kind, Later
from hsba.store import deliveries, jobs
from hsba.store import search as searching

if TYPE_CHECKING:
    from hsba.record.context import Tenant
    from hsba.record.subscriptions.state import Watched
    from hsba.record.work import House
    from hsba.store.deliveries import Held, Row
    from hsba.store.jobs import Job
    from hsba.store.pool import Connection

TRIES = 14
"""So often something is tried in vain, over about three hours, before the subscription is set to `error`."""
SIDE_BY_SIDE = 8
"""So many targets are called at once by each worker."""
AT_ONCE = 4
"""So many resources of one subscription are told at once; each of them is always told by one alone."""
COME_BACK = frozenset({429, 502, 503, 504})
"""Answers that are about the whole target and not about what was sent."""


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries in vain: 2 s, 4 s, … an hour at most."""
    return timedelta(seconds=min(2**tries, 3600))


async def deliver(house: House, job: Job) -> dict[str, Any]:
    """Tell what a subscription has to tell until nothing is left, or its target should be left alone for a while."""
    tenant = next((one for one in house.tenants.all() if one.id == job.tenant), None)
    if tenant is None:
        raise Later(timedelta(seconds=5), job.progress)  # a new one: the follower knows it, soon we shall
    unreached = int(job.progress.get("unreached", 0))
    told = 0
    async with Sender(house.rules.targets) as sender:
        work = _Work(house, tenant, int(job.detail["subscription"]), sender)
        while True:
            async with house.pool.reading(tenant.id) as tx:
                watched = await work.watched(tx)
                rows = await deliveries.next_rows(tx, tenant.id, work.key, AT_ONCE)
                alive = await jobs.progress(tx, job.id, job.progress)
            if not alive:
                break
            if watched is None or not rows:
                async with house.pool.writing(tenant.id) as tx:
                    if await work.settle(tx, job):
                        break
                continue
            answers = await asyncio.gather(*(work.tell(watched, row) for row in rows), return_exceptions=True)
            told += sum(answer for answer in answers if isinstance(answer, int))
            failed = next((answer for answer in answers if isinstance(answer, BaseException)), None)
            if failed is None:
                unreached = 0
            elif not isinstance(failed, Unreached):
                raise failed
            else:
                unreached += 1
                if unreached < TRIES:
                    raise Later(pause(unreached), {"unreached": unreached})
                await work.give_up(watched, f"The target cannot be reached ({failed}), {TRIES} times.")
    return {"told": told}


@dataclass(slots=True)
class _Work:
    """What the steps of one job share."""

    house: House
    tenant: Tenant
    key: int
    sender: Sender

    async def held(self, tx: Connection) -> Held | None:
        """The Subscription as it is now."""
        return await deliveries.held_now(
            tx, self.tenant.id, self.house.registry.type_id(state.TYPE), self.key
        )

    async def watched(self, tx: Connection) -> Watched | None:
        """What is to be told to whom; None when nobody wants to be told any more, or the server gave up."""
        held = await self.held(tx)
        if held is None or state.status(held) not in state.IN_FORCE:
            return None
        return state.read(state.as_server(self.house, tx, self.tenant), held)

    async def settle(self, tx: Connection, job: Job) -> bool:
        """End the job, or put it back until something is due; False when there is something to tell after all.

        The job's row is held meanwhile, so that whoever has something new to tell either is seen here or starts another.
        """
        if not await deliveries.hold(tx, job.id):
            return True
        held = await self.held(tx)
        status = "off" if held is None else state.status(held)
        if status not in state.IN_FORCE:
            if status == "off":
                await deliveries.drop(tx, self.tenant.id, [self.key])
            await deliveries.end(tx, job.id)
            return True
        wait = await deliveries.wait(tx, self.tenant.id, self.key)
        if wait is None:
            await deliveries.end(tx, job.id)
            return True
        if wait > timedelta():
            await jobs.later(tx, job.id, wait, {})
        return wait > timedelta()

    async def tell(self, watched: Watched, row: Row) -> int:
        """Tell one thing, as it is now; answers how much was told."""
        found = await self.current(watched, row)
        if found is None:
            await self.done(row, row.vid)
            return 0
        vid, body = found
        headers = check.headers(watched.content)
        method, below = "POST", ""
        if watched.payload is not None:
            method, below = "PUT", f"/{watched.type}/{row.id}"
            headers.append(("Content-Type", watched.payload))
        try:
            status = await self.sender.send(
                method, watched.endpoint, below=below, headers=headers, content=body
            )
        except TargetRefused as problem:
            await self.give_up(watched, problem.sentence)
            return 0
        if status in COME_BACK:
            raise Unreached(f"it answered {status}")
        if 200 <= status < 300:
            await self.done(row, max(vid, row.vid))
            return 1
        if row.tries + 1 >= TRIES:
            await self.give_up(watched, f"The target answered {status}, {TRIES} times.")
            return 0
        async with self.house.pool.writing(self.tenant.id) as tx:
            await deliveries.refused(tx, self.tenant.id, self.key, row.resource, pause(row.tries + 1))
        return 0

    async def current(self, watched: Watched, row: Row) -> tuple[int, bytes] | None:
        """Version and bytes to send; None for what is gone, does not fit any more, or may not be seen by the owner."""
        await self.house.know(watched.owner, self.tenant)
        async with self.house.pool.searching(self.tenant.id) as tx:
            ctx = state.as_owner(self.house, tx, self.tenant, watched.owner)
            where = all_of([Ids((row.id,)), watched.where])
            if self.house.registry.type_id(watched.type) != row.type or not await searching.match_keys(
                tx, where, watched.type, ctx, limit=1
            ):
                return None
            if watched.payload is None:
                return row.vid, b""
            try:
                stored = await interactions.read(ctx, watched.type, row.id)
            except (NotFound, Gone):
                return None
        body = (stored.body or "").encode()
        if watched.payload == check.XML:
            body = xml.dump(json.parse(body), ctx.definitions)
        return stored.vid, body

    async def done(self, row: Row, vid: int) -> None:
        """Nothing more is to be told of this, unless a newer version matched meanwhile."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            await deliveries.told(tx, self.tenant.id, self.key, row.resource, vid)

    async def give_up(self, watched: Watched, why: str) -> None:
        """Set the subscription to `error`; what is still to be told waits until it is asked for again."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            await state.change(
                state.as_server(self.house, tx, self.tenant),
                watched.id,
                "error",
                of=state.IN_FORCE,
                vid=watched.vid,  # whoever changed it meanwhile is not answered for the old one
                error=f"{why} What was not told is kept: mend the target and set the status to requested.",
            )


JOBS: tuple[Kind, ...] = (Kind(deliveries.KIND, deliver, slots=SIDE_BY_SIDE),)
