"""Brings the embedded data to the major version of PostgreSQL that this release carries (pg_upgrade, by copy).

The old data stays as it was, in `db/<major>.old`, until somebody removes it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import Problem
from hsba.store import cluster as clusters
from hsba.store.cluster import ADMIN, Folder
from hsba.store.embedded import Keeper, Step, shipped, wheel_major

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hsba.store.cluster import Programs

CHECKING = Step("Checking the old data", "Đang kiểm tra dữ liệu cũ")
COPYING = Step("Copying the data to the new version", "Đang chép dữ liệu sang bản mới")
ANALYSING = Step("Counting again for the planner", "Đang thống kê lại cho bộ lập kế hoạch")
ROOM = 1.2


class UpgradeRefused(Problem):
    """The database cannot be brought to the new PostgreSQL; it stays as it was."""

    vi = "Không nâng được PostgreSQL; dữ liệu giữ nguyên."


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What was done: from which major version to which, and where the old data was kept."""

    old: int
    new: int
    kept: Path | None


async def upgrade(
    data: Path, *, note: Callable[[Step], None] = lambda _: None, programs: Programs | None = None
) -> Upgraded:
    """Upgrade the data; nothing to do when it has this release's version already.

    `programs` are those that read the old data, where they are not kept beside it.
    """
    folder = Folder.at(data)
    if not folder.majors:
        raise UpgradeRefused(
            f"There is no data in {folder.path}.", vi=f"Không có dữ liệu trong {folder.path}."
        )
    old, new = folder.majors[-1], wheel_major(shipped())
    if old == new:
        return Upgraded(old, new, None)
    if old > new:
        raise UpgradeRefused(
            f"The data is of PostgreSQL {old}, this release carries {new}: install the newer release.",
            vi=f"Dữ liệu thuộc PostgreSQL {old}, bản này mang theo {new}: hãy cài bản mới hơn.",
        )
    await _shut_cleanly(folder, note, programs)
    keeper = Keeper(folder, note)
    try:
        if not (keeper.own() and keeper.users.take(fcntl.LOCK_EX)):
            raise UpgradeRefused("Stop the server first.", vi="Hãy dừng máy chủ trước.")
        kept = await asyncio.to_thread(_bridge, folder, old, note, programs)
    finally:
        keeper.close()
    keeper = Keeper(folder, note)
    try:
        server = await keeper.enter()
        note(ANALYSING)
        await asyncio.to_thread(
            clusters.call, folder, server.programs, "vacuumdb", "--all", "--analyze-only",
            f"--username={ADMIN}", f"--host={folder.sockets}",
        )  # fmt: skip
    finally:
        await keeper.leave()
    return Upgraded(old, new, kept)


async def _shut_cleanly(folder: Folder, note: Callable[[Step], None], programs: Programs | None) -> None:
    """Start and stop the old server, so that what was cut off is recovered by the version that wrote it."""
    note(CHECKING)
    keeper = Keeper(folder, note, given=programs)
    if not keeper.own():
        keeper.close()
        raise UpgradeRefused("Stop the server first.", vi="Hãy dừng máy chủ trước.")
    try:
        await keeper.enter()
    finally:
        await keeper.leave()


def _bridge(folder: Folder, old: int, note: Callable[[Step], None], programs: Programs | None) -> Path:
    """Make a cluster of the new version and copy the old one into it; rename both when all is done."""
    before = programs or folder.programs(old)
    source = folder.cluster(old)
    size = sum(file.lstat().st_size for file in source.rglob("*") if file.is_file())
    if shutil.disk_usage(folder.path).free < size * ROOM:
        raise UpgradeRefused(
            f"It needs {size * ROOM / 1e9:.1f} GB free on the disk of {folder.path}.",
            vi=f"Cần trống {size * ROOM / 1e9:.1f} GB trên đĩa chứa {folder.path}.",
        )
    after = folder.keep(shipped())
    target = folder.path / "db" / f"{after.major}.upgrade"
    shutil.rmtree(target, ignore_errors=True)
    clusters.initialise(folder, after, target=target)
    for cluster in (source, target):
        clusters.configure(folder, cluster)
    note(COPYING)
    work = folder.account.own(folder.path / "db" / "upgrade.work")
    clusters.call(
        folder, after, "pg_upgrade",
        f"--old-bindir={before.bin}", f"--new-bindir={after.bin}",
        f"--old-datadir={source}", f"--new-datadir={target}",
        f"--username={ADMIN}", f"--socketdir={folder.sockets}", f"--jobs={os.cpu_count() or 1}",
        cwd=work,
    )  # fmt: skip
    kept = source.with_name(f"{old}.old")
    target.rename(folder.cluster(after.major))
    source.rename(kept)
    shutil.rmtree(work)
    return kept
