"""What subscriptions have still to tell, and the states a Subscription went through.

A row of `record.delivery` is about one resource and one subscription, however many versions matched: who tells it reads
what is current then.  One job of the queue tells all rows of one subscription, so a target that is down holds up no
other and is asked again after the queue's growing pause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.store import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from hsba.store.pool import Connection

KIND = "subscription"
"""The kind of the jobs that tell, and the channel of the versions that the server makes of a Subscription."""


@dataclass(frozen=True, slots=True)
class Held:
    """A Subscription as it stood at a point of the feed, and who saved it last, the server itself left aside."""

    key: int
    id: str
    vid: int
    body: str | None
    account: str | None
    role: str | None
    on_behalf_of: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """Something to tell: a resource, the newest version that matched, and how often it was tried."""

    resource: int
    type: int
    id: str
    vid: int
    tries: int


_HELD = """
SELECT v.resource, r.id, v.vid, v.body, a.account, a.role, a.on_behalf_of
FROM (SELECT DISTINCT ON (x.resource) x.resource, x.vid, x.body FROM record.version x
      WHERE x.tenant = $1 AND x.type = $2 AND x.xid <= $3::text::xid8{one} ORDER BY x.resource, x.vid DESC) v
JOIN record.resource r ON r.tenant = $1 AND r.key = v.resource
LEFT JOIN LATERAL (SELECT s.account, s.role, s.on_behalf_of FROM record.version s
                   WHERE s.tenant = $1 AND s.resource = v.resource AND s.vid <= v.vid AND s.channel <> 'subscription'
                   ORDER BY s.vid DESC LIMIT 1) a ON true
ORDER BY v.resource
"""


async def held(tx: Connection, tenant: int, type: int, at: int) -> list[Held]:
    """Every Subscription as it stood after a transaction of the feed; deleted ones have no body."""
    rows = await tx.fetch(_HELD.format(one=""), tenant, type, str(at))
    return [Held(*row) for row in rows]


async def held_now(tx: Connection, tenant: int, type: int, key: int) -> Held | None:
    """A Subscription as it stands now."""
    rows = await tx.fetch(_HELD.format(one=" AND x.resource = $4"), tenant, type, str(2**63), key)
    return Held(*rows[0]) if rows else None


async def changed(tx: Connection, tenant: int, type: int, after: int, end: int) -> bool:
    """Whether a Subscription was saved between two places of the feed."""
    there: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM record.version WHERE tenant = $1 AND type = $2"
        " AND xid > $3::text::xid8 AND xid < $4::text::xid8)",
        tenant,
        type,
        str(after),
        str(end),
    )
    return there


# --- the follower's place ----------------------------------------------------------------------------------


async def alone(tx: Connection, name: str) -> bool:
    """Whether this transaction is the only follower of that name; it takes no transaction number by asking."""
    taken: bool = await tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 4))", name)
    return taken


async def place(tx: Connection, name: str) -> int:
    """How far a follower has read."""
    return int(await tx.fetchval("SELECT xid::text FROM ops.feed_cursor WHERE name = $1", name) or 0)


async def move(tx: Connection, name: str, xid: int) -> None:
    """Keep how far a follower has read."""
    await tx.execute(
        "INSERT INTO ops.feed_cursor (name, xid) VALUES ($1, $2::text::xid8)"
        " ON CONFLICT (name) DO UPDATE SET xid = excluded.xid",
        name,
        str(xid),
    )


# --- what is to be told ------------------------------------------------------------------------------------


async def ask(tx: Connection, tenant: int, subscription: int, versions: Mapping[int, int]) -> None:
    """Have the current state of some resources told: key and version of each; committed with the follower's place."""
    keys = sorted(versions)
    await tx.execute(
        "INSERT INTO record.delivery AS d (tenant, subscription, resource, vid)"
        " SELECT $1, $2, key, vid FROM unnest($3::bigint[], $4::integer[]) AS t(key, vid) ORDER BY key"
        " ON CONFLICT (tenant, subscription, resource) DO UPDATE SET vid = greatest(d.vid, excluded.vid)",
        tenant,
        subscription,
        keys,
        [versions[key] for key in keys],
    )
    await wake(tx, tenant, subscription)


async def wake(tx: Connection, tenant: int, subscription: int) -> None:
    """See that there is a job for this subscription; one that waits for its target to come back goes on waiting.

    The job's row is locked, so that one that is just ending either sees the new rows or is seen to be over.
    """
    row = await tx.fetchrow(
        "SELECT id, state, progress ? 'unreached' AS paused FROM ops.job"
        " WHERE kind = 'subscription' AND tenant = $1 AND detail ->> 'subscription' = $2"
        " AND state IN ('waiting', 'running') FOR UPDATE",
        tenant,
        str(subscription),
    )
    if row is None:
        await jobs.enqueue(tx, KIND, {"subscription": str(subscription)}, tenant=tenant)
    elif row["state"] == "waiting" and not row["paused"]:
        await tx.execute("UPDATE ops.job SET due = least(due, now()) WHERE id = $1", row["id"])


async def next_rows(tx: Connection, tenant: int, subscription: int, limit: int) -> list[Row]:
    """What is due to be told, the longest due first."""
    rows = await tx.fetch(
        "SELECT d.resource, r.type, r.id, d.vid, d.tries FROM record.delivery d"
        " JOIN record.resource r ON r.tenant = d.tenant AND r.key = d.resource"
        " WHERE d.tenant = $1 AND d.subscription = $2 AND d.due <= now() ORDER BY d.due LIMIT $3",
        tenant,
        subscription,
        limit,
    )
    return [Row(*row) for row in rows]


async def told(tx: Connection, tenant: int, subscription: int, resource: int, vid: int) -> None:
    """Take a row away, unless a newer version matched in the meantime."""
    await tx.execute(
        "DELETE FROM record.delivery WHERE tenant = $1 AND subscription = $2 AND resource = $3 AND vid <= $4",
        tenant,
        subscription,
        resource,
        vid,
    )


async def refused(tx: Connection, tenant: int, subscription: int, resource: int, pause: timedelta) -> None:
    """Try a row again after a pause: its target was there and did not take it."""
    await tx.execute(
        "UPDATE record.delivery SET tries = tries + 1, due = now() + $4"
        " WHERE tenant = $1 AND subscription = $2 AND resource = $3",
        tenant,
        subscription,
        resource,
        pause,
    )


async def drop(tx: Connection, tenant: int, subscriptions: list[int]) -> None:
    """Forget what some subscriptions had still to tell: they were turned off or deleted."""
    await tx.execute(
        "DELETE FROM record.delivery WHERE tenant = $1 AND subscription = ANY($2)", tenant, subscriptions
    )


async def again(tx: Connection, tenant: int, subscription: int) -> None:
    """Start afresh with what was not told before the subscription was asked for again."""
    await tx.execute(
        "SELECT FROM record.delivery WHERE tenant = $1 AND subscription = $2 ORDER BY resource FOR UPDATE",
        tenant,
        subscription,
    )
    left = await tx.execute(
        "UPDATE record.delivery SET tries = 0, due = now() WHERE tenant = $1 AND subscription = $2",
        tenant,
        subscription,
    )
    if left != "UPDATE 0":
        await tx.execute(
            "UPDATE ops.job SET progress = '{}' WHERE kind = 'subscription' AND tenant = $1"
            " AND detail ->> 'subscription' = $2 AND state = 'waiting'",
            tenant,
            str(subscription),
        )
        await wake(tx, tenant, subscription)


async def hold(tx: Connection, job: int) -> bool:
    """Lock a job that we are doing until this transaction ends; False when it was taken from us."""
    return bool(
        await tx.fetchval("SELECT true FROM ops.job WHERE id = $1 AND state = 'running' FOR UPDATE", job)
    )


async def wait(tx: Connection, tenant: int, subscription: int) -> timedelta | None:
    """How long until something is due to be told, nothing or less when it is; None when there is nothing."""
    found: timedelta | None = await tx.fetchval(
        "SELECT min(due) - clock_timestamp() FROM record.delivery WHERE tenant = $1 AND subscription = $2",
        tenant,
        subscription,
    )
    return found


async def end(tx: Connection, job: int) -> None:
    """Take a job out of the queue: of what was told nothing remains to be known."""
    await tx.execute("DELETE FROM ops.job WHERE id = $1", job)
