"""Merge changes no reference, and un-merge restores exactly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import json
from hsba.fhir.problems import NotFound, Problem
from hsba.record import interactions, patients, tenants
from hsba.record.patients import CannotMerge, NotMerged

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context


async def put(house: House, *ids: str, **more: Any) -> None:
    async with house.writing() as ctx:
        for id_ in ids:
            patient = {"resourceType": "Patient", "id": id_, "name": [{"text": f"Lê Thị {id_}"}], **more}
            await interactions.update(ctx, patient)


async def observe(house: House, id: str, of: str) -> None:
    async with house.writing() as ctx:
        await interactions.update(
            ctx,
            {
                "resourceType": "Observation",
                "id": id,
                "status": "final",
                "code": {"text": "mạch"},
                "subject": {"reference": f"Patient/{of}"},
            },
        )


async def merge(house: House, survivor: str, other: str) -> patients.Merged:
    async def work(ctx: Context) -> patients.Merged:
        return await patients.merge(ctx, survivor, other)

    return await house.do(work)


async def unmerge(house: House, other: str) -> patients.Unmerged:
    async def work(ctx: Context) -> patients.Unmerged:
        return await patients.unmerge(ctx, other)

    return await house.do(work)


async def body(house: House, id: str) -> dict[str, Any]:
    async with house.reading() as ctx:
        found = json.parse(((await interactions.read(ctx, "Patient", id)).body or "").encode())
    found.pop("meta")
    return found


async def standing_for(house: House, *ids: str) -> dict[str, list[str]]:
    async with house.reading() as ctx:
        return {id_: sorted(await patients.counts_as(ctx, id_)) for id_ in ids}


async def test_merge__links_both_and_touches_nothing_else(house: House) -> None:
    await put(house, "a", "b")
    await observe(house, "o", "a")

    await merge(house, "b", "a")

    assert (await body(house, "a"))["link"] == [{"other": {"reference": "Patient/b"}, "type": "replaced-by"}]
    assert (await body(house, "b"))["link"] == [{"other": {"reference": "Patient/a"}, "type": "replaces"}]
    async with house.reading() as ctx:
        stored = await interactions.read(ctx, "Observation", "o")
        made = await ctx.tx.fetchval("SELECT interaction::text FROM record.version WHERE vid = 2 LIMIT 1")
    assert stored.vid == 1
    assert made == "M"


async def test_unmerge__restores_exactly(house: House) -> None:
    await put(house, "a", link=[{"other": {"reference": "Patient/x"}, "type": "seealso"}])
    await put(house, "b")
    before = await body(house, "a"), await body(house, "b")

    await merge(house, "b", "a")
    await unmerge(house, "a")

    assert (await body(house, "a"), await body(house, "b")) == before
    assert await standing_for(house, "a", "b") == {"a": ["a"], "b": ["b"]}


async def test_merge__a_chain_counts_as_its_last_and_unmerge_in_the_middle_restores(house: House) -> None:
    await put(house, "a", "b", "c")
    await merge(house, "b", "a")
    await merge(house, "c", "b")
    assert await standing_for(house, "a", "b", "c") == {"a": ["a"], "b": ["b"], "c": ["a", "b", "c"]}

    await unmerge(house, "b")
    assert await standing_for(house, "b", "c") == {"b": ["a", "b"], "c": ["c"]}

    await merge(house, "c", "b")
    await unmerge(house, "a")
    assert await standing_for(house, "a", "b", "c") == {"a": ["a"], "b": ["b"], "c": ["b", "c"]}


async def test_merge__into_one_that_is_merged_already_counts_as_the_last(house: House) -> None:
    await put(house, "a", "b", "c")
    await merge(house, "c", "b")
    await merge(house, "b", "a")

    assert (await standing_for(house, "c"))["c"] == ["a", "b", "c"]
    await unmerge(house, "b")
    assert await standing_for(house, "b", "c") == {"b": ["a", "b"], "c": ["c"]}


@pytest.mark.parametrize(
    "survivor,other,problem",
    [
        ("a", "a", CannotMerge),
        ("a", "b", CannotMerge),  # a is merged into b
        ("a", "c", CannotMerge),  # … and b into c: a ring
        ("d", "a", CannotMerge),  # a is merged already
        ("d", "none", NotFound),
        ("none", "d", NotFound),
    ],
)
async def test_merge__rings_repeats_and_strangers_are_refused(
    house: House, survivor: str, other: str, problem: type[Problem]
) -> None:
    await put(house, "a", "b", "c", "d")
    await merge(house, "b", "a")
    await merge(house, "c", "b")

    with pytest.raises(problem):
        await merge(house, survivor, other)


async def test_merge__a_patient_of_another_keeper_is_not_there(house: House) -> None:
    async with house.app.pool.bare() as tx:
        await tenants.ensure(tx, "other", "Bệnh viện khác")
        await house.app.tenants.read(tx)
    await put(house, "a")
    async with house.writing(tenant="other") as ctx:
        await interactions.update(ctx, {"resourceType": "Patient", "id": "theirs"})

    with pytest.raises(NotFound):
        await merge(house, "a", "theirs")


async def test_unmerge__of_one_never_merged_is_refused(house: House) -> None:
    await put(house, "a")

    with pytest.raises(NotMerged):
        await unmerge(house, "a")


async def test_unmerge__lists_what_was_written_in_between(house: House) -> None:
    await put(house, "a", "b")
    await observe(house, "before", "b")
    await merge(house, "b", "a")
    await observe(house, "between", "b")

    parted = await unmerge(house, "a")

    assert [(one.type, one.id) for one in parted.written] == [("Observation", "between")]


async def test_merge__two_at_once_never_make_a_ring(house: House) -> None:
    await put(house, "a", "b")

    done = await asyncio.gather(merge(house, "a", "b"), merge(house, "b", "a"), return_exceptions=True)

    assert sorted(isinstance(one, CannotMerge) for one in done) == [False, True]


async def test_link_person__patients_of_two_keepers_are_one_human(house: House) -> None:
    async with house.app.pool.bare() as tx:
        await tenants.ensure(tx, "other", "Trạm y tế")
        await house.app.tenants.read(tx)
    await put(house, "a")
    async with house.writing(tenant="other") as ctx:
        await interactions.update(ctx, {"resourceType": "Patient", "id": "t"})

    async with house.writing() as ctx:
        person = await patients.link_person(ctx, "a")
    async with house.writing(tenant="other") as ctx:
        assert await patients.link_person(ctx, "t", person) == person
        assert await patients.patients_of(ctx, person) == ["t"]
        assert await patients.person_of(ctx, "t") == person
        with pytest.raises(NotFound):
            await patients.link_person(ctx, "t", person + 1000)
    async with house.reading() as ctx:
        assert await patients.patients_of(ctx, person) == ["a"]
