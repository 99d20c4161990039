"""`…/{part}/compare?a=&b=`: two versions of an entry, field by field, with who wrote each, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.forms import answers as kept
from hsba.forms import differences, shelf
from hsba.forms.entries import NotOfThisSheet
from hsba.http.web.filled import Filled
from hsba.http.web.page import Page
from hsba.http.web.pages.sheets import room
from hsba.record.views import patient as patients
from hsba.record.views import versions

if TYPE_CHECKING:
    from hsba.forms.model import Form, Item, Part
    from hsba.http.web.page import Ask
    from hsba.http.web.pages.sheets.room import Addresses
    from hsba.record.views.people import Banner
    from hsba.record.views.versions import History, Version


@dataclass(frozen=True, slots=True)
class Changed:
    """A field that is not the same in both versions."""

    words: str
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `forms/compare.html` shows."""

    banner: Banner
    form: Form
    part: Part
    to: Addresses
    here: str
    versions: tuple[Version, ...]
    authors: dict[int, str]
    """Of the versions that are compared."""
    a: int
    b: int
    changed: tuple[Changed, ...]


async def compare(ask: Ask) -> Page:
    """The version asked for beside the one before it, or beside another."""
    banner = await patients.banner(ask.ctx, ask.path("id"))
    whole = await room.sheet(ask)
    part = whole.place.part(ask.path("part"))
    entry = whole.place.entry(part, str(ask.request.path_params.get("entry", "")))
    if all(one.id != entry for one in whole.entries):
        raise NotOfThisSheet(entry)

    async def version(number: int | None) -> History:
        return await versions.history(ask.ctx, ask.path("id"), "QuestionnaireResponse", entry, number)

    after = await version(_number(ask.query("b")))
    before = await version(_number(ask.query("a")) or max(1, after.shown - 1))
    filled = [await _filled(ask, one) for one in (before, after)]
    to = room.addresses(ask, whole.place)
    shown = Comparison(
        banner, whole.place.form, part, to, f"{to.write(part.id, entry if part.repeats else '')}/compare",
        after.versions, {one.shown: (one.content or {}).get("author", {}).get("display", "") for one in (before, after)},
        before.shown, after.shown, tuple(_changes(part, *filled)),
    )  # fmt: skip
    return Page("forms/compare.html", shown, section="patients")


async def _filled(ask: Ask, found: History) -> Filled:
    body = found.content or {}
    form = await shelf.of(ask.ctx, body.get("questionnaire", ""))
    return Filled(form, ask.ctx.tenant.zone, ask.show.language, kept.from_response(form, body))


def _changes(part: Part, before: Filled, after: Filled) -> list[Changed]:
    made = []
    for item in kept.held_by(after.form, part.id):
        old, new = (_text(one, item) for one in (before, after))
        if old != new:
            made.append(Changed(after.words(item.id), tuple(differences.pieces(old, new))))
    return made


def _text(filled: Filled, item: Item) -> str:
    """The answer in words; a table row by row."""
    if not item.repeats:
        return filled.shown(item)
    rows = filled.answers.get(item.id) or ()
    return "\n".join(
        "; ".join(filled.shown(column, row[column.id]) for column in item.items if column.id in row)
        for row in rows
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 9 else None
