"""Lines whose time is over go by whole months; what is left is proved as before, and nobody goes further than he signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec
import pytest

from hsba.access.ports import Happening
from hsba.audit import checkpoints, keys, pruning, sealing, verifying
from hsba.audit.chain import Pruning
from hsba.audit.witness import TrailWitness
from hsba.record import interactions
from integration.audit.test_commands import hsba

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Database
    from house import House
    from hsba.audit.pruning import Pruned
    from hsba.audit.verifying import Found

NOW = datetime(2026, 11, 20, tzinfo=UTC)
OLD, LATER = datetime(2025, 10, 5, tzinfo=UTC), datetime(2025, 11, 5, tzinfo=UTC)


async def logged_in(house: House, when: datetime, *accounts: str) -> None:
    witness = TrailWitness(lambda: when)
    for account in accounts:
        async with house.app.pool.bare() as tx:
            await witness.tell(tx, Happening("login", account, tenant=1))


async def saved(house: House, *ids: str) -> None:
    for id_ in ids:
        async with house.writing() as ctx:
            await interactions.update(ctx, {"resourceType": "Patient", "id": id_})


async def sealed(house: House) -> None:
    await house.settle()
    await sealing.seal(house.app)


async def verify(house: House, owner: Any) -> Found:
    return await verifying.verify(owner, keys.public(house.app.files / "keys"), house.app.checkpoints)


async def prune(house: House, owner: Any, months: int = 12, years: int = 0, now: datetime = NOW) -> Pruned:
    key = keys.signing(house.app.files / "keys")
    kept = pruning.keeping(now, months, years)
    return await pruning.prune(owner, key, house.app.checkpoints, kept, now)


async def mixed(house: House) -> None:
    """Two segments: old and later log-ins between what was done to the record."""
    await logged_in(house, OLD, "a")
    await saved(house, "p")
    await logged_in(house, OLD, "b", "c")
    await logged_in(house, LATER, "d")
    await sealed(house)
    await logged_in(house, OLD, "e")
    await sealed(house)
    await saved(house, "q")
    await sealed(house)


async def left(owner: Any) -> list[str]:
    rows = await owner.fetch("SELECT account FROM audit.line WHERE channel = 'access' ORDER BY id")
    return [row[0] for row in rows]


async def test_prune__removes_whole_months_of_security_lines_and_the_rest_verifies(
    house: House, owner: Any
) -> None:
    await mixed(house)

    looked = await pruning.look(owner, pruning.keeping(NOW, 12, 0))
    done = await prune(house, owner)
    found = await verify(house, owner)

    assert looked.months == {("2025-10", True): 4}
    assert (done.segments, done.lines) == (2, 4)
    assert await left(owner) == ["d"]
    assert (found.fault, found.lines, found.pruned) == (None, 3, 4)


async def test_prune__again_after_a_month_and_of_the_record_goes_on_where_it_was(
    house: House, owner: Any
) -> None:
    await mixed(house)
    await prune(house, owner)
    again = await prune(house, owner, now=NOW + timedelta(days=31))
    much_later = await prune(house, owner, years=1, now=datetime.now(UTC) + timedelta(days=800))

    found = await verify(house, owner)

    assert (again.lines, much_later.lines) == (1, 2)
    assert await owner.fetchval("SELECT count(*) FROM audit.line") == 0
    assert await owner.fetchval("SELECT count(*) FROM audit.subject") == 0
    assert (found.fault, found.lines, found.pruned) == (None, 0, 7)


async def test_chore__prunes_as_the_owner_and_tells_of_it(
    house: House, owner: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mixed(house)
    monkeypatch.setattr(house.app.clock, "now", lambda: NOW)
    (chore,) = pruning.chores(database.owner_dsn, 12, 0)

    await chore.do(house.app)
    await chore.do(house.app)
    found = await verify(house, owner)

    assert (found.fault, found.pruned) == (None, 4)
    rows = await owner.fetch("SELECT account, detail FROM audit.line WHERE interaction = 'audit-prune'")
    assert [row["account"] for row in rows] == ["worker"]


async def test_chore__without_the_owner_removes_nothing(
    house: House, owner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await mixed(house)
    (chore,) = pruning.chores("", 12, 0)

    await chore.do(house.app)

    assert "owner_database_url" in caplog.text
    assert len(await left(owner)) == 5


async def test_prune__nothing_is_over_where_all_is_kept(house: House, owner: Any) -> None:
    await mixed(house)

    assert (await prune(house, owner, months=0)).lines == 0
    assert len(await left(owner)) == 5


INSERT = (
    "INSERT INTO audit.line (id, tenant, recorded, account, channel, purpose, request, interaction, refused)"
)
TAMPERING: dict[str, tuple[str, str]] = {
    "altered before a gap": (
        "UPDATE audit.line SET reason = 'x' WHERE interaction = 'create' AND id < 4",
        "altered",
    ),
    "altered after a gap": ("UPDATE audit.line SET reason = 'x' WHERE account = 'd'", "altered"),
    "one more removed": ("DELETE FROM audit.line WHERE account = 'd'", "missing"),
    "put back": (
        f"{INSERT} VALUES (1, 1, '2025-10-05Z', 'x', 'access', 'x', gen_random_uuid(), 'login', false)",
        "inserted",
    ),
    "word taken away": ("DELETE FROM audit.pruned WHERE segment = 1", "missing"),
    "word changed": (
        "UPDATE audit.pruned SET statement = replace(statement, '\"lines\":1', '\"lines\":2') WHERE segment = 1",
        "pruning",
    ),
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_verify__after_pruning_names_what_was_tampered_with(
    house: House, owner: Any, kind: str
) -> None:
    await mixed(house)
    await prune(house, owner)
    sql, expected = TAMPERING[kind]

    await owner.execute(sql)

    fault = (await verify(house, owner)).fault
    assert fault is not None
    assert fault.kind == expected


async def test_verify__a_word_signed_by_another_key_or_not_in_the_file_is_not_believed(
    house: House, owner: Any, folder: Path
) -> None:
    await mixed(house)
    await prune(house, owner)
    (house.app.checkpoints / checkpoints.PRUNINGS).unlink()

    unwritten = (await verify(house, owner)).fault
    statement = await owner.fetchval("SELECT statement FROM audit.pruned WHERE segment = 1")
    forged = msgspec.json.decode(statement, type=Pruning)
    other = keys.signing(folder / "other")
    signed = replace(forged, signature=other.sign(forged.signed()).hex())
    await owner.execute(
        "UPDATE audit.pruned SET statement = $1 WHERE segment = 1", msgspec.json.encode(signed).decode()
    )
    checkpoints.add_pruning(house.app.checkpoints, signed)
    strange = (await verify(house, owner)).fault

    assert unwritten is not None
    assert strange is not None
    assert (unwritten.kind, strange.kind) == ("pruning", "pruning")


async def test_prune__what_was_altered_is_not_removed(house: House, owner: Any) -> None:
    await mixed(house)
    await owner.execute("UPDATE audit.line SET account = 'x' WHERE account = 'b'")

    with pytest.raises(pruning.NotWhole):
        await prune(house, owner)

    assert await left(owner) == ["a", "x", "c", "d", "e"]


async def test_prune__killed_before_it_was_committed_leaves_all_lines_and_verifies(
    house: House, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mixed(house)

    def killed(folder: Path, one: Any) -> None:
        checkpoints.add_pruning(folder, one)
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(pruning, "add_pruning", killed)
        with pytest.raises(OSError, match="killed"):
            await prune(house, owner)
    assert (await verify(house, owner)).fault is None
    assert len(await left(owner)) == 5

    await prune(house, owner)

    assert (await verify(house, owner)).fault is None
    assert await left(owner) == ["d"]


@pytest.mark.parametrize("table", ["line", "subject", "segment", "pruned"])
async def test_runtime__may_remove_nothing(house: House, table: str) -> None:
    async with house.app.pool.bare() as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute(f"DELETE FROM audit.{table}")


async def test_command__tells_first_and_removes_with_yes(
    house: House, database: Database, folder: Path, owner: Any
) -> None:
    await mixed(house)

    told = await hsba(database, folder, "audit", "prune")
    before = len(await left(owner))
    done = await hsba(database, folder, "audit", "prune", "--yes")
    verified = await hsba(database, folder, "audit", "verify")

    assert told.returncode == done.returncode == verified.returncode == 0, done.stderr
    assert "nothing was" in told.stdout
    assert before == 5
    assert "lines in 2 segments were removed" in done.stdout
    assert "removed when their time was over" in verified.stdout
    assert await owner.fetchval("SELECT count(*) FROM audit.line WHERE interaction = 'audit-prune'") == 1
