"""Every form's answers become resources that are valid, and the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from form_answers import answers, response
from hsba.fhir import definitions, json
from hsba.fhir.validate import validate
from hsba.forms import catalogue, extract, source
from hsba.forms.checking import check

if TYPE_CHECKING:
    from hsba.forms.model import Form

CORE = definitions.default()
PARTS = [(form, part.id) for form in catalogue.every() for part in form.parts]
NAMES = [f"{form.slug} {part}" for form, part in PARTS]
Resource = dict[str, Any]


@pytest.mark.parametrize("form, part", PARTS, ids=NAMES)
def test_resources__of_every_part_are_valid(form: Form, part: str) -> None:
    found = [json.parse(json.dump(one)) for one in extract.resources(form, response(form, part))]

    for one in found:
        issues = [issue for issue in validate(one, CORE) if issue.blocks]
        assert not issues, (one["resourceType"], one.get("code"), issues)


@pytest.mark.parametrize("form, part", PARTS, ids=NAMES)
def test_resources__are_the_same_each_time_and_each_is_its_own(form: Form, part: str) -> None:
    one = extract.resources(form, response(form, part))
    again = extract.resources(form, response(form, part, status="amended"))

    assert one == again
    addresses = [(made["resourceType"], made["id"]) for made in one]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("form, part", PARTS, ids=NAMES)
def test_check__a_full_entry_of_every_part_fits_its_form(form: Form, part: str) -> None:
    check(form, json.parse(json.dump(response(form, part))))


@pytest.mark.parametrize("form, part", PARTS, ids=NAMES)
def test_resources__taking_an_answer_away_takes_its_facts_and_no_others(form: Form, part: str) -> None:
    given = answers(form, part)
    whole = addresses(extract.resources(form, response(form, part)))

    for left_out in given:
        rest = {id_: value for id_, value in given.items() if id_ != left_out}
        assert addresses(extract.resources(form, response(form, part, rest))) <= whole


def addresses(found: list[Resource]) -> set[tuple[str, str]]:
    return {(one["resourceType"], one["id"]) for one in found}


# --- kinds -------------------------------------------------------------------------------------------------

FORM = """
form: 99/TEST
version: "1"
kind: sheet
name: Thử
title: THỬ
parts:
  - id: one
    items:
      - {id: when, type: datetime, becomes: {moment: }}
      - {id: symptoms, type: many, options: [{1: Sốt}, {2: Ho}], becomes: {observation: "75325-1"}}
      - {id: smokes, type: tick, becomes: {observation: {code: "72166-2", category: social-history}}}
      - {id: allergy, label: Dị ứng, becomes: {allergy: {text: allergy.how}}}
      - {id: allergy.how}
      - {id: family, becomes: {family: }}
      - {id: vaccine, type: date, label: Uốn ván, becomes: {immunization: "112"}}
      - {id: operation, becomes: {procedure: {when: start, end: end, by: surgeon, category: "387713003"}}}
      - {id: start, type: datetime}
      - {id: end, type: datetime}
      - {id: surgeon}
      - id: given
        type: table
        items:
          - {id: given.at, type: datetime, becomes: {moment: }}
          - id: given.name
            becomes: {medication: {dose: given.dose, route: given.route, quantity: given.quantity, unit: given.unit}}
          - {id: given.dose}
          - {id: given.route}
          - {id: given.quantity}
          - {id: given.unit}
"""
MADE_UP = source.load(FORM, "test.yaml", catalogue.library())
START, END = "2026-11-20T07:45:00+07:00", "2026-11-20T08:30:00+07:00"


def made(**given: Any) -> list[Resource]:
    found = {name.replace("_", "."): value for name, value in given.items()}
    return extract.resources(MADE_UP, response(MADE_UP, "one", found))


def test_observation__each_of_several_choices_is_one() -> None:
    found = made(symptoms=["1", "2"])

    assert [one["valueCodeableConcept"]["text"] for one in found] == ["Sốt", "Ho"]


def test_observation__the_moment_of_the_entry_is_when_it_was_found() -> None:
    (one,) = made(when=START, smokes=True)

    assert one["effectiveDateTime"] == START
    assert one["valueBoolean"] is True


def test_allergy__is_as_told() -> None:
    (one,) = made(allergy="Tôm", allergy_how="Nổi ban")

    assert one["code"] == {"text": "Tôm"}
    assert one["note"] == [{"text": "Nổi ban"}]
    assert one["patient"] == {"reference": "Patient/an"}


def test_family__is_a_history_of_the_family() -> None:
    (one,) = made(family="Mẹ đái tháo đường")

    assert one["condition"] == [{"code": {"text": "Mẹ đái tháo đường"}}]


def test_immunization__has_its_day() -> None:
    (one,) = made(vaccine="2026-05-01")

    assert one["occurrenceDateTime"] == "2026-05-01"
    assert one["vaccineCode"]["coding"] == [{"system": "http://hl7.org/fhir/sid/cvx", "code": "112"}]


def test_procedure__has_its_time_and_its_surgeon() -> None:
    (one,) = made(operation="Cắt ruột thừa", start=START, end=END, surgeon="BS Chi")

    assert one["performedPeriod"] == {"start": START, "end": END}
    assert one["performer"] == [{"actor": {"display": "BS Chi"}}]


def test_medication__each_row_is_one_at_its_own_time() -> None:
    rows = [
        {
            "given.at": START,
            "given.name": "Paracetamol 500 mg",
            "given.dose": "1 viên",
            "given.route": "Uống",
        },
        {"given.name": "Natri clorid 0,9%", "given.quantity": "2 chai"},
        {"given.name": "Levofloxacin 500 mg", "given.quantity": "7", "given.unit": "viên"},
    ]
    one, other, third = made(when=END, given=rows)

    assert (one["authoredOn"], other["authoredOn"]) == (START, END)
    assert one["dosageInstruction"] == [{"text": "1 viên, Uống", "route": {"text": "Uống"}}]
    assert other["dispenseRequest"] == {"quantity": {"value": 2, "unit": "chai"}}
    assert third["dispenseRequest"] == {"quantity": {"value": 7, "unit": "viên"}}


def test_resources__of_a_response_about_nobody_are_none() -> None:
    assert (
        extract.resources(MADE_UP, response(MADE_UP, "one", {"smokes": True}, subject={"display": "An"}))
        == []
    )
