"""Another cover for a stay: what both forms ask is carried over by the id of the question, and nothing is lost.

The new sheet begins as drafts of who changes the cover.  The old one stays as it is, with what had no place in the new,
until it is stopped: then its facts leave the record and those of the new one hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hsba.fhir.problems import BadRequest
from hsba.forms import entries, populate, state
from hsba.forms.answers import held_by
from hsba.forms.extract import DONE
from hsba.forms.model import KINDS
from hsba.record import drafts, interactions
from hsba.record.context import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsba.forms.answers import Answers
    from hsba.forms.entries import Place, Sheet
    from hsba.forms.model import Form, Item
    from hsba.record.context import Context


class WhyStopped(BadRequest):
    """Say why the sheet is no longer used; nothing was changed."""

    vi = "Hãy ghi lý do ngừng dùng phiếu; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Left:
    """An answer that has no place in the new form: it stays in the old entry."""

    item: str
    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Carried:
    """What a new form begins with, by part, and what it has no place for."""

    parts: Mapping[str, Answers]
    left: tuple[Left, ...]


def carried(old: Form, answers: Mapping[str, Any], new: Form) -> Carried:
    """The answers of one form as those of another; what is calculated or owned elsewhere comes by itself."""
    there = {item.id: item for part in old.parts for item in held_by(old, part.id)}
    here = {item.id: item for part in new.parts if not part.repeats for item in held_by(new, part.id)}
    parts: dict[str, Answers] = {}
    left: list[Left] = []
    for id_, value in answers.items():
        item, wanted = there.get(id_), here.get(id_)
        if item is None or item.readonly:
            continue
        if wanted is not None and wanted.readonly:
            continue
        taken, rest = _taken(item, wanted, value) if wanted is not None else (None, value)
        if wanted is not None and taken not in (None, [], ""):
            parts.setdefault(wanted.part, {})[id_] = taken
        if rest not in (None, [], ""):
            left.append(Left(id_, _label(item), rest))
    return Carried(parts, tuple(left))


def _taken(old: Item, new: Item, value: Any) -> tuple[Any, Any]:
    """What of an answer the new question takes, and what it does not."""
    if KINDS[old.kind] != KINDS[new.kind] and {old.kind, new.kind} - {"text", "long"}:
        return None, value
    if old.repeats != new.repeats:
        return None, value
    if new.repeats:
        columns = {column.id for column in new.items}
        rows = [{id_: one for id_, one in row.items() if id_ in columns} for row in value]
        rest = [{id_: one for id_, one in row.items() if id_ not in columns} for row in value]
        return [row for row in rows if row], [row for row in rest if row]
    if new.kind == "many":
        return [one for one in value if _same(old, new, one)], [
            one for one in value if not _same(old, new, one)
        ]
    if new.kind == "one" and not _same(old, new, value):
        return None, value
    return value, None


def _same(old: Item, new: Item, code: Any) -> bool:
    """Whether a choice has the same words or the same meaning in both."""
    one, other = (
        next((option for option in item.options if option.code == code), None) for item in (old, new)
    )
    if one is None or other is None:
        return False
    return one.label == other.label or bool(
        one.means and (one.system, one.means) == (other.system, other.means)
    )


def _label(item: Item) -> str:
    return item.label.strip(" :+-") or item.en or item.id


# --- in the record -----------------------------------------------------------------------------------------


async def begin(ctx: Context, old: Sheet, form: Form) -> tuple[Place, Carried]:
    """Begin a sheet of another form with what this one says: drafts of who asks for it, to be looked over and completed."""
    await entries.verify(ctx, old.place)
    place = replace(old.place, form=form, sheet=new_id())
    found = carried(old.place.form, await _said(ctx, old), form)
    facts = await populate.gather(ctx, place.patient, place.encounter, populate.wanted(form))
    session = uuid4()
    others: Answers = {}
    for part in form.parts:
        if part.id in found.parts:
            known = populate.filled(form, part.id, facts, ctx.tenant.zone)
            given = {**known, **found.parts[part.id]}
            worked = state.work(form, part, given, others, ctx.clock.now(), ctx.tenant.zone)
            others |= worked.answers
            entry = place.entry(part)
            body = entries.response(ctx, place, part, worked.answers, entry, status="in-progress")
            await drafts.save(ctx, f"QuestionnaireResponse/{entry}", body, session=session)
    return place, found


async def _said(ctx: Context, sheet: Sheet) -> Answers:
    """What a sheet says, with what its reader has typed and not completed."""
    said = sheet.answers()
    for part in sheet.place.form.parts:
        if not part.repeats:
            said |= await entries.draft(ctx, sheet.place, part, sheet.place.entry(part)) or {}
    return said


async def stop(ctx: Context, sheet: Sheet) -> int:
    """Use a sheet no longer, for the reason in `ctx`: its entries stay to be read, its facts leave the record."""
    if not ctx.reason:
        raise WhyStopped
    stopped = 0
    for entry in sheet.entries:
        if entry.status in DONE:
            await interactions.update(ctx, {**entry.body, "status": "stopped"}, if_match=entry.version)
            stopped += 1
    return stopped
