"""The one pipe every new version goes through: stamp, hash, index, save, tell.

Step 1 stamp (id, version, time) - step 2 serialise and hash - step 3 find what it belongs to and its search values -
step 4 turn addresses into keys - step 5 save in one statement - step 6 leave the line in the trail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir import extract, json
from hsba.fhir.problems import Issue, Unprocessable
from hsba.fhir.query.dates import interval
from hsba.record import belongs, fence, lifecycle, owned, parameters
from hsba.store import index, resources
from hsba.store import saving as store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context
    from hsba.store.addresses import Address
    from hsba.store.resources import Current, Stored

EMPTY = hashlib.sha256(b"").digest()
TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Pending:
    """A version about to be saved: its content (None for a delete) and what it follows."""

    interaction: str
    type: str
    id: str
    resource: dict[str, Any] | None
    current: Current | None = None
    state: int | None = None
    before: dict[str, Any] | None = None
    """The content it replaces, where the caller has it parsed: search rows that stay the same are then left alone."""

    @property
    def vid(self) -> int:
        """The version it will have."""
        return (self.current.vid if self.current else 0) + 1


@dataclass(frozen=True, slots=True)
class Saved:
    """A version as saved, whether it is the first, and what validation wants said about it."""

    stored: Stored
    created: bool
    issues: tuple[Issue, ...] = ()
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Composed:
    """Versions ready to be written, their search rows, whose old search rows go, and what will be answered."""

    writes: list[store.Write]
    rows: store.SearchRows
    dossiers: set[int]
    stored: list[Stored]


def instant(when: datetime, ctx: Context) -> str:
    """A FHIR instant in the tenant's zone, to the millisecond."""
    return when.astimezone(ctx.tenant.zone).isoformat(timespec="milliseconds")


def stamp(pending: Pending, recorded: datetime, ctx: Context) -> bytes:
    """Write id, versionId and lastUpdated into the content and serialise it: these bytes are kept and served."""
    resource = pending.resource
    assert resource is not None  # noqa: S101 - a delete has no body and is not stamped
    meta = {**resource.get("meta", {}), "versionId": str(pending.vid), "lastUpdated": instant(recorded, ctx)}
    stamped = {"resourceType": pending.type, "id": pending.id, "meta": meta}
    stamped.update((name, value) for name, value in resource.items() if name not in stamped)
    return json.dump(stamped)


def _recorded(pending: Pending, now: datetime) -> datetime:
    """The time of this version: the server's, later than the version before."""
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    if pending.current is not None and pending.current.vid and now <= pending.current.recorded:
        return pending.current.recorded + TICK
    return now


def _occurred(pending: Pending, recorded: datetime, ctx: Context) -> tuple[datetime | None, bool]:
    """When it happened by the writer's word, and whether that makes it a late entry."""
    text = belongs.happened(pending.resource) if pending.resource else None
    if text is None:
        return None, False
    try:
        first, last = interval(text, ctx.tenant.zone)
    except ValueError:
        return None, False
    return first, last + ctx.rules.late_after < recorded


def commits_alone(ctx: Context) -> bool:
    """Whether a save may be a transaction of its own: nothing is asked or told after it that could still refuse."""
    return ctx.may_commit and ctx.policy.unrestricted


async def save(ctx: Context, pending: Sequence[Pending], *, told: str = "") -> list[Stored]:
    """Save any number of versions in one call, in the transaction of `ctx`; refused whole where one is refused.

    The trail is told of it under one name, or else by act and type.
    """
    for type_ in {one.type for one in pending} & ctx.stores.keys():
        owned.refuse_write(ctx, type_)
    bounds = await fence.before(ctx, pending)
    composed = await compose(ctx, pending)
    alone = commits_alone(ctx) and not parameters.concerned(pending)
    alone = alone and not any(one.type in ctx.consequences for one in pending)
    try:
        await store.save(
            ctx.tx,
            ctx.tenant.id,
            composed.writes,
            composed.rows,
            provenance(ctx),
            ctx.definitions.generation,
            dossiers=sorted(composed.dossiers),
            frozen=lifecycle.FROZEN_NUMBERS,
            alone=alone,
            told=told if ctx.trail.written_by_store else None,
        )
    except store.FrozenDossier as frozen:
        raise lifecycle.frozen(frozen.state) from frozen
    await fence.require(ctx, bounds)
    if alone and ctx.tx.transacted is None:  # it is committed, so the keys may be remembered
        made = {(write.type, write.id): write.key for write in composed.writes}
        ctx.registry.addresses.remember(ctx.tenant.id, made)
    await parameters.take_effect(ctx, pending)
    await _tell(ctx, pending, composed.stored, told)
    return composed.stored


ACTS = {"C": "create", "U": "update", "D": "delete"}


async def _tell(ctx: Context, pending: Sequence[Pending], stored: Sequence[Stored], told: str) -> None:
    """Tell a trail whose lines the store did not write with the save."""
    if ctx.trail.written_by_store:
        ctx.told.add(told or "save")
        return
    acts: dict[tuple[str, str | None], list[Stored]] = {}
    types = {one.type for one in pending}
    for one, made in zip(pending, stored, strict=True):
        act = (told, one.type if len(types) == 1 else None) if told else (ACTS[one.interaction], one.type)
        acts.setdefault(act, []).append(made)
    for (name, type_), versions in acts.items():
        await ctx.trail.add(ctx, name, type_, versions)


@dataclass(slots=True)
class _Version:
    """A version on its way: what is known of it before the addresses it names have keys."""

    pending: Pending
    key: int
    type: int
    recorded: datetime
    body: str | None = None
    sha256: bytes = EMPTY
    values: extract.Rows = field(default_factory=lambda: extract.NOTHING)
    owners: list[tuple[str, Address]] = field(default_factory=list)

    @property
    def address(self) -> Address:
        """Where it lies."""
        return self.type, self.pending.id

    def write(self, ctx: Context, keys: dict[Address, int]) -> store.Write:
        """The row to save."""
        one, current = self.pending, self.pending.current
        occurred, late = _occurred(one, self.recorded, ctx)
        belongs_to = {column: keys[address] for column, address in self.owners}
        return store.Write(
            key=self.key,
            type=self.type,
            id=one.id,
            vid=one.vid,
            interaction=one.interaction.encode(),
            recorded=self.recorded,
            body=self.body,
            sha256=self.sha256,
            before=current.sha256 if current else None,
            fresh=current is None,
            state=one.state if one.state is not None else (current.state if current else 0),
            labels=belongs.labels(one.resource) if one.resource else 0,
            occurred=occurred,
            late=late,
            patient=belongs_to.get("patient"),
            encounter=belongs_to.get("encounter"),
            dossier=belongs_to.get("dossier"),
            department=belongs_to.get("department"),
        )

    def stored(self) -> Stored:
        """What will be answered."""
        one = self.pending
        return resources.Stored(
            self.key,
            self.type,
            one.id,
            one.vid,
            self.recorded,
            one.resource is None,
            self.body,
            one.interaction,
        )


async def compose(ctx: Context, pending: Sequence[Pending]) -> Composed:
    """Steps 1 to 4: everything about the versions that can be known before they are written."""
    now = ctx.clock.now()
    fresh = sum(1 for one in pending if one.current is None)
    new_keys = iter(await ctx.registry.addresses.take(ctx.tx, fresh) if fresh else ())
    cleared: dict[str, list[int]] = {}
    versions = []
    for one in pending:
        key = one.current.key if one.current else next(new_keys)
        version = _Version(one, key, ctx.registry.type_id(one.type), _recorded(one, now))
        if one.resource is not None:
            data = stamp(one, version.recorded, ctx)
            version.body, version.sha256 = data.decode(), hashlib.sha256(data).digest()
            version.values = extract.extract(one.resource, ctx.definitions, ctx.tenant.zone)
            content = one.resource if one.resource.get("id") == one.id else {**one.resource, "id": one.id}
            version.owners = [
                (column, (ctx.registry.type_id(t), i)) for column, t, i in belongs.owners(content)
            ]
        if one.vid > 1:
            version.values = _only_new(ctx, one, key, version.values, cleared)
        versions.append(version)
    rows = await index.rows(ctx.tx, [(version.key, version.values) for version in versions], ctx.registry)
    keys = {version.address: version.key for version in versions}
    wanted = rows.addresses() | {address for version in versions for _, address in version.owners}
    wanted -= keys.keys()
    keys.update(await ctx.registry.addresses.resolve(ctx.tx, ctx.tenant.id, wanted))
    if ctx.rules.refuse_dangling_references:
        await _refuse_dangling(ctx, wanted)
    return Composed(
        [version.write(ctx, keys) for version in versions],
        store.SearchRows(rows.made(keys), cleared),
        {keys[address] for version in versions for column, address in version.owners if column == "dossier"},
        [version.stored() for version in versions],
    )


def _only_new(
    ctx: Context, one: Pending, key: int, values: extract.Rows, cleared: dict[str, list[int]]
) -> extract.Rows:
    """The search values that must be written anew; `cleared` learns of which tables the old rows go.

    Most corrections touch one element: its kind of rows is replaced, the others stay as they are.
    """
    old = extract.NOTHING
    if one.before is not None and one.resource is not None:
        old = extract.extract(one.before, ctx.definitions, ctx.tenant.zone)
    kept: dict[str, Any] = {}
    for kind in extract.KINDS:
        if old is not extract.NOTHING and getattr(old, kind) == getattr(values, kind):
            kept[kind] = []
        else:
            cleared.setdefault(kind, []).append(key)
    return replace(values, **kept) if kept else values


def provenance(ctx: Context) -> store.Provenance:
    """Who wrote, as the store keeps it."""
    return store.Provenance(
        account=ctx.actor.account,
        role=ctx.actor.role,
        on_behalf_of=ctx.actor.on_behalf_of,
        workstation=ctx.actor.workstation,
        channel=ctx.channel,
        purpose=ctx.purpose,
        reason=ctx.reason,
        request=ctx.request,
        source_system=ctx.source.system if ctx.source else None,
        source_key=ctx.source.key if ctx.source else None,
        address=ctx.address,
    )


async def _refuse_dangling(ctx: Context, wanted: set[tuple[int, str]]) -> None:
    """By setting: what a resource refers to must be there (and not be deleted)."""
    rows = await ctx.tx.fetch(
        "SELECT w.type, w.id FROM unnest($2::smallint[], $3::text[]) AS w(type, id)"
        " LEFT JOIN record.resource r ON r.tenant = $1 AND r.type = w.type AND r.id = w.id"
        " WHERE r.key IS NULL OR r.vid = 0 OR r.deleted",
        ctx.tenant.id,
        [type_ for type_, _ in wanted],
        [id_ for _, id_ in wanted],
    )
    if rows:
        names = ", ".join(f"{ctx.registry.type_name(row[0])}/{row[1]}" for row in rows)
        raise Unprocessable(
            f"It refers to what is not here: {names}.", vi=f"Trỏ tới nội dung không có ở đây: {names}."
        )
