"""Phrases and templates: one's own and a department's, found by a short word, seen by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from hospital import Hospital, post
from hsba import app, config
from hsba.fhir.problems import BadRequest, Forbidden, NotFound
from hsba.forms import catalogue, phrases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database

COVER = catalogue.forms()["17-BV1"]


@pytest_asyncio.fixture
async def hospital(database: Database) -> AsyncIterator[Hospital]:
    """Two doctors in khoa Nội and one in khoa Ngoại."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=8) as opened:
        found = Hospital(opened, database.owner_dsn)
        for name, department in (("an", "noi"), ("binh", "noi"), ("chi", "ngoai")):
            await found.save(
                {"resourceType": "Organization", "id": department, "name": department},
                {"resourceType": "Practitioner", "id": name, "name": [{"text": name}]},
                post(f"{name}-post", name, department),
            )
            await found.is_person(name, "Practitioner", name)
            await found.give(name, "doctor")
        yield found


async def shorts(hospital: Hospital, account: str, begun: str = "", item: str = "") -> list[str]:
    async with hospital.acting(account) as ctx:
        return [f"{one.short}:{one.words}" for one in await phrases.offered(ctx, begun, item)]


async def test_offered__ones_own_stands_before_the_departments(hospital: Hospital) -> None:
    async with hospital.acting("an") as ctx:
        await phrases.keep(ctx, ";sot", "Sốt, không rét run.")
        await phrases.keep(ctx, "sot", "Sốt cao liên tục.", department="noi")
        await phrases.keep(ctx, "sôt-rét", "Sốt rét.", department="noi")

    assert await shorts(hospital, "an", "so") == ["sot:Sốt, không rét run.", "sôt-rét:Sốt rét."]
    assert await shorts(hospital, "binh", "sot") == ["sot:Sốt cao liên tục.", "sôt-rét:Sốt rét."]
    assert await shorts(hospital, "chi") == []


async def test_offered__one_for_a_question_only_there(hospital: Hospital) -> None:
    async with hospital.acting("an") as ctx:
        await phrases.keep(ctx, "bt", "Bình thường.")
        await phrases.keep(ctx, "bt", "Tim đều, T1 T2 rõ.", item="exam.circulation")

    assert await shorts(hospital, "an", "bt") == ["bt:Bình thường."]
    assert await shorts(hospital, "an", "bt", "exam.circulation") == ["bt:Tim đều, T1 T2 rõ."]


async def test_keep__again_replaces(hospital: Hospital) -> None:
    async with hospital.acting("an") as ctx:
        one = await phrases.keep(ctx, "bt", "Một")
        other = await phrases.keep(ctx, "bt", "Hai")

    assert one.id == other.id
    assert await shorts(hospital, "an") == ["bt:Hai"]


async def test_keep__of_another_department_is_refused(hospital: Hospital) -> None:
    async with hospital.acting("chi") as ctx:
        with pytest.raises(Forbidden):
            await phrases.keep(ctx, "sot", "Sốt", department="noi")


@pytest.mark.parametrize(
    "short, words", [("", "x"), ("a b", "x"), ("a" * 21, "x"), ("a", " "), ("a", "x" * 10_001)]
)
async def test_keep__what_is_no_phrase_is_refused(hospital: Hospital, short: str, words: str) -> None:
    async with hospital.acting("an") as ctx:
        with pytest.raises(BadRequest):
            await phrases.keep(ctx, short, words)


async def test_drop__is_for_who_has_it(hospital: Hospital) -> None:
    async with hospital.acting("an") as ctx:
        own = await phrases.keep(ctx, "a", "Của tôi")
        shared = await phrases.keep(ctx, "b", "Của khoa", department="noi")

    async with hospital.acting("binh") as ctx:
        with pytest.raises(NotFound):
            await phrases.drop(ctx, own.id)
        await phrases.drop(ctx, shared.id)
    assert await shorts(hospital, "an") == ["a:Của tôi"]


async def test_template__begins_a_part_and_tells_nothing_of_a_patient(hospital: Hospital) -> None:
    given = {
        "exam.organs": "Tim đều.",
        "plan": "Theo dõi",
        "vitals.pulse": 90,
        "allergies": "Trứng",
        "person.name": "AN",
    }
    async with hospital.acting("an") as ctx:
        made = await phrases.keep_template(ctx, COVER, "examination", "Khám thường", given, department="noi")
    async with hospital.acting("binh") as ctx:
        (found,) = await phrases.templates(ctx, COVER.slug, "examination")
        answers = await phrases.answers_of(ctx, found.id, COVER)
    async with hospital.acting("chi") as ctx:
        with pytest.raises(NotFound):
            await phrases.answers_of(ctx, made.id, COVER)
        with pytest.raises(NotFound):
            await phrases.drop_template(ctx, made.id)

    assert found.name == "Khám thường"
    assert answers == {"exam.organs": "Tim đều.", "plan": "Theo dõi"}


async def test_template__without_a_name_or_an_answer_is_refused(hospital: Hospital) -> None:
    async with hospital.acting("an") as ctx:
        with pytest.raises(BadRequest):
            await phrases.keep_template(ctx, COVER, "examination", " ", {"plan": "x"})
        with pytest.raises(BadRequest):
            await phrases.keep_template(ctx, COVER, "examination", "Trống", {"allergies": "Trứng"})
