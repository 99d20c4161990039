"""Words of conditions become expressions; what is no word is not understood."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hsba.access.rights import roles
from hsba.access.rights.conditions import AUTHORS, MEANINGS, NotUnderstood, Setting, expression
from hsba.access.rights.people import Person, department_of
from hsba.access.rights.policy import Given, RolePolicy
from hsba.access.rights.roles import BadRole
from hsba.fhir import definitions
from hsba.fhir.paths import catalogue
from hsba.fhir.query import expression as e
from hsba.record.codes import PackageCodes

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def setting(person: Person | None = None, departments: tuple[str, ...] = ("noi",)) -> Setting:
    known = definitions.default()
    return Setting(known, PackageCodes(known), ZONE, person or Person("x", ("me",)), departments, NOW)


def policy(*lines: dict[str, object]) -> RolePolicy:
    role = roles.read("r", "r", list(lines), roles.groups())
    return RolePolicy([Given("r", line, ("noi",)) for line in role.lines], setting())


@pytest.mark.parametrize(
    "text",
    [
        "departmnet",
        "department:soon",
        "department:24",
        "author:me",
        "care-team:x",
        "state:",
        "state:open",
        "label:",
        "label:COLD",
        "search:",
        "search:_sort=name",
        "search:gender=female&_count=5",
        "search:nonsense=1",
        "search:birthdate=yesterday",
        "search:gender:in=http://nowhere.example/vs",
        "",
    ],
)
def test_expression__what_is_no_condition_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        expression((text,), "Patient", setting())


@pytest.mark.parametrize("word", ["author", "care-team", "department", "department:stay", "own-patients"])
def test_expression__who_is_nobody_reaches_nothing(word: str) -> None:
    nobody = setting(Person("x"), ())

    for type_ in ("Patient", "Encounter", "Observation", "Organization"):
        assert expression((word,), type_, nobody) == e.Nothing()


def test_expression__every_type_can_be_asked_with_every_word() -> None:
    known = setting(Person("x", ("me",), ("p",)))

    for type_ in sorted(known.definitions.resource_types):
        for word in ("author", "care-team", "department", "department:2d", "department:stay", "own-patients"):
            expression((word,), type_, known)
    assert {word.partition(":")[0] for word in MEANINGS} == set(MEANINGS)


def test_authors__are_search_parameters() -> None:
    for type_, codes in AUTHORS.items():
        assert set(codes) <= catalogue(definitions.default(), type_).parameters.keys(), type_


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"may": ["view"]},
        {"may": [], "types": ["Patient"]},
        {"may": ["look"], "types": ["Patient"]},
        {"may": "view", "types": ["Patient"]},
        {"may": ["view"], "types": ["@nothing"]},
        {"may": ["view"], "types": ["Patient"], "wehre": ["department"]},
        {"may": ["view"], "types": ["Patient"], "deny": "no"},
        "view",
    ],
)
def test_read__what_is_no_line_is_no_role(line: object) -> None:
    with pytest.raises(BadRole):
        roles.read("r", "r", [line], roles.groups())


def test_built_in__lines_are_understood_for_each_of_their_types() -> None:
    known = setting(Person("x", ("me",), ("p",)))
    for role in roles.built_in().values():
        for line in role.lines:
            assert line.types <= known.definitions.resource_types, (role.name, line.number)
            for type_ in line.types:
                expression(line.where, type_, known)
            for path in line.hidden | line.read_only:
                assert path.partition(".")[0] in line.types


ALL: dict[str, object] = {"may": ["view"], "types": ["Patient"]}
HEAVY: dict[str, object] = {**ALL, "hidden": ["Patient.telecom"]}


def test_hidden__the_lighter_of_two_lines_wins_where_it_reaches_as_much() -> None:
    hers: dict[str, object] = {"where": ["department"]}

    assert policy(HEAVY).hidden("Patient") == {"Patient.telecom"}
    assert policy(HEAVY, ALL).hidden("Patient") == set()
    assert policy({**HEAVY, **hers}, ALL).hidden("Patient") == set()
    assert policy(HEAVY, {**ALL, **hers}).hidden("Patient") == {"Patient.telecom"}
    assert policy({**HEAVY, "where": ["label:HIV"]}, ALL).hidden("Patient") == {"Patient.telecom"}
    assert policy(HEAVY, {**ALL, "hidden": ["Patient.telecom.value"]}).hidden("Patient") == {
        "Patient.telecom.value"
    }


@pytest.mark.parametrize(
    "period, holds",
    [
        ({}, True),
        ({"start": "2026"}, True),
        ({"end": "2026-11-23"}, True),
        ({"end": "2026-11-22"}, False),
        ({"start": "2026-11-24"}, False),
        ({"start": "soon"}, False),
    ],
)
def test_department_of__holds_on_its_days(period: dict[str, str], *, holds: bool) -> None:
    post = {"organization": {"reference": "Organization/noi"}, "period": period}

    assert department_of(post, NOW, ZONE) == ("noi" if holds else None)
