"""The functions that FHIR adds to FHIRPath (FHIR R4 fhirpath.html#functions)."""

from __future__ import annotations

import re
from typing import Any

from hsba.fhir import xhtml
from hsba.fhir.fhirpath.functions.kinds import Function, plain
from hsba.fhir.fhirpath.items import EMPTY, FALSE, TRUE, one, one_text, truth
from hsba.fhir.fhirpath.members import Step, member
from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.scope import Items, Node, Scope

_BASE = "http://hl7.org/fhir/StructureDefinition/"
_ADDRESS = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
_extensions: Step = member("extension")


def negate(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """True for false and the other way round; nothing for nothing."""
    answer = truth(items)
    return EMPTY if answer is None else (not answer,)


def extension(scope: Scope, items: Items, url: Items) -> Items:
    """The extensions with this address."""
    wanted = one_text(scope, url)
    return [
        one for one in _extensions(scope, items) if type(one.value) is dict and one.value.get("url") == wanted
    ]


def has_extension(scope: Scope, items: Items, url: Items) -> Items:
    """Whether there is an extension with this address."""
    return TRUE if extension(scope, items, url) else FALSE


def _has_value(item: Any) -> bool:
    return type(item) is not Node or (item.value is not None and type(item.value) is not dict)


def has_value(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """Whether there is one primitive, and it has a value besides its extensions."""
    return (len(items) == 1 and _has_value(items[0]),)


def get_value(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """The system value of the one primitive, if it has one."""
    if len(items) != 1 or not _has_value(items[0]):
        return EMPTY
    item = items[0]
    return (item.value if type(item) is Node else item,)


def resolve(scope: Scope, items: Items) -> Items:
    """What references point to; what cannot be reached is left out.

    Without a callback a target is known by the type and id in its address, which is all that
    ``resolve() is Patient`` asks.
    """
    found = []
    for item in items:
        value = item.value if type(item) is Node else item
        address = value.get("reference") if type(value) is dict else value
        if type(address) is str and address:
            target = _target(scope, item, address)
            if target is not None:
                found.append(target)
    return found


def _target(scope: Scope, item: Any, address: str) -> Node | None:
    container = scope.root or scope.resource or _top(item)
    if address.startswith("#"):
        return _contained(container, address[1:])
    if container.get("resourceType") == "Bundle":
        for entry in container.get("entry", ()):
            full = entry.get("fullUrl", "")
            if "resource" in entry and (full == address or (full.endswith("/" + address) and "://" in full)):
                return Node(entry["resource"])
    if scope.resolve is not None:
        resource = scope.resolve(address)
        return None if resource is None else Node(resource)
    known = _ADDRESS.search(address)
    return Node({"resourceType": known[1], "id": known[2]}) if known else None


def _top(item: Any) -> dict[str, Any]:
    node = item
    while type(node) is Node and node.parent is not None:
        node = node.parent
    return node.value if type(node) is Node and type(node.value) is dict else {}


def _contained(container: dict[str, Any], identity: str) -> Node | None:
    if not identity:
        return Node(container)
    for resource in container.get("contained", ()):
        if type(resource) is dict and resource.get("id") == identity:
            return Node(resource)
    return None


def member_of(scope: Scope, items: Items, value_set: Items) -> Items:
    """Whether the code, Coding or CodeableConcept is in a value set; nothing when nobody can tell."""
    item, url = one(items), one_text(scope, value_set)
    if item is None or url is None:
        return EMPTY
    value = item.value if type(item) is Node else item
    if type(value) is dict:
        codings = value.get("coding", [value])
        pairs = [(coding.get("system"), coding["code"]) for coding in codings if "code" in coding]
    else:
        pairs = [(None, value)]
    answers = [_is_member(scope, system, code, url) for system, code in pairs]
    if True in answers:
        return TRUE
    return EMPTY if None in answers else FALSE


def _is_member(scope: Scope, system: str | None, code: str, url: str) -> bool | None:
    if scope.codes is not None:
        return scope.codes(system, code, url)
    known = scope.definitions.value_set_codes(url)
    if known is None:
        return None
    return (system, code) in known if system is not None else any(code == each for _, each in known)


def conforms_to(scope: Scope, items: Items, profile: Items) -> Items:
    """Whether the item conforms to a profile; without a callback only the types of FHIR itself are known."""
    item, url = one(items), one_text(scope, profile)
    if item is None or url is None:
        return EMPTY
    if type(item) is Node and type(item.value) is dict and scope.conforms is not None:
        answer = scope.conforms(item.value, url)
        if answer is not None:
            return (answer,)
    name = url.removeprefix(_BASE)
    if type(item) is Node and "/" not in name and scope.is_defined(name):
        return (scope.is_a(scope.type_of(item), name),)
    raise Refused(f"The profile {url} is not known.", f"Không biết hồ sơ mẫu {url}.")


def html_checks(scope: Scope, items: Items) -> Items:  # noqa: ARG001
    """Whether the narrative holds only what FHIR allows (narrative.html)."""
    for item in items:
        value = item.value if type(item) is Node else item
        if type(value) is str and xhtml.faults(value):
            return FALSE
    return TRUE


TABLE: dict[str, Function] = {
    "not": plain(negate),
    "extension": plain(extension, 1),
    "hasExtension": plain(has_extension, 1),
    "hasValue": plain(has_value),
    "getValue": plain(get_value),
    "resolve": plain(resolve),
    "memberOf": plain(member_of, 1),
    "conformsTo": plain(conforms_to, 1),
    "htmlChecks": plain(html_checks),
}
