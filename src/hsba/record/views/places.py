"""The rooms and beds of the house, each under the department that runs it, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.names import order_key
from hsba.record.views.facts import codes, link, text
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.rows import Query

MOST = 10_000
ROOM, BED = "ro", "bd"
"""Location.physicalType of what patients wait at and lie in."""
SHUT = frozenset({"C", "H", "K"})
"""Location.operationalStatus (v2-0116) of a bed that nobody is put to: closed, being cleaned, contaminated."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A room or bed; `within` is the room that a bed stands in."""

    id: str
    name: str
    kind: str
    within: str
    department: str
    shut: bool


@dataclass(frozen=True, slots=True)
class Department:
    """A department with its rooms and beds, in the order of their names."""

    id: str
    name: str
    rooms: tuple[Spot, ...]
    beds: tuple[Spot, ...]


async def departments(ctx: Context) -> list[Department]:
    """The departments in use that have a room or a bed, by name."""

    def all_of_them(q: Query) -> str:
        page = f"SELECT r.* FROM record.resource r WHERE {q.of('Organization', 'Location')} LIMIT {MOST}"
        return f"WITH page AS MATERIALIZED ({page}) SELECT {COLUMNS} FROM page r {VERSION}"

    rows = await read(ctx, all_of_them)
    spots: dict[str, list[Spot]] = {}
    for row in rows:
        if row.type == "Location" and row.content.get("status") != "inactive":
            one = _spot(row.id, row.content)
            if one.department and one.kind in (ROOM, BED):
                spots.setdefault(one.department, []).append(one)
    found = []
    for row in rows:
        if row.type == "Organization" and row.content.get("active") is not False and row.id in spots:
            own = sorted(spots[row.id], key=lambda one: order_key(one.name))
            rooms, beds = (tuple(one for one in own if one.kind == kind) for kind in (ROOM, BED))
            # A room with beds in it is where people lie, and nobody waits at.
            lying = {one.within for one in beds}
            waiting = tuple(one for one in rooms if one.id not in lying)
            found.append(Department(row.id, text(row.content.get("name")) or row.id, waiting, beds))
    return sorted(found, key=lambda one: order_key(one.name))


def _spot(id: str, content: dict[str, object]) -> Spot:
    department, within = link(content.get("managingOrganization")), link(content.get("partOf"))
    state = content.get("operationalStatus")
    return Spot(
        id,
        text(content.get("name")) or id,
        next(iter(sorted(codes(content.get("physicalType")))), ""),
        within.id if within else "",
        department.id if department else "",
        isinstance(state, dict) and state.get("code") in SHUT,
    )
