"""HL7's own FHIRPath suite for R4 (tests-fhir-r4.xml), and all expressions that R4's definitions hold."""

from __future__ import annotations

import os
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import definitions as packaged
from hsba.fhir import fhirpath, json, xml
from hsba.fhir.fhirpath import EvaluationFailed, InvalidExpression, Moment, Node, Scope
from hsba.fhir.fhirpath.check import check
from hsba.fhir.fhirpath.items import system_type

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
EXAMPLES = SHARED / "hl7.fhir.r4.examples-part.tar.gz"
ARCHIVE = SHARED / "fhir-test-cases-fhirpath-patch.tar.gz"
DEFINITIONS = packaged.default()

KNOWN: dict[str, str] = {
    "HighBoundaryDateTimeMillisecond1": "the suite ends hour 08 at 08:00:59.999; the text, at 08:59:59.999",
    "HighBoundaryDateTimeMillisecond3": "the same",
}
"""The tests that fail, each with its reason; one more or one fewer fails this suite."""

AMONG_EXAMPLES = {
    "valueset-example-expansion": "ValueSet-example-expansion",
    "appointment-examplereq": "Appointment-examplereq",
}
"""Inputs that are not in the suite's folder, but in the part of R4's examples that is at hand."""

CHANGED = {"valueset-example-expansion": {"version": "20150622"}}
"""Where an example at hand differs from the suite's input in what a test asks."""

WRITTEN_HERE: dict[str, dict[str, Any]] = {
    "explanationofbenefit-example": {
        "resourceType": "ExplanationOfBenefit",
        "supportingInfo": [
            {"sequence": 1, "category": {"coding": [{"code": "info"}]}},
            {"sequence": 2, "category": {"coding": [{"code": "additionalbodysite"}]}},
        ],
        "item": [{"sequence": 1, "informationSequence": [2, 3]}],
    },
    "parameters-example-types": {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "string", "valueString": "string"},
            {"name": "integer", "valueInteger": 1},
            {"name": "uuid", "valueUuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
            {"name": "decimal", "valueDecimal": Decimal("1.0")},
        ],
    },
    "patient-container-example": {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Organization", "id": "1"}],
        "managingOrganization": {"reference": "#1"},
    },
    "patient-example-period": {
        "resourceType": "Patient",
        "identifier": [{"period": {"start": "2021", "end": "2021-05"}}],
    },
    "patient-name-extensions": {
        "resourceType": "Patient",
        "name": [
            {"given": [None, "An"], "_given": [{"extension": [{"url": "urn:x", "valueCode": "x"}]}, None]}
        ],
    },
}
"""Inputs that are nowhere at hand: what the ten tests on them need, written by us."""


@dataclass(frozen=True)
class Case:
    """One test of the suite."""

    name: str
    expression: str
    file: str
    outputs: tuple[tuple[str, str], ...]
    invalid: str
    predicate: bool
    ordered: bool
    strict: bool


def cases(root: ET.Element) -> Iterator[Case]:
    seen: dict[str, int] = {}
    for test in root.iter("test"):
        expression = test.find("expression")
        assert expression is not None
        name = test.get("name", "")
        seen[name] = seen.get(name, 0) + 1
        yield Case(
            name=name if seen[name] == 1 else f"{name}#{seen[name]}",
            expression=expression.text or "",
            file=test.get("inputfile", ""),
            outputs=tuple((one.get("type", ""), one.text or "") for one in test.findall("output")),
            invalid=expression.get("invalid", ""),
            predicate=test.get("predicate") == "true",
            ordered=test.get("ordered") != "false",
            strict=test.get("mode") == "strict",
        )


@cache
def resource(file: str) -> dict[str, Any]:
    """The input of a test: from the suite's folder, from R4's examples, or the equivalent written here."""
    stem = Path(file).stem
    if stem in WRITTEN_HERE:
        return WRITTEN_HERE[stem]
    if stem in AMONG_EXAMPLES:
        with tarfile.open(EXAMPLES) as archive:
            return json.parse(content(archive, f"r4-examples/{AMONG_EXAMPLES[stem]}.json")) | CHANGED.get(
                stem, {}
            )
    with tarfile.open(ARCHIVE) as archive:
        if f"r4/examples/{stem}.xml" in archive.getnames():
            return xml.parse(content(archive, f"r4/examples/{stem}.xml"), DEFINITIONS)
        return json.parse(content(archive, f"r4/examples/{stem}.json"))


def content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def shown(item: Any) -> str:
    """An item as the suite writes it."""
    if isinstance(item, Node):
        item = item.value
    match item:
        case bool():
            return "true" if item else "false"
        case Moment():
            return "@T" + str(item) if item.kind == "Time" else "@" + str(item)
        case Decimal():
            return format(item, "f")
    return str(item)


def matches(item: Any, type_name: str, text: str, scope: Scope) -> bool:
    """Whether an item is what the suite expects."""
    actual = shown(item)
    if type_name in {"date", "dateTime", "time"}:
        actual, text = actual.lstrip("@T").removesuffix("T"), text.lstrip("@T")
    if isinstance(item, Node):
        if type_name and type_name != scope.type_of(item):
            return False
    elif type_name and system_type(item).lower() != type_name.lower():
        return type_name == "decimal" and isinstance(item, int) and Decimal(text) == item
    if type_name == "decimal":
        return Decimal(actual) == Decimal(text)
    return actual == text


def outcome(case: Case) -> str:
    """Why a case fails; "" when it passes."""
    input_ = resource(case.file) if case.file else {"resourceType": "Basic", "id": "none"}
    scope = Scope(DEFINITIONS, resource=input_, strict=True)
    try:
        compiled = fhirpath.compile(case.expression)
        if case.invalid == "semantic":
            check(case.expression, input_["resourceType"], DEFINITIONS)
        found = compiled.nodes(input_, scope)
    except (InvalidExpression, EvaluationFailed) as exc:
        return "" if case.invalid else str(exc)
    if case.invalid:
        return f"no error, but {[shown(each) for each in found]}"
    if case.predicate:
        found = (bool(found),)
    left = list(found)
    for place, (type_name, text) in enumerate(case.outputs):
        candidates = left[:1] if case.ordered else left
        hit = next((one for one in candidates if matches(one, type_name, text, scope)), None)
        if hit is None:
            return f"item {place} should be {type_name} {text}: {[shown(each) for each in found]}"
        left.remove(hit)
    return f"too many: {[shown(each) for each in found]}" if left else ""


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not ARCHIVE.exists(), reason=f"{ARCHIVE} is not at hand (set HSBA_SHARED)")
def test_evaluate__hl7_suite_passes_but_for_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    with tarfile.open(ARCHIVE) as archive:
        suite = list(cases(ET.fromstring(content(archive, "r4/fhirpath/tests-fhir-r4.xml"))))  # noqa: S314 - the suite is our own file

    failures = {case.name: why for case in suite if (why := outcome(case))}

    with capsys.disabled():
        print(f"\nFHIRPath suite: {len(suite) - len(failures)}/{len(suite)}")
        for name, why in failures.items():
            if name not in KNOWN:
                print(f"  {name}: {why}")
    assert failures.keys() == KNOWN.keys()


def expressions() -> Iterator[tuple[str, str]]:
    """Every invariant of R4 with the type it is about, and every search parameter with its resource type."""
    waiting = sorted(DEFINITIONS.resource_types | DEFINITIONS.datatypes)
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        owner = DEFINITIONS.type(name)
        yield from ((name, constraint.expression) for constraint in owner.constraints)
        for element in owner.elements.values():
            yield from ((element.content, constraint.expression) for constraint in element.constraints)
            if element.content not in seen:
                seen.add(element.content)
                waiting.append(element.content)
    for name in sorted(DEFINITIONS.resource_types):
        found = DEFINITIONS.search_parameters(name).values()
        yield from ((name, parameter.expression) for parameter in found if parameter.expression)


IN_PERCENT = "(({0}.code = '%') and ({0}.system = %ucum))"
WITHOUT_MEANING: dict[tuple[str, str], str] = {
    (
        "ChargeItemDefinition",
        "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')",
    ): "R4's ChargeItemDefinition has no name",
    (
        "decimal",
        f"(low.empty() or {IN_PERCENT.format('low')}) and (high.empty() or {IN_PERCENT.format('high')})",
    ): "ras-1 is meant for the Range form of probability[x]",
}
"""R4's own expressions that ask for an element their type does not have."""


@pytest.mark.slow
def test_check__every_expression_of_r4_has_a_meaning_but_for_the_known() -> None:
    refused = set()

    for type_name, expression in set(expressions()):
        compiled = fhirpath.compile(expression)
        assert fhirpath.parse(fhirpath.write(compiled.tree)) == compiled.tree
        if "%resource" not in expression or type_name in DEFINITIONS.resource_types:
            try:
                check(expression, type_name, DEFINITIONS)
            except InvalidExpression:
                refused.add((type_name, expression))

    assert refused == WITHOUT_MEANING.keys()
