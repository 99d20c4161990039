"""The integers behind names: resource types, atomic search paths and code systems, kept per process.

All of them are given once and never change, so a process may remember what it has seen committed.  What a transaction
made itself is used but not remembered, for it may still be rolled back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.fhir.paths import catalogue
from hsba.fhir.problems import UnknownType
from hsba.store.addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.paths import Catalogue, Parameter, Path
    from hsba.store.pool import Connection

REMEMBER = 100_000
"""Systems kept at most; there are hundreds, unless somebody invents one for each resource."""

ADD_PATHS = """
INSERT INTO reference.path (type, kind, expression, ready, generation)
SELECT $1, kind, expression, NOT EXISTS (SELECT FROM reference.path p WHERE p.type = $1), $4
FROM unnest($2::text[], $3::text[]) AS w(kind, expression)
ON CONFLICT (type, kind, expression) DO NOTHING
"""

ADD_SYSTEMS = """
INSERT INTO reference.system (uri) SELECT uri FROM unnest($1::text[]) AS w(uri) ORDER BY uri
ON CONFLICT (uri) DO NOTHING
"""


class Registry:
    """Numbers of types, paths and systems, and the keys of addresses, as this process knows them."""

    def __init__(self) -> None:
        """Know nothing yet: `load` before use."""
        self.addresses = Addresses()
        self._types: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._paths: dict[str, int] = {}
        self._waiting: set[int] = set()
        self._progress: dict[str, tuple[int, int]] = {}
        self.filled = 0
        """How often a reindex had opened paths when this process last looked."""
        self._complete: dict[str, object] = {}
        self._systems: dict[str, int] = {"": 0}

    async def load(self, tx: Connection) -> None:
        """Read the numbers given so far."""
        for number, name in await tx.fetch("SELECT id, name FROM reference.type"):
            self._types[name] = number
            self._names[number] = name
        self._paths.clear()
        self._waiting.clear()
        self._complete.clear()
        rows = await tx.fetch("SELECT id, kind || ' ' || expression AS key, ready FROM reference.path")
        self._remember_paths(rows)
        for number, uri in await tx.fetch("SELECT id, uri FROM reference.system LIMIT $1", REMEMBER):
            self._systems[uri] = number

    def forget(self) -> None:
        """Drop everything that another process may have changed: after a reindex, a restore, or between tests."""
        self.addresses.forget()
        self._paths.clear()
        self._waiting.clear()
        self._complete.clear()
        self._systems = {"": 0}

    @property
    def known_paths(self) -> dict[str, int]:
        """The numbers of the paths seen so far, by key; not to be changed."""
        return self._paths

    @property
    def known_systems(self) -> dict[str, int]:
        """The numbers of the systems seen so far; not to be changed."""
        return self._systems

    def knows(self, type: str, definitions: Definitions) -> bool:
        """Whether all paths of a type are known to this process."""
        return type in self._complete and self._complete[type] is catalogue(definitions, type)

    # --- types ---------------------------------------------------------------------------------------------

    def type_id(self, name: str) -> int:
        """The number of a resource type."""
        try:
            return self._types[name]
        except KeyError:
            raise UnknownType(name) from None

    def type_name(self, number: int) -> str:
        """The resource type with this number."""
        return self._names[number]

    async def types_in_use(self, tx: Connection) -> tuple[str, ...]:
        """The types of which anything was ever stored: they have paths."""
        rows = await tx.fetch("SELECT DISTINCT type FROM reference.path")
        return tuple(sorted(self.type_name(row[0]) for row in rows))

    # --- paths ---------------------------------------------------------------------------------------------

    async def paths(self, tx: Connection, known: Catalogue, *, make: bool) -> dict[str, int]:
        """The numbers of a type's paths by their key; `make` gives numbers to those that have none yet.

        The first paths of a type are ready at once, for nothing of that type can be there; one that joins later waits
        until a reindex has filled it.
        """
        type = known.type
        if self._complete.get(type) is known:
            return self._paths
        if any(key not in self._paths for key in known.paths):
            rows = await self._read_paths(tx, type)
            have = {row[1] for row in rows}
            missing = [path for key, path in known.paths.items() if key not in have]
            if missing and make:
                rows = await self._add_paths(tx, type, missing, known.generation)
                have = set(known.paths)
            if tx.wrote:
                return {**self._paths, **{row[1]: row[0] for row in rows}}
            self._remember_paths(rows)
            if len(have) < len(known.paths):
                return self._paths
        self._complete[type] = known
        return self._paths

    async def _read_paths(self, tx: Connection, type: str) -> list[tuple[int, str, bool]]:
        sql = "SELECT id, kind || ' ' || expression, ready FROM reference.path WHERE type = $1"
        return [(row[0], row[1], row[2]) for row in await tx.fetch_alone(sql, self.type_id(type))]

    async def _add_paths(
        self, tx: Connection, type: str, missing: list[Path], generation: int
    ) -> list[tuple[int, str, bool]]:
        missing.sort(key=lambda path: path.key)
        tx.wrote = True
        await tx.execute(
            ADD_PATHS,
            self.type_id(type),
            [p.kind for p in missing],
            [p.expression for p in missing],
            generation,
        )
        return await self._read_paths(tx, type)

    def _remember_paths(self, rows: Iterable[tuple[int, str, bool]]) -> None:
        for number, key, ready in rows:
            self._paths[key] = number
            if ready:
                self._waiting.discard(number)
            else:
                self._waiting.add(number)

    def waits(self, path: int) -> bool:
        """Whether a reindex has still to fill this path for what was stored before it."""
        return path in self._waiting

    def waits_for(self, parameter: Parameter) -> bool:
        """Whether a search parameter looks at a path that waits, as far as this process knows."""
        return any(self._paths.get(path.key) in self._waiting for path in parameter.all_paths)

    def progress(self, type: str) -> tuple[int, int]:
        """How many resources of a type a reindex had done, of how many, when `waiting` was last read."""
        return self._progress.get(type, (0, 0))

    async def waiting(self, tx: Connection) -> list[tuple[int, str]]:
        """The paths that wait for a reindex, read anew: number and type."""
        rows = await tx.fetch(
            "SELECT id, type, kind || ' ' || expression FROM reference.path WHERE NOT ready ORDER BY id"
        )
        self._waiting = {row[0] for row in rows}
        if not tx.wrote:
            self._paths.update((row[2], row[0]) for row in rows)
        self._progress = {}
        if rows:
            told = await tx.fetch(
                "SELECT type, sum(done)::bigint, sum(total)::bigint FROM ops.reindex GROUP BY type"
            )
            self._progress = {self.type_name(row[0]): (row[1], row[2]) for row in told}
        return [(row[0], self.type_name(row[1])) for row in rows]

    # --- systems -------------------------------------------------------------------------------------------

    async def systems(self, tx: Connection, wanted: Iterable[str], *, make: bool) -> dict[str, int]:
        """The numbers of code systems; `make` gives numbers to new ones, otherwise those are left out."""
        known = self._systems
        missing = {uri for uri in wanted if uri not in known}
        if not missing:
            return known
        found = await self._find_systems(tx, missing)
        absent = sorted(missing - found.keys())
        if absent and make:
            tx.wrote = True
            await tx.execute(ADD_SYSTEMS, absent)
            found |= await self._find_systems(tx, set(absent))
        if not tx.wrote and len(known) < REMEMBER:
            known.update(found)
            return known
        return {**known, **found}

    async def _find_systems(self, tx: Connection, wanted: set[str]) -> dict[str, int]:
        rows = await tx.fetch_alone("SELECT uri, id FROM reference.system WHERE uri = ANY($1)", list(wanted))
        return {row[0]: row[1] for row in rows}
