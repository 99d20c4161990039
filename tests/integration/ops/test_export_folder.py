"""An export into a folder goes on where it was cut off, and touches no file that is not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from house import House
from hsba import app, config
from hsba.ops import export_folder
from hsba.ops.export_folder import FolderTaken, to_folder
from hsba.record import interactions
from hsba.record.exports import work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from databases import Database
    from hsba.record.exports.work import State


@pytest_asyncio.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as opened:
        yield House(opened)


async def fill(house: House) -> None:
    async with house.writing() as ctx:
        for number in range(9):
            await interactions.update(ctx, {"resourceType": "Patient", "id": f"p{number}"})


async def export(house: House, folder: Path, **what: Any) -> State:
    return await to_folder(cast("Any", house.app), house.app.tenants.get(), folder, **what)


class CutOff(Exception):
    """Somebody pulled the plug."""


async def test_to_folder__goes_on_where_it_was_cut_off(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH", 2)
    await fill(house)
    place = folder / "out"

    def pull(state: State) -> None:
        if state.resources >= 4:
            raise CutOff

    with pytest.raises(CutOff):
        await export(house, place, types=["Patient"], note=pull)
    with pytest.raises(FolderTaken):  # another export does not write over it
        await export(house, place, types=["Observation"])
    seen: list[int] = []
    await export(house, place, types=["Patient"], note=lambda state: seen.append(state.resources))

    assert seen[0] == 4
    lines = (place / "Patient-1.ndjson").read_bytes().splitlines()
    assert len(lines) == 9
    assert sorted(file.name for file in place.iterdir()) == ["Patient-1.ndjson", "manifest.json"]


async def test_to_folder__another_s_files_stay(house: House, folder: Path) -> None:
    (folder / "mine.ndjson").write_text("precious")

    with pytest.raises(FolderTaken):
        await export(house, folder)

    assert (folder / "mine.ndjson").read_text() == "precious"


def test_files_of__a_folder_is_its_lines_without_what_was_deleted(folder: Path) -> None:
    for name in ("Patient-1.ndjson", "A-1.ndjson.gz", "deleted-1.ndjson", "manifest.json"):
        (folder / name).touch()

    found = export_folder.files_of([folder, folder / "x.ndjson"])

    assert [file.name for file in found] == ["A-1.ndjson.gz", "Patient-1.ndjson", "x.ndjson"]
