"""A Subscription in force: whose rights it acts with, what it asks for, and the states only the server gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.record.context import SERVER, Actor
from hsba.record.saving import Pending, save
from hsba.record.subscriptions import check
from hsba.store import deliveries, resources

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.fhir.query.expression import Expression
    from hsba.record.context import Context, Tenant
    from hsba.record.work import House
    from hsba.store.deliveries import Held
    from hsba.store.pool import Connection

Resource = dict[str, Any]
TYPE = "Subscription"
IN_FORCE = ("requested", "active")
"""What takes part in the feed: one that was asked for does so from that version on."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a subscription asks for, ready to be matched, and the account whose rights it has."""

    key: int
    id: str
    vid: int
    status: str
    type: str
    where: Expression
    owner: Actor
    ends: datetime | None
    content: Resource

    @property
    def payload(self) -> str | None:
        """The media type in which the resource is sent along; None for a bare notification."""
        found: str | None = self.content["channel"].get("payload")
        return found

    @property
    def endpoint(self) -> str:
        """Where it points."""
        return str(self.content["channel"].get("endpoint", ""))


def status(held: Held) -> str:
    """The state of a Subscription; `off` for one that was deleted."""
    if held.body is None:
        return "off"
    return str(json.stored(held.body).get("status", "off"))


def owner(held: Held) -> Actor:
    """Whose rights it has: whoever saved it last, for he decided what is asked and where it goes."""
    return Actor(account=held.account or "", role=held.role, on_behalf_of=held.on_behalf_of)


def read(ctx: Context, held: Held) -> Watched:
    """What a Subscription asks for; raises a Problem where this release no longer understands it."""
    content = json.stored(held.body or "")
    type_, where = check.criteria(ctx, str(content.get("criteria", "")))
    ends = check.end(ctx, content)
    return Watched(held.key, held.id, held.vid, content["status"], type_, where, owner(held), ends, content)


def as_owner(house: House, tx: Connection, tenant: Tenant, owner: Actor) -> Context:
    """A context with the rights of whoever saved the subscription."""
    return house.context(tx=tx, tenant=tenant, actor=owner, channel=deliveries.KIND)


def as_server(house: House, tx: Connection, tenant: Tenant) -> Context:
    """A context for the versions that the server itself makes; their channel tells them from a client's."""
    return house.context(tx=tx, tenant=tenant, actor=SERVER, channel=deliveries.KIND, purpose="HOPERAT")


async def change(
    ctx: Context, id: str, to: str, *, of: tuple[str, ...], vid: int | None = None, error: str | None = None
) -> bool:
    """Make a version with another status, if the Subscription still has one of those (and is still that version).

    A client may have changed it in the meantime; then his word stands, and this answers False.
    """
    current = await resources.current(ctx.tx, ctx.tenant.id, ctx.registry.type_id(TYPE), id, lock=True)
    if current is None or current.body is None or vid not in (None, current.vid):
        return False
    before = json.stored(current.body)
    if before.get("status") not in of:
        return False
    after = {name: value for name, value in before.items() if name not in ("error", "_error")}
    after["status"] = to
    if error is not None:
        after["error"] = error
    await save(ctx, [Pending("U", TYPE, id, after, current, before=before)])
    return True
