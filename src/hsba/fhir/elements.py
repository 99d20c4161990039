"""The types of FHIR as tables: what each may contain.

FHIR R4 structuredefinition.html, elementdefinition.html.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Raw = dict[str, Any]

BASE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
_BACKBONES = frozenset({"BackboneElement", "Element"})

# R4 4.0.1 says "string" where its own text says id and uri; the text is followed (resource.html#id,
# references).
_CORRECTED = {"Extension.url": "uri"}


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant of an element.

    Its key, how serious a breach is, what it says, the FHIRPath that decides.
    """

    key: str
    severity: str
    en: str
    expression: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element that may stand in a type under one JSON name."""

    name: str
    path: str
    type: str
    content: str
    choice: str | None
    min: int
    max: int | None
    is_list: bool
    order: int
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    binding: tuple[str, str] | None = None
    constraints: tuple[Constraint, ...] = ()
    representation: str = ""
    regex: str | None = None
    is_modifier: bool = False
    is_summary: bool = False
    """``content`` is the name to ask Definitions.type for its children.

    The datatype, or the backbone's path.
    """


@dataclass(frozen=True, slots=True)
class Type:
    """A resource, datatype, primitive or backbone with its elements by JSON name, in XML order."""

    name: str
    kind: str
    base: str | None
    abstract: bool
    url: str
    elements: dict[str, Element] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """``choices``: for each value[x], "value" → the JSON names it may take."""


def read_types(definition: Raw) -> dict[str, Type]:
    """Make of one StructureDefinition (by its snapshot) the type itself and all its backbones, by name."""
    elements: list[Raw] = definition["snapshot"]["element"]
    root = elements[0]["path"]
    by_path = {one["path"]: one for one in elements}
    parents = {path.rpartition(".")[0] for path in by_path}
    found: dict[str, Type] = {}
    children: dict[str, list[Raw]] = {}
    for one in elements[1:]:
        children.setdefault(one["path"].rpartition(".")[0], []).append(one)
    for path in [root, *sorted(parents - {"", root})]:
        own = by_path[path]
        is_root = path == root
        kind = {"complex-type": "complex", "primitive-type": "primitive"}.get(
            definition["kind"], definition["kind"]
        )
        base = definition.get("baseDefinition", "").rpartition("/")[2] or None
        members, choices = _members(children.get(path, []), by_path, definition["type"])
        found[path] = Type(
            name=path,
            kind=str(kind) if is_root else "backbone",
            base=base if is_root else own["type"][0]["code"],
            abstract=bool(definition.get("abstract")) and is_root,
            url=definition["url"],
            elements=members,
            constraints=read_constraints(own),
            choices=choices,
        )
    return found


def _members(
    raw: list[Raw], by_path: dict[str, Raw], owner: str
) -> tuple[dict[str, Element], dict[str, tuple[str, ...]]]:
    """The elements of one type by JSON name, and its choices."""
    elements: dict[str, Element] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for order, one in enumerate(raw):
        path = one["path"]
        last = path.rpartition(".")[2]
        if last.endswith("[x]"):
            stem = last[:-3]
            names = []
            for allowed in one.get("type", ()):
                name = choice_name(stem, type_code(allowed, path))
                elements[name] = _element(one, allowed, name, stem, order, path)
                names.append(name)
            choices[stem] = tuple(names)
            continue
        if "contentReference" in one:
            target = one["contentReference"].rpartition("#")[2]
            allowed = by_path[target]["type"][0] if target in by_path else {"code": "BackboneElement"}
            elements[last] = _element(one, allowed, last, None, order, target)
            continue
        allowed = one["type"][0]
        if (
            path.count(".") == 1
            and last == "id"
            and allowed["code"].startswith(SYSTEM_TYPE)
            and owner[0].isupper()
        ):
            allowed = _resource_id(allowed, one)
        elements[last] = _element(one, allowed, last, None, order, path)
    return elements, choices


def _resource_id(allowed: Raw, one: Raw) -> Raw:
    """The logical id of a resource is an id, though 4.0.1 calls it a string (resource.html#id)."""
    return {"code": "id"} if one.get("base", {}).get("path") == "Resource.id" else allowed


def _element(one: Raw, allowed: Raw, name: str, choice: str | None, order: int, content_path: str) -> Element:
    code = _CORRECTED.get(one["path"]) or type_code(allowed, one["path"])
    base_max = one.get("base", {}).get("max", one["max"])
    bound = one.get("binding")
    return Element(
        name=name,
        path=one["path"],
        type=code,
        content=content_path if code in _BACKBONES and content_path.count(".") else code,
        choice=choice,
        min=one["min"],
        max=None if one["max"] == "*" else int(one["max"]),
        is_list=base_max not in ("1", "0"),
        order=order,
        targets=tuple(_bare(url) for url in allowed.get("targetProfile", ())),
        profiles=tuple(allowed.get("profile", ())),
        binding=(bound["strength"], bound["valueSet"].partition("|")[0])
        if bound and "valueSet" in bound
        else None,
        constraints=read_constraints(one),
        representation=one.get("representation", [""])[0],
        regex=_regex(allowed),
        is_modifier=bool(one.get("isModifier")),
        is_summary=bool(one.get("isSummary")),
    )


def type_code(allowed: Raw, path: str) -> str:
    """The FHIR type's name, also where the definition speaks of a FHIRPath system type."""
    code: str = allowed["code"]
    if not code.startswith(SYSTEM_TYPE):
        return code
    for extension in allowed.get("extension", ()):
        if extension["url"] == _FHIR_TYPE:
            named: str = extension.get("valueUrl") or extension.get("valueUri") or ""
            if named:
                return named
    if path.endswith(".value"):
        return path.partition(".")[0]
    return code.removeprefix(SYSTEM_TYPE).lower()


def choice_name(stem: str, code: str) -> str:
    """The JSON name of a choice: value + Quantity, value + String (json.html#choice)."""
    return stem + code[0].upper() + code[1:]


def read_constraints(one: Raw) -> tuple[Constraint, ...]:
    """The invariants stated on one ElementDefinition that have an expression."""
    return tuple(
        Constraint(
            raw["key"], raw["severity"], raw.get("human", ""), raw["expression"], raw.get("source", "")
        )
        for raw in one.get("constraint", ())
        if "expression" in raw
    )


def _bare(url: str) -> str:
    """A core type's name instead of its address; other profiles keep theirs."""
    bare = url.removeprefix(BASE)
    return url if "/" in bare else bare


def _regex(allowed: Raw) -> str | None:
    for extension in allowed.get("extension", ()):
        if extension["url"] == _REGEX:
            pattern: str = extension["valueString"]
            return pattern
    return None
