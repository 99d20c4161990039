"""Atomic paths: what each search parameter of a type looks at, told once however many parameters look there.

A parameter's expression is split at `|`, brought to one spelling, and its type conditions (`where(resolve() is
Patient)`) are moved to the parameter.  What is left is a path: a type, a kind of value and an expression.  Values are
extracted and stored per path (FHIR R4 search.html, searchparameter.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import UnknownType

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions, SearchParameter

KINDS = frozenset({"token", "string", "date", "number", "quantity", "reference", "uri"})

BUILT_IN = frozenset({"_id", "_lastUpdated"})
"""Parameters that the current row answers by itself."""

PATIENT_ELEMENTS = ("subject", "patient", "beneficiary", "for", "individual", "sender")
"""The elements that say whose a resource is, in the order in which they are asked."""

_TOKENS = frozenset({"code", "CodeableConcept", "Coding", "Identifier", "boolean"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an expression: a child, or a condition on what was reached so far."""

    verb: str  # child, type, where, extension, has_extension, first, exists_not_false
    name: str = ""
    value: str = ""

    def __str__(self) -> str:
        match self.verb:
            case "child":
                return "." + self.name
            case "type":
                return f".ofType({self.name})"
            case "where":
                return f".where({self.name}='{self.value}')"
            case "extension":
                return f".extension('{self.name}')"
            case "has_extension":
                return f".where(hasExtension('{self.name}'))"
            case "first":
                return f"[{self.name}]"
            case _:
                return f".{self.verb}()"


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One place in a type whose values are indexed; `steps` is None where only FHIRPath can find them."""

    type: str
    kind: str
    expression: str
    key: str
    steps: tuple[Step, ...] | None
    leaves: frozenset[str]
    single: bool
    elements: tuple[str, ...]
    binding: str | None = None
    """`key` names it in one process and in the database; `leaves` are the datatypes that may stand there; `single` says
    that there is at most one; `elements` are the elements it passes through to its end (`Patient.name`,
    `Patient.name.family`), for rules that hide elements; `binding` is the value set of a plain code."""


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """One way a composite parameter may be met: parts side by side below one element, or on the resource itself."""

    path: Path | None
    """Where joined rows are kept; None when the parts are single values of the resource and a plain AND is right."""
    parts: tuple[Part, ...]
    context: tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One component: its kind of value, and where it is found from the context (or from the resource)."""

    kind: str
    steps: tuple[tuple[Step, ...], ...]
    from_resource: bool
    paths: tuple[Path, ...]
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A search parameter of one type, ready to be asked: where it looks and what it may point to."""

    code: str
    kind: str
    type: str
    paths: tuple[Path, ...]
    targets: frozenset[str]
    composites: tuple[Composite, ...] = ()
    url: str = ""

    @property
    def all_paths(self) -> tuple[Path, ...]:
        """Every path it looks at, those of its parts included."""
        joined = [one.path for one in self.composites if one.path is not None]
        parts = [path for one in self.composites for part in one.parts for path in part.paths]
        return (*self.paths, *joined, *parts)


# --- reading expressions -----------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*(?:('(?:[^'\\]|\\.)*')|([A-Za-z_%][A-Za-z0-9_]*)|(\d+)|(!=|[().,=\[\]|]))")


class _Unsupported(ValueError):
    """The expression is more than a plain path."""


@dataclass(slots=True)
class _Read:
    """What one alternative of an expression says."""

    head: str
    steps: list[Step]
    targets: set[str]


def split(expression: str) -> list[str]:
    """The alternatives of an expression: cut at every `|` that is not inside parentheses or quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(expression):
        if char == "'":
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if char == "|" and depth == 0:
                parts.append(expression[start:at])
                start = at + 1
    parts.append(expression[start:])
    return [part.strip() for part in parts if part.strip()]


class _Reader:
    """Reads one alternative: names, as/ofType, where(x='y'), where(resolve() is T), extension('…'), [0]."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise _Unsupported(text)
            self.tokens.append(found.group().strip())
            at = found.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise _Unsupported(token)
        self.at += 1
        return token

    def read(self) -> _Read:
        found = self.path()
        if self.peek() == "and":
            # `X.exists() and X != false`: whether X says yes, for a boolean that may also be told as a date.
            if not found.steps or found.steps[-1].verb != "exists":
                raise _Unsupported
            self.take("and")
            again = self.path()
            self.take("!=")
            self.take("false")
            if again.steps != found.steps[:-1] or again.head != found.head:
                raise _Unsupported
            found.steps[-1] = Step("exists_not_false")
        if self.peek():
            raise _Unsupported(self.peek())
        return found

    def path(self) -> _Read:
        if self.peek() == "(":
            self.take("(")
            found = self.path()
            self.take(")")
        else:
            found = _Read(self.take(), [], set())
            if not re.match(r"[A-Za-z%]", found.head):
                raise _Unsupported(found.head)
        while self.peek() in (".", "[", "as"):
            mark = self.take()
            if mark == "as":
                found.steps.append(Step("type", self.take()))
            elif mark == "[":
                found.steps.append(Step("first", self.take()))
                self.take("]")
            else:
                self.invocation(found)
        return found

    def invocation(self, found: _Read) -> None:
        name = self.take()
        if self.peek() != "(":
            found.steps.append(Step("child", name))
            return
        self.take("(")
        match name:
            case "as" | "ofType":
                found.steps.append(Step("type", self.take()))
            case "extension":
                found.steps.append(Step("extension", self.take().strip("'")))
            case "exists":
                found.steps.append(Step("exists"))
            case "where":
                self.where(found)
            case _:
                raise _Unsupported(name)
        self.take(")")

    def where(self, found: _Read) -> None:
        name = self.take()
        if name == "resolve":
            for token in ("(", ")", "is"):
                self.take(token)
            found.targets.add(self.take())
        elif name == "hasExtension":
            self.take("(")
            found.steps.append(Step("has_extension", self.take().strip("'")))
            self.take(")")
        else:
            self.take("=")
            value = self.take()
            if not value.startswith("'"):
                raise _Unsupported(value)
            found.steps.append(Step("where", name, value.strip("'")))


# --- from expressions to paths -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reached:
    """The end of some steps: the datatypes there, whether at most one value stands there, the elements passed."""

    leaves: frozenset[str]
    single: bool
    elements: tuple[str, ...]
    binding: str | None


class Catalogue:
    """The parameters and paths of one resource type."""

    def __init__(self, definitions: Definitions, type_: str) -> None:
        """Read every search parameter of the type; those without a path (`_id`, `_content`…) are not here."""
        self.type = type_
        self.generation = definitions.generation
        self._definitions = definitions
        self._ancestors = _ancestors(definitions, type_)
        self.paths: dict[str, Path] = {}
        self.parameters: dict[str, Parameter] = {}
        for parameter in definitions.search_parameters(type_).values():
            if parameter.code in BUILT_IN:
                continue
            made = self._composite(parameter) if parameter.type == "composite" else self._plain(parameter)
            if made is not None:
                self.parameters[made.code] = made
        for path in list(self.paths.values()):
            if path.kind == "string" and "HumanName" in path.leaves:
                end = _Reached(path.leaves, single=True, elements=path.elements, binding=None)
                self._path("order", path.expression, path.steps, end)
        self.position = next((p for p in self.paths.values() if p.kind == "position"), None)

    def _plain(self, parameter: SearchParameter) -> Parameter | None:
        kind = "position" if parameter.code == "near" and parameter.type == "special" else parameter.type
        if not parameter.expression or (kind not in KINDS and kind != "position"):
            return None
        paths: list[Path] = []
        targets: set[str] = set()
        conditioned = True
        for alternative in split(parameter.expression):
            found = self._alternative(alternative, kind)
            if found is not None:
                paths.append(found[0])
                targets |= found[1]
                conditioned = conditioned and bool(found[1])
        if not paths:
            return None
        allowed = frozenset(targets) if conditioned and targets else frozenset(parameter.targets)
        return Parameter(
            parameter.code, kind, self.type, tuple(dict.fromkeys(paths)), allowed, url=parameter.url
        )

    def _alternative(self, text: str, kind: str) -> tuple[Path, set[str]] | None:
        """The path of one alternative and the types it is narrowed to; None when it belongs to another type."""
        try:
            found = _Reader(text).read()
        except _Unsupported:
            if not re.match(rf"\(*\s*({'|'.join(self._ancestors)})\b", text):
                return None
            return self._path(kind, text, None, _ANYWHERE), set()
        if found.head[0].isupper():
            if found.head not in self._ancestors:
                return None
        else:
            found.steps.insert(0, Step("child", found.head))
        path_steps = self._tidy(found.steps)
        typed = self.walk(self.type, path_steps)
        if typed is None:
            return None
        return self._path(kind, self._spell(path_steps), path_steps, typed), found.targets

    def _path(self, kind: str, expression: str, steps: tuple[Step, ...] | None, end: _Reached) -> Path:
        key = f"{kind} {expression}"
        if key not in self.paths:
            self.paths[key] = Path(
                self.type, kind, expression, key, steps, end.leaves, end.single, end.elements, end.binding
            )
        return self.paths[key]

    def _spell(self, steps: tuple[Step, ...]) -> str:
        return self.type + "".join(str(step) for step in steps)

    def _tidy(self, steps: list[Step]) -> tuple[Step, ...]:
        """The steps in one spelling: type names as the definitions write them."""
        tidy = []
        for step in steps:
            if step.verb == "type":
                name = (
                    step.name
                    if step.name in self._definitions.datatypes
                    else step.name[0].lower() + step.name[1:]
                )
                if name not in self._definitions.datatypes:
                    name = step.name
                tidy.append(Step("type", name))
            else:
                tidy.append(step)
        return tuple(tidy)

    def walk(self, start: str, steps: tuple[Step, ...]) -> _Reached | None:
        """Where some steps lead; None when they lead nowhere."""
        here: set[str] = {start}
        single = True
        dotted = start
        elements: list[str] = []
        bindings: set[str | None] = set()
        for step in steps:
            if step.verb == "child":
                reached: set[str] = set()
                bindings = set()
                for content in here:
                    for element in self.children(content, step.name):
                        reached.add(element.content)
                        single = single and not element.is_list
                        bindings.add(element.binding[1] if element.binding else None)
                here = reached
                dotted += "." + step.name
                elements.append(dotted)
            elif step.verb == "type":
                here = {content for content in here if self._fits(content, step.name)}
            elif step.verb == "extension":
                here, single = {"Extension"}, False
                elements.append(dotted + ".extension")
            elif step.verb == "first":
                single = True
            elif step.verb == "exists_not_false":
                here, single = {"boolean"}, True
            if not here:
                return None
        binding = next(iter(bindings)) if len(bindings) == 1 else None
        return _Reached(frozenset(here), single, tuple(elements), binding)

    def children(self, content: str, name: str) -> list[Element]:
        """The elements that a step may reach from a type: one, or all forms of a choice."""
        try:
            type_ = self._definitions.type(content)
        except UnknownType:
            return []
        if name in type_.elements:
            return [type_.elements[name]]
        return [type_.elements[one] for one in type_.choices.get(name, ())]

    def _fits(self, content: str, wanted: str) -> bool:
        return content == wanted or (content == "Resource" and wanted in self._definitions.resource_types)

    def _composite(self, parameter: SearchParameter) -> Parameter | None:
        """A composite: a plain AND where the parts are single values of the resource, otherwise rows of their own."""
        if not parameter.expression or len(parameter.components) not in (2, 3):
            return None
        found: list[Composite] = []
        for alternative in split(parameter.expression):
            context = self._context(alternative)
            if context is None:
                continue
            steps, end = context
            parts = []
            for definition, expression in parameter.components:
                part = self._part(definition, expression, steps, whole=end.single)
                if part is None:
                    return None
                parts.append(part)
            path = None
            if not end.single:
                if parts[0].kind != "token":
                    return None
                spelled = f"{self._spell(steps)} [{'; '.join(e for _, e in parameter.components)}]"
                path = self._path("composite", spelled, steps, end)
            found.append(Composite(path, tuple(parts), steps))
        if not found:
            return None
        return Parameter(
            parameter.code,
            "composite",
            self.type,
            (),
            frozenset(),
            composites=tuple(found),
            url=parameter.url,
        )

    def _context(self, alternative: str) -> tuple[tuple[Step, ...], _Reached] | None:
        try:
            read = _Reader(alternative).read()
        except _Unsupported:
            return None
        if read.head not in self._ancestors:
            return None
        steps = self._tidy(read.steps)
        typed = self.walk(self.type, steps)
        return None if typed is None else (steps, typed)

    def _part(
        self, definition: str, expression: str, context: tuple[Step, ...], *, whole: bool
    ) -> Part | None:
        raw = self._definitions.resource(definition)
        kind = raw["type"] if raw is not None else "token"
        from_resource = expression.startswith("%resource.")
        relative: list[tuple[Step, ...]] = []
        paths: list[Path] = []
        elements: list[str] = []
        for alternative in split(expression):
            try:
                read = _Reader(alternative).read()
            except _Unsupported:
                return None
            steps = read.steps if from_resource else [Step("child", read.head), *read.steps]
            tidy = self._tidy(steps)
            relative.append(tidy)
            full = tidy if from_resource else context + tidy
            typed = self.walk(self.type, full)
            if typed is None:
                continue
            # R4 names the wrong definitions for DocumentReference.relationship: what stands there decides.
            if typed.leaves == {"Reference"}:
                kind = "reference"
            elif typed.leaves <= _TOKENS:
                kind = "token"
            elements += typed.elements
            if whole:
                paths.append(self._path(kind, self._spell(full), full, typed))
        if kind not in KINDS:
            return None
        return Part(kind, tuple(relative), from_resource, tuple(paths), tuple(dict.fromkeys(elements)))


_ANYWHERE = _Reached(frozenset(), single=False, elements=(), binding=None)
"""Of an expression that is no plain path nothing is known; rules that hide elements take it for hidden."""


def _ancestors(definitions: Definitions, type_: str) -> tuple[str, ...]:
    found = []
    current: str | None = type_
    while current is not None:
        found.append(current)
        current = definitions.type(current).base
    return tuple(found)


def catalogue(definitions: Definitions, type_: str) -> Catalogue:
    """The parameters and paths of a type, made once per definitions."""
    return definitions.made("search", type_, lambda: Catalogue(definitions, type_))


if TYPE_CHECKING:
    from hsba.fhir.elements import Element
