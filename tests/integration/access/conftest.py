"""Two departments, a nurse on duty in one of them, and a patient in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from hospital import Hospital, encounter, observation, post, to
from hsba import app, config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from databases import Database


@pytest_asyncio.fixture
async def hospital(database: Database) -> AsyncIterator[Hospital]:
    """The hospital: nội and ngoại, a nurse in nội, patients an (nội) and binh (ngoại), an observation of each."""
    async with app.opened(config.load({}, files=()), database.runtime_dsn, size=8) as opened:
        found = Hospital(opened, database.owner_dsn)
        await found.save(
            {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"},
            {"resourceType": "Organization", "id": "ngoai", "name": "Khoa Ngoại"},
            {"resourceType": "Practitioner", "id": "lan", "name": [{"text": "Lan"}]},
            post("lan-noi", "lan", "noi"),
            {
                "resourceType": "Patient",
                "id": "an",
                "name": [{"text": "An"}],
                "telecom": [{"system": "phone", "value": "0900"}],
            },
            {"resourceType": "Patient", "id": "binh", "name": [{"text": "Bình"}]},
            encounter("e-an", "an", "noi"),
            encounter("e-binh", "binh", "ngoai"),
            observation("o-an", "an", encounter=to("Encounter", "e-an")),
            observation("o-binh", "binh"),
        )
        await found.is_person("nurse", "Practitioner", "lan")
        yield found
