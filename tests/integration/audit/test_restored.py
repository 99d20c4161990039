"""A dump restored into another cluster, whose transactions count from elsewhere: sealing goes on and all still verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.audit import keys, sealing, verifying
from hsba.record import interactions
from hsba.store import restored

if TYPE_CHECKING:
    import pytest

    from house import House

FAR = 5_000_000_000
"""How much further the cluster of the dump had counted."""


async def write(house: House, *ids: str) -> None:
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})


async def seal(house: House) -> None:
    await house.settle()
    await sealing.seal(house.app)


async def test_renumber__what_was_sealed_stays_so_and_the_rest_is_sealed_once(
    house: House, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored, "TOGETHER", 2)
    await write(house, *(f"a{n}" for n in range(9)))
    await seal(house)
    await write(house, *(f"b{n}" for n in range(5)))
    for table, column in (("record.version", "xid"), ("audit.line", "xid"), ("audit.segment", "until_xid")):
        await owner.execute(f"UPDATE {table} SET {column} = ({column}::text::bigint + {FAR})::text::xid8")
    assert await restored.is_above(owner)

    assert await restored.renumber(owner)

    assert not await restored.is_above(owner)
    await write(house, "new")
    await seal(house)
    found = await verifying.verify(owner, keys.public(house.app.files / "keys"), house.app.checkpoints)
    assert found.fault is None
    assert (found.segments, found.lines, found.tail) == (2, 15, 0)
