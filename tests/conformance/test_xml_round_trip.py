"""The R4 examples at hand go from JSON to our XML and back without any change."""

from __future__ import annotations

import os
import tarfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hsba.fhir import definitions as packaged
from hsba.fhir import json, xml
from hsba.fhir.problems import Problem

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
ARCHIVE = SHARED / "hl7.fhir.r4.examples-part.tar.gz"
DEFINITIONS = packaged.default()

KNOWN: dict[str, str] = {}
"""The examples that do not come back unchanged, each with its reason."""


def exact(value: Any) -> Any:
    """A value that is equal only if every digit is: 1.50 is not 1.5; the order of names does not count."""
    if isinstance(value, dict):
        return {name: exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [exact(each) for each in value]
    return value.as_tuple() if isinstance(value, Decimal) else (type(value).__name__, value)


def outcome(data: bytes) -> str:
    """Why an example does not come back unchanged; "" when it does."""
    resource = json.parse(data)
    try:
        back = xml.parse(xml.dump(resource, DEFINITIONS), DEFINITIONS)
    except Problem as problem:
        return str(problem)
    return "" if exact(back) == exact(resource) else "it comes back changed"


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not ARCHIVE.exists(), reason=f"{ARCHIVE} is not at hand (set HSBA_SHARED)")
def test_dump_and_parse__examples_come_back_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    failures = {}
    count = 0

    with tarfile.open(ARCHIVE) as archive:
        for entry in archive:
            member = archive.extractfile(entry) if entry.name.endswith(".json") else None
            if member is not None:
                count += 1
                why = outcome(member.read())
                if why:
                    failures[Path(entry.name).stem] = why

    with capsys.disabled():
        print(f"\nXML round trip of the R4 examples: {count - len(failures)}/{count}")
        for name, why in failures.items():
            print(f"  {name}: {why}")
    assert failures.keys() == KNOWN.keys()
