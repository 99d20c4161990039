"""Visits through the real door, without script: opened, queued, called, put to bed, moved, called back, discharged."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from acceptance.places import furnish

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

ENCOUNTER = re.compile(r"/(?:visits|encounters)/([0-9a-f-]{36})")


async def at(ward: Ward, *roles: str) -> None:
    """Somebody in a furnished house, logged in; without roles he may do everything."""
    await ward.account(roles=roles or None)
    await furnish(ward)
    await ward.log_in()


async def open_visit(ward: Ward, patient: str, place: str, **more: str) -> str:
    answer = await ward.http.post(
        f"/patients/{patient}/visits/new", data={"_key": str(uuid4()), "place": place, "reason": "Ho", **more}
    )
    assert answer.status_code == 303, answer.text
    found = ENCOUNTER.search(answer.headers["location"])
    assert found
    return found[1]


async def ask(ward: Ward, page: str, act: str, **more: str) -> httpx.Response:
    return await ward.http.post(page, data={"act": act, **more})


async def encounter(ward: Ward, id_: str) -> Any:
    headers = {"Accept": "application/fhir+json", **await ward.token()}
    return (await ward.http.get(f"/fhir/Encounter/{id_}", headers=headers)).json()


async def part(ward: Ward, whole: str, department: str) -> Any:
    headers = {"Accept": "application/fhir+json", **await ward.token()}
    address = f"/fhir/Encounter?part-of={whole}&service-provider=Organization/{department}"
    found = (await ward.http.get(address, headers=headers)).json()
    return found["entry"][0]["resource"]


async def test_visit__is_opened_with_a_number_called_written_on_and_ended(ward: Ward) -> None:
    await at(ward)
    first, second = await open_visit(ward, "p1", "room:pk1"), await open_visit(ward, "p2", "room:pk1")
    slip = (await ward.http.get(f"/patients/p2/visits/{second}/slip")).text
    assert re.search(r'class="turn">2<', slip)

    await ask(ward, "/queue/pk1", "next")

    called = await encounter(ward, first)
    assert called["status"] == "in-progress"
    assert called["location"][0]["status"] == "active"
    assert (await ward.http.get(f"/patients/p1/encounters/{first}/sheets")).status_code == 200
    page = (await ward.http.get("/queue/pk1")).text
    assert page.index("THỬ") < page.index("Đang chờ") < page.index("MẪU")
    assert "chờ 0 phút" in page
    assert "1 đang chờ" in (await ward.http.get("/queue")).text
    await ask(ward, "/queue/pk1", "finish", encounter=first)
    ended = await encounter(ward, first)
    assert ended["status"] == "finished"
    assert ended["period"]["end"]


async def test_queue__who_goes_first_is_called_first(ward: Ward) -> None:
    await at(ward)
    await open_visit(ward, "p1", "room:pk1")
    hurried = await open_visit(ward, "p2", "room:pk1", first="1")

    await ask(ward, "/queue/pk1", "next")

    assert (await encounter(ward, hurried))["status"] == "in-progress"


async def test_queue__nobody_waiting_changes_nothing(ward: Ward) -> None:
    await at(ward)

    answer = await ask(ward, "/queue/pk1", "next")

    assert answer.status_code == 303


async def test_visit__sent_twice_is_one(ward: Ward) -> None:
    await at(ward)
    key = str(uuid4())

    assert await open_visit(ward, "p1", "room:pk1", _key=key) == await open_visit(
        ward, "p1", "room:pk1", _key=key
    )


@pytest.mark.parametrize(
    "form",
    [
        {"place": ""}, {"place": "room:"}, {"place": "room:nirgends"}, {"place": "ward:nirgends"}, {"place": "x:y"},
        {"place": "room:pk1", "payment": "9"}, {"place": "room:pk1", "route": "9"},
    ],
)  # fmt: skip
async def test_visit__to_nowhere_is_refused(ward: Ward, form: dict[str, str]) -> None:
    await at(ward)

    answer = await ward.http.post("/patients/p1/visits/new", data={"_key": "k", **form})

    assert answer.status_code in (404, 422)
    assert "THỬ" not in (await ward.http.get("/queue/pk1")).text


async def test_slip__of_another_patient_is_not_shown(ward: Ward) -> None:
    await at(ward)
    made = await open_visit(ward, "p1", "room:pk1")

    assert (await ward.http.get(f"/patients/p2/visits/{made}/slip")).status_code == 409


async def test_stay__from_admission_over_another_department_to_discharge(ward: Ward) -> None:
    await at(ward)
    whole = await open_visit(ward, "p1", "ward:noi")
    own = await part(ward, whole, "noi")
    assert "Chờ xếp giường" in (await ward.http.get("/wards/noi")).text

    accepted = await ask(ward, "/wards/noi", "bed", encounter=own["id"], bed="g1")
    assert accepted.status_code == 303, accepted.text
    assert (await encounter(ward, whole))["location"][0]["location"]["display"] == "Giường 1"
    await ask(ward, "/wards/noi", "bed", encounter=own["id"], bed="g2")
    beds = (await encounter(ward, own["id"]))["location"]
    assert [one["status"] for one in beds] == ["completed", "active"]

    await ask(ward, "/wards/noi", "transfer", encounter=own["id"], department="ngoai")
    assert "đang chuyển đến Khoa Ngoại" in (await ward.http.get("/wards/noi")).text
    there = await part(ward, whole, "ngoai")
    assert there["status"] == "arrived"
    await ask(ward, "/wards/ngoai", "bed", encounter=there["id"], bed="n1")
    assert (await encounter(ward, own["id"]))["status"] == "finished"
    assert (await encounter(ward, whole))["serviceProvider"]["reference"] == "Organization/ngoai"
    assert "THỬ" not in (await ward.http.get("/wards/noi")).text

    await ask(ward, "/wards/ngoai", "discharge", encounter=there["id"], how="1")
    ended = await encounter(ward, whole)
    assert ended["status"] == "finished"
    assert ended["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "1"
    assert (await encounter(ward, there["id"]))["status"] == "finished"
    assert "THỬ" not in (await ward.http.get("/wards/ngoai")).text


async def test_cancel__takes_back_what_nobody_has_begun(ward: Ward) -> None:
    await at(ward)
    waits, whole = await open_visit(ward, "p1", "room:pk1"), await open_visit(ward, "p2", "ward:noi")
    own = (await part(ward, whole, "noi"))["id"]
    called = await open_visit(ward, "p3", "room:pk1")
    await ask(ward, "/queue/pk1", "call", encounter=called)

    done = [
        await ask(ward, "/queue/pk1", "cancel", encounter=waits),
        await ask(ward, "/wards/noi", "cancel", encounter=own),
        await ask(ward, "/queue/pk1", "cancel", encounter=called),
    ]

    assert [one.status_code for one in done] == [303, 303, 409]
    statuses = [(await encounter(ward, one))["status"] for one in (waits, whole, own, called)]
    assert statuses == ["cancelled", "cancelled", "cancelled", "in-progress"]


async def test_cancel__of_one_who_is_being_moved_is_the_senders(ward: Ward) -> None:
    await at(ward)
    whole = await open_visit(ward, "p1", "ward:noi")
    own = (await part(ward, whole, "noi"))["id"]
    await ask(ward, "/wards/noi", "bed", encounter=own, bed="g1")
    await ask(ward, "/wards/noi", "transfer", encounter=own, department="ngoai")
    there = (await part(ward, whole, "ngoai"))["id"]

    assert (await ask(ward, "/wards/ngoai", "cancel", encounter=there)).status_code == 409


async def test_transfer__is_taken_back_until_it_is_accepted(ward: Ward) -> None:
    await at(ward)
    whole = await open_visit(ward, "p1", "ward:noi")
    own = (await part(ward, whole, "noi"))["id"]
    await ask(ward, "/wards/noi", "bed", encounter=own, bed="g1")
    await ask(ward, "/wards/noi", "transfer", encounter=own, department="ngoai")

    held = await ask(ward, "/wards/noi", "discharge", encounter=own, how="1")
    back = await ask(ward, "/wards/noi", "back", encounter=own)
    again = await ask(ward, "/wards/noi", "back", encounter=own)

    assert [held.status_code, back.status_code, again.status_code] == [409, 303, 409]
    assert (await part(ward, whole, "ngoai"))["status"] == "cancelled"
    page = (await ward.http.get("/wards/noi")).text
    assert "THỬ" in page
    assert "đang chuyển" not in page


@pytest.mark.parametrize(
    "bed, status", [("g1", 409), ("g3", 409), ("n1", 422), ("pk1", 422), ("", 422), ("g9", 404)]
)
async def test_bed__that_is_taken_closed_or_elsewhere_is_refused(ward: Ward, bed: str, status: int) -> None:
    await at(ward)
    lying = await part(ward, await open_visit(ward, "p1", "ward:noi"), "noi")
    await ask(ward, "/wards/noi", "bed", encounter=lying["id"], bed="g1")
    waiting = await part(ward, await open_visit(ward, "p2", "ward:noi"), "noi")

    refused = await ask(ward, "/wards/noi", "bed", encounter=waiting["id"], bed=bed)

    assert refused.status_code == status
    assert (await encounter(ward, waiting["id"]))["status"] == "arrived"


async def test_bed__two_who_are_put_to_it_at_once_do_not_share_it(ward: Ward) -> None:
    await at(ward)
    some = [(await part(ward, await open_visit(ward, who, "ward:noi"), "noi"))["id"] for who in ("p1", "p2")]

    answers = await asyncio.gather(*(ask(ward, "/wards/noi", "bed", encounter=one, bed="g1") for one in some))

    assert sorted(one.status_code for one in answers) == [303, 409]


async def test_queue__two_who_call_at_once_call_two(ward: Ward) -> None:
    await at(ward)
    some = [await open_visit(ward, who, "room:pk1") for who in ("p1", "p2")]

    await asyncio.gather(*(ask(ward, "/queue/pk1", "next") for _ in some))

    assert [(await encounter(ward, one))["status"] for one in some] == ["in-progress", "in-progress"]


async def test_board__shows_allergies_and_flags(ward: Ward) -> None:
    await at(ward)
    hospital = await furnish(ward)
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    await hospital.save(
        {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p1"},
         "clinicalStatus": {"coding": [{"system": system, "code": "active"}]}, "code": {"text": "Penicilin"}},
        {"resourceType": "Flag", "id": "f1", "status": "active", "subject": {"reference": "Patient/p1"},
         "code": {"text": "Cách ly tiếp xúc"}},
    )  # fmt: skip
    own = await part(ward, await open_visit(ward, "p1", "ward:noi"), "noi")

    await ask(ward, "/wards/noi", "bed", encounter=own["id"], bed="g1")

    page = (await ward.http.get("/wards/noi")).text
    assert "Penicilin" in page
    assert "Cách ly tiếp xúc" in page


async def test_ward__its_nurse_sees_and_moves_her_own_patients_only(ward: Ward) -> None:
    await at(ward)
    hospital = await furnish(ward)
    whole = await open_visit(ward, "p1", "ward:noi")
    own = (await part(ward, whole, "noi"))["id"]
    other = (await part(ward, await open_visit(ward, "p2", "ward:ngoai"), "ngoai"))["id"]
    await ward.account("dd.mai", roles=())
    await hospital.give("dd.mai", "nurse", department="noi")
    await ward.log_in("dd.mai")

    taken = await ask(ward, "/wards/noi", "bed", encounter=own, bed="g1")
    sent = await ask(ward, "/wards/noi", "transfer", encounter=own, department="ngoai")
    foreign = await ask(ward, "/wards/ngoai", "bed", encounter=other, bed="n1")

    assert [taken.status_code, sent.status_code, foreign.status_code] == [303, 303, 404]
    assert "MẪU" not in (await ward.http.get("/wards/ngoai")).text
    assert (await ward.http.get("/patients/p1/visits/new")).status_code == 200


@pytest.mark.parametrize("path", ["/queue/pk1", "/wards/noi"])
async def test_board__who_may_not_change_visits_is_refused(ward: Ward, path: str) -> None:
    await at(ward, "technician")

    refused = await ask(ward, path, "next", encounter="x")

    assert refused.status_code == 403
    assert 'href="/wards"' not in (await ward.http.get("/account")).text


@pytest.mark.parametrize("path", ["/queue/pk1", "/wards/noi"])
async def test_board__an_act_of_no_name_is_refused(ward: Ward, path: str) -> None:
    await at(ward)

    assert (await ask(ward, path, "burn")).status_code == 400


@pytest.mark.parametrize("path", ["/queue/nirgends", "/wards/nirgends"])
async def test_board__of_no_place_is_not_there(ward: Ward, path: str) -> None:
    await at(ward)

    assert (await ward.http.get(path)).status_code in (404, 422)
