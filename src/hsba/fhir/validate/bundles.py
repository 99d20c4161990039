"""What a Bundle asks of its entries together: addresses that fit, references that lead somewhere.

FHIR R4 bundle.html.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.fhir.validate import references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]

_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_restful = re.compile(r"https?://\S+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})").fullmatch

# Entries of these kinds may have no identity yet.
_WITHOUT_ADDRESS = frozenset({"transaction", "transaction-response", "batch", "batch-response"})

# What a document must bring along (documents.html#content).
_IN_DOCUMENT = ("subject", "encounter", "author", "custodian", "attester.party", "event.detail")
_IN_SECTION = ("author", "focus", "entry")


def check(bundle: Any, at: At, run: Run) -> None:
    """Check the addresses of a bundle's entries, and that a document is complete."""
    kind = bundle.get("type")
    for place, entry in enumerate(_objects(bundle, "entry")):
        here = ((at, "entry"), place)
        address, resource = entry.get("fullUrl"), entry.get("resource")
        if type(resource) is not dict:
            continue
        if type(address) is not str:
            if kind not in _WITHOUT_ADDRESS and not _is_warning(resource):
                run.add("full-url-missing", here)
        elif _absolute(address) is None:
            run.add("full-url-absolute", (here, "fullUrl"), value=address)
        else:
            _agrees(address, resource, here, run)
            if kind not in _WITHOUT_ADDRESS and "id" not in resource and _restful(address):
                run.add("full-url-no-id", (here, "fullUrl"), value=address)
    if kind == "document":
        _document(bundle, at, run)


def _is_warning(resource: Object) -> bool:
    """An OperationOutcome that a search adds to its answer has no identity."""
    return resource.get("resourceType") == "OperationOutcome"


def _agrees(address: str, resource: Object, here: At, run: Run) -> None:
    """A RESTful fullUrl ends in the type and id of its resource (bundle.html#bundle-unique)."""
    match = _restful(address)
    known, kind = resource.get("id"), resource.get("resourceType")
    if match is None or match.group(1) not in run.definitions.resource_types or type(known) is not str:
        return
    if match.group(2) != known or match.group(1) != kind:
        run.add("full-url-id", (here, "fullUrl"), value=address, id=f"{kind}/{known}")


def _document(bundle: Object, at: At, run: Run) -> None:
    """What the Composition of a document refers to is in the bundle."""
    first = next(_objects(bundle, "entry"), {})
    composition = first.get("resource")
    if type(composition) is not dict or composition.get("resourceType") != "Composition":
        return
    here = (((at, "entry"), 0), "resource")

    def follow() -> None:
        for path in _IN_DOCUMENT:
            _present(composition, path, here, run)
        for section, place in _sections(composition, here):
            for path in _IN_SECTION:
                _present(section, path, place, run)

    run.inside(composition, follow)


def _sections(owner: Object, at: At) -> Iterator[tuple[Object, At]]:
    for place, section in enumerate(_objects(owner, "section")):
        here = ((at, "section"), place)
        yield section, here
        yield from _sections(section, here)


def _present(owner: Object, path: str, at: At, run: Run) -> None:
    """Note references at a path that lead to nothing in the bundle."""
    name, _, rest = path.partition(".")
    value = owner.get(name)
    many: list[Any] = value if type(value) is list else [value]
    for place, one in enumerate(many):
        here: At = ((at, name), place) if many is value else (at, name)
        if type(one) is not dict:
            continue
        if rest:
            _present(one, rest, here, run)
            continue
        address = one.get("reference")
        if type(address) is str and address[:1] != "#" and references.resolve(address, run) is None:
            run.add("reference-bundle", (here, "reference"), value=address)


def _objects(owner: Object, name: str) -> Iterator[Object]:
    found = owner.get(name)
    return (each for each in (found if type(found) is list else ()) if type(each) is dict)
