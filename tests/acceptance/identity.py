"""A server with real accounts, a clock that a test moves, and a browser as far as HTTP goes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from callers import give_all
from hsba.access import accounts
from hsba.ops import accounts as keeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from hsba.app import App
    from hsba.http.app import Application

LOGIN, PASSWORD = "bs.lan", "Hoa-súng-03-trắng"
OTHER = "Thuyền-8-qua-sông"
PROXY = "10.0.0.9"


@dataclass
class At:
    """The time, as far as log-ins know it."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.time

    def later(self, **of: float) -> None:
        """Let time pass."""
        self.time += timedelta(**of)


@dataclass
class Ward:
    """Everything a test of log-ins needs."""

    http: httpx.AsyncClient
    services: App
    at: At
    owner_dsn: str
    application: Application

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Any]:
        """A connection as the operator of the server has it."""
        tx = await asyncpg.connect(self.owner_dsn)
        try:
            yield tx
        finally:
            await tx.close()

    async def account(
        self, login: str = LOGIN, kind: str = "staff", *, roles: tuple[str, ...] | None = None, **more: Any
    ) -> None:
        """Somebody who may come in with PASSWORD, and may do everything unless roles are named."""
        given = {"password": PASSWORD, "must_change": False, **more}
        async with self.owner() as tx:
            await accounts.create(tx, self.at(), login, kind, "BS. Phạm Thu Lan", **given)
            if roles is None:
                await give_all(tx, login)
            else:
                await keeping.give(tx, login, roles)

    async def token(self, login: str = LOGIN, **lasts: float) -> dict[str, str]:
        """The header with a token of that account."""
        async with self.owner() as tx:
            made = await accounts.token(
                tx, self.at(), account=login, scope="", lasts=timedelta(**(lasts or {"hours": 1}))
            )
        return {"Authorization": f"Bearer {made}"}

    async def log_in(
        self, login: str = LOGIN, password: str = PASSWORD, going: str = "/", **headers: str
    ) -> httpx.Response:
        """Fill in the page and send it."""
        form = {"login": login, "password": password, "next": going}
        return await self.http.post("/login", data=form, headers=headers)

    async def inside(self) -> bool:
        """Whether this browser is let in to a page."""
        return (await self.http.get("/patients")).status_code == 200
