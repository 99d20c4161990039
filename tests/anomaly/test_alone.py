"""Writes that are one statement and commit by themselves: they lose nothing that a longer transaction would keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir.problems import SignedRecord, VersionConflict
from hsba.fhir.vn import BASE
from hsba.record import interactions, lifecycle
from hsba.record.belongs import DOSSIER as DOSSIER_LINK
from hsba.record.history import history

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context
    from hsba.record.saving import Saved

DOSSIER = {
    "resourceType": "Composition",
    "id": "d",
    "status": "preliminary",
    "type": {"text": "Bệnh án nội khoa"},
    "date": "2026-01-01",
    "author": [{"display": "Bác sĩ Thử"}],
    "title": "Bệnh án",
}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "a", **more}


async def put(ctx: Context, if_match: str | None = None, **more: Any) -> Saved:
    ctx.alone = True
    return await interactions.update(ctx, patient(**more), if_match=if_match)


async def test_update__begins_no_transaction_once_the_names_are_known(house: House) -> None:
    async def transacted(ctx: Context, **more: Any) -> bool:
        await put(ctx, **more)
        return ctx.tx.transacted is not None

    assert await house.do(transacted), "the first of a type gives its paths their numbers"
    assert not await house.do(lambda ctx: transacted(ctx, active=True))
    async with house.reading() as ctx:
        assert (await interactions.read(ctx, "Patient", "a")).vid == 2


async def test_update__eight_at_once_make_eight_versions_in_a_chain(house: House) -> None:
    await house.do(put)

    await asyncio.gather(
        *(house.do(lambda ctx, n=n: put(ctx, multipleBirthInteger=n)) for n in range(1, 9))  # type: ignore[misc]
    )

    async with house.reading() as ctx:
        page = await history(ctx, "Patient", "a")
        chain = await ctx.tx.fetch("SELECT sha256, before FROM record.version ORDER BY vid")
    assert [stored.vid for stored, _ in page.entries] == list(range(9, 0, -1))
    assert [row["before"] for row in chain[1:]] == [row["sha256"] for row in chain[:-1]]


async def test_update__one_of_eight_with_the_same_if_match_wins(house: House) -> None:
    await house.do(put)

    done = await asyncio.gather(
        *(house.do(lambda ctx, n=n: put(ctx, 'W/"1"', multipleBirthInteger=n)) for n in range(1, 9)),  # type: ignore[misc]
        return_exceptions=True,
    )

    assert sum(isinstance(one, VersionConflict) for one in done) == 7


async def test_lock__a_version_signed_while_the_write_waits_stays_as_it_was_signed(house: House) -> None:
    await house.do(put)

    async def sign(ctx: Context) -> None:
        await lifecycle.lock(ctx, "Patient", "a", 1, why="ký số")
        await asyncio.sleep(0.15)

    signing = asyncio.create_task(house.do(sign))
    await asyncio.sleep(0.05)
    with pytest.raises(SignedRecord):
        await house.do(lambda ctx: put(ctx, active=True))
    await signing

    async with house.reading() as ctx:
        assert (await interactions.read(ctx, "Patient", "a")).vid == 1


async def test_create__into_a_dossier_that_is_being_closed_waits_and_is_refused(house: House) -> None:
    async def open_dossier(ctx: Context) -> None:
        await interactions.update(ctx, DOSSIER)
        await lifecycle.move(ctx, "Composition", "d", "open")
        await lifecycle.move(ctx, "Composition", "d", "activate")

    await house.do(open_dossier)

    async def close(ctx: Context) -> None:
        await lifecycle.move(ctx, "Composition", "d", "close")
        await asyncio.sleep(0.15)

    async def add(ctx: Context) -> Saved:
        ctx.alone = True
        sheet = {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "extension": [{"url": BASE + DOSSIER_LINK, "valueReference": {"reference": "Composition/d"}}],
        }
        return await interactions.create(ctx, sheet)

    assert (await house.do(add)).created
    closing = asyncio.create_task(house.do(close))
    await asyncio.sleep(0.05)
    with pytest.raises(lifecycle.WrongState):
        await house.do(add)
    await closing

    async with house.reading() as ctx:
        assert await ctx.tx.fetchval("SELECT count(*) FROM record.version WHERE body LIKE '%completed%'") == 1


async def test_save__refused_leaves_no_row_of_any_table(house: House) -> None:
    await house.do(put)

    async def late(ctx: Context) -> None:
        ctx.alone = True
        before = await interactions.read(ctx, "Patient", "a")
        await house.do(lambda other: put(other, active=True))
        assert before.vid == 1
        await interactions.update(ctx, patient(gender="male"), if_match='W/"1"')

    with pytest.raises(VersionConflict):
        async with house.writing() as ctx:
            await late(ctx)

    async with house.reading() as ctx:
        assert await ctx.tx.fetchval("SELECT count(*) FROM record.version") == 2
        assert await ctx.tx.fetchval("SELECT count(*) FROM record.ix_token WHERE code = 'male'") == 0
