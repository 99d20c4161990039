"""Search values to rows: names become integers, and each table's columns become arrays for one statement or COPY.

`rows` asks the database only for names that this process has not seen; `IndexRows.columns` is pure, so the caller may
first turn the addresses that the references lead to into keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hsba.fhir.extract import Rows
    from hsba.store.addresses import Address
    from hsba.store.pool import Connection
    from hsba.store.registry import Registry


class IndexRows:
    """The search rows of some resources, references still told as addresses; resources by their place in the batch."""

    def __init__(self) -> None:
        """Start empty: a list of tuples (place, path, …) per table."""
        self.token: list[tuple[int, int, int, str]] = []
        self.string: list[tuple[int, int, str, str | None]] = []
        self.date: list[tuple[int, int, Any, Any]] = []
        self.quantity: list[tuple[Any, ...]] = []
        self.reference: list[tuple[int, int, Address]] = []
        self.uri: list[tuple[int, int, str]] = []
        self.composite: list[tuple[Any, ...]] = []

    def only(self, paths: frozenset[int]) -> IndexRows:
        """The rows of some paths."""
        found = IndexRows()
        for table in ("token", "string", "date", "quantity", "reference", "uri", "composite"):
            setattr(found, table, [row for row in getattr(self, table) if row[1] in paths])
        return found

    def addresses(self) -> set[Address]:
        """Every address (type number, logical id) that a reference leads to."""
        return {row[2] for row in self.reference}

    def tables(self) -> dict[str, Sequence[tuple[Any, ...]]]:
        """The rows by table."""
        return {
            "ix_token": self.token,
            "ix_string": self.string,
            "ix_date": self.date,
            "ix_quantity": self.quantity,
            "ix_reference": self.reference,
            "ix_uri": self.uri,
            "ix_composite": self.composite,
        }

    def columns(self, resources: Sequence[int], keys: Mapping[Address, int]) -> dict[str, list[list[Any]]]:
        """The columns of each table that has rows, in the order of INDEX_COLUMNS.

        `resources` gives the key of each place in the batch, `keys` those of the addresses.
        """
        found: dict[str, list[list[Any]]] = {}
        for table, rows in self.tables().items():
            if rows:
                columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
                columns[0] = [resources[place] for place in columns[0]]
                if table == "ix_reference":
                    columns[2] = [keys[address] for address in columns[2]]
                found[table] = columns
        return found


async def rows(tx: Connection, values: Sequence[Rows], registry: Registry) -> IndexRows:
    """Put the values of some resources into rows; new paths and systems get their numbers in this transaction."""
    found = IndexRows()
    paths: dict[str, int] = {}
    for known in {one.catalogue for one in values if one.catalogue is not None}:
        more = await registry.paths(tx, known, make=True)
        paths = {**paths, **more} if paths else more
    systems = await registry.systems(tx, _systems(values), make=True)
    for place, one in enumerate(values):
        found.token += [(place, paths[p], systems[s], c) for p, s, c in one.token]
        found.string += [(place, paths[p], f, x) for p, f, x in one.string]
        found.date += [(place, paths[p], low, high) for p, low, high in one.date]
        found.quantity += [
            (place, paths[p], systems[s], unit, low, high, base, base_low, base_high)
            for p, s, unit, low, high, base, base_low, base_high in one.quantity
        ]
        found.reference += [(place, paths[p], (registry.type_id(t), i)) for p, t, i in one.reference]
        found.uri += [(place, paths[p], value) for p, value in one.uri]
        found.composite += [
            (
                place,
                paths[row[0]],
                systems[row[1]],
                row[2],
                row[3].encode(),
                None if row[4] is None else systems[row[4]],
                *row[5:],
            )
            for row in one.composite
        ]
    return found


def _systems(values: Sequence[Rows]) -> set[str]:
    """Every code system that the values name."""
    wanted: set[str] = set()
    for one in values:
        wanted.update(row[1] for row in one.token)
        wanted.update(row[1] for row in one.quantity)
        for row in one.composite:
            wanted.add(row[1])
            if row[4] is not None:
                wanted.add(row[4])
    return wanted
