"""Sheets and papers through the real door: each opens, and what its demo answers say is typed, completed and read."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from acceptance.forms import STAY, stay
from hospital import Hospital
from hsba.forms import catalogue, paper, typed
from hsba.forms.answers import held_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acceptance.identity import Ward
    from hsba.forms.model import Form, Item

PLACE = Path(__file__).parents[1] / "data" / "forms"
FORMS = [form for form in catalogue.forms().values() if form.kind != "cover"]
WRITTEN = ("36-BV2", "37-BV2", "06-BV2", "27-BV2", "an-toan-phau-thuat", "02-TT25", "PL1-TT26")


def field(item: Item, value: Any) -> str:
    """An answer as its field sends it."""
    match item.kind:
        case "one":
            return str(value)
        case "many":
            return ", ".join(value)
        case "tick":
            return "x"
        case "icd":
            return "|".join(value[key] for key in ("system", "code", "display"))
        case _:
            return typed.shown(item, value, paper.ZONE)


def fields(form: Form, part: str, given: dict[str, Any]) -> dict[str, str]:
    """The answers of an entry as its form sends them; what nobody types is left out."""
    sent = {}
    for item in held_by(form, part):
        if item.readonly or item.id not in given:
            continue
        if item.repeats:
            columns = {column.id: column for column in item.items}
            for number, row in enumerate(given[item.id]):
                for id_, value in row.items():
                    sent[f"{item.id}.{number}.{id_}"] = field(columns[id_], value)
        else:
            sent[item.id] = field(item, given[item.id])
    return sent


def entries(form: Form) -> Iterator[tuple[str, dict[str, str]]]:
    """Each entry of the demo answers: where it is sent, and its fields."""
    given = json.loads((PLACE / f"{form.slug}.json").read_text("utf-8"), parse_float=Decimal)
    for part in form.parts:
        if not part.asks:
            continue
        for one in given[part.id] if part.repeats else [given]:
            yield (f"{part.id}/{uuid4()}" if part.repeats else part.id), fields(form, part.id, one)


async def test_sheets__every_one_is_in_the_catalogue_and_each_part_opens_to_be_written(ward: Ward) -> None:
    desk = await stay(ward)

    for form in FORMS:
        assert (await ward.http.get(f"/forms/{form.slug}")).status_code == 200, form.slug
        for part in form.parts:
            at = f"{STAY}/{form.slug}/{desk.sheet}/{part.id}" + (f"/{uuid4()}" if part.repeats else "")
            assert not part.asks or (await ward.http.get(at)).status_code == 200, at


@pytest.mark.parametrize("slug", WRITTEN)
async def test_sheet__what_is_typed_is_completed_and_read(ward: Ward, slug: str) -> None:
    desk = await stay(ward)
    at = f"{STAY}/{slug}/{desk.sheet}"

    for where, sent in entries(catalogue.forms()[slug]):
        done = await ward.http.post(
            f"{at}/{where}", data={**sent, "_act": "complete", "_session": desk.session, "_base": ""}
        )
        assert done.status_code == 303, (where, done.text)

    read = (await ward.http.get(at)).text
    assert "_session" not in read
    printed = await ward.http.get(f"{at}/print.pdf")
    assert printed.status_code == 200
    assert printed.content.startswith(b"%PDF")


async def test_sheet__the_chart_of_vital_signs_shows_what_was_measured_and_asks_nothing(ward: Ward) -> None:
    await stay(ward)
    await Hospital(ward.services).save(
        measured("8867-4", 96, "/min"), measured("8310-5", Decimal("38.2"), "Cel")
    )

    assert 'value="chuc-nang-song"' in (await ward.http.get(STAY)).text
    begun = await ward.http.post(STAY, data={"form": "chuc-nang-song"})
    page = await ward.http.get(begun.headers["location"])
    printed = await ward.http.get(begun.headers["location"] + "/print.pdf")

    assert begun.status_code == 303
    assert "38,2" in page.text
    assert "21/11/2026 07:45" in page.text
    assert 'name="_act"' not in page.text
    assert printed.status_code == 200


def measured(code: str, value: int | Decimal, unit: str) -> dict[str, Any]:
    """A vital sign of the stay."""
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    return {
        "resourceType": "Observation",
        "id": f"o{code}",
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": "2026-11-21T07:45:00+07:00",
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
    }
