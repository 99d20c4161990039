from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import definitions
from hsba.fhir.definitions import Definitions, load
from hsba.fhir.packages import FolderPackage
from hsba.fhir.paths import catalogue
from hsba.fhir.problems import UnknownType

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def core() -> Definitions:
    return definitions.default()


def test_load__is_cheap() -> None:
    load()

    begun = time.perf_counter()
    load()

    assert time.perf_counter() - begun < 0.1  # 6 ms on a quiet machine; the promise is 30


def test_resource_types__are_the_146_of_r4(core: Definitions) -> None:
    assert len(core.resource_types) == 146
    assert "Resource" not in core.resource_types
    assert "DomainResource" not in core.resource_types


def test_type__every_resource_and_datatype_can_be_read(core: Definitions) -> None:
    for name in core.resource_types | core.datatypes:
        assert core.type(name).name == name


def test_type__unknown_name_is_refused(core: Definitions) -> None:
    for name in ("Pateint", "Patient.nonsense", "", "Patient.name", "HumanName.family"):
        with pytest.raises(UnknownType):
            core.type(name)


def test_type__elements_stand_in_the_order_of_xml(core: Definitions) -> None:
    patient = core.type("Patient")

    names = list(patient.elements)

    assert names[:6] == ["id", "meta", "implicitRules", "language", "text", "contained"]
    assert names.index("name") < names.index("birthDate") < names.index("deceasedBoolean")


def test_child__choice_has_one_element_for_each_type(core: Definitions) -> None:
    quantity = core.child("Observation", "valueQuantity")

    assert quantity is not None
    assert (quantity.type, quantity.choice, quantity.path) == ("Quantity", "value", "Observation.value[x]")
    assert core.child("Observation", "value") is None
    assert "valueString" in core.type("Observation").choices["value"]


def test_child__backbone_and_content_reference_name_their_content(core: Definitions) -> None:
    component = core.child("Observation", "component")
    ranges = core.child("Observation.component", "referenceRange")

    assert component is not None
    assert component.content == "Observation.component"
    assert component.is_list
    assert ranges is not None
    assert ranges.content == "Observation.referenceRange"


def test_child__system_types_become_fhir_types(core: Definitions) -> None:
    wanted = {
        ("Patient", "id"): "id",
        ("HumanName", "id"): "string",
        ("Extension", "url"): "uri",
        ("string", "value"): "string",
        ("Narrative", "div"): "xhtml",
    }

    for (owner, name), kind in wanted.items():
        element = core.child(owner, name)
        assert element is not None
        assert element.type == kind


def test_child__reference_tells_its_targets(core: Definitions) -> None:
    subject = core.child("Observation", "subject")
    focus = core.child("Observation", "focus")

    assert subject is not None
    assert set(subject.targets) == {"Patient", "Group", "Device", "Location"}
    assert focus is not None
    assert focus.targets == ("Resource",)


def test_child__binding_has_strength_and_address(core: Definitions) -> None:
    gender = core.child("Patient", "gender")

    assert gender is not None
    assert gender.binding == ("required", "http://hl7.org/fhir/ValueSet/administrative-gender")


def test_is_a__follows_the_bases(core: Definitions) -> None:
    assert core.is_a("Patient", "DomainResource")
    assert core.is_a("Age", "Quantity")
    assert core.is_a("positiveInt", "integer")
    assert not core.is_a("Bundle", "DomainResource")


def test_search_parameters__include_those_of_all_resources(core: Definitions) -> None:
    found = core.search_parameters("Patient")

    assert {"_id", "_lastUpdated", "_text", "family", "birthdate", "general-practitioner"} <= found.keys()
    assert "_text" not in core.search_parameters("Bundle")
    assert found["general-practitioner"].targets == ("Practitioner", "Organization", "PractitionerRole")


def test_search_parameters__composites_have_components(core: Definitions) -> None:
    composite = core.search_parameters("Observation")["code-value-quantity"]

    assert composite.type == "composite"
    assert [expression for _, expression in composite.components] == ["code", "value.as(Quantity)"]


def test_search_parameters__unknown_type_is_refused(core: Definitions) -> None:
    with pytest.raises(UnknownType):
        core.search_parameters("Resource")


def test_compartment__names_the_parameters_that_lead_to_its_owner(core: Definitions) -> None:
    patient = core.compartment("Patient")

    assert patient["Observation"] == ("subject", "performer")
    assert patient["Patient"][0] == "{def}"
    assert "Medication" not in patient
    assert core.compartments == ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")


def test_value_set_codes__enumerable_lists_are_complete(core: Definitions) -> None:
    system = "http://hl7.org/fhir/administrative-gender"

    found = core.value_set_codes("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")

    assert found == frozenset((system, code) for code in ("male", "female", "other", "unknown"))


def test_value_set_codes__is_a_filter_takes_the_descendants(core: Definitions) -> None:
    found = core.value_set_codes("http://terminology.hl7.org/ValueSet/v3-ActEncounterCode")

    assert found is not None
    assert {code for _, code in found} >= {"AMB", "IMP", "EMER", "ACUTE"}


def test_value_set_codes__without_the_code_system_nothing_is_claimed(core: Definitions) -> None:
    assert core.value_set_codes("http://hl7.org/fhir/ValueSet/mimetypes") is None
    assert core.value_set_codes("http://hl7.org/fhir/ValueSet/condition-code") is None
    assert core.value_set_codes("http://example.org/no-such-list") is None


def test_resource__serves_what_a_package_has(core: Definitions) -> None:
    url = "http://hl7.org/fhir/StructureDefinition/Patient"

    found = core.resource(url + "|4.0.1")

    assert found is not None
    assert found["resourceType"] == "StructureDefinition"
    assert found["snapshot"]["element"][0]["path"] == "Patient"
    assert core.resource("http://example.org/nothing") is None


def test_joined__later_package_adds_but_does_not_redefine_a_type(core: Definitions) -> None:
    own: dict[str, Any] = {
        "resourceType": "StructureDefinition",
        "url": "http://example.org/StructureDefinition/Patient",
        "type": "Patient",
        "kind": "resource",
        "derivation": "specialization",
        "snapshot": {"element": [{"path": "Patient", "min": 0, "max": "*"}]},
    }

    joined = core.joined([FolderPackage.of("own", [own])])

    assert joined.resource(own["url"]) is own
    assert joined.child("Patient", "name") is not None


def test_folder_package__canonical_base_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(
        '{"resourceType": "ValueSet", "url": "http://old.example/core/ValueSet/a",'
        ' "compose": {"include": [{"system": "http://old.example/core/CodeSystem/a", "concept": [{"code": "x"}]}]}}'
    )

    loaded = load([tmp_path], rebase=("http://old.example/core", "https://new.example"))

    assert loaded.value_set_codes("https://new.example/ValueSet/a") == frozenset(
        {("https://new.example/CodeSystem/a", "x")}
    )
    assert not loaded.has("http://old.example/core/ValueSet/a")


def test_made__makes_once(core: Definitions) -> None:
    calls: list[int] = []

    def make() -> str:
        calls.append(1)
        return "made"

    for _ in range(2):
        assert core.made("test", "key", make) == "made"

    assert calls == [1]


ADDED: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "url": "http://x/SearchParameter/marital",
    "code": "marital",
    "base": ["Patient"],
    "type": "token",
    "expression": "Patient.maritalStatus",
}


def test_with_parameters__adds_to_the_types_named_and_shares_all_else() -> None:
    known = definitions.default()
    plain = catalogue(known, "Patient"), catalogue(known, "Observation"), known.made("validate", "x", object)

    wider = known.with_parameters([ADDED], 1)

    assert "marital" in catalogue(wider, "Patient").parameters
    assert "marital" not in known.search_parameters("Patient")
    assert catalogue(known, "Patient") is plain[0]
    assert catalogue(wider, "Observation") is plain[1]
    assert wider.made("validate", "x", object) is plain[2]
    assert wider.has(ADDED["url"])
    assert not known.has(ADDED["url"])


def test_with_parameters__replaces_what_was_added_before() -> None:
    wider = definitions.default().with_parameters([ADDED], 1)

    narrow = wider.with_parameters([], 2)

    assert "marital" not in narrow.search_parameters("Patient")
    assert narrow.generation == 2


def test_with_parameters__of_all_resources_reaches_every_type() -> None:
    source = {
        **ADDED,
        "code": "from",
        "base": ["Resource"],
        "type": "uri",
        "expression": "Resource.meta.source",
    }

    wider = definitions.default().with_parameters([source], 1)

    assert "from" in wider.search_parameters("Bundle")
    assert catalogue(wider, "Basic").parameters["from"].paths[0].expression == "Basic.meta.source"
