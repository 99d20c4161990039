"""Brings a database to the schema of this release: numbered files, forward only, each in its own transaction.

`schema/*.sql` is the truth; a test proves that the sum of `migrations/` is the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncpg import Connection

NAME = re.compile(r"^(\d{4})_(pre|post)_([a-z0-9_]+)\.sql$")
LOCK = 0x48534241
ROLES = ("hsba_owner", "hsba_runtime")


class MigrationRefused(Problem):
    """The database cannot be brought to this release; it stays as it was."""

    vi = "Không nâng được cơ sở dữ liệu lên bản này; dữ liệu giữ nguyên."


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, so that a file changed after it was applied is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this release in order."""
    found = [
        Migration(int(match[1]), file.name, file.read_text("utf-8"))
        for file in (resources.files("hsba.store") / "migrations").iterdir()
        if (match := NAME.match(file.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def schema() -> str:
    """The truth: every schema file in order."""
    files = sorted((resources.files("hsba.store") / "schema").iterdir(), key=lambda file: file.name)
    return "\n".join(file.read_text("utf-8") for file in files if file.name.endswith(".sql"))


async def pending(tx: Connection) -> list[Migration]:
    """The migrations this database still lacks; refuses a database that is newer or was changed."""
    known = {migration.number: migration for migration in migrations()}
    if not await tx.fetchval("SELECT to_regclass('ops.migration') IS NOT NULL"):
        return list(known.values())
    done = {row["number"]: row for row in await tx.fetch("SELECT number, name, digest FROM ops.migration")}
    for number, row in done.items():
        if number not in known:
            raise MigrationRefused(
                f"It has migration {row['name']}, which this release does not know: install the newer release.",
                vi=f"Cơ sở dữ liệu có bước {row['name']} mà bản này chưa biết: hãy cài bản mới hơn.",
            )
        if known[number].digest != row["digest"]:
            raise MigrationRefused(
                f"Migration {row['name']} differs from the one that was applied.",
                vi=f"Bước {row['name']} khác với bước đã chạy.",
            )
    return [migration for number, migration in sorted(known.items()) if number not in done]


async def migrate(tx: Connection, *, note: Callable[[str], None] = lambda _: None) -> list[str]:
    """Apply what is pending, as the owner; returns the names applied. Safe to call from several processes."""
    await tx.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        await tx.execute("SET lock_timeout = '10s'; SET statement_timeout = '0'")
        applied = []
        for migration in await pending(tx):
            note(migration.name)
            async with tx.transaction():
                await tx.execute(migration.sql)
                await tx.execute(
                    "CREATE TABLE IF NOT EXISTS ops.migration ("
                    "number integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL,"
                    " applied timestamptz NOT NULL DEFAULT now());"
                    "GRANT SELECT ON ops.migration TO hsba_runtime"
                )
                await tx.execute(
                    "INSERT INTO ops.migration (number, name, digest) VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.digest,
                )
            applied.append(migration.name)
        return applied
    finally:
        await tx.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def ensure_roles(tx: Connection) -> None:
    """Make the owner and the runtime role where the connected account may; else say what to type."""
    have = {
        row["rolname"]
        for row in await tx.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", list(ROLES))
    }
    missing = [role for role in ROLES if role not in have]
    if not missing:
        return
    if not await tx.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"):
        commands = "; ".join(f"CREATE ROLE {role} LOGIN" for role in missing)
        raise MigrationRefused(
            f"As the database's administrator, run: {commands}",
            vi=f"Người quản trị cơ sở dữ liệu hãy chạy: {commands}",
        )
    for role in missing:
        await tx.execute(f"CREATE ROLE {role} LOGIN")


async def seed(tx: Connection, types: list[str]) -> None:
    """Give every resource type its number and make the partitions of this month and the next three."""
    await tx.execute(
        "INSERT INTO reference.type (name) SELECT t FROM unnest($1::text[]) AS t ON CONFLICT (name) DO NOTHING",
        types,
    )
    await ensure_partitions(tx)


async def ensure_partitions(tx: Connection) -> None:
    """Make the partitions of last month, this month and the next three, so that no write waits for one."""
    await tx.execute(
        "SELECT record.ensure_partition(m.day), audit.ensure_partition(m.day)"
        " FROM generate_series(-1, 3) AS n CROSS JOIN LATERAL (SELECT (now() + make_interval(months => n))::date AS day) m"
    )
