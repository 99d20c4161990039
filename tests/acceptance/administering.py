"""An administrator's browser as far as HTTP goes, and a witness that remembers what it was told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hsba.http.web.pages import admin
from hsba.record import interactions

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward
    from hsba.access.ports import Happening
    from hsba.store.pool import Connection

PASSWORD = re.compile(r'code secret">((?:[A-Za-z2-9]{4}[-+=#]){3}[A-Za-z2-9]{4})<')


def addresses(method: str) -> list[str]:
    """The address of every page of the room that answers to a method."""
    return sorted(
        route.path.replace("{id:int}", "1").replace("{number:int}", "1").replace("{name}", "nurse")
        for route in admin.ROUTES
        if method in (route.methods or ())
    )


@dataclass
class Told:
    """A witness that remembers."""

    happenings: list[Happening] = field(default_factory=list)

    async def tell(self, tx: Connection, happening: Happening) -> None:
        self.happenings.append(happening)

    @property
    def words(self) -> list[str]:
        return [("✗ " if one.refused else "") + one.act for one in self.happenings]


@dataclass
class Room:
    """An administrator's browser, and what his witness was told."""

    ward: Ward
    told: Told

    @property
    def http(self) -> httpx.AsyncClient:
        return self.ward.http

    @property
    def tenant(self) -> int:
        return self.ward.services.tenants.get().id

    async def number(self, login: str) -> int | None:
        async with self.ward.owner() as tx:
            found: int | None = await tx.fetchval("SELECT id FROM access.account WHERE login = $1", login)
            return found

    async def column(self, login: str, column: str) -> Any:
        async with self.ward.owner() as tx:
            return await tx.fetchval(f"SELECT {column} FROM access.account WHERE login = $1", login)

    async def post(self, path: str, **form: Any) -> httpx.Response:
        return await self.http.post("/admin" + path, data=form)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get("/admin" + path)


async def furnished(ward: Ward) -> Room:
    """The administrator quan.tri is logged in; there is bs.lan besides, the department noi and somebody of the staff."""
    told = Told()
    ward.services.identity.witness = told
    await ward.account("quan.tri", "administrator", roles=())
    await ward.account("bs.lan", roles=())
    async with ward.services.pool.writing(ward.services.tenants.get().id) as tx:
        ctx = ward.services.context(tx=tx)
        await interactions.update(ctx, {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"})
        name = [{"text": "Phạm Thu Lan", "family": "Phạm", "given": ["Thu", "Lan"]}]
        await interactions.update(ctx, {"resourceType": "Practitioner", "id": "lan", "name": name})
    await ward.log_in("quan.tri")
    told.happenings.clear()
    return Room(ward, told)
