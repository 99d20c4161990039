"""Data of an older PostgreSQL is brought to the one that this release carries."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from hsba.store import embedded, upgrade
from hsba.store.cluster import Programs, ServerFailed

pytestmark = pytest.mark.slow

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture
def older() -> Programs:
    """The server programs of Debian's release, older than ours."""
    if not DEBIAN:
        pytest.skip("no PostgreSQL of Debian here: apt install postgresql")
    found = Programs.at(DEBIAN[0].parent)
    if found.major >= embedded.wheel_major(embedded.shipped()):
        pytest.skip(f"Debian's PostgreSQL is {found.version}, no older than ours")
    return found


async def test_upgrade__older_data_is_all_there_and_the_old_folder_kept(
    folder: Path, older: Programs
) -> None:
    async with embedded.running(folder / "data", programs=older) as server:
        tx = await asyncpg.connect(server.owner_dsn)
        await tx.execute('CREATE SCHEMA s CREATE TABLE t (name text COLLATE "C" PRIMARY KEY)')
        await tx.execute("INSERT INTO s.t SELECT 'Nguyễn ' || n FROM generate_series(1, 1000) n")
        await tx.close()

    done = await upgrade.upgrade(folder / "data", programs=older)

    assert (done.old, done.new) == (older.major, embedded.wheel_major(embedded.shipped()))
    assert done.kept is not None
    assert (done.kept / "PG_VERSION").read_text().strip() == str(older.major)
    async with embedded.running(folder / "data") as server:
        tx = await asyncpg.connect(server.runtime_dsn)
        assert int(await tx.fetchval("SHOW server_version_num")) // 10000 == done.new
        await tx.close()
        tx = await asyncpg.connect(server.owner_dsn)
        assert await tx.fetchval("SELECT count(*) FROM s.t WHERE name LIKE 'Nguyễn %'") == 1000
        await tx.close()


async def test_upgrade__twice_does_nothing_more(folder: Path) -> None:
    async with embedded.running(folder / "data"):
        pass

    assert (await upgrade.upgrade(folder / "data")).kept is None


async def test_upgrade__while_the_server_runs_is_refused(folder: Path, older: Programs) -> None:
    async with embedded.running(folder / "data", programs=older):
        with pytest.raises(upgrade.UpgradeRefused, match="Stop the server"):
            await upgrade.upgrade(folder / "data", programs=older)


async def test_upgrade__without_data_is_refused(folder: Path) -> None:
    with pytest.raises(upgrade.UpgradeRefused, match="no data"):
        await upgrade.upgrade(folder / "data")


async def test_upgrade__without_the_old_programs_is_told_and_changes_nothing(
    folder: Path, older: Programs
) -> None:
    async with embedded.running(folder / "data", programs=older):
        pass

    with pytest.raises(ServerFailed, match="not kept"):
        await upgrade.upgrade(folder / "data")

    async with embedded.running(folder / "data", programs=older) as server:
        tx = await asyncpg.connect(server.runtime_dsn)
        await tx.close()
