"""The keepers of records this installation serves: found by the name in the address, or the first one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hsba.fhir.problems import NotFound
from hsba.record.context import Tenant

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from hsba.store.pool import Connection

    Connect = Callable[[], AbstractAsyncContextManager[Connection]]

PRACTICE = frozenset({"demo"})
"""Tenants whose people are made up: each page and print says so."""
AGAIN = 1.0
"""Seconds between two looks for names that were not there: a flood of them costs one small query each."""


class UnknownTenant(NotFound):
    """This installation keeps no records under that name."""

    vi = "Cài đặt này không lưu hồ sơ cho cơ sở mang tên đó."


class Tenants:
    """The tenants by name, as read at start and again when a name is asked for that was not there."""

    def __init__(self) -> None:
        """Know none yet."""
        self._by_slug: dict[str, Tenant] = {}
        self._look_from = 0.0

    async def read(self, tx: Connection) -> None:
        """Read the table anew."""
        rows = await tx.fetch("SELECT id, slug, title, zone FROM record.tenant ORDER BY id")
        self._by_slug = {
            row["slug"]: Tenant(row["id"], row["slug"], row["title"], ZoneInfo(row["zone"])) for row in rows
        }

    def get(self, slug: str | None = None) -> Tenant:
        """The tenant of that name; without a name the first one."""
        if slug is None and self._by_slug:
            return next(iter(self._by_slug.values()))
        if slug is not None and slug in self._by_slug:
            return self._by_slug[slug]
        raise UnknownTenant(slug or "")

    async def find(self, slug: str | None, connect: Connect) -> Tenant:
        """The tenant of that name; one that was added while this process runs is found too."""
        if slug is not None and slug not in self._by_slug and time.monotonic() >= self._look_from:
            self._look_from = time.monotonic() + AGAIN
            async with connect() as tx:
                await self.read(tx)
        return self.get(slug)

    def all(self) -> list[Tenant]:
        """Every tenant, in the order of their numbers."""
        return list(self._by_slug.values())


async def ensure(tx: Connection, slug: str, title: str, *, zone: str = "Asia/Ho_Chi_Minh") -> int:
    """The number of a tenant, made when it is new; its title follows."""
    number: int = await tx.fetchval(
        "INSERT INTO record.tenant (slug, title, zone) VALUES ($1, $2, $3)"
        " ON CONFLICT (slug) DO UPDATE SET title = excluded.title RETURNING id",
        slug,
        title,
        zone,
    )
    return number


async def add_code(tx: Connection, tenant: int, system: str, code: str) -> None:
    """Give a tenant a facility code (mã CSKCB, GLN), valid from now on."""
    await tx.execute(
        "INSERT INTO record.tenant_code (tenant, system, code) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tenant,
        system,
        code,
    )
