"""The package hsba.core: written by its script, valid, and refusing what it should refuse."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from hsba.fhir import definitions
from hsba.fhir.validate import validate
from hsba.fhir.vn import BASE, Canon
from hsba.ops.demo import generate

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "src" / "hsba" / "definitions" / "hsba.core"
FILES = sorted(PACKAGE.glob("*-*.json"))
CANON = Canon()

Resource = dict[str, Any]


def test_package__is_as_its_source_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build-hsba-core"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_package__addresses_are_unique_and_begin_with_the_base() -> None:
    found = [msgspec.json.decode(path.read_bytes()) for path in FILES]
    urls = [one["url"] for one in found if "url" in one]

    assert len(urls) == len(set(urls))
    assert [url for url in urls if not url.startswith(BASE)] == ["http://hl7.org/fhir/sid/icd-9-cm"]
    assert all(
        path.name == f"{one['resourceType']}-{one['id']}.json" for path, one in zip(FILES, found, strict=True)
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_package__every_resource_is_valid(path: Path) -> None:
    resource = msgspec.json.decode(path.read_bytes())

    assert [issue for issue in validate(resource, definitions.default()) if issue.blocks] == []


def test_package__what_is_bound_or_referred_to_is_there() -> None:
    known = definitions.default()
    for path in FILES:
        one = msgspec.json.decode(path.read_bytes())
        for element in one.get("differential", {}).get("element", ()):
            wanted = [element["binding"]["valueSet"]] if "binding" in element else []
            for type_ in element.get("type", ()):
                wanted += [*type_.get("profile", ()), *type_.get("targetProfile", ())]
            assert all(known.has(url) for url in wanted), (path.name, element["id"], wanted)


def test_package__another_base_replaces_ours() -> None:
    known = definitions.load(rebase=(BASE, "http://fhir.example.vn"))

    assert known.has("http://fhir.example.vn/StructureDefinition/vn-core-patient")
    assert not known.has(CANON.profile("vn-core-patient"))


@pytest.mark.parametrize(
    "type_, code",
    [
        ("Patient", "vn-cccd"),
        ("Patient", "vn-bhyt"),
        ("Patient", "vn-mrn"),
        ("Patient", "vn-ward"),
        ("Coverage", "vn-bhyt-card"),
        ("Encounter", "vn-treatment-outcome"),
        ("Observation", "dossier"),
    ],
)
def test_search_parameters__are_offered(type_: str, code: str) -> None:
    assert code in definitions.default().search_parameters(type_)


@pytest.fixture(scope="module")
def examples() -> dict[str, Resource]:
    """One resource of each profile the demo hospital uses."""
    found: dict[str, Resource] = {}
    for one in generate(scale=0.2, today=date(2026, 11, 23)):
        if "meta" in one:  # the entries of forms have no profile
            found.setdefault(one["meta"]["profile"][0].rpartition("/")[2], one)
    return found


def _drop(*names: str) -> Callable[[Resource], object]:
    return lambda one: [one.pop(name) for name in names]


def _set(value: Any, *way: Any) -> Callable[[Resource], object]:
    def change(one: Any) -> None:
        for step in way[:-1]:
            one = one[step]
        one[way[-1]] = value

    return change


_FIRST_CODE = ("extension", 0, "valueCodeableConcept", "coding", 0, "code")


@pytest.mark.parametrize(
    "profile, spoil",
    [
        ("vn-core-patient", _drop("identifier")),
        ("vn-core-patient", _drop("name")),
        ("vn-core-patient", _set("77", *_FIRST_CODE)),
        ("vn-core-patient", _set("82", "address", 0, "extension", 0, "valueString")),
        ("vn-core-practitioner", _drop("identifier")),
        ("vn-core-organization", _set("QUAN", *_FIRST_CODE)),
        ("vn-core-encounter", _set("9", *_FIRST_CODE[:1], -1, *_FIRST_CODE[2:])),
        ("vn-core-encounter", _set({"reference": "Group/1"}, "subject")),
        ("vn-core-condition", _drop("code")),
        (
            "vn-core-condition-diagnosis",
            _set("http://hl7.org/fhir/sid/icd-10", "code", "coding", 0, "system"),
        ),
        ("vn-core-condition-diagnosis", _set("problem-list-item", "category", 0, "coding", 0, "code")),
        ("vn-core-allergy-intolerance", _drop("code")),
        ("vn-core-observation-lab", _drop("category")),
        ("vn-core-observation-vitals", _drop("effectiveDateTime")),
        ("vn-core-observation-vitals", _set("laboratory", "category", 0, "coding", 0, "code")),
        ("vn-core-diagnostic-report", _drop("subject")),
        ("vn-core-procedure", _drop("code")),
        ("vn-core-service-request", _drop("code")),
        ("vn-core-document-reference", _drop("type")),
        ("vn-core-document-reference", _drop("subject")),
        ("vn-core-consent", _set("z", "provision", *_FIRST_CODE)),
        ("hsba-dossier-header", _drop("encounter")),
        ("hsba-dossier-header", _set("99/BV1", "type", "coding", 0, "code")),
        ("hsba-appointment", _drop("start", "end")),
    ],
)
def test_profile__refuses_what_is_not_as_it_says(
    examples: dict[str, Resource], profile: str, spoil: Callable[[Resource], object]
) -> None:
    known = definitions.default()
    resource = deepcopy(examples[profile])
    assert validate(resource, known) == []

    spoil(resource)

    assert any(issue.blocks for issue in validate(resource, known))


@pytest.mark.parametrize(
    "profile, way, key",
    [
        ("vn-core-patient", ("identifier", -1, "value"), "vn-bhyt-card-form"),
        ("vn-core-organization", ("identifier", 0, "value"), "vn-cskcb-5-characters"),
        ("vn-core-medication-request", ("identifier", 0, "value"), "vn-prescription-code-form"),
    ],
)
def test_profile__warns_of_a_number_of_the_wrong_form(
    examples: dict[str, Resource], profile: str, way: tuple[Any, ...], key: str
) -> None:
    resource = deepcopy(examples[profile])

    _set("12", *way)(resource)

    issues = validate(resource, definitions.default())
    assert [issue.severity for issue in issues] == ["warning"]
    assert key in issues[0].en
