"""Saves versions: any number of them, with their current rows and search rows, in one call of `record.save`.

The tuples here are the composite types of `schema/50_saving.sql`, attribute by attribute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from hsba.fhir.problems import Busy, VersionConflict
from hsba.store.generation import DefinitionsChanged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from hsba.store.pool import Connection

KINDS = ("token", "string", "date", "quantity", "reference", "uri", "composite", "text")
"""The kinds of search rows, each with a table `ix_…`, in the order of the parameters of `record.save_rows`."""

_ROWS = ", ".join(f"${place}" for place in range(2, 2 + 2 * len(KINDS)))
SAVE_ROWS = f"SELECT record.save_rows($1, {_ROWS})"
SAVE = f"SELECT record.save({', '.join(f'${place}' for place in range(1, 8 + 2 * len(KINDS)))})"

MADE_BY_ANOTHER, CHANGED_BY_ANOTHER, FROZEN_DOSSIER, OTHER_GENERATION = "HB001", "HB002", "HB003", "HB005"


class Write(NamedTuple):
    """One new version, stamped and hashed, with the keys of what it belongs to; `fresh` when its address is new too."""

    key: int
    type: int
    id: str
    vid: int
    interaction: bytes
    recorded: datetime
    body: str | None
    sha256: bytes
    before: bytes | None
    fresh: bool
    state: int = 0
    patient: int | None = None
    encounter: int | None = None
    dossier: int | None = None
    department: int | None = None
    labels: int = 0
    occurred: datetime | None = None
    late: bool = False


class Provenance(NamedTuple):
    """Who wrote, in which role, from where, through which door, for what: the same for all of one save."""

    account: str
    role: str | None
    on_behalf_of: str | None
    workstation: str | None
    channel: str
    purpose: str
    reason: str | None
    request: UUID
    source_system: str | None = None
    source_key: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SearchRows:
    """Search rows by kind, each beginning with its resource's key, and the keys whose old rows of a kind go."""

    made: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    cleared: dict[str, list[int]] = field(default_factory=dict)

    def arguments(self) -> list[Any]:
        """What `record.save_rows` takes beside the tenant."""
        made, cleared = self.made, self.cleared
        return [*(made.get(kind) or None for kind in KINDS), *(cleared.get(kind) for kind in KINDS)]


class FrozenDossier(Exception):
    """A dossier that a version belongs to is in a state that takes nothing more; `state` is its number."""

    def __init__(self, state: int) -> None:
        """Keep the state."""
        super().__init__(state)
        self.state = state


async def save(
    tx: Connection,
    tenant: int,
    writes: Sequence[Write],
    rows: SearchRows,
    provenance: Provenance,
    generation: int = 0,
    *,
    dossiers: Sequence[int] = (),
    frozen: Sequence[int] = (),
    alone: bool = False,
    told: str | None = None,
) -> None:
    """Write versions, current rows and search rows together; refuses when somebody else was faster.

    Who made the same new address at the same moment is Busy (a second try finds it there); who changed what this write
    builds on is a VersionConflict; a dossier in one of the `frozen` states is a FrozenDossier.  `generation` says with
    which search parameters the rows were made; others are DefinitionsChanged (decision 0007).  With `alone` nothing
    else belongs to this transaction, and where nothing has begun it the call commits by itself.  With `told` the lines of
    the audit trail are written in the same call: under that name, or where it is empty by act and type.
    """
    ask = tx.fetchval_alone if alone else tx.fetchval
    tx.wrote = tx.wrote or any(write.fresh for write in writes)
    try:
        await ask(
            SAVE,
            tenant,
            provenance,
            writes,
            generation + tx.stepped,
            list(dossiers) or None,
            list(frozen),
            *rows.arguments(),
            told,
        )
    except asyncpg.UniqueViolationError as exc:
        raise Busy from exc
    except asyncpg.PostgresError as exc:
        if exc.sqlstate == MADE_BY_ANOTHER:
            raise Busy from exc
        if exc.sqlstate == CHANGED_BY_ANOTHER:
            raise VersionConflict from exc
        if exc.sqlstate == OTHER_GENERATION:
            raise DefinitionsChanged from exc
        if exc.sqlstate == FROZEN_DOSSIER:
            raise FrozenDossier(int(exc.message)) from exc
        raise


async def save_rows(tx: Connection, tenant: int, rows: SearchRows) -> None:
    """Write search rows alone, those that are cleared first: a reindex."""
    await tx.execute(SAVE_ROWS, tenant, *rows.arguments())
