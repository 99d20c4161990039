"""Every form is a Questionnaire that any client of the standard can use, and its entries are responses to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from form_answers import response
from hsba.fhir import definitions, json
from hsba.fhir.packages import FolderPackage
from hsba.fhir.validate import validate
from hsba.forms import catalogue
from hsba.forms.questionnaire import FHIR, SDC, questionnaire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.forms.model import Form

CORE = definitions.default()
FORMS = catalogue.every()
OF_THE_REST = frozenset({"answer-missing", "answer-not-enabled"})
"""What is said because an entry is one part of its form and not all of it."""
Resource = dict[str, Any]
each_form = pytest.mark.parametrize("form", FORMS, ids=[f"{form.slug} {form.version}" for form in FORMS])


@each_form
def test_questionnaire__of_every_form_is_valid(form: Form) -> None:
    made = json.parse(json.dump(questionnaire(form)))

    assert [issue for issue in validate(made, CORE) if issue.blocks] == []


@each_form
def test_questionnaire__every_entry_of_a_form_is_a_response_to_it(form: Form) -> None:
    known = CORE.joined([FolderPackage.of("forms", [json.parse(json.dump(questionnaire(form)))])])

    for part in form.parts:
        told = json.parse(json.dump(response(form, part.id)))
        issues = [
            issue for issue in validate(told, known) if issue.blocks and issue.problem not in OF_THE_REST
        ]
        assert issues == [], part.id


def test_questionnaire__says_units_bounds_and_what_it_becomes() -> None:
    pulse = items("17-BV1")["vitals.pulse"]

    assert extension(pulse, f"{FHIR}questionnaire-unit") == {
        "system": "http://unitsofmeasure.org", "code": "/min", "display": "lần/ph",
    }  # fmt: skip
    assert extension(pulse, f"{FHIR}maxValue") == 350
    assert extension(pulse, f"{SDC}observationExtract") is True
    assert pulse["code"] == [{"system": "http://loinc.org", "code": "8867-4"}]


def test_questionnaire__says_where_an_answer_comes_from() -> None:
    found = items("17-BV1")

    assert (
        extension(found["person.birth-date"], f"{SDC}initialExpression")["expression"] == "%patient.birthDate"
    )
    assert extension(found["person.age"], f"{SDC}calculatedExpression")["expression"].startswith("(%today")
    assert found["person.birth-date"]["readOnly"] is True


def test_questionnaire__conditions_name_what_the_answer_means() -> None:
    conditions = [
        one for form in FORMS for item in items(form.slug).values() for one in item.get("enableWhen", ())
    ]

    assert any("answerCoding" in one for one in conditions)
    assert any(one["operator"] == "exists" for one in conditions)


def items(slug: str) -> dict[str, Resource]:
    return {one["linkId"]: one for one in walk(questionnaire(catalogue.forms()[slug])["item"])}


def walk(found: list[Resource]) -> Iterator[Resource]:
    for one in found:
        yield one
        yield from walk(one.get("item", []))


def extension(item: Resource, url: str) -> Any:
    (found,) = (one for one in item["extension"] if one["url"] == url)
    return next(value for key, value in found.items() if key.startswith("value"))
