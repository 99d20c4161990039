"""What a profile asks of one element: types, fixed values, bindings, invariants, numbers, slices.

FHIR R4 elementdefinition.html.  A tree of nodes becomes a tree of closures, compiled as far as values come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hsba.fhir.elements import BASE
from hsba.fhir.validate import bindings, invariants, profiles, references, values
from hsba.fhir.validate.items import reader
from hsba.fhir.validate.slicing import divide

if TYPE_CHECKING:
    from hsba.fhir.definitions import Constraint, Definitions
    from hsba.fhir.validate.nodes import Allowed, Node
    from hsba.fhir.validate.run import At, Run
    from hsba.fhir.validate.slicing import Divided

Object = dict[str, Any]
Check = Callable[[Any, Object, str, "At", "Run"], None]
"""Checks one value: (value, what stands beside a primitive, its type, its place, the run)."""


def compiled(node: Node, definitions: Definitions) -> Check:
    """One function for all that a node and what is below it asks of one value."""
    checks: list[Check] = []
    if node.types is not None:
        checks.append(_types(node.types))
    for attribute, test, problem in (
        ("fixed", values.equal, "fixed"),
        ("pattern", values.includes, "pattern"),
    ):
        wanted = getattr(node, attribute)
        if wanted is not None:
            checks.append(_wanted(wanted[1], test, problem))
    if node.binding is not None and node.binding[0] in ("required", "extensible"):
        checks.append(_bound(node.binding, definitions))
    if node.max_binding is not None:
        checks.append(_bound(("required", node.max_binding), definitions))
    if node.max_length is not None:
        checks.append(_length(node.max_length))
    if node.least is not None:
        checks.append(_limit(node.least[1], "below-minimum"))
    if node.most is not None:
        checks.append(_limit(node.most[1], "above-maximum"))
    checks.extend(_rule(each, definitions) for each in node.constraints)
    checks.extend(_member(each, definitions) for each in node.children.values() if not _idle(each))
    if len(checks) == 1:
        return checks[0]

    def check(value: Any, beside: Object, kind: str, at: At, run: Run) -> None:
        for one in checks:
            one(value, beside, kind, at, run)

    return check


def _types(allowed: tuple[Allowed, ...]) -> Check:
    """The value is of one of the types, and keeps one of that type's profiles."""
    codes = frozenset(each.code for each in allowed)
    if codes <= {"BackboneElement", "Element"}:
        return lambda _value, _beside, _kind, _at, _run: None
    by_code: dict[str, tuple[Allowed, ...]] = {
        code: tuple(each for each in allowed if each.code == code) for code in codes
    }

    urls_by_code = {
        code: tuple(url for each in mine for url in each.profiles)
        if all(each.profiles for each in mine)
        else ()
        for code, mine in by_code.items()
    }
    targets = _targets(by_code["Reference"]) if "Reference" in by_code else None

    def check(value: Any, beside: Object, kind: str, at: At, run: Run) -> None:
        if kind == "Reference" and targets is not None:
            targets(value, beside, kind, at, run)
            return
        urls = urls_by_code.get(kind)
        if urls is None:
            if "." in kind:
                return
            code = next((code for code in codes if run.definitions.is_a(kind, code)), None)
            if code is None:
                run.add("wrong-choice", at, found=kind, allowed=codes)
                return
            urls = urls_by_code[code]
        # Extensions keep their definition wherever they stand; they were checked there.
        if urls and kind != "Extension":
            _one_of(urls, value, kind, at, run)

    return check


def _one_of(urls: tuple[str, ...], value: Any, kind: str, at: At, run: Run) -> None:
    """The value keeps one of the profiles; of a single one its own problems are told."""
    if len(urls) == 1:
        found = profiles.find(urls[0], run)
        if found is not None:
            found.check(value, kind, at, run)
        elif not urls[0].startswith(BASE):
            run.add("profile-unknown", at, url=urls[0])
    elif profiles.fits(urls, value, kind, at, run) is False:
        run.add("no-profile-fits", at, profiles=urls)


def _targets(allowed: tuple[Allowed, ...]) -> Check:
    """The reference leads to what one of the target profiles is for, and that keeps it when it is at hand."""
    urls = tuple(dict.fromkeys(url for each in allowed for url in each.targets))
    modes = frozenset(mode for each in allowed for mode in each.aggregation)
    known: frozenset[str | None] | None = None

    def check(value: Any, _beside: Object, _kind: str, at: At, run: Run) -> None:
        nonlocal known
        if type(value) is not dict:
            return
        address = value.get("reference")
        target = references.resolve(address, run)
        if modes and type(address) is str:
            mode = "contained" if address[:1] == "#" else "bundled" if target is not None else "referenced"
            alone = not run.scope.full_urls and mode == "referenced" and "bundled" in modes
            if mode not in modes and not alone and not (mode == "bundled" and "referenced" in modes):
                run.add("aggregation", at, allowed=modes, found=mode)
        if not urls:
            return
        if known is None:
            known = frozenset(_profiled_type(url, run.definitions) for url in urls)
        if target is None:
            if None in known or (type(address) is str and address.partition("/")[0] in known):
                return
            kind = references.type_of(value, run)
        else:
            kind = target.get("resourceType")
        if type(kind) is not str:
            return
        if None not in known and kind not in known and not known & {"Resource", "DomainResource"}:
            run.add("reference-target", at, found=kind, allowed=known)
        elif target is not None and profiles.fits(urls, target, kind, at, run) is False:
            run.add("target-profile", at, profiles=urls)

    return check


def _profiled_type(url: str, definitions: Definitions) -> str | None:
    """The resource type a profile is for; None when it is not loaded."""
    bare = url.partition("|")[0]
    core = bare.removeprefix(BASE)
    if core in definitions.resource_types or core in ("Resource", "DomainResource"):
        return core
    found = profiles.profile(bare, definitions)
    return found.type if found is not None else None


def _wanted(wanted: Any, test: Callable[[Any, Any], bool], problem: str) -> Check:
    def check(value: Any, _beside: Object, _kind: str, at: At, run: Run) -> None:
        if not test(value, wanted):
            run.add(problem, at, wanted=wanted)

    return check


def _bound(binding: tuple[str, str], definitions: Definitions) -> Check:
    bound = bindings.Binding(binding[0], binding[1], definitions)

    def check(value: Any, _beside: Object, kind: str, at: At, run: Run) -> None:
        reader = bound.reader(kind)
        if reader is not None:
            reader(value, at, run)

    return check


def _length(limit: int) -> Check:
    def check(value: Any, _beside: Object, _kind: str, at: At, run: Run) -> None:
        if type(value) is str and len(value) > limit:
            run.add("value-too-long", at, max=limit, found=len(value))

    return check


def _limit(limit: Any, problem: str) -> Check:
    lower = problem == "below-minimum"

    def check(value: Any, _beside: Object, _kind: str, at: At, run: Run) -> None:
        if values.below(value, limit) if lower else values.below(limit, value):
            run.add(problem, at, value=value, limit=limit)

    return check


def _rule(constraint: Constraint, definitions: Definitions) -> Check:
    tests: dict[str, invariants.Invariant] = {}

    def check(value: Any, _beside: Object, kind: str, at: At, run: Run) -> None:
        test = tests.get(kind)
        if test is None:
            test = tests[kind] = invariants.by_fhirpath(constraint, kind, definitions)
        test(value, at, run)

    return check


Members = Callable[[Object, "At", "Run"], None]
"""Checks the values of one element of an object: (the object, its place, the run)."""


def _member(node: Node, definitions: Definitions) -> Check:
    """The check of one child element: how often it stands there, each value of it, and its slices."""
    inner = _Lazy(node, definitions)
    divided = divide(node, definitions, compiled) if node.slices else None
    by_kind: dict[str, Members] = {}

    def check(value: Any, beside: Object, kind: str, at: At, run: Run) -> None:
        owner = value if type(value) is dict else beside
        members = by_kind.get(kind)
        if members is None:
            members = by_kind[kind] = _members(node, kind, inner, divided, definitions)
        if "resourceType" in owner and owner is not run.resource:
            run.inside(owner, lambda: members(owner, at, run))
        else:
            members(owner, at, run)

    return check


def _members(
    node: Node, kind: str, inner: _Lazy, divided: Divided | None, definitions: Definitions
) -> Members:
    """The check of one child element in objects of one type."""
    least, most, label = node.min or 0, node.max, node.path
    read = reader(kind, node.name, definitions)
    plain = inner.nothing
    needs = divided is not None and any(each.least for each in divided.kinds)

    def members(owner: Object, at: At, run: Run) -> None:
        found = read(owner, at)
        if not found:
            if least:
                run.add("missing", at, name=label, min=least, found=0)
            if needs and divided is not None:
                divided.check(found, at, run)
            return
        count = len(found)
        if count < least:
            run.add("missing", at, name=label, min=least, found=count)
        if most is not None and count > most:
            if most == 0:
                run.add("not-allowed", at, name=label)
            else:
                run.add("too-many", at, name=label, max=most, found=count)
        if not plain:
            for one, extra, one_kind, place in found:
                inner.check(one, extra, one_kind, place, run)
        if divided is not None:
            divided.check(found, at, run)

    return members


def _idle(node: Node) -> bool:
    """Whether a node says nothing to be checked: mustSupport, a short text, the bounds of any element."""
    return not (node.min or node.max is not None or node.slices or _Lazy.asks(node))


class _Lazy:
    """The check of a node, compiled when the first value comes.

    Recursive profiles end, unused parts cost nothing.
    """

    __slots__ = ("_check", "_definitions", "_node", "nothing")

    def __init__(self, node: Node, definitions: Definitions) -> None:
        self._node = node
        self._definitions = definitions
        self._check: Check | None = None
        self.nothing = not self.asks(node)

    @staticmethod
    def asks(node: Node) -> bool:
        """Whether a node asks anything of a value."""
        return bool(
            node.children
            or node.types
            or node.constraints
            or node.max_binding
            or any(
                each is not None
                for each in (node.fixed, node.pattern, node.binding, node.max_length, node.least, node.most)
            )
        )

    def check(self, value: Any, beside: Object, kind: str, at: At, run: Run) -> None:
        if self._check is None:
            self._check = compiled(self._node, self._definitions)
        self._check(value, beside, kind, at, run)
