"""What the compiler must know from the database before it can write SQL: numbers of names, and which lists are there.

The compiler says what it lacks; this asks for all of it at once and it tries again.  In a warm process nothing is lacking
and no question is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hsba.fhir.paths import catalogue

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.query.expression import Expression
    from hsba.store.pool import Connection
    from hsba.store.registry import Registry


Address = tuple[tuple[int, ...], str]
"""The numbers of the types that an address may be of, and the logical id."""


class Keeper(Protocol):
    """The tenant a search is made in."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone."""


class Sight(Protocol):
    """What may be seen and asked: the part of the policy that searches need."""

    def visible(self, type: str) -> Expression:
        """Which resources of this type may be seen."""

    def hidden(self, type: str) -> frozenset[str]:
        """Element paths that may be neither shown nor searched nor sorted by."""

    @property
    def unrestricted(self) -> bool:
        """True when everything may be seen."""


class Lists(Protocol):
    """The code lists that searches may join with."""

    def value_set_id(self, value_set: str) -> int | None:
        """The list's number in `reference.value_set`; None when it is not known."""


class Scope(Protocol):
    """Who asks, where, and with which words: what a search takes from the context of a request."""

    @property
    def definitions(self) -> Definitions:
        """Types and search parameters."""

    @property
    def registry(self) -> Registry:
        """The integers behind names."""

    @property
    def policy(self) -> Sight:
        """What may be seen."""

    @property
    def codes(self) -> Lists:
        """Which lists are known."""

    @property
    def tenant(self) -> Keeper:
        """The keeper of the record."""


@dataclass(slots=True)
class Facts:
    """What is known so far, and what the compiler found lacking."""

    paths: dict[str, int]
    systems: dict[str, int]
    types: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    keys: dict[Address, list[int]] = field(default_factory=dict)
    wanted_keys: dict[Address, None] = field(default_factory=dict)
    trees: dict[int, bool] = field(default_factory=dict)
    merged: bool | None = None
    in_use: tuple[str, ...] | None = None
    lettered: list[int] | None = None
    wanted_types: set[str] = field(default_factory=set)
    wanted_systems: set[str] = field(default_factory=set)
    wanted_trees: set[int] = field(default_factory=set)
    wants_merged: bool = False
    wants_in_use: bool = False
    wants_lettered: bool = False
    wants_waiting: bool = False
    waiting_read: bool = False

    @classmethod
    def of(cls, registry: Registry) -> Facts:
        """Begin with what the process knows."""
        return cls(registry.known_paths, registry.known_systems)

    @property
    def lacking(self) -> bool:
        """Whether the compiler asked for something that is not known."""
        return bool(
            self.wanted_types
            or self.wanted_keys
            or self.wanted_systems
            or self.wanted_trees
            or self.wants_merged
            or self.wants_in_use
            or self.wants_lettered
            or self.wants_waiting
        )

    async def learn(self, tx: Connection, scope: Scope) -> None:
        """Find out what was lacking."""
        registry = scope.registry
        for type_ in sorted(self.wanted_types):
            known = catalogue(scope.definitions, type_)
            self.paths = {**self.paths, **await registry.paths(tx, known, make=False)}
            self.types.add(type_)
        if self.wanted_keys:
            await self._find_keys(tx, scope)
        if self.wanted_systems:
            self.systems = await registry.systems(tx, self.wanted_systems, make=False)
            self.absent |= self.wanted_systems - self.systems.keys()
        for system in self.wanted_trees:
            self.trees[system] = await tx.fetchval(
                "SELECT EXISTS (SELECT FROM reference.concept_ancestor WHERE system = $1)", system
            )
        if self.wants_merged:
            self.merged = await tx.fetchval(
                "SELECT EXISTS (SELECT FROM record.merged WHERE tenant = $1)", scope.tenant.id
            )
        if self.wants_in_use:
            self.in_use = await registry.types_in_use(tx)
        if self.wants_lettered:
            rows = await tx.fetch("SELECT id FROM reference.system WHERE uri ~* 'icd-?10'")
            self.lettered = [row[0] for row in rows]
        if self.wants_waiting:
            await registry.waiting(tx)
            self.waiting_read = True
        self.wanted_types, self.wanted_systems, self.wanted_trees = set(), set(), set()
        self.wanted_keys = {}
        self.wants_merged = self.wants_in_use = self.wants_lettered = self.wants_waiting = False

    async def _find_keys(self, tx: Connection, scope: Scope) -> None:
        """The keys behind the addresses asked for, told as constants: the planner guesses better with them."""
        questions = list(self.wanted_keys)
        rows = [(n, type_, id_) for n, (types, id_) in enumerate(questions) for type_ in types]
        self.keys.update((question, []) for question in questions)
        found = await tx.fetch(
            "SELECT n, key FROM record.addressed($1, $2, $3, $4)",
            scope.tenant.id,
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
        )
        for n, key in found:
            self.keys[questions[n]].append(key)
