"""What `hsba doctor` looks at: the machine, the database and the data, with what to do about each.

A check is a function that yields findings; the tables `MACHINE` and `DATABASE` list them in the order they
are told.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import stat
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hsba.fhir.problems import Problem
from hsba.ops import certificates
from hsba.store import account, cluster, migrate, restored

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from asyncpg import Connection

    from hsba.ops.certificates import Pair

Level = Literal["ok", "warning", "error"]
GB = 1024**3
RENEW_BEFORE = 30
"""Days before its end when a certificate should be renewed."""
HERE = frozenset({"localhost", "127.0.0.1", "[::1]", "*"})
"""Names that no certificate is made for."""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    en: str
    vi: str

    def with_detail(self, text: str) -> Words:
        """The sentence, and a name that is the same in both languages."""
        return Words(f"{self.en}: {text}", f"{self.vi}: {text}")


NOTHING = Words("", "")
NAMED = 10
"""Of many things alike so many are told by name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: what was looked at, what was found, and what to do."""

    level: Level
    subject: Words
    found: Words
    todo: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks of the machine need to know of the settings."""

    data: Path
    host: str
    port: int
    external: bool
    pair: Pair | None = None
    hosts: tuple[str, ...] = ()


def same(text: object) -> Words:
    """A number or a name that is the same in both languages."""
    return Words(str(text), str(text))


# --- The machine -------------------------------------------------------------------------------------------


def python(_: Machine) -> Iterator[Finding]:
    """Python's version (no older one gets this far), and whether it speaks UTF-8."""
    subject = Words("Python", "Python")
    if sys.getfilesystemencoding().lower() != "utf-8":
        todo = Words("Set LANG=C.UTF-8.", "Hãy đặt LANG=C.UTF-8.")
        yield Finding("error", subject, same(sys.getfilesystemencoding()), todo)
    else:
        yield Finding("ok", subject, same(platform.python_version()))


def time_zones(_: Machine) -> Iterator[Finding]:
    """Whether Vietnam's time zone is known here."""
    subject = Words("Time zone data", "Dữ liệu múi giờ")
    try:
        ZoneInfo("Asia/Ho_Chi_Minh")
    except ZoneInfoNotFoundError:
        yield Finding(
            "error", subject, Words("missing", "thiếu"), Words("apt install tzdata", "apt install tzdata")
        )
    else:
        yield Finding("ok", subject, same("Asia/Ho_Chi_Minh"))


def memory(_: Machine) -> Iterator[Finding]:
    """How much memory there is."""
    size = cluster.memory_of_machine()
    level: Level = "ok" if size >= 2 * GB else "warning" if size >= GB else "error"
    todo = NOTHING if level == "ok" else Words("2 GB or more is advised.", "Nên có từ 2 GB.")
    yield Finding(level, Words("Memory", "Bộ nhớ"), same(f"{size / GB:.1f} GB"), todo)


def disk(machine: Machine) -> Iterator[Finding]:
    """How much room is left where the data lies."""
    place = next(path for path in (machine.data, *machine.data.parents) if path.exists())
    free = shutil.disk_usage(place).free
    level: Level = "ok" if free >= 10 * GB else "warning" if free >= GB else "error"
    todo = NOTHING if level == "ok" else Words(f"Make room on {place}.", f"Hãy dọn đĩa chứa {place}.")
    yield Finding(level, Words("Free disk", "Đĩa còn trống"), same(f"{free / GB:.1f} GB ({place})"), todo)


def clock(_: Machine) -> Iterator[Finding]:
    """Whether the machine's clock can be right at all: it does not stand before this release."""
    now = datetime.now(UTC)
    released = datetime(2026, 1, 1, tzinfo=UTC)
    level: Level = "ok" if now > released else "error"
    todo = (
        NOTHING
        if level == "ok"
        else Words("Set the clock (timedatectl).", "Hãy chỉnh đồng hồ (timedatectl).")
    )
    yield Finding(level, Words("Clock", "Đồng hồ"), same(f"{now:%Y-%m-%d %H:%M:%S} UTC"), todo)


def port(machine: Machine) -> Iterator[Finding]:
    """Whether the port is free, or ours."""
    subject = Words("Port", "Cổng")
    with socket.socket() as trial:
        trial.settimeout(2)
        if trial.connect_ex(("127.0.0.1", machine.port)):
            yield Finding("ok", subject, Words(f"{machine.port} is free", f"{machine.port} còn trống"))
            return
        try:
            spoken = trial if machine.pair is None else certificates.unverified().wrap_socket(trial)
            spoken.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            ours = spoken.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            ours = False
    if ours:
        yield Finding(
            "ok", subject, Words(f"{machine.port}: a server answers", f"{machine.port}: máy chủ đang trả lời")
        )
    else:
        yield Finding(
            "error", subject, Words(f"{machine.port} is taken", f"{machine.port} đã bị chiếm"),
            Words("Choose another with HSBA_PORT.", "Hãy chọn cổng khác bằng HSBA_PORT."),
        )  # fmt: skip


def certificate(machine: Machine) -> Iterator[Finding]:
    """Whether the TLS certificate and its key can be used, how long the certificate holds, and for which names."""
    subject, pair = Words("TLS certificate", "Chứng thư TLS"), machine.pair
    if pair is None:
        return
    renew = Words(
        "Renew the certificate; the running server takes it over by itself.",
        "Hãy gia hạn chứng thư; máy chủ đang chạy tự dùng bản mới.",
    )
    try:
        pair.check()
        days = (pair.ends() - datetime.now(UTC)).days
    except Problem as problem:
        todo = Words("See docs/how-to/tls.md.", "Xem docs/how-to/tls.md.")
        yield Finding("error", subject, Words(problem.sentence, problem.sentence_vi), todo)
        return
    ends = f"{pair.ends():%Y-%m-%d}"
    if days < 0:
        yield Finding("error", subject, Words(f"ended on {ends}", f"đã hết hạn ngày {ends}"), renew)
    elif days < RENEW_BEFORE:
        yield Finding("warning", subject, Words(f"ends on {ends}", f"hết hạn ngày {ends}"), renew)
    else:
        yield Finding("ok", subject, Words(f"until {ends}", f"đến {ends}"))
    names = pair.names()
    lacking = [one for one in machine.hosts if one not in HERE and not certificates.covers(names, one)]
    if lacking:
        told = ", ".join(lacking)
        found = Words(f"it is not for: {told}", f"không cấp cho: {told}")
        todo = Words(
            "Browsers will warn: have it made for every name in allowed_hosts.",
            "Trình duyệt sẽ cảnh báo: hãy xin chứng thư cho mọi tên trong allowed_hosts.",
        )
        yield Finding("warning", subject, found, todo)


def folder(machine: Machine) -> Iterator[Finding]:
    """Whether the data folder is there, closed to others, and its owner's."""
    if machine.external:
        return
    subject = Words("Data folder", "Thư mục dữ liệu")
    database = machine.data / "db"
    if not database.is_dir():
        todo = Words("`hsba serve` or `hsba demo` makes it.", "`hsba serve` hoặc `hsba demo` sẽ tạo.")
        yield Finding(
            "warning",
            subject,
            Words(f"{machine.data}: no data yet", f"{machine.data}: chưa có dữ liệu"),
            todo,
        )
        return
    found = database.stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        todo = Words(f"chmod 700 {database}", f"chmod 700 {database}")
        yield Finding(
            "error", subject, Words(f"{database} is open to others", f"{database} mở cho người khác"), todo
        )
        return
    if os.geteuid() not in {0, found.st_uid}:
        owner = account.for_folder(database).name
        todo = Words(f"Run as root or '{owner}'.", f"Hãy chạy bằng root hoặc '{owner}'.")
        yield Finding("error", subject, Words("not yours", "không phải của bạn"), todo)
        return
    yield Finding("ok", subject, same(machine.data))


MACHINE: tuple[Callable[[Machine], Iterator[Finding]], ...] = (
    python, time_zones, memory, disk, clock, port, certificate, folder,
)  # fmt: skip


def machine(known: Machine) -> Iterator[Finding]:
    """Every check of the machine."""
    for check in MACHINE:
        yield from check(known)


# --- The database, asked as its owner ----------------------------------------------------------------------


async def release(tx: Connection) -> AsyncIterator[Finding]:
    """PostgreSQL's version."""
    number = await tx.fetchval("SELECT current_setting('server_version_num')::integer")
    level: Level = "ok" if number >= 150000 else "error"
    todo = (
        NOTHING if level == "ok" else Words("PostgreSQL 15 or newer is needed.", "Cần PostgreSQL từ bản 15.")
    )
    yield Finding(level, same("PostgreSQL"), same(await tx.fetchval("SHOW server_version")), todo)


DURABLE = (("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"))
KEPT = {"synchronous_commit": {"on", "remote_apply", "remote_write"}}


async def durability(tx: Connection) -> AsyncIterator[Finding]:
    """Whether what is acknowledged is on the disk."""
    subject = Words("Durability", "Độ bền dữ liệu")
    wrong = []
    for name, wanted in DURABLE:
        value = await tx.fetchval("SELECT current_setting($1)", name)
        if value not in KEPT.get(name, {wanted}):
            wrong.append(f"{name} = {value}")
    if wrong:
        todo = Words("Set them to on: a power cut loses data.", "Hãy đặt thành on: mất điện là mất dữ liệu.")
        yield Finding("error", subject, same(", ".join(wrong)), todo)
    else:
        yield Finding("ok", subject, same("fsync, full_page_writes, synchronous_commit"))


async def encoding(tx: Connection) -> AsyncIterator[Finding]:
    """UTF-8, or Vietnamese is lost."""
    value = await tx.fetchval("SHOW server_encoding")
    level: Level = "ok" if value == "UTF8" else "error"
    todo = (
        NOTHING
        if level == "ok"
        else Words("Make the database with ENCODING 'UTF8'.", "Hãy tạo cơ sở dữ liệu với ENCODING 'UTF8'.")
    )
    yield Finding(level, Words("Encoding", "Bảng mã"), same(value), todo)


async def roles(tx: Connection) -> AsyncIterator[Finding]:
    """Two roles, and the runtime one may not change the schema."""
    subject = Words("Roles", "Vai trò")
    rows = await tx.fetch(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = ANY($1)", list(migrate.ROLES)
    )
    missing = sorted(set(migrate.ROLES) - {row["rolname"] for row in rows})
    strong = [
        row["rolname"]
        for row in rows
        if row["rolname"] == "hsba_runtime" and (row["rolsuper"] or row["rolbypassrls"])
    ]
    if missing:
        todo = same("; ".join(f"CREATE ROLE {role} LOGIN" for role in missing))
        yield Finding(
            "error", subject, Words(f"missing: {', '.join(missing)}", f"thiếu: {', '.join(missing)}"), todo
        )
    elif strong or await tx.fetchval(
        "SELECT has_schema_privilege('hsba_runtime', oid, 'CREATE') FROM pg_namespace WHERE nspname = 'record'"
    ):
        todo = Words(
            "Take superuser, BYPASSRLS and CREATE from hsba_runtime.",
            "Hãy bỏ quyền superuser, BYPASSRLS và CREATE của hsba_runtime.",
        )
        yield Finding(
            "error", subject, Words("hsba_runtime may do too much", "hsba_runtime có quá nhiều quyền"), todo
        )
    else:
        yield Finding("ok", subject, same(", ".join(migrate.ROLES)))


async def migrations(tx: Connection) -> AsyncIterator[Finding]:
    """Whether the schema is of this release."""
    subject = Words("Migrations", "Lược đồ")
    lacking = [migration.name for migration in await migrate.pending(tx)]
    if lacking:
        yield Finding(
            "error", subject, same(", ".join(lacking)), Words("Run: hsba migrate", "Hãy chạy: hsba migrate")
        )
    else:
        yield Finding("ok", subject, Words("complete", "đầy đủ"))


async def skew(tx: Connection) -> AsyncIterator[Finding]:
    """Whether the database's machine and this one agree about the time."""
    before = time.time()
    there = float(await tx.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8"))
    away = there - (before + time.time()) / 2
    level: Level = "ok" if abs(away) < 1 else "warning" if abs(away) < 60 else "error"
    todo = (
        NOTHING
        if level == "ok"
        else Words("Let both machines keep time by NTP.", "Hãy để hai máy đồng bộ giờ bằng NTP.")
    )
    yield Finding(
        level, Words("Clock of the database", "Đồng hồ cơ sở dữ liệu"), same(f"{away:+.3f} s"), todo
    )


async def dangling(tx: Connection) -> AsyncIterator[Finding]:
    """References to resources that were never written, or are deleted, by type."""
    subject = Words("References", "Tham chiếu")
    rows = await tx.fetch(
        "SELECT t.name, count(*) AS n FROM record.resource r JOIN reference.type t ON t.id = r.type"
        " WHERE r.vid = 0 AND EXISTS"
        " (SELECT FROM record.ix_reference i WHERE i.tenant = r.tenant AND i.target = r.key)"
        " GROUP BY t.name ORDER BY n DESC, t.name LIMIT 20"
    )
    if rows:
        listed = ", ".join(f"{row['name']} {row['n']}" for row in rows)
        todo = Words(
            "Load them, or correct what refers to them.", "Hãy nạp chúng, hoặc sửa nơi trỏ tới chúng."
        )
        yield Finding(
            "warning",
            subject,
            Words(f"to what is not here: {listed}", f"trỏ tới cái chưa có: {listed}"),
            todo,
        )
    else:
        yield Finding("ok", subject, Words("all lead somewhere", "đều có đích"))


async def index(tx: Connection) -> AsyncIterator[Finding]:
    """Whether every search path of every type in use is filled."""
    subject = Words("Search rows", "Chỉ mục tìm kiếm")
    waiting = [
        row["expression"]
        for row in await tx.fetch(
            "SELECT expression FROM reference.path WHERE NOT ready AND NOT dropped ORDER BY expression"
        )
    ]
    unknown = await tx.fetchval(
        "SELECT count(*) FROM (SELECT DISTINCT type FROM record.resource) r"
        " WHERE NOT EXISTS (SELECT FROM reference.type t WHERE t.id = r.type)"
    )
    if unknown:
        todo = Words("Restore the lists: hsba migrate", "Hãy khôi phục danh mục: hsba migrate")
        yield Finding(
            "error", subject, Words(f"{unknown} types without a name", f"{unknown} loại không có tên"), todo
        )
    elif waiting:
        todo = Words("Run: hsba reindex", "Hãy chạy: hsba reindex")
        named = ", ".join(waiting[:NAMED]) + (" …" if len(waiting) > NAMED else "")
        yield Finding(
            "warning",
            subject,
            Words(f"{len(waiting)} paths to fill: {named}", f"{len(waiting)} đường dẫn chưa lập: {named}"),
            todo,
        )
    else:
        yield Finding("ok", subject, Words("complete", "đầy đủ"))


async def jobs(tx: Connection) -> AsyncIterator[Finding]:
    """Jobs that failed for good."""
    failed = await tx.fetchval("SELECT count(*) FROM ops.job WHERE state = 'failed'")
    level: Level = "warning" if failed else "ok"
    todo = (
        Words("Look at ops.job, column problem.", "Hãy xem bảng ops.job, cột problem.") if failed else NOTHING
    )
    yield Finding(level, Words("Jobs", "Việc nền"), Words(f"{failed} failed", f"{failed} việc hỏng"), todo)


async def partitions(tx: Connection) -> AsyncIterator[Finding]:
    """Whether next month's versions have their place."""
    subject = Words("Version partitions", "Phân vùng phiên bản")
    name = await tx.fetchval("SELECT 'version_' || to_char(now() + interval '1 month', 'YYYY_MM')")
    there = await tx.fetchval("SELECT to_regclass('record.' || $1) IS NOT NULL", name)
    stray = await tx.fetchval("SELECT EXISTS (SELECT FROM record.version_default)")
    if not there or stray:
        todo = Words(
            "Let `hsba worker` run; then: hsba migrate", "Hãy để `hsba worker` chạy; rồi: hsba migrate"
        )
        yield Finding("warning", subject, Words(f"{name} is missing", f"thiếu {name}"), todo)
    else:
        yield Finding("ok", subject, same(name))


async def feed(tx: Connection) -> AsyncIterator[Finding]:
    """Whether the data come from another cluster, whose count of transactions is not this one's."""
    subject = Words("Feed", "Dòng thay đổi")
    if await restored.is_above(tx):
        todo = Words(
            "Stop the servers and run: hsba migrate. Never use pg_resetwal for this.",
            "Dừng các máy chủ rồi chạy: hsba migrate. Đừng dùng pg_resetwal cho việc này.",
        )
        found = Words(
            "restored from another PostgreSQL; what is saved would not be passed on",
            "khôi phục từ PostgreSQL khác; thay đổi sẽ không được chuyển tiếp",
        )
        yield Finding("error", subject, found, todo)
    else:
        yield Finding("ok", subject, Words("moves on", "thông suốt"))


BARE: tuple[Callable[[Connection], AsyncIterator[Finding]], ...] = (
    release, durability, encoding, roles, migrations, skew,
)  # fmt: skip
"""What can be asked of any database."""

FILLED: tuple[Callable[[Connection], AsyncIterator[Finding]], ...] = (dangling, index, feed, jobs, partitions)
"""What can be asked once the schema is complete."""


async def database(tx: Connection) -> AsyncIterator[Finding]:
    """Every check of the database; those of the data only when its schema is of this release."""
    complete = True
    for check in BARE:
        async for finding in check(tx):
            complete = complete and not (check is migrations and finding.level == "error")
            yield finding
    if complete:
        for check in FILLED:
            async for finding in check(tx):
                yield finding
