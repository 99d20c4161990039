"""A profile as a sparse tree: only what it, or a profile it is based on, says beyond the base type.

FHIR R4 profiling.html.

The rules of the base type are checked once for all, so a tree holds what the differentials say, merged along
the derivation.  A profile that brings only a snapshot is read from that.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hsba.fhir.elements import BASE, read_constraints, type_code

if TYPE_CHECKING:
    from hsba.fhir.definitions import Constraint, Definitions

Raw = dict[str, Any]

MAX_DERIVATION = 20


class Broken(Exception):
    """The profile cannot be understood."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One type an element may have.

    With the profiles its values, or the targets of its references, follow.
    """

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a list is divided: by which (type, path) discriminators, how strictly."""

    discriminators: tuple[tuple[str, str], ...]
    rules: str
    ordered: bool


@dataclass(slots=True)
class Node:
    """What a profile says of one element, or of one slice of it."""

    name: str
    path: str = ""
    slice: str | None = None
    min: int | None = None
    max: int | None = None
    unbounded: bool = True
    types: tuple[Allowed, ...] | None = None
    fixed: Any = None
    pattern: Any = None
    binding: tuple[str, str] | None = None
    max_binding: str | None = None
    max_length: int | None = None
    least: Any = None
    most: Any = None
    constraints: list[Constraint] = field(default_factory=list)
    slicing: Slicing | None = None
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)

    def child(self, name: str) -> Node:
        """The node of a child element, made when it is not there."""
        found = self.children.get(name)
        if found is None:
            found = self.children[name] = Node(name, f"{self.path}.{name}")
        return found

    def sliced(self, name: str) -> Node:
        """The node of a slice, made when it is not there; a/b is a slice b of the slice a."""
        outer, cut, _ = name.rpartition("/")
        owner = self.slices[outer] if cut and outer in self.slices else self
        found = owner.slices.get(name)
        if found is None:
            found = owner.slices[name] = Node(self.name, self.path, name)
        return found


def tree(definition: Raw, definitions: Definitions, depth: int = 0) -> Node:
    """The tree of a profile, its bases merged below it."""
    if depth > MAX_DERIVATION:
        raise Broken("its derivation has no end")
    root = _base(definition, definitions, depth)
    elements: list[Raw] = (definition.get("differential") or {}).get("element") or []
    if not elements:
        elements = (definition.get("snapshot") or {}).get("element") or []
    merge(root, elements, definition["type"], definitions)
    return root


def is_profile(definition: Raw) -> bool:
    """Whether a definition limits a type rather than being the type itself."""
    return definition.get("derivation") == "constraint" or definition["url"] != BASE + definition["type"]


def _base(definition: Raw, definitions: Definitions, depth: int) -> Node:
    url = definition.get("baseDefinition")
    if url is None:
        return Node(definition["type"], definition["type"])
    base = definitions.read(url)
    if base is None:
        raise Broken(f"its base {url} is not loaded")
    if is_profile(base):
        inherited: Node = definitions.made(
            "tree", url.partition("|")[0], lambda: tree(base, definitions, depth + 1)
        )
        return deepcopy(inherited)
    return Node(definition["type"], definition["type"])


def merge(root: Node, elements: list[Raw], type: str, definitions: Definitions) -> None:
    """Lay the elements of a differential over a tree."""
    last: dict[str, str] = {}
    for one in elements:
        _must_exist(one["path"], type, definitions)
        node = root
        steps = _steps(one, last)
        for name, slice_name in steps:
            node, slice_ = _step(node, name, slice_name, definitions, type)
            if slice_ is not None:
                node = node.sliced(slice_)
        _lay(node, one, _own_constraints(one, definitions))


def _must_exist(path: str, type: str, definitions: Definitions) -> None:
    """Refuse a profile that speaks of an element its type does not have; it would ask for the impossible."""
    current = type
    for step in path.split(".")[1:]:
        if not definitions.knows(current):
            return
        kind = definitions.type(current)
        names = kind.choices.get(step.removesuffix("[x]"), (step,))
        element = kind.elements.get(names[0])
        if element is None:
            raise Broken(f"{current} has no element {step}")
        if element.content == "Resource" or len(names) > 1:
            return
        current = element.content


def _step(
    node: Node,
    name: str,
    slice_name: str | None,
    definitions: Definitions,
    type: str,
) -> tuple[Node, str | None]:
    """One step down; valueQuantity is the slice of value[x] that is a Quantity.

    Profiling.html#typeslicing.
    """
    if slice_name is None and not name.endswith("[x]") and name not in node.children:
        stem = choice_of(f"{node.path}.{name}", definitions, type)
        if stem is not None:
            owner = node.child(f"{stem}[x]")
            made = owner.sliced(name)
            code = name[len(stem) :]
            if made.types is None:
                made.types = (Allowed(_type_named(code, definitions)),)
            if owner.slicing is None:
                owner.slicing = Slicing((("type", "$this"),), "open", ordered=False)
            return owner, name
    return node.child(name), slice_name


def _type_named(code: str, definitions: Definitions) -> str:
    lower = code[0].lower() + code[1:]
    return lower if lower in definitions.primitives else code


def choice_of(path: str, definitions: Definitions, type: str) -> str | None:
    """For a path like Observation.valueQuantity the stem of the choice it names, here value; else None."""
    current = type
    *steps, last = path.split(".")[1:]
    for step in steps:
        kind = definitions.type(current)
        names = kind.choices.get(step.removesuffix("[x]"), (step,))
        element = kind.elements.get(names[0])
        if element is None or len(names) > 1 or element.content == "Resource":
            return None
        current = element.content
    found = definitions.child(current, last)
    return found.choice if found is not None else None


def _steps(one: Raw, last: dict[str, str]) -> list[tuple[str, str | None]]:
    """The steps (element, slice) below the root.

    By the id where it fits the path, else by path and slice names.
    """
    path: str = one["path"]
    identifier = one.get("id")
    names = path.split(".")
    if isinstance(identifier, str):
        found = [_split(step) for step in identifier.split(".")]
        if len(found) == len(names) and all(
            mine == theirs or theirs.endswith("[x]") or mine.endswith("[x]")
            for (mine, _), theirs in zip(found[1:], names[1:], strict=True)
        ):
            return found[1:]
    prefix = ""
    steps: list[tuple[str, str | None]] = []
    for place, name in enumerate(names[1:], 1):
        prefix = f"{prefix}.{name}"
        if place == len(names) - 1:
            slice_name = one.get("sliceName")
            for each in [each for each in last if each == prefix or each.startswith(prefix + ".")]:
                del last[each]
            if slice_name is not None:
                last[prefix] = slice_name
            steps.append((name, slice_name))
        else:
            steps.append((name, last.get(prefix)))
    return steps


def _split(step: str) -> tuple[str, str | None]:
    name, cut, slice_name = step.partition(":")
    return name, slice_name if cut else None


def _own_constraints(one: Raw, definitions: Definitions) -> list[Constraint]:
    """The invariants a profile adds; what the base type says already is left to the base."""
    return [
        each
        for each in read_constraints(one)
        if each.key not in ("ele-1", "ext-1")
        and not _says_already(each, (one.get("base") or {}).get("path") or one["path"], definitions)
    ]


def _says_already(constraint: Constraint, path: str, definitions: Definitions) -> bool:
    """Whether the base type, or the element of it, states this very invariant."""
    owner, _, name = path.rpartition(".")
    stated: list[Constraint] = []
    if owner and definitions.knows(owner):
        element = definitions.child(owner, name)
        stated.extend(element.constraints if element is not None else ())
    if definitions.knows(path):
        stated.extend(definitions.type(path).constraints)
    return any((each.key, each.expression) == (constraint.key, constraint.expression) for each in stated)


def _lay(node: Node, one: Raw, constraints: list[Constraint]) -> None:
    """Lay what one ElementDefinition says over what is known of its element."""
    if "min" in one:
        node.min = one["min"]
    if "max" in one:
        node.unbounded = one["max"] == "*"
        node.max = None if node.unbounded else int(one["max"])
    if "type" in one:
        node.types = tuple(_allowed(each, one["path"]) for each in one["type"])
    for key, value in one.items():
        for prefix, attribute in _VALUES:
            if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
                setattr(node, attribute, (key[len(prefix) :], value))
    bound = one.get("binding")
    if bound and "valueSet" in bound:
        node.binding = (bound["strength"], bound["valueSet"].partition("|")[0])
        node.max_binding = _max_value_set(bound)
    if "maxLength" in one:
        node.max_length = one["maxLength"]
    known = {each.key for each in node.constraints}
    node.constraints.extend(each for each in constraints if each.key not in known)
    if "slicing" in one:
        node.slicing = Slicing(
            tuple((each["type"], each["path"]) for each in one["slicing"].get("discriminator", ())),
            one["slicing"].get("rules", "open"),
            bool(one["slicing"].get("ordered")),
        )


_VALUES = (("fixed", "fixed"), ("pattern", "pattern"), ("minValue", "least"), ("maxValue", "most"))

_MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"


def _max_value_set(bound: Raw) -> str | None:
    """The list no code may leave, beside an extensible or preferred one."""
    for each in bound.get("extension", ()):
        if each.get("url") == _MAX_VALUE_SET:
            found: str | None = each.get("valueCanonical") or each.get("valueUri")
            return found
    return None


def _allowed(one: Raw, path: str) -> Allowed:
    return Allowed(
        type_code(one, path),
        tuple(one.get("profile", ())),
        tuple(one.get("targetProfile", ())),
        tuple(one.get("aggregation", ())),
    )
