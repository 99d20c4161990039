"""`/patients/{id}/encounters/{encounter}/sheets`: the sheets of a stay, and the catalogue to start one from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from hsba.forms import completeness, entries, shelf, stay
from hsba.http.web.i18n import mark
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.sheets import room
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.forms.model import Form
    from hsba.http.web.page import Ask
    from hsba.record.views.people import Banner

KINDS = {"cover": mark("Record covers"), "sheet": mark("Sheets"), "paper": mark("Papers")}
"""The kinds of forms, in the order of a record."""
STAFF = {
    "assistant": mark("assistant doctor"),
    "director": mark("director"),
    "doctor": mark("doctor"),
    "head": mark("head of department"),
    "midwife": mark("midwife"),
    "nurse": mark("nurse"),
    "pharmacist": mark("pharmacist"),
    "reception": mark("reception"),
    "records": mark("records room"),
    "technician": mark("technician"),
}
"""Who fills a part, in words."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sheet in the list."""

    address: str
    code: str
    name: str
    done: int
    parts: int
    author: str
    authored: str
    drafted: datetime | None


@dataclass(frozen=True, slots=True)
class Sheets:
    """What `forms/stay.html` shows."""

    banner: Banner
    visit: str
    """The address of the stay."""
    lines: tuple[Line, ...]
    lacking: tuple[tuple[str, str, str], ...]
    """(what is missing or contradictory, who must act, the address of the sheet where there is one)."""
    forms: dict[str, list[Form]]
    """By kind."""
    kinds: dict[str, str]


async def sheets(ask: Ask) -> Page | Go:
    """The sheets that there are, and those that can be started; those of a department's part are the whole stay's."""
    banner = await patients.banner(ask.ctx, ask.path("id"))
    at = room.stay(ask)
    visit = await entries.verify_stay(ask.ctx, ask.path("id"), ask.path("encounter"))
    type_, _, whole = visit.get("partOf", {}).get("reference", "").partition("/")
    if type_ == "Encounter" and whole:
        return Go(f"/patients/{ask.path('id')}/encounters/{whole}/sheets")
    begun = await stay.sheets(ask.ctx, ask.path("id"), ask.path("encounter"))
    known = await shelf.current(ask.ctx)
    lines = [_line(one, await shelf.find(ask.ctx, one.slug, one.version), at) for one in begun]
    offered = {
        kind: [form for form in known.values() if form.kind == kind and _serves(form)] for kind in KINDS
    }
    lacking = await completeness.of_stay(ask.ctx, ask.path("id"), ask.path("encounter"))
    vietnamese = ask.show.language == "vi"
    addresses = {one.sheet: _line(one, known[one.slug], at).address for one in begun if one.slug in known}
    told = tuple(
        (
            one.say if vietnamese else one.en,
            ask.show.say(STAFF.get(one.who, "")) or one.who,
            addresses.get(one.sheet, ""),
        )
        for one in lacking
    )
    return Page("forms/stay.html", Sheets(banner, at, tuple(lines), told, offered, KINDS), section="patients")


async def start(ask: Ask) -> Go:
    """Begin a sheet, or go on with the only one there may be; nothing is written before somebody types."""
    form = await shelf.find(ask.ctx, ask.form.get("form", ""))
    at = room.stay(ask)
    await entries.verify_stay(ask.ctx, ask.path("id"), ask.path("encounter"))
    if not form.many:
        for one in await stay.sheets(ask.ctx, ask.path("id"), ask.path("encounter")):
            if one.slug == form.slug:
                return Go(room.Addresses(at, form.slug, one.sheet).read)
    to = room.Addresses(at, form.slug, str(uuid4()))
    first = next((part for part in form.parts if room.may_fill(ask, part) and not part.repeats), None)
    return Go(to.read if first is None else to.write(first.id))


def _serves(form: Form) -> bool:
    """Whether there is something to write on it, or it lists what the record knows, such as the chart of vital signs."""
    return any(part.asks for part in form.parts) or any(
        item.kind == "table" and item.source for item in form.walk()
    )


def _line(one: stay.Begun, form: Form, at: str) -> Line:
    asking = {part.id for part in form.parts if part.asks}
    return Line(
        room.Addresses(at, one.slug, one.sheet).read, form.code, form.name, len(asking & one.parts), len(asking),
        one.author, one.authored, one.drafted,
    )  # fmt: skip
