"""Where an extension may stand (FHIR R4 defining-extensions.html#context)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import fhirpath
from hsba.fhir.fhirpath.problems import EvaluationFailed, InvalidExpression

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.fhir.validate.profiles import Profile
    from hsba.fhir.validate.run import At, Run

_ANYWHERE = frozenset({"Element", "*"})

_CORE = "http://hl7.org/fhir/StructureDefinition/"

# R4's own definitions and examples use these where the context they state does not reach.
_STATED_TOO_NARROW = frozenset(
    _CORE + name
    for name in (
        "structuredefinition-fhir-type",
        "structuredefinition-normative-version",
        "regex",
        "valueset-concept-comments",
        "structuredefinition-standards-status",
    )
)


def check(profile: Profile, at: At, run: Run) -> None:
    """Note an extension that stands where its definition does not allow it."""
    allowed = profile.contexts
    anywhere = not allowed or ("element", "Element") in allowed or profile.url in _STATED_TOO_NARROW
    if anywhere and not profile.context_rules:
        return
    place = _place(at, run)
    if place is None:
        return
    if not anywhere and not any(_fits(kind, expression, place, run) for kind, expression in allowed):
        here = max(place.names, key=_detail)
        run.add(
            "extension-context", at, url=profile.url, here=here, allowed=tuple(each for _, each in allowed)
        )
    for rule in profile.context_rules:
        if not _holds(rule, place, run):
            run.add("extension-rule", at, url=profile.url, rule=rule)


def _fits(kind: str, expression: str, place: _Place, run: Run) -> bool:
    """Whether one of the stated contexts is this place."""
    if kind == "extension":
        return expression == place.extension
    if kind == "fhirpath":
        return _selected(expression, run)
    return expression in place.names or expression in _ANYWHERE or "#" in expression


@dataclass(frozen=True, slots=True)
class _Place:
    """The element that carries an extension.

    Its names, the extension it is or belongs to, its type and value.
    """

    names: frozenset[str]
    extension: str | None
    type: str
    value: Any


def _detail(name: str) -> tuple[int, int]:
    """How exactly a name says where: Patient.contact.name before HumanName before Element."""
    return name.count("."), len(name)


def _steps(at: At) -> list[str | int]:
    steps: list[str | int] = []
    here: Any = at
    while here is not None:
        here, step = here
        steps.append(step)
    return steps[::-1]


def _place(at: At, run: Run) -> _Place | None:
    """The element that carries the extension at this place.

    None where the way there is not to be followed.
    """
    steps = _steps(at)
    if type(steps[-1]) is int:
        steps.pop()
    steps.pop()
    definitions = run.definitions
    value: Any = run.outermost
    kind: str = value["resourceType"]
    names = frozenset(_lineage(kind, definitions))
    around: str | None = None
    for step in steps[1:]:
        if type(step) is int:
            value = value[step] if type(value) is list and step < len(value) else None
        else:
            name, shown = _member(str(step))
            element = definitions.child(kind, name)
            if element is None:
                return None
            below_value = kind == "Extension" and name.startswith("value")
            value = value.get(name) if type(value) is dict else None
            named = {f"{each}.{shown}" for each in names if each not in ("Element", "BackboneElement")}
            kind = element.content
            names = frozenset({*named, element.path, kind, *_lineage(element.type, definitions)})
            if not below_value:
                around = None
        if type(value) is dict and kind == "Extension":
            around = value.get("url")
        if type(value) is dict and kind == "Resource":
            kind = value.get("resourceType", "")
            if not definitions.knows(kind):
                return None
            names = frozenset(_lineage(kind, definitions))
    return _Place(names, around, kind, value)


def _member(step: str) -> tuple[str, str]:
    """The JSON name of a step, and its name in a definition.

    Value.ofType(Quantity) → valueQuantity, value[x].
    """
    stem, _, choice = step.partition(".ofType(")
    if not choice:
        return step, step
    kind = choice.rstrip(")")
    return stem + kind[0].upper() + kind[1:], stem + "[x]"


def lineage(name: str, definitions: Definitions) -> frozenset[str]:
    """A type and what it specialises: Patient, DomainResource, Resource."""
    return frozenset(_lineage(name, definitions))


def _lineage(name: str, definitions: Definitions) -> list[str]:
    found: list[str] = []
    current: str | None = name
    while current:
        found.append(current)
        current = definitions.type(current).base
    return found


def _selected(expression: str, run: Run) -> bool:
    """Whether a FHIRPath context selects anything in the resource.

    What cannot be evaluated forbids nothing.
    """
    try:
        found = fhirpath.compile(expression).evaluate(
            run.resource, type=run.resource.get("resourceType"), definitions=run.definitions
        )
    except (EvaluationFailed, InvalidExpression):
        return True
    return bool(found)


def _holds(rule: str, place: _Place, run: Run) -> bool:
    """Whether a rule about the place holds; what cannot be evaluated forbids nothing."""
    if place.value is None:
        return True
    try:
        return fhirpath.compile(rule).test(
            place.value,
            type=place.type,
            definitions=run.definitions,
            root=run.scope.container,
            resource=run.resource,
        )
    except (EvaluationFailed, InvalidExpression):
        return True
