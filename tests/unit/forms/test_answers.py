"""Answers as they are kept and carried on: what is an answer, what is none, what is calculated of others."""

from __future__ import annotations

from datetime import datetime

from hsba.forms import answers, catalogue, paper, state

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=paper.ZONE)


def test_to_items__zero_is_an_answer_and_an_empty_box_is_none() -> None:
    form = catalogue.forms()["02-BV1"]
    given = {"para.preterm": 0, "para.term": 1, "birth.defect": False}

    items = answers.to_items(form, "examination", given)

    assert answers.from_response(form, {"item": items}) == {"para.preterm": 0, "para.term": 1}


def test_work__a_code_and_a_moment_are_carried_to_where_the_paper_has_them_again() -> None:
    form = catalogue.forms()["05-BV1"]
    part = form.part("examination")
    assert part is not None
    main = {
        "system": "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs",
        "code": "O80.0",
        "display": "Đẻ thường",
    }
    birth = "2026-11-16T11:25:00+07:00"

    ward = state.work(form, part, {"diagnosis.main": main}, {}, NOW, paper.ZONE)
    leaving = form.part("leaving")
    assert leaving is not None
    front = state.work(form, leaving, {}, {"birth.at": birth}, NOW, paper.ZONE)

    assert ward.answers["diagnosis.ward"] == main
    assert front.answers["delivery.at"] == birth
