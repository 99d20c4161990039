"""A small hospital under its roles: short ways to act by an account in it, and what it keeps."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba.access.rights import grants
from hsba.record import interactions
from hsba.record.context import Actor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.access.rights.policy import RolePolicy
    from hsba.app import App
    from hsba.record.context import Context

Resource = dict[str, Any]
ADMIN = Actor(account="admin")


@dataclass
class Hospital:
    """An opened application with content, and short ways to act in it."""

    app: App
    owner_dsn: str = ""

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Any]:
        """A connection as the operator of the server has it."""
        tx = await asyncpg.connect(self.owner_dsn)
        try:
            yield tx
        finally:
            await tx.close()

    @asynccontextmanager
    async def acting(self, account: str = "operator", role: str | None = None) -> AsyncIterator[Context]:
        """A transaction of an account, its rights as they are now."""
        tenant, actor = self.app.tenants.get(), Actor(account=account, role=role)
        self.app.rights.forget(tenant.id, account)
        await self.app.know(actor, tenant)
        async with self.app.pool.writing(tenant.id) as tx:
            yield self.app.context(tx=tx, tenant=tenant, actor=actor)

    async def policy(self, account: str, role: str | None = None) -> RolePolicy:
        async with self.acting(account, role) as ctx:
            return ctx.policy  # type: ignore[return-value]

    async def save(self, *some: Resource) -> None:
        async with self.acting() as ctx:
            for one in some:
                await interactions.update(ctx, one)

    async def give(self, account: str, role: str, department: str | None = None, **more: Any) -> int:
        async with self.acting() as ctx:
            return await grants.grant(
                ctx.tx, ctx.tenant.id, ADMIN, account, role, department=department, **more
            )

    async def lend(self, account: str, patient: str, **more: Any) -> int:
        """Lend a patient's record for a day."""
        given = {
            "purpose": "TREAT",
            "reason": "Theo đơn số 7",
            "until": datetime.now(UTC) + timedelta(days=1),
            **more,
        }
        async with self.acting() as ctx:
            return (await self.app.lending.lend(ctx, account, patient, **given)).id

    async def is_person(self, account: str, type: str, id: str) -> None:
        async with self.acting() as ctx:
            await grants.tell_person(ctx.tx, ctx.tenant.id, ADMIN, account, type, id)

    async def role(self, name: str, *lines: dict[str, Any]) -> None:
        async with self.acting() as ctx:
            await grants.put_role(ctx.tx, ctx.tenant.id, ADMIN, name, name, list(lines))


def to(type: str, id: str) -> Resource:
    return {"reference": f"{type}/{id}"}


def encounter(id: str, patient: str, department: str, status: str = "in-progress", **more: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": to("Patient", patient),
        "serviceProvider": to("Organization", department),
        **more,
    }


def observation(id: str, patient: str, **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "Mạch"},
        "subject": to("Patient", patient),
        **more,
    }


def post(id: str, practitioner: str, department: str, **more: Any) -> Resource:
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "active": True,
        "practitioner": to("Practitioner", practitioner),
        "organization": to("Organization", department),
        **more,
    }
