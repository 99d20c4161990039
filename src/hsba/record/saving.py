"""The one pipe every new version goes through: stamp, hash, index, save, tell.

Step 1 stamp (id, version, time) - step 2 serialise and hash - step 3 find what it belongs to and its search values -
step 4 turn addresses into keys - step 5 save in one statement - step 6 leave the line in the trail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir import extract, json
from hsba.fhir.problems import Issue, Unprocessable
from hsba.fhir.query.dates import interval
from hsba.record import belongs, lifecycle
from hsba.store import index, resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context
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
    """Versions ready to be written: their rows, their search rows by table and column, and what will be answered."""

    writes: list[resources.Write]
    rows: dict[str, list[list[Any]]]
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


async def save(ctx: Context, pending: Sequence[Pending]) -> list[Stored]:
    """Save any number of versions in one statement, in the transaction of `ctx`."""
    composed = await compose(ctx, pending)
    await resources.save(ctx.tx, ctx.tenant.id, composed.writes, composed.rows, provenance(ctx))
    return composed.stored


async def compose(ctx: Context, pending: Sequence[Pending]) -> Composed:
    """Steps 1 to 4: everything about the versions that can be known before they are written."""
    now = ctx.clock.now()
    fresh = sum(1 for one in pending if one.current is None)
    new_keys = iter(await ctx.registry.addresses.take(ctx.tx, fresh) if fresh else ())
    keys: dict[tuple[int, str], int] = {}
    drafts: list[resources.Write] = []
    values: list[extract.Rows] = []
    owned: list[list[tuple[str, tuple[int, str]]]] = []
    stored: list[Stored] = []
    for one in pending:
        type_number = ctx.registry.type_id(one.type)
        key = one.current.key if one.current else next(new_keys)
        keys[type_number, one.id] = key
        recorded = _recorded(one, now)
        body: str | None = None
        digest = EMPTY
        columns: list[tuple[str, tuple[int, str]]] = []
        if one.resource is not None:
            data = stamp(one, recorded, ctx)
            body, digest = data.decode(), hashlib.sha256(data).digest()
            values.append(extract.extract(one.resource, ctx.definitions, ctx.tenant.zone))
            content = one.resource if one.resource.get("id") == one.id else {**one.resource, "id": one.id}
            columns = [(column, (ctx.registry.type_id(t), i)) for column, t, i in belongs.owners(content)]
        else:
            values.append(extract.NOTHING)
        owned.append(columns)
        occurred, late = _occurred(one, recorded, ctx)
        drafts.append(
            resources.Write(
                key=key,
                type=type_number,
                id=one.id,
                vid=one.vid,
                interaction=one.interaction,
                recorded=recorded,
                body=body,
                sha256=digest,
                before=one.current.sha256 if one.current else None,
                fresh=one.current is None,
                state=one.state if one.state is not None else (one.current.state if one.current else 0),
                labels=belongs.labels(one.resource) if one.resource else 0,
                occurred=occurred,
                late=late,
            )
        )
        deleted = one.resource is None
        stored.append(resources.Stored(key, type_number, one.id, one.vid, recorded, deleted, body, one.interaction))
    rows = await index.rows(ctx.tx, values, ctx.registry)
    wanted = {address for address in rows.addresses() if address not in keys}
    wanted.update(address for columns in owned for _, address in columns if address not in keys)
    keys.update(await ctx.registry.addresses.resolve(ctx.tx, ctx.tenant.id, wanted))
    if ctx.rules.refuse_dangling_references:
        await _refuse_dangling(ctx, wanted)
    dossiers = {keys[address] for columns in owned for column, address in columns if column == "dossier"}
    if dossiers:
        await lifecycle.check_dossiers(ctx, dossiers)
    writes = [
        replace(draft, **{column: keys[address] for column, address in columns}) if columns else draft
        for draft, columns in zip(drafts, owned, strict=True)
    ]
    return Composed(writes, rows.columns([draft.key for draft in drafts], keys), stored)


def provenance(ctx: Context) -> resources.Provenance:
    """Who wrote, as the store keeps it."""
    return resources.Provenance(
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
        raise Unprocessable(f"It refers to what is not here: {names}.", vi=f"Trỏ tới nội dung không có ở đây: {names}.")

