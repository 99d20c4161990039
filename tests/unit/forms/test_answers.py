"""Answers as QuestionnaireResponse.item: what is an answer, and what is none."""

from __future__ import annotations

from hsba.forms import answers, catalogue


def test_to_items__zero_is_an_answer_and_an_empty_box_is_none() -> None:
    form = catalogue.forms()["02-BV1"]
    given = {"para.preterm": 0, "para.term": 1, "birth.defect": False}

    items = answers.to_items(form, "examination", given)

    assert answers.from_response(form, {"item": items}) == {"para.preterm": 0, "para.term": 1}
