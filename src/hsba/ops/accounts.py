"""Accounts as the operator of the server keeps them: the first one, the demo's, and what `hsba account` and `hsba token` do."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import accounts, secrets
from hsba.access.accounts import By
from hsba.access.problems import BadAccount
from hsba.audit.witness import TrailWitness
from hsba.record.tenants import UnknownTenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from asyncpg import Connection

SCOPE = "system/*.cruds"
LOCK = 0x48534143
"""Two first starts at the same moment make one administrator."""


@dataclass(frozen=True, slots=True)
class Invented:
    """An account of the demo hospital; the person does not exist."""

    login: str
    kind: str
    name: str
    roles: tuple[str, ...] = ()


DEMO = (
    Invented("bacsi", "staff", "BS. Lê Minh An", ("doctor",)),
    Invented("dieuduong", "staff", "ĐD. Phạm Thu Hà", ("nurse",)),
    Invented("quantri", "administrator", "Vũ Quốc Bình"),
    Invented("anninh", "security", "Đỗ Hải Yến"),
    Invented("kythuat", "technical", "Hoàng Đức Long"),
    Invented("ketnoi", "service", "Kết nối HIS"),
    Invented("nguoibenh", "patient", "Trần Thị Mai"),
)
BY = By(TrailWitness())
"""The operator of this server, whose acts are in the trail."""
DEMO_CLIENT = "demo-service"
DEMO_FILE = "demo-password"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo tells at its start."""

    password: str
    client_secret: str


@asynccontextmanager
async def connected(owner_dsn: str) -> AsyncIterator[Connection]:
    """A connection that may make accounts; everything in the block is one transaction."""
    tx = await asyncpg.connect(owner_dsn)
    try:
        async with tx.transaction():
            yield tx
    finally:
        await tx.close()


async def first(owner_dsn: str) -> str | None:
    """The first administrator's password, where this start made one."""
    async with connected(owner_dsn) as tx:
        await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        return await accounts.first(tx, now(), by=BY)


async def furnish_demo(owner_dsn: str, folder: Path) -> Shown:
    """Make the demo's accounts, or open them again; they share a password made for this demo alone."""
    file = folder / DEMO_FILE
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"{secrets.password()}\n{secrets.made()}\n")
    password, secret = file.read_text().split()
    at = now()
    for one in DEMO:
        async with connected(owner_dsn) as tx:
            with contextlib.suppress(BadAccount):  # it is there from the start before
                await accounts.create(
                    tx,
                    at,
                    one.login,
                    one.kind,
                    one.name,
                    password=password,
                    roles=one.roles,
                    must_change=False,
                    by=BY,
                )
            await accounts.enable(tx, at, one.login, by=BY)
    async with connected(owner_dsn) as tx:
        with contextlib.suppress(BadAccount):
            await accounts.create_client(
                tx, at, DEMO_CLIENT, "Dịch vụ mẫu", scope=SCOPE, secret=secret, by=BY
            )
    return Shown(password, secret)


async def tenants(tx: Connection, slugs: Sequence[str], *, every: bool = False) -> list[int] | None:
    """The numbers of the keepers named, or of the first one; None for every one there is and will be."""
    if every:
        return None
    rows = await tx.fetch("SELECT id, slug FROM record.tenant ORDER BY id")
    known = {row["slug"]: row["id"] for row in rows}
    for slug in slugs:
        if slug not in known:
            raise UnknownTenant(slug)
    return [known[slug] for slug in slugs] or list(known.values())[:1]


def now() -> datetime:
    """The time that is written."""
    return datetime.now(UTC)
