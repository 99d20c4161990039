"""`/patients/{id}/visits/new`: open a visit at a room or a stay in a department; and the slip with its number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.fhir import json
from hsba.http.web.page import Page
from hsba.http.web.pages.reception import room
from hsba.record import interactions, visits
from hsba.record.views import facts, places
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from hsba.http.web.page import Ask, Go
    from hsba.record.views.people import Banner
    from hsba.record.views.places import Department


@dataclass(frozen=True, slots=True)
class Opening:
    """What `reception/opening.html` shows."""

    banner: Banner
    key: str
    departments: tuple[Department, ...]
    insured: bool
    may_update: bool
    may_register: bool
    payments: dict[str, str] = field(default_factory=lambda: visits.PAYMENTS)
    routes: dict[str, str] = field(default_factory=lambda: visits.ROUTES)
    most: int = visits.LONGEST


@dataclass(frozen=True, slots=True)
class Slip:
    """What `reception/slip.html` shows."""

    banner: Banner
    encounter: str
    number: str
    visit: str
    room: str
    room_name: str
    department: str
    begun: str


async def blank(ask: Ask) -> Page:
    """Where to go, and who pays."""
    room.require(ask, "create", "Encounter")
    banner = await patients.banner(ask.ctx, ask.path("id"))
    there = tuple(await places.departments(ask.ctx))
    shown = Opening(
        banner,
        room.key(),
        there,
        insured=bool(banner.insurance),
        may_update=room.may(ask, "update", "Patient"),
        may_register=room.may(ask, "create", "Patient"),
    )
    return Page("reception/opening.html", shown, section=room.SECTION)


async def sent(ask: Ask) -> Go:
    """Open it."""
    room.require(ask, "create", "Encounter")
    id_, form = ask.path("id"), ask.form
    kind, _, place = form.get("place", "").partition(":")
    paid = {"payment": form.get("payment", "2"), "route": form.get("route", "")}

    async def open_visit() -> str:
        reason = form.get("reason", "")
        if kind == "ward":
            whole = await visits.admit(ask.ctx, id_, place, reason=reason, **paid)
            return f"/patients/{id_}/encounters/{whole}"
        made = await visits.open_visit(
            ask.ctx, id_, place, reason=reason, first=bool(form.get("first")), **paid
        )
        return f"/patients/{id_}/visits/{made}/slip"

    return await room.once(ask, open_visit)


async def slip(ask: Ask) -> Page:
    """The number to hand out."""
    id_, encounter = ask.path("id"), ask.path("encounter")
    banner = await patients.banner(ask.ctx, id_)
    visit = json.stored((await interactions.read(ask.ctx, "Encounter", encounter)).body or "")
    subject = facts.link(visit.get("subject"))
    if subject is None or subject.id != id_:
        raise visits.NotHere
    numbers = {one.kind or one.system.rpartition("/")[2]: one.value for one in facts.identifiers(visit)}
    spot = next((facts.link(one.get("location")) for one in facts.objects(visit.get("location"))), None)
    department = facts.link(visit.get("serviceProvider"))
    shown = Slip(
        banner,
        encounter,
        numbers.get("so-thu-tu", ""),
        numbers.get("so-nhap-vien", ""),
        spot.id if spot else "",
        spot.text if spot else "",
        department.text if department else "",
        facts.span(visit.get("period")).start,
    )
    return Page("reception/slip.html", shown, section=room.SECTION)
