"""The data folder of the demo: marked as such, because `--fresh` throws away only what is marked."""

from __future__ import annotations

import fcntl
import shutil
from typing import TYPE_CHECKING

from hsba.fhir.problems import Problem
from hsba.store.embedded import Lock

if TYPE_CHECKING:
    from pathlib import Path

MARK = "this-is-a-demo"


class NotADemo(Problem):
    """This folder holds data that the demo did not make; it stays as it is."""

    vi = "Thư mục này có dữ liệu không phải của bản demo; giữ nguyên."


class InUse(Problem):
    """The demo is running; stop it first."""

    vi = "Bản demo đang chạy; hãy dừng trước."


def claim(folder: Path, *, fresh: bool) -> None:
    """Make the folder the demo's; with `fresh`, empty it first."""
    mark = folder / MARK
    if folder.is_dir() and any(folder.iterdir()) and not mark.exists():
        raise NotADemo(str(folder))
    if fresh and mark.exists():
        owner = Lock(folder / "owner.lock")
        try:
            if not owner.take(fcntl.LOCK_EX):
                raise InUse(str(folder))
            shutil.rmtree(folder / "db", ignore_errors=True)
        finally:
            owner.close()
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    mark.touch()
