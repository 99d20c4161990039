"""Code lists in the database, so that `:in` and `:below` are joins (a chapter of ICD-10 is 2,000 codes, not a list).

They are derived from the definition packages, so they are simply replaced when the packages change.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hsba.store.pool import Connection

Code = tuple[str, str]
"""System and code."""

EVERYTHING = "urn:hsba:packages"
"""The row of `reference.value_set` whose digest says from which packages all lists were made."""
LOCK = 0x48534C53


def digest(parts: Iterable[bytes]) -> bytes:
    """What the lists were made from, as one hash."""
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.digest()


async def is_current(tx: Connection, wanted: bytes) -> bool:
    """Whether the lists in the database were made from these packages."""
    found: bytes | None = await tx.fetchval(
        "SELECT digest FROM reference.value_set WHERE url = $1", EVERYTHING
    )
    return found == wanted


async def replace(
    tx: Connection,
    made_from: bytes,
    value_sets: Mapping[str, Iterable[Code]],
    ancestors: Iterable[tuple[str, str, str]],
) -> bool:
    """Replace all lists in one transaction; False when another process has just done so.

    `ancestors` are (system, ancestor, code), each code its own ancestor too.  A value set keeps its number for ever.
    """
    async with tx.transaction():
        await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if await is_current(tx, made_from):
            return False
        ancestors = list(ancestors)
        members = {url: sorted(set(codes)) for url, codes in value_sets.items()}
        systems = {system for codes in members.values() for system, _ in codes}
        systems.update(system for system, _, _ in ancestors)
        system_ids = await _systems(tx, sorted(systems))
        await tx.execute(
            "INSERT INTO reference.value_set (url, digest) SELECT url, $2 FROM unnest($1::text[]) AS w(url)"
            " ON CONFLICT (url) DO UPDATE SET digest = excluded.digest",
            sorted({*members, EVERYTHING}),
            made_from,
        )
        rows = await tx.fetch("SELECT url, id FROM reference.value_set")
        set_ids = {row["url"]: row["id"] for row in rows}
        # DELETE and not TRUNCATE: searches that run meanwhile go on with the old lists.
        await tx.execute("DELETE FROM reference.value_set WHERE digest <> $1", made_from)
        await tx.execute("DELETE FROM reference.value_set_member")
        await tx.execute("DELETE FROM reference.concept_ancestor")
        await tx.copy_records_to_table(
            "value_set_member",
            schema_name="reference",
            columns=("value_set", "system", "code"),
            records=(
                (set_ids[url], system_ids[system], code)
                for url, codes in members.items()
                for system, code in codes
            ),
        )
        await tx.copy_records_to_table(
            "concept_ancestor",
            schema_name="reference",
            columns=("system", "ancestor", "code"),
            records=(
                (system_ids[system], ancestor, code) for system, ancestor, code in sorted(set(ancestors))
            ),
        )
    await tx.execute("ANALYZE reference.value_set_member; ANALYZE reference.concept_ancestor")
    return True


async def value_sets(tx: Connection) -> dict[str, int]:
    """The numbers of the value sets by canonical address."""
    rows = await tx.fetch("SELECT url, id FROM reference.value_set WHERE url <> $1", EVERYTHING)
    return {row["url"]: row["id"] for row in rows}


async def _systems(tx: Connection, wanted: list[str]) -> dict[str, int]:
    await tx.execute(
        "INSERT INTO reference.system (uri) SELECT uri FROM unnest($1::text[]) AS w(uri) ON CONFLICT (uri) DO NOTHING",
        wanted,
    )
    rows = await tx.fetch("SELECT uri, id FROM reference.system WHERE uri = ANY($1)", wanted)
    return {row["uri"]: row["id"] for row in rows}
