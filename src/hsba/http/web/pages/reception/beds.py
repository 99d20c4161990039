"""`/wards` and `/wards/{ward}`: the beds of a department, who lies in them, who waits, and every move by a plain form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.http.web.page import Go, Page
from hsba.http.web.pages.reception import room
from hsba.http.web.pages.reception.queue import NoSuchAct
from hsba.record import visits
from hsba.record.views import here, places

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.record.views.here import Lying
    from hsba.record.views.places import Department, Spot

SECTION = "wards"


@dataclass(frozen=True, slots=True)
class Wards:
    """What `reception/wards.html` shows."""

    wards: tuple[Department, ...]


@dataclass(frozen=True, slots=True)
class Bed:
    """A bed and who lies in it."""

    spot: Spot
    lying: Lying | None


@dataclass(frozen=True, slots=True)
class Board:
    """What `reception/beds.html` shows."""

    ward: Department
    beds: tuple[Bed, ...]
    waiting: tuple[Lying, ...]
    """Sent here and not accepted, or here without a bed."""
    free: tuple[Spot, ...]
    others: tuple[Department, ...]
    """Where somebody can be sent to."""
    may_move: bool
    may_cancel: bool
    """Whether the reader is one who admits."""
    leaving: dict[str, str] = field(default_factory=lambda: visits.LEAVING)


async def wards(ask: Ask) -> Page:
    """The departments that have beds."""
    some = tuple(one for one in await places.departments(ask.ctx) if one.beds)
    return Page("reception/wards.html", Wards(some), section=SECTION)


async def board(ask: Ask) -> Page:
    """The beds now."""
    some = [one for one in await places.departments(ask.ctx) if one.beds]
    ward = next((one for one in some if one.id == ask.path("ward")), None)
    if ward is None:
        raise visits.NotAPlace
    inside = await here.lying(ask.ctx, ward.id)
    taken = {one.bed: one for one in inside if one.bed}
    known = {spot.id for spot in ward.beds}
    shown = Board(
        ward,
        tuple(Bed(spot, taken.get(spot.id)) for spot in ward.beds),
        tuple(one for one in inside if one.bed not in known),
        tuple(spot for spot in ward.beds if spot.id not in taken and not spot.shut),
        tuple(one for one in some if one.id != ward.id),
        may_move=room.may(ask, "update", "Encounter"),
        may_cancel=room.may(ask, "create", "Patient"),
    )
    return Page("reception/beds.html", shown, section=SECTION)


async def act(ask: Ask) -> Go:
    """Put to bed, send on, call back, discharge, take an admission back."""
    room.require(ask, "update", "Encounter")
    form, ward = ask.form, ask.path("ward")
    encounter = form.get("encounter", "")
    match form.get("act"):
        case "bed":
            await visits.put_to_bed(ask.ctx, encounter, form.get("bed", ""))
        case "transfer":
            await visits.transfer(ask.ctx, encounter, form.get("department", ""))
        case "back":
            await visits.call_back(ask.ctx, encounter)
        case "cancel":
            await visits.cancel(ask.ctx, encounter, reason=ask.form.get("reason", ""))
        case "discharge":
            await visits.discharge(ask.ctx, encounter, form.get("how", ""))
        case _:
            raise NoSuchAct
    return Go(f"/wards/{ward}")
