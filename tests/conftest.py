"""What every test may ask for: a PostgreSQL for the run, and a database of its own for the test.

The server is the embedded one, or that of HSBA_TEST_POSTGRES (a folder of server programs); all processes of a run
share it by the same locks that commands share it by.  The schema is built once, and cloned for each test.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from databases import Database
from hsba.store import embedded
from hsba.store.cluster import OWNER, Programs
from hsba.store.embedded import Lock, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TEMPLATE = "template_hsba"
ROOM = 6 * 1024**3
"""Bytes that a run may need at most."""
# The run's data is thrown away, so nothing waits for the disk.  Crash tests start servers of their own.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def programs() -> Programs | None:
    """The server programs that this run was told to use, if any."""
    named = os.environ.get("HSBA_TEST_POSTGRES")
    return Programs.at(Path(named)) if named else None


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that PostgreSQL's account can reach, which pytest's own is not for."""
    path = Path(tempfile.mkdtemp(prefix="hsba-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[Server]:
    """The PostgreSQL of this run, the template database in it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
    path = _roomy() / f"hsba-run-{run[:16]}"
    async with embedded.running(path, programs=programs(), settings=HASTY) as server:
        await _build_template(server)
        yield server
    users = Lock(path / "users.lock")
    if users.take(fcntl.LOCK_EX):  # the last one out
        shutil.rmtree(path)
    users.close()


def _roomy() -> Path:
    """Where the run's data lies: in memory where there is room, for a database is cloned eight times as fast there."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder of the run is its own
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM:
        return memory
    return Path(tempfile.gettempdir())


async def _build_template(server: Server) -> None:
    from hsba import app, config  # noqa: PLC0415 - not every test needs the whole house

    lock = Lock(server.folder.path / "template.lock")
    await lock.wait(fcntl.LOCK_EX)
    tx = await asyncpg.connect(server.admin_dsn)
    try:
        if not await tx.fetchval(
            "SELECT true FROM pg_database WHERE datname = $1 AND datistemplate", TEMPLATE
        ):
            await tx.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            await tx.execute(f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
            await app.prepare(config.load({}, files=()), server.folder.dsn(OWNER, TEMPLATE))
            await tx.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")
    finally:
        await tx.close()
        lock.close()


@pytest_asyncio.fixture
async def database(postgres: Server) -> AsyncIterator[Database]:
    """A database of this test's own."""
    name = f"test_{uuid4().hex[:12]}"
    tx = await asyncpg.connect(postgres.admin_dsn)
    try:
        await tx.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {OWNER} STRATEGY FILE_COPY")
        yield Database(name, postgres)
    finally:
        await tx.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await tx.close()


@pytest_asyncio.fixture
async def empty_database(postgres: Server) -> AsyncIterator[Database]:
    """A database without anything, for tests of the schema itself."""
    name = f"test_{uuid4().hex[:12]}"
    tx = await asyncpg.connect(postgres.admin_dsn)
    try:
        await tx.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        yield Database(name, postgres)
    finally:
        await tx.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await tx.close()


ZONES = ("UTC", "America/New_York")


@pytest_asyncio.fixture(params=ZONES)
async def elsewhere(
    request: pytest.FixtureRequest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A machine in another zone than the hospital's, with a PostgreSQL that was set to a third one."""
    tx = await asyncpg.connect(database.owner_dsn)
    try:
        await tx.execute(f"ALTER DATABASE {database.name} SET timezone = 'Pacific/Kiritimati'")
    finally:
        await tx.close()
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.fixture
def shared_data() -> Path:
    """The folder of other people's test data beside the project."""
    path = Path(__file__).parent.parent.parent / "shared"
    if not path.is_dir():
        pytest.skip("the folder of public test data is not beside the project")
    return path
