"""JSON Patch and FHIRPath Patch: what they change, what they refuse, and that the input stays as it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hsba.fhir import definitions as packaged
from hsba.fhir import json
from hsba.fhir.patch import MalformedPatch, PatchRefused, fhirpath_patch, json_patch

DEFINITIONS = packaged.default()

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [
        {"family": "Nguyễn", "given": ["Văn", "An"], "_given": [None, {"id": "g"}]},
    ],
    "birthDate": "1980-05-02",
    "_birthDate": {"extension": [{"url": "urn:x", "valueString": "x"}]},
    "deceasedBoolean": False,
}


# --- JSON Patch


def test_json_patch__input_stays_and_digits_are_kept() -> None:
    before: dict[str, Any] = {"resourceType": "Observation", "valueQuantity": {"value": Decimal("1.50")}}

    after = json_patch(
        before, json.parse_value(b'[{"op":"replace","path":"/valueQuantity/value","value":2.500}]')
    )

    assert str(after["valueQuantity"]["value"]) == "2.500"
    assert str(before["valueQuantity"]["value"]) == "1.50"


def test_json_patch__values_put_in_do_not_hang_together() -> None:
    value: dict[str, Any] = {"given": ["An"]}

    after = json_patch(
        {}, [{"op": "add", "path": "/a", "value": value}, {"op": "copy", "from": "/a", "path": "/b"},
             {"op": "add", "path": "/b/given/-", "value": "Bi"}],
    )  # fmt: skip

    assert after == {"a": {"given": ["An"]}, "b": {"given": ["An", "Bi"]}}
    assert value == {"given": ["An"]}


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "add"},
        [1],
        [{"op": "grow", "path": "/a"}],
        [{"op": ["add"], "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a~2", "value": 1}],
        [{"op": "add", "path": "/a"}],
        [{"op": "test", "path": "/a"}],
        [{"op": "move", "path": "/a"}],
        [{"op": "remove", "path": 3}],
        [{"op": "remove", "path": "/a"}] * 1001,
    ],
)
def test_json_patch__what_is_no_patch_is_malformed(operations: Any) -> None:
    with pytest.raises(MalformedPatch):
        json_patch({"a": 1}, operations)


@pytest.mark.parametrize(
    "operation, told",
    [
        ({"op": "remove", "path": "/b"}, 'no "b"'),
        ({"op": "replace", "path": "/b", "value": 1}, 'no "b"'),
        ({"op": "add", "path": "/x/y", "value": 1}, 'no "x"'),
        ({"op": "add", "path": "/a/5", "value": 1}, 'no place "5"'),
        ({"op": "add", "path": "/a/01", "value": 1}, 'no place "01"'),
        ({"op": "remove", "path": "/a/-"}, 'no place "-"'),
        ({"op": "remove", "path": "/a/-1"}, 'no place "-1"'),
        ({"op": "remove", "path": ""}, "cannot be removed"),
        ({"op": "test", "path": "/n", "value": True}, "another"),
        ({"op": "test", "path": "/n", "value": "1"}, "another"),
        ({"op": "move", "from": "/o", "path": "/o/x"}, "into itself"),
        ({"op": "add", "path": "/n/x", "value": 1}, "have places"),
        ({"op": "replace", "path": "", "value": [1]}, "no resource"),
    ],
)
def test_json_patch__what_does_not_fit_is_refused_with_its_place(
    operation: dict[str, Any], told: str
) -> None:
    document = {"a": [1, 2], "n": 1, "o": {"x": 1}}

    with pytest.raises(PatchRefused, match=told):
        json_patch(document, [{"op": "add", "path": "/k", "value": 1}, operation])

    assert document == {"a": [1, 2], "n": 1, "o": {"x": 1}}


def test_json_patch__copies_of_copies_end() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 60

    with pytest.raises(PatchRefused, match="too large"):
        json_patch({"a": ["x" * 10] * 10}, doubling)


def test_json_patch__test_compares_numbers_by_value() -> None:
    assert json_patch({"a": Decimal("1.0")}, [{"op": "test", "path": "/a", "value": 1}]) == {
        "a": Decimal("1.0")
    }


# --- FHIRPath Patch


def part(name: str, value: Any) -> dict[str, Any]:
    key = {int: "valueInteger", str: "valueString"}[type(value)]
    return {"name": name, key: value}


def operation(kind: str, path: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"name": "operation", "part": [part("type", kind), part("path", path), *more]}


def patched(*operations: dict[str, Any], resource: dict[str, Any] = PATIENT) -> dict[str, Any]:
    return fhirpath_patch(
        resource, {"resourceType": "Parameters", "parameter": list(operations)}, DEFINITIONS
    )


def test_fhirpath_patch__input_stays_as_it_is() -> None:
    before = json.dump(PATIENT)

    patched(operation("delete", "Patient.name[0].given[0]"))

    assert json.dump(PATIENT) == before


def test_replace__choice_takes_the_form_of_the_new_type() -> None:
    after = patched(
        operation("replace", "Patient.deceased", {"name": "value", "valueDateTime": "2025-01-01"})
    )

    assert after["deceasedDateTime"] == "2025-01-01"
    assert "deceasedBoolean" not in after


def test_replace__primitive_loses_its_old_extensions_and_gets_the_new() -> None:
    bare = patched(operation("replace", "Patient.birthDate", {"name": "value", "valueDate": "1981"}))
    rich = patched(
        operation(
            "replace", "Patient.birthDate", {"name": "value", "valueDate": "1981", "_valueDate": {"id": "b"}}
        )
    )

    assert (bare["birthDate"], "_birthDate" in bare) == ("1981", False)
    assert rich["_birthDate"] == {"id": "b"}


def test_delete__entry_goes_with_its_sibling_and_what_is_left_empty() -> None:
    second = patched(operation("delete", "Patient.name[0].given[1]"))
    extension = patched(operation("delete", "Patient.birthDate.extension('urn:x')"))
    whole = patched(
        operation("delete", "name[0].family"),
        operation("delete", "name.given[0]"),
        operation("delete", "name.given[0]"),
    )

    assert second["name"] == [{"family": "Nguyễn", "given": ["Văn"]}]
    assert extension["birthDate"] == "1980-05-02"
    assert "_birthDate" not in extension
    assert "name" not in whole


def test_delete__of_what_is_not_there_changes_nothing() -> None:
    assert patched(operation("delete", "Patient.contact[3].name")) == PATIENT


def test_insert_and_move__keep_values_and_siblings_together() -> None:
    value = {"name": "value", "valueString": "Thị"}

    inserted = patched(operation("insert", "Patient.name[0].given", part("index", 0), value))
    moved = patched(operation("move", "Patient.name[0].given", part("source", 1), part("destination", 0)))

    assert (inserted["name"][0]["given"], inserted["name"][0]["_given"]) == (
        ["Thị", "Văn", "An"],
        [None, None, {"id": "g"}],
    )
    assert (moved["name"][0]["given"], moved["name"][0]["_given"]) == (["An", "Văn"], [{"id": "g"}, None])


def test_insert__into_a_list_that_is_still_empty() -> None:
    after = patched(
        operation(
            "insert",
            "Patient.identifier",
            part("index", 0),
            {"name": "value", "valueIdentifier": {"value": "1"}},
        )
    )

    assert after["identifier"] == [{"value": "1"}]


def test_add__extension_to_a_primitive() -> None:
    value = {"name": "value", "valueExtension": {"url": "urn:y", "valueCode": "y"}}

    after = patched(operation("add", "Patient.name[0].given[0]", part("name", "extension"), value))

    assert after["name"][0]["_given"] == [{"extension": [{"url": "urn:y", "valueCode": "y"}]}, {"id": "g"}]


def test_add__contained_resource() -> None:
    value = {"name": "value", "resource": {"resourceType": "Organization", "id": "o"}}

    assert patched(operation("add", "Patient", part("name", "contained"), value))["contained"] == [
        value["resource"]
    ]


def test_add__element_of_parts_with_lists_and_choices() -> None:
    value = {
        "name": "value",
        "part": [
            {"name": "code", "valueCodeableConcept": {"text": "Mạch"}},
            {"name": "value", "valueQuantity": {"value": 80}},
            {"name": "interpretation", "valueCodeableConcept": {"text": "a"}},
            {"name": "interpretation", "valueCodeableConcept": {"text": "b"}},
        ],
    }

    after = patched(
        operation("add", "Observation", part("name", "component"), value),
        resource={"resourceType": "Observation"},
    )

    assert after["component"] == [
        {
            "code": {"text": "Mạch"},
            "valueQuantity": {"value": 80},
            "interpretation": [{"text": "a"}, {"text": "b"}],
        }
    ]


@pytest.mark.parametrize(
    "asked, told",
    [
        (operation("add", "Patient.contact", part("name", "x"), part("value", "x")), "there is nothing"),
        (operation("add", "Patient", part("name", "colour"), part("value", "x")), "no element colour"),
        (operation("add", "Patient", part("name", "birthDate"), part("value", "1980")), "already"),
        (
            operation("add", "Patient", part("name", "deceased"), {"name": "value", "valueDateTime": "2025"}),
            "already",
        ),
        (operation("add", "Patient", part("name", "deceased"), part("value", "x")), "cannot be of this type"),
        (operation("add", "Patient", part("name", "active"), part("value", "x")), "type boolean"),
        (operation("replace", "Patient.name", part("value", "x")), "type HumanName"),
        (operation("replace", "Patient.name.given", part("value", "x")), "2 elements"),
        (operation("replace", "Patient", part("value", "x")), "whole resource"),
        (operation("delete", "Patient.name.given"), "2 elements"),
        (operation("delete", "Patient.name.count()"), "no element"),
        (operation("insert", "Patient.birthDate", part("index", 0), part("value", "x")), "not a list"),
        (operation("insert", "Patient.name[0]", part("index", 0), part("value", "x")), "not name a list"),
        (
            operation("insert", "Patient.name", part("index", 2), {"name": "value", "valueHumanName": {}}),
            "no place 2",
        ),
        (operation("move", "Patient.name", part("source", 0), part("destination", 1)), "no place 1"),
    ],
)
def test_fhirpath_patch__what_does_not_fit_is_refused(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(PatchRefused, match=told):
        patched(asked)


@pytest.mark.parametrize(
    "parameters",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": [{"name": "other"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"valueCode": "add"}]}]},
        {"resourceType": "Parameters", "parameter": [operation("grow", "Patient")]},
        {"resourceType": "Parameters", "parameter": [operation("add", "Patient", part("name", "active"))]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient", part("type", "add"))]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient", part("more", "x"))]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient", part("name", 3))]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient..name")]},
        {
            "resourceType": "Parameters",
            "parameter": [operation("delete", "Patient.name.where(family.matches('(a+)+$'))")],
        },
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.descendants()")]},
        {"resourceType": "Parameters", "parameter": [operation("replace", "Patient.id", {"name": "value"})]},
    ],
)
def test_fhirpath_patch__what_is_no_patch_is_malformed(parameters: dict[str, Any]) -> None:
    with pytest.raises(MalformedPatch):
        fhirpath_patch(PATIENT, parameters, DEFINITIONS)
