"""Several keepers of records behind one door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.record import tenants
from hsba.record.tenants import Tenants

if TYPE_CHECKING:
    import pytest

    from acceptance.door import Client

THERE = "http://localhost/t/{}/fhir/Patient"


async def test_tenants__one_added_while_the_server_runs_is_served(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenants, "AGAIN", 0.0)
    before = await client.get(THERE.format("moi"))
    async with client.services.pool.bare() as tx:
        await tenants.ensure(tx, "moi", "Trạm Y tế mới")
    after = await client.get(THERE.format("moi"))

    assert (before.status_code, after.status_code) == (404, 200)
    assert before.json()["issue"][0]["details"]["text"]


async def test_tenants__a_flood_of_unknown_names_is_one_look(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    read = Tenants.read

    async def counted(self: Tenants, tx: Any) -> None:
        nonlocal looks
        looks += 1
        await read(self, tx)

    monkeypatch.setattr(Tenants, "read", counted)
    monkeypatch.setattr(tenants, "AGAIN", 60.0)
    answers = [await client.get(THERE.format(f"x{n}")) for n in range(50)]

    assert {answer.status_code for answer in answers} == {404}
    assert looks == 1
