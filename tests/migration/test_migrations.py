"""The sum of the migrations is the schema, and every migration file is well named."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

import asyncpg
import pytest

from hsba.store import migrate

if TYPE_CHECKING:
    from databases import Database

# What makes two databases the same: columns, indexes, constraints, functions, rights and row policies of our schemas.
DESCRIPTION = """
SELECT 'column', table_schema || '.' || table_name || '.' || column_name,
       concat_ws(' ', data_type, is_nullable, column_default, collation_name)
FROM information_schema.columns WHERE table_schema IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'index', schemaname || '.' || indexname, indexdef FROM pg_indexes
WHERE schemaname IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace::regnamespace::text IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace::regnamespace::text IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'type', attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod) FROM pg_attribute
JOIN pg_class c ON c.oid = attrelid WHERE c.relkind = 'c' AND c.relnamespace::regnamespace::text IN ('record', 'audit')
UNION ALL SELECT 'call', oid::regprocedure::text, proacl::text FROM pg_proc
WHERE pronamespace::regnamespace::text IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'right', oid::regclass::text, relacl::text FROM pg_class
WHERE relnamespace::regnamespace::text IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'column right', attrelid::regclass || '.' || attname, attacl::text FROM pg_attribute
JOIN pg_class c ON c.oid = attrelid WHERE attacl IS NOT NULL AND c.relnamespace::regnamespace::text = 'access'
UNION ALL SELECT 'options', oid::regclass::text, concat_ws(' ', reloptions::text, relrowsecurity) FROM pg_class
WHERE relnamespace::regnamespace::text IN ('record', 'reference', 'ops', 'access', 'audit')
UNION ALL SELECT 'policy', schemaname || '.' || tablename || ' ' || policyname, concat_ws(' ', roles::text, cmd, qual)
FROM pg_policies
"""


async def described(dsn: str) -> set[tuple[str, ...]]:
    tx = await asyncpg.connect(dsn)
    try:
        rows = await tx.fetch(DESCRIPTION)
    finally:
        await tx.close()
    return {tuple(row) for row in rows if "migration" not in row[1]}


async def built(dsn: str, sql: str) -> None:
    tx = await asyncpg.connect(dsn)
    try:
        await tx.execute(sql)
    finally:
        await tx.close()


async def test_migrations__sum_is_the_schema(database: Database, empty_database: Database) -> None:
    await built(empty_database.owner_dsn, migrate.schema())

    migrated = {
        one
        for one in await described(database.owner_dsn)
        if not re.search(r"(version|line|subject)_20", one[1])
    }
    truth = await described(empty_database.owner_dsn)

    assert truth - migrated == set()
    assert migrated - truth == set()


def test_migrations__files_are_numbered_without_gap() -> None:
    folder = resources.files("hsba.store") / "migrations"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))

    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert all(migrate.NAME.match(name) for name in names)


async def test_migrate__twice_does_nothing(database: Database) -> None:
    tx = await asyncpg.connect(database.owner_dsn)
    try:
        assert await migrate.migrate(tx) == []
    finally:
        await tx.close()


async def test_migrate__newer_database_is_refused(database: Database) -> None:
    tx = await asyncpg.connect(database.owner_dsn)
    try:
        await tx.execute(
            "INSERT INTO ops.migration (number, name, digest) VALUES (9999, '9999_pre_later.sql', 'x')"
        )

        with pytest.raises(migrate.MigrationRefused, match="9999_pre_later"):
            await migrate.migrate(tx)
    finally:
        await tx.close()


async def test_runtime__may_neither_change_nor_remove_a_version(database: Database) -> None:
    tx = await asyncpg.connect(database.runtime_dsn)
    try:
        for forbidden in (
            "UPDATE record.version SET body = 'x'",
            "DELETE FROM record.version",
            "DELETE FROM record.version_lock",
            "UPDATE record.state_change SET reason = 'x'",
            "CREATE TABLE record.mine (x int)",
            "TRUNCATE record.version",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tx.execute(forbidden)
    finally:
        await tx.close()


async def test_runtime__sees_the_rows_of_its_tenant_only(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(
        "INSERT INTO record.resource (tenant, type, id, vid, recorded)"
        " VALUES (1, 1, 'a', 0, now()), (2, 1, 'b', 0, now())"
    )
    await owner.close()
    tx = await asyncpg.connect(database.runtime_dsn)
    try:
        assert await tx.fetch("SELECT id FROM record.resource") == []

        await tx.execute("SET hsba.tenant = '2'")

        assert [row["id"] for row in await tx.fetch("SELECT id FROM record.resource")] == ["b"]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute(
                "INSERT INTO record.resource (tenant, type, id, vid, recorded) VALUES (1, 1, 'c', 0, now())"
            )
    finally:
        await tx.close()


async def test_saving__words_of_narratives_saved_before_are_found_after(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.migrations()
    tx = await asyncpg.connect(empty_database.owner_dsn)
    try:
        monkeypatch.setattr(migrate, "migrations", lambda: every[:4])
        await migrate.migrate(tx)
        await tx.execute(
            "INSERT INTO reference.type (name) VALUES ('Patient');"
            "INSERT INTO reference.path (type, kind, expression) VALUES (1, 'string', 'Patient.text.div'),"
            " (1, 'string', 'Patient.name');"
            "INSERT INTO record.ix_string (resource, tenant, path, folded, exact) VALUES"
            " (7, 1, 1, 'sot', NULL), (7, 1, 1, 'cao', NULL), (7, 1, 2, 'hoa', 'Hoa'), (8, 1, 1, 'ho', NULL)"
        )
        monkeypatch.setattr(migrate, "migrations", lambda: every)
        await migrate.migrate(tx)

        words = await tx.fetch("SELECT resource, words::text FROM record.ix_text ORDER BY resource")
        left = await tx.fetchval("SELECT count(*) FROM record.ix_string")
    finally:
        await tx.close()

    assert [tuple(row) for row in words] == [(7, "'cao' 'sot'"), (8, "'ho'")]
    assert left == 1
