"""The follower that finds out who is to be told: reads on in the feed, matches, and asks for deliveries.

For each tenant: step 1 look whether anything came - step 2 in one transaction read a page of versions, whole transactions
only - step 3 match it against the subscriptions in force at that place, one query each - step 4 keep what is to be told
and how far it read.  A process that dies before the commit did nothing; after it, nothing is matched again.

A Subscription takes part from the version that asks for it on, by the order of the feed, so that what it is told does not
depend on when this process ran.  R4 tells nothing of deletes (FHIR R4 subscription.html).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import asyncpg

from hsba.fhir.problems import Problem
from hsba.fhir.query.expression import Ids, all_of
from hsba.record.subscriptions import state
from hsba.store import deliveries
from hsba.store import history as versions
from hsba.store import search as searching
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from hsba.record.context import Tenant
    from hsba.record.subscriptions.state import Watched
    from hsba.record.work import Follower, House
    from hsba.store.pool import Connection, Pool

log = logging.getLogger("hsba.subscriptions")

PAGE = 1000
QUIET = 2.0
"""Seconds between two looks at a tenant without subscriptions: so long a new one may wait to be noticed."""
TENANTS_EVERY = 5.0
PATIENCE = "10s"
"""Criteria that take longer for one page are not matched again."""
KEEP_AFTER = 1_000_000
"""Transactions without anything of interest after which the place is written down all the same."""


@dataclass(slots=True)
class Place:
    """What this process remembers of one tenant; the database knows better when another process was there."""

    read: int
    kept: int
    """How far was read, and how far that is written down: pages without anything are not."""
    watched: tuple[Watched, ...] | None = None
    look: float = 0.0


@dataclass(slots=True)
class Memory:
    """What this process remembers between two looks."""

    places: dict[int, Place] = field(default_factory=dict)
    tenants: float = 0.0


_memories: WeakKeyDictionary[Pool, Memory] = WeakKeyDictionary()


async def watch(house: House) -> int:
    """Read on in the feeds of all tenants and ask for what is to be told; answers how many versions it read."""
    memory = _memories.setdefault(house.pool, Memory())
    now = time.monotonic()
    async with house.pool.bare() as tx:
        if now >= memory.tenants:
            await house.tenants.read(tx)
            memory.tenants = now + TENANTS_EVERY
        end = await versions.bound(tx)
    found = 0
    for tenant in house.tenants.all():
        place = memory.places.get(tenant.id)
        if place is not None and not await _news(house, tenant, place, end):
            continue
        memory.places.pop(tenant.id, None)  # what fails is read anew
        try:
            async with house.pool.writing(tenant.id) as tx:
                page = await _page(house, tx, tenant, place)
        except (*RETRY, asyncpg.QueryCanceledError, Problem) as problem:
            told = {"tenant": tenant.slug, "problem": type(problem).__name__}
            log.warning("a page of the feed will be read again", extra=told)
            continue
        if page is not None:
            memory.places[tenant.id], count = page
            found += count
    return found


async def _news(house: House, tenant: Tenant, place: Place, end: int) -> bool:
    """Whether a page has to be read; one cheap question for a tenant without subscriptions, often none at all."""
    if place.watched is None:
        return True
    if any(one.ends is not None and one.ends <= house.clock.now() for one in place.watched):
        return True
    if end <= place.read + 1 or (not place.watched and time.monotonic() < place.look):
        return False
    if place.watched:
        return True
    async with house.pool.reading(tenant.id) as tx:
        number = house.registry.type_id(state.TYPE)
        if await deliveries.changed(tx, tenant.id, number, place.read, end):
            return True
    place.read, place.look = end - 1, time.monotonic() + QUIET
    return False


async def _page(
    house: House, tx: Connection, tenant: Tenant, place: Place | None
) -> tuple[Place, int] | None:
    """Read and match one page; None when another process is at it."""
    name = f"subscriptions/{tenant.id}"
    if not await deliveries.alone(tx, name):
        return None
    kept = await deliveries.place(tx, name)
    if place is None or place.kept != kept:
        place = Place(kept, kept)
    await tx.execute(
        f"SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '{PATIENCE}'"
    )
    number = house.registry.type_id(state.TYPE)
    watched = place.watched
    if watched is None:
        watched = await _in_force(house, tx, tenant, place.read)
    watched = await _ended(house, tx, tenant, watched)
    types = {number, *(house.registry.type_id(one.type) for one in watched)}
    entries, read = await versions.feed(
        tx, tenant.id, place.read, limit=PAGE, types=sorted(types), bodies=False
    )
    # A Subscription that changes ends the page: what follows is matched against the new list.
    turn = next((entry.xid for entry in entries if entry.stored.type == number), None)
    if turn is not None:
        read = turn
        entries = [entry for entry in entries if entry.xid <= turn]
    newest: dict[str, dict[str, tuple[int, int]]] = {}
    for entry in entries:
        type_ = house.registry.type_name(entry.stored.type)
        newest.setdefault(type_, {})[entry.stored.id] = (entry.stored.key, entry.stored.vid)
    matched = [(one, await _matched(house, tx, tenant, one, newest.get(one.type, {}))) for one in watched]
    # Only now is anything written: until here no other follower of the feed waits for this transaction.
    for one, found in matched:
        if found is None:
            await state.change(
                state.as_server(house, tx, tenant),
                one.id,
                "error",
                of=state.IN_FORCE,
                vid=one.vid,
                error="The criteria take too long to match; narrow them and set the status to requested.",
            )
        elif found:
            await deliveries.ask(tx, tenant.id, one.key, found)
    if turn is not None:
        watched = await _in_force(house, tx, tenant, read)
    if entries or read - kept > KEEP_AFTER:
        await deliveries.move(tx, name, read)
        kept = read
    return Place(read, kept, watched), len(entries)


async def _matched(
    house: House, tx: Connection, tenant: Tenant, one: Watched, newest: dict[str, tuple[int, int]]
) -> dict[int, int] | None:
    """Which of some resources fit a subscription and may be seen by its owner: key and newest version read.

    None when that could not be found out in time.
    """
    if not newest:
        return {}
    await house.know(one.owner, tenant)
    ctx = state.as_owner(house, tx, tenant, one.owner)
    where = all_of([Ids(tuple(sorted(newest))), one.where])
    try:
        async with tx.transaction():
            keys = await searching.match_keys(tx, where, one.type, ctx, limit=len(newest))
    except asyncpg.QueryCanceledError:
        return None
    return {key: newest[id_][1] for key, id_ in keys}


async def _in_force(house: House, tx: Connection, tenant: Tenant, at: int) -> tuple[Watched, ...]:
    """The subscriptions as they stood at a place of the feed; those just asked for become active, those off forget."""
    server = state.as_server(house, tx, tenant)
    found, off = [], []
    for held in await deliveries.held(tx, tenant.id, house.registry.type_id(state.TYPE), at):
        status = state.status(held)
        if status not in state.IN_FORCE:
            if status == "off":
                off.append(held.key)
            continue
        await house.know(state.owner(held), tenant)
        try:
            one = state.read(state.as_owner(house, tx, tenant, state.owner(held)), held)
        except Problem as problem:
            await state.change(
                server, held.id, "error", of=state.IN_FORCE, vid=held.vid, error=problem.sentence
            )
            continue
        found.append(one)
        if status == "requested" and await state.change(
            server, one.id, "active", of=("requested",), vid=one.vid
        ):
            await deliveries.again(tx, tenant.id, one.key)
    if off:
        await deliveries.drop(tx, tenant.id, off)
    return tuple(found)


async def _ended(
    house: House, tx: Connection, tenant: Tenant, watched: tuple[Watched, ...]
) -> tuple[Watched, ...]:
    """Turn off those whose end has come (FHIR R4 subscription-definitions.html#Subscription.end)."""
    now = house.clock.now()
    over = [one for one in watched if one.ends is not None and one.ends <= now]
    for one in over:
        server = state.as_server(house, tx, tenant)
        await state.change(server, one.id, "off", of=state.IN_FORCE, vid=one.vid)
    return tuple(one for one in watched if one not in over)


FOLLOWERS: tuple[Follower, ...] = (watch,)
