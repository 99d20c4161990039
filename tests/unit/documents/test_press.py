"""The process that prints: it draws, it may be killed, and the next print is made."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import TYPE_CHECKING

import pytest

import golden_prints as golden
from hsba.documents.order import Order
from hsba.documents.press import LARGE, NotPrinted, Press
from hsba.documents.render import TooMuchToPrint
from hsba.forms import catalogue, paper
from hsba.forms.paper import Written

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMUNE = catalogue.forms()["17-BV1"]
BLANK = Order((paper.lay(COMMUNE, {}),), golden.AT)


@pytest.fixture
def press() -> Iterator[Press]:
    made = Press()
    yield made
    made.close()


async def test_render__is_done_elsewhere_and_the_process_is_kept(press: Press) -> None:
    first = await press.render(BLANK)
    children = {one.pid for one in multiprocessing.active_children()}

    assert await press.render(BLANK) == first
    assert {one.pid for one in multiprocessing.active_children()} == children
    assert first.startswith(b"%PDF-1.7")


async def test_render__a_problem_comes_back_as_itself(press: Press) -> None:
    long = paper.lay(COMMUNE, {"examination": [Written({"history.illness": "bệnh " * 1_000_000})]})

    with pytest.raises(TooMuchToPrint):
        await press.render(Order((long,), golden.AT))


async def test_render__of_a_killed_process_is_told_and_the_next_is_made(press: Press) -> None:
    await press.render(BLANK)
    ours = {one.pid for one in multiprocessing.active_children()}
    many = Order(BLANK.sheets * 60, golden.AT)

    async def kill() -> None:
        await asyncio.sleep(0.05)
        for one in multiprocessing.active_children():
            if one.pid in ours:
                one.kill()

    with pytest.raises(NotPrinted):
        await asyncio.gather(press.render(many), kill())

    assert (await press.render(BLANK)).startswith(b"%PDF")


async def test_render__after_a_large_print_the_memory_is_given_back(press: Press) -> None:
    before = {one.pid for one in multiprocessing.active_children()}

    await press.render(Order(BLANK.sheets * (LARGE + 1), golden.AT))

    async with asyncio.timeout(20):
        while {one.pid for one in multiprocessing.active_children()} - before:
            await asyncio.sleep(0.1)
