"""The departments of a keeper, for a list to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.names import order_key
from hsba.record.views.facts import text
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from hsba.record.context import Context

MOST = 500


@dataclass(frozen=True, slots=True)
class Department:
    """An Organization by its name."""

    id: str
    title: str


async def departments(ctx: Context) -> list[Department]:
    """The Organizations in use that this actor may see, in the order of the Vietnamese alphabet."""
    rows = await read(
        ctx,
        lambda q: (
            f"SELECT {COLUMNS} FROM record.resource r {VERSION} WHERE {q.of('Organization')} LIMIT {MOST}"
        ),
    )
    found = [
        Department(row.id, text(row.content.get("name")) or row.id)
        for row in rows
        if row.content.get("active") is not False
    ]
    return sorted(found, key=lambda one: order_key(one.title))
