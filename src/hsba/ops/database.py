"""The database that a command works with: your own, or the embedded one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from hsba.store import embedded, migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from hsba.store.embedded import Step


@dataclass(frozen=True, slots=True)
class Database:
    """The addresses of one database: for the runtime role, and for the owner."""

    runtime: str
    owner: str
    embedded: bool


@asynccontextmanager
async def reached(
    *, url: str, owner_url: str, data: Path, note: Callable[[Step], None] = lambda _: None
) -> AsyncIterator[Database]:
    """The database at `url` where one is given, else the embedded one, running while the block lasts."""
    if url:
        yield Database(url, owner_url or url, embedded=False)
        return
    async with embedded.running(data, note=note) as server:
        yield Database(server.runtime_dsn, server.owner_dsn, embedded=True)


async def pending(owner: str) -> list[str]:
    """The names of the migrations that the database still lacks."""
    tx = await asyncpg.connect(owner)
    try:
        return [migration.name for migration in await migrate.pending(tx)]
    finally:
        await tx.close()


async def count(owner: str) -> None:
    """Tell the planner what the record holds now: before it knows, a search that rights narrow may take minutes."""
    tx = await asyncpg.connect(owner)
    try:
        tables = await tx.fetchval(
            "SELECT string_agg(format('record.%I', c.relname), ', ') FROM pg_class c"
            " WHERE c.relnamespace = 'record'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        await tx.execute(f"ANALYZE {tables}")
    finally:
        await tx.close()
