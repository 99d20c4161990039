"""The embedded PostgreSQL through its one door, `running`, in this process and in others that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from hsba.store import cluster as clusters
from hsba.store import embedded
from hsba.store.cluster import FolderRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

# Another process that keeps the server running until it is told to end; it says its server's pid.
OTHER = """
import asyncio, signal, sys
from pathlib import Path
from hsba.store import cluster, embedded

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with embedded.running(Path(sys.argv[1])) as server:
        print(cluster.pid_in_file(server.folder.cluster(18)), flush=True)
        await stop.wait()

asyncio.run(main())
"""


class Other:
    """A second command that uses the same data."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(data)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.server = int(self.process.stdout.readline())

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


async def ask(dsn: str, question: str) -> object:
    tx = await asyncpg.connect(dsn)
    try:
        return await tx.fetchval(question)
    finally:
        await tx.close()


def steps() -> tuple[list[str], Callable[[embedded.Step], None]]:
    seen: list[str] = []
    return seen, lambda step: seen.append(step.en)


async def test_running__first_start_makes_a_durable_utf8_cluster(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        wanted = {
            "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
            "server_encoding": "UTF8", "listen_addresses": "",
        }  # fmt: skip
        for name, value in wanted.items():
            assert await ask(server.owner_dsn, f"SELECT current_setting('{name}')") == value
        assert (
            await ask(server.owner_dsn, "SELECT datlocale FROM pg_database WHERE datname = 'hsba'")
            == "C.UTF-8"
        )


async def test_running__nothing_runs_after_the_block(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        cluster = server.folder.cluster(18)
        assert clusters.alive(server.folder, cluster).postmaster is not None

    assert clusters.alive(server.folder, cluster) == clusters.Alive(None, ())


async def test_running__again_opens_the_same_data(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        await ask(server.owner_dsn, "CREATE SCHEMA kept")

    async with embedded.running(folder / "data") as server:
        assert await ask(server.owner_dsn, "SELECT to_regnamespace('kept') IS NOT NULL") is True


async def test_running__runtime_role_may_not_make_anything(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(server.runtime_dsn, "CREATE TABLE t ()")


async def test_running__folders_are_closed_to_others(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        for closed in (server.folder.sockets, server.folder.path / "db", server.folder.cluster(18)):
            assert closed.stat().st_mode & 0o077 == 0


async def test_running__second_command_attaches_and_takes_over(folder: Path) -> None:
    other = Other(folder / "data")
    async with embedded.running(folder / "data") as server:
        assert clusters.pid_in_file(server.folder.cluster(18)) == other.server

        other.end(signal.SIGTERM)

        assert await ask(server.runtime_dsn, "SELECT 1") == 1

    assert not clusters.runs(other.server)


async def test_running__after_kill_of_the_owner_the_server_is_adopted(folder: Path) -> None:
    other = Other(folder / "data")
    other.end(signal.SIGKILL)
    assert clusters.runs(other.server)
    seen, note = steps()

    async with embedded.running(folder / "data", note=note) as server:
        assert clusters.pid_in_file(server.folder.cluster(18)) == other.server

    assert embedded.ADOPTING.en in seen
    assert not clusters.runs(other.server)


async def test_running__after_kill_of_everything_what_was_committed_is_there(folder: Path) -> None:
    other = Other(folder / "data")
    dsn = clusters.Folder.at(folder / "data").dsn(clusters.OWNER)
    await ask(dsn, "CREATE SCHEMA s CREATE TABLE t (n integer)")
    await ask(dsn, "INSERT INTO s.t SELECT generate_series(1, 1000)")
    os.kill(other.server, signal.SIGKILL)
    other.end(signal.SIGKILL)

    async with embedded.running(folder / "data") as server:
        assert await ask(server.owner_dsn, "SELECT count(*) FROM s.t") == 1000


async def test_running__killed_server_is_started_again(folder: Path) -> None:
    seen, note = steps()
    async with embedded.running(folder / "data", note=note) as server:
        await ask(server.owner_dsn, "CREATE SCHEMA kept")
        pid = clusters.pid_in_file(server.folder.cluster(18))
        assert pid is not None

        os.kill(pid, signal.SIGKILL)

        for _ in range(200):
            await asyncio.sleep(0.1)
            if embedded.RESTARTING.en in seen and clusters.pid_in_file(server.folder.cluster(18)) != pid:
                break
        for _ in range(100):
            try:
                assert await ask(server.owner_dsn, "SELECT to_regnamespace('kept') IS NOT NULL") is True
                break
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.1)
        else:
            pytest.fail("the server did not come back")


async def test_running__stale_pid_file_with_the_number_of_another_process(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        cluster = server.folder.cluster(18)
        pid_file = (cluster / "postmaster.pid").read_text()
    lines = pid_file.splitlines()
    (cluster / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    async with embedded.running(folder / "data") as server:
        assert await ask(server.runtime_dsn, "SELECT 1") == 1


async def test_running__long_path_gets_its_socket_elsewhere(folder: Path) -> None:
    deep = folder / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    for parent in (deep, deep.parent):
        parent.chmod(0o711)

    async with embedded.running(deep / "data") as server:
        assert len(str(server.folder.sockets)) < 100
        assert await ask(server.runtime_dsn, "SELECT 1") == 1


async def test_running__wrong_local_setting_is_told_in_postgresqls_words(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        cluster = server.folder.cluster(18)
    (cluster / "local.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(clusters.ServerFailed, match="no_such_setting"):
        async with embedded.running(folder / "data"):
            pass


async def test_log__holds_no_value_of_a_row(folder: Path) -> None:
    async with embedded.running(folder / "data") as server:
        await ask(server.owner_dsn, "CREATE SCHEMA s CREATE TABLE t (name text PRIMARY KEY)")
        await ask(server.owner_dsn, "INSERT INTO s.t VALUES ('Nguyễn Văn An')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ask(server.owner_dsn, "INSERT INTO s.t VALUES ('Nguyễn Văn An')")

    assert "duplicate key" in server.folder.log.read_text()
    assert "Nguyễn" not in server.folder.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another account")
def test_folder__below_a_closed_one_is_refused(folder: Path) -> None:
    folder.chmod(0o700)

    with pytest.raises(FolderRefused, match="cannot reach"):
        clusters.Folder.at(folder / "data")
    assert not (folder / "data").exists()


async def test_running__who_attaches_finds_the_roles_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish = embedded.Keeper.furnish

    async def slow(self: embedded.Keeper) -> None:
        await asyncio.sleep(1.0)  # as on a busy machine: the server answers, its roles are not there yet
        await furnish(self)

    monkeypatch.setattr(embedded.Keeper, "furnish", slow)

    async def work() -> str:
        async with embedded.running(folder / "data") as server:
            tx = await asyncpg.connect(server.runtime_dsn)
            found: str = await tx.fetchval("SELECT current_user::text")
            await tx.close()
            return found

    assert list(await asyncio.gather(work(), work(), work())) == ["hsba_runtime"] * 3
