"""Every address of the specification finds its interaction, and wrong ones are told apart."""

from __future__ import annotations

import pytest

from hsba.fhir.problems import MethodNotAllowed, NotFound, UnknownType
from hsba.http.routes import ROUTES, BadId, Table

TABLE = Table(ROUTES, {"Patient", "Observation", "Encounter"})


def find(line: str) -> str:
    method, _, path = line.partition(" ")
    return TABLE.find(method, tuple(path.strip("/").split("/")) if path != "/" else ()).interaction


@pytest.mark.parametrize(
    "line, interaction",
    [
        # FHIR R4 http.html#summary
        ("GET /Patient/1", "read"),
        ("HEAD /Patient/1", "read"),
        ("GET /Patient/1/_history/2", "vread"),
        ("PUT /Patient/1", "update"),
        ("PUT /Patient", "update"),
        ("PATCH /Patient/1", "patch"),
        ("PATCH /Patient", "patch"),
        ("DELETE /Patient/1", "delete"),
        ("DELETE /Patient", "delete"),
        ("POST /Patient", "create"),
        ("GET /Patient", "search-type"),
        ("POST /Patient/_search", "search-type"),
        ("GET /", "search-system"),
        ("POST /_search", "search-system"),
        ("GET /Patient/1/Observation", "search-compartment"),
        ("GET /Patient/1/*", "search-compartment"),
        ("POST /Patient/1/Observation/_search", "search-compartment"),
        ("GET /metadata", "capabilities"),
        ("POST /", "transaction"),
        ("GET /Patient/1/_history", "history-instance"),
        ("GET /Patient/_history", "history-type"),
        ("GET /_history", "history-system"),
        ("POST /$convert", "operation"),
        ("GET /Patient/$everything", "operation"),
        ("POST /Patient/1/$everything", "operation"),
        ("GET /Patient/1/_history/2/$meta", "operation"),
        # an id may be a word
        ("GET /Patient/metadata", "read"),
        ("GET /Patient/Patient", "read"),
        ("GET /Patient/Patient/_history/Patient", "vread"),
    ],
)
def test_find__addresses_of_the_specification(line: str, interaction: str) -> None:
    assert find(line) == interaction


@pytest.mark.parametrize(
    "line", ["GET /Nonsense", "GET /patient/1", "POST /Nonsense/_search", "GET /Nonsense/1/_history"]
)
def test_find__unknown_types(line: str) -> None:
    with pytest.raises(UnknownType):
        find(line)


@pytest.mark.parametrize(
    "line",
    [
        "GET /Patient/a b",
        "GET /Patient/_x",
        "GET /Patient/1/nonsense",
        "GET /Patient/1/2/3/4/5/6",
        "GET /Patient//1",
    ],
)
def test_find__unknown_addresses(line: str) -> None:
    with pytest.raises(NotFound):
        find(line)


@pytest.mark.parametrize(
    "line", ["PUT /", "DELETE /metadata", "POST /Patient/1", "PUT /Patient/1/_history/1", "BREW /Patient"]
)
def test_find__wrong_methods(line: str) -> None:
    with pytest.raises(MethodNotAllowed):
        find(line)


def test_find__an_odd_id_cannot_be_written() -> None:
    with pytest.raises(BadId):
        find("PUT /Patient/a b")


def test_routes__no_line_stands_twice() -> None:
    lines = [(route.method, route.path.replace("{compartment}", "{type}")) for route in ROUTES]

    assert len(lines) == len(set(lines))
