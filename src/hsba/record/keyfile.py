"""A secret file of this installation, beside the database: made once, whole or not at all, and for its owner alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make(path: Path, data: bytes) -> None:
    """Write it; of two who do so at once the first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def is_private(path: Path) -> bool:
    """Whether nobody but its owner may read it."""
    return path.stat().st_mode & 0o077 == 0
