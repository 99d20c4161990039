"""Search parameters added while others write: whoever does not know of it yet, is killed, or meets it, loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from house import House
from hsba import app, config, worker
from hsba.fhir import json
from hsba.fhir.packages import FolderPackage
from hsba.fhir.query.parse import parse_search
from hsba.ops import demo as hospital
from hsba.record import interactions, reindexing
from hsba.record.bulk import load
from hsba.store import jobs
from hsba.store import reindex as batches
from hsba.store.generation import DefinitionsChanged
from hsba.store.saving import KINDS
from hsba.store.search.problems import StillIndexing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database

MARITAL: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "id": "marital",
    "url": "http://benhvien.example/SearchParameter/marital",
    "name": "Marital",
    "status": "active",
    "description": "Hôn nhân",
    "code": "marital",
    "base": ["Patient"],
    "type": "token",
    "expression": "Patient.maritalStatus",
}


def person(id_: str, status: str = "M") -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    return {
        "resourceType": "Patient",
        "id": id_,
        "maritalStatus": {"coding": [{"system": system, "code": status}]},
    }


@pytest_asyncio.fixture
async def other(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A second process's application on the same database, which looks for changes by itself next to never."""
    monkeypatch.setattr(app, "RENEW_EVERY", 3600)
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as opened:
        yield House(opened)


async def add(house: House, resource: dict[str, Any] = MARITAL) -> None:
    await house.do(lambda ctx: interactions.update(ctx, resource))


async def put(house: House, *some: dict[str, Any]) -> None:
    for resource in some:
        await add(house, resource)


async def say_nothing(_: reindexing.Figures) -> bool:
    return True


async def find(house: House, query: str) -> list[str]:
    async with house.app.pool.searching(house.app.tenants.get().id) as tx:
        ctx = house.app.context(tx=tx)
        name, _, value = query.partition("=")
        wanted = parse_search(
            ctx.definitions,
            ("Patient",),
            [(name, value), ("_count", "1000")],
            zone=ctx.tenant.zone,
            strict=True,
        )
        return sorted(one.id for one in (await interactions.search(ctx, wanted)).matches)


async def test_write__with_old_definitions_is_refused_and_done_again_with_the_new(
    house: House, other: House
) -> None:
    await add(house)
    tries = 0

    async def write(ctx: Any) -> None:
        nonlocal tries
        tries += 1
        await interactions.update(ctx, person("late"))

    assert other.app.definitions.generation == 0
    await other.do(write)
    await reindexing.run(house.app, say_nothing)

    assert tries == 2
    assert await find(house, "marital=M") == ["late"]


async def test_reindex__waits_for_a_transaction_that_wrote_by_the_old_definitions(
    house: House, other: House
) -> None:
    """The race: saved before the switch, committed after the first batch would have passed by."""
    await put(house, person("first", "S"))
    steps: list[str] = []

    async def note(figures: reindexing.Figures) -> bool:
        steps.append(figures.step)
        return True

    async with other.writing() as ctx:
        await interactions.update(ctx, person("slow"))  # without a row of the new path
        await add(house)
        run = asyncio.create_task(reindexing.run(house.app, note))
        await asyncio.sleep(0.5)
        assert not run.done()
        assert set(steps) == {"alone", "older transactions"}
        with pytest.raises(StillIndexing):
            await find(house, "marital=M")
    await run

    assert await find(house, "marital=M") == ["slow"]


async def test_reindex__type_that_two_processes_store_for_the_first_time(house: House, other: House) -> None:
    """One does not know of the parameter yet, and the other makes the type's paths as if nothing were there."""
    await add(house)
    async with other.app.pool.bare() as tx:
        assert await other.app.registry.types_in_use(tx) == ("SearchParameter",)
        await tx.execute(
            "UPDATE reference.generation SET number = 0"
        )  # the other's moment, just before the change
    await put(other, person("unknowing"))
    async with house.app.pool.bare() as tx:
        await tx.execute("UPDATE reference.generation SET number = 1")
        numbers = await other.app.registry.types_in_use(tx)
    assert "Patient" in numbers
    await put(house, person("knowing"))
    async with house.app.pool.bare() as tx:
        await tx.execute("UPDATE reference.path SET ready = true")  # as if both had begun at once
        job = await jobs.take(tx, ["reindex"])
        await house.app.registry.waiting(tx)
    assert job is not None
    assert await find(house, "marital=M") == ["knowing"]

    await reindexing.job(house.app, job)

    assert await find(house, "marital=M") == ["knowing", "unknowing"]


async def test_reindex__second_save_of_a_transaction_under_way_is_refused(house: House, other: House) -> None:
    await put(house, person("first", "S"))

    async def both(*, switch: bool) -> None:
        async with other.writing() as ctx:
            await interactions.update(ctx, person("one"))
            if switch:
                await add(house)
            await interactions.update(ctx, person("two"))

    with pytest.raises(DefinitionsChanged):
        await both(switch=True)
    left = await find(house, "_id=one,two")
    await both(switch=False)
    await reindexing.run(house.app, say_nothing)

    assert left == []
    assert await find(house, "marital=M") == ["one", "two"]


async def test_reindex__while_two_processes_write_all_the_time(house: House, other: House) -> None:
    for number in range(140):
        await put(house, person(f"p{number:03}", "S"))
    stop = asyncio.Event()
    status: dict[str, str] = {}

    async def write(at: House, start: int) -> None:
        number = start
        while not stop.is_set():
            id_, value = f"p{number % 160:03}", "MSDW"[(number + number // 160) % 4]
            await put(at, person(id_, value))
            status[id_] = value
            number += 2

    # Each writes ids of its own parity, so that what was written last is known.
    writers = [asyncio.create_task(write(house, 0)), asyncio.create_task(write(other, 1))]
    await asyncio.sleep(0.2)
    await add(house)
    await reindexing.run(house.app, say_nothing)
    await asyncio.sleep(0.5)
    stop.set()
    await asyncio.gather(*writers)
    await renewed(house)

    for value in "MSDW":
        wanted = {f"p{n:03}": "S" for n in range(140)} | status
        assert await find(house, f"marital={value}") == sorted(i for i, v in wanted.items() if v == value)


async def renewed(house: House) -> None:
    async with house.app.pool.bare() as tx:
        await house.app.renew(tx)
        await house.app.registry.waiting(tx)


async def test_switch__two_at_once_both_take_effect(house: House, other: House) -> None:
    sex = {
        **MARITAL,
        "id": "sex",
        "url": "http://x.example/sex",
        "code": "sex",
        "expression": "Patient.gender",
    }

    await asyncio.gather(add(house), add(other, sex))
    await reindexing.run(house.app, say_nothing)
    await renewed(other)

    for at in (house, other):
        await renewed(at)
        assert at.app.definitions.generation == 2
        assert {"marital", "sex"} <= at.app.definitions.search_parameters("Patient").keys()


async def test_switch__two_of_one_code_at_once_leave_the_first(house: House, other: House) -> None:
    rival = {**MARITAL, "id": "rival", "url": "http://x.example/marital"}

    results = await asyncio.gather(add(house), add(other, rival), return_exceptions=True)

    assert [type(one).__name__ for one in results if one is not None] == ["ParameterTaken"]


async def test_finish__parameter_that_went_and_came_during_the_run_stays_closed(house: House) -> None:
    await put(house, *(person(f"p{number}") for number in range(3)))
    await add(house)
    happened = False

    async def meddle(figures: reindexing.Figures) -> bool:
        nonlocal happened
        if figures.step == "batches" and figures.types["Patient"][0] == 3 and not happened:
            happened = True
            await house.do(lambda ctx: interactions.delete(ctx, "SearchParameter", "marital"))
            await put(house, person("between"))
            await add(house)
        return True

    await reindexing.run(house.app, meddle)
    with pytest.raises(StillIndexing):
        await find(house, "marital=M")
    await reindexing.run(house.app, say_nothing)

    assert await find(house, "marital=M") == ["between", "p0", "p1", "p2"]


async def test_job__cancelled_stops_and_the_next_start_of_the_worker_asks_again(house: House) -> None:
    await put(house, person("a"))
    await add(house)
    async with house.app.pool.bare() as tx:
        job = await jobs.take(tx, ["reindex"])
        assert job is not None
        await jobs.cancel(tx, job.id)

    await reindexing.job(house.app, job)
    with pytest.raises(StillIndexing):
        await find(house, "marital=M")
    asked = [await reindexing.begin(house.app), await reindexing.begin(house.app)]
    async with house.app.pool.bare() as tx:
        again = await jobs.take(tx, ["reindex"])
    assert again is not None
    await reindexing.job(house.app, again)

    assert asked == [True, False]
    assert await find(house, "marital=M") == ["a"]


async def test_begin__a_release_that_brings_a_parameter_fills_it(house: House) -> None:
    await put(house, person("a"))
    assert not await reindexing.begin(house.app)
    house.app.definitions = house.app.definitions.joined([FolderPackage.of("next", [MARITAL])])
    await put(house, person("b"))

    assert await reindexing.begin(house.app)
    assert await worker.run_one(house.app, house.app.jobs)

    assert await find(house, "marital=M") == ["a", "b"]


async def test_run__two_at_once_take_turns(house: House, other: House) -> None:
    await put(house, *(person(f"p{number}") for number in range(5)))
    await add(house)
    steps: list[str] = []

    async def note(figures: reindexing.Figures) -> bool:
        steps.append(figures.step)
        return True

    first, second = await asyncio.gather(
        reindexing.run(house.app, note, everything=True), reindexing.run(other.app, note)
    )

    assert sorted([len(first.types), len(second.types)]) in ([0, 2], [1, 2])
    assert steps.count("alone") > 2
    assert await find(house, "marital=M") == [f"p{number}" for number in range(5)]


async def test_load__line_with_a_parameter_that_cannot_work_is_refused_alone(house: House) -> None:
    bad = {**MARITAL, "expression": "Patient.nothing"}

    async with house.writing() as ctx:
        figures = await load(ctx, [(1, json.dump(bad)), (2, json.dump(person("a")))])

    assert (figures.refused, figures.created) == (1, 1)
    assert "nothing" in figures.problems[0][1]


KILLED = textwrap.dedent("""
    import asyncio, sys
    from hsba import app, config
    from hsba.record import reindexing
    reindexing.BATCH = 10
    async def note(figures):
        if figures.types.get("Patient", [0])[0] >= 50:
            print("here", flush=True)
            await asyncio.sleep(60)
        return True
    async def main():
        async with app.opened(config.load({}, files=()), sys.argv[1], size=4) as house:
            await reindexing.run(house, note, gently=False)
    asyncio.run(main())
""")


async def test_reindex__killed_goes_on_where_it_was(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.writing() as ctx:
        await load(ctx, [(n, json.dump(person(f"p{n:03}"))) for n in range(90)])
    await add(house)
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database.runtime_dsn, stdout=subprocess.PIPE
    )
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"here\n"
    os.kill(victim.pid, signal.SIGKILL)
    await victim.wait()

    done: list[int] = []
    true_batch = batches.batch

    async def counted(*arguments: Any, **named: Any) -> batches.Batch:
        found = await true_batch(*arguments, **named)
        done.append(found.resources)
        return found

    monkeypatch.setattr(batches, "batch", counted)
    figures = await reindexing.run(house.app, say_nothing)

    assert sum(done) == 40
    assert figures.types["Patient"] == [90, 90, 90]
    assert len(await find(house, "marital=M")) == 90


async def rows_of(house: House) -> dict[str, Counter[tuple[Any, ...]]]:
    async with house.app.pool.reading(house.app.tenants.get().id) as tx:
        return {
            kind: Counter(tuple(row) for row in await tx.fetch(f"SELECT * FROM record.ix_{kind}"))
            for kind in KINDS
        }


async def test_reindex__of_everything_makes_the_rows_that_saving_made(house: House) -> None:
    lines = []
    kinds: Counter[str] = Counter()
    for number, resource in enumerate(hospital.generate()):
        kinds[resource["resourceType"]] += 1
        if kinds[resource["resourceType"]] <= 40:
            lines.append((number, json.dump(resource)))
        if number > 20_000:
            break
    async with house.writing() as ctx:
        figures = await load(ctx, lines)
    assert figures.refused == 0
    # A second version too: rows of an update are written another way.
    await put(house, person("x", "S"), person("x", "M"), person("gone"))
    await house.do(lambda ctx: interactions.delete(ctx, "Patient", "gone"))
    before = await rows_of(house)

    figures_of_run = await reindexing.run(house.app, say_nothing, everything=True, gently=False)

    assert await rows_of(house) == before
    assert len(figures_of_run.types) == len(kinds)
    assert all(done == total for done, total, _ in figures_of_run.types.values())
    assert sum(before["token"].values()) > 1000
