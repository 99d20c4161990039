"""The consents of a patient, those in force first: what each says, on which paper, and who wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.record import consents as reading
from hsba.record.views.facts import text
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.consents import Rule
    from hsba.record.context import Context
    from hsba.record.views.rows import Query

MOST = 200


@dataclass(frozen=True, slots=True)
class Wished:
    """One consent as a page shows it."""

    id: str
    vid: int
    status: str
    rule: Rule | None
    """What it says; None of one that is not in force and cannot be read."""
    source: str
    recorded: datetime
    account: str
    reason: str
    """Why its last version was written: the paper, or why it was withdrawn."""

    @property
    def is_active(self) -> bool:
        """Whether it holds, in its time."""
        return self.status == "active"


async def of_patient(ctx: Context, patient: str) -> list[Wished]:
    """The consents that the reader may see, those in force first, the newest of each first."""

    def his(q: Query) -> str:
        whose = f"SELECT r.* FROM record.resource r WHERE {q.of('Consent')} AND r.patient IN ({q.people(patient)})"
        page = f"{whose} ORDER BY r.recorded DESC LIMIT {MOST}"
        return (
            f"WITH page AS MATERIALIZED ({page}) SELECT {COLUMNS}, v.account, v.reason FROM page r {VERSION}"
        )

    found = [
        Wished(
            row.id,
            row.stored.vid,
            text(row.content.get("status")),
            # one that holds no more is read as if it did, to say what it said
            reading.rule({**row.content, "status": "active"}, ctx.tenant.zone),
            text(_attachment(row.content).get("title")),
            row.stored.recorded,
            row.more[0],
            row.more[1] or "",
        )
        for row in await read(ctx, his)
    ]
    newest = sorted(found, key=lambda one: one.recorded, reverse=True)
    return sorted(newest, key=lambda one: not one.is_active)


def _attachment(content: dict[str, Any]) -> dict[str, Any]:
    found = content.get("sourceAttachment")
    return found if isinstance(found, dict) else {}


__all__ = ["Wished", "of_patient"]
