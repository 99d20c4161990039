"""The house itself: its departments and the people who work there, by name; nothing of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import names
from hsba.fhir.fold import fold
from hsba.fhir.query import expression as e
from hsba.record.views.facts import objects, text
from hsba.record.views.rows import COLUMNS, VERSION, read

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.record.views.rows import Query

MOST_DEPARTMENTS = 1000
MOST_STAFF = 50


@dataclass(frozen=True, slots=True)
class Department:
    """A department, site or facility."""

    id: str
    name: str
    code: str
    """Its own code or number; empty where it has none."""


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody who works in the house: a Practitioner."""

    id: str
    name: str
    number: str
    """Of the licence, or another one that the house gave."""


async def departments(ctx: Context) -> list[Department]:
    """The Organizations of this keeper that are in use, by name."""

    def all_of_them(q: Query) -> str:
        page = f"SELECT r.* FROM record.resource r WHERE {q.of('Organization')} LIMIT {MOST_DEPARTMENTS}"
        return f"WITH page AS MATERIALIZED ({page}) SELECT {COLUMNS} FROM page r {VERSION}"

    found = [
        Department(row.id, text(row.content.get("name")) or row.id, _number(row.content))
        for row in await read(ctx, all_of_them)
        if row.content.get("active", True)
    ]
    return sorted(found, key=lambda one: (fold(one.name), one.id))


async def staff(ctx: Context, typed: str) -> list[Employee]:
    """The Practitioners whose name has all the words that were typed, or one of whose numbers it is."""
    words = " ".join(typed.split())[:100]
    if not fold(words):
        return []
    by_name = e.all_of([e.Match("name", e.Text(word)) for word in fold(words).split()])
    wanted = e.any_of([by_name, e.Match("identifier", e.Token(None, words))])

    def fitting(q: Query) -> str:
        source = q.matching(wanted, "Practitioner")
        page = f"SELECT r.* FROM {source.text} WHERE {source.where} LIMIT {MOST_STAFF}"
        return f"WITH page AS MATERIALIZED ({page}) SELECT {COLUMNS} FROM page r {VERSION}"

    rows = await read(ctx, fitting)
    ordered = sorted(rows, key=lambda row: names.sort_key(next(objects(row.content.get("name")), {})))
    return [_employee(row.id, row.content) for row in ordered]


async def employees(ctx: Context, ids: list[str]) -> dict[str, Employee]:
    """These Practitioners by id, as far as they are there."""
    if not ids:
        return {}

    def named(q: Query) -> str:
        return (
            f"SELECT {COLUMNS} FROM record.resource r {VERSION}"
            f" WHERE {q.of('Practitioner')} AND r.id = ANY ({q.arg(ids)}::text[])"
        )

    return {row.id: _employee(row.id, row.content) for row in await read(ctx, named)}


def _employee(id: str, content: dict[str, Any]) -> Employee:
    return Employee(id, names.display(next(objects(content.get("name")), {})) or id, _number(content))


def _number(content: dict[str, Any]) -> str:
    found = [text(one.get("value")) for one in objects(content.get("identifier"))]
    return next((one for one in found if one), "")
