"""Who subscribed is told of what fits and may be seen (FHIR R4 subscription.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from acceptance.door import Client, patient
from acceptance.subscriptions.hook import listening, until
from acceptance.subscriptions.world import becomes, subscribed, subscription, working
from hsba import app
from hsba.fhir import json
from hsba.fhir.query.expression import Everything, Expression, Ids, Not
from hsba.record import interactions, tenants
from hsba.record.context import Actor
from hsba.record.ports import AllowAll
from hsba.record.subscriptions.watch import watch

if TYPE_CHECKING:
    from acceptance.door import Resource
    from acceptance.subscriptions.hook import Target
    from hsba.app import App
    from hsba.record.context import Context

JSON = "application/fhir+json"


async def test_match__is_told_by_a_bare_post(client: Client, services: App, target: Target) -> None:
    async with working(services):
        await subscribed(client, subscription(target, channel={"header": ["Authorization: Bearer abc"]}))
        await client.made(patient(gender="male"))
        await client.made(patient())
        (told,) = await target.until(1)

    assert (told.method, told.path, told.body) == ("POST", "/hook", b"")
    assert told.headers["authorization"] == "Bearer abc"
    assert told.headers["host"] == f"127.0.0.1:{target.port}"


@pytest.mark.parametrize(
    "payload, begins", [(JSON, b'{"resourceType":"Patient"'), ("application/fhir+xml", b"<?xml")]
)
async def test_match__is_put_as_an_update_where_a_payload_is_wanted(
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


async def test_criteria__chains_are_understood(client: Client, services: App, target: Target) -> None:
    anh = await client.made(patient())
    other = await client.made(patient(name=[{"text": "Trần Bình"}]))
    async with working(services):
        await subscribed(
            client,
            subscription(target, criteria="Observation?subject:Patient.name=anh", channel={"payload": JSON}),
        )
        for one in (other, anh):
            await client.made(observation(f"Patient/{one['id']}"))
        (told,) = await target.until(1)

    assert json.parse(told.body)["subject"]["reference"] == f"Patient/{anh['id']}"


async def test_criteria__has_is_understood(client: Client, services: App, target: Target) -> None:
    anh = await client.made(patient())
    other = await client.made(patient())
    await client.made(observation(f"Patient/{anh['id']}"))
    async with working(services):
        await subscribed(
            client, subscription(target, criteria="Patient?_has:Observation:patient:code=8867-4")
        )
        await client.put(f"/Patient/{other['id']}", {**other, "active": False})
        await client.put(f"/Patient/{anh['id']}", {**anh, "active": False})
        await target.until(1)

    assert len(target.told) == 1


def observation(subject: str) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": subject},
    }


async def test_versions__shortly_after_each_other_are_told_once_as_the_newest(
    client: Client, services: App, target: Target
) -> None:
    async with working(services):
        await subscribed(client, subscription(target, channel={"payload": JSON}))
    made = await client.made(patient())
    for year in range(1950, 1960):
        await client.put(f"/Patient/{made['id']}", {**made, "birthDate": f"{year}-01-01"})
    async with working(services):
        await target.until(1)

    # Another database's open transaction may cut the page in two; the newest is told all the same, and not ten times.
    assert {json.parse(one.body)["birthDate"] for one in target.told} == {"1959-01-01"}
    assert len(target.told) <= 2


async def test_state__that_no_longer_fits_is_not_told(client: Client, services: App, target: Target) -> None:
    async with working(services):
        await subscribed(client, subscription(target, channel={"payload": JSON}))
    made = await client.made(patient())
    gone = await client.made(patient())
    await client.put(f"/Patient/{made['id']}", {**made, "gender": "male"})
    await client.delete(f"/Patient/{gone['id']}")
    await client.made(patient(birthDate="2000-01-01"))
    async with working(services):
        await target.until(1)

    assert [json.parse(one.body)["birthDate"] for one in target.told] == ["2000-01-01"]


async def test_subscription__hears_only_of_what_came_after_it(
    client: Client, services: App, target: Target
) -> None:
    await client.made(patient(birthDate="1990-01-01"))
    made = await client.made(subscription(target, channel={"payload": JSON}))
    await client.made(patient(birthDate="1991-01-01"))  # before any worker ran, and after it was asked for
    async with working(services):
        await becomes(client, made["id"], "active")
        await target.until(1)

    assert [json.parse(one.body)["birthDate"] for one in target.told] == ["1991-01-01"]


class Narrow(AllowAll):
    """The patient “secret” is not seen, and telephone numbers are hidden."""

    unrestricted = False

    def visible(self, type: str) -> Expression:
        return Not(Ids(("secret",))) if type == "Patient" else Everything()

    def hidden(self, type: str) -> frozenset[str]:
        return frozenset({"Patient.telecom"}) if type == "Patient" else frozenset()


async def test_rights__of_the_maker_decide_what_is_told(
    client: Client, services: App, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        app.App, "policy_for", lambda _, actor, tenant: Narrow() if actor.account == "lis" else AllowAll()
    )
    async with services.pool.writing(services.tenants.get().id) as tx:
        ctx: Context = services.context(tx=tx, actor=Actor(account="lis"))
        made = await interactions.create(ctx, subscription(target, channel={"payload": JSON}))
    phone: list[Any] = [{"system": "phone", "value": "0900000000"}]
    async with working(services):
        await becomes(client, made.stored.id, "active")
        for id_ in ("secret", "open"):
            await client.put(f"/Patient/{id_}", {**patient(telecom=phone), "id": id_})
        await target.until(1)
        await client.put("/Patient/last", {**patient(), "id": "last"})
        await target.until(2)

    assert target.paths() == ["/hook/Patient/open", "/hook/Patient/last"]
    assert b"0900000000" not in target.told[0].body


async def test_tenants__hear_nothing_of_each_other(client: Client, services: App, target: Target) -> None:
    async with working(services), listening() as other:
        await subscribed(client, subscription(target, channel={"payload": JSON}))
        async with services.pool.bare() as tx:  # a keeper that joins while the worker runs
            await tenants.ensure(tx, "tram-moi", "Trạm Y tế Mới")
        await until(lambda: "tram-moi" in [one.slug for one in services.tenants.all()])
        transport = httpx.ASGITransport(client.application)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost/t/tram-moi/fhir"
        ) as http:
            station = Client(http, client.application, services)
            await subscribed(station, subscription(other, channel={"payload": JSON}))
            there = await station.made(patient())
        here = await client.made(patient())
        await target.until(1)
        await other.until(1)

    assert target.paths() == [f"/hook/Patient/{here['id']}"]
    assert other.paths() == [f"/hook/Patient/{there['id']}"]


async def test_follower__without_subscriptions_writes_nothing(client: Client, services: App) -> None:
    for _ in range(3):
        await client.made(patient())
        assert await watch(services) == 0

    async with services.pool.bare() as tx:
        assert await tx.fetchval("SELECT count(*) FROM ops.feed_cursor") == 0
        assert await tx.fetchval("SELECT count(*) FROM ops.job") == 0


async def test_delivery__of_many_leaves_nothing_behind(client: Client, services: App, target: Target) -> None:
    async with working(services):
        await subscribed(client, subscription(target, channel={"payload": JSON}))
        people = {(await client.made(patient()))["id"] for _ in range(60)}
        await until(lambda: {path.rpartition("/")[2] for path in target.paths()} == people)

        async def idle() -> bool:
            async with services.pool.reading(services.tenants.get().id) as tx:
                left = await tx.fetchval("SELECT count(*) FROM record.delivery")
                return bool(left + await tx.fetchval("SELECT count(*) FROM ops.job") == 0)

        await until(idle)

    assert len(target.told) == 60
