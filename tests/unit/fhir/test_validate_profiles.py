"""Validation by profiles: what they ask beyond the type, slices by every discriminator, extensions."""

from __future__ import annotations

from typing import Any

import pytest

from hsba.fhir import definitions
from hsba.fhir.packages import FolderPackage
from hsba.fhir.validate import validate

CORE = definitions.default()
BASE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "http://example.vn/StructureDefinition/"
CCCD, BHYT = "http://example.vn/sid/cccd", "http://example.vn/sid/bhyt"
LOINC = "http://loinc.org"

Resource = dict[str, Any]


def profile(name: str, kind: str, *elements: Resource, base: str | None = None, **more: Any) -> Resource:
    """A StructureDefinition with a differential only, as people write them."""
    return {
        "resourceType": "StructureDefinition",
        "url": OWN + name,
        "name": name,
        "status": "draft",
        "kind": "complex-type" if kind in ("Extension", "Identifier") else "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": OWN + base if base else BASE + kind,
        "derivation": "constraint",
        "differential": {"element": [{"id": kind, "path": kind}, *elements]},
        **more,
    }


def at(identifier: str, **says: Any) -> Resource:
    """One element of a differential; the path follows from the id."""
    path = ".".join(step.partition(":")[0] for step in identifier.split("."))
    slice_name = identifier.rpartition(".")[2].partition(":")[2]
    return {"id": identifier, "path": path, **({"sliceName": slice_name} if slice_name else {}), **says}


def sliced(identifier: str, kind: str, path: str, rules: str = "open", **more: Any) -> Resource:
    return at(identifier, slicing={"discriminator": [{"type": kind, "path": path}], "rules": rules, **more})


def found(resource: Resource, *profiles: Resource, against: str = "") -> list[tuple[str, str]]:
    """The problems of a resource against the first of some profiles."""
    loaded = CORE.joined([FolderPackage.of("own", list(profiles))])
    issues = validate(resource, loaded, against=[against or profiles[0]["url"]])
    return [(issue.problem, issue.path) for issue in issues if issue.severity != "information"]


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", **more}


def observation(**more: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}


def test_profile__declared_in_meta_is_checked() -> None:
    own = profile("named", "Patient", at("Patient.name", min=1))
    loaded = CORE.joined([FolderPackage.of("own", [own])])

    issues = validate(patient(meta={"profile": [own["url"]]}), loaded)

    assert [(issue.problem, issue.path) for issue in issues] == [("missing", "Patient")]
    assert validate(patient(meta={"profile": [own["url"]]}), loaded, profiles=False) == []


def test_profile__that_is_not_loaded_is_a_warning() -> None:
    issues = validate(patient(meta={"profile": ["http://example.vn/none"]}), CORE)

    assert [(issue.problem, issue.severity, issue.path) for issue in issues] == [
        ("profile-unknown", "warning", "Patient.meta.profile[0]")
    ]


def test_profile__that_cannot_be_understood_is_a_warning() -> None:
    own = profile("odd", "Patient", at("Patient.dateOfBirth", min=1))

    assert found(patient(), own) == [("profile-broken", "Patient")]


def test_profile__whose_derivation_has_no_end_is_a_warning() -> None:
    first = profile("first", "Patient", base="second")
    second = profile("second", "Patient", base="first")

    assert found(patient(), first, second) == [("profile-broken", "Patient")]


def test_profile__of_another_type_is_refused() -> None:
    own = profile("named", "Patient", at("Patient.name", min=1))

    assert found(observation(), own) == [("profile-wrong-type", "Observation")]


def test_profile__inherits_from_its_bases() -> None:
    parent = profile("parent", "Patient", at("Patient.name", min=1), at("Patient.photo", max="0"))
    child = profile("child", "Patient", at("Patient.name.family", min=1), base="parent")

    assert found(patient(), child, parent) == [("missing", "Patient")]
    assert found(patient(name=[{"text": "x"}], photo=[{"url": "http://a/b"}]), child, parent) == [
        ("missing", "Patient.name[0]"),
        ("not-allowed", "Patient"),
    ]


def test_profile__by_snapshot_only() -> None:
    own = profile("named", "Patient")
    own["snapshot"] = {"element": [at("Patient"), at("Patient.name", min=1, max="1")]}
    del own["differential"]

    assert found(patient(name=[{"text": "a"}, {"text": "b"}]), own) == [("too-many", "Patient")]


def test_fixed__must_be_equal_and_pattern_included() -> None:
    own = profile(
        "fixed",
        "Observation",
        at("Observation.status", fixedCode="final"),
        at("Observation.code", patternCodeableConcept={"coding": [{"system": LOINC, "code": "8867-4"}]}),
        at("Observation.bodySite", fixedCodeableConcept={"text": "tay"}),
    )
    pulse = {
        "coding": [{"system": "urn:x:y", "code": "a"}, {"system": LOINC, "code": "8867-4", "display": "Mạch"}]
    }

    assert found(observation(code=pulse, bodySite={"text": "tay"}), own) == []
    assert found(observation(status="amended", bodySite={"text": "tay", "id": "1"}), own) == [
        ("fixed", "Observation.status"),
        ("pattern", "Observation.code"),
        ("fixed", "Observation.bodySite"),
    ]


def test_limits__length_and_least_and_greatest_value() -> None:
    own = profile(
        "limits",
        "Observation",
        at("Observation.value[x]", type=[{"code": "integer"}], minValueInteger=1, maxValueInteger=5),
        at("Observation.note.text", maxLength=3),
    )

    assert found(observation(valueInteger=3, note=[{"text": "abc"}]), own) == []
    assert found(observation(valueInteger=0, note=[{"text": "abcd"}]), own) == [
        ("below-minimum", "Observation.value.ofType(integer)"),
        ("value-too-long", "Observation.note[0].text"),
    ]
    assert found(observation(valueInteger=6), own) == [("above-maximum", "Observation.value.ofType(integer)")]


def test_types__that_the_profile_leaves_out() -> None:
    own = profile("typed", "Observation", at("Observation.value[x]", min=1, type=[{"code": "Quantity"}]))

    assert found(observation(valueQuantity={"value": 1}), own) == []
    assert found(observation(valueString="x"), own) == [("wrong-choice", "Observation.value.ofType(string)")]
    assert found(observation(), own) == [("missing", "Observation")]


def test_targets__of_a_reference_are_narrowed() -> None:
    own = profile(
        "targets",
        "Observation",
        at("Observation.subject", type=[{"code": "Reference", "targetProfile": [BASE + "Patient"]}]),
    )

    assert found(observation(subject={"reference": "Patient/1"}), own) == []
    assert found(observation(subject={"reference": "Group/1"}), own) == [
        ("reference-target", "Observation.subject")
    ]


def test_targets__that_are_contained_keep_the_target_profile() -> None:
    named = profile("named", "Patient", at("Patient.name", min=1))
    own = profile(
        "targets",
        "Observation",
        at("Observation.subject", type=[{"code": "Reference", "targetProfile": [named["url"]]}]),
    )
    subject = {"reference": "#p"}

    assert (
        found(observation(contained=[patient(id="p", name=[{"text": "x"}])], subject=subject), own, named)
        == []
    )
    assert found(observation(contained=[patient(id="p")], subject=subject), own, named) == [
        ("target-profile", "Observation.subject")
    ]


def test_binding__required_by_the_profile() -> None:
    values = {
        "resourceType": "ValueSet",
        "url": "http://example.vn/ValueSet/limb",
        "compose": {"include": [{"system": "urn:x:limb", "concept": [{"code": "arm"}]}]},
    }
    own = profile(
        "bound",
        "Observation",
        at("Observation.bodySite", binding={"strength": "required", "valueSet": values["url"]}),
    )

    assert (
        found(observation(bodySite={"coding": [{"system": "urn:x:limb", "code": "arm"}]}), own, values) == []
    )
    assert found(
        observation(bodySite={"coding": [{"system": "urn:x:limb", "code": "leg"}]}), own, values
    ) == [("not-in-value-set", "Observation.bodySite")]


def test_constraint__of_the_profile_by_fhirpath() -> None:
    rule = {"key": "own-1", "severity": "error", "human": "Phải có tên.", "expression": "text.exists()"}
    own = profile("ruled", "Patient", at("Patient.name", constraint=[rule]))

    assert found(patient(name=[{"text": "x"}]), own) == []
    assert found(patient(name=[{"text": "x"}, {"family": "y"}]), own) == [("invariant", "Patient.name[1]")]


IDENTIFIERS = (
    sliced("Patient.identifier", "value", "system"),
    at("Patient.identifier:cccd", min=1, max="1"),
    at("Patient.identifier:cccd.system", fixedUri=CCCD),
    at("Patient.identifier:cccd.value", min=1, maxLength=12),
    at("Patient.identifier:bhyt", min=0, max="1"),
    at("Patient.identifier:bhyt.system", patternUri=BHYT),
)


def test_slicing__by_value() -> None:
    own = profile("ids", "Patient", *IDENTIFIERS)
    cccd = {"system": CCCD, "value": "001085012345"}

    assert found(patient(identifier=[cccd, {"system": "urn:x:y", "value": "1"}]), own) == []
    assert found(patient(identifier=[{"system": BHYT, "value": "1"}]), own) == [("slice-missing", "Patient")]
    assert found(patient(identifier=[{"system": CCCD}, cccd]), own) == [
        ("missing", "Patient.identifier[0]"),
        ("slice-too-many", "Patient"),
    ]


def test_slicing__inherited_slices_are_refined() -> None:
    parent = profile("ids", "Patient", *IDENTIFIERS)
    child = profile("strict", "Patient", at("Patient.identifier:bhyt", min=1), base="ids")
    cccd = {"system": CCCD, "value": "1"}

    assert found(patient(identifier=[cccd, {"system": BHYT}]), child, parent) == []
    assert found(patient(identifier=[cccd]), child, parent) == [("slice-missing", "Patient")]


def test_slicing__closed_refuses_what_fits_no_slice() -> None:
    own = profile(
        "closed", "Patient", sliced("Patient.identifier", "value", "system", "closed"), *IDENTIFIERS[1:]
    )

    assert found(patient(identifier=[{"system": CCCD, "value": "1"}, {"system": "urn:x:y"}]), own) == [
        ("slice-none", "Patient.identifier[1]")
    ]


def test_slicing__ordered_and_open_at_end() -> None:
    own = profile(
        "ordered",
        "Patient",
        sliced("Patient.identifier", "value", "system", "openAtEnd", ordered=True),
        *IDENTIFIERS[1:],
    )
    cccd, bhyt, other = {"system": CCCD, "value": "1"}, {"system": BHYT}, {"system": "urn:x:y"}

    assert found(patient(identifier=[cccd, bhyt, other]), own) == []
    assert found(patient(identifier=[bhyt, cccd]), own) == [("slice-order", "Patient.identifier[1]")]
    assert found(patient(identifier=[other, cccd]), own) == [("slice-open-at-end", "Patient.identifier[1]")]


def components(*discriminated: Resource, kind: str = "pattern", path: str = "code") -> Resource:
    return profile(
        "pressure",
        "Observation",
        sliced("Observation.component", kind, path),
        at("Observation.component:systolic", min=1, max="1"),
        *discriminated,
    )


SYSTOLIC = {"coding": [{"system": LOINC, "code": "8480-6"}]}


@pytest.mark.parametrize(
    "own",
    [
        components(at("Observation.component:systolic.code", patternCodeableConcept=SYSTOLIC)),
        components(at("Observation.component:systolic.code", patternCodeableConcept=SYSTOLIC), kind="value"),
        components(
            at("Observation.component:systolic.code.coding", patternCoding=SYSTOLIC["coding"][0], min=1),
            kind="value",
        ),
        components(
            at("Observation.component:systolic.code.coding.code", fixedCode="8480-6"),
            path="code.coding.code",
            kind="value",
        ),
        components(
            at("Observation.component:systolic.code", patternCodeableConcept=SYSTOLIC),
            path="code.coding.code",
            kind="value",
        ),
    ],
)
def test_slicing__by_code_however_it_is_written(own: Resource) -> None:
    right = {"code": {"coding": [{"system": LOINC, "code": "8480-6", "display": "x"}]}, "valueString": "1"}
    wrong = {"code": {"coding": [{"system": LOINC, "code": "8462-4"}]}, "valueString": "1"}

    assert found(observation(component=[wrong, right]), own) == []
    assert found(observation(component=[wrong]), own) == [("slice-missing", "Observation")]


def test_slicing__by_type_of_a_choice() -> None:
    own = profile(
        "by-type",
        "Observation",
        sliced("Observation.value[x]", "type", "$this", "closed"),
        at("Observation.value[x]:valueQuantity", min=0, type=[{"code": "Quantity"}]),
        at("Observation.value[x]:valueQuantity.unit", min=1),
    )

    assert found(observation(valueQuantity={"value": 1, "unit": "g"}), own) == []
    assert found(observation(valueQuantity={"value": 1}), own) == [
        ("missing", "Observation.value.ofType(Quantity)")
    ]
    assert found(observation(valueString="x"), own) == [("slice-none", "Observation.value.ofType(string)")]


def test_slicing__by_type_through_the_short_path() -> None:
    own = profile(
        "short",
        "Observation",
        {"id": "Observation.valueQuantity", "path": "Observation.valueQuantity"},
        {"id": "Observation.valueQuantity.unit", "path": "Observation.valueQuantity.unit", "min": 1},
    )

    assert found(observation(valueString="x"), own) == []
    assert found(observation(valueQuantity={"value": 1}), own) == [
        ("missing", "Observation.value.ofType(Quantity)")
    ]


def test_slicing__by_type_of_what_is_referred_to() -> None:
    own = profile(
        "by-target",
        "Observation",
        sliced("Observation.performer", "type", "resolve()"),
        at(
            "Observation.performer:doctor",
            min=1,
            type=[{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}],
        ),
    )

    assert found(observation(performer=[{"reference": "Practitioner/1"}]), own) == []
    assert found(observation(performer=[{"reference": "Organization/1"}]), own) == [
        ("slice-missing", "Observation")
    ]


def test_slicing__by_existence() -> None:
    own = profile(
        "by-existence",
        "Patient",
        sliced("Patient.contact", "exists", "organization"),
        at("Patient.contact:company", max="1"),
        at("Patient.contact:company.organization", min=1),
        at("Patient.contact:person", min=1),
        at("Patient.contact:person.organization", max="0"),
        at("Patient.contact:person.name", min=1),
    )
    company, person = {"organization": {"display": "x"}}, {"name": {"text": "y"}}

    assert found(patient(contact=[company, person]), own) == []
    assert found(
        patient(contact=[company, company, {"telecom": [{"system": "phone", "value": "1"}]}]), own
    ) == [
        ("missing", "Patient.contact[2]"),
        ("slice-too-many", "Patient"),
    ]


def test_slicing__by_profile_of_a_resource() -> None:
    named = profile("named", "Patient", at("Patient.name", min=1))
    own = profile(
        "by-profile",
        "Bundle",
        sliced("Bundle.entry", "profile", "resource"),
        at("Bundle.entry:patient", min=1, max="1"),
        at("Bundle.entry:patient.resource", min=1, type=[{"code": "Patient", "profile": [named["url"]]}]),
    )

    def bundle(*resources: Resource) -> Resource:
        entries = [{"fullUrl": f"urn:x:{place}", "resource": one} for place, one in enumerate(resources)]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert found(bundle(patient(), patient(name=[{"text": "x"}])), own, named) == []
    assert found(bundle(patient(), observation()), own, named) == [("slice-missing", "Bundle")]


def test_slicing__again_inside_a_slice() -> None:
    own = profile(
        "reslice",
        "Patient",
        sliced("Patient.telecom", "value", "system"),
        at(
            "Patient.telecom:phone",
            slicing={"discriminator": [{"type": "value", "path": "use"}], "rules": "open"},
        ),
        at("Patient.telecom:phone.system", fixedCode="phone"),
        at("Patient.telecom:phone/home", min=1),
        at("Patient.telecom:phone/home.use", fixedCode="home"),
    )
    home = {"system": "phone", "value": "1", "use": "home"}

    assert found(patient(telecom=[home, {"system": "email", "value": "a@b"}]), own) == []
    assert found(patient(telecom=[home | {"use": "work"}]), own) == [("slice-missing", "Patient")]


ETHNICITY = profile(
    "ethnicity",
    "Extension",
    at("Extension.url", fixedUri=OWN + "ethnicity"),
    at("Extension.value[x]", min=1, type=[{"code": "Coding"}]),
    context=[{"type": "element", "expression": "Patient"}],
)
COST = profile(
    "cost",
    "Extension",
    at("Extension.extension:scope", min=1, max="1"),
    at("Extension.extension:scope.url", fixedUri="scope"),
    at("Extension.extension:scope.value[x]", type=[{"code": "code"}]),
    at("Extension.url", fixedUri=OWN + "cost"),
    at("Extension.value[x]", max="0"),
    context=[{"type": "element", "expression": "Patient"}],
)


def test_extension__that_is_known_is_checked_without_a_profile() -> None:
    loaded = CORE.joined([FolderPackage.of("own", [ETHNICITY, COST])])

    def problems(extension: Resource) -> list[tuple[str, str]]:
        return [(issue.problem, issue.path) for issue in validate(patient(extension=[extension]), loaded)]

    assert problems({"url": ETHNICITY["url"], "valueCoding": {"system": "urn:x:y", "code": "01"}}) == []
    assert problems({"url": ETHNICITY["url"], "valueString": "Kinh"}) == [
        ("wrong-choice", "Patient.extension[0].value.ofType(string)")
    ]
    assert problems({"url": COST["url"], "extension": [{"url": "scope", "valueCode": "1"}]}) == []
    assert problems({"url": COST["url"], "extension": [{"url": "other", "valueCode": "1"}]}) == [
        ("slice-missing", "Patient.extension[0]")
    ]


def test_extension__asked_for_by_a_profile() -> None:
    own = profile(
        "with-ethnicity",
        "Patient",
        at(
            "Patient.extension:ethnicity",
            min=1,
            max="1",
            type=[{"code": "Extension", "profile": [ETHNICITY["url"]]}],
        ),
    )
    extension = {"url": ETHNICITY["url"], "valueCoding": {"system": "urn:x:y", "code": "01"}}

    assert found(patient(extension=[extension]), own, ETHNICITY) == []
    assert found(patient(), own, ETHNICITY) == [("slice-missing", "Patient")]
    assert found(patient(extension=[extension, extension]), own, ETHNICITY) == [("slice-too-many", "Patient")]


def test_extension__unknown_is_information_only() -> None:
    issues = validate(patient(extension=[{"url": "http://x.vn/y", "valueCode": "z"}]), CORE)

    assert [(issue.problem, issue.severity) for issue in issues] == [("extension-unknown", "information")]


def test_type_profile__of_an_element() -> None:
    cccd = profile("cccd", "Identifier", at("Identifier.system", min=1, fixedUri=CCCD))
    own = profile(
        "typed", "Patient", at("Patient.identifier", type=[{"code": "Identifier", "profile": [cccd["url"]]}])
    )

    assert found(patient(identifier=[{"system": CCCD}]), own, cccd) == []
    assert found(patient(identifier=[{"system": BHYT}]), own, cccd) == [
        ("fixed", "Patient.identifier[0].system")
    ]


def test_profile__that_refers_to_itself_ends() -> None:
    own = profile(
        "circle",
        "Patient",
        at("Patient.link.other", type=[{"code": "Reference", "targetProfile": [OWN + "circle"]}]),
        at("Patient.name", min=1),
    )
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": "http://x.vn/Patient/1",
                "resource": patient(
                    id="1",
                    name=[{"text": "a"}],
                    link=[{"other": {"reference": "Patient/2"}, "type": "seealso"}],
                    meta={"profile": [own["url"]]},
                ),
            },
            {
                "fullUrl": "http://x.vn/Patient/2",
                "resource": patient(
                    id="2",
                    name=[{"text": "b"}],
                    link=[{"other": {"reference": "Patient/1"}, "type": "seealso"}],
                ),
            },
        ],
    }
    loaded = CORE.joined([FolderPackage.of("own", [own])])

    assert validate(bundle, loaded) == []
    del bundle["entry"][1]["resource"]["name"]  # type: ignore[index]
    assert [issue.problem for issue in validate(bundle, loaded)] == ["target-profile"]
