"""Search values to rows: names become integers, and each kind's rows become tuples as `record.save` takes them.

`rows` asks the database only for names that this process has not seen; `IndexRows.made` is pure, so the caller may
first turn the addresses that the references lead to into keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.store.saving import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hsba.fhir.extract import Rows
    from hsba.store.addresses import Address
    from hsba.store.pool import Connection
    from hsba.store.registry import Registry


class IndexRows:
    """The search rows of some resources by kind, each with its resource's key first, references still as addresses."""

    def __init__(self) -> None:
        """Start empty: tuples (key, path, …) per kind, as `store.saving` takes them."""
        self.token: list[tuple[int, int, int, str]] = []
        self.string: list[tuple[int, int, str, str | None]] = []
        self.date: list[tuple[int, int, Any, Any]] = []
        self.quantity: list[tuple[Any, ...]] = []
        self.reference: list[tuple[int, int, Address]] = []
        self.uri: list[tuple[int, int, str]] = []
        self.composite: list[tuple[Any, ...]] = []
        self.text: list[tuple[int, list[str]]] = []

    def only(self, paths: frozenset[int]) -> IndexRows:
        """The rows of some paths."""
        found = IndexRows()
        for kind in KINDS[:-1]:
            setattr(found, kind, [row for row in getattr(self, kind) if row[1] in paths])
        return found

    def addresses(self) -> set[Address]:
        """Every address (type number, logical id) that a reference leads to."""
        return {row[2] for row in self.reference}

    def made(self, keys: Mapping[Address, int]) -> dict[str, list[tuple[Any, ...]]]:
        """The rows by kind, references as the keys of their addresses."""
        found: dict[str, Any] = {kind: getattr(self, kind) for kind in KINDS}
        found["reference"] = [(key, path, keys[address]) for key, path, address in self.reference]
        return found


async def rows(tx: Connection, values: Sequence[tuple[int, Rows]], registry: Registry) -> IndexRows:
    """Put the values of resources (each with its key) into rows; new paths and systems get numbers in this transaction."""
    found = IndexRows()
    paths: dict[str, int] = {}
    for known in {one.catalogue for _, one in values if one.catalogue is not None}:
        more = await registry.paths(tx, known, make=True)
        paths = {**paths, **more} if paths else more
    systems = await registry.systems(tx, _systems(values), make=True)
    for key, one in values:
        found.token += [(key, paths[p], systems[s], c) for p, s, c in one.token]
        found.string += [(key, paths[p], f, x) for p, f, x in one.string]
        found.date += [(key, paths[p], low, high) for p, low, high in one.date]
        found.quantity += [
            (key, paths[p], systems[s], unit, low, high, base, base_low, base_high)
            for p, s, unit, low, high, base, base_low, base_high in one.quantity
        ]
        found.reference += [(key, paths[p], (registry.type_id(t), i)) for p, t, i in one.reference]
        found.uri += [(key, paths[p], value) for p, value in one.uri]
        found.composite += [
            (
                key,
                paths[row[0]],
                systems[row[1]],
                row[2],
                row[3].encode(),
                None if row[4] is None else systems[row[4]],
                *row[5:],
            )
            for row in one.composite
        ]
        found.text += [(key, words) for words in one.text]
    return found


def _systems(values: Sequence[tuple[int, Rows]]) -> set[str]:
    """Every code system that the values name."""
    wanted: set[str] = set()
    for _, one in values:
        wanted.update(row[1] for row in one.token)
        wanted.update(row[1] for row in one.quantity)
        for row in one.composite:
            wanted.add(row[1])
            if row[4] is not None:
                wanted.add(row[4])
    return wanted
