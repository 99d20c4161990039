"""The file of checkpoints outside the database: one JSON line for each segment, only ever added to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from hsba.audit.chain import Checkpoint, Pruning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NAME = "checkpoints.ndjson"
PRUNINGS = "prunings.ndjson"
"""What was removed when its time was over."""
BLOCK = 4096


def read(folder: Path) -> Iterator[Checkpoint]:
    """Every checkpoint in the file; a last line that was cut off is none."""
    path = folder / NAME
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=Checkpoint)


def last(folder: Path) -> int:
    """The number of the last segment in the file; a line that was cut off is taken away, for it is written again."""
    path = folder / NAME
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - BLOCK))
        end = file.read()
        whole = end.rfind(b"\n") + 1
        if whole < len(end):
            file.truncate(size - len(end) + whole)
        lines = end[:whole].splitlines()
    return msgspec.json.decode(lines[-1], type=Checkpoint).number if lines else 0


def add(folder: Path, some: Sequence[Checkpoint]) -> None:
    """Add checkpoints at the end, on the disk before this returns."""
    _append(folder / NAME, b"".join(msgspec.json.encode(one) + b"\n" for one in some))


def add_pruning(folder: Path, one: Pruning) -> None:
    """Add what is about to be removed, on the disk before this returns."""
    _append(folder / PRUNINGS, msgspec.json.encode(one) + b"\n")


def prunings(folder: Path) -> set[Pruning]:
    """Everything that was removed, or was about to be."""
    path = folder / PRUNINGS
    if not path.exists():
        return set()
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return {msgspec.json.decode(line, type=Pruning) for line in lines}


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
