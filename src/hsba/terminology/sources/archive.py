"""Archives that come from outside: how large they may be when unpacked, and that no name in them leads elsewhere."""

from __future__ import annotations

import re
import tarfile
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from hsba.terminology.loads import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

MOST_FILES = 50_000
LARGEST = 4 * 2**30
"""Bytes of an archive when unpacked."""
LARGEST_FILE = 64 * 2**20
"""Bytes of one resource of a package."""
LARGEST_WORKBOOK = 1 * 2**30
RATIO = 200
"""How many times larger than packed the whole may be; a list packs to a tenth, a bomb to a thousandth."""


class Bomb(BadFile):
    """The archive unpacks to far more than a list needs, or its names lead out of it; nothing was loaded."""

    vi = "Tệp nén bung ra quá lớn hoặc có tên tệp không hợp lệ; danh mục giữ nguyên."


def unzipped(path: Path, largest: int = LARGEST) -> zipfile.ZipFile:
    """An opened zip whose sizes and names have been looked at; what it declares is all that is ever read of it."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as exc:
        raise BadFile(f"{path.name}: {exc}") from exc
    files = archive.infolist()
    whole = sum(one.file_size for one in files)
    packed = max(path.stat().st_size, 1)
    if len(files) > MOST_FILES or whole > largest or (whole > LARGEST_FILE and whole / packed > RATIO):
        archive.close()
        raise Bomb(f"{path.name}: {len(files)} files, {whole} bytes unpacked.")
    for one in files:
        try:
            _check(one.filename, path)
        except Bomb:
            archive.close()
            raise
    return archive


class Release:
    """The files of a release, as a folder or as a zip, by their names."""

    def __init__(self, path: Path) -> None:
        """Look at what is there; nothing is unpacked."""
        self.path = path
        self._archive = None if path.is_dir() else unzipped(path)
        if self._archive is None:
            found = (one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
            self.names = sorted(str(one.relative_to(path)) for one in found)
        else:
            self.names = sorted(self._archive.namelist())

    def named(self, pattern: str) -> list[str]:
        """The files whose own name fits a pattern."""
        return [name for name in self.names if re.search(pattern, name.rpartition("/")[2])]

    def open(self, name: str) -> IO[bytes]:
        """Read one of them."""
        return (self.path / name).open("rb") if self._archive is None else self._archive.open(name)


def untarred(path: Path) -> Iterator[tuple[str, bytes]]:
    """The regular files of a .tgz with their names, one at a time; counting what really comes out of it."""
    whole = files = 0
    packed = max(path.stat().st_size, 1)
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                files += 1
                whole += member.size
                if files > MOST_FILES or member.size > LARGEST_FILE or whole > LARGEST:
                    raise Bomb(f"{path.name}: {files} files, {whole} bytes unpacked.")
                if whole > LARGEST_FILE and whole / packed > RATIO:
                    raise Bomb(f"{path.name}: {packed} bytes unpack to {whole}.")
                _check(member.name, path)
                if member.issym() or member.islnk() or member.isdev():
                    raise Bomb(f"{path.name}: {member.name} is no plain file.")
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file.read()
    except (tarfile.TarError, OSError, EOFError) as exc:
        raise BadFile(f"{path.name}: {exc}") from exc


def _check(name: str, path: Path) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name.partition("/")[0]:
        raise Bomb(f"{path.name}: {name!r} leads out of it.")
