"""Types compiled once into closures, since validation stands on the path of every write.

A type becomes one function over a table "JSON name → check of that element"; types refer to each other
lazily, so only what is met is compiled.  Every function has the same form: (value, its owner, the owner's
place, the run).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.primitives import CHECKS, element_id
from hsba.fhir.validate import (
    answers,
    bindings,
    bundles,
    codings,
    contained,
    extensions,
    invariants,
    profiles,
    references,
)
from hsba.fhir.validate.fields import (
    Field,
    Whole,
    many_objects,
    many_siblings,
    many_values,
    narrative_div,
    one_object,
    one_sibling,
    one_value,
)

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions, Element, Type
    from hsba.fhir.validate.bindings import Bind
    from hsba.fhir.validate.invariants import Invariant
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]


def compiler(definitions: Definitions) -> Compiler:
    """The compiler that belongs to these definitions, with what it has compiled so far."""
    return definitions.made("validate", "compiler", lambda: Compiler(definitions))


class Compiler:
    """Makes and keeps the check of each type."""

    def __init__(self, definitions: Definitions) -> None:
        """Begin with nothing compiled."""
        self.definitions = definitions
        self._whole: dict[str, Whole] = {}

    def whole(self, name: str) -> Whole:
        """The check of an object of a type, compiled at first use."""
        found = self._whole.get(name)
        if found is None:
            found = self._whole[name] = self._compile(name)
        return found

    def _compile(self, name: str) -> Whole:
        if name == "Resource":
            return self.resource
        kind = self.definitions.type(name)
        fields: dict[str, Field] = {}
        if kind.kind == "resource":
            fields["resourceType"] = _accept
        for element in kind.elements.values():
            self._add(fields, kind, element)
        check = _object(kind, fields, _required(kind, self.definitions.primitives), self._invariants(kind))
        if name == "Extension":
            return extensions.checked(check)
        if name == "Coding":
            return _and(check, (codings.checker(self.definitions),))
        if name == "Attachment":
            return _and(check, (codings.attachment,))
        if kind.kind == "resource":
            return _resource(check, _TOGETHER.get(name))
        return check

    def _invariants(self, kind: Type) -> tuple[Invariant, ...]:
        return invariants.of_type(kind.constraints, kind.name, self.definitions)

    def _add(self, fields: dict[str, Field], kind: Type, element: Element) -> None:
        """Put the checks of one element, and of its sibling for a primitive, into the table."""
        name = element.name
        step = name if element.choice is None else f"{element.choice}.ofType({element.type})"
        others = () if element.choice is None else _others(kind, element, self.definitions.primitives)
        if element.type == "xhtml":
            fields[name] = narrative_div
            return
        check = CHECKS.get(element.type)
        if check is None:
            one = self._one(kind, element)
            fields[name] = many_objects(step, one) if element.is_list else one_object(step, one, others, name)
            return
        if name == "id" and element.representation == "xmlAttr":
            check = element_id
        bind = bindings.bind(element.binding, element.type, self.definitions)
        rules = self._element_invariants(element)
        after = _together(bind, rules)
        sibling = self.whole("Element") if element.representation != "xmlAttr" else None
        if element.is_list:
            fields[name] = many_values(step, name, check, after, element.type)
            if sibling is not None:
                fields["_" + name] = many_siblings(step, name, sibling)
        else:
            fields[name] = one_value(step, check, after, element.type, others, name)
            if sibling is not None:
                fields["_" + name] = one_sibling(step, name, sibling, others)

    def _element_invariants(self, element: Element) -> tuple[Invariant, ...]:
        """What is asked of an element beyond what its type asks already."""
        if "." in element.content:
            return ()
        own = {each.key for each in self.definitions.type(element.type).constraints}
        stated = tuple(each for each in element.constraints if each.key not in own)
        return invariants.of_type(stated, element.type, self.definitions)

    def _one(self, kind: Type, element: Element) -> Whole:
        """The check of one value of a complex element, with what is asked at this place."""
        extra: list[Whole] = []
        if element.type == "Reference":
            targets = element.targets
            extra.append(lambda value, at, run: references.check(value, targets, at, run))
        bound = bindings.bind(element.binding, element.type, self.definitions)
        if bound is not None:
            extra.append(bound)
        extra.extend(self._element_invariants(element))
        if element.type == "Extension":
            extra.append(extensions.placed(element.name == "modifierExtension", kind, self.definitions))
        if element.name == "contained":
            extra.append(contained.check)
        content = element.content
        whole = self._whole.get(content)
        if not extra:
            return whole if whole is not None else _lazy(self, content)
        return _and(_lazy(self, content) if whole is None else whole, tuple(extra))

    def resource(self, value: Any, at: At, run: Run) -> None:
        """Check a resource of any type that stands inside another one."""
        if type(value) is not dict:
            run.add("not-an-object", at, found=value)
            return
        name = value.get("resourceType")
        if type(name) is not str:
            run.add("no-resource-type", at)
        elif name not in self.definitions.resource_types:
            run.add("unknown-resource-type", at, name=name)
        else:
            whole = self.whole(name)
            run.inside(value, lambda: whole(value, at, run))


_TOGETHER: dict[str, Whole] = {"Bundle": bundles.check, "QuestionnaireResponse": answers.check}
"""What is asked of some resources as a whole."""


def _resource(structure: Whole, more: Whole | None) -> Whole:
    """The check of a resource: its structure, what only its kind is asked, and the profiles it names."""

    def check(value: Any, at: At, run: Run) -> None:
        structure(value, at, run)
        if more is not None:
            more(value, at, run)
        if run.profiles and "meta" in value:
            run.later(profiles.declared, value, at)

    return check


def _accept(value: Any, owner: Object, at: At, run: Run) -> None:
    """Nothing to check here."""


def _lazy(compiler: Compiler, name: str) -> Whole:
    """The check of a type that is compiled when the first value of it is met."""
    known: Whole | None = None

    def check(value: Any, at: At, run: Run) -> None:
        nonlocal known
        if known is None:
            known = compiler.whole(name)
        known(value, at, run)

    return check


def _and(first: Whole, more: tuple[Whole, ...]) -> Whole:
    if len(more) == 1:
        second = more[0]

        def both(value: Any, at: At, run: Run) -> None:
            first(value, at, run)
            if type(value) is dict:
                second(value, at, run)

        return both

    def each(value: Any, at: At, run: Run) -> None:
        first(value, at, run)
        if type(value) is dict:
            for one in more:
                one(value, at, run)

    return each


def _together(bind: Bind | None, rules: tuple[Invariant, ...]) -> Bind | None:
    """One function for all that is asked of a primitive beyond its form."""
    checks = [*([bind] if bind is not None else []), *rules]
    if len(checks) < 2:
        return checks[0] if checks else None

    def together(value: Any, at: At, run: Run) -> None:
        for check in checks:
            check(value, at, run)

    return together


def _others(kind: Type, element: Element, primitives: frozenset[str]) -> tuple[str, ...]:
    """The earlier names of the same choice: at most one may stand there (formats.html#choice)."""
    found: list[str] = []
    for name in kind.choices[element.choice or ""]:
        if name == element.name:
            break
        found.append(name)
        if kind.elements[name].type in primitives:
            found.append("_" + name)
    return tuple(found)


def _required(kind: Type, primitives: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """For each element that must be there, the names under which it may be."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for element in kind.elements.values():
        label = element.choice or element.name
        if element.min == 0 or label in done:
            continue
        done.add(label)
        names: list[str] = []
        for name in kind.choices.get(label, (element.name,)):
            names.append(name)
            if kind.elements[name].type in primitives:
                names.append("_" + name)
        found.append(tuple(names))
    return tuple(found)


def _object(
    kind: Type, fields: dict[str, Field], required: tuple[tuple[str, ...], ...], rules: tuple[Invariant, ...]
) -> Whole:
    """The check of one object of a type: its members, what must be there, its invariants."""
    find = fields.get
    name = kind.name

    def check(value: Any, at: At, run: Run) -> None:
        if type(value) is not dict:
            run.add("not-an-object", at, found=value)
            return
        if not value:
            run.add("empty-object", at)
            return
        for key, each in value.items():
            field = find(key)
            if field is None:
                _unknown(key, name, fields, at, run)
            else:
                field(each, value, at, run)
        for names in required:
            if names[0] not in value:
                for other in names:
                    if other in value:
                        break
                else:
                    run.add("missing", at, name=_label(kind, names[0]), min=1, found=0)
        for rule in rules:
            rule(value, at, run)

    return check


def _label(kind: Type, name: str) -> str:
    """The element's name in a sentence: value[x] for a choice."""
    choice = kind.elements[name].choice
    return f"{kind.name}.{name}" if choice is None else f"{kind.name}.{choice}[x]"


def _unknown(key: str, name: str, fields: dict[str, Field], at: At, run: Run) -> None:
    if key[:1] == "_" and key[1:] in fields:
        run.add("sibling-not-primitive", at, name=key)
    else:
        run.add("unknown-element", at, type=name, name=key)
