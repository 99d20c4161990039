"""Every example of FHIR R4 validates, but for those that break R4's own rules: each is listed with its reason."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hsba.fhir import definitions, json
from hsba.fhir.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
ARCHIVE = SHARED / "hl7.fhir.r4.examples-part.tar.gz"
EXPECTED = Path(__file__).parent / "expected-r4-examples.txt"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(not ARCHIVE.exists(), reason=f"the examples of R4 are not at {ARCHIVE}"),
]


def examples() -> Iterator[tuple[str, bytes]]:
    """The examples, name and bytes."""
    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and member.name.endswith(".json"):
                yield Path(member.name).name, content.read()


def expected() -> dict[str, str]:
    """The examples that do not validate, each with the reason."""
    lines = EXPECTED.read_text().splitlines()
    pairs = (line.partition(" | ") for line in lines if line and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def test_validate__examples_of_r4_but_for_those_listed() -> None:
    loaded = definitions.default()
    failing: dict[str, str] = {}
    count = 0

    for name, body in examples():
        count += 1
        errors = [issue for issue in validate(json.parse(body), loaded) if issue.blocks]
        if errors:
            failing[name] = f"{errors[0].path}: {errors[0].en}"

    print(
        f"\n{count - len(failing)} of {count} examples of R4 validate; {len(failing)} are listed with reasons"
    )
    assert failing.keys() == expected().keys(), failing


def test_dump__examples_of_r4_keep_every_digit_and_member() -> None:
    count = 0

    for name, body in examples():
        count += 1
        once = json.parse(body)
        again = json.parse(json.dump(once))
        assert again == once, name
        assert json.dump(again) == json.dump(once), name

    print(f"\n{count} examples of R4 go through JSON and back unchanged")
