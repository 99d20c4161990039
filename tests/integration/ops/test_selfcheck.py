from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import asyncpg
import pytest

from hsba.ops import selfcheck
from hsba.ops.selfcheck import Finding, Machine

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Database


def machine(data: Path, *, port: int = 1) -> Machine:
    return Machine(data, "localhost", port, external=False)


async def examine(dsn: str, before: str = "") -> dict[str, Finding]:
    tx = await asyncpg.connect(dsn)
    try:
        if before:
            await tx.execute(before)
        return {finding.subject.en: finding async for finding in selfcheck.database(tx)}
    finally:
        await tx.close()


async def test_database__fresh_one_has_no_error(database: Database) -> None:
    found = await examine(database.owner_dsn)

    wrong = [
        finding
        for finding in found.values()
        if finding.level == "error" and finding.subject.en != "Durability"
    ]
    assert wrong == []
    assert found["References"].level == "ok"


async def test_database__without_schema_says_what_to_run(empty_database: Database) -> None:
    found = await examine(empty_database.owner_dsn)

    assert found["Migrations"].level == "error"
    assert "hsba migrate" in found["Migrations"].todo.vi
    assert "References" not in found


async def test_database__reference_to_nothing_is_counted_by_type(database: Database) -> None:
    found = await examine(
        database.owner_dsn,
        "INSERT INTO record.tenant (id, slug, title) VALUES (77, 'x', 'x');"
        "INSERT INTO record.resource (tenant, type, id, vid, recorded)"
        " SELECT 77, id, 'gone', 0, now() FROM reference.type WHERE name = 'Patient';"
        "INSERT INTO record.ix_reference (resource, target, tenant, path)"
        " SELECT 1, key, 77, 1 FROM record.resource WHERE tenant = 77",
    )

    assert found["References"].level == "warning"
    assert "Patient 1" in found["References"].found.en


async def test_database__too_strong_runtime_role_is_an_error(database: Database) -> None:
    found = await examine(database.owner_dsn, "GRANT CREATE ON SCHEMA record TO hsba_runtime")

    assert found["Roles"].level == "error"


async def test_database__lost_durability_is_an_error(database: Database) -> None:
    found = await examine(database.owner_dsn, "SET synchronous_commit = off")

    assert found["Durability"].level == "error"
    assert "synchronous_commit = off" in found["Durability"].found.en


def test_port__taken_by_something_else_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        (finding,) = selfcheck.port(machine(tmp_path, port=taken.getsockname()[1]))

    assert finding.level == "error"


def test_folder__open_to_others_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir(mode=0o755)

    (finding,) = selfcheck.folder(machine(tmp_path))

    assert finding.level == "error"
    assert "chmod" in finding.todo.en


@pytest.mark.parametrize("check", selfcheck.MACHINE, ids=lambda check: check.__name__)
def test_machine__every_finding_is_in_both_languages(check, tmp_path: Path) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    for finding in check(machine(tmp_path)):
        assert finding.subject.vi
        assert finding.found.vi
        assert bool(finding.todo.vi) == bool(finding.todo.en) == (finding.level != "ok")
