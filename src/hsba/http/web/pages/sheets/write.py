"""`…/sheets/{slug}/{sheet}/{part}`: one part of a sheet is written, kept as a draft, and completed.

Step 1 the sheet, the draft and what was saved are read - step 2 what was sent becomes answers - step 3 a part that
somebody else saved meanwhile is put before the writer - step 4 it is kept or completed.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from hsba.fhir.problems import BadRequest, VersionConflict
from hsba.forms import answers as kept
from hsba.forms import entries, holds, meeting, populate, state
from hsba.forms.entries import NotComplete, NotOfThisSheet
from hsba.forms.typed import Wrong
from hsba.http.messages import read_pairs
from hsba.http.web import forms
from hsba.http.web.filled import Filled
from hsba.http.web.i18n import mark
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.sheets import room
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsba.forms.answers import Answers
    from hsba.forms.entries import Entry, Place, Sheet
    from hsba.forms.holds import Hold
    from hsba.forms.meeting import Meeting
    from hsba.forms.model import Form, Part
    from hsba.forms.populate import Earlier
    from hsba.forms.state import Note, State
    from hsba.http.web.page import Ask
    from hsba.http.web.pages.sheets.room import Addresses
    from hsba.record.views.people import Banner

MISSING = "Còn thiếu."
"""What the state of a part says of a field that is empty: not said before somebody tries to complete it."""
COPIED = 5
"""Earlier entries that one may copy from."""
CONTROL = "_"
"""How the names of fields begin that are no item of the form."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part in the list of the sheet's parts."""

    part: Part
    title: str
    address: str
    done: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Writing:
    """What `forms/write.html` shows."""

    banner: Banner
    form: Form
    part: Part
    title: str
    f: Filled
    to: Addresses
    here: str
    steps: tuple[Step, ...]
    session: str
    base: str
    """The version that the writer began from; empty for something new."""
    before: Entry | None
    """The entry that is corrected."""
    draft: bool
    """Whether what stands here was typed before and not completed."""
    problems: tuple[tuple[str, str, str], ...]
    """(item, its words, what is wrong) of what keeps it from being completed."""
    reason: str
    met: Meeting | None
    unreasoned: bool
    copied: Earlier | None
    earlier: tuple[Earlier, ...]
    hold: Hold
    key: str
    """With which this account's browser encrypts what it could not send yet."""


@dataclass(frozen=True, slots=True)
class At:
    """The part that is written, and everything it needs."""

    part: Part
    entry: str
    whole: Sheet
    before: Entry | None
    """The entry as it was saved last."""

    @property
    def place(self) -> Place:
        """Where the sheet stands."""
        return self.whole.place

    @property
    def others(self) -> Answers:
        """The answers of the sheet's other entries."""
        return self.whole.answers(self.entry)


async def here(ask: Ask) -> At:
    """The part that is asked for; one that other staff fill is refused."""
    whole = await room.sheet(ask)
    part = whole.place.part(ask.path("part"))
    room.check(ask, part)
    entry = whole.place.entry(part, str(ask.request.path_params.get("entry", "")))
    before = next((one for one in whole.entries if one.id == entry), None)
    if before is not None and before.part != part.id:
        raise NotOfThisSheet(entry)
    return At(part, entry, whole, before)


async def owned(ask: Ask, at: At) -> Answers:
    """What this part shows of other resources, as they are now."""
    names = populate.wanted(at.place.form, at.part.id)
    facts = await populate.gather(ask.ctx, at.place.patient, at.place.encounter, names) if names else {}
    return populate.owned(at.place.form, at.part.id, facts, ask.ctx.tenant.zone)


async def write(ask: Ask) -> Page:
    """The part as it stands: the draft, or what was saved, or what the record knows."""
    at = await here(ask)
    draft = await entries.draft(ask.ctx, at.place, at.part, at.entry)
    begun = await entries.begun(ask.ctx, at.place, at.part, at.entry, at.whole)
    again = entries.taken(ask.ctx, at.place, at.part, begun, unread(begun))
    copied = next((one for one in await earlier(ask, at) if one.id == ask.query("copy")), None)
    if copied is not None:
        again |= copied.answers
    return await page(ask, at, again, Shown(draft=draft is not None, copied=copied))


async def earlier(ask: Ask, at: At) -> tuple[Earlier, ...]:
    """Entries of this part that were completed before in the stay, from which one may copy."""
    if not (at.part.repeats or at.place.form.many) or at.before is not None:
        return ()
    place = at.place
    found = await populate.earlier(
        ask.ctx, place.form, at.part.id, place.patient, place.encounter, most=COPIED
    )
    return tuple(one for one in found if one.id != at.entry)


async def sent(ask: Ask) -> Page | Go:
    """Keep what was sent, or complete the part with it."""
    at = await here(ask)
    ask.ctx.reason = " ".join(ask.form.get("_reason", "").split())[: room.LONGEST_REASON] or None
    empty = dict.fromkeys(state.answerable(at.place.form, at.part.id) - tables(at), "")
    typed = picked(ask, at, {**empty, **fields(ask)})
    given = entries.taken(ask.ctx, at.place, at.part, {}, typed)
    here_ = session(ask)
    await entries.keep(ask.ctx, at.place, at.part, at.entry, typed, session=here_, whole=at.whole)
    if ask.form.get("_act") != "complete":
        return Go(_address(ask, at))
    await holds.alone(ask.ctx, at.entry)
    at = await here(ask)
    base = ask.form.get("_base", "")
    if at.before is not None and at.before.version != base:
        if same(at, given):
            return Go(room.addresses(ask, at.place).read)  # sent twice
        met = await meeting.meet(ask.ctx, at.place.form, at.before, base, given)
        if met.fields:
            return await page(ask, at, given, Shown(draft=True, met=met))
        given, base = met.answers, at.before.version
    if at.before is not None and not ask.ctx.reason:
        return await page(ask, at, given, Shown(draft=True, unreasoned=True))
    try:
        await entries.complete(
            ask.ctx, at.place, at.part, at.entry, given, author=room.author(ask), if_match=base or None
        )
    except NotComplete as refused:
        return await page(ask, at, given, Shown(draft=True, refused=refused))
    await holds.leave(ask.ctx, at.entry, here_)
    return Go(room.addresses(ask, at.place).read)


def same(at: At, given: Answers) -> bool:
    """Whether what is sent is what was saved last: it was sent twice."""
    ids = state.answerable(at.place.form, at.part.id)
    saved = at.before.answers if at.before else {}
    return all(saved.get(id_) == given.get(id_) for id_ in ids)


def picked(ask: Ask, at: At, typed: dict[str, str]) -> dict[str, str]:
    """What was typed, with the values of somebody else that the writer picked in place of his own."""
    if at.before is None:
        return typed
    filled = Filled(at.place.form, ask.ctx.tenant.zone, ask.show.language, at.before.answers)
    theirs = {
        item.id: filled.field(item)
        for item in kept.held_by(at.place.form, at.part.id)
        if ask.form.get(f"_pick.{item.id}") == "theirs" and not item.repeats
    }
    return {**typed, **theirs}


def fields(ask: Ask) -> dict[str, str]:
    """What was typed, by field; of a field sent several times (boxes to tick) all, and a chosen code with its words."""
    found: dict[str, str] = {}
    for name, value in read_pairs(ask.request.scope.get(forms.KEPT, b"")):
        if not name.startswith(CONTROL) and value:
            found[name] = f"{found[name]}, {value}" if found.get(name) else value
        elif not name.startswith(CONTROL):
            found.setdefault(name, "")
    for name in [name for name in found if name.endswith("-code") and name.removesuffix("-code") in found]:
        own = name.removesuffix("-code")
        system, code, display = (found.pop(f"{own}-{one}", "") for one in ("system", "code", "display"))
        if code:
            found[own] = f"{system}|{code}|{display}"
    return {name: value.replace("\0", "") for name, value in found.items()}


def unread(answers: Mapping[str, Any]) -> dict[str, str]:
    """What was typed and could not be read, by field: it is read once more, so that the page says what is wrong."""
    found = {name: value.typed for name, value in answers.items() if isinstance(value, Wrong)}
    for name, rows in answers.items():
        for number, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, dict):
                wrong = {id_: value.typed for id_, value in row.items() if isinstance(value, Wrong)}
                found |= {f"{name}.{number}.{id_}": text for id_, text in wrong.items()}
    return found


def tables(at: At) -> set[str]:
    """The tables of the part whose rows are written; their cells are the fields."""
    return {item.id for item in at.place.form.entry(at.part.id) if item.repeats}


def session(ask: Ask) -> UUID:
    """The editing session that the page began."""
    try:
        return UUID(ask.form.get("_session", ""))
    except ValueError as exc:
        raise BadRequest("_session is no UUID.", vi="Phiên ghi không hợp lệ; hãy tải lại trang.") from exc


def work(ask: Ask, at: At, answers: Mapping[str, Any]) -> State:
    """The part worked through."""
    return state.work(at.place.form, at.part, answers, at.others, ask.ctx.clock.now(), ask.ctx.tenant.zone)


def telling(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """What is said while one writes: not that something is missing."""
    return tuple(note for note in notes if note.say != MISSING)


@dataclass(frozen=True, slots=True)
class Shown:
    """Why the page is shown: again after a refusal, or for the first time."""

    draft: bool
    refused: NotComplete | None = None
    met: Meeting | None = None
    """Where somebody else saved the part meanwhile and fields are to be picked."""
    unreasoned: bool = False
    """Whether a correction came without its reason."""
    copied: Earlier | None = None
    """The entry that was copied from."""

    @property
    def status(self) -> int:
        """Of the answer."""
        if self.refused is not None or self.unreasoned:
            return NotComplete.status
        return VersionConflict.status if self.met is not None else 200


async def page(ask: Ask, at: At, answers: Answers, shown: Shown) -> Page:
    """The page to write the part on."""
    banner = await patients.banner(ask.ctx, ask.path("id"))
    worked = work(ask, at, {**answers, **await owned(ask, at)})
    refused = shown.refused
    filled = Filled(
        at.place.form, ask.ctx.tenant.zone, ask.show.language, {**at.others, **worked.answers},
        writing=at.part.id, asked=worked.asked, notes=worked.notes if refused else telling(worked.notes),
        sex=banner.person.gender, copied=frozenset(shown.copied.answers if shown.copied else ()),
    )  # fmt: skip
    to, here_ = room.addresses(ask, at.place), session(ask) if "_session" in ask.form else uuid4()
    saved = at.before.version if at.before else ""
    base = ask.form.get("_base", "") if shown.refused or shown.unreasoned else saved
    wrong = [
        (note.item, filled.words(note.item), filled.say(note)) for note in (refused.notes if refused else ())
    ]
    made = Writing(
        banner=banner, form=at.place.form, part=at.part, title=title(ask, at.place.form, at.part), f=filled, to=to,
        here=_address(ask, at), steps=_steps(ask, at, to), session=str(here_), base=base,
        before=at.before, draft=shown.draft, problems=tuple(wrong), reason=ask.form.get("_reason", ""),
        met=shown.met, unreasoned=shown.unreasoned, hold=await holds.touch(ask.ctx, at.entry, here_, ask.caller.name),
        copied=shown.copied, earlier=await earlier(ask, at), key=b64encode(await holds.key(ask.ctx)).decode(),
    )  # fmt: skip
    return Page("forms/write.html", made, section="patients", status=shown.status)


def title(ask: Ask, form: Form, part: Part) -> str:
    """What a part is called: as the paper titles it, by who signs it, or by its place in the form."""
    number = [one.id for one in form.parts].index(part.id) + 1
    return part.title or part.sign or ask.show.say(mark("Part {n}")).format(n=number)


def _steps(ask: Ask, at: At, to: Addresses) -> tuple[Step, ...]:
    done = {one.part for one in at.whole.entries}
    return tuple(
        Step(
            part,
            title(ask, at.place.form, part),
            to.write(part.id) if not part.repeats else to.read,
            part.id in done,
            part is at.part,
        )
        for part in at.place.form.parts
        if part.asks and (part is at.part or room.may_fill(ask, part))
    )


def _address(ask: Ask, at: At) -> str:
    return room.addresses(ask, at.place).write(at.part.id, at.entry if at.part.repeats else "")
