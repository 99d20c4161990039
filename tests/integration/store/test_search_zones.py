"""A day in a search is the hospital's day, wherever the server and PostgreSQL stand."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from hsba import app, config
from search_world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database


def observed(id_: str, when: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id_, "status": "final", "effectiveDateTime": when}


@pytest_asyncio.fixture
async def world(database: Database, elsewhere: str) -> AsyncIterator[World]:
    """Observations around one midnight of Hà Nội, opened on a machine that stands elsewhere."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=4) as opened:
        found = await World.make(opened)
        await found.save(
            observed("last-minute", "2024-03-05T23:59:00+07:00"),
            observed("same-in-utc", "2024-03-05T16:59:30Z"),
            observed("first-minute", "2024-03-06T00:00:30+07:00"),
            observed("new-york", "2024-03-05T12:00:30-05:00"),
            observed("day", "2024-03-05"),
            observed("month", "2024-03"),
            {"resourceType": "Patient", "id": "leap", "birthDate": "2024-02-29"},
        )
        yield found


@pytest.mark.parametrize(
    "type_, query, wanted",
    [
        ("Observation", "date=2024-03-05", ["day", "last-minute", "same-in-utc"]),
        ("Observation", "date=2024-03-06", ["first-minute", "new-york"]),
        ("Observation", "date=2024-03-05T23:59", ["last-minute", "same-in-utc"]),
        ("Observation", "date=2024-03-05T16:59Z", ["last-minute", "same-in-utc"]),
        ("Observation", "date=sa2024-03-05", ["first-minute", "new-york"]),
        ("Observation", "date=eb2024-03-06", ["day", "last-minute", "same-in-utc"]),
        ("Observation", "date=gt2024-03-05", ["first-minute", "month", "new-york"]),
        ("Observation", "date=lt2024-03-05", ["month"]),
        ("Observation", "date=2024-03", ["day", "first-minute", "last-minute", "month", "new-york", "same-in-utc"]),
        ("Patient", "birthdate=2024-02-29", ["leap"]),
        ("Patient", "birthdate=gt2024-02-29", []),
        ("Patient", "birthdate=lt2024-02-29", []),
    ],
)  # fmt: skip
async def test_search__a_day_is_the_hospitals(
    world: World, type_: str, query: str, wanted: list[str]
) -> None:
    assert sorted(await world.find(type_, query.replace("+", "%2B"))) == wanted


async def test_search__last_updated_is_asked_in_the_hospitals_days(world: World) -> None:
    now = world.app.clock.now().astimezone(world.tenant.zone)

    found = await world.find("Patient", f"_lastUpdated=ge{now:%Y-%m-%d}")
    sorted_ = await world.find("Observation", "_sort=date,_id")

    assert found == ["leap"]
    assert sorted_ == ["month", "day", "last-minute", "same-in-utc", "first-minute", "new-york"]


async def test_save__stamps_the_time_in_the_hospitals_zone(world: World) -> None:
    (stored,) = (await world.search("Patient")).matches

    stamped = datetime.fromisoformat((stored.body or "").partition('"lastUpdated":"')[2].partition('"')[0])

    assert stamped.utcoffset() == world.tenant.zone.utcoffset(stamped.replace(tzinfo=None))
    assert abs((stamped - stored.recorded).total_seconds()) < 0.001
