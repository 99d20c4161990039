"""Numbers are never given twice, whoever asks at the same moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hsba.record import numbers
from hsba.record.numbers import Number, UnknownSeries

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context


async def test_give__is_unique_and_without_gaps_among_many_at_once(house: House) -> None:
    async def take(ctx: Context) -> Number:
        return await numbers.give(ctx, "mrn")

    given = await asyncio.gather(*(house.do(take) for _ in range(60)))

    assert sorted(number.value for number in given) == list(range(1, 61))
    assert given[0].text == f"{given[0].value:08d}"


async def test_give__a_rolled_back_number_was_never_given(house: House) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is the transaction that is rolled back
        async with house.writing() as ctx:
            await numbers.give(ctx, "visit")
            raise ZeroDivisionError

    async with house.writing() as ctx:
        assert (await numbers.give(ctx, "visit")).value == 1


async def test_give__starts_anew_each_year_for_what_is_counted_by_year(house: House) -> None:
    async with house.writing() as ctx:
        assert (await numbers.give(ctx, "dossier", year=2026)).text == "26.000001"
        assert (await numbers.give(ctx, "dossier", year=2026)).text == "26.000002"
        assert (await numbers.give(ctx, "dossier", year=2027)).text == "27.000001"
        assert (await numbers.give(ctx, "mrn", year=2026)).value == 1
        assert (await numbers.give(ctx, "mrn", year=2027)).value == 2


async def test_reserve__a_block_and_the_series_never_meet(house: House) -> None:
    async def block(ctx: Context) -> range:
        reserved = await numbers.reserve(ctx, "mrn", 25, "Trạm y tế Tân Lập")
        return range(reserved.first, reserved.last + 1)

    async def one(ctx: Context) -> range:
        value = (await numbers.give(ctx, "mrn")).value
        return range(value, value + 1)

    given = await asyncio.gather(*(house.do(block if turn % 5 == 0 else one) for turn in range(30)))

    values = [value for part in given for value in part]
    assert len(values) == len(set(values)) == 6 * 25 + 24
    async with house.reading() as ctx:
        assert len(await numbers.blocks(ctx, "Trạm y tế Tân Lập")) == 6


async def test_reserve__a_blocks_numbers_are_written_like_the_series(house: House) -> None:
    async with house.writing() as ctx:
        block = await numbers.reserve(ctx, "visit", 3, "trạm", year=2026)

    assert [block.text(value) for value in range(block.first, block.last + 1)] == [
        "26000001",
        "26000002",
        "26000003",
    ]


async def test_give__an_unknown_series_is_refused(house: House) -> None:
    async with house.writing() as ctx:
        with pytest.raises(UnknownSeries):
            await numbers.give(ctx, "xyz")
