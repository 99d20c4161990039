"""AuditEvents over REST: made from the lines, searched by who, what and when, written by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from acceptance.door import patient
from hsba.fhir.query import expression as e
from watch import Policy

if TYPE_CHECKING:
    from acceptance.door import Client

Resource = dict[str, Any]


async def found(client: Client, query: str) -> list[Resource]:
    answer = await client.get(f"/AuditEvent?{query}")
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", ())]


def acts(events: list[Resource]) -> list[str]:
    return [event["subtype"][-1]["code"] for event in events]


async def test_event__is_a_valid_audit_event_and_reads_alike(client: Client) -> None:
    one = await client.made(patient())
    await client.get(f"/Patient/{one['id']}", x_hsba_reason="kiem%20tra")

    (read,) = await found(client, "subtype=read")
    again = await client.get(f"/AuditEvent/{read['id']}")
    checked = await client.post("/AuditEvent/$validate", read)

    assert again.json() == read
    assert not [issue for issue in checked.json()["issue"] if issue["severity"] in ("error", "fatal")], (
        checked.text
    )
    assert read["action"] == "R"
    assert read["outcome"] == "0"
    assert read["agent"][0]["altId"] == "operator"
    assert read["agent"][0]["network"] == {"address": "10.9.8.7", "type": "2"}
    assert read["outcomeDesc"] == "kiem tra"
    assert read["entity"][0]["what"] == {"reference": f"Patient/{one['id']}"}
    assert read["entity"][1]["what"] == {"reference": f"Patient/{one['id']}/_history/1"}


async def test_search__by_patient_account_date_action_subtype_outcome_and_entity(client: Client) -> None:
    one = await client.made(patient())
    other = await client.made(patient())
    await client.get(f"/Patient/{one['id']}")
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "cân nặng"},
        "subject": {"reference": f"Patient/{one['id']}"},
    }
    saved = await client.made(weight)

    assert acts(await found(client, f"patient={one['id']}")) == ["create", "read", "create"]
    assert acts(await found(client, f"patient=Patient/{other['id']}")) == ["create"]
    assert acts(await found(client, f"entity=Observation/{saved['id']}")) == ["create"]
    assert len(await found(client, "action=C")) == 3
    assert acts(await found(client, "subtype=create&altid=operator&_sort=date")) == ["create"] * 3
    assert await found(client, "altid=nobody") == []
    assert await found(client, "outcome=4") == []
    assert await found(client, "date=lt2020-01-01") == []
    assert len(await found(client, "date=gt2020-01-01&subtype=create")) == 3
    compartment = await client.get(f"/Patient/{other['id']}/AuditEvent")
    assert [one["resource"]["action"] for one in compartment.json()["entry"]] == ["C"]


async def test_search__goes_on_page_by_page_with_each_line_once(client: Client) -> None:
    for _ in range(5):
        await client.made(patient())
    seen: list[str] = []
    address = "/AuditEvent?subtype=create&_count=2"
    while address:
        bundle = (await client.get(address)).json()
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        address = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")

    assert len(seen) == len(set(seen)) == 5
    counted = await client.get("/AuditEvent?subtype=create&_summary=count")
    assert counted.json()["total"] == 5


@pytest.mark.parametrize("query", ["site=x", "patient.name=An", "_include=AuditEvent:patient", "_sort=agent"])
async def test_search__what_is_not_answered_is_refused(client: Client, query: str) -> None:
    answer = await client.get(f"/AuditEvent?{query}")

    assert answer.status_code == 400


async def test_event__is_written_by_nobody_and_the_attempt_is_kept(client: Client) -> None:
    await client.made(patient())
    (made,) = await found(client, "subtype=create")
    address = f"/AuditEvent/{made['id']}"
    entry = {"resource": made, "request": {"method": "PUT", "url": f"AuditEvent/{made['id']}"}}

    refused = [
        await client.post("/AuditEvent", made),
        await client.put(address, made),
        await client.patch(address, [{"op": "remove", "path": "/agent"}]),
        await client.delete(address),
        await client.delete("/AuditEvent?action=C"),
        await client.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}),
    ]

    assert [answer.status_code for answer in refused] == [403] * 6
    assert "WrittenByServer" in refused[0].text or "máy chủ" in refused[0].text
    assert len(await found(client, "outcome=4")) == 6
    assert (await client.get(address)).json() == made
    for path in (f"{address}/_history", "/AuditEvent/_history", f"{address}/_history/1"):
        assert (await client.get(path)).status_code == 405


async def test_event__the_policy_applies_and_what_it_cannot_tell_of_a_line_shows_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await client.made(patient())
    (event,) = await found(client, "subtype=create")
    own = e.Match("altid", e.Token(None, "somebody"))
    monkeypatch.setattr(client.services, "policy", Policy({"AuditEvent": own}))
    assert await found(client, "") == []
    assert (await client.get(f"/AuditEvent/{event['id']}")).status_code == 404
    monkeypatch.setattr(client.services, "policy", Policy({"AuditEvent": e.InList("x")}))
    assert (await client.get("/AuditEvent")).status_code == 403
    assert (await client.get(f"http://localhost/patients/{one['id']}/seen")).status_code == 403


async def test_capabilities__state_read_and_search_of_audit_events_alone(client: Client) -> None:
    stated = (await client.get("/metadata")).json()["rest"][0]["resource"]
    (one,) = [resource for resource in stated if resource["type"] == "AuditEvent"]

    assert [interaction["code"] for interaction in one["interaction"]] == ["read", "search-type"]
    assert {parameter["name"] for parameter in one["searchParam"]} >= {"patient", "date", "altid", "outcome"}
    assert "searchInclude" not in one


async def test_everything_and_export__hold_no_audit_events_and_say_so_when_asked(client: Client) -> None:
    one = await client.made(patient())

    everything = (await client.get(f"/Patient/{one['id']}/$everything")).json()
    asked = await client.get(f"/Patient/{one['id']}/$everything?_type=AuditEvent")
    export = await client.get("/$export?_type=AuditEvent", prefer="respond-async")

    assert [entry["resource"]["resourceType"] for entry in everything["entry"]] == ["Patient"]
    assert asked.status_code == 400
    assert export.status_code == 400


async def test_page__who_has_seen_lists_who_when_by_which_door_and_is_linked(client: Client) -> None:
    one = await client.made(patient())
    await client.get(f"/Patient/{one['id']}")
    await client.get("/Patient?name=anh")

    record = await client.get(f"http://localhost/patients/{one['id']}")
    page = await client.get(f"http://localhost/patients/{one['id']}/seen")

    assert f"/patients/{one['id']}/seen" in record.text
    assert page.status_code == 200
    for words in (
        "Ai đã xem hồ sơ",
        "operator",
        "FHIR REST",
        "trang web",
        "10.9.8.7",
        "hiện trong danh sách",
        "điều trị",
    ):
        assert words in page.text, words
    (asked,) = await found(client, "subtype=audit-view")
    assert asked["entity"][0]["what"] == {"reference": f"Patient/{one['id']}"}
