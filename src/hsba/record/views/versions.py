"""One resource as it stands and as it stood: its content at a version, and who wrote each version and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import NotFound
from hsba.record import hiding
from hsba.record.views.rows import written
from hsba.store.resources import Stored

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.context import Context

MOST = 100


@dataclass(frozen=True, slots=True)
class Version:
    """A version: its number, who made it through which door, why, and the hash of its bytes."""

    vid: int
    interaction: str
    recorded: datetime
    late: bool
    account: str
    role: str
    channel: str
    purpose: str
    reason: str
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class History:
    """The newest versions of a resource and the content of the one asked for (None: it says that it was deleted)."""

    versions: tuple[Version, ...]
    more: bool
    shown: int
    content: dict[str, Any] | None


async def history(ctx: Context, patient: str, type: str, id: str, vid: int | None = None) -> History:
    """A resource that belongs to this patient, or to nobody (a department, a bed): 404 for anybody else's."""
    sql, args = await written(
        ctx,
        lambda q: (
            f"""
        WITH r AS MATERIALIZED (
            SELECT r.key, r.vid FROM record.resource r
            WHERE {q.of(type, gone=True)} AND r.id = {q.arg(id)}
              AND (r.patient IS NULL OR r.patient IN ({q.people(patient)}))
        )
        SELECT r.key, v.vid, v.interaction, v.recorded, v.late, v.account, v.role, v.channel, v.purpose, v.reason,
               v.source_system, v.sha256, CASE WHEN v.vid = coalesce({q.arg(vid)}::int, r.vid) THEN v.body END AS body
        FROM r JOIN record.version v ON v.tenant = $1 AND v.resource = r.key
        WHERE v.vid > r.vid - {MOST + 1} OR v.vid = {q.arg(vid)}::int
        ORDER BY v.vid DESC
        """
        ),
    )
    records = await ctx.tx.fetch(sql, *args)
    shown = vid if vid is not None else (records[0]["vid"] if records else 0)
    wanted = next((record for record in records if record["vid"] == shown), None)
    if wanted is None:
        raise NotFound(f"{type}/{id}" + (f"/_history/{vid}" if vid is not None else ""))
    body = wanted["body"]
    stored = Stored(
        wanted["key"],
        ctx.registry.type_id(type),
        id,
        shown,
        wanted["recorded"],
        deleted=body is None,
        body=body,
    )
    await ctx.trail.add(ctx, "vread", type, [stored])
    content = None if body is None else hiding.without_hidden(ctx, type, json.stored(body))
    return History(tuple(_version(record) for record in records[:MOST]), len(records) > MOST, shown, content)


def _version(record: Any) -> Version:
    return Version(
        vid=record["vid"],
        interaction=record["interaction"].decode(),
        recorded=record["recorded"],
        late=record["late"],
        account=record["account"],
        role=record["role"] or "",
        channel=record["channel"],
        purpose=record["purpose"],
        reason=record["reason"] or "",
        source=record["source_system"] or "",
        sha256=record["sha256"].hex(),
    )
