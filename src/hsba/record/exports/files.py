"""The files of an export: appended to batch by batch, and cut back to what is known to be whole after a crash."""

from __future__ import annotations

import gzip
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_LINES = 100_000
"""Lines of one file: a download that breaks is begun again, so a file should not be too long."""


@dataclass(slots=True)
class File:
    """One file: its name, the type of its lines, how many there are, and its size in bytes."""

    name: str
    type: str
    count: int = 0
    size: int = 0
    deleted: bool = False
    """Whether its lines are bundles that say what was deleted."""


class Files:
    """A folder of NDJSON files, one or several for each type."""

    def __init__(self, folder: Path, *, compressed: bool = False, most: int = MOST_LINES) -> None:
        """Write there; `compressed` makes `.ndjson.gz` of them."""
        self.folder = folder
        self.ending = ".ndjson.gz" if compressed else ".ndjson"
        self.most = most
        self.all: list[File] = []

    def begin(self) -> None:
        """Start with nothing."""
        self.go_on([])

    def go_on(self, known: Sequence[dict[str, Any]]) -> bool:
        """Go back to a state that was kept: what was written after it goes; False when something of it is missing."""
        self.all = [File(**one) for one in known]
        names = {file.name for file in self.all}
        if not all(self._size(file) >= file.size for file in self.all):
            return False
        for there in self.folder.glob(f"*{self.ending}"):
            if there.name not in names:
                there.unlink()
        for file in self.all:
            os.truncate(self.folder / file.name, file.size)
        return True

    def _size(self, file: File) -> int:
        path = self.folder / file.name
        return path.stat().st_size if path.is_file() else -1

    def write(self, type: str, lines: Sequence[bytes], *, deleted: bool = False) -> None:
        """Append lines to the file of a type; they are on the disk when this returns."""
        file = self._open(type, deleted=deleted)
        data = b"".join(line + b"\n" for line in lines)
        if self.ending.endswith(".gz"):
            data = gzip.compress(data, 6, mtime=0)  # one member of the file; readers go on to the next
        with (self.folder / file.name).open("ab") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
            file.size = opened.tell()
        file.count += len(lines)

    def _open(self, type_: str, *, deleted: bool) -> File:
        mine = [file for file in self.all if file.type == type_ and file.deleted == deleted]
        if mine and mine[-1].count < self.most:
            return mine[-1]
        stem = "deleted" if deleted else type_
        self.all.append(File(f"{stem}-{len(mine) + 1}{self.ending}", type_, deleted=deleted))
        return self.all[-1]

    def kept(self) -> list[dict[str, Any]]:
        """What there is, as it is kept with the job."""
        return [asdict(file) for file in self.all]
