"""Drafts belong to their author, keep twenty steps back, and become exactly one version."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from hsba.fhir.problems import BadRequest, NotFound, Unprocessable, VersionConflict
from hsba.record import drafts, interactions

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context
    from hsba.record.saving import Saved

TARGET = "Patient/nhap-1"
SESSION = uuid4()


def written(text: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"text": text}]}


async def save(house: House, text: str, account: str = "an", target: str = TARGET) -> drafts.Draft:
    async with house.writing(account) as ctx:
        return await drafts.save(ctx, target, written(text), session=SESSION)


async def test_save__each_change_is_a_step_and_the_same_again_is_none(house: House) -> None:
    await save(house, "một")
    await save(house, "hai")
    again = await save(house, "hai")

    assert again.step == 2
    async with house.reading("an") as ctx:
        assert [one.body["name"][0]["text"] for one in await drafts.steps(ctx, TARGET)] == ["hai", "một"]


async def test_save__keeps_the_last_state_and_twenty_steps_back(house: House) -> None:
    for number in range(30):
        await save(house, f"{number}")

    async with house.reading("an") as ctx:
        kept = await drafts.steps(ctx, TARGET)
    assert len(kept) == 21
    assert kept[-1].body["name"][0]["text"] == "9"


async def test_back__goes_one_step_back_and_the_first_stays(house: House) -> None:
    await save(house, "một")
    await save(house, "hai")

    async with house.writing("an") as ctx:
        first = await drafts.back(ctx, TARGET)
        still = await drafts.back(ctx, TARGET)

    assert first is not None
    assert still == first
    assert first.body["name"][0]["text"] == "một"


async def test_load__is_never_seen_by_another_account(house: House) -> None:
    await save(house, "riêng", "an")

    async with house.writing("binh") as ctx:
        assert await drafts.load(ctx, TARGET) is None
        assert await drafts.steps(ctx, TARGET) == []
        assert await drafts.mine(ctx) == []
        await drafts.discard(ctx, TARGET)
        with pytest.raises(NotFound):
            await drafts.commit(ctx, TARGET, session=SESSION)
    async with house.reading("an") as ctx:
        assert [target for target, _ in await drafts.mine(ctx)] == [TARGET]
        with pytest.raises(NotFound):
            await interactions.read(ctx, "Patient", "nhap-1")


async def test_commit__makes_one_version_however_often(house: House) -> None:
    await save(house, "một")
    await save(house, "hai")

    async def commit(ctx: Context) -> Saved:
        return await drafts.commit(ctx, TARGET, session=SESSION)

    saved = await asyncio.gather(*(house.do(commit, account="an") for _ in range(6)))

    assert {one.stored.vid for one in saved} == {1}
    assert sum(one.changed for one in saved) == 1
    async with house.reading("an") as ctx:
        assert await drafts.load(ctx, TARGET) is None
        assert "hai" in ((await interactions.read(ctx, "Patient", "nhap-1")).body or "")


async def test_commit__what_is_wrong_is_told_and_the_draft_stays(house: House) -> None:
    async with house.writing("an") as ctx:
        await drafts.save(ctx, TARGET, {"gender": "lạ"}, session=SESSION)

    with pytest.raises(Unprocessable):
        async with house.writing("an") as ctx:
            await drafts.commit(ctx, TARGET, session=SESSION)

    async with house.reading("an") as ctx:
        assert await drafts.load(ctx, TARGET) is not None


async def test_commit__on_an_older_version_is_refused(house: House) -> None:
    async with house.writing("binh") as ctx:
        await interactions.update(ctx, {**written("đã sửa"), "id": "nhap-1"})
        await interactions.update(ctx, {**written("đã sửa nữa"), "id": "nhap-1"})
    await save(house, "của tôi")

    with pytest.raises(VersionConflict):
        async with house.writing("an") as ctx:
            await drafts.commit(ctx, TARGET, session=SESSION, if_match="1")


@pytest.mark.parametrize("target", ["Patient", "Nothing/1", "Patient/1/2", "/1"])
async def test_save__a_draft_is_of_one_resource(house: House, target: str) -> None:
    with pytest.raises(BadRequest):
        await save(house, "x", target=target)
