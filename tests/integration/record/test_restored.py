"""A dump restored into another cluster: its feed goes on there, in the order of before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from hsba import app, config
from hsba.ops import selfcheck
from hsba.record import interactions
from hsba.store import history, restored

if TYPE_CHECKING:
    import pytest

    from databases import Database
    from house import House

FAR = 5_000_000_000
"""How much further the cluster of the dump had counted."""


async def put(house: House, *ids: str) -> None:
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})


async def read(house: House, after: int) -> list[str]:
    async with house.reading() as ctx:
        entries, _ = await history.feed(ctx.tx, ctx.tenant.id, after, limit=1000)
    return [entry.stored.id for entry in entries]


async def examined(tx: asyncpg.Connection) -> str:
    return next(
        one.level for one in [found async for found in selfcheck.database(tx)] if one.subject.en == "Feed"
    )


async def test_prepare__brings_a_restored_feed_below_the_counter(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored, "TOGETHER", 2)
    await put(house, *(f"p{n:02}" for n in range(30)))
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        assert await examined(owner) == "ok"
        await owner.execute(f"UPDATE record.version SET xid = (xid::text::bigint + {FAR})::text::xid8")
        await owner.execute(
            "INSERT INTO ops.feed_cursor SELECT 'half', xid FROM record.version ORDER BY xid OFFSET 14 LIMIT 1"
        )
        await owner.execute(
            "INSERT INTO ops.feed_cursor SELECT 'all', max(xid::text::bigint)::text::xid8 FROM record.version"
        )
        assert await examined(owner) == "error"
        assert await read(house, 0) == []

        applied = await app.prepare(config.load({}, files=()), database.owner_dsn)
        again = await app.prepare(config.load({}, files=()), database.owner_dsn)

        assert (applied, again) == (["record.version.xid"], [])
        assert await examined(owner) == "ok"
        cursors = {
            row[0]: int(row[1]) for row in await owner.fetch("SELECT name, xid::text FROM ops.feed_cursor")
        }
    finally:
        await owner.close()
    await put(house, "new")
    await house.settle()

    everybody = [f"p{n:02}" for n in range(30)] + ["new"]
    assert await read(house, 0) == everybody
    assert await read(house, cursors["all"]) == ["new"]
    assert await read(house, cursors["half"]) == everybody[15:]


async def test_renumber__what_shares_a_number_is_read_again_rather_than_missed(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(house, *(f"p{n}" for n in range(8)))
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        await owner.execute(f"UPDATE record.version SET xid = (xid::text::bigint + {FAR})::text::xid8")
        await owner.execute(
            "INSERT INTO ops.feed_cursor SELECT 'half', xid FROM record.version ORDER BY xid OFFSET 3 LIMIT 1"
        )
        # A cluster so young that several versions must share a number.
        counter = int(await owner.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
        monkeypatch.setattr(restored, "FIRST", counter - 1)
        monkeypatch.setattr(restored, "TOGETHER", 1000)
        assert await restored.renumber(owner)
        cursor = int(await owner.fetchval("SELECT xid::text FROM ops.feed_cursor"))
    finally:
        await owner.close()
    await put(house, "new")
    await house.settle()

    assert set(await read(house, cursor)) >= {"p4", "p5", "p6", "p7", "new"}
