"""Slices: which entry of a list is of which kind, how many of each, in which order.

FHIR R4 profiling.html#slicing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir.validate import profiles, references, values
from hsba.fhir.validate.items import items as _items
from hsba.fhir.validate.nodes import Node, Slicing, is_profile, tree

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.fhir.validate.demands import Check
    from hsba.fhir.validate.items import Item
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]
Test = Callable[[Any, Object, str, "At", "Run"], bool]
"""Whether one value is of a slice, by one discriminator."""

Compile = Callable[[Node, "Definitions"], "Check"]

_EXTENSIONS = frozenset({"extension", "modifierExtension"})
_BY_URL = Slicing((("value", "url"),), "open", ordered=False)
_BY_CONTENT = Slicing((), "open", ordered=False)
_steps = re.compile(
    r"\$this|resolve\(\)|(?:ofType|as)\(([^)]*)\)|extension\(['\"]([^'\"]*)['\"]\)|[A-Za-z\[\]]+"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One slice: the tests that tell its entries, how many there may be, what is asked of each."""

    name: str
    tests: tuple[Test, ...]
    least: int
    most: int | None
    node: Node
    check: Check
    inner: Divided | None


class Divided:
    """A list divided into slices."""

    def __init__(self, label: str, slicing: Slicing, kinds: tuple[Kind, ...]) -> None:
        """Keep the slices in their order."""
        self.label = label
        self.kinds = kinds
        self.rules = slicing.rules
        self.ordered = slicing.ordered

    def check(self, items: list[Item], at: At, run: Run) -> None:
        """Tell each entry's slice, and note what is wrong with it, with their numbers and their order."""
        counts = [0] * len(self.kinds)
        members: list[list[Item]] = [[] for _ in self.kinds]
        latest, loose = 0, False
        for item in items:
            value, beside, kind, place = item
            for index, slice_ in enumerate(self.kinds):
                if all(test(value, beside, kind, place, run) for test in slice_.tests):
                    counts[index] += 1
                    members[index].append(item)
                    if self.ordered and index < latest:
                        run.add("slice-order", place, slice=slice_.name)
                    latest = max(latest, index)
                    if loose and self.rules == "openAtEnd":
                        run.add("slice-open-at-end", place)
                    slice_.check(value, beside, kind, place, run)
                    break
            else:
                loose = True
                if self.rules == "closed":
                    run.add("slice-none", place, slices=tuple(each.name for each in self.kinds))
        for slice_, count, own in zip(self.kinds, counts, members, strict=True):
            if count < slice_.least:
                run.add(
                    "slice-missing", at, name=self.label, slice=slice_.name, min=slice_.least, found=count
                )
            if slice_.most is not None and count > slice_.most:
                run.add(
                    "slice-too-many", at, name=self.label, slice=slice_.name, max=slice_.most, found=count
                )
            if slice_.inner is not None and own:
                slice_.inner.check(own, at, run)


def divide(node: Node, definitions: Definitions, compile_: Compile) -> Divided | None:
    """The slices of a node, with the tests that tell them apart."""
    slicing = node.slicing or (_BY_URL if node.name in _EXTENSIONS else _BY_CONTENT)
    kinds = []
    for slice_ in node.slices.values():
        check = _once(slice_, definitions, compile_)
        tests = [
            test
            for kind, path in slicing.discriminators
            if (test := _test(kind, path, slice_, definitions, compile_)) is not None
        ]
        if not tests:
            tests = [_conforms(check)]
        inner = divide(slice_, definitions, compile_) if slice_.slices else None
        kinds.append(
            Kind(slice_.slice or "", tuple(tests), slice_.min or 0, slice_.max, slice_, check, inner)
        )
    return Divided(node.path, slicing, tuple(kinds))


def _once(node: Node, definitions: Definitions, compile_: Compile) -> Check:
    """The check of a slice, compiled when the first entry of it comes."""
    known: Check | None = None

    def check(value: Any, beside: Object, kind: str, at: At, run: Run) -> None:
        nonlocal known
        if known is None:
            known = compile_(node, definitions)
        known(value, beside, kind, at, run)

    return check


def _conforms(check: Check) -> Test:
    """Where nothing else tells the slice: an entry that keeps all it asks is of it."""
    return lambda value, beside, kind, at, run: (
        not any(issue.blocks for issue in run.attempt(lambda: check(value, beside, kind, at, run)))
    )


def _test(
    discriminator: str, path: str, slice_: Node, definitions: Definitions, compile_: Compile
) -> Test | None:
    """The test of one discriminator for one slice; None when the slice says nothing at that path."""
    steps = _parse(path)
    wanted = _expected(slice_, steps, definitions)
    if discriminator in ("value", "pattern"):
        return _by_value(steps, wanted, slice_, definitions, compile_)
    if discriminator == "exists":
        return _by_existence(steps, wanted)
    if discriminator == "type":
        return _by_type(steps, wanted)
    if discriminator == "profile":
        return _by_profile(steps, wanted)
    return None


Step = tuple[str, str]
"""("element", name), ("resolve", ""), ("type", name) or ("extension", url)."""


def _parse(path: str) -> tuple[Step, ...]:
    """A discriminator's path in steps (the restricted FHIRPath of profiling.html#discriminator)."""
    found: list[Step] = []
    for match in _steps.finditer(path):
        text = match.group(0)
        if text == "$this":
            continue
        if text == "resolve()":
            found.append(("resolve", ""))
        elif match.group(1) is not None:
            found.append(("type", match.group(1).removeprefix("FHIR.")))
        elif match.group(2) is not None:
            found.append(("extension", match.group(2)))
        else:
            found.append(("element", text.removesuffix("[x]")))
    return tuple(found)


def _expected(node: Node, steps: tuple[Step, ...], definitions: Definitions) -> list[Node]:
    """The nodes that say what stands at a path below a slice, those of its types' profiles included."""
    here = [node]
    for kind, name in steps:
        there: list[Node] = []
        for one in here:
            there.extend(_below(one, kind, name, definitions))
        here = there
    return here


def _below(node: Node, kind: str, name: str, definitions: Definitions) -> list[Node]:
    owners = [node, *_profiled(node, definitions)]
    if kind == "type":
        return [
            each
            for owner in owners
            for each in (owner, *owner.slices.values())
            if each.types is None or any(allowed.code == name for allowed in each.types)
        ]
    if kind == "resolve":
        urls = [url for owner in owners for allowed in owner.types or () for url in allowed.targets]
        return [found for url in urls if (found := _root(url, definitions)) is not None]
    if kind == "extension":
        return [
            each
            for owner in owners
            if "extension" in owner.children
            for each in owner.children["extension"].slices.values()
            if name in _extension_urls(each)
        ]
    below: list[Node] = []
    for owner in owners:
        for key in (name, name + "[x]"):
            child = owner.children.get(key)
            if child is not None:
                below.append(child)
                below.extend(child.slices.values() if key.endswith("[x]") else ())
    if not below and name == "url":
        below = [_fixed_url(url) for owner in owners for url in _extension_urls(owner)]
    return below


def _fixed_url(url: str) -> Node:
    made = Node("url", "Extension.url")
    made.fixed = ("Uri", url)
    return made


def _extension_urls(node: Node) -> list[str]:
    """The addresses by which an extension slice is told: fixed, or that of its definition."""
    child = node.children.get("url")
    if child is not None and child.fixed is not None:
        return [child.fixed[1]]
    return [
        url.partition("|")[0]
        for allowed in node.types or ()
        if allowed.code == "Extension"
        for url in allowed.profiles
    ]


def _profiled(node: Node, definitions: Definitions) -> list[Node]:
    """The roots of the profiles a node's types name."""
    return [
        found
        for allowed in node.types or ()
        for url in allowed.profiles
        if (found := _root(url, definitions)) is not None
    ]


def _root(url: str, definitions: Definitions) -> Node | None:
    """The tree of a profile; for a core type a root that only says the type."""
    bare = url.partition("|")[0]
    definition = definitions.read(bare)
    if definition is None or definition["resourceType"] != "StructureDefinition":
        return None
    if is_profile(definition):
        root: Node = definitions.made("tree", bare, lambda: tree(definition, definitions))
    else:
        root = Node(definition["type"], definition["type"])
    root.slice = bare
    return root


def _says(node: Node) -> bool:
    """Whether a node limits values by which a slice can be told."""
    return bool(
        node.fixed is not None
        or node.pattern is not None
        or (node.binding is not None and node.binding[0] == "required")
        or any(_says(each) for each in (*node.children.values(), *node.slices.values()))
    )


def _by_value(
    steps: tuple[Step, ...], wanted: list[Node], slice_: Node, definitions: Definitions, compile_: Compile
) -> Test | None:
    """By value or pattern: what stands at the path is what the slice fixes there."""
    simple = [
        (each.fixed[1], values.equal) if each.fixed is not None else (each.pattern[1], values.includes)
        for each in wanted
        if each.fixed is not None or each.pattern is not None
    ]
    if simple:
        names = tuple(name for step, name in steps if step == "element")
        direct = len(names) == len(steps)

        def told(value: Any, beside: Object, kind: str, at: At, run: Run) -> bool:
            if direct and type(value) is dict:
                seen = _inside(value, names)
                if seen:
                    return any(test(one, each) for one in seen for each, test in simple)
            found = walk(value, beside, kind, steps, at, run)
            return any(test(one, each) for one, _, _, _ in found for each, test in simple)

        return told
    checks = [_once(each, definitions, compile_) for each in wanted if _says(each)]
    if not checks:
        return _expected_inside(slice_, steps, definitions)

    def kept(value: Any, beside: Object, kind: str, at: At, run: Run) -> bool:
        found = walk(value, beside, kind, steps, at, run)
        return any(
            not any(
                issue.blocks
                for issue in run.attempt(lambda one=one, check=check: check(*one, run))  # type: ignore[misc]
            )
            for one in found
            for check in checks
        )

    return kept


def _expected_inside(slice_: Node, steps: tuple[Step, ...], definitions: Definitions) -> Test | None:
    """Where a fixed or pattern stands above the path: pattern on code, discriminator code.coding.code."""
    for cut in range(len(steps) - 1, -1, -1):
        for node in _expected(slice_, steps[:cut], definitions):
            wanted = node.fixed or node.pattern
            if wanted is None:
                continue
            parts = _inside(wanted[1], tuple(name for _, name in steps[cut:]))
            if parts:

                def told(
                    value: Any,
                    beside: Object,
                    kind: str,
                    at: At,
                    run: Run,
                    parts: list[Any] = parts,
                ) -> bool:
                    found = walk(value, beside, kind, steps, at, run)
                    return any(values.includes(one, each) for one, _, _, _ in found for each in parts)

                return told
    return None


def _inside(value: Any, names: tuple[str, ...]) -> list[Any]:
    """What stands at a path of plain elements below a JSON value."""
    here = [value]
    for name in names:
        there: list[Any] = []
        for one in here:
            found = one.get(name) if isinstance(one, dict) else None
            there.extend(found if isinstance(found, list) else [] if found is None else [found])
        here = there
    return here


def _by_existence(steps: tuple[Step, ...], wanted: list[Node]) -> Test | None:
    if any(each.max == 0 for each in wanted):
        return lambda value, beside, kind, at, run: not walk(value, beside, kind, steps, at, run)
    if any(each.min for each in wanted):
        return lambda value, beside, kind, at, run: bool(walk(value, beside, kind, steps, at, run))
    return None


def _by_type(steps: tuple[Step, ...], wanted: list[Node]) -> Test | None:
    resolved = bool(steps) and steps[-1][0] == "resolve"
    codes = frozenset(
        code
        for each in wanted
        for code in ([each.name] if resolved else [one.code for one in each.types or ()])
    )
    if not codes:
        return None

    def told(value: Any, beside: Object, kind: str, at: At, run: Run) -> bool:
        found = walk(value, beside, kind, steps, at, run)
        if resolved and not found:
            holders = walk(value, beside, kind, steps[:-1], at, run)
            return any(references.type_of(one, run) in codes for one, _, _, _ in holders)
        return any(
            one_kind in codes or ("." in one_kind and bool(codes & {"BackboneElement", "Element"}))
            for _, _, one_kind, _ in found
        )

    return told


def _by_profile(steps: tuple[Step, ...], wanted: list[Node]) -> Test | None:
    resolved = bool(steps) and steps[-1][0] == "resolve"
    urls = tuple(
        url
        for each in wanted
        for url in ([each.slice or ""] if resolved else [u for one in each.types or () for u in one.profiles])
    )
    if not urls:
        return None

    def told(value: Any, beside: Object, kind: str, at: At, run: Run) -> bool:
        found = walk(value, beside, kind, steps, at, run)
        return any(
            profiles.fits(urls, one, one_kind, place, run) is True for one, _, one_kind, place in found
        )

    return told


def _named(name: str, kind: str, run: Run) -> str:
    """The element's name in its definition: value[x] where a path says value."""
    choices = run.definitions.type(kind).choices if run.definitions.knows(kind) else {}
    return name + "[x]" if name in choices else name


def walk(
    value: Any,
    beside: Object,
    kind: str,
    steps: tuple[Step, ...],
    at: At,
    run: Run,
) -> list[Item]:
    """What stands at a discriminator's path below a value."""
    here: list[Item] = [(value, beside, kind, at)]
    for step, name in steps:
        there: list[Item] = []
        for one, extra, one_kind, place in here:
            owner = one if type(one) is dict else extra
            if step == "element":
                there.extend(_items(owner, one_kind, _named(name, one_kind, run), place, run.definitions))
            elif step == "extension":
                there.extend(
                    each
                    for each in _items(owner, one_kind, "extension", place, run.definitions)
                    if type(each[0]) is dict and each[0].get("url") == name
                )
            elif step == "type":
                if one_kind == name:
                    there.append((one, extra, one_kind, place))
            elif type(one) is dict:
                address = one.get("reference") if one_kind == "Reference" else None
                target = references.resolve(address, run)
                if target is not None and type(target.get("resourceType")) is str:
                    there.append((target, {}, target["resourceType"], place))
        here = there
    return here
