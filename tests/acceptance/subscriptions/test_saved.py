"""What may be saved as a subscription, and what is refused with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acceptance.subscriptions.world import subscription

if TYPE_CHECKING:
    from acceptance.door import Client

URL = "https://lis.example.vn/hook"


@pytest.mark.parametrize(
    "members, where",
    [
        ({"criteria": "Patients?gender=female"}, "criteria"),
        ({"criteria": "?gender=female"}, "criteria"),
        ({"criteria": "Patient?gendre=female"}, "criteria"),
        ({"criteria": "Patient?gender:near=female"}, "criteria"),
        ({"criteria": "Patient?birthdate=hôm nay"}, "criteria"),
        ({"criteria": "Patient?gender=female&_sort=name"}, "criteria"),
        ({"criteria": "Patient?_count=5"}, "criteria"),
        ({"criteria": "Observation?_include=Observation:subject"}, "criteria"),
        ({"criteria": "Patient?_has:Observation:patient=1"}, "criteria"),
        ({"status": "active"}, "status"),
        ({"status": "error", "error": "x"}, "status"),
        ({"end": "2020-01-01T00:00:00Z"}, "end"),
        ({"channel": {"type": "websocket"}}, "channel.type"),
        ({"channel": {"type": "email"}}, "channel.type"),
        ({"channel": {"payload": "application/json"}}, "channel.payload"),
        ({"channel": {"payload": "text/plain"}}, "channel.payload"),
        ({"channel": {"endpoint": None}}, "channel.endpoint"),
        ({"channel": {"endpoint": "https://169.254.169.254/latest"}}, "channel.endpoint"),
        ({"channel": {"header": ["X-A: b\r\nX-C: d"]}}, "channel.header"),
        ({"channel": {"header": ["X-A: b\nX-C: d"]}}, "channel.header"),
        ({"channel": {"header": ["X-A: b", "Host: evil.example"]}}, "channel.header"),
        ({"channel": {"header": ["content-length: 3"]}}, "channel.header"),
        ({"channel": {"header": ["Transfer-Encoding: chunked"]}}, "channel.header"),
        ({"channel": {"header": ["no colon"]}}, "channel.header"),
        ({"channel": {"header": ["X A: b"]}}, "channel.header"),
        ({"channel": {"header": [f"X-{n}: b" for n in range(21)]}}, "channel.header"),
    ],
)
async def test_save__what_this_server_would_not_do_is_refused_with_the_place(
    client: Client, members: dict[str, Any], where: str
) -> None:
    answer = await client.post("/Subscription", subscription(URL, **members))

    assert answer.status_code == 422, answer.text
    places = [place for issue in answer.json()["issue"] for place in issue.get("expression", [])]
    assert any(place.startswith(f"Subscription.{where}") for place in places), answer.text


@pytest.mark.parametrize(
    "members",
    [
        {"criteria": "Patient"},
        {"criteria": "Observation?subject:Patient.name=anh&code=http://loinc.org|8867-4"},
        {"channel": {"header": ["Authorization: Bearer a.b-c", "X-Empty-Not: 1"]}},
        {"channel": {"payload": "application/fhir+xml"}},
        {"channel": {"endpoint": "https://lis.example.vn:443/hook?key=1"}},
        {"end": "2999-01-01T00:00:00Z"},
    ],
)
async def test_save__what_it_does_is_taken(client: Client, members: dict[str, Any]) -> None:
    answer = await client.post("/Subscription", subscription(URL, **members))

    assert answer.status_code == 201, answer.text


async def test_save__every_door_asks_the_same(client: Client) -> None:
    bad = subscription(URL, criteria="Patient?_sort=name")
    entry = {"resource": bad, "request": {"method": "POST", "url": "Subscription"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    made = await client.made(subscription(URL))

    assert (await client.post("/", bundle)).status_code == 422
    assert (await client.put("/Subscription/x", {**bad, "id": "x"})).status_code == 422
    change = [{"op": "replace", "path": "/criteria", "value": "Patient?_sort=name"}]
    assert (await client.patch(f"/Subscription/{made['id']}", change)).status_code == 422


async def test_save__off_is_always_taken(client: Client) -> None:
    made = await client.made(subscription(URL))

    answer = await client.put(
        f"/Subscription/{made['id']}", {**made, "status": "off", "criteria": "Patient?gendre=1"}
    )

    assert answer.status_code == 200, answer.text


async def test_capabilities__say_what_a_subscription_can_be(client: Client) -> None:
    stated = (await client.get("/metadata")).json()["rest"][0]["resource"]

    (found,) = [one for one in stated if one["type"] == "Subscription"]
    assert "rest-hook" in found["documentation"]
