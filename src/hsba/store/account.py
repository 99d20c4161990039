"""The system account that the embedded PostgreSQL runs as: it refuses to run as root, so root steps down."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("hsba", "postgres")


class NoAccount(Problem):
    """PostgreSQL does not run as root, and there is no system account to run it as."""

    vi = "PostgreSQL không chạy bằng root mà máy chưa có tài khoản hệ thống cho nó."


@dataclass(frozen=True, slots=True)
class Account:
    """A system account: who owns the data folder and runs the server."""

    name: str
    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """Whether this process already runs as it."""
        return os.geteuid() == self.uid

    @property
    def drop(self) -> dict[str, Any]:
        """The arguments of `Popen` that make the child run as this account."""
        if self.is_me:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path, mode: int = 0o700) -> Path:
        """Make the folder if it is not there, and this account its only user."""
        folder.mkdir(mode=mode, parents=False, exist_ok=True)
        if not self.is_me:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(mode)
        return folder


def me() -> Account:
    """The account this process runs as; PostgreSQL needs it to have a name."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError as exc:
        uid = os.geteuid()
        raise NoAccount(
            f"The user id {uid} of this process has no name in /etc/passwd; PostgreSQL needs one.",
            vi=f"Mã người dùng {uid} của tiến trình này không có tên trong /etc/passwd mà PostgreSQL cần.",
        ) from exc
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def for_folder(folder: Path) -> Account:
    """The account that may run PostgreSQL on this folder: its owner, our own, or a system account."""
    mine = me()
    if mine.uid != 0:
        return mine
    if folder.exists() and (uid := folder.stat().st_uid) != 0:
        entry = pwd.getpwuid(uid)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return _system_account()


def _system_account() -> Account:
    """The account `hsba`, made if the machine lets us; `postgres` where a machine has only that."""
    if not _known(NAMES[0]) and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")):
        subprocess.run(  # noqa: S603 - a fixed command
            [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
             "--shell", "/usr/sbin/nologin", NAMES[0]],
            check=False, capture_output=True,
        )  # fmt: skip
    for name in NAMES:
        if entry := _known(name):
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise NoAccount(
        "Run as another user than root, or make one: useradd --system hsba",
        vi="Hãy chạy bằng người dùng khác root, hoặc tạo tài khoản: useradd --system hsba",
    )


def _known(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
