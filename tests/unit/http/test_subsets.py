"""Parts of a resource: _summary and _elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir import definitions
from hsba.http.negotiate import Shape
from hsba.http.subsets import SUBSETTED, subset

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"versionId": "3"},
    "text": {"status": "generated", "div": "<div/>"},
    "active": True,
    "name": [{"family": "Nguyễn"}],
    "_birthDate": {"extension": [{"url": "http://x", "valueString": "y"}]},
    "birthDate": "1990",
    "contact": [{"name": {"family": "Trần"}}],
    "photo": [{"url": "http://x"}],
}
META = {"versionId": "3", "tag": [SUBSETTED]}


def part(resource: Mapping[str, Any], **shape: Any) -> dict[str, Any]:
    return subset(dict(resource), Shape(plain=False, **shape), definitions.default())


def test_subset__summary_true_keeps_summary_elements() -> None:
    found = part(PATIENT, summary="true")

    assert set(found) == {"resourceType", "id", "meta", "active", "name", "birthDate", "_birthDate"}
    assert found["meta"] == META


def test_subset__summary_text_keeps_text_and_mandatory_elements() -> None:
    observation = {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"text": "x"},
        "text": {"div": ""},
    }

    assert set(part(observation, summary="text")) == {"resourceType", "id", "meta", "text", "status", "code"}


def test_subset__summary_data_drops_the_narrative() -> None:
    assert set(PATIENT) - set(part(PATIENT, summary="data")) == {"text"}


def test_subset__elements_named_with_their_extensions_and_modifiers() -> None:
    found = part(PATIENT, elements=("birthDate", "Patient.contact"))

    assert set(found) == {"resourceType", "id", "meta", "active", "birthDate", "_birthDate", "contact"}


def test_subset__choice_elements_by_their_stem() -> None:
    observation = {"resourceType": "Observation", "valueString": "x", "issued": "2026-01-01T00:00:00Z"}

    assert set(part(observation, elements=("value",))) == {"resourceType", "meta", "valueString"}


def test_subset__the_stored_resource_is_not_changed() -> None:
    part(PATIENT, elements=("name",))

    assert PATIENT["meta"] == {"versionId": "3"}


def test_subset__backbones_are_summarised_too() -> None:
    value_set = {
        "resourceType": "ValueSet",
        "status": "draft",
        "compose": {"include": [{"system": "http://x", "concept": [{"code": "a"}]}]},
        "expansion": {"timestamp": "2026-01-01T00:00:00Z"},
    }

    assert "expansion" not in part(value_set, summary="true")
