"""Patients who go by a temporary code until somebody knows who they are, in one query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.fhir.query import expression as e
from hsba.fhir.vn import Canon
from hsba.record.views import people
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.people import Person
    from hsba.record.views.rows import Query

MOST = 30
LOOKED_AT = 300
"""Patients who had such a code; those who are known by now are among them."""


async def newest(ctx: Context) -> tuple[Person, ...]:
    """Those registered last first; whoever was merged into another is open no more."""
    wanted = e.Match("identifier", e.Token(Canon.of(ctx.definitions).identifier("ma-tam"), None))

    def fitting(q: Query) -> str:
        source = q.matching(wanted, "Patient")
        return (
            f"WITH page AS MATERIALIZED (SELECT r.* FROM {source.text} WHERE {source.where}"
            f" ORDER BY r.recorded DESC LIMIT {LOOKED_AT})"
            f" SELECT {COLUMNS} FROM page r {VERSION} ORDER BY r.recorded DESC"
        )

    found = [
        people.person(row.content)
        for row in await read(ctx, fitting)
        if not any(one.get("type") == "replaced-by" for one in row.content.get("link", ()))
    ]
    return tuple(one for one in found if one.number("ma-tam"))[:MOST]
