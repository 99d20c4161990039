"""HL7's own cases for validators: whether a resource is refused or accepted as HL7's Java validator does.

Cases that need packages which are not at hand are left out and counted.  What we decide otherwise is listed in
expected-validator-suite.txt with the reason; one more or one fewer fails this suite.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from hsba.fhir import definitions, json, xml
from hsba.fhir.packages import FolderPackage
from hsba.fhir.problems import Problem
from hsba.fhir.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.fhir.definitions import Definitions

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
ARCHIVE = SHARED / "fhir-test-cases-validator-part.tar.gz"
EXPECTED = Path(__file__).parent / "expected-validator-suite.txt"
CORE = definitions.default()

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(not ARCHIVE.exists(), reason=f"the cases for validators are not at {ARCHIVE}"),
]

Case = dict[str, Any]
Resource = dict[str, Any]


@cache
def files() -> dict[str, bytes]:
    """All files of the suite by their path in it."""
    with tarfile.open(ARCHIVE) as tar:
        return {
            member.name.removeprefix("validator/"): content.read()
            for member in tar
            if member.isfile() and (content := tar.extractfile(member)) is not None
        }


def read(name: str) -> Resource:
    """A resource of the suite, JSON or XML."""
    body = files()[name]
    return json.parse(body) if name.endswith(".json") else xml.parse(body, CORE)


def packaged(name: str) -> list[Resource]:
    """The resources of a package that lies in the suite."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(files()[name])) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            inner = member.name.removeprefix("package/")
            if content is None or inner == member.name or inner.startswith((".", "package.json")):
                continue
            if inner.endswith(".json"):
                body = msgspec.json.decode(content.read())
                if "resourceType" in body:
                    found.append(body)
    return found


def joined(base: Definitions, resources: list[Resource]) -> Definitions:
    """The definitions and those of a case."""
    named = [one for one in resources if "url" in one]
    return base.joined([FolderPackage.of("case", named)]) if named else base


def refused_by_java(outcome: str | Case) -> bool | None:
    """Whether the expected outcome holds errors; None when the suite's part at hand does not have it."""
    if isinstance(outcome, str):
        body = files().get(f"outcomes/{outcome}")
        if body is None:
            return None
        return refused_by_java(msgspec.json.decode(body))
    found = outcome.get("outcome", outcome).get("issue", [])
    return any(issue["severity"] in ("error", "fatal") for issue in found)


def runs(case: Case) -> Iterator[tuple[str, Definitions, tuple[str, ...], str | Case]]:
    """What is to be tried of a case: by its type, and by the profile it brings."""
    own = [read(name) for name in (*case.get("profiles", ()), *case.get("supporting", ()))]
    for name in case.get("packages", ()):
        own += packaged(name)
    loaded = joined(CORE, own)
    if "java" in case:
        yield "base", loaded, (), case["java"]
    profile = case.get("profile")
    if isinstance(profile, dict) and "java" in profile:
        more = [read(name) for name in (*profile.get("supporting", ()), *profile.get("profiles", ()))]
        against = read(profile["source"]) if "source" in profile else None
        if against is not None:
            more.append(against)
        yield "profile", joined(loaded, more), (against["url"],) if against else (), profile["java"]


def refused_here(case: Case, loaded: Definitions, against: tuple[str, ...]) -> bool:
    """Whether we refuse the resource of a case."""
    try:
        return any(issue.blocks for issue in validate(read(case["file"]), loaded, against=against))
    except Problem:
        return True


def expected() -> dict[str, str]:
    """The cases we decide otherwise, each with the reason."""
    lines = EXPECTED.read_text().splitlines()
    pairs = (line.partition(" | ") for line in lines if line and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def test_validate__as_hl7s_validator_does_but_for_those_listed() -> None:
    counts: Counter[str] = Counter()
    otherwise: set[str] = set()

    for case in msgspec.json.decode(files()["manifest.json"])["test-cases"]:
        if any(not name.endswith(".tgz") for name in case.get("packages", ())):
            counts["needs a package that is not at hand"] += 1
            continue
        try:
            planned = list(runs(case))
        except (KeyError, Problem):
            counts["its own definitions cannot be read"] += 1
            continue
        for kind, loaded, against, outcome in planned:
            wanted = refused_by_java(outcome)
            if wanted is None or case["file"] not in files():
                counts["no outcome or file at hand"] += 1
            elif refused_here(case, loaded, against) == wanted:
                counts["agree"] += 1
            else:
                counts["differ"] += 1
                otherwise.add(f"{case['name']}/{kind}")

    agree, tried = counts["agree"], counts["agree"] + counts["differ"]
    print(f"\nvalidator cases: {agree} of {tried} as HL7's validator ({agree / tried:.1%}); {dict(counts)}")
    assert otherwise == set(expected()), (
        sorted(otherwise - set(expected())),
        sorted(set(expected()) - otherwise),
    )
