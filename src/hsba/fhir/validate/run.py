"""One validation under way: what is being looked at, and the problems found so far."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hsba.fhir.problems import Issue, Severity
from hsba.fhir.validate.messages import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from hsba.fhir.definitions import Definitions

_Each = TypeVar("_Each")

Resource = dict[str, Any]

At = tuple[Any, Any]
"""A place: (the place above, a step), a step being an element's name or a position in a list.

It is rendered only when there is something to say, since almost every place is right.
"""

SHOWN = 80
SHOWN_MEMBERS = 4

MAX_ISSUES = 5000
"""More problems than this help nobody, and would let a bad resource of 50 MB fill the memory."""


class EnoughError(Exception):
    """So much is wrong that nothing more is looked for."""


class Codes(Protocol):
    """Is this code right?  The record's port of the same name fits."""

    def member(self, value_set: str, system: str | None, code: str, on: date | None = None) -> bool | None:
        """Whether the code is in the list, on the day of the act where it has one; None when the list is not known."""


class Scope:
    """Where references that stay inside lead: the resource that contains, and the bundle around it."""

    __slots__ = ("contained", "container", "entry_url", "full_urls", "local", "urls")

    def __init__(self, container: Resource, outer: Scope | None = None) -> None:
        """Open the scope of one resource that is not itself contained."""
        self.container = container
        self.local: frozenset[str] | None = None
        self.contained: dict[str, Resource] = {
            each["id"]: each
            for each in _list(container.get("contained"))
            if type(each) is dict and type(each.get("id")) is str
        }
        self.full_urls: dict[str, Resource] = outer.full_urls if outer else {}
        self.urls: dict[int, str] = outer.urls if outer else {}
        if container.get("resourceType") == "Bundle":
            self.full_urls = _full_urls(container)
            self.urls = {id(each): url for url, each in self.full_urls.items()}
        self.entry_url: str = self.urls.get(id(container), "")

    def holds(self, resource: Resource) -> bool:
        """Whether a resource is this scope's container or contained in it."""
        if resource is self.container:
            return True
        own = resource.get("id")
        return type(own) is str and self.contained.get(own) is resource


# Problems of the bare form: FHIRPath and profiles are not asked about what has them, since they could not answer.
_FORM = frozenset(
    {
        "no-resource-type",
        "unknown-resource-type",
        "not-an-object",
        "not-a-list",
        "not-repeating",
        "null-value",
        "list-lengths",
        "sibling-not-primitive",
        "not-allowed-here",
        "unknown-element",
        "not-boolean",
        "not-integer",
        "not-number",
        "not-string",
    }
)


class Run:
    """Collects the problems of one validation.

    First comes the structure; what asks more of it (FHIRPath, profiles) is put off until it is known to be sound.
    """

    __slots__ = (
        "_later",
        "_unsound",
        "best_practice",
        "codes",
        "deferring",
        "definitions",
        "issues",
        "outermost",
        "profiles",
        "resource",
        "scope",
        "stack",
    )

    def __init__(
        self,
        definitions: Definitions,
        codes: Codes | None,
        *,
        profiles: bool,
        best_practice: bool,
        resource: Resource,
    ) -> None:
        """Begin with no problems."""
        self.definitions = definitions
        self.codes = codes
        self.profiles = profiles
        self.best_practice = best_practice
        self.issues: list[Issue] = []
        self.outermost = resource
        self.resource = resource
        self.scope = Scope(resource)
        self.stack: tuple[tuple[int, str], ...] = ()
        self.deferring = True
        self._later: list[tuple[Callable[[Any, At, Run], None], Any, At, Resource, Scope]] = []
        self._unsound = False

    def later(self, check: Callable[[Any, At, Run], None], value: object, at: At) -> None:
        """Put a check off until the structure of everything is known to be sound."""
        self._later.append((check, value, at, self.resource, self.scope))

    def settle(self) -> bool:
        """Do what was put off, unless the form is wrong; tell whether it was done."""
        self.deferring = False
        if self._unsound:
            return False
        outermost = self.scope
        for check, value, at, resource, scope in self._later:
            self.resource, self.scope = resource, scope
            check(value, at, self)
        self.resource, self.scope = self.outermost, outermost
        return True

    def add(self, problem: str, at: At, severity: Severity | None = None, /, **found: object) -> None:
        """Note one problem at one place."""
        if len(self.issues) >= MAX_ISSUES:
            raise EnoughError
        message = MESSAGES[problem]
        if problem in _FORM:
            self._unsound = True
        shown = {name: show(value) for name, value in found.items()}
        self.issues.append(
            Issue(
                severity or message.severity,
                message.code,
                message.en.format_map(shown),
                message.vi.format_map(shown),
                path_of(at),
                problem,
            )
        )

    def add_sentence(self, problem: str, at: At, severity: Severity, en: str, vi: str, /, key: str) -> None:
        """Note a broken rule that brings its own sentence."""
        message = MESSAGES[problem]
        self.issues.append(
            Issue(
                severity,
                message.code,
                message.en.format(key=key, human=en),
                message.vi.format(key=key, human=vi),
                path_of(at),
                problem,
            )
        )

    def inside(self, resource: Resource, check: Callable[[], None]) -> None:
        """Check a resource that stands in another one.

        Contained ones share its scope, those of a Bundle do not.
        """
        scope, own = self.scope, self.resource
        self.resource = resource
        if not scope.holds(resource):
            self.scope = Scope(resource, scope)
        try:
            check()
        finally:
            self.scope, self.resource = scope, own

    def attempt(self, check: Callable[[], None]) -> list[Issue]:
        """Run a check on trial: its problems are returned, not noted."""
        kept, self.issues = self.issues, []
        try:
            check()
            return self.issues
        finally:
            self.issues = kept


def _list(value: object) -> list[Any]:
    return value if type(value) is list else []


def _full_urls(bundle: Resource) -> dict[str, Resource]:
    """The resources of a bundle by their fullUrl."""
    return {
        each["fullUrl"]: each["resource"]
        for each in _list(bundle.get("entry"))
        if type(each) is dict and type(each.get("fullUrl")) is str and type(each.get("resource")) is dict
    }


def path_of(at: At) -> str:
    """Render a place as FHIRPath: Patient.name[0].given[1]."""
    steps: list[str] = []
    here: Any = at
    while here is not None:
        here, step = here
        steps.append(f"[{step}]" if type(step) is int else f".{step}")
    return "".join(reversed(steps)).removeprefix(".")


def _first(many: Iterable[_Each]) -> list[_Each]:
    return list(islice(many, SHOWN_MEMBERS))


def show(value: object) -> str:
    """A found value, short enough for a sentence."""
    if type(value) is str:
        text = value
    elif value is None:
        text = "null"
    elif type(value) is bool:
        text = "true" if value else "false"
    elif isinstance(value, (int, Decimal)):
        text = str(value) if not isinstance(value, int) or value.bit_length() < 4 * SHOWN else "…"
    elif isinstance(value, (tuple, frozenset, set)):
        text = ", ".join(sorted(map(str, value)))
        return text if len(text) <= 4 * SHOWN else text[: 4 * SHOWN] + "…"
    elif type(value) is dict:
        text = "{" + ", ".join(f"{name}: {show(each)}" for name, each in _first(value.items())) + "}"
    elif type(value) is list:
        text = "[" + ", ".join(show(each) for each in _first(value)) + "]"
    else:
        text = str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
