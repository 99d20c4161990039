"""Validation by the rules of the types themselves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hsba.fhir import definitions
from hsba.fhir.validate import validate
from hsba.fhir.validate.messages import MESSAGES
from hsba.fhir.validate.rules import BUILT_IN
from hsba.fhir.validate.sentences import SENTENCES

CORE = definitions.default()
SECURITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

Resource = dict[str, Any]


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", **more}


def observation(**more: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "Mạch"}, **more}


def found(resource: Resource, **options: Any) -> list[tuple[str, str]]:
    """The problems of a resource with their places, information left out."""
    issues = validate(resource, CORE, **options)
    return [(issue.problem, issue.path) for issue in issues if issue.severity != "information"]


def test_validate__right_resource_has_no_problem() -> None:
    assert found(patient(name=[{"family": "Nguyễn", "given": ["Văn", "An"]}], birthDate="1985")) == []
    assert found(observation(valueQuantity={"value": Decimal("36.50"), "unit": "°C"})) == []


def test_validate__every_problem_is_told_with_its_place() -> None:
    wrong = patient(
        name=[{"given": ["An", 5]}, {"famly": "x"}], gender="nam", birthDate="2026-02-30", active="yes"
    )

    assert found(wrong) == [
        ("not-string", "Patient.name[0].given[1]"),
        ("unknown-element", "Patient.name[1]"),
        ("not-in-value-set", "Patient.gender"),
        ("no-such-day", "Patient.birthDate"),
        ("not-boolean", "Patient.active"),
    ]


CASES: dict[str, tuple[Resource, list[tuple[str, str]]]] = {
    "no type": ({}, [("no-resource-type", "Resource")]),
    "unknown type": ({"resourceType": "Hospital"}, [("unknown-resource-type", "Resource")]),
    "abstract type": ({"resourceType": "DomainResource"}, [("unknown-resource-type", "Resource")]),
    "required element": (
        {"resourceType": "Observation", "status": "final"},
        [("missing", "Observation")],
    ),
    "required element by extension only": (
        {
            "resourceType": "Observation",
            "_status": {"extension": [{"url": "http://a/b", "valueBoolean": True}]},
            "code": {"text": "x"},
        },
        [],
    ),
    "empty list": (patient(name=[]), [("empty-list", "Patient.name")]),
    "empty object": (patient(name=[{}]), [("empty-object", "Patient.name[0]")]),
    "empty text": (patient(language=""), [("empty-string", "Patient.language")]),
    "list where one stands": (patient(birthDate=["2020"]), [("not-repeating", "Patient.birthDate")]),
    "object where a list stands": (patient(name={"text": "x"}), [("not-a-list", "Patient.name")]),
    "text where an object stands": (patient(name=["x"]), [("not-an-object", "Patient.name[0]")]),
    "null": (patient(birthDate=None), [("null-value", "Patient.birthDate")]),
    "null object": (patient(maritalStatus=None), [("not-an-object", "Patient.maritalStatus")]),
    "null in a list with its extension": (
        patient(
            name=[
                {
                    "given": ["a", None],
                    "_given": [None, {"extension": [{"url": "http://a/b", "valueCode": "x"}]}],
                }
            ]
        ),
        [],
    ),
    "null in a list without extension": (
        patient(name=[{"given": ["a", None]}]),
        [("null-value", "Patient.name[0].given[1]")],
    ),
    "lists of values and extensions of different length": (
        patient(name=[{"given": ["a"], "_given": [{"id": "x"}, {"id": "y"}]}]),
        [("list-lengths", "Patient.name[0].given"), ("empty-object", "Patient.name[0].given[1]")],
    ),
    "sibling of a complex element": (
        patient(_name=[{"id": "x"}], name=[{"text": "x"}]),
        [("sibling-not-primitive", "Patient")],
    ),
    "sibling with a value": (
        patient(birthDate="2020", _birthDate={"value": "x"}),
        [("not-allowed-here", "Patient.birthDate")],
    ),
    "two of a choice": (
        observation(valueString="x", valueInteger=1),
        [("several-choices", "Observation")],
    ),
    "two of a choice by extension": (
        observation(
            valueQuantity={"value": 1}, _valueString={"extension": [{"url": "http://a/b", "valueCode": "x"}]}
        ),
        [("several-choices", "Observation")],
    ),
    "type that the choice does not have": (
        observation(valueDecimal=1),
        [("unknown-element", "Observation")],
    ),
    "place inside a choice": (
        observation(valueQuantity={"value": "5"}),
        [("not-number", "Observation.value.ofType(Quantity).value")],
    ),
    "id of a resource": (patient(id="a_b"), [("bad-id", "Patient.id")]),
    "id of an element": (
        patient(name=[{"id": "a b", "text": "x"}]),
        [("bad-element-id", "Patient.name[0].id")],
    ),
    "reference to a wrong type": (
        observation(subject={"reference": "Medication/1"}),
        [("reference-target", "Observation.subject")],
    ),
    "reference to a wrong type by address": (
        observation(subject={"reference": "https://x.vn/fhir/Medication/1/_history/2"}),
        [("reference-target", "Observation.subject")],
    ),
    "reference by identifier and type": (
        observation(subject={"type": "Medication", "identifier": {"value": "1"}}),
        [("reference-target", "Observation.subject")],
    ),
    "reference whose type is not its address": (
        observation(focus=[{"reference": "Patient/1", "type": "Group"}]),
        [("reference-type", "Observation.focus[0]")],
    ),
    "reference that is no address": (
        observation(subject={"reference": "the patient"}),
        [("reference-form", "Observation.subject.reference")],
    ),
    "reference of a transaction": (
        observation(
            subject={"reference": "Patient?identifier=http://a|1"},
            encounter={"reference": "urn:uuid:" + "1" * 8 + "-1111-1111-1111-" + "1" * 12},
        ),
        [],
    ),
    "reference to what is not contained": (
        observation(subject={"reference": "#p"}),
        [("reference-contained", "Observation.subject.reference")],
    ),
    "contained resource": (
        observation(contained=[patient(id="p")], subject={"reference": "#p"}),
        [],
    ),
    "contained resource of the wrong type": (
        observation(
            contained=[{"resourceType": "Basic", "id": "p", "code": {"text": "x"}}],
            subject={"reference": "#p"},
        ),
        [("reference-target", "Observation.subject")],
    ),
    "contained resource that nobody refers to": (
        observation(contained=[patient(id="p")]),
        [("contained-unused", "Observation.contained[0]")],
    ),
    "contained resource that refers to its container": (
        observation(
            contained=[
                {
                    "resourceType": "Provenance",
                    "id": "p",
                    "target": [{"reference": "#"}],
                    "recorded": "2026-01-01T00:00:00Z",
                    "agent": [{"who": {"display": "x"}}],
                }
            ]
        ),
        [],
    ),
    "contained resource with what only whole ones have": (
        observation(
            contained=[
                patient(
                    id="p",
                    meta={"versionId": "1", "security": [{"system": SECURITY, "code": "R"}]},
                    contained=[patient(id="q")],
                )
            ],
            subject={"reference": "#p"},
        ),
        [
            ("contained-unused", "Observation.contained[0].contained[0]"),
            ("contained-nested", "Observation.contained[0]"),
            ("contained-version", "Observation.contained[0]"),
            ("contained-security", "Observation.contained[0]"),
        ],
    ),
    "contained resource without id": (
        observation(contained=[patient()]),
        [("contained-id", "Observation.contained[0]")],
    ),
    "two contained resources with one id": (
        observation(contained=[patient(id="p"), patient(id="p", active=True)], subject={"reference": "#p"}),
        [("contained-duplicate", "Observation.contained[0]")],
    ),
    "extension with value and parts": (
        patient(
            extension=[{"url": "http://a/b", "valueCode": "x", "extension": [{"url": "c", "valueCode": "y"}]}]
        ),
        [("extension-both", "Patient.extension[0]")],
    ),
    "extension with neither": (
        patient(extension=[{"url": "http://a/b"}]),
        [("extension-both", "Patient.extension[0]")],
    ),
    "extension without absolute url": (
        patient(extension=[{"url": "b", "valueCode": "x"}]),
        [("extension-url", "Patient.extension[0].url")],
    ),
    "known extension with a wrong type": (
        patient(
            extension=[
                {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueString": "Huế"}
            ]
        ),
        [("wrong-choice", "Patient.extension[0].value.ofType(string)")],
    ),
    "known extension at a wrong place": (
        observation(
            extension=[
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                    "valueAddress": {"city": "Huế"},
                }
            ]
        ),
        [("extension-context", "Observation.extension[0]")],
    ),
    "known extension on a primitive": (
        patient(
            birthDate="2026-01-02",
            _birthDate={
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                        "valueDateTime": "2026-01-02T03:04:05+07:00",
                    }
                ]
            },
        ),
        [],
    ),
    "extension that is no modifier": (
        patient(
            modifierExtension=[
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                    "valueAddress": {"city": "Huế"},
                }
            ]
        ),
        [("extension-not-modifier", "Patient.modifierExtension[0]")],
    ),
    "code of a concept that must come from a list": (
        {
            "resourceType": "Condition",
            "subject": {"display": "x"},
            "clinicalStatus": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "gone"}
                ]
            },
        },
        [
            ("unknown-code", "Condition.clinicalStatus.coding[0].code"),
            ("not-in-value-set", "Condition.clinicalStatus"),
        ],
    ),
    "text where a code of a list is needed": (
        {"resourceType": "Condition", "subject": {"display": "x"}, "clinicalStatus": {"text": "active"}},
        [("no-code", "Condition.clinicalStatus")],
    ),
    "system that is no address": (
        observation(category=[{"coding": [{"system": "loinc", "code": "1"}]}]),
        [("system-not-absolute", "Observation.category[0].coding[0].system")],
    ),
    "system that is a value set": (
        observation(
            category=[{"coding": [{"system": "http://hl7.org/fhir/ValueSet/observation-codes", "code": "1"}]}]
        ),
        [("system-is-value-set", "Observation.category[0].coding[0].system")],
    ),
    "media type": (
        {"resourceType": "Binary", "contentType": "pdf"},
        [("bad-mime-type", "Binary.contentType")],
    ),
    "size of an attachment": (
        patient(photo=[{"contentType": "image/png", "data": "aGVsbG8=", "size": 6}]),
        [("attachment-size", "Patient.photo[0].size")],
    ),
    "resource in a bundle": (
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"resource": patient(gender="x"), "request": {"method": "POST", "url": "Patient"}}],
        },
        [("not-in-value-set", "Bundle.entry[0].resource.gender")],
    ),
    "entry without address": (
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient()}]},
        [("full-url-missing", "Bundle.entry[0]")],
    ),
    "entry whose address is another's": (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"fullUrl": "http://x.vn/fhir/Patient/1", "resource": patient(id="2")}],
        },
        [("full-url-id", "Bundle.entry[0].fullUrl")],
    ),
    "reference inside a bundle to another type": (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {
                    "fullUrl": "urn:uuid:" + "1" * 8 + "-1111-1111-1111-" + "1" * 12,
                    "resource": {"resourceType": "Basic", "code": {"text": "x"}},
                },
                {
                    "fullUrl": "urn:uuid:" + "2" * 8 + "-1111-1111-1111-" + "1" * 12,
                    "resource": observation(
                        subject={"reference": "urn:uuid:" + "1" * 8 + "-1111-1111-1111-" + "1" * 12}
                    ),
                },
            ],
        },
        [("reference-target", "Bundle.entry[1].resource.subject")],
    ),
    "document that is not complete": (
        {
            "resourceType": "Bundle",
            "type": "document",
            "timestamp": "2026-01-01T00:00:00Z",
            "identifier": {"system": "urn:x:y", "value": "1"},
            "entry": [
                {
                    "fullUrl": "http://x.vn/fhir/Composition/1",
                    "resource": {
                        "resourceType": "Composition",
                        "id": "1",
                        "status": "final",
                        "type": {"text": "x"},
                        "date": "2026",
                        "title": "x",
                        "author": [{"reference": "Practitioner/1"}],
                        "section": [{"entry": [{"reference": "Observation/1"}]}],
                    },
                },
            ],
        },
        [
            ("reference-bundle", "Bundle.entry[0].resource.author[0].reference"),
            ("reference-bundle", "Bundle.entry[0].resource.section[0].entry[0].reference"),
        ],
    ),
    "narrative that runs": (
        patient(
            text={
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>',
            }
        ),
        [("div-element", "Patient.text.div")],
    ),
    "narrative address that runs": (
        patient(
            text={
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><a href="java&#9;script:x">x</a></div>',
            }
        ),
        [("div-address", "Patient.text.div")],
    ),
    "narrative with a document type": (
        patient(
            text={
                "status": "generated",
                "div": '<!DOCTYPE d [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>',
            }
        ),
        [("div-not-xhtml", "Patient.text.div")],
    ),
    "invariant by hand": (
        patient(contact=[{"gender": "male"}]),
        [("invariant", "Patient.contact[0]")],
    ),
    "invariant by FHIRPath": (
        {
            "resourceType": "Group",
            "type": "person",
            "actual": False,
            "member": [{"entity": {"reference": "Patient/1"}}],
        },
        [("invariant", "Group")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_validate__case(name: str) -> None:
    resource, wanted = CASES[name]

    assert found(resource) == wanted


@pytest.mark.parametrize(
    "odd", [None, True, 5, Decimal("1.5"), "x", [], {}, [[]], [None], [[{"a": []}]], {"a": {"b": [None]}}]
)
def test_validate__odd_json_anywhere_is_told_not_stumbled_over(odd: Any) -> None:
    for name in sorted(CORE.resource_types):
        resource: Resource = {"resourceType": name}
        for element in CORE.type(name).elements.values():
            resource[element.name] = [odd] if element.is_list else odd
            resource["_" + element.name] = odd

        assert validate(resource, CORE), name


def test_validate__odd_values_below_known_elements_are_told_not_stumbled_over() -> None:
    odd: list[Any] = [None, True, 5, "x", [], {}, [None], [{}], {"coding": 5}, {"reference": 5}, {"url": 5}]
    for value in odd:
        for wrong in (
            observation(
                code=value, subject=value, contained=value, extension=value, component=value, meta=value
            ),
            {"resourceType": "Bundle", "type": value, "entry": value, "identifier": value},
            {"resourceType": "Bundle", "type": "document", "entry": [{"fullUrl": value, "resource": value}]},
            {"resourceType": "QuestionnaireResponse", "questionnaire": value, "item": value},
            patient(text={"div": value}, photo=[{"data": value, "size": value}], meta={"profile": value}),
            patient(extension=[{"url": value, "valueCoding": value}]),
        ):
            assert validate(wrong, CORE)


def test_validate__advice_only_when_asked() -> None:
    assert found(patient()) == []
    assert found(patient(), best_practice=True) == [("narrative-advised", "Patient")]


def test_validate__extensible_list_warns_and_does_not_block() -> None:
    issues = validate(observation(interpretation=[{"coding": [{"system": "urn:x:y", "code": "cao"}]}]), CORE)

    assert [(issue.problem, issue.severity, issue.blocks) for issue in issues] == [
        ("not-in-extensible", "warning", False)
    ]


def test_validate__codes_port_answers_for_lists_that_are_not_packaged() -> None:
    class Hospital:
        """Knows one list."""

        def member(self, value_set: str, system: str | None, code: str, on: object = None) -> bool | None:
            if value_set.endswith("/ucum-units") and system == "http://unitsofmeasure.org":
                return code == "d"
            return None

    asked = {"resourceType": "MedicationRequest"}
    issues = validate(asked, CORE, codes=Hospital())

    assert {issue.problem for issue in issues} == {"missing"}


def test_validate__both_languages_say_the_same_thing() -> None:
    for name, message in MESSAGES.items():
        assert message.en != message.vi, name
        assert places(message.en) == places(message.vi), name


def places(sentence: str) -> set[str]:
    """The names of what a sentence shows."""
    import string  # noqa: PLC0415 - only here

    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_sentences__every_invariant_of_r4_is_said_in_vietnamese() -> None:
    keys: set[str] = set()
    for name in CORE.resource_types | CORE.datatypes:
        waiting = [name]
        while waiting:
            kind = CORE.type(waiting.pop())
            keys |= {each.key for each in kind.constraints}
            for element in kind.elements.values():
                keys |= {each.key for each in element.constraints}
                if element.content.startswith(kind.name + "."):
                    waiting.append(element.content)

    assert keys == SENTENCES.keys() | BUILT_IN


def test_validate__hopeless_resource_ends_soon() -> None:
    wrong = patient(name=[{"text": 5} for _ in range(20_000)])

    issues = validate(wrong, CORE)

    assert len(issues) == 5000
    assert issues[-1].problem == "enough"


def test_validate__many_contained_resources_take_linear_time() -> None:
    contained = [patient(id=f"p{place}") for place in range(3000)]
    focus = [{"reference": f"#p{place}"} for place in range(3000)]

    assert found(observation(contained=contained, focus=focus)) == []


def test_messages__every_sentence_is_said_somewhere() -> None:
    folder = Path(validate.__code__.co_filename).parent
    sources = [path for path in folder.glob("*.py") if path.name != "messages.py"]
    code = "".join(path.read_text() for path in [*sources, folder.parent / "primitives.py"])

    assert [name for name in MESSAGES if f'"{name}"' not in code] == []
