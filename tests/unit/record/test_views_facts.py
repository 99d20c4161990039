"""Facts of resources as pages read them, from content that other systems may have written carelessly."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest

from hsba.record.views import care, facts, measures, people


@pytest.mark.parametrize(
    "name, before, called",
    [
        ({"text": "Nguyễn Thị Hoa", "family": "Nguyễn", "given": ["Thị", "Hoa"]}, "Nguyễn Thị", "Hoa"),
        ({"family": "Nguyễn", "given": ["Thị", "Hoa"]}, "Nguyễn Thị", "Hoa"),
        ({"text": "Hoa"}, "", "Hoa"),
        ({"text": "Y Moan Êban"}, "Y Moan", "Êban"),
    ],
)
def test_name__is_cut_before_the_word_people_are_called_by(
    name: dict[str, Any], before: str, called: str
) -> None:
    assert facts.name({"name": [name]}) == facts.Name(before, called)


def test_name__prefers_the_official_one_and_survives_an_empty_one() -> None:
    assert facts.name(
        {"name": [{"use": "nickname", "text": "Tí"}, {"use": "official", "text": "Lê Tí"}]}
    ) == (facts.Name("Lê", "Tí"))
    assert facts.name({"name": [{}]}) is None
    assert facts.name({}) is None


def test_identifiers__known_kinds_come_first_and_old_ones_not_at_all() -> None:
    found = facts.identifiers(
        {
            "identifier": [
                {"system": "http://x.vn/other", "value": "9"},
                {"system": "http://fhir.hl7.org.vn/core/sid/mrn", "value": "26-1"},
                {"use": "old", "system": "http://fhir.hl7.org.vn/core/sid/cccd", "value": "1"},
                {"system": "http://fhir.hl7.org.vn/core/sid/cccd", "value": "079159012345"},
            ]
        }
    )

    assert [(one.kind, one.value) for one in found] == [("cccd", "079159012345"), ("mrn", "26-1"), ("", "9")]


def allergy(code: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "code": code,
        "recordedDate": "2026-08-03",
        **more,
    }


NONE = allergy({"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]})
UNABLE = allergy({"coding": [{"code": "asked-unknown"}]})
PENICILLIN = allergy({"text": "Penicilin"}, criticality="high")
WITHDRAWN = allergy({"text": "Tôm"}, verificationStatus={"coding": [{"code": "entered-in-error"}]})


@pytest.mark.parametrize(
    "written, state",
    [
        ([], "unasked"),
        ([WITHDRAWN], "unasked"),
        ([UNABLE], "unable"),
        ([UNABLE, NONE], "none"),
        ([NONE, PENICILLIN], "known"),
    ],
)
def test_allergies__unknown_is_not_no(written: list[dict[str, Any]], state: str) -> None:
    assert people.allergies(written).state == state


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Kali"}, **more}


@pytest.mark.parametrize(
    "value, flag",
    [
        (
            {"valueQuantity": {"value": Decimal("6.8")}, "interpretation": [{"coding": [{"code": "HH"}]}]},
            "HH",
        ),
        ({"valueQuantity": {"value": Decimal("5.6")}}, "H"),
        ({"valueQuantity": {"value": 3}}, "L"),
        ({"valueQuantity": {"value": 4}}, ""),
        ({"valueQuantity": {"value": 6}, "interpretation": [{"coding": [{"code": "N"}]}]}, ""),
        ({"valueString": "vỡ hồng cầu"}, ""),
    ],
)
def test_reading__laboratory_decides_and_the_range_where_it_is_silent(
    value: dict[str, Any], flag: str
) -> None:
    ranges = [{"low": {"value": Decimal("3.5")}, "high": {"value": Decimal("5.1")}}]

    found = measures.reading(observation(referenceRange=ranges, **value))

    assert found is not None
    assert found.flag == flag


def test_reading__blood_pressure_takes_the_gravest_flag_of_its_parts() -> None:
    parts = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value},
            **more,
        }
        for code, value, more in (
            ("8480-6", 180, {"interpretation": [{"coding": [{"code": "HH"}]}]}),
            ("8462-4", 95, {"interpretation": [{"coding": [{"code": "H"}]}]}),
        )
    ]

    found = measures.reading(observation(code={"coding": [{"code": "85354-9"}]}, component=parts))

    assert found is not None
    assert found.kind == "pressure"
    assert found.worst == "HH"


def test_paragraphs__markup_from_outside_becomes_plain_words() -> None:
    div = '<div><p>Tỉnh &amp; đỡ</p><script>alert(1)</script><p onclick="x()">Ăn được</p><br/></div>'

    assert care.paragraphs({"div": div}) == ("Tỉnh & đỡ", "alert(1)", "Ăn được")


def test_paper__words_of_a_plain_text_attachment_are_read_and_broken_ones_are_not() -> None:
    data = base64.b64encode("Bệnh sử: ho\n\nXử trí: nghỉ".encode()).decode()
    content = [
        {"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}},
        {"attachment": {"contentType": "text/plain", "data": "%%%"}},
        {"attachment": {"contentType": "application/pdf", "url": "Binary/1"}},
    ]

    found = care.paper({"resourceType": "DocumentReference", "id": "d", "content": content})

    assert [section.paragraphs for section in found.sections] == [("Bệnh sử: ho", "Xử trí: nghỉ")]
    assert found.attachments == (("text/plain", ""), ("application/pdf", "Binary/1"))


def test_visit__main_diagnosis_is_that_of_discharge() -> None:
    conditions = {
        id_: {"id": id_, "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]}}
        for id_, code in (("a", "R07"), ("b", "I21"))
    }
    encounter = {
        "id": "e",
        "diagnosis": [
            {"condition": {"reference": "Condition/a"}, "use": {"coding": [{"code": "AD"}]}},
            {"condition": {"reference": "Condition/b"}, "use": {"coding": [{"code": "DD"}]}},
        ],
    }

    found = care.visit(encounter, conditions)

    assert found.main is not None
    assert (found.main.code, [one.role for one in found.diagnoses]) == ("I21", ["AD", "DD"])


@pytest.mark.parametrize("kind", ["Patient", "Encounter", "Observation", "Composition"])
def test_readers__survive_elements_of_the_wrong_shape(kind: str) -> None:
    odd = {
        "resourceType": kind,
        "id": "x",
        "name": "Hoa",
        "identifier": {"value": 3},
        "code": "1",
        "subject": "x",
        "period": "2026",
        "diagnosis": [3],
        "section": {"text": 1},
        "referenceRange": [{"low": 3}],
    }

    assert people.person(odd).id == "x"
    assert care.visit(odd, {}).id == "x"
    assert care.paper(odd).id == "x"
    assert measures.reading(odd) is None
