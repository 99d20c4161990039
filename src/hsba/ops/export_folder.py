"""An export into a folder of this machine: `hsba export`, by the same work as `$export`, and goes on where it was cut off."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import Problem
from hsba.record.exports.asked import asked
from hsba.record.exports.files import Files
from hsba.record.exports.work import State, export

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from hsba.record.context import Context, Tenant
    from hsba.record.exports.asked import Asked, Level
    from hsba.record.work import House

UNFINISHED = "export-unfinished.json"
MANIFEST = "manifest.json"
DELETED = "deleted-"


class FolderTaken(Problem):
    """The folder holds other files, so nothing was written; name an empty one."""

    vi = "Thư mục đang có tệp khác nên chưa ghi gì; hãy chỉ thư mục trống."


async def to_folder(
    house: House,
    tenant: Tenant,
    folder: Path,
    *,
    level: Level = "system",
    compressed: bool = False,
    note: Callable[[State], None] = lambda _: None,
    **what: Any,
) -> State:
    """Write the files of an export there, and a manifest when all of them are whole; `what` is as for `asked`."""

    @asynccontextmanager
    async def acting() -> AsyncIterator[Context]:
        async with house.pool.searching(tenant.id) as tx:
            yield house.context(tx=tx, tenant=tenant, channel="export")

    async with acting() as ctx:
        wanted = asked(ctx, level, **what)
        await ctx.trail.add(ctx, "export-begin", None, [*wanted.types])
    told = {"tenant": tenant.slug, "compressed": compressed, "asked": wanted.detail()}
    before = _before(folder, told)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def keep(state: State) -> bool:
        _write(folder / UNFINISHED, {**told, "state": asdict(state)})
        note(state)
        return True

    files = Files(folder, compressed=compressed)
    state = await export(acting, wanted, files, keep, before=before)
    assert state is not None  # noqa: S101 - nobody tells it to stop
    _write(folder / MANIFEST, _manifest(wanted, state))
    (folder / UNFINISHED).unlink()
    return state


def _before(folder: Path, told: dict[str, Any]) -> State | None:
    """How far the same export came before; refuses a folder that holds anything else."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise FolderTaken(str(folder))
    if (folder / UNFINISHED).is_file():
        kept = json.parse((folder / UNFINISHED).read_bytes())
        state = kept.pop("state")
        if kept == json.parse(json.dump(told)):
            return State(**state)
    if any(folder.iterdir()):
        raise FolderTaken(str(folder))
    return None


def _manifest(wanted: Asked, state: State) -> dict[str, Any]:
    def items(*, deleted: bool) -> list[dict[str, Any]]:
        return [
            {"type": one["type"], "url": one["name"], "count": one["count"]}
            for one in state.files
            if one["deleted"] == deleted
        ]

    found: dict[str, Any] = {"transactionTime": state.at, "output": items(deleted=False), "error": []}
    return found if wanted.since is None else {**found, "deleted": items(deleted=True)}


def _write(path: Path, value: dict[str, Any]) -> None:
    """Replace a small file in one step."""
    new = path.with_suffix(".new")
    with new.open("wb") as opened:
        opened.write(json.dump(value))
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(path)


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The files to load: those named, and of a folder its NDJSON files, but not those that say what was deleted."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            there = sorted([*path.glob("*.ndjson"), *path.glob("*.ndjson.gz")])
            found += [one for one in there if not one.name.startswith(DELETED)]
        else:
            found.append(path)
    return found
