"""Profiles: what they ask beyond the base type, compiled once and kept with the definitions.

FHIR R4 profiling.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.validate.items import NOTHING
from hsba.fhir.validate.nodes import Broken, Node, is_profile, tree

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.fhir.validate.demands import Check
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]


class Profile:
    """One StructureDefinition, ready to check values against."""

    def __init__(self, definition: Object, definitions: Definitions) -> None:
        """Read the definition's tree; it is compiled when the first value is checked."""
        self.url: str = definition["url"]
        self.type: str = definition["type"]
        self.definitions = definitions
        self.constrains = is_profile(definition)
        self.broken = ""
        self.root = Node(self.type, self.type)
        if self.constrains:
            try:
                self.root = tree(definition, definitions)
            except Broken as exc:
                self.broken = str(exc)
        elements = (definition.get("snapshot") or definition.get("differential") or {}).get("element") or [{}]
        self.is_modifier = bool(elements[0].get("isModifier"))
        self.contexts = tuple(
            (each["type"], each["expression"])
            for each in definition.get("context", ())
            if "type" in each and "expression" in each
        )
        self.elements = frozenset(expression for kind, expression in self.contexts if kind == "element")
        self.context_rules: tuple[str, ...] = tuple(definition.get("contextInvariant", ()))
        self._check: Check | None = None

    def check(self, value: Any, kind: str, at: At, run: Run) -> None:
        """Note what of this profile a value (of a type) does not keep."""
        if kind != self.type and not self.definitions.is_a(kind, self.type):
            run.add("profile-wrong-type", at, url=self.url, allowed=self.type, found=kind)
            return
        if self.broken:
            run.add("profile-broken", at, url=self.url, detail=self.broken)
        if self.broken or not self.constrains:
            return
        mark = (id(value), self.url)
        if mark in run.stack:
            return
        if self._check is None:
            from hsba.fhir.validate.demands import compiled  # noqa: PLC0415 - demands ask for profiles again

            self._check = compiled(self.root, self.definitions)
        before, run.stack = run.stack, (*run.stack, mark)
        try:
            self._check(value, NOTHING, kind, at, run)
        finally:
            run.stack = before


def find(url: str, run: Run) -> Profile | None:
    """The profile with this canonical address, for the definitions of a run; None when it is not loaded."""
    return profile(url, run.definitions)


def profile(url: str, definitions: Definitions) -> Profile | None:
    """The profile with this canonical address, made once; None when no package has it."""
    bare = url.partition("|")[0]
    known: Profile | None = definitions.already("profile", bare)
    if known is not None or not definitions.has(bare):
        return known

    def make() -> Profile | None:
        definition = definitions.read(bare)
        if definition is None or definition["resourceType"] != "StructureDefinition":
            return None
        return Profile(definition, definitions)

    return definitions.made("profile", bare, make)


def declared(resource: Object, at: At, run: Run) -> None:
    """Check a resource against the profiles its meta names; one that is not loaded is a warning."""
    meta = resource.get("meta")
    urls = meta.get("profile") if type(meta) is dict else None
    for place, url in enumerate(urls if type(urls) is list else ()):
        if type(url) is str:
            named(url, resource, at, (((at, "meta"), "profile"), place), run)


def named(url: str, resource: Object, at: At, said_at: At, run: Run) -> None:
    """Check a resource against one profile by address."""
    found = find(url, run)
    if found is None:
        run.add("profile-unknown", said_at, url=url)
    else:
        found.check(resource, resource["resourceType"], at, run)


def fits(urls: tuple[str, ...], value: Any, kind: str, at: At, run: Run) -> bool | None:
    """Whether a value keeps one of the profiles; None when that depends on one that is not loaded."""
    unknown = False
    for url in urls:
        found = find(url, run)
        if found is None or found.broken:
            unknown = True
        elif _keeps(found, value, kind, at, run):
            return True
    return None if unknown else False


def _keeps(found: Profile, value: Any, kind: str, at: At, run: Run) -> bool:
    """Whether a value keeps a profile, on trial."""
    return not any(issue.blocks for issue in run.attempt(lambda: found.check(value, kind, at, run)))
