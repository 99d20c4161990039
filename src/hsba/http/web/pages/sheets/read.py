"""`…/sheets/{slug}/{sheet}`: a sheet as it is read, in the paper's order, with who wrote each part and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from hsba.forms import populate, shelf, state
from hsba.http.web.filled import Filled, Said
from hsba.http.web.page import Page
from hsba.http.web.pages.sheets import room
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from hsba.forms.entries import Entry, Sheet
    from hsba.forms.model import Form, Part
    from hsba.http.web.page import Ask
    from hsba.http.web.pages.sheets.room import Addresses
    from hsba.record.views.people import Banner


@dataclass(frozen=True, slots=True)
class OneEntry:
    """An entry of a part that repeats, as it is read."""

    entry: Entry
    f: Filled
    mine: bool


@dataclass(frozen=True, slots=True)
class OnePart:
    """A part as it is read: its only entry where it was written, or all of them where it repeats."""

    part: Part
    written: Entry | None
    entries: tuple[OneEntry, ...]
    mine: bool
    """Whether the reader may fill it."""
    fresh: str
    """The address of a new entry of it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What `forms/read.html` shows."""

    banner: Banner
    form: Form
    f: Filled
    parts: tuple[OnePart, ...]
    to: Addresses
    may: bool
    """Whether the reader may change or stop it: it is written, and a part of it is his to fill."""
    covers: tuple[Form, ...]
    """Other covers that the stay may go on with."""


async def read(ask: Ask) -> Page:
    """The sheet; one that was not begun is shown empty."""
    banner = await patients.banner(ask.ctx, ask.path("id"))
    whole = await room.sheet(ask)
    where, zone = whole.place, ask.ctx.tenant.zone
    to = room.addresses(ask, where)
    parts = tuple(_part(ask, part, whole, to) for part in where.form.parts)
    said = {one.part.id: _said(one.written) for one in parts if one.written is not None}
    facts = await populate.gather(ask.ctx, where.patient, where.encounter, populate.wanted(where.form))
    known = populate.head(where.form, facts, zone)
    for part in where.form.parts:
        if part.id not in said and not part.repeats:
            owned = populate.owned(where.form, part.id, facts, zone)
            known |= state.work(where.form, part, owned, whole.answers(), ask.ctx.clock.now(), zone).answers
    filled = Filled(where.form, zone, ask.show.language, known | whole.answers(), said=said)
    may = any(one.mine for one in parts) and any(one.status != "stopped" for one in whole.entries)
    known_forms = await shelf.current(ask.ctx) if may and where.form.kind == "cover" else {}
    covers = tuple(one for one in known_forms.values() if one.kind == "cover" and one.slug != where.form.slug)
    shown = Reading(banner, where.form, filled, parts, to, may, covers)
    return Page("forms/read.html", shown, section="patients")


def _part(ask: Ask, part: Part, whole: Sheet, to: Addresses) -> OnePart:
    written = whole.of(part.id)
    mine = room.may_fill(ask, part)
    if not part.repeats:
        return OnePart(part, written[-1] if written else None, (), mine, to.write(part.id))
    zone, language, form = ask.ctx.tenant.zone, ask.show.language, whole.place.form
    each = tuple(
        OneEntry(
            one, Filled(form, zone, language, one.answers, said={part.id: _said(one)}), room.mine(ask, one)
        )
        for one in written
    )
    return OnePart(part, None, each, mine, to.write(part.id, str(uuid4())))


def _said(entry: Entry) -> Said:
    return Said(entry.author, entry.authored, entry.status, entry.version)
