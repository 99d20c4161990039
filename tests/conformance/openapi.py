"""The doors of a server as an OpenAPI description, made from their own tables, so that a new address is tried by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.routing import Route as PageRoute

from hsba.http import web
from hsba.http.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.record.calls import Operation

Description = dict[str, Any]

TYPES = [
    "Patient",
    "Encounter",
    "Observation",
    "Condition",
    "AuditEvent",
    "Binary",
    "Bundle",
    "ValueSet",
    "NoSuchType",
]
THERE = ["1"]
"""The id of what is there, and its version."""
COMPARTMENTS = ["Patient", "Encounter", "Practitioner", "Device"]
WORDS = {
    # what is worth asking with: the parameters that change how an answer is made
    "_count": ["0", "1", "1000000000", "-1", "x"],
    "_elements": ["id,name", "Patient.name", ","],
    "_filter": ["name eq 'a'", "name eq", "((("],
    "_format": ["json", "xml", "text/html", "?"],
    "_has": ["Observation:patient:code=1", "x"],
    "_include": ["Observation:subject", "*", "x:y:z"],
    "_lastUpdated": ["ge2026", "2026-13-45", "lt2026-01-01T00:00:00+07:00"],
    "_sort": ["-_lastUpdated", "name,_id", "x"],
    "_summary": ["true", "count", "text", "x"],
    "_total": ["accurate", "estimate", "x"],
    "name": ["nguyen", "", "%", "\\", "Đ"],
    "subject": ["Patient/1", "urn:uuid:x", "Patient?name=x", "/"],
    "value-quantity": ["5", "gt1e400|http://unitsofmeasure.org|mg", "|", "5.40e-3"],
}  # fmt: skip


def description(operations: Iterable[Operation]) -> Description:
    """Every address of the API and every page that only shows something."""
    paths: dict[str, Description] = {}
    names = sorted({f"${one.name}" for one in operations})
    for route in ROUTES:
        paths.setdefault("/fhir" + route.path, {})[route.method.lower()] = _called(
            route.path, names, route.body
        )
    for page in web.ROUTES:
        assert isinstance(page, PageRoute)
        if page.methods and "GET" in page.methods and not page.path.endswith(":path}"):
            path = re.sub(r":\w+}", "}", page.path)
            paths.setdefault(path, {})["get"] = _called(path, names, body=False)
    return {"openapi": "3.0.3", "info": {"title": "HSBA", "version": "1"}, "paths": paths}


def _called(path: str, operations: list[str], body: bool) -> Description:
    values = {"type": TYPES, "compartment": COMPARTMENTS, "operation": operations}
    found: Description = {"responses": {"200": {"description": "answered"}}}
    found["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": _place(values.get(name))}
        for name in re.findall(r"{(\w+)}", path)
    ] + [{"name": name, "in": "query", "schema": _text(some)} for name, some in WORDS.items()]
    if body:
        found["requestBody"] = {"content": {media: {"schema": schema} for media, schema in CONTENTS.items()}}
    return found


def _place(values: list[str] | None) -> Description:
    """A part of the address: one of these; where there are none, something that is there or anything."""
    return {"type": "string", "enum": values} if values else _text(THERE)


def _text(values: list[str] | None) -> Description:
    """One of these, or any other text."""
    anything = {"type": "string", "minLength": 1, "maxLength": 80}
    return anything if values is None else {"anyOf": [{"type": "string", "enum": values}, anything]}


RESOURCE: Description = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {
        "resourceType": {"type": "string", "enum": TYPES},
        "id": {"type": "string"},
        "name": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
        "birthDate": {"type": "string"},
        "type": {"type": "string", "enum": ["batch", "transaction"]},
        "entry": {"type": "array", "items": {"type": "object"}, "maxItems": 3},
        "parameter": {"type": "array", "items": {"type": "object"}, "maxItems": 3},
    },
}
STEP: Description = {
    "type": "object",
    "required": ["op", "path"],
    "properties": {
        "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test", "x"]},
        "path": {"type": "string"},
        "from": {"type": "string"},
        "value": {},
    },
}
CONTENTS: dict[str, Description] = {
    "application/fhir+json": RESOURCE,
    "application/json-patch+json": {"type": "array", "items": STEP, "maxItems": 3},
    "application/x-www-form-urlencoded": {"type": "object", "properties": {"name": {"type": "string"}}},
    "text/plain": {"type": "string"},
}
