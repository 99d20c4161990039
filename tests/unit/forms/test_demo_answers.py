"""The demo answers of each form: they fit their form, complete it, and come back from FHIR as they went in."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hsba.forms import answers, catalogue, paper, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.forms.model import Form, Part

PLACE = Path(__file__).parents[2] / "data" / "forms"
FORMS = [form for form in catalogue.forms().values() if (PLACE / f"{form.slug}.json").exists()]
LATER = datetime(2026, 11, 28, 9, 0, tzinfo=paper.ZONE)
"""The day on which the demo answers were all written."""


def told(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PLACE / f"{form.slug}.json").read_text("utf-8"), parse_float=Decimal)
    return found


def entries(form: Form) -> Iterator[tuple[Part, dict[str, Any], dict[str, Any]]]:
    """Each entry that the demo answers make, and what the parts that stand once say beside it."""
    given = told(form)
    once = {id_: value for id_, value in given.items() if form.part(id_) is None}
    for part in form.parts:
        held = {item.id for item in answers.held_by(form, part.id)}
        for one in given.get(part.id, []) if part.repeats else [once]:
            yield part, {id_: value for id_, value in one.items() if id_ in held}, once


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.slug)
def test_demo_answers__every_answer_belongs_to_an_item_of_the_form(form: Form) -> None:
    known = {item.id for part in form.parts for item in answers.held_by(form, part.id)}
    given = told(form)

    parts = {part.id for part in form.parts if part.repeats}
    assert set(given) - parts <= known
    assert {id_ for part in parts for one in given.get(part, []) for id_ in one} <= known


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.slug)
def test_demo_answers__each_entry_is_complete(form: Form) -> None:
    for part, own, once in entries(form):
        worked = state.work(form, part, own, once, LATER, paper.ZONE)

        assert [note for note in worked.notes if note.stops] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.slug)
def test_demo_answers__they_come_back_from_fhir_as_they_went_in(form: Form) -> None:
    for part, own, once in entries(form):
        worked = state.work(form, part, own, once, LATER, paper.ZONE)
        items = answers.to_items(form, part.id, own, worked.asked.__contains__)

        back = answers.from_response(form, {"item": items})

        assert back == own
