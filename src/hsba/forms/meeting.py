"""Two people wrote the same part: what each of them changed is kept, and where both changed a field, somebody picks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.forms import answers as kept
from hsba.record import interactions

if TYPE_CHECKING:
    from hsba.forms.answers import Answers
    from hsba.forms.entries import Entry
    from hsba.forms.model import Form, Item
    from hsba.record.context import Context


@dataclass(frozen=True, slots=True)
class Both:
    """A field that two people changed: what is saved, and what the writer has."""

    item: Item
    theirs: Any
    mine: Any


@dataclass(frozen=True, slots=True)
class Meeting:
    """What comes of two versions that began from the same one."""

    saved: Entry
    """What somebody else saved meanwhile."""
    answers: Answers
    """Both together; the writer's own where both changed a field."""
    fields: tuple[Both, ...]
    """Where both changed a field, and not to the same."""


async def meet(ctx: Context, form: Form, saved: Entry, base: str, mine: Answers) -> Meeting:
    """Bring what one writes together with what was saved since the version `base` that he began from."""
    began: Answers = {}
    if base:
        stored = await interactions.vread(ctx, "QuestionnaireResponse", saved.id, base)
        began = kept.from_response(form, json.stored(stored.body or ""))
    answers: Answers = {}
    both: list[Both] = []
    for item in kept.held_by(form, saved.part):
        own, theirs, before = mine.get(item.id), saved.answers.get(item.id), began.get(item.id)
        taken = theirs if own == before else own
        if own not in (theirs, before) and theirs != before:
            both.append(Both(item, theirs, own))
        if taken is not None:
            answers[item.id] = taken
    return Meeting(saved, answers, tuple(both))
