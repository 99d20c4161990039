"""The first answer under a key is the answer for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from hsba.record import idempotency, numbers
from hsba.record.idempotency import Answer, KeyReused

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context

ASKED = idempotency.digest("POST", "/fhir/Patient", b"{}")


async def test_find__ten_repeats_at_once_are_carried_out_once(house: House) -> None:
    async def write(ctx: Context) -> Answer:
        kept = await idempotency.find(ctx, "k1", ASKED)
        if kept is not None:
            return kept
        number = await numbers.give(ctx, "mrn")
        answer = Answer(201, {"location": "Patient/1"}, number.text)
        await idempotency.keep(ctx, "k1", ASKED, answer)
        return answer

    answers = await asyncio.gather(*(house.do(write) for _ in range(10)))

    assert {answer.body for answer in answers} == {"00000001"}
    async with house.writing() as ctx:
        assert (await numbers.give(ctx, "mrn")).value == 2


async def test_find__a_key_used_for_something_else_is_refused(house: House) -> None:
    async with house.writing() as ctx:
        await idempotency.keep(ctx, "k", ASKED, Answer(200))

    async with house.reading() as ctx:
        with pytest.raises(KeyReused):
            await idempotency.find(ctx, "k", idempotency.digest("PUT", "/fhir/Patient/1", b"{}"))


async def test_find__another_account_has_its_own_keys(house: House) -> None:
    async with house.writing("an") as ctx:
        await idempotency.keep(ctx, "k", ASKED, Answer(200))

    async with house.reading("binh") as ctx:
        assert await idempotency.find(ctx, "k", ASKED) is None


async def test_expire__old_answers_go(house: House) -> None:
    async with house.writing() as ctx:
        await idempotency.keep(ctx, "k", ASKED, Answer(200, {}, "x"))
        now = ctx.clock.now()
        assert await idempotency.expire(ctx.tx, ctx.tenant.id, now - timedelta(days=1)) == 0
        assert await idempotency.expire(ctx.tx, ctx.tenant.id, now) == 1
        assert await idempotency.find(ctx, "k", ASKED) is None
