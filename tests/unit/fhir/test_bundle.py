"""Links between the entries of a bundle follow the ids the server gives (FHIR R4 http.html#trules)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hsba.fhir import definitions
from hsba.fhir.bundle import Links, root_of

PATIENT = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
OTHER = "http://elsewhere.example/fhir/Patient/7"
TARGETS = {PATIENT: "Patient/a1", OTHER: "Patient/b2"}


def follow(resource: dict[str, Any], full_url: str | None = None, **versions: int) -> dict[str, Any]:
    return Links(dict(TARGETS), {f"Patient/{k}": v for k, v in versions.items()}).follow(
        resource, full_url, definitions.default()
    )


def test_follow__reference_by_urn() -> None:
    observation = {
        "resourceType": "Observation",
        "subject": {"reference": PATIENT, "display": "Nguyễn Văn A"},
    }

    found = follow(observation)

    assert found["subject"] == {"reference": "Patient/a1", "display": "Nguyễn Văn A"}


def test_follow__what_was_given_stays_as_it_was() -> None:
    bundle = {
        "resourceType": "Observation",
        "subject": {"reference": PATIENT},
        "performer": [{"reference": OTHER}],
    }
    before = copy.deepcopy(bundle)

    follow(bundle)

    assert bundle == before


def test_follow__nothing_to_follow_is_the_same_object() -> None:
    resource = {"resourceType": "Patient", "link": [{"other": {"reference": "Patient/9"}}]}

    assert follow(resource) is resource


@pytest.mark.parametrize(
    "full_url,expected",
    [
        ("http://elsewhere.example/fhir/Observation/1", "Patient/b2"),
        ("http://another.example/fhir/Observation/1", "Patient/7"),
        ("urn:uuid:9b0bb14e-2b8c-44a1-a6a2-3d8a2b6f0e1d", "Patient/7"),
    ],
)
def test_follow__relative_reference_is_read_from_the_entrys_own_address(full_url: str, expected: str) -> None:
    found = follow({"resourceType": "Observation", "subject": {"reference": "Patient/7"}}, full_url)

    assert found["subject"]["reference"] == expected


def test_follow__version_specific_reference_names_the_version_here() -> None:
    found = follow({"resourceType": "Observation", "subject": {"reference": f"{OTHER}/_history/4"}}, b2=1)

    assert found["subject"]["reference"] == "Patient/b2/_history/1"


def test_follow__uri_elements_follow_and_strings_and_canonicals_do_not() -> None:
    resource = {
        "resourceType": "Basic",
        "implicitRules": PATIENT,
        "meta": {"profile": [PATIENT]},
        "extension": [
            {"url": "http://x.example/u", "valueUri": PATIENT},
            {"url": "http://x.example/s", "valueString": PATIENT},
            {"url": "http://x.example/c", "valueCanonical": PATIENT},
        ],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": PATIENT}],
        "contained": [{"resourceType": "DocumentReference", "content": [{"attachment": {"url": OTHER}}]}],
    }

    found = follow(resource)

    assert found["implicitRules"] == "Patient/a1"
    assert found["meta"] == {"profile": [PATIENT]}
    assert found["extension"][0]["valueUri"] == "Patient/a1"
    assert found["extension"][1]["valueString"] == PATIENT
    assert found["extension"][2]["valueCanonical"] == PATIENT
    assert found["identifier"][0]["value"] == PATIENT
    assert found["contained"][0]["content"][0]["attachment"]["url"] == "Patient/b2"


def test_follow__narrative_links_and_images() -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{PATIENT}">A</a> <img src=\'{OTHER}\'/> {PATIENT}</div>'

    found = follow({"resourceType": "Basic", "text": {"status": "generated", "div": div}})["text"]["div"]

    assert '<a href="Patient/a1">' in found
    assert "<img src='Patient/b2'/>" in found
    assert f" {PATIENT}</div>" in found


def test_follow__conditional_references_are_collected() -> None:
    links = Links(dict(TARGETS))
    wanted = "Practitioner?identifier=http://x.example|1"

    found = links.follow(
        {"resourceType": "Observation", "performer": [{"reference": wanted}]}, None, definitions.default()
    )

    assert found["performer"][0]["reference"] == wanted
    assert links.conditions == {wanted}


@pytest.mark.parametrize(
    "full_url,root",
    [
        ("http://x.example/fhir/Patient/1", "http://x.example/fhir/"),
        ("urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a", None),
        (None, None),
    ],
)
def test_root_of__only_restful_addresses_have_one(full_url: str | None, root: str | None) -> None:
    assert root_of(full_url) == root
