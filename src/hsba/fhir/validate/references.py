"""References: their form, where they lead, and whether they may lead there (FHIR R4 references.html)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]

_relative = re.compile(
    r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
).fullmatch
_absolute = re.compile(
    r"https?://\S+?/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
).fullmatch
_conditional = re.compile(r"([A-Z][A-Za-z]+)\?\S+").fullmatch
_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match

ANY = ("Resource",)


def check(one: Object, targets: tuple[str, ...], at: At, run: Run) -> None:
    """Check one Reference: its form, that what is inside is there, and the type it leads to."""
    address = one.get("reference")
    said = one.get("type")
    found: str | None = None
    if type(address) is str:
        found = _lead(address, at, run)
    if type(said) is str:
        bare = (
            said.rpartition("/")[2] if said.startswith("http://hl7.org/fhir/StructureDefinition/") else said
        )
        if bare not in run.definitions.resource_types:
            if "/" not in said:
                run.add("reference-unknown-type", (at, "type"), value=said)
        elif found is None:
            found = bare
        elif found != bare:
            run.add("reference-type", at, said=bare, found=found)
    if found is not None and found not in targets and not _any(targets):
        run.add("reference-target", at, found=found, allowed=targets)


def _any(targets: tuple[str, ...]) -> bool:
    return not targets or "Resource" in targets


def _lead(address: str, at: At, run: Run) -> str | None:
    """The resource type an address leads to, as far as it shows; what is inside must be there."""
    if address[:1] == "#":
        return _lead_inside(address, at, run)
    match = _relative(address)
    if match is not None:
        name = match.group(1)
        if name not in run.definitions.resource_types:
            run.add("reference-form", (at, "reference"), value=address)
            return None
        if run.scope.full_urls:
            _match_in_bundle(address, name, at, run)
        return name
    inside = run.scope.full_urls.get(address)
    if inside is not None:
        name = inside.get("resourceType")
        return name if type(name) is str else None
    match = _absolute(address) or _conditional(address)
    if match is not None and match.group(1) in run.definitions.resource_types:
        return match.group(1)
    if _scheme(address) is None:
        run.add("reference-form", (at, "reference"), value=address)
    return None


def _match_in_bundle(address: str, name: str, at: At, run: Run) -> None:
    """A relative address that leads to an entry of the bundle says the type of what is there."""
    target = resolve(address, run)
    if target is not None and target.get("resourceType") != name:
        run.add("reference-mismatch", (at, "reference"), value=address, found=target.get("resourceType"))


def _lead_inside(address: str, at: At, run: Run) -> str | None:
    """Where "#id" leads: a contained resource; "#" alone is the container (references.html#contained)."""
    scope = run.scope
    target = scope.container if address == "#" else scope.contained.get(address[1:])
    if target is None:
        run.add("reference-contained", (at, "reference"), value=address)
        return None
    name = target.get("resourceType")
    return name if type(name) is str else None


def resolve(address: object, run: Run) -> Object | None:
    """The resource an address leads to, when it lies inside the resource or the bundle at hand."""
    if type(address) is not str:
        return None
    if address[:1] == "#":
        return run.scope.container if address == "#" else run.scope.contained.get(address[1:])
    if not run.scope.full_urls:
        return None
    bare = address.partition("/_history/")[0]
    urls = run.scope.full_urls
    if bare in urls:
        return urls[bare]
    match = _relative(address)
    if match is None or not urls:
        return None
    base = base_of(run.scope.entry_url)
    return urls.get(f"{base}{match.group(1)}/{match.group(2)}") if base is not None else None


def base_of(full_url: str) -> str | None:
    """The server's address in a RESTful fullUrl: http://x/fhir/Patient/1 → http://x/fhir/."""
    match = _absolute(full_url)
    return full_url[: match.start(1)] if match is not None else None


def type_of(one: Any, run: Run) -> str | None:
    """The resource type a Reference leads to, as far as it can be told without reading the target."""
    if type(one) is not dict:
        return None
    address, said = one.get("reference"), one.get("type")
    if type(address) is str:
        target = resolve(address, run)
        if target is not None:
            name = target.get("resourceType")
            return name if type(name) is str else None
        match = _relative(address) or _absolute(address) or _conditional(address)
        if match is not None and match.group(1) in run.definitions.resource_types:
            return match.group(1)
    return said if type(said) is str and said in run.definitions.resource_types else None
