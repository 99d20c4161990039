"""The work of an export: what the policy hides stays hidden, and one that was cut off goes on where it stopped."""

from __future__ import annotations

import gzip
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import json
from hsba.fhir.problems import Forbidden, NotFound
from hsba.fhir.query.expression import Everything, Expression, Ids, Not
from hsba.record import interactions
from hsba.record.exports import work
from hsba.record.exports.asked import Asked, asked
from hsba.record.exports.files import Files
from hsba.record.exports.work import State, export

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from house import House
    from hsba.record.context import Context

COUNT = 25
EVERYTHING = Asked("system", ("Organization", "Patient"))


class Narrow:
    """Patients p3 and p4 are not seen, telephone numbers are hidden, and Organizations may not be exported."""

    unrestricted = False

    def visible(self, type: str) -> Expression:
        return Not(Ids(("p3", "p4"))) if type == "Patient" else Everything()

    def hidden(self, type: str) -> frozenset[str]:
        return frozenset({"Patient.telecom"}) if type == "Patient" else frozenset()

    def within(self, interaction: str, type: str) -> Expression:
        """No bounds."""
        return Everything()

    def check(self, ctx: Context, interaction: str, type: str, *, before: Any, after: Any) -> None:
        if interaction == "export" and type == "Organization":
            raise Forbidden


@asynccontextmanager
async def acting(house: House, policy: Any = None, trail: Any = None) -> AsyncIterator[Context]:
    async with house.reading() as ctx:
        ctx.policy = policy or ctx.policy
        ctx.trail = trail or ctx.trail
        yield ctx


async def fill(house: House) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, {"resourceType": "Organization", "id": "h", "name": "Khoa Nội"})
        for number in range(COUNT):
            phone = [{"system": "phone", "value": f"090000{number:04}"}]
            await interactions.update(ctx, {"resourceType": "Patient", "id": f"p{number}", "telecom": phone})


async def always(_: State) -> bool:
    return True


def lines(folder: Path, type_: str = "Patient") -> list[dict[str, Any]]:
    found = []
    for file in sorted(folder.glob(f"{type_}-*.ndjson")):
        found += [json.parse(line) for line in file.read_bytes().splitlines()]
    return found


def ids(folder: Path, type_: str = "Patient") -> list[str]:
    return [one["id"] for one in lines(folder, type_)]


class Killed(Exception):
    """The process is gone."""


@pytest.mark.parametrize("batches", range(1, 9))
async def test_export__goes_on_after_a_kill_without_a_missing_or_a_double_line(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(work, "WINDOW", 10)
    monkeypatch.setattr(work, "BATCH", 4)
    await fill(house)
    kept: dict[str, Any] = {}
    left = batches

    async def until_killed(state: State) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed  # the batch is in the file, but nobody knows
        kept.update(json.parse(json.dump(asdict(state))))
        return True

    with pytest.raises(Killed):
        await export(partial(acting, house), EVERYTHING, Files(folder, most=8), until_killed)
    before = State(**kept)
    async with house.writing() as ctx:  # a change meanwhile does not move it
        await interactions.update(ctx, {"resourceType": "Patient", "id": "p1", "gender": "male"})
    done = await export(partial(acting, house), EVERYTHING, Files(folder, most=8), always, before=before)

    assert done is not None
    assert done.at == before.at
    assert ids(folder) == [f"p{number}" for number in range(COUNT)]
    assert ids(folder, "Organization") == ["h"]
    assert done.resources == COUNT + 1
    assert sum(file["count"] for file in done.files) == COUNT + 1
    assert len(done.files) > 2


async def test_export__starts_over_when_a_file_lost_what_was_noted(house: House, folder: Path) -> None:
    await fill(house)
    done = await export(partial(acting, house), EVERYTHING, Files(folder), always)
    assert done is not None
    (folder / "Patient-1.ndjson").write_bytes(b"")

    again = await export(partial(acting, house), EVERYTHING, Files(folder), always, before=done)

    assert again is not None
    assert len(ids(folder)) == COUNT


async def test_export__stops_when_told_to(house: House, folder: Path) -> None:
    await fill(house)

    async def never(_: State) -> bool:
        return False

    assert await export(partial(acting, house), EVERYTHING, Files(folder), never) is None


async def test_export__shows_nobody_and_nothing_that_the_policy_hides(house: House, folder: Path) -> None:
    await fill(house)

    await export(partial(acting, house, Narrow()), EVERYTHING, Files(folder), always)

    found = lines(folder)
    assert {one["id"] for one in found} == {f"p{number}" for number in range(COUNT)} - {"p3", "p4"}
    assert not any("telecom" in one for one in found)


async def test_export__deleted_resources_that_may_not_be_seen_are_not_told(
    house: House, folder: Path
) -> None:
    await fill(house)
    async with house.reading() as ctx:
        since = ctx.clock.now()
    for id_ in ("p2", "p3"):
        async with house.writing() as ctx:
            await interactions.delete(ctx, "Patient", id_)

    await export(
        partial(acting, house, Narrow()), Asked("system", ("Patient",), since), Files(folder), always
    )

    (bundle,) = lines(folder, "deleted")
    assert [entry["request"]["url"] for entry in bundle["entry"]] == ["Patient/p2"]


async def test_export__group_that_may_not_be_seen_is_not_there(house: House, folder: Path) -> None:
    class NoGroups(Narrow):
        def visible(self, type: str) -> Expression:
            return Not(Everything()) if type == "Group" else Everything()

    async with house.writing() as ctx:
        group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
        await interactions.update(ctx, group)

    with pytest.raises(NotFound):
        await export(
            partial(acting, house, NoGroups()), Asked("Group", ("Patient",), group="g"), Files(folder), always
        )


async def test_asked__types_that_may_not_be_exported_are_refused(house: House) -> None:
    async with acting(house, Narrow()) as ctx:
        assert asked(ctx, "system", types=["Patient"]).types == ("Patient",)
        with pytest.raises(Forbidden):
            asked(ctx, "system")


async def test_export__every_batch_is_told_to_the_trail(house: House, folder: Path) -> None:
    told: list[tuple[str, str | None, int]] = []

    class Trail:
        keeps_nothing = False
        written_by_store = False

        async def add(self, ctx: Context, interaction: str, type: str | None, subjects: Any) -> None:
            told.append((interaction, type, len(subjects)))

    await fill(house)

    await export(partial(acting, house, None, Trail()), EVERYTHING, Files(folder), always)

    assert told == [("export", "Organization", 1), ("export", "Patient", COUNT)]


async def test_export__a_stranger_s_write_meanwhile_hides_no_resource(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each resource is changed while the export runs, just before or after it comes by: all are in it, once."""
    monkeypatch.setattr(work, "WINDOW", 6)
    monkeypatch.setattr(work, "BATCH", 3)
    await fill(house)
    turn = 0

    async def with_changes(_: State) -> bool:
        nonlocal turn
        turn += 1
        async with house.writing() as ctx:
            for number in range(COUNT):
                changed = {"resourceType": "Patient", "id": f"p{number}", "active": bool(turn % 2)}
                await interactions.update(ctx, changed)
            await interactions.update(ctx, {"resourceType": "Patient", "id": f"new{turn}"})
        return True

    done = await export(partial(acting, house), Asked("system", ("Patient",)), Files(folder), with_changes)

    found = [one for one in ids(folder) if one.startswith("p")]
    assert found == [f"p{number}" for number in range(COUNT)]
    assert done is not None
    # Asked again from there, everything that was changed or made meanwhile comes.
    async with house.reading() as ctx:
        later = asked(ctx, "system", types=["Patient"], since=done.at)
    monkeypatch.setattr(work, "WINDOW", 1000)
    second = folder / "second"
    await export(partial(acting, house), later, Files(second), always)
    assert set(ids(second)) >= {f"new{number}" for number in range(1, turn + 1)}


async def test_files__compressed_are_read_as_one(folder: Path) -> None:
    files = Files(folder, compressed=True)
    files.begin()
    files.write("Patient", [b"1", b"2"])
    files.write("Patient", [b"3"])

    assert gzip.decompress((folder / "Patient-1.ndjson.gz").read_bytes()) == b"1\n2\n3\n"
