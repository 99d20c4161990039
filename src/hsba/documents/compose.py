"""Sheets put together from their entries: what is saved, laid out by the version of the form it was written in.

Step 1 the entries are read through the record - step 2 their form's version is found - step 3 head and papers over
resources get the facts that the record owns - step 4 it is laid out, and the entries go along as a FHIR Bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.forms import entries, paper, populate, shelf, stay
from hsba.forms.entries import Place
from hsba.forms.paper import Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hsba.forms.entries import Entry
    from hsba.forms.model import Form, Part
    from hsba.record.context import Context

MISTAKEN = "entered-in-error"
KINDS = ("cover", "sheet", "paper")
"""The order of a dossier."""

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Composed:
    """A sheet ready to draw, and the entries that it shows."""

    form: Form
    node: paper.Node
    bodies: tuple[Resource, ...]


async def sheet(ctx: Context, patient: str, encounter: str, slug: str, id: str) -> Composed:
    """One sheet; one that was not begun has only what the record knows already."""
    place = Place(patient, encounter, await shelf.find(ctx, slug), id)
    await entries.verify(ctx, place)
    whole = await entries.sheet(ctx, place)
    written_in = next((str(one.body.get("questionnaire", "")) for one in whole.entries), place.form.canonical)
    if written_in != place.form.canonical:
        place = Place(patient, encounter, await shelf.of(ctx, written_in), id)
        whole = await entries.sheet(ctx, place)
    form, zone = place.form, ctx.tenant.zone
    standing = [one for one in whole.entries if one.status != MISTAKEN]
    facts = await populate.gather(ctx, patient, encounter, populate.wanted(form))
    written = {part.id: _written(form, part, standing, facts, ctx) for part in form.parts}
    node = paper.lay(form, written, head=populate.head(form, facts, zone), zone=zone)
    return Composed(form, node, tuple(one.body for one in standing))


async def dossier(ctx: Context, patient: str, encounter: str) -> list[Composed]:
    """All sheets of a stay: covers, sheets and papers, each kind in the order in which they were begun."""
    begun = await stay.sheets(ctx, patient, encounter)
    made = [await sheet(ctx, patient, encounter, one.slug, one.sheet) for one in begun]
    return sorted(made, key=lambda one: KINDS.index(one.form.kind))


def bundle(composed: Iterable[Composed]) -> str:
    """The entries of some sheets as they are stored, in a Bundle (FHIR R4 bundle.html, collection)."""
    bodies = [body for one in composed for body in one.bodies]
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body} for body in bodies]}
    return json.dump(whole).decode()


def _written(
    form: Form, part: Part, standing: Sequence[Entry], facts: Mapping[str, list[Any]], ctx: Context
) -> list[Written]:
    """The entries of a part; of one that nobody wrote what the record owns."""
    found = [one for one in standing if one.part == part.id]
    if not found and not part.repeats:
        return [Written(populate.owned(form, part.id, facts, ctx.tenant.zone))]
    return [Written(one.answers, one.author, _at(one.authored)) for one in found]


def _at(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
