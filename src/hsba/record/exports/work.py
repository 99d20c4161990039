"""Makes an export: type by type in the order of keys, batch by batch, from where it was cut off.

What stood in the record when the work began is in the files, in the version of that time or a newer one; `transactionTime`
lies before that, so whoever asks again with it as `_since` misses nothing.  The reasons: a key is given once and never
changes, so a walk by keys meets every resource once; each piece of the walk sees what is committed by then, and nothing
that was recorded before `transactionTime` can still be committed (`store.history.horizon`).  What is created meanwhile may
be in the files or not; what is deleted meanwhile is not, and is told the next time.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.query.expression import Date, Updated
from hsba.record import hiding, interactions, orders
from hsba.record.exports.asked import Asked, condition
from hsba.record.exports.files import Files
from hsba.record.saving import instant
from hsba.record.work import Kind
from hsba.store import history, jobs, resources
from hsba.store import search as searching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from hsba.record.context import Context
    from hsba.record.work import House
    from hsba.store.jobs import Job
    from hsba.store.resources import Stored

    Acting = Callable[[], AbstractAsyncContextManager[Context]]

NAME = "export"
WINDOW = 20_000
"""Keys found by one statement: a condition that gathers all of a Group is then asked seldom."""
BATCH = 1000
PULSE = 10.0
"""Seconds between two signs of life: to gather the keys of a window may take long."""
LARGE = {"Binary": 8, "DocumentReference": 50, "Media": 50}
"""Types whose resources may hold whole files, and how many of them are in hand at once."""


@dataclass(slots=True)
class State:
    """How far an export is; kept after every batch."""

    at: str
    """The transactionTime."""
    step: int = 0
    last: int = 0
    """The last key of this step that is in the files."""
    type: str = ""
    resources: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)


def steps(asked: Asked) -> list[tuple[str, bool]]:
    """The types to walk through; with `_since` first what was deleted of each."""
    gone = [(type_, True) for type_ in asked.types] if asked.since is not None else []
    return [*gone, *((type_, False) for type_ in asked.types)]


async def run(house: House, job: Job) -> dict[str, Any]:
    """Do an export that was ordered."""
    asked = Asked.of(job.detail["asked"])
    files = Files(house.files / f"{NAME}s" / str(job.id))

    async def keep(state: State) -> bool:
        async with house.pool.bare() as tx:
            return await jobs.progress(tx, job.id, asdict(state))

    async def live() -> None:
        while True:
            await asyncio.sleep(PULSE)
            async with house.pool.bare() as tx:
                await jobs.alive(tx, job.id)

    acting = partial(orders.acting, house, job, NAME)
    before = State(**job.progress) if job.progress else None
    pulse = asyncio.create_task(live())
    try:
        state = await export(acting, asked, files, keep, before=before)
    finally:
        pulse.cancel()
        await asyncio.wait([pulse])
    if state is None:
        await asyncio.to_thread(shutil.rmtree, files.folder, ignore_errors=True)
    return asdict(state) if state is not None else {}


async def export(
    acting: Acting,
    asked: Asked,
    files: Files,
    keep: Callable[[State], Awaitable[bool]],
    *,
    before: State | None = None,
) -> State | None:
    """Write the files; `keep` is told the state after each batch, and answers False to stop (None is returned then)."""
    files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = before
    if state is None or not files.go_on(state.files):
        files.begin()
        async with acting() as ctx:
            state = State(instant(await history.horizon(ctx.tx), ctx))
    async with acting() as ctx:
        group = await members(ctx, asked.group) if asked.group is not None else ()
    if not await keep(state):
        return None
    for number, (type_, deleted) in enumerate(steps(asked)):
        if number < state.step:
            continue
        state.type = type_
        more = True
        while more:
            async with acting() as ctx:
                found = await _next(ctx, asked, type_, group, state.last, deleted=deleted)
            more = len(found) == WINDOW
            for part in _parts(found, BATCH if deleted else LARGE.get(type_, BATCH)):
                async with acting() as ctx:
                    lines = await (
                        _gone(ctx, asked, type_, part, group) if deleted else _lines(ctx, type_, part)
                    )
                if lines:
                    await asyncio.to_thread(
                        files.write, "Bundle" if deleted else type_, lines, deleted=deleted
                    )
                state.last = part[-1].key
                state.resources += 0 if deleted else len(lines)
                state.files = files.kept()
                if not await keep(state):
                    return None
        state.step, state.last = number + 1, 0
    return state


def _parts(found: list[Stored], size: int) -> Iterator[list[Stored]]:
    for start in range(0, len(found), size):
        yield found[start : start + size]


async def _next(
    ctx: Context, asked: Asked, type_: str, group: Sequence[str], after: int, *, deleted: bool
) -> list[Stored]:
    """The next versions that are to be written and may be seen."""
    if not deleted:
        where = condition(ctx, asked, type_, group)
    else:
        assert asked.since is not None  # noqa: S101 - what was deleted is told with `_since` only
        # Of what was deleted no search rows are left; of whom it was is seen from its last words, below.
        where = Updated(Date("ge", asked.since, asked.since))
    return await searching.walk(ctx.tx, where, type_, ctx, after=after, limit=WINDOW, deleted=deleted)


async def _lines(ctx: Context, type_: str, part: list[Stored]) -> list[bytes]:
    """The texts of the very versions that were found, without what is hidden from the one who asked."""
    found = await resources.with_bodies(ctx.tx, ctx.tenant.id, part)
    await ctx.trail.add(ctx, NAME, type_, found)
    return [(hiding.hide(ctx, type_, one).body or "").encode() for one in found]


async def _gone(
    ctx: Context, asked: Asked, type_: str, part: list[Stored], group: Sequence[str]
) -> list[bytes]:
    """One bundle that says what was deleted (bulkdata export.html#deleted)."""
    if asked.level != "system" or asked.patients:
        whom = {*group, *asked.patients} if asked.level == "Group" or asked.patients else None
        bodies = await history.last_bodies(ctx.tx, ctx.tenant.id, [one.key for one in part])
        part = [one for one in part if _concerns(bodies.get(one.key), type_, whom)]
    if not part:
        return []
    await ctx.trail.add(ctx, NAME, type_, part)
    entries = [{"request": {"method": "DELETE", "url": f"{type_}/{one.id}"}} for one in part]
    return [json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})]


def _concerns(body: str | None, type_: str, whom: set[str] | None) -> bool:
    """Whether what was deleted was a patient or said anything of one: of these, or of any (None)."""
    if body is None:
        return False
    resource = json.stored(body)
    if type_ == "Patient":
        return whom is None or resource["id"] in whom
    return any(whom is None or id_ in whom for id_ in _patients(resource))


def _patients(node: Any) -> Iterator[str]:
    """The ids of the patients that a resource refers to."""
    if isinstance(node, list):
        for one in node:
            yield from _patients(one)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "reference" and isinstance(value, str) and value.startswith("Patient/"):
                yield value.split("/")[1]
            else:
                yield from _patients(value)


async def members(ctx: Context, group: str) -> tuple[str, ...]:
    """The patients who are in a Group now."""
    stored = await interactions.read(ctx, "Group", group)
    found = json.stored(stored.body or "{}")
    inside = [one["entity"] for one in found.get("member", ()) if not one.get("inactive") and "entity" in one]
    return tuple(dict.fromkeys(_patients(inside)))


JOBS: tuple[Kind, ...] = (Kind(NAME, run, long=True),)
