"""`hsba audit` as a person types it, on a database that somebody else runs; and the worker that seals."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from hsba import worker
from hsba.audit import sealing
from hsba.record import interactions

if TYPE_CHECKING:
    from databases import Database
    from house import House

HSBA = Path(sys.executable).parent / "hsba"


async def hsba(database: Database, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HSBA_", "PG"))}
    environ = {
        **kept,
        "DATABASE_URL": database.runtime_dsn,
        "HSBA_OWNER_DATABASE_URL": database.owner_dsn,
        "HSBA_DATA": str(folder),
        "HSBA_LANG": "en",
        "COLUMNS": "200",
    }
    command = [str(HSBA), *arguments]
    return await asyncio.to_thread(
        lambda: subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    )


async def write(house: House, *ids: str) -> None:
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})


async def test_verify__says_what_is_whole_and_ends_with_1_when_a_line_was_altered(
    house: House, database: Database, folder: Path, owner: Any
) -> None:
    await write(house, "a", "b")
    await house.settle()
    await sealing.seal(house.app)
    await write(house, "c")

    whole = await hsba(database, folder, "audit", "verify")
    written = await hsba(
        database, folder, "audit", "export", str(folder / "trail.ndjson"), "--from", "2020-01-01"
    )
    await owner.execute("UPDATE audit.line SET account = 'x' WHERE id = 2")
    broken = await hsba(database, folder, "audit", "verify", "--from", "2020-01-01")
    wrong = await hsba(database, folder, "audit", "verify", "--from", "yesterday")

    assert whole.returncode == 0, whole.stderr
    assert "2 lines in 1 segments" in whole.stdout
    assert "1 are not sealed yet" in whole.stdout
    assert written.returncode == 0, written.stderr
    lines = [json.loads(line) for line in (folder / "trail.ndjson").read_text().splitlines()]
    assert [line["resourceType"] for line in lines] == ["AuditEvent"] * 3
    assert broken.returncode == 1
    assert "Line 2 was altered." in broken.stderr
    assert wrong.returncode not in (0, 1)


async def test_housekeeping__seals_by_itself(house: House, owner: Any) -> None:
    await write(house, "a")
    await house.settle()

    await worker.Housekeeping(house.app).step()

    assert await owner.fetchval("SELECT sum(cardinality(ids)) FROM audit.segment") == 1


async def test_trail__a_connection_killed_in_the_middle_leaves_neither_version_nor_line(
    house: House, owner: Any
) -> None:
    async def killed() -> None:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": "p"})
            await owner.execute("SELECT pg_terminate_backend($1)", ctx.tx.get_server_pid())
            await ctx.tx.fetchval("SELECT 1")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await killed()

    assert await owner.fetchval("SELECT count(*) FROM record.version") == 0
    assert await owner.fetchval("SELECT count(*) FROM audit.line") == 0
