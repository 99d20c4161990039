from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hsba.fhir import definitions
from hsba.fhir.extract import extract
from hsba.fhir.packages import FolderPackage
from hsba.fhir.paths import catalogue
from hsba.fhir.query.dates import END, interval

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
PRESSURE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "meta": {"profile": ["http://p"], "tag": [{"system": "http://t", "code": "Thử"}]},
    "status": "final",
    "category": [{"coding": [{"system": "http://c", "code": "vital-signs", "display": "Vital Signs"}]}],
    "code": {"coding": [{"system": LOINC, "code": "85354-9"}], "text": "Huyết áp"},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1/_history/2"},
    "performer": [
        {"reference": "http://elsewhere/fhir/Practitioner/d1"},
        {"identifier": {"system": "http://i", "value": "D1"}},
    ],
    "effectiveDateTime": "2024-03-05T08:30:00+07:00",
    "component": [
        {
            "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
            "valueQuantity": {"value": Decimal(128), "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
        },
        {
            "code": {"coding": [{"system": LOINC, "code": "8462-4"}]},
            "valueQuantity": {"value": Decimal(82), "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
        },
    ],
}


def rows(resource: dict[str, Any], **kwargs: Any) -> Any:
    return extract(resource, definitions.default(), **kwargs)


def test_extract__codes_carry_their_system_and_text() -> None:
    found = rows(PRESSURE)

    assert ("token Observation.code", LOINC, "85354-9") in found.token
    assert ("token Observation.status", "", "final") in found.token
    assert ("token Observation.meta.tag", "http://t", "thử") in found.token
    assert ("token Observation.code", "huyet ap", None) in found.string
    assert ("token Observation.category", "vital signs", None) in found.string


def test_extract__references_here_elsewhere_and_by_identifier() -> None:
    found = rows(PRESSURE)

    assert ("reference Observation.subject", "Patient", "p1") in found.reference
    assert ("reference Observation.encounter", "Encounter", "e1") in found.reference
    assert ("reference Observation.performer", "http://elsewhere/fhir/Practitioner/d1") in found.uri
    assert ("reference Observation.performer", "http://i", "d1") in found.token


def test_extract__an_address_of_this_server_is_a_reference_here() -> None:
    found = rows(PRESSURE, bases=("http://elsewhere/fhir",))

    assert ("reference Observation.performer", "Practitioner", "d1") in found.reference


def test_extract__components_stay_together() -> None:
    found = rows(PRESSURE)

    pairs = {(row[2], row[6]) for row in found.composite}
    assert pairs == {("8480-6", 128.0), ("8462-4", 82.0)}


def test_extract__equal_paths_of_several_parameters_are_told_once() -> None:
    found = rows(PRESSURE)

    assert len([row for row in found.reference if row[1] == "Patient"]) == 1
    assert len([row for row in found.token if row[2] == "85354-9"]) == 1


def test_extract__a_name_is_told_whole_by_parts_and_by_further_words() -> None:
    found = rows(
        {
            "resourceType": "Patient",
            "id": "p",
            "name": [{"text": "Lê Thị Hồng Ánh", "family": "Lê", "given": ["Thị Hồng", "Ánh"]}],
        }
    )

    names = [(text, exact) for path, text, exact in found.string if path == "string Patient.name"]
    assert names == [
        ("le thi hong anh", "Lê Thị Hồng Ánh"),
        ("le", "Lê"),
        ("thi hong", "Thị Hồng"),
        ("anh", "Ánh"),
        ("hong", None),
    ]


def test_extract__deceased_is_told_also_when_it_is_absent() -> None:
    path = "token Patient.deceased.exists_not_false()"

    def deceased(**fields: Any) -> list[str]:
        found = rows({"resourceType": "Patient", "id": "p", **fields})
        return [code for key, _, code in found.token if key == path]

    assert deceased() == ["false"]
    assert deceased(deceasedBoolean=False) == ["false"]
    assert deceased(deceasedBoolean=True) == ["true"]
    assert deceased(deceasedDateTime="2024") == ["true"]


def test_extract__dates_without_zone_are_of_the_tenant() -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1980-05-06"}

    here = rows(patient).date[0][1]
    there = rows(patient, zone=ZoneInfo("America/New_York")).date[0][1]

    assert here == datetime(1980, 5, 5, 17, tzinfo=UTC)
    assert there == datetime(1980, 5, 6, 4, tzinfo=UTC)


def test_extract__an_open_period_reaches_to_the_end_of_time() -> None:
    found = rows({"resourceType": "Encounter", "id": "e", "period": {"start": "2024-01-01T00:00:00Z"}})

    assert found.date == [("date Encounter.period", datetime(2024, 1, 1, tzinfo=UTC), END)]


def test_extract__quantities_with_a_comparator_are_open() -> None:
    found = rows(
        {
            "resourceType": "Observation",
            "id": "o",
            "valueQuantity": {"value": Decimal("0.5"), "comparator": "<", "system": UCUM, "code": "mg/dL"},
        }
    )

    (row,) = found.quantity
    assert row[3:5] == (float("-inf"), 0.5)
    assert row[5:8] == ("g.m-3", float("-inf"), 5.0)


def test_extract__content_that_is_not_valid_is_passed_over() -> None:
    found = rows(
        {
            "resourceType": "Observation",
            "id": "o",
            "status": None,
            "effectiveDateTime": "gestern",
            "subject": {"reference": "Nobody/1"},
            "code": {"coding": [{"display": "only"}]},
        }
    )

    assert found.date == []
    assert found.token == []
    assert found.uri == [("reference Observation.subject", "Nobody/1")]


def test_extract__narrative_words_are_told_for_text_searches() -> None:
    found = rows(
        {
            "resourceType": "Basic",
            "id": "b",
            "text": {"status": "generated", "div": "<div><b>Sốt</b> cao &amp; ho</div>"},
        }
    )

    assert found.text == [["sot", "cao", "ho"]]
    assert found.string == []


def test_extract__a_search_parameter_added_by_a_package_is_indexed() -> None:
    added = definitions.default().joined(
        [
            FolderPackage.of(
                "test",
                [
                    {
                        "resourceType": "SearchParameter",
                        "url": "http://x/SearchParameter/marital",
                        "code": "marital",
                        "base": ["Patient"],
                        "type": "token",
                        "expression": "Patient.maritalStatus",
                    }
                ],
            )
        ]
    )

    found = extract(
        {"resourceType": "Patient", "id": "p", "maritalStatus": {"coding": [{"code": "M"}]}}, added
    )

    assert ("token Patient.maritalStatus", "", "m") in found.token


def test_catalogue__every_parameter_of_r4_with_an_expression_has_a_plain_path() -> None:
    known = definitions.default()
    absent: set[str] = set()
    unread: set[str] = set()

    for type_ in known.resource_types:
        found = catalogue(known, type_)
        absent |= {code for code in known.search_parameters(type_) if code not in found.parameters}
        unread |= {
            path.key
            for path in found.paths.values()
            if path.steps is None and not path.key.endswith(".text.div")
        }

    # age and birthOrderBoolean are HL7's examples of parameters without an expression.
    assert absent == {
        "_id",
        "_lastUpdated",
        "_content",
        "_text",
        "_filter",
        "_query",
        "age",
        "birthOrderBoolean",
    }
    assert unread == set()


@pytest.mark.performance
def test_extract__an_observation_costs_some_tens_of_microseconds() -> None:
    known = definitions.default()
    extract(PRESSURE, known)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(1000):
            extract(PRESSURE, known)
        best = min(best, (time.perf_counter() - start) / 1000)

    assert best < 100e-6


ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("2024", "2023-12-31T17:00:00Z", "2024-12-31T16:59:59.999999Z"),
        ("2024-02", "2024-01-31T17:00:00Z", "2024-02-29T16:59:59.999999Z"),
        ("2024-12", "2024-11-30T17:00:00Z", "2024-12-31T16:59:59.999999Z"),
        ("2024-02-29", "2024-02-28T17:00:00Z", "2024-02-29T16:59:59.999999Z"),
        ("2024-02-29T10:00", "2024-02-29T03:00:00Z", "2024-02-29T03:00:59.999999Z"),
        ("2024-02-29T10:00:01Z", "2024-02-29T10:00:01Z", "2024-02-29T10:00:01.999999Z"),
        ("2024-02-29T10:00:01.5-05:00", "2024-02-29T15:00:01.500000Z", "2024-02-29T15:00:01.599999Z"),
        ("2024-02-29T10:00:01 07:00", "2024-02-29T03:00:01Z", "2024-02-29T03:00:01.999999Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", "2017-01-01T00:00:00.999999Z"),
    ],
)
def test_interval__a_date_is_the_span_it_may_mean(text: str, first: str, last: str) -> None:
    assert interval(text, ZONE) == (datetime.fromisoformat(first), datetime.fromisoformat(last))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "2024-13",
        "2024-02-30",
        "2024-2-3",
        "0000",
        "2024-01-01T25:00:00Z",
        "x",
        "2024-01-01T10:00+99:00",
    ],
)
def test_interval__what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        interval(text, ZONE)


@pytest.mark.parametrize("text", ["0001", "0001-01-01", "9999", "9999-12-31", "9999-12-31T23:59:59-14:00"])
def test_interval__the_ends_of_time_do_not_overflow(text: str) -> None:
    first, last = interval(text, ZONE)

    assert first <= last
