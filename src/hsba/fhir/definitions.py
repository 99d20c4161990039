"""What FHIR R4 and our own packages define, read lazily and kept once per process.

Opening costs a few milliseconds (an index); a type, a profile, a value set is read at its first use.  Plain
dictionaries of the whole package would cost over 100 MB in every worker, so nothing here loads everything.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hsba.fhir import expansion
from hsba.fhir.elements import BASE, Constraint, Element, Type, read_types
from hsba.fhir.packages import Package, open_package
from hsba.fhir.problems import UnknownType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Constraint", "Definitions", "Element", "SearchParameter", "Type", "default", "load"]

FOLDER = Path(__file__).parent.parent / "definitions"
CORE = "hl7.fhir.r4.core"

BY_PARAMETERS = frozenset({"search", "extract", "http.metadata"})
"""The rooms whose made things depend on search parameters, and not on types and profiles alone (`Definitions.made`)."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One search parameter (FHIR R4 searchparameter.html); components are (definition, expression) pairs."""

    code: str
    type: str
    url: str
    base: tuple[str, ...]
    expression: str | None
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()
    comparators: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    multiple_or: bool = True
    multiple_and: bool = True
    usage: str = "normal"
    description: str = ""


class Definitions:
    """The types, search parameters, profiles and terminology of the loaded packages."""

    def __init__(self, packages: Sequence[Package]) -> None:
        """Join packages; of two with the same canonical address, the later one is taken."""
        self.packages = tuple(packages)
        # A type belongs to the package that defined it first: no later one may redefine Patient.
        self._entries = {entry.name: entry for package in reversed(packages) for entry in package.types}
        self._types: dict[str, Type] = {}
        self._resources: dict[str, dict[str, Any]] = {}
        self._parameters: dict[str, dict[str, SearchParameter]] = {}
        self._expansions: dict[str, frozenset[tuple[str, str]] | None] = {}
        self._made: dict[tuple[str, str], Any] = {}
        self.generation = 0
        """Which state of the search parameters added at run time this is; the packages alone are 0."""
        self._added: dict[str, dict[str, Any]] = {}
        self._touched: frozenset[str] = frozenset()
        self._own: dict[tuple[str, str], Any] = {}
        self._own_parameters: dict[str, dict[str, SearchParameter]] = {}

    @cached_property
    def resource_types(self) -> frozenset[str]:
        """The resource types that can be stored: the 146 concrete ones of R4."""
        return frozenset(
            entry.name for entry in self._entries.values() if entry.kind == "resource" and not entry.abstract
        )

    @cached_property
    def datatypes(self) -> frozenset[str]:
        """All complex and primitive datatypes."""
        return frozenset(entry.name for entry in self._entries.values() if entry.kind != "resource")

    @cached_property
    def primitives(self) -> frozenset[str]:
        """The primitive datatypes (and xhtml)."""
        return frozenset(entry.name for entry in self._entries.values() if entry.kind == "primitive-type")

    def type(self, name: str) -> Type:
        """A type by name.

        "Patient", "HumanName", "string", or a backbone by path: "Observation.component".
        """
        found = self._types.get(name)
        if found is not None:
            return found
        entry = self._entries.get(name.partition(".")[0])
        raw = self._definition(entry.url) if entry is not None else None
        if raw is not None:
            self._types.update(read_types(raw))
        if name not in self._types:
            raise UnknownType(name)
        return self._types[name]

    def _definition(self, url: str) -> dict[str, Any] | None:
        """The definition of a type, from the first package that has it."""
        found = (package.read(url) for package in self.packages)
        return next((raw for raw in found if raw is not None), None)

    def knows(self, name: str) -> bool:
        """Whether there is a type, or a backbone, of this name."""
        try:
            self.type(name)
        except UnknownType:
            return False
        return True

    def child(self, type: str, name: str) -> Element | None:
        """The element of a type under a JSON name; None when the type has none of that name."""
        return self.type(type).elements.get(name)

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether a type is, or specialises, another: Patient is a DomainResource, Age is a Quantity."""
        current: str | None = name
        while current is not None and current != ancestor:
            current = self.type(current).base
        return current == ancestor

    def search_parameters(self, type: str) -> dict[str, SearchParameter]:
        """The search parameters of a resource type by code, those of all resources included."""
        there = self._own_parameters if type in self._touched else self._parameters
        found = there.get(type)
        if found is None:
            if type not in self.resource_types:
                raise UnknownType(type)
            found = {}
            for base in ("Resource", "DomainResource", type):
                if not self.is_a(type, base):
                    continue
                for package in self.packages:
                    for url in package.parameters.get(base, ()):
                        raw = package.read(url)
                        if raw is not None:
                            found[raw["code"]] = read_search_parameter(raw)
            for raw in self._added.values():
                if any(self.is_a(type, base) for base in raw["base"]):
                    found.setdefault(raw["code"], read_search_parameter(raw))
            there[type] = found
        return found

    @property
    def added(self) -> dict[str, dict[str, Any]]:
        """The search parameters added at run time, by their canonical addresses; not to be changed."""
        return self._added

    def types_of(self, bases: Iterable[str]) -> tuple[str, ...]:
        """The concrete resource types that a search parameter with these bases is for."""
        wanted = tuple(bases)
        return tuple(sorted(t for t in self.resource_types if any(self.is_a(t, base) for base in wanted)))

    def with_parameters(self, raws: Iterable[dict[str, Any]], generation: int) -> Definitions:
        """The packages with these search parameters and no others added; everything they do not touch is shared.

        Types, profiles, validators and the catalogues of types without an added parameter stay the same objects, so a
        further generation costs milliseconds and the memory of the types it touches.
        """
        kept = {raw["url"]: raw for raw in raws if not self._in_packages(raw["url"])}
        found = copy.copy(self)
        vars(found).update(
            generation=generation,
            _added=kept,
            _touched=frozenset(type for raw in kept.values() for type in self.types_of(raw["base"])),
            _own_parameters={},
            _own={},
        )
        return found

    @cached_property
    def compartments(self) -> tuple[str, ...]:
        """The codes of the compartments: Patient, Encounter, Practitioner, RelatedPerson, Device."""
        return tuple(sorted({code for package in self.packages for code in package.compartments}))

    def compartment(self, code: str) -> dict[str, tuple[str, ...]]:
        """For each resource type in a compartment the parameters that lead to its owner.

        "{def}" is the owner itself.
        """
        url = next(
            (package.compartments[code] for package in self.packages if code in package.compartments), None
        )
        raw = self.resource(url) if url else None
        if raw is None:
            raise UnknownType(code)
        members = {one["code"]: tuple(one["param"]) for one in raw["resource"] if one.get("param")}
        members[code] = ("{def}", *members.get(code, ()))
        return members

    def resource(self, url: str) -> dict[str, Any] | None:
        """The definition with this canonical address (|version ignored), kept in memory.

        Not to be changed.
        """
        bare = url.partition("|")[0]
        found = self._added.get(bare) or self._resources.get(bare)
        if found is None:
            found = self.read(bare)
            # What is not there is not remembered: the addresses come from clients and are without number.
            if found is not None:
                self._resources[bare] = found
        return found

    def read(self, url: str) -> dict[str, Any] | None:
        """The definition with this canonical address, read anew and not kept."""
        bare = url.partition("|")[0]
        if bare in self._added:
            return self._added[bare]
        for package in reversed(self.packages):
            found = package.read(bare)
            if found is not None:
                return found
        return None

    def has(self, url: str) -> bool:
        """Whether this canonical address is defined, by a loaded package or at run time."""
        bare = url.partition("|")[0]
        return bare in self._added or self._in_packages(bare)

    def _in_packages(self, url: str) -> bool:
        return any(package.has(url) for package in self.packages)

    def urls(self, kind: str) -> list[str]:
        """The canonical addresses of all definitions of one resource type, e.g. all ValueSets."""
        return list(dict.fromkeys(url for package in self.packages for url in package.urls(kind)))

    def value_set_codes(self, url: str) -> frozenset[tuple[str, str]] | None:
        """The (system, code) pairs of a value set; None when the packages at hand cannot enumerate it."""
        bare = url.partition("|")[0]
        if bare not in self._expansions:
            found = expansion.expand(bare, self.read)
            if found is None and not self.has(bare):
                return None
            self._expansions[bare] = found
        return self._expansions[bare]

    def made(self, room: str, key: str, make: Callable[[], _Made]) -> _Made:
        """What a room made of a definition (a compiled validator, an XML table), made once for all."""
        place = (room, key)
        there = self._made
        if (
            self._touched
            and room in BY_PARAMETERS
            and (key in self._touched or key not in self.resource_types)
        ):
            there = self._own
        if place not in there:
            there[place] = make()
        value: _Made = there[place]
        return value

    def already(self, room: str, key: str) -> Any:
        """What a room has made of a definition before; None when it has not."""
        return self._made.get((room, key))

    def joined(self, packages: Iterable[Package]) -> Definitions:
        """These definitions and further packages, as new definitions with nothing compiled yet."""
        wider = Definitions((*self.packages, *packages))
        return wider.with_parameters(self._added.values(), self.generation)


def read_search_parameter(raw: dict[str, Any]) -> SearchParameter:
    """Make the value of a SearchParameter resource."""
    return SearchParameter(
        code=raw["code"],
        type=raw["type"],
        url=raw["url"],
        base=tuple(raw.get("base", ())),
        expression=raw.get("expression"),
        targets=tuple(raw.get("target", ())),
        components=tuple((one["definition"], one["expression"]) for one in raw.get("component", ())),
        comparators=tuple(raw.get("comparator", ())),
        modifiers=tuple(raw.get("modifier", ())),
        chains=tuple(raw.get("chain", ())),
        multiple_or=raw.get("multipleOr", True),
        multiple_and=raw.get("multipleAnd", True),
        usage=raw.get("xpathUsage", "normal"),
        description=raw.get("description", ""),
    )


def packaged() -> list[Path]:
    """The folders of the packages that come with the program, the FHIR core first."""
    folders = [path for path in sorted(FOLDER.iterdir()) if (path / "package.json").exists()]
    return sorted(folders, key=lambda path: path.name != CORE)


def load(packages: Sequence[Path] | None = None, *, rebase: tuple[str, str] | None = None) -> Definitions:
    """Open packages (those that come with the program when none are named).

    ``rebase`` moves our canonical base.
    """
    folders = packaged() if packages is None else packages
    return Definitions([open_package(folder, rebase=rebase) for folder in folders])


@cache
def default() -> Definitions:
    """The packages that come with the program, opened once per process."""
    return load()


def canonical(type: str) -> str:
    """The canonical address of a core type's definition."""
    return BASE + type
