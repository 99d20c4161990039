"""HL7's cases for FHIRPath Patch and JSON Patch (fhir-patch-tests.xml, json-patch-tests.json)."""

from __future__ import annotations

import os
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from hsba.fhir import definitions as packaged
from hsba.fhir import json, xml
from hsba.fhir.fhirpath.items import same
from hsba.fhir.patch import fhirpath_patch, json_patch
from hsba.fhir.problems import Problem

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
ARCHIVE = SHARED / "fhir-test-cases-fhirpath-patch.tar.gz"
DEFINITIONS = packaged.default()

KNOWN: dict[str, str] = {}
"""The cases that fail, each with its reason; one more or one fewer fails these tests."""

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not ARCHIVE.exists(), reason=f"{ARCHIVE} is not at hand (set HSBA_SHARED)"),
]


def content(name: str) -> bytes:
    with tarfile.open(ARCHIVE) as archive:
        member = archive.extractfile(name)
        assert member is not None
        return member.read()


def resource(case: ET.Element, name: str) -> dict[str, Any] | None:
    holder = case.find(name)
    return None if holder is None else xml.parse(ET.tostring(holder[0]), DEFINITIONS)


def fhirpath_outcome(case: ET.Element) -> str:
    """Why a FHIRPath Patch case fails; "" when it passes."""
    before, patch, after = (resource(case, name) for name in ("input", "diff", "output"))
    assert before is not None
    assert patch is not None
    untouched = json.dump(before)
    try:
        result = fhirpath_patch(before, patch, DEFINITIONS)
    except Problem as problem:
        return "" if case.find("error") is not None else str(problem)
    if json.dump(before) != untouched:
        return "the input was changed"
    return "" if after is not None and same(result, after) else f"the result is {result}"


def json_outcome(case: dict[str, Any]) -> str:
    """Why a JSON Patch case fails; "" when it passes."""
    untouched = json.dump(case["doc"])
    try:
        result = json_patch(case["doc"], case["patch"])
    except Problem as problem:
        return "" if "error" in case else str(problem)
    if json.dump(case["doc"]) != untouched:
        return "the input was changed"
    return "" if "expected" in case and same(result, case["expected"]) else f"the result is {result}"


def report(capsys: pytest.CaptureFixture[str], title: str, count: int, failures: dict[str, str]) -> None:
    with capsys.disabled():
        print(f"\n{title}: {count - len(failures)}/{count}")
        for name, why in failures.items():
            print(f"  {name}: {why}")


def test_fhirpath_patch__hl7_cases_pass(capsys: pytest.CaptureFixture[str]) -> None:
    cases = list(ET.fromstring(content("r4/patch/fhir-patch-tests.xml")).iter("case"))  # noqa: S314 - the suite is our own file

    failures = {case.get("name", ""): why for case in cases if (why := fhirpath_outcome(case))}

    report(capsys, "FHIRPath Patch cases", len(cases), failures)
    assert failures.keys() == KNOWN.keys()


def test_json_patch__hl7_cases_pass(capsys: pytest.CaptureFixture[str]) -> None:
    cases = json.parse_value(content("r4/patch/json-patch-tests.json"))

    failures = {case["comment"]: why for case in cases if (why := json_outcome(case))}

    report(capsys, "JSON Patch cases", len(cases), failures)
    assert failures.keys() == KNOWN.keys()
