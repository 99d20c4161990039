"""One stay of the demo hospital: the patient, what was told of it, and where it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from hsba.ops.demo import generate
from hsba.record import interactions

if TYPE_CHECKING:
    from hsba.record.context import Context

Resource = dict[str, Any]
TODAY = date(2026, 11, 23)


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay that goes on: the ids of the patient and of the encounter, and all resources about them."""

    patient: str
    encounter: str
    resources: tuple[Resource, ...]

    async def save(self, ctx: Context) -> None:
        """Write it into the record."""
        for one in self.resources:
            await interactions.update(ctx, one)


@cache
def stay(cover: str = "01/BV1") -> Stay:
    """The first stay with this cover that has not ended."""
    places: list[Resource] = []
    told: list[Resource] = []
    header: Resource | None = None
    for one in generate(today=TODAY):
        if one["resourceType"] == "Organization":
            places.append(one)
        elif one["resourceType"] == "Patient":
            if header is not None:
                break
            told = [one]
        elif told:
            told.append(one)
            if is_open(one, cover):
                header = one
    assert header is not None
    patient = header["subject"]["reference"].partition("/")[2]
    return Stay(patient, header["encounter"]["reference"].partition("/")[2], (*places, *told))


def is_open(one: Resource, cover: str) -> bool:
    """Whether this heads a dossier with the cover of a stay that goes on."""
    return bool(
        one["resourceType"] == "Composition"
        and one["status"] == "preliminary"
        and one["type"]["coding"][0]["code"] == cover
    )
