"""What the record does by itself, again and again; `app.py` joins the tables of all rooms and the worker runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.record import idempotency
from hsba.record.work import Chore
from hsba.store import migrate

if TYPE_CHECKING:
    from hsba.record.work import House


async def ensure_partitions(house: House) -> None:
    """Keep the partitions of versions ahead of the months."""
    async with house.pool.bare() as tx:
        await migrate.ensure_partitions(tx)


async def read_tenants(house: House) -> None:
    """See keepers that were added, or changed their title, while this process runs."""
    async with house.pool.bare() as tx:
        await house.tenants.read(tx)


async def forget_answers(house: House) -> None:
    """Forget the answers kept for repeats that nobody will send any more, keeper by keeper."""
    for tenant in house.tenants.all():
        async with house.pool.writing(tenant.id) as tx:
            ctx = house.context(tx=tx, tenant=tenant, channel="worker")
            await idempotency.expire(tx, tenant.id, ctx.clock.now() - ctx.rules.answers_kept)


HOUSEKEEPING: tuple[Chore, ...] = (
    Chore("partitions", ensure_partitions, every=6 * 3600),
    Chore("tenants", read_tenants, every=10),
    Chore("answers", forget_answers, every=3600),
)
