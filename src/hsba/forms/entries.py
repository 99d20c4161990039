"""A sheet and its entries: read, kept as one types, completed.

Step 1 what was typed becomes answers beside those kept before - step 2 the part is worked through (`state.py`) -
step 3 the draft is kept, or the entry is saved with what is made of it.  A sheet is one id that its entries share; an
entry is one QuestionnaireResponse, by one author.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, Gone, NotFound, Unprocessable
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import Search
from hsba.forms import answers as kept
from hsba.forms import populate, shelf, state, typed
from hsba.record import drafts, interactions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from hsba.forms.answers import Answers
    from hsba.forms.model import Form, Item, Part
    from hsba.forms.state import Note, State
    from hsba.record.context import Context
    from hsba.record.saving import Saved

MOST = 500
"""Entries of one sheet that are read at once."""
DOSSIER = "http://fhir.hl7.org.vn/core/StructureDefinition/hsba-dossier"
ROWS = 200
"""Rows of a table in one entry."""

Resource = dict[str, Any]


class NotComplete(Unprocessable):
    """The part cannot be completed yet; the draft is kept. Look at the fields named."""

    vi = "Chưa hoàn thành được phần này; bản nháp vẫn còn. Xem các ô được nêu."

    def __init__(self, notes: tuple[Note, ...], form: Form) -> None:
        """Name the fields that keep it back."""
        self.notes = tuple(note for note in notes if note.stops)
        words = {item.id: item.label.rstrip(":") or item.id for item in form.walk()}
        en = "; ".join(f"{words.get(note.item, note.item)}: {note.en}" for note in self.notes[:10])
        vi = "; ".join(f"{words.get(note.item, note.item)}: {note.say}" for note in self.notes[:10])
        super().__init__(en, vi=vi)


class NoSuchPart(NotFound):
    """The form has no such part."""

    vi = "Biểu mẫu không có phần này."


class NotOfThisSheet(NotFound):
    """There is no such entry in this sheet of this patient."""

    vi = "Tờ này của người bệnh này không có mục đó."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sheet stands: whose, in which stay, of which form; `sheet` is its own id (UUID)."""

    patient: str
    encounter: str
    form: Form
    sheet: str

    def part(self, id: str) -> Part:
        """The part of the form; NoSuchPart otherwise."""
        found = self.form.part(id)
        if found is None:
            raise NoSuchPart(id)
        return found

    def entry(self, part: Part, id: str = "") -> str:
        """The id of an entry: that of the sheet's only one, or the one given where the part repeats."""
        if part.repeats:
            return str(_uuid(id))
        return str(uuid5(_uuid(self.sheet), part.id))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was saved last."""

    id: str
    part: str
    answers: Answers
    status: str
    author: str
    """Who wrote it, as people read it."""
    author_reference: str
    authored: str
    version: str
    body: Resource = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with its entries, the oldest first."""

    place: Place
    entries: tuple[Entry, ...]

    def answers(self, without: str = "") -> Answers:
        """The answers of the entries of parts that do not repeat, without those of one."""
        repeating = {part.id for part in self.place.form.parts if part.repeats}
        made: Answers = {}
        for entry in self.entries:
            if entry.id != without and entry.part not in repeating:
                made |= entry.answers
        return made

    def of(self, part: str) -> tuple[Entry, ...]:
        """The entries of one part."""
        return tuple(entry for entry in self.entries if entry.part == part)


async def sheet(ctx: Context, place: Place) -> Sheet:
    """The sheet with all its saved entries; one without any is a sheet not begun."""
    where = e.all_of(
        [
            e.Match("identifier", e.Token(kept.SHEET, str(_uuid(place.sheet)))),
            e.Match("patient", e.Reference("Patient", place.patient)),
        ]
    )
    wanted = Search(("QuestionnaireResponse",), where, count=MOST, total="none")
    page = await interactions.search(ctx, wanted)
    bodies = [json.stored(one.body or "") for one in page.matches]
    entries = [_entry(await _form(ctx, place.form, body), body) for body in bodies]
    return Sheet(place, tuple(sorted(entries, key=lambda one: (one.authored, one.id))))


async def verify(ctx: Context, place: Place) -> None:
    """Refuse a stay that is not this patient's."""
    await verify_stay(ctx, place.patient, place.encounter)


async def verify_stay(ctx: Context, patient: str, encounter: str) -> Resource:
    """The stay; one that is not this patient's is not found, whatever is wanted of it."""
    stored = await interactions.read(ctx, "Encounter", encounter)
    found = json.stored(stored.body or "")
    if found.get("subject", {}).get("reference") != f"Patient/{patient}":
        raise NotOfThisSheet(f"Encounter/{encounter}")
    return found


async def draft(ctx: Context, place: Place, part: Part, entry: str) -> Answers | None:
    """What this author has typed and not completed; None where there is nothing."""
    found = await drafts.load(ctx, _target(entry))
    if found is None or not _belongs(found.body, place, part):
        return None
    return kept.from_response(place.form, found.body)


async def begun(ctx: Context, place: Place, part: Part, entry: str, whole: Sheet) -> Answers:
    """What an entry is begun with: the author's draft, else what was saved, else what the record knows of it."""
    kept_back = await draft(ctx, place, part, entry)
    if kept_back is not None:
        return kept_back
    saved = await _saved(ctx, whole, entry)
    return saved.answers if saved is not None else await _known(ctx, place, part, populate.filled)


async def keep(
    ctx: Context,
    place: Place,
    part: Part,
    entry: str,
    fields: Mapping[str, str],
    *,
    session: UUID,
    whole: Sheet | None = None,
) -> State:
    """Keep what was typed, field by field, as this author's draft; answers what follows from it."""
    await verify(ctx, place)
    whole = whole or await sheet(ctx, place)
    given = taken(ctx, place, part, await begun(ctx, place, part, entry, whole), fields)
    worked = state.work(place.form, part, given, whole.answers(entry), ctx.clock.now(), ctx.tenant.zone)
    body = response(ctx, place, part, worked.answers, entry, status="in-progress")
    await drafts.save(ctx, _target(entry), body, session=session)
    return worked


async def complete(
    ctx: Context,
    place: Place,
    part: Part,
    entry: str,
    given: Answers,
    *,
    author: Resource | None = None,
    if_match: str | None = None,
) -> Saved:
    """Save an entry as completed (amended where it was before) and drop the draft; NotComplete names what is open.

    What the entry shows of other resources is written into it as it is now: the paper stays as it was signed.
    """
    await verify(ctx, place)
    whole = await sheet(ctx, place)
    now = {**given, **await _known(ctx, place, part, populate.owned)}
    worked = state.work(place.form, part, now, whole.answers(entry), ctx.clock.now(), ctx.tenant.zone)
    if not worked.complete:
        raise NotComplete(worked.notes, place.form)
    again = any(one.id == entry for one in whole.entries)
    body = response(
        ctx, place, part, worked.answers, entry, status="amended" if again else "completed",
        asked=worked.asked, author=author, dossier=await _dossier(ctx, place),
    )  # fmt: skip
    saved = await interactions.update(ctx, body, if_match=if_match)
    await drafts.discard(ctx, _target(entry))
    return saved


async def _known(
    ctx: Context, place: Place, part: Part, of: Callable[[Form, str, populate.Facts, ZoneInfo], Answers]
) -> Answers:
    """What the record knows of a part."""
    names = populate.wanted(place.form, part.id, alone=of is populate.owned)
    facts = await populate.gather(ctx, place.patient, place.encounter, names) if names else {}
    return of(place.form, part.id, facts, ctx.tenant.zone)


def taken(
    ctx: Context, place: Place, part: Part, before: Mapping[str, Any], fields: Mapping[str, str]
) -> Answers:
    """The answers before with what was typed since; fields are named by item, or `table.row.column`."""
    zone, today = ctx.tenant.zone, state.today(ctx.clock.now(), ctx.tenant.zone)
    items = {item.id: item for item in kept.held_by(place.form, part.id)}
    made: Answers = dict(before)
    for name, text in fields.items():
        item = items.get(name)
        if item is not None and not item.repeats:
            if not item.readonly:
                _put(made, name, typed.read(item, text, zone, today))
            continue
        table, row, column = _cell(name, items)
        rows = [dict(one) for one in made.get(table.id) or ()]
        rows += [{} for _ in range(row + 1 - len(rows))]
        _put(rows[row], column.id, typed.read(column, text, zone, today))
        made[table.id] = rows
    for item in items.values():
        if item.repeats and item.id in made:
            made[item.id] = _without_last_empty(made[item.id])
    return made


def _cell(name: str, items: Mapping[str, Item]) -> tuple[Item, int, Item]:
    for id_, table in items.items():
        if table.repeats and name.startswith(f"{id_}."):
            row, _, column_id = name.removeprefix(f"{id_}.").partition(".")
            column = next((one for one in table.items if one.id == column_id), None)
            if column is not None and row.isdigit() and int(row) < ROWS:
                return table, int(row), column
    raise BadRequest(f"The form has no field {name}.", vi=f"Biểu mẫu không có ô {name}.")


def _put(made: Answers, name: str, value: Any) -> None:
    if value is None or value is False:
        made.pop(name, None)
    else:
        made[name] = value


def _without_last_empty(rows: list[Answers]) -> list[Answers]:
    kept_rows = list(rows)
    while kept_rows and not kept_rows[-1]:
        kept_rows.pop()
    return kept_rows


def response(
    ctx: Context,
    place: Place,
    part: Part,
    given: Mapping[str, Any],
    entry: str,
    *,
    status: str,
    asked: frozenset[str] | None = None,
    author: Resource | None = None,
    dossier: str | None = None,
) -> Resource:
    """The QuestionnaireResponse of an entry (FHIR R4 questionnaireresponse.html)."""
    wanted = (lambda _: True) if asked is None else asked.__contains__
    extension: list[Resource] = [{"url": kept.PART, "valueCode": part.id}]
    if dossier:
        extension.append({"url": DOSSIER, "valueReference": {"reference": f"Composition/{dossier}"}})
    now = ctx.clock.now().astimezone(ctx.tenant.zone).isoformat(timespec="seconds")
    made: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": entry,
        "extension": extension,
        "identifier": {"system": kept.SHEET, "value": str(_uuid(place.sheet))},
        "questionnaire": place.form.canonical,
        "status": status,
        "subject": {"reference": f"Patient/{place.patient}"},
        "encounter": {"reference": f"Encounter/{place.encounter}"},
        "authored": now,
    }
    if author:
        made["author"] = author
    if items := kept.to_items(place.form, part.id, given, wanted):
        made["item"] = items
    return made


async def _form(ctx: Context, form: Form, body: Resource) -> Form:
    """The version of the form that an entry was written with."""
    named = body.get("questionnaire", "")
    return form if named == form.canonical else await shelf.of(ctx, named)


def _entry(form: Form, body: Resource) -> Entry:
    author = body.get("author", {})
    return Entry(
        body["id"], kept.part_of(body), kept.from_response(form, body), body.get("status", ""),
        author.get("display", ""), author.get("reference", ""), body.get("authored", ""),
        body.get("meta", {}).get("versionId", ""), body,
    )  # fmt: skip


async def _saved(ctx: Context, whole: Sheet, entry: str) -> Entry | None:
    """The entry as saved; an id that an entry of another sheet has is refused."""
    found = next((one for one in whole.entries if one.id == entry), None)
    if found is not None:
        return found
    try:
        await interactions.read(ctx, "QuestionnaireResponse", entry)
    except (NotFound, Gone):
        return None
    raise NotOfThisSheet(entry)


def _belongs(body: Resource, place: Place, part: Part) -> bool:
    return (
        body.get("identifier", {}).get("value") == str(_uuid(place.sheet))
        and body.get("subject", {}).get("reference") == f"Patient/{place.patient}"
        and kept.part_of(body) == part.id
    )


async def _dossier(ctx: Context, place: Place) -> str | None:
    """The header of the stay's dossier, where there is one."""
    where = e.all_of(
        [
            e.Match("encounter", e.Reference("Encounter", place.encounter)),
            e.Match("category", e.Token(None, "dossier")),
        ]
    )
    page = await interactions.search(ctx, Search(("Composition",), where, count=1, total="none"))
    return page.matches[0].id if page.matches else None


def _target(entry: str) -> str:
    return f"QuestionnaireResponse/{entry}"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as exc:
        raise NotFound(f"There is no sheet {text!r}.", vi="Không có tờ này.") from exc
