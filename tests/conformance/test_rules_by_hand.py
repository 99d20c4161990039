"""The invariants written by hand decide as their FHIRPath originals do, over the examples of R4 and mutations."""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import definitions, fhirpath, json
from hsba.fhir.validate.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.fhir.definitions import Constraint

SHARED = Path(os.environ.get("HSBA_SHARED") or Path(__file__).parents[3] / "shared") / "data" / "fhir"
ARCHIVE = SHARED / "hl7.fhir.r4.examples-part.tar.gz"
CORE = definitions.default()
EACH = 150
"""How many objects each rule is tried on."""

OTHERWISE = {
    "bdl-8": "an entry without fullUrl makes the expression empty, which is not meant to break the rule",
    "que-7": "the expression asks whether the answer is a System.Boolean, which no FHIR boolean is",
}
"""Where the original does not say what its sentence says."""

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(not ARCHIVE.exists(), reason=f"the examples of R4 are not at {ARCHIVE}"),
]

Object = dict[str, Any]


def objects(
    value: Object, kind: str, root: Object
) -> Iterator[tuple[Object, str, tuple[Constraint, ...], Object]]:
    """Every object of a resource with its type, the invariants that hold there, and its resource."""
    yield value, kind, CORE.type(kind).constraints, root
    for name, inner in value.items():
        element = CORE.child(kind, name)
        if element is None:
            continue
        for one in inner if isinstance(inner, list) else [inner]:
            if not isinstance(one, dict):
                continue
            content = one.get("resourceType", "") if element.content == "Resource" else element.content
            if not CORE.knows(content):
                continue
            yield one, content, element.constraints, one if element.content == "Resource" else root
            yield from objects(one, content, one if element.content == "Resource" else root)


def mutations(value: Object, kind: str) -> Iterator[Object]:
    """The object itself, and without each of its members that may be left out."""
    yield value
    for name in value:
        element = CORE.child(kind, name)
        if element is not None and element.min == 0:
            yield {each: inner for each, inner in value.items() if each != name}


def test_rules__decide_as_their_fhirpath_does() -> None:
    tried: Counter[str] = Counter()
    broken: Counter[str] = Counter()

    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or not member.name.endswith(".json") or member.size > 200_000:
                continue
            resource = json.parse(content.read())
            for one, kind, constraints, root in objects(resource, resource["resourceType"], resource):
                for each in constraints:
                    if each.key not in RULES or each.key in OTHERWISE or tried[each.key] >= EACH:
                        continue
                    compiled = fhirpath.compile(each.expression)
                    for mutation in mutations(one, kind):
                        tried[each.key] += 1
                        within = mutation if root is one else root
                        wanted = compiled.test(
                            mutation, type=kind, definitions=CORE, root=within, resource=within
                        )
                        assert RULES[each.key](mutation) == wanted, (each.key, mutation)
                        broken[each.key] += not wanted

    count = f"{sum(tried.values())} objects, {sum(broken.values())} of them broken"
    print(f"\n{len(tried)} rules by hand agree with FHIRPath on {count}")
    assert len(tried) > 40
