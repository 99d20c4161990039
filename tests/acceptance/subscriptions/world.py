"""What the tests of subscriptions share: the real worker beside the test, and a subscription as a client sends it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from acceptance.subscriptions.hook import until
from hsba import worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acceptance.door import Client, Resource
    from acceptance.subscriptions.hook import Target
    from hsba.app import App


@contextlib.asynccontextmanager
async def working(services: App) -> AsyncIterator[None]:
    """The real worker, beside the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(services, stop))
    try:
        yield
    finally:
        stop.set()
        await task


def subscription(target: Target | str, **members: Any) -> Resource:
    """A subscription to female patients, or to what the test wants."""
    endpoint = target if isinstance(target, str) else target.url
    channel = {"type": "rest-hook", "endpoint": endpoint, **members.pop("channel", {})}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "thử nghiệm",
        "criteria": "Patient?gender=female",
        "channel": {name: value for name, value in channel.items() if value is not None},
        **members,
    }


async def read(client: Client, id_: str) -> Resource:
    """A subscription as the server shows it."""
    found: Resource = (await client.get(f"/Subscription/{id_}")).json()
    return found


async def becomes(client: Client, id_: str, status: str) -> Resource:
    """The subscription, once it has that status."""

    async def there() -> bool:
        return bool((await read(client, id_))["status"] == status)

    await until(there)
    return await read(client, id_)


async def subscribed(client: Client, wanted: Resource) -> str:
    """The id of a subscription that the worker made active."""
    made = await client.made(wanted)
    assert made["status"] == "requested"
    await becomes(client, made["id"], "active")
    id_: str = made["id"]
    return id_
