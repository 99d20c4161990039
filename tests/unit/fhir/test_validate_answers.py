"""A QuestionnaireResponse against its Questionnaire."""

from __future__ import annotations

from typing import Any

import pytest

from hsba.fhir import definitions
from hsba.fhir.packages import FolderPackage
from hsba.fhir.validate import validate

CORE = definitions.default()
URL = "http://example.vn/Questionnaire/q"
MIN = "http://hl7.org/fhir/StructureDefinition/minValue"

Object = dict[str, Any]


def found(items: list[Object], *answers: Object, status: str = "completed") -> list[tuple[str, str, str]]:
    """The problems of answers to the items of a questionnaire."""
    questionnaire = {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": items}
    loaded = CORE.joined([FolderPackage.of("forms", [questionnaire])])
    response: Object = {"resourceType": "QuestionnaireResponse", "questionnaire": URL, "status": status}
    if answers:
        response["item"] = list(answers)
    return [(issue.problem, issue.severity, issue.path) for issue in validate(response, loaded)]


def item(link: str, *answers: Object, **more: Any) -> Object:
    return {"linkId": link, **({"answer": list(answers)} if answers else {}), **more}


PULSE: Object = {"linkId": "pulse", "text": "Mạch", "type": "integer", "required": True}
LIMB: Object = {
    "linkId": "limb",
    "type": "choice",
    "answerOption": [{"valueCoding": {"system": "urn:x:limb", "code": "arm"}}],
}
HERE = "QuestionnaireResponse.item[0]"


def test_answers__right_ones() -> None:
    arm = {"system": "urn:x:limb", "code": "arm", "display": "Tay"}

    assert found([PULSE, LIMB], item("pulse", {"valueInteger": 80}), item("limb", {"valueCoding": arm})) == []


CASES: dict[str, tuple[list[Object], list[Object], list[tuple[str, str]]]] = {
    "missing": ([PULSE], [], [("answer-missing", "QuestionnaireResponse")]),
    "of another type": (
        [PULSE],
        [item("pulse", {"valueString": "80"})],
        [("answer-type", HERE + ".answer[0].value.ofType(string)")],
    ),
    "to no question": (
        [PULSE],
        [item("puls", {"valueInteger": 1}), item("pulse", {"valueInteger": 1})],
        [("answer-unknown-link", HERE)],
    ),
    "out of order": (
        [PULSE, LIMB],
        [item("limb"), item("pulse", {"valueInteger": 1})],
        [("answer-order", "QuestionnaireResponse.item[1]")],
    ),
    "twice": (
        [PULSE],
        [item("pulse", {"valueInteger": 1}, {"valueInteger": 2})],
        [("answer-repeated", HERE + ".answer")],
    ),
    "of an item twice": (
        [PULSE],
        [item("pulse", {"valueInteger": 1}), item("pulse", {"valueInteger": 1})],
        [("answer-repeated-item", "QuestionnaireResponse.item[1]")],
    ),
    "that is no option": (
        [LIMB],
        [item("limb", {"valueCoding": {"system": "urn:x:limb", "code": "tail"}})],
        [("answer-not-an-option", HERE + ".answer[0].value.ofType(Coding)")],
    ),
    "too long": (
        [{"linkId": "t", "type": "string", "maxLength": 2}],
        [item("t", {"valueString": "abc"})],
        [("value-too-long", HERE + ".answer[0].value.ofType(string)")],
    ),
    "too small": (
        [{"linkId": "n", "type": "decimal", "extension": [{"url": MIN, "valueDecimal": 0}]}],
        [item("n", {"valueDecimal": -1})],
        [("below-minimum", HERE + ".answer[0].value.ofType(decimal)")],
    ),
    "to a group": (
        [{"linkId": "g", "type": "group", "item": [LIMB]}],
        [item("g", {"valueString": "x"})],
        [("answer-not-asked", HERE)],
    ),
    "not enabled": (
        [PULSE, {**LIMB, "enableWhen": [{"question": "pulse", "operator": ">", "answerInteger": 100}]}],
        [
            item("pulse", {"valueInteger": 80}),
            item("limb", {"valueCoding": {"system": "urn:x:limb", "code": "arm"}}),
        ],
        [("answer-not-enabled", "QuestionnaireResponse.item[1]")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_answers__case(name: str) -> None:
    items, answers, wanted = CASES[name]

    assert [(problem, path) for problem, _, path in found(items, *answers)] == wanted


def test_answers__enabled_by_another_answer() -> None:
    items = [PULSE, {**LIMB, "enableWhen": [{"question": "pulse", "operator": ">", "answerInteger": 100}]}]
    arm = {"system": "urn:x:limb", "code": "arm"}

    assert found(items, item("pulse", {"valueInteger": 120}), item("limb", {"valueCoding": arm})) == []


def test_answers__missing_one_only_warns_while_the_form_is_being_filled() -> None:
    assert found([PULSE], status="in-progress") == [("answer-missing", "warning", "QuestionnaireResponse")]


def test_answers__without_the_questionnaire_nothing_is_claimed() -> None:
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "http://example.vn/none",
        "status": "completed",
        "item": [item("x")],
    }

    assert validate(response, CORE) == []
