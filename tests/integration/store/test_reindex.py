from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir.packages import FolderPackage
from hsba.store import reindex
from hsba.store.registry import Registry
from hsba.store.search.problems import StillIndexing

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from search_world import World

MARITAL = {
    "resourceType": "SearchParameter",
    "url": "http://x/SearchParameter/marital",
    "code": "marital",
    "base": ["Patient"],
    "type": "token",
    "expression": "Patient.maritalStatus",
}


def person(id_: str, status: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id_,
        "gender": "male",
        "maritalStatus": {"coding": [{"code": status}]},
    }


def widened(world: World) -> Definitions:
    return world.app.definitions.joined([FolderPackage.of("added", [MARITAL])])


async def rebuild(world: World, *, limit: int = 2) -> list[int]:
    """All batches of Patient, then open the paths; the sizes of the batches."""
    app = world.app
    async with world.writing() as ctx:
        paths = await reindex.waiting(ctx.tx, app.registry, app.definitions, "Patient")
    sizes: list[int] = []
    last: int | None = 0
    while last is not None:
        async with world.writing() as ctx:
            done = await reindex.batch(
                ctx.tx, app.registry, app.definitions, world.tenant.id, world.tenant.zone, "Patient",
                after=last, limit=limit, paths=[one.path for one in paths],
            )  # fmt: skip
        last = done.last
        sizes.append(done.resources)
    async with world.writing() as ctx:
        await reindex.finish(ctx.tx, app.registry, paths)
    return sizes


async def test_batch__fills_a_parameter_that_was_added_later(world: World) -> None:
    await world.save(
        person("a", "M"), person("b", "S"), person("c", "M"), {"resourceType": "Patient", "id": "d"}
    )
    world.app.definitions = widened(world)
    await world.save(person("e", "M"))

    with pytest.raises(StillIndexing):
        await world.find("Patient", "marital=M")
    sizes = await rebuild(world)

    assert sizes == [2, 2, 1, 0]
    assert sorted(await world.find("Patient", "marital=M")) == ["a", "c", "e"]
    assert sorted(await world.find("Patient", "marital:missing=true")) == ["d"]
    assert len(await world.find("Patient", "gender=male")) == 4


async def test_batch__another_process_hears_of_the_end(world: World) -> None:
    await world.save(person("a", "M"))
    world.app.definitions = widened(world)
    await world.save(person("b", "M"))
    elsewhere = Registry()
    async with world.searching() as ctx:
        await elsewhere.load(ctx.tx)

    await rebuild(world)
    world.app.registry = elsewhere

    assert sorted(await world.find("Patient", "marital=M")) == ["a", "b"]


async def test_batch__all_paths_are_made_anew_without_change(world: World) -> None:
    await world.save(person("a", "M"), person("b", "S"))
    async with world.writing() as ctx:
        before = await ctx.tx.fetch(
            "SELECT resource, path, system, code FROM record.ix_token ORDER BY 1, 2, 3, 4"
        )
        await reindex.batch(
            ctx.tx, world.app.registry, world.app.definitions, world.tenant.id, world.tenant.zone, "Patient"
        )
        after = await ctx.tx.fetch(
            "SELECT resource, path, system, code FROM record.ix_token ORDER BY 1, 2, 3, 4"
        )

    assert after == before
