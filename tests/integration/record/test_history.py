"""History in pages that stay right while others write, and a feed that misses no late committer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir.problems import BadRequest, NotFound
from hsba.record import interactions
from hsba.record.history import HistoryPage, history
from hsba.store import history as versions
from hsba.store.history import Cursor, Span

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"text": "Trần Văn Cường"}], **more}


async def put(house: House, *ids: str, **more: Any) -> None:
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, patient(id_, **more))


def names(page: HistoryPage) -> list[str]:
    return [f"{stored.id}/{stored.vid}" for stored, _ in page.entries]


async def every_page(ctx: Context, *where: str, count: int) -> list[str]:
    page = await history(ctx, *where, count=count)
    found = names(page)
    while page.next is not None:
        page = await history(ctx, *where, count=count, cursor=page.next)
        assert len(page.entries) <= count
        found += names(page)
    return found


# --- three levels ------------------------------------------------------------------------------------------


async def test_history__of_a_resource_with_its_tombstone(house: House) -> None:
    await put(house, "a")
    await put(house, "a", active=True)
    async with house.writing() as ctx:
        await interactions.delete(ctx, "Patient", "a")
    await put(house, "a", active=False)

    async with house.reading() as ctx:
        page = await history(ctx, "Patient", "a")
        pages = await every_page(ctx, "Patient", "a", count=1)

    assert names(page) == pages == ["a/4", "a/3", "a/2", "a/1"]
    assert page.total == 4
    assert [stored.deleted for stored, _ in page.entries] == [False, True, False, False]
    assert page.entries[1][0].body is None


async def test_history__of_what_was_never_there_is_not_found(house: House) -> None:
    async with house.reading() as ctx:
        with pytest.raises(NotFound):
            await history(ctx, "Patient", "none")


@pytest.mark.parametrize("where", [(), ("Patient",)])
async def test_history__pages_stay_as_they_were_while_others_write(
    house: House, where: tuple[str, ...]
) -> None:
    await put(house, "a", "b", "c", "d", "e")

    async with house.reading() as ctx:
        first = await history(ctx, *where, count=2)
        await put(house, "a", "f", active=True)
        second = await history(ctx, *where, count=2, cursor=first.next)
        await put(house, "g")
        third = await history(ctx, *where, count=2, cursor=second.next)

    assert names(first) + names(second) + names(third) == ["e/1", "d/1", "c/1", "b/1", "a/1"]
    assert third.next is None


async def test_history__late_committer_is_in_no_later_page_twice_and_in_the_next_reading(
    house: House,
) -> None:
    await put(house, "a", "b")
    async with house.writing() as late:
        await interactions.update(late, patient("late"))
        await put(house, "c", "d")
        async with house.reading() as ctx:
            first = await history(ctx, "Patient", count=2)
    async with house.reading() as ctx:
        rest = await history(ctx, "Patient", count=10, cursor=first.next)
        again = await history(ctx, "Patient", span=Span(since=first.horizon))

    assert names(first) + names(rest) == ["d/1", "c/1", "b/1", "a/1"]
    assert "late/1" in names(again)


async def test_history__of_one_type_only(house: House) -> None:
    await put(house, "a")
    async with house.writing() as ctx:
        await interactions.update(ctx, {"resourceType": "Organization", "id": "o", "name": "Khoa Nội"})

    async with house.reading() as ctx:
        assert names(await history(ctx, "Organization")) == ["o/1"]
        assert names(await history(ctx)) == ["o/1", "a/1"]


async def test_history__since_and_at(house: House) -> None:
    await put(house, "a")
    await put(house, "a", active=True)
    async with house.reading() as ctx:
        two, one = [stored for stored, _ in (await history(ctx, "Patient", "a")).entries]
        between = one.recorded + (two.recorded - one.recorded) / 2
        for where in (("Patient", "a"), ("Patient",), ()):
            since = await history(ctx, *where, span=Span(since=two.recorded))
            at = await history(ctx, *where, span=Span(at=(between, between)))
            before = one.recorded - timedelta(days=1)
            assert names(since) == ["a/2"]
            assert names(at) == ["a/1"]
            assert names(await history(ctx, *where, span=Span(at=(before, before)))) == []
            assert names(await history(ctx, *where, span=Span(at=(before, two.recorded)))) == ["a/2", "a/1"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "!!!", "MS4yLjMuNA", Cursor(1, 2, 3, "1:2:'; drop", datetime(2026, 1, 1, tzinfo=UTC)).text()],
)
async def test_history__a_broken_page_link_is_refused(house: House, cursor: str) -> None:
    await put(house, "a")
    async with house.reading() as ctx:
        for where in (("Patient", "a"), ("Patient",)):
            with pytest.raises(BadRequest):
                await history(ctx, *where, cursor=cursor)


async def test_history__count_zero_is_only_the_number(house: House) -> None:
    await put(house, "a")
    async with house.reading() as ctx:
        page = await history(ctx, "Patient", "a", count=0)

    assert (page.entries, page.total, page.next) == ([], 1, None)


# --- the feed ----------------------------------------------------------------------------------------------


async def read_feed(house: House, after: int, limit: int = 100) -> tuple[list[str], int]:
    async with house.reading() as ctx:
        found, cursor = await versions.feed(ctx.tx, ctx.tenant.id, after, limit=limit)
    return [f"{entry.stored.id}/{entry.stored.vid}" for entry in found], cursor


async def test_feed__waits_for_the_late_committer(house: House) -> None:
    await put(house, "a")
    await house.settle()
    start, cursor = await read_feed(house, 0)
    assert start == ["a/1"]

    async with house.writing() as late:
        await interactions.update(late, patient("late"))
        await put(house, "b")
        held, cursor = await read_feed(house, cursor)
        assert held == [], "b is committed, but a smaller transaction is still open"
    await house.settle()
    freed, cursor = await read_feed(house, cursor)

    assert freed == ["late/1", "b/1"]
    assert await read_feed(house, cursor) == ([], cursor)


async def test_feed__a_rolled_back_transaction_holds_nothing_up(house: House) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction that is rolled back
        async with house.writing() as ctx:
            await interactions.update(ctx, patient("never"))
            raise ZeroDivisionError
    await put(house, "a")

    await house.settle()
    found, _ = await read_feed(house, 0)

    assert found == ["a/1"]


async def test_feed__nothing_is_missed_or_given_twice_while_many_write(house: House) -> None:
    async def write(turn: int) -> None:
        async with house.writing() as ctx:
            for number in range(3):
                await interactions.update(ctx, patient(f"p{turn}-{number}"))
                await asyncio.sleep(0.001 * (turn % 7))

    writers = [asyncio.create_task(write(turn)) for turn in range(40)]
    seen: list[str] = []
    cursor = 0
    while not all(task.done() for task in writers):
        found, cursor = await read_feed(house, cursor, limit=5)
        seen += found
    await asyncio.gather(*writers)
    await house.settle()
    while found := (page := await read_feed(house, cursor, limit=5))[0]:
        cursor = page[1]
        seen += found

    assert len(seen) == len(set(seen)) == 120


async def test_feed__never_cuts_a_transaction(house: House) -> None:
    async with house.writing() as ctx:
        for number in range(7):
            await interactions.update(ctx, patient(f"p{number}"))
        await interactions.update(ctx, {"resourceType": "Organization", "id": "o", "name": "Khoa Nội"})
    await put(house, "z")

    await house.settle()
    first, cursor = await read_feed(house, 0, limit=3)
    second, _ = await read_feed(house, cursor, limit=3)

    assert len(first) == 8
    assert second == ["z/1"]
