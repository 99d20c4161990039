"""Making the search rows of what is stored already: the job, the command and the question how far it is.

Step 1 be the only one - step 2 know the newest search parameters, and wait for every transaction that may still write
by older ones - step 3 batch by batch through each type of each keeper - step 4 open the paths - step 5 remove the rows of
parameters that are gone.  Decision 0007 says why nothing is missed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hsba.fhir.paths import catalogue
from hsba.fhir.problems import Forbidden
from hsba.record.calls import Operation, parameters
from hsba.record.parameters import JOB
from hsba.record.work import Kind
from hsba.store import generation, jobs, reindex
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hsba.record.calls import Call, Resource
    from hsba.record.context import Context, Tenant
    from hsba.record.work import House
    from hsba.store.jobs import Job

BATCH = 200
"""Resources of one transaction: what is locked is free again within a fraction of a second."""
ALIVE = 5.0
"""How often the figures are told while nothing else is."""
TRIES = 20


class ReindexStopped(Exception):
    """Somebody wants no more of it; what was done is kept, and the next run goes on from there."""


@dataclass(slots=True)
class Figures:
    """How far a run is: for each type how many resources of how many, and how many rows were written."""

    step: str = "begin"
    types: dict[str, list[int]] = field(default_factory=dict)
    """Type → done, total, rows."""
    removed: int = 0

    def told(self) -> dict[str, Any]:
        """The figures as they are kept with the job."""
        types = {
            name: {"done": done, "total": total, "rows": rows}
            for name, (done, total, rows) in self.types.items()
        }
        return {"step": self.step, "types": types, "removed": self.removed}


Note = Callable[[Figures], Awaitable[bool]]
"""Is told the figures after each batch; answers False to stop."""


async def run(
    house: House,
    note: Note,
    *,
    types: Sequence[str] = (),
    everything: bool = False,
    gently: bool = True,
    unsure: Sequence[str] = (),
    since: int = 0,
) -> Figures:
    """Fill the paths that wait; of some types only when they are named, and with `everything` make all rows anew.

    `unsure` are types of which nothing was stored when a search parameter came for them, in the change `since`.
    """
    figures = Figures()
    work = _Run(house, note, figures, everything=everything, gently=gently)
    async with house.pool.bare() as guard:
        await work.tell("alone")
        while not await guard.fetchval("SELECT pg_try_advisory_lock($1)", reindex.LOCK):
            await work.tell("alone")
            await asyncio.sleep(1)
        try:
            await work.run(types, unsure, since)
        finally:
            await guard.execute("SELECT pg_advisory_unlock($1)", reindex.LOCK)
    return figures


@dataclass(slots=True)
class _Run:
    house: House
    note: Note
    figures: Figures
    everything: bool
    gently: bool

    async def tell(self, step: str) -> None:
        """Say how far it is, and stop where nobody wants more."""
        self.figures.step = step
        if not await self.note(self.figures):
            raise ReindexStopped

    async def run(self, types: Sequence[str], unsure: Sequence[str], since: int) -> None:
        number = await self.drain()
        in_use = await self.types_in_use()
        await self.look_again([type_ for type_ in unsure if type_ in in_use], since)
        for type_ in types or in_use:
            await self.fill(type_, number)
        await self.sweep(number)
        await self.tell("done")

    async def drain(self) -> int:
        """The number of the search parameters that every transaction from now on writes by."""
        house = self.house
        async with house.pool.bare() as tx:
            await house.renew(tx)
            number = house.definitions.generation
            older = await reindex.running(tx)
            while older:
                await self.tell("older transactions")
                await asyncio.sleep(0.1)
                older &= await reindex.running(tx)
            await house.tenants.read(tx)
        return number

    async def types_in_use(self) -> tuple[str, ...]:
        async with self.house.pool.bare() as tx:
            return await self.house.registry.types_in_use(tx)

    async def look_again(self, types: Sequence[str], since: int) -> None:
        """Types first stored while a search parameter came for them: one process may not have known of it."""
        house = self.house
        for type_ in types:
            async with house.pool.writing(house.tenants.get().id) as tx:
                await reindex.close_new(tx, house.registry, house.definitions, type_, since)

    async def fill(self, type_: str, number: int) -> None:
        """All batches of one type, keeper after keeper; then its paths are open."""
        house = self.house
        async with house.pool.writing(house.tenants.get().id) as tx:
            waits = await reindex.waiting(tx, house.registry, house.definitions, type_)
        # What was added after we looked has transactions of its own to wait for: its own job does that.
        waits = [one for one in waits if one.generation <= number]
        if not waits and not self.everything:
            return
        wanted = " ".join(
            [f"all/{version('hsba')}"] * self.everything + [f"{one.path}@{one.generation}" for one in waits]
        )
        type_id = house.registry.type_id(type_)
        for keeper in house.tenants.all():
            async with house.pool.writing(keeper.id) as tx:
                await reindex.start(tx, keeper.id, type_id, wanted)
        await self.count(type_)
        paths = None if self.everything else [one.path for one in waits]
        for keeper in house.tenants.all():
            while await self.batch(keeper, type_, paths):
                await self.count(type_)
        async with house.pool.writing(house.tenants.get().id) as tx:
            await reindex.finish(tx, house.registry, waits, type_id)

    async def batch(self, keeper: Tenant, type_: str, paths: Collection[int] | None) -> bool:
        """One batch in one transaction, with its place; False when there was nothing left."""
        house = self.house
        type_id = house.registry.type_id(type_)
        started = time.perf_counter()
        for attempt in range(TRIES):
            try:
                async with house.pool.writing(keeper.id) as tx:
                    after = await reindex.place(tx, keeper.id, type_id)
                    if after is None:
                        return False
                    done = await reindex.batch(
                        tx, house.registry, house.definitions, keeper.id, keeper.zone, type_,
                        after=after, limit=BATCH, paths=paths,
                    )  # fmt: skip
                    if done.last is not None:
                        await reindex.note(tx, keeper.id, type_id, done)
                break
            except RETRY:
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(0.05 * (attempt + 1))
        if done.last is None:
            return False
        if self.gently:  # the ward's work goes first: as long a rest as the batch took
            await asyncio.sleep(time.perf_counter() - started)
        return True

    async def count(self, type_: str) -> None:
        """Read the figures of a type and tell them."""
        registry = self.house.registry
        async with self.house.pool.bare() as tx:
            rows = [one for one in await reindex.progress(tx) if one.type == registry.type_id(type_)]
        self.figures.types[type_] = [
            sum(one.done for one in rows), sum(one.total for one in rows), sum(one.rows for one in rows)
        ]  # fmt: skip
        await self.tell("batches")

    async def sweep(self, number: int) -> None:
        """Remove the rows of paths that nobody looks at any more."""
        async with self.house.pool.bare() as tx:
            paths = await reindex.dropped(tx, number)
        for keeper in self.house.tenants.all() if paths else ():
            while True:
                async with self.house.pool.writing(keeper.id) as tx:
                    removed = await reindex.sweep(tx, keeper.id, paths)
                if not removed:
                    break
                self.figures.removed += removed
                await self.tell("sweep")


# --- the job -----------------------------------------------------------------------------------------------


async def job(house: House, job: Job) -> dict[str, Any]:
    """Fill what waits, in the background; after a crash it goes on behind the last batch that was committed."""
    told = 0.0
    last = ""

    async def note(figures: Figures) -> bool:
        nonlocal told, last
        if time.monotonic() - told < 1 and figures.step == last:
            return True
        told, last = time.monotonic(), figures.step
        async with house.pool.bare() as tx:
            return await jobs.progress(tx, job.id, figures.told())

    try:
        unsure, since = job.detail.get("unused", ()), job.detail.get("generation", 0)
        return (await run(house, note, unsure=unsure, since=since)).told()
    except ReindexStopped:
        return {}


async def begin(house: House) -> bool:
    """Ask for the job when any path of a type in use waits and no job is under way: after an upgrade or a cancel."""
    async with house.pool.writing(house.tenants.get().id) as tx:
        waits = [
            one
            for type_ in await house.registry.types_in_use(tx)
            for one in await reindex.waiting(tx, house.registry, house.definitions, type_)
        ]
        if not waits or await jobs.is_asked_for(tx, JOB):
            return False
        await jobs.enqueue(tx, JOB, {})
        return True


# --- the question ------------------------------------------------------------------------------------------


async def status(ctx: Context, call: Call) -> Resource:  # noqa: ARG001 - it takes no parameters
    """Say which search parameters wait and how far the reindex is, for all keepers together."""
    if not ctx.policy.unrestricted:
        raise Forbidden
    number, _ = await generation.numbers(ctx.tx)
    waiting = {row[0] for row in await ctx.registry.waiting(ctx.tx)}
    figures: dict[str, list[int]] = {}
    for one in await reindex.progress(ctx.tx):
        found = figures.setdefault(ctx.registry.type_name(one.type), [0, 0, 0])
        for place, value in enumerate((one.done, one.total, one.rows)):
            found[place] += value
    state = await jobs.is_asked_for(ctx.tx, JOB)
    return parameters(
        {"name": "generation", "valueInteger": number},
        {"name": "running", "valueBoolean": state},
        *(
            {
                "name": "waiting",
                "part": [
                    {"name": "type", "valueCode": type_},
                    {"name": "code", "valueCode": code},
                    {"name": "url", "valueUri": url},
                ],
            }
            for type_, code, url in await _waiting_parameters(ctx, waiting)
        ),
        *(
            {
                "name": "type",
                "part": [
                    {"name": "name", "valueCode": name},
                    {"name": "done", "valueInteger": done},
                    {"name": "total", "valueInteger": total},
                    {"name": "rows", "valueInteger": rows},
                ],
            }
            for name, (done, total, rows) in sorted(figures.items())
        ),
    )


async def _waiting_parameters(ctx: Context, waiting: set[int]) -> list[tuple[str, str, str]]:
    """Type, code and address of the search parameters that look at a path that waits."""
    if not waiting:
        return []
    rows = await ctx.tx.fetch(
        "SELECT DISTINCT type FROM reference.path WHERE NOT ready AND NOT dropped AND id = ANY($1::integer[])",
        list(waiting),
    )
    found: list[tuple[str, str, str]] = []
    for type_ in sorted(ctx.registry.type_name(row[0]) for row in rows):
        known = catalogue(ctx.definitions, type_)
        numbers = await ctx.registry.paths(ctx.tx, known, make=False)
        found += [
            (type_, parameter.code, parameter.url)
            for parameter in known.parameters.values()
            if any(numbers.get(path.key) in waiting for path in parameter.all_paths)
        ]
    return found


JOBS: tuple[Kind, ...] = (Kind(JOB, job, long=True),)

OPERATIONS: tuple[Operation, ...] = (
    Operation("hsba-reindex", frozenset({"type"}), status, ("SearchParameter",),
              definition="urn:hsba:operation:hsba-reindex"),
)  # fmt: skip

__all__ = ["JOBS", "OPERATIONS", "Figures", "ReindexStopped", "begin", "run"]
