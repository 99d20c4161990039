"""Nothing is lost when something fails: the target, the network, the worker; and who fails holds up nobody else."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from acceptance.door import patient
from acceptance.subscriptions.conftest import SETTINGS
from acceptance.subscriptions.hook import listening, until
from acceptance.subscriptions.world import becomes, read, subscribed, subscription, working
from hsba import app, config
from hsba.fhir import json
from hsba.ops.hooks import deliver
from hsba.record import interactions
from hsba.record.subscriptions.watch import watch
from hsba.store import deliveries, jobs

if TYPE_CHECKING:
    from acceptance.door import Client
    from acceptance.subscriptions.hook import Target
    from hsba.app import App

JSON = "application/fhir+json"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a few milliseconds, and four tries."""
    monkeypatch.setattr(deliver, "pause", lambda tries: timedelta(milliseconds=20 * tries))
    monkeypatch.setattr(deliver, "TRIES", 4)


async def test_target__that_was_down_is_told_when_it_is_back(
    client: Client, services: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "pause", lambda _: timedelta(milliseconds=50))
    monkeypatch.setattr(deliver, "TRIES", 100_000)
    async with listening() as target:
        port = target.port
    async with working(services):
        await subscribed(client, subscription(target, channel={"payload": JSON}))
        made = await client.made(patient())
        await asyncio.sleep(0.5)
        await client.put(f"/Patient/{made['id']}", {**made, "birthDate": "1999-09-09"})
        async with listening(port) as back:
            await back.until(1)

    assert json.parse(back.told[-1].body)["birthDate"] == "1999-09-09"


async def test_target__that_stays_down_ends_in_error_and_hears_all_when_asked_again(
    client: Client, services: App, hurried: None
) -> None:
    async with listening() as target:
        port = target.port
    async with working(services):
        id_ = await subscribed(client, subscription(target, channel={"payload": JSON}))
        made = await client.made(patient())
        failed = await becomes(client, id_, "error")
        assert "cannot be reached" in failed["error"]
        async with listening(port) as back:
            answer = await client.put(f"/Subscription/{id_}", {**failed, "status": "requested"})
            assert answer.status_code == 200, answer.text
            await back.until(1)
        again = await becomes(client, id_, "active")

    assert back.paths() == [f"/hook/Patient/{made['id']}"]
    assert "error" not in again
    history = (await client.get(f"/Subscription/{id_}/_history")).json()
    assert [one["resource"]["status"] for one in reversed(history["entry"])] == [
        "requested", "active", "error", "requested", "active",
    ]  # fmt: skip


async def test_answer__422_for_one_resource_lets_the_others_pass(
    client: Client, services: App, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(services):
        id_ = await subscribed(client, subscription(target))
        target.status = 422
        await client.made(patient())
        await target.until(1)
        target.status = 200
        await client.made(patient())
        await target.until(2, seconds=10)
        await target.until(3, seconds=10)  # the first one, again, two seconds later

    assert (await read(client, id_))["status"] == "active"


async def test_redirect__is_not_followed(
    client: Client, services: App, target: Target, hurried: None
) -> None:
    async with listening() as elsewhere, working(services):
        id_ = await subscribed(client, subscription(target))
        target.status, target.extra = 307, f"Location: {elsewhere.url}\r\n"
        await client.made(patient())
        failed = await becomes(client, id_, "error")

    assert "307" in failed["error"]
    assert elsewhere.told == []


async def test_slow_targets__hold_up_nobody_else(client: Client, services: App, target: Target) -> None:
    async with working(services), listening() as slow:
        slow.slow = 3600
        for _ in range(3):
            await subscribed(client, subscription(slow))
        await subscribed(client, subscription(target))
        await client.made(patient())
        await slow.until(3)
        await target.until(1)
        await client.made(patient())
        await target.until(2)

        assert len(slow.calls) == len(slow.told) == 3  # none of them was answered or given up in the meantime


async def test_worker__killed_between_match_and_delivery_loses_nothing(
    client: Client, services: App, target: Target
) -> None:
    async with working(services):
        await subscribed(client, subscription(target))
    await client.made(patient())
    await follow(services, 1)  # and dies
    assert target.told == []

    async with working(services):
        await target.until(1)


async def test_worker__killed_in_mid_match_matches_again_and_asks_once(
    client: Client, services: App, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(services):
        await subscribed(client, subscription(target))
    await client.made(patient())
    whole = deliveries.move

    async def cut(*_: Any) -> None:
        raise OSError("the plug was pulled")

    monkeypatch.setattr(deliveries, "move", cut)
    with pytest.raises(OSError, match="plug"):
        await follow(services, 1)
    assert await waiting(services) == (0, 0)
    monkeypatch.setattr(deliveries, "move", whole)
    await follow(services, 1)
    for _ in range(3):
        await watch(services)

    assert await waiting(services) == (1, 1)


async def test_worker__killed_minus_nine_while_it_tells_tells_again(
    client: Client, services: App, database: Any
) -> None:
    async with listening() as target:
        target.slow = 3600
        environ = {**os.environ, **SETTINGS, "DATABASE_URL": database.runtime_dsn}
        command = (sys.executable, "-m", "hsba.worker")
        child = subprocess.Popen(command, env=environ)  # noqa: ASYNC220 - it is killed, not waited for
        try:
            await subscribed(client, subscription(target))
            await client.made(patient())
            await target.until(1)
        finally:
            child.kill()
            child.wait()
        target.slow = 0
        owner = await asyncpg.connect(database.owner_dsn)
        await owner.execute("UPDATE ops.job SET taken = taken - $1::interval", jobs.STALE)
        await owner.close()
        async with working(services):
            await target.until(2)

    assert await waiting(services) == (0, 0)


async def test_workers__two_at_once_tell_everything_once(
    client: Client, services: App, target: Target, database: Any
) -> None:
    settings = config.load(SETTINGS, files=())
    async with (
        app.opened(settings, database.runtime_dsn, size=4) as second,
        working(services),
        working(second),
    ):
        await subscribed(client, subscription(target, channel={"payload": JSON}))
        people = {f"/hook/Patient/{(await client.made(patient()))['id']}" for _ in range(40)}
        await until(lambda: set(target.paths()) == people)

        async def idle() -> bool:
            return await waiting(services) == (0, 0)

        await until(idle)

    assert len(target.told) == 40


async def test_late_committer__is_told_although_a_younger_one_was_first(
    client: Client, services: App, target: Target
) -> None:
    await client.made(patient())  # so that the type has its numbers, which the first writer makes
    async with working(services):
        await subscribed(client, subscription(target, channel={"payload": JSON}))
        async with services.pool.writing(services.tenants.get().id) as tx:
            late = await interactions.create(services.context(tx=tx), patient())
            await client.made(patient(id="early"))
            await asyncio.sleep(0.5)
        await target.until(2)

    assert f"/hook/Patient/{late.stored.id}" in target.paths()


async def test_end__turns_it_off(client: Client, services: App, target: Target) -> None:
    ends = (services.clock.now() + timedelta(seconds=2)).isoformat(timespec="milliseconds")
    async with working(services):
        id_ = await subscribed(client, subscription(target, end=ends))
        await becomes(client, id_, "off")
        await client.made(patient())
        await asyncio.sleep(0.5)

    assert target.told == []


@pytest.mark.parametrize("how", ["off", "deleted"])
async def test_off__stops_it_with_what_was_still_to_be_told(
    client: Client, services: App, target: Target, how: str
) -> None:
    async with working(services):
        id_ = await subscribed(client, subscription(target))
    await client.made(patient())
    await follow(services, 1)
    if how == "off":
        stopped = await client.put(f"/Subscription/{id_}", {**await read(client, id_), "status": "off"})
    else:
        stopped = await client.delete(f"/Subscription/{id_}")
    assert stopped.is_success, stopped.text
    async with working(services):

        async def nothing_left() -> bool:
            return await waiting(services) == (0, 0)

        await until(nothing_left)

    assert target.told == []


async def test_name__that_leads_into_the_machine_is_refused_at_delivery(
    client: Client, services: App, target: Target
) -> None:
    endpoint = f"http://localhost:{target.port}/hook"  # the setting allows a network, so a name may lie in it
    services.rules = type(services.rules)(targets=type(services.rules.targets).of(["10.0.0.0/8"], plain=True))
    async with working(services):
        id_ = await subscribed(client, subscription(endpoint))
        await client.made(patient())
        failed = await becomes(client, id_, "error")

    assert "not public" in failed["error"]
    assert target.told == []


async def follow(services: App, count: int) -> None:
    """Let the follower alone read on until it has read so many versions."""
    found = 0
    async with asyncio.timeout(30):
        while found < count:
            found += await watch(services)
            await asyncio.sleep(0.02)


async def waiting(services: App) -> tuple[int, int]:
    """How much is still to be told, and how many jobs are there to tell it."""
    async with services.pool.reading(services.tenants.get().id) as tx:
        rows = await tx.fetchval("SELECT count(*) FROM record.delivery")
        found = await tx.fetchval("SELECT count(*) FROM ops.job WHERE state IN ('waiting', 'running')")
    return rows, found
