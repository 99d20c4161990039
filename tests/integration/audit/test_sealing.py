"""Committed lines are chained in the order they were committed; whatever is done to them afterwards is found and named."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from hsba.audit import chain, checkpoints, keys, sealing, verifying
from hsba.record import interactions

if TYPE_CHECKING:
    from pathlib import Path

    from house import House
    from hsba.audit.verifying import Found


async def write(house: House, *ids: str) -> None:
    """One line in a transaction of its own for each."""
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})


async def seal(house: House) -> None:
    await house.settle()
    await sealing.seal(house.app)


async def verify(house: House, owner: Any, **span: Any) -> Found:
    folder = house.app.files / "keys"
    return await verifying.verify(owner, keys.public(folder), house.app.checkpoints, **span)


async def ids(owner: Any) -> list[int]:
    return [row[0] for row in await owner.fetch("SELECT id FROM audit.line ORDER BY id")]


async def test_seal__what_is_committed_verifies_and_the_rest_is_told_as_tail(
    house: House, owner: Any
) -> None:
    await write(house, "a", "b")
    await seal(house)
    await write(house, "c")
    await seal(house)
    await write(house, "d")

    found = await verify(house, owner)

    assert found.fault is None
    assert (found.segments, found.lines, found.tail) == (2, 3, 1)
    assert found.oldest is not None


async def test_seal__a_late_committer_is_sealed_after_what_was_committed_before_it(
    house: House, owner: Any
) -> None:
    await write(house, "first")  # the names of search paths are given once, and who gives them is waited for
    await seal(house)
    async with house.writing() as late:
        await interactions.update(late, {"resourceType": "Patient", "id": "late"})
        await write(house, "early")
        await sealing.seal(house.app)
        held = await owner.fetchval("SELECT count(*) FROM audit.segment")
    await seal(house)
    await write(house, "after")
    await seal(house)

    assert held == 1, "what came after an open transaction waits for it"
    assert (await verify(house, owner)).fault is None
    sealed = [
        one for row in await owner.fetch("SELECT ids FROM audit.segment ORDER BY number") for one in row[0]
    ]
    assert sorted(sealed) == await ids(owner)


SWAP = (
    "UPDATE audit.line l SET account = o.account, request = o.request FROM audit.line o"
    " WHERE (l.id, o.id) IN (($1::bigint, $1 + 1), ($1 + 1, $1))"
)
TAMPERING: dict[str, tuple[str, str]] = {
    "altered": ("UPDATE audit.line SET account = 'somebody' WHERE id = $1", "altered"),
    "altered time": (
        "UPDATE audit.line SET recorded = recorded - interval '1 hour' WHERE id = $1",
        "altered",
    ),
    "altered subject": ("UPDATE audit.subject SET patient = patient + 1 WHERE line = $1", "altered"),
    "removed subject": ("DELETE FROM audit.subject WHERE line = $1", "altered"),
    "removed": ("DELETE FROM audit.line WHERE id = $1", "missing"),
    "swapped": (SWAP, "altered"),
    "put earlier": ("UPDATE audit.line SET xid = '4' WHERE id = $1", "moved"),
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_verify__names_the_first_line_that_was_tampered_with(
    house: House, owner: Any, kind: str
) -> None:
    await write(house, "a", "b")
    await seal(house)
    await write(house, "c", "d", "e")
    await seal(house)
    third = (await ids(owner))[2]
    sql, expected = TAMPERING[kind]

    await owner.execute(sql, third)

    fault = (await verify(house, owner)).fault
    assert fault is not None
    assert (fault.kind, fault.line) == (expected, third)
    assert str(third) in fault.sentence("vi")


async def test_verify__names_a_line_that_was_inserted(house: House, owner: Any) -> None:
    await write(house, "a", "b")
    await seal(house)

    forged = await owner.fetchval(
        "INSERT INTO audit.line (tenant, recorded, xid, account, channel, purpose, request, interaction, refused)"
        " SELECT tenant, recorded, xid, 'x', channel, purpose, request, 'read', false FROM audit.line LIMIT 1"
        " RETURNING id"
    )

    fault = (await verify(house, owner)).fault
    assert fault is not None
    assert (fault.kind, fault.line) == ("inserted", forged)


async def test_verify__a_segment_written_anew_does_not_bear_our_signature(house: House, owner: Any) -> None:
    """The owner of the database changes a line and makes all hashes anew; he lacks the key and the file outside."""
    await write(house, "a", "b")
    await seal(house)
    await owner.execute("UPDATE audit.line SET account = 'somebody'")
    rows = await owner.fetch("SELECT * FROM audit.whole ORDER BY id")
    hashes = chain.follow(chain.START, rows)
    await owner.execute("UPDATE audit.segment SET marks = $1, hash = $2", chain.marks(hashes), hashes[-1])

    fault = (await verify(house, owner)).fault

    assert fault is not None
    assert fault.kind == "signature"


async def test_verify__segments_cut_off_at_the_end_are_missed(house: House, owner: Any) -> None:
    await write(house, "a")
    await seal(house)
    await write(house, "b")
    await seal(house)
    await owner.execute("DELETE FROM audit.segment WHERE number = 2")
    await owner.execute("DELETE FROM audit.line WHERE id = (SELECT max(id) FROM audit.line)")

    fault = (await verify(house, owner)).fault

    assert fault is not None
    assert (fault.kind, fault.segment) == ("lost", 2)


async def test_verify__a_span_of_time_is_verified_alone(house: House, owner: Any) -> None:
    await write(house, "a")
    await seal(house)
    await write(house, "b")
    await seal(house)
    second = await owner.fetchval("SELECT recorded FROM audit.line ORDER BY id DESC LIMIT 1")
    await owner.execute("UPDATE audit.line SET account = 'x' WHERE recorded < $1", second)

    assert (await verify(house, owner, since=second)).fault is None
    assert (await verify(house, owner, until=second)).fault is not None


async def test_seal__killed_before_the_file_was_written_writes_it_the_next_time(
    house: House, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(house, "a")

    def killed(*_: Any) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "add", killed)
        with pytest.raises(OSError, match="killed"):
            await seal(house)
    assert list(checkpoints.read(house.app.checkpoints)) == []

    await seal(house)
    await write(house, "b")
    await seal(house)

    assert [one.number for one in checkpoints.read(house.app.checkpoints)] == [1, 2]
    assert (await verify(house, owner)).fault is None


async def test_seal__a_checkpoint_cut_off_in_the_middle_is_written_again(house: House, owner: Any) -> None:
    await write(house, "a")
    await seal(house)
    await write(house, "b")
    await seal(house)
    path = house.app.checkpoints / checkpoints.NAME
    path.write_bytes(path.read_bytes()[:-20])

    await seal(house)

    assert [one.number for one in checkpoints.read(house.app.checkpoints)] == [1, 2]
    assert (await verify(house, owner)).fault is None


async def test_seal__only_one_works_at_a_time(house: House, owner: Any) -> None:
    await write(house, "a")
    await house.settle()
    await owner.fetchval("SELECT pg_advisory_lock($1)", sealing.LOCK)

    await sealing.seal(house.app)

    assert await owner.fetchval("SELECT count(*) FROM audit.segment") == 0
    await owner.fetchval("SELECT pg_advisory_unlock($1)", sealing.LOCK)
    await seal(house)
    assert await owner.fetchval("SELECT count(*) FROM audit.segment") == 1


async def test_seal_next__lines_of_one_transaction_are_never_parted(house: House, owner: Any) -> None:
    async with house.writing() as ctx:
        for id_ in ("a", "b", "c"):
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})
    await write(house, "d")
    await house.settle()
    key = keys.signing(house.app.files / "keys")
    async with house.app.pool.bare() as tx:
        while await sealing.seal_next(tx, key, house.app, most=2):
            pass

    assert [len(row[0]) for row in await owner.fetch("SELECT ids FROM audit.segment ORDER BY number")] == [
        3,
        1,
    ]
    assert (await verify(house, owner)).fault is None


def test_signing__the_key_is_its_owner_s_alone(folder: Path) -> None:
    first = keys.signing(folder / "keys")

    path = folder / "keys" / keys.NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.name(keys.signing(folder / "keys").public_key()) == keys.name(first.public_key())
    path.chmod(0o644)
    with pytest.raises(keys.KeyOpen):
        keys.signing(folder / "keys")
