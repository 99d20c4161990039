"""The CapabilityStatement, made from the route table, the operations and the definitions, so that it cannot lie.

(FHIR R4 http.html#capabilities, capabilitystatement.html.)  What no route offers is not stated.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from hsba.fhir.definitions import CORE
from hsba.fhir.paths import catalogue
from hsba.fhir.problems import BadRequest
from hsba.http import answers
from hsba.http.messages import Answer
from hsba.terminology import capabilities as terminology

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions, SearchParameter
    from hsba.http.messages import Request
    from hsba.http.middleware import Door
    from hsba.record.calls import Operation
    from hsba.record.owned import OwnStore
    from hsba.store.registry import Registry

Resource = dict[str, Any]

FORMATS = ["application/fhir+json", "application/fhir+xml", "json", "xml"]
PATCHES = ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"]
OF_A_TYPE = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
OF_THE_SYSTEM = ("transaction", "batch", "search-system", "history-system")
DOCUMENTED = {
    "Subscription": "Channel rest-hook, with payload application/fhir+json, application/fhir+xml or none; at least once;"
    " criteria are a search on one type without parameters of showing (_sort, _count, _include and the like)."
}
"""What a statement has no element for."""
REMEMBER = 32
"""Statements kept, each for one base address and form; a server has few, a scanner asks with many."""


class Capabilities:
    """The statements of one process, each made at the first question."""

    def __init__(self) -> None:
        """Know none yet."""
        self._core: Resource | None = None
        self._bodies: dict[tuple[str, object], tuple[bytes, bytes]] = {}
        self._state = (0, 0)

    def body(self, door: Door, base: str, request: Request) -> tuple[bytes, bytes]:
        """The statement's bytes and ETag for a base address, in the form asked for."""
        services = door.services
        state = (services.definitions.generation, services.registry.filled)
        if state != self._state:  # a search parameter came, went, or is filled now
            self._core, self._state = None, state
            self._bodies.clear()
        key = (base, request.shape)
        found = self._bodies.get(key)
        if found is None:
            if self._core is None:
                self._core = statement(door)
            stated = {**self._core, "implementation": {"description": "HSBA", "url": base}}
            (rest,) = stated["rest"]
            stated["rest"] = [{**rest, "security": {**rest["security"], **_smart(base)}}]
            body = answers.render(stated, request.shape, door.services.definitions)
            found = (body, b'W/"%b"' % hashlib.sha256(body).hexdigest()[:16].encode())
            if len(self._bodies) >= REMEMBER:
                self._bodies.clear()
            self._bodies[key] = found
        return found


async def capabilities(door: Door, request: Request) -> Answer:
    """GET /metadata (FHIR R4 http.html#capabilities); the statement is the same in its full and normative mode."""
    modes = {value for name, value in request.pairs if name == "mode"}
    if modes == {"terminology"}:
        return await _terminology(door, request)
    if modes - {"full", "normative"}:
        raise BadRequest(
            "mode is full, normative or terminology.", vi="mode là full, normative hoặc terminology."
        )
    body, etag = door.capabilities.body(door, request.base, request)
    if request.headers.get(b"if-none-match") == etag:
        return Answer(304, b"", [(b"etag", etag)])
    return Answer(200, body, [(b"content-type", request.shape.media), (b"etag", etag)])


async def _terminology(door: Door, request: Request) -> Answer:
    """GET /metadata?mode=terminology: the code lists at hand."""
    async with door.services.pool.bare() as tx:
        stated = await terminology.statement(
            tx, base=request.base, today=datetime.now(UTC).date().isoformat(), version=_release()
        )
    return answers.of_resource(request, stated, door.services.definitions)


def statement(door: Door) -> Resource:
    """What this server does, for any base address."""
    definitions = door.services.definitions
    offered = {route.interaction for route in door.table.routes} | {"batch"}
    offers = door.operations.offers
    rest: Resource = {
        "mode": "server",
        "security": {"cors": bool(door.options.cors_origins)},
        "resource": [
            _resource(name, offered, offers, definitions, door.services.registry)
            if name not in door.services.stores
            else _owned(name, door.services.stores[name], definitions)
            for name in sorted(definitions.resource_types)
        ],
        "interaction": [{"code": code} for code in OF_THE_SYSTEM if code in offered],
        "searchParam": _parameters(_common(definitions, door.services.registry)),
        "operation": [_operation(offer) for offer in offers if offer.fits("system", None)],
        "compartment": [
            f"http://hl7.org/fhir/CompartmentDefinition/{code.lower()}" for code in definitions.compartments
        ],
    }
    return {
        "resourceType": "CapabilityStatement",
        "name": "HSBA",
        "title": "HSBA – hồ sơ bệnh án điện tử",
        "status": "active",
        "date": datetime.now(UTC).date().isoformat(),
        "kind": "instance",
        "software": {"name": "HSBA", "version": _release()},
        "fhirVersion": "4.0.1",
        "format": FORMATS,
        "patchFormat": PATCHES,
        "rest": [{name: value for name, value in rest.items() if value}],
    }


def _smart(base: str) -> Resource:
    """How an app comes in (SMART App Launch 1.0 wrote it here; 2.2 reads .well-known/smart-configuration)."""
    root = base.removesuffix("/fhir").partition("/t/")[0]
    places = ("authorize", "token", "introspect", "revoke")
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": one, "valueUri": f"{root}/oauth/{one}"} for one in places],
            }
        ],
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
    }


def _release() -> str:
    try:
        return version("hsba")
    except PackageNotFoundError:
        return "0"


def _resource(
    name: str,
    offered: set[str],
    offers: tuple[Operation, ...],
    definitions: Definitions,
    registry: Registry,
) -> Resource:
    parameters = _answered(name, definitions, registry)
    references = sorted(code for code, one in parameters.items() if one.type == "reference")
    found: Resource = {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "supportedProfile": _profiles(definitions).get(name, []),
        "documentation": DOCUMENTED.get(name, []),
        "interaction": [{"code": code} for code in OF_A_TYPE if code in offered],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": ["*", *(f"{name}:{code}" for code in references)],
        "searchRevInclude": _referring(name, definitions),
        "searchParam": _parameters(parameters),
        "operation": [
            _operation(offer) for offer in offers if offer.fits("type", name) or offer.fits("instance", name)
        ],
    }
    return {key: value for key, value in found.items() if value != []}


def _owned(name: str, store: OwnStore, definitions: Definitions) -> Resource:
    """A type that is served from a store of its own: read and searched by its own parameters."""
    known = definitions.search_parameters(name)
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "documentation": "Written by this server alone; searched by itself, without chains and includes.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": False,
        "searchParam": _parameters({code: one for code, one in known.items() if code in store.parameters}),
    }


def _answered(name: str, definitions: Definitions, registry: Registry) -> dict[str, SearchParameter]:
    """The search parameters of a type, without those added at run time that a reindex has still to fill."""
    parameters = definitions.search_parameters(name)
    fresh = {code for code, one in parameters.items() if one.url in definitions.added}
    if not fresh:
        return parameters
    known = catalogue(definitions, name).parameters
    wait = {code for code in fresh & known.keys() if registry.waits_for(known[code])}
    return {code: one for code, one in parameters.items() if code not in wait}


def _referring(name: str, definitions: Definitions) -> list[str]:
    """The reference parameters of all types that may lead to this one."""
    made: dict[str, list[str]] = definitions.made(
        "http.metadata", "referring", lambda: _all_referring(definitions)
    )
    return made.get(name, [])


def _all_referring(definitions: Definitions) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for type_ in sorted(definitions.resource_types):
        for code, one in definitions.search_parameters(type_).items():
            if one.type == "reference":
                for target in one.targets or sorted(definitions.resource_types):
                    found.setdefault(target, []).append(f"{type_}:{code}")
    return found


def _profiles(definitions: Definitions) -> dict[str, list[str]]:
    """The profiles of our own packages, by the type they constrain."""

    def find() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for package in definitions.packages:
            for url in () if package.name == CORE else package.urls("StructureDefinition"):
                raw = package.read(url)
                if raw is not None and raw.get("derivation") == "constraint":
                    found.setdefault(raw["type"], []).append(url)
        return found

    return definitions.made("http.metadata", "profiles", find)


def _common(definitions: Definitions, registry: Registry) -> dict[str, SearchParameter]:
    """The search parameters of every type."""
    return {
        code: one
        for code, one in _answered("Patient", definitions, registry).items()
        if {"Resource", "DomainResource"} & set(one.base)
    }


def _parameters(parameters: dict[str, SearchParameter]) -> list[Resource]:
    return [
        {"name": code, "definition": one.url, "type": one.type} for code, one in sorted(parameters.items())
    ]


def _operation(offer: Operation) -> Resource:
    return {"name": offer.name, "definition": offer.definition}
