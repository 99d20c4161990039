"""Who subscribed is told, at least once, of what fits and may be seen (FHIR R4 subscription.html)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from acceptance.door import Client, Resource, patient
from acceptance.hook import Target, listening, until
from hsba import app, config, worker
from hsba.record import tenants
from hsba.record.subscriptions import watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App

SETTINGS = {"HSBA_SUBSCRIPTION_TARGETS": "127.0.0.1,dong-doi.localhost", "HSBA_SUBSCRIPTION_HTTP": "yes"}


@pytest_asyncio.fixture
async def services(database: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """The services of a server that may call this machine."""
    monkeypatch.setattr(watch, "QUIET", 0.1)
    monkeypatch.setattr(watch, "TENANTS_EVERY", 0.1)
    monkeypatch.setattr(worker, "PAUSE", 0.05)
    async with app.opened(config.load(SETTINGS, files=()), database.runtime_dsn, size=8) as opened:
        async with opened.pool.bare() as tx:
            await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
            await opened.tenants.read(tx)
        yield opened


@pytest_asyncio.fixture
async def target() -> AsyncIterator[Target]:
    async with listening() as found:
        yield found


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


def subscription(target: Target, **members: Any) -> Resource:
    channel = {"type": "rest-hook", "endpoint": target.url, **members.pop("channel", {})}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "thử nghiệm",
        "criteria": "Patient?gender=female",
        "channel": {name: value for name, value in channel.items() if value is not None},
        **members,
    }


async def status(client: Client, id_: str) -> str:
    found: str = (await client.get(f"/Subscription/{id_}")).json()["status"]
    return found


async def subscribed(client: Client, wanted: Resource) -> str:
    """The id of a subscription that the worker made active."""
    made = await client.made(wanted)
    assert made["status"] == "requested"

    async def active() -> bool:
        return await status(client, made["id"]) == "active"

    await until(active)
    id_: str = made["id"]
    return id_


async def test_subscription__a_match_is_told_by_a_bare_post(
    client: Client, services: App, target: Target
) -> None:
    async with working(services):
        await subscribed(client, subscription(target, channel={"header": ["Authorization: Bearer b-mat"]}))
        await client.made(patient(gender="male"))
        await client.made(patient())
        (told,) = await target.until(1)

    assert (told.method, told.path, told.body) == ("POST", "/hook", b"")
    assert told.headers["authorization"].startswith("Bearer b")
    assert told.headers["host"] == f"127.0.0.1:{target.port}"


@pytest.mark.parametrize(
    "payload, begins",
    [("application/fhir+json", b'{"resourceType":"Patient"'), ("application/fhir+xml", b"<?xml")],
)
async def test_subscription__a_payload_is_put_as_an_update(
    client: Client, services: App, target: Target, payload: str, begins: bytes
) -> None:
    async with working(services):
        await subscribed(client, subscription(target, channel={"payload": payload}))
        made = await client.made(patient())
        (told,) = await target.until(1)

    assert (told.method, told.path) == ("PUT", f"/hook/Patient/{made['id']}")
    assert told.headers["content-type"] == payload
    assert told.body.startswith(begins)
    assert made["id"].encode() in told.body
