"""check(): expressions that can have no meaning on a type."""

from __future__ import annotations

import pytest

from hsba.fhir import definitions as packaged
from hsba.fhir.fhirpath import InvalidExpression
from hsba.fhir.fhirpath.check import check

DEFINITIONS = packaged.default()


@pytest.mark.parametrize(
    "expression, type_name",
    [
        ("name.given1", "Patient"),
        ("Encounter.status", "Patient"),
        ("valueQuantity.unit", "Observation"),
        ("(value as Period).unit", "Observation"),
        ("children().skip(1)", "Patient"),
        ("name.where(foo = 1)", "Patient"),
        ("name.exists().given", "Patient"),
        ("subject is patient", "Observation"),
    ],
)
def test_check__what_no_type_has_is_refused(expression: str, type_name: str) -> None:
    with pytest.raises(InvalidExpression):
        check(expression, type_name, DEFINITIONS)


@pytest.mark.parametrize(
    "expression, type_name, types",
    [
        ("Patient.name.given", "Patient", frozenset({"string"})),
        ("Patient.name | Practitioner.name", "Practitioner", frozenset({"HumanName"})),
        ("value.ofType(Quantity).value", "Observation", frozenset({"decimal"})),
        ("component.value", "Observation", None),
        ("item.answer.value", "QuestionnaireResponse", None),
        ("Observation.code", "Observation", frozenset({"CodeableConcept"})),
        ("entry.resource.id", "Bundle", frozenset({"id"})),
        ("name.select(given | family)", "Patient", frozenset({"string"})),
        ("DomainResource.contained", "Patient", frozenset({"Resource"})),
        ("subject.resolve().name", "Observation", None),
        ("repeat(item).linkId", "Questionnaire", frozenset({"string"})),
    ],
)
def test_check__tells_the_types_that_come(
    expression: str, type_name: str, types: frozenset[str] | None
) -> None:
    found = check(expression, type_name, DEFINITIONS)

    if types is not None:
        assert found == types
