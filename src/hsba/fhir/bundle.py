"""How the entries of a bundle point to each other, and how those pointers follow the ids a server gives.

FHIR R4 http.html#trules: links are replaced in references, in elements of type uri, url, oid and uuid, and in the
narrative's href and src; canonical elements are not.  Nothing is changed in place: a transaction that is tried again
starts from the bundle as it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions

Resource = dict[str, Any]

_restful = re.compile(r"(https?://\S+/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})").fullmatch
_relative = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}").fullmatch
_condition = re.compile(r"[A-Z][A-Za-z]+\?.").match
_link = re.compile(r"""(\b(?:href|src)\s*=\s*)(["'])(.*?)\2""", re.DOTALL)

LINKED = frozenset({"uri", "url", "oid", "uuid"})
"""Types of elements, beside references, that may hold a link to another entry."""


def root_of(full_url: str | None) -> str | None:
    """The server's address in a RESTful fullUrl: http://x/fhir/Patient/1 → http://x/fhir/."""
    found = _restful(full_url) if full_url else None
    return found[1] if found else None


def without_version(address: str) -> str:
    """An address without the version it may name."""
    return address.partition("/_history/")[0]


@dataclass(slots=True)
class Links:
    """Where addresses of entries (and conditional references) lead: `Type/id`, and to which version if one is asked for."""

    targets: dict[str, str]
    versions: dict[str, int] = field(default_factory=dict)
    conditions: set[str] = field(default_factory=set)
    """Conditional references met that lead nowhere yet: `Patient?identifier=…`."""

    def follow(self, resource: Resource, full_url: str | None, definitions: Definitions) -> Resource:
        """The resource with its links replaced; the same object when there were none."""
        walk = _Walk(self, root_of(full_url))
        found: Resource = walk.node(resource)
        if walk.elsewhere:
            found = _follow_typed(found, resource["resourceType"], self.targets, definitions)
        return found

    def reference(self, address: str, root: str | None) -> str:
        """Where a reference leads; itself when that is nowhere in the bundle."""
        found = self.targets.get(address)
        if found is not None:
            return found
        if "?" in address:
            if _condition(address):
                self.conditions.add(address)
            return address
        bare = without_version(address)
        if root is not None and _relative(bare):
            found = self.targets.get(root + bare)
        elif bare is not address:
            found = self.targets.get(bare)
        if found is None:
            return address
        if len(bare) == len(address):
            return found
        version = self.versions.get(found)
        return found if version is None else f"{found}/_history/{version}"


class _Walk:
    """One pass over a resource: references and narrative are replaced, other places that hold a link only noticed."""

    __slots__ = ("elsewhere", "links", "root", "targets")

    def __init__(self, links: Links, root: str | None) -> None:
        self.links = links
        self.targets = links.targets
        self.root = root
        self.elsewhere = False

    def node(self, value: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] | None = None
        for name, one in value.items():
            kind = type(one)
            if kind is str:
                if name == "reference":
                    new: Any = self.links.reference(one, self.root)
                elif name == "div":
                    new = self.narrative(one)
                else:
                    if one in self.targets:
                        self.elsewhere = True
                    continue
            elif kind is dict:
                new = self.node(one)
            elif kind is list:
                new = self.items(one)
            else:
                continue
            if new is not one:
                if changed is None:
                    changed = dict(value)
                changed[name] = new
        return value if changed is None else changed

    def items(self, value: list[Any]) -> list[Any]:
        changed: list[Any] | None = None
        for place, one in enumerate(value):
            kind = type(one)
            if kind is dict:
                new: Any = self.node(one)
            elif kind is list:
                new = self.items(one)
            else:
                if kind is str and one in self.targets:
                    self.elsewhere = True
                continue
            if new is not one:
                if changed is None:
                    changed = list(value)
                changed[place] = new
        return value if changed is None else changed

    def narrative(self, div: str) -> str:
        if "href" not in div and "src" not in div:
            return div

        def replaced(match: re.Match[str]) -> str:
            return f"{match[1]}{match[2]}{self.targets.get(match[3], match[3])}{match[2]}"

        new = _link.sub(replaced, div)
        return div if new == div else new


def _follow_typed(value: Any, type_: str, targets: dict[str, str], definitions: Definitions) -> Any:
    """Replace links in elements whose type says that they are one; slower, so only where a link was noticed."""
    elements = definitions.type(type_).elements
    found: dict[str, Any] = {}
    for name, one in value.items():
        element = elements.get(name)
        if element is None:
            found[name] = one
            continue
        many = one if type(one) is list else [one]
        new = []
        for each in many:
            if type(each) is dict:
                inner = each.get("resourceType") if element.type == "Resource" else element.content
                new.append(_follow_typed(each, inner, targets, definitions) if inner else each)
            elif type(each) is str and element.type in LINKED:
                new.append(targets.get(each, each))
            else:
                new.append(each)
        found[name] = new if type(one) is list else new[0]
    return found
