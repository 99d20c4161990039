"""What was made of an entry of a sheet changes with that entry alone, so that the two never disagree (decision 0023).

The link is `meta.source`: `QuestionnaireResponse/<id>`, on every type, and searched by `_source`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Conflict
from hsba.store import resources

if TYPE_CHECKING:
    from hsba.record.context import Context

Resource = dict[str, Any]

ENTRY = re.compile(r"QuestionnaireResponse/(?P<id>[A-Za-z0-9.-]{1,64})")


class WrittenByEntry(Conflict):
    """This was made of an entry of a sheet and changes with it: amend the entry. Nothing was changed."""

    vi = "Dữ kiện này lấy từ một mục của phiếu và chỉ đổi theo mục đó: hãy sửa ở phiếu. Chưa thay đổi gì."


def source(entry: str) -> str:
    """What `meta.source` says of a resource that was made of an entry."""
    return f"QuestionnaireResponse/{entry}"


def entry_of(resource: Resource | None) -> str | None:
    """The entry a resource was made of."""
    meta = (resource or {}).get("meta", {})
    found = ENTRY.fullmatch(str(meta.get("source", ""))) if isinstance(meta, dict) else None
    return found["id"] if found else None


def check(ctx: Context, *versions: Resource | None) -> None:
    """Refuse to make, change or take away what belongs to another entry than the one that is being saved."""
    for one in versions:
        entry = entry_of(one)
        if entry is not None and entry != ctx.entry:
            raise WrittenByEntry(
                f"It was made of {source(entry)}.", vi=f"Nó được lấy từ {source(entry)}.", path="meta.source"
            )


async def made_of(ctx: Context, entry: str, types: tuple[str, ...]) -> dict[tuple[str, str], Resource]:
    """The resources of these types that were made of an entry, by type and id, whoever may see them."""
    rows = await ctx.tx.fetch(
        "SELECT r.type, r.id FROM reference.path p"
        " JOIN record.ix_uri x ON x.tenant = $1 AND x.path = p.id AND x.value = $2"
        " JOIN record.resource r ON r.tenant = x.tenant AND r.key = x.resource AND NOT r.deleted"
        " WHERE p.kind = 'uri' AND p.expression = ANY ($3::text[])",
        ctx.tenant.id,
        source(entry),
        [f"{type_}.meta.source" for type_ in types],
    )
    addresses = [(row["type"], row["id"]) for row in rows]
    found = await resources.read_all(ctx.tx, ctx.tenant.id, addresses) if rows else {}
    return {
        (ctx.registry.type_name(type_), id_): json.stored(stored.body)
        for (type_, id_), stored in found.items()
        if stored.body is not None
    }
