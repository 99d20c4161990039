"""Accounts as the operator of the server keeps them: the first one, the demo's, and what `hsba account` and `hsba token` do."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import accounts, passwords, secrets
from hsba.access.accounts import By
from hsba.access.problems import BadAccount
from hsba.access.rights import grants
from hsba.audit.witness import TrailWitness
from hsba.ops.demo.faces import faces
from hsba.record.context import OPERATOR
from hsba.record.tenants import UnknownTenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from asyncpg import Connection

    from hsba.ops.demo.faces import Face

SCOPE = "system/*.cruds"
LOCK = 0x48534143
"""Two first starts at the same moment make one administrator."""


BY = By(TrailWitness())
"""The operator of this server, whose acts are in the trail."""
DEMO_CLIENT = "demo-service"
DEMO_FILE = "demo-password"
DEMO_ROLE = (
    "main-system",
    "Hệ thống chính của bệnh viện (HIS)",
    [
        {
            "may": ["*"],
            "types": ["*"],
            "where": ["label:*"],
            "note": "Hệ thống chính ghi và đọc toàn bộ hồ sơ",
        },
        {
            "may": ["*"],
            "types": ["AuditEvent"],
            "deny": True,
            "note": "Nhật ký chỉ dành cho cán bộ an toàn thông tin",
        },
    ],
)
"""A role of the demo hospital's own, for its service client: name, title, lines."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo tells at its start."""

    password: str
    client_secret: str
    faces: tuple[Face, ...]


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
    at, known = now(), faces()
    hashed = await passwords.hashed(password)  # once: it is meant to be slow
    for one in known:
        async with connected(owner_dsn) as tx:
            with contextlib.suppress(BadAccount):  # it is there from the start before
                await accounts.create(
                    tx,
                    at,
                    one.login,
                    one.kind,
                    one.name,
                    password=password,
                    hashed=hashed,
                    must_change=False,
                    by=BY,
                )
            await give(tx, one.login, [one.role] if one.role else [], person=one.person)
            await accounts.enable(tx, at, one.login, by=BY)
    async with connected(owner_dsn) as tx:
        with contextlib.suppress(BadAccount):
            await accounts.create_client(
                tx, at, DEMO_CLIENT, "Dịch vụ mẫu", scope=SCOPE, secret=secret, by=BY
            )
        for (tenant,) in await tx.fetch("SELECT id FROM record.tenant"):
            await grants.put_role(tx, tenant, OPERATOR, *DEMO_ROLE, witness=BY.witness)
        await give(tx, f"client:{DEMO_CLIENT}", [DEMO_ROLE[0]])
    return Shown(password, secret, known)


async def give(
    tx: Connection,
    account: str,
    roles: Sequence[str],
    *,
    person: tuple[str, str] | None = None,
    tenants: Sequence[int] | None = None,
) -> None:
    """Give roles to an account at its keepers (None is every one there is), and say who it is in the record.

    An account that was given roles at a keeper before keeps those.
    """
    for (tenant,) in await tx.fetch(
        "SELECT id FROM record.tenant t WHERE ($1::integer[] IS NULL OR id = ANY ($1))"
        " AND NOT EXISTS (SELECT FROM record.role_grant g WHERE g.tenant = t.id AND g.account = $2)"
        " AND NOT EXISTS (SELECT FROM access.account a WHERE a.login = $2 AND NOT t.id = ANY (a.tenants))"
        " AND NOT EXISTS (SELECT FROM access.client c WHERE 'client:' || c.name = $2 AND NOT t.id = ANY (c.tenants))",
        None if tenants is None else list(tenants),
        account,
    ):
        for role in roles:
            await grants.grant(tx, tenant, OPERATOR, account, role, witness=BY.witness)
        if person is not None:
            await grants.tell_person(tx, tenant, OPERATOR, account, *person, witness=BY.witness)


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
