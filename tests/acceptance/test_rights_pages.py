"""Hours, emergency access and loans as people meet them: in the browser and over the API, through the real door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.door import patient
from acceptance.identity import LOGIN
from hospital import Hospital, encounter, observation
from hsba.access.rights.hours import DAYS
from hsba.audit.trail import AuditTrail

if TYPE_CHECKING:
    from acceptance.identity import Ward

WHY = "Hôn mê, cần tiền sử dị ứng"
NUMBER = "079185001234"


@pytest.fixture
async def hospital(ward: Ward) -> Hospital:
    """Two departments, a nurse of nội with an account, and a patient in each."""
    found = Hospital(ward.services, ward.owner_dsn)
    await found.save(
        {"resourceType": "Organization", "id": "noi", "name": "Khoa Nội"},
        {"resourceType": "Organization", "id": "ngoai", "name": "Khoa Ngoại"},
        patient(id="an", name=[{"text": "Trần Văn An"}]),
        patient(id="binh", name=[{"text": "Lê Thị Bình"}], identifier=[{"value": NUMBER}]),
        encounter("e-an", "an", "noi"),
        encounter("e-binh", "binh", "ngoai"),
        observation("o-binh", "binh"),
    )
    await ward.account(roles=())
    await found.give(LOGIN, "nurse", "noi")
    return found


async def test_patient__refused_offers_emergency_access_and_opens_by_a_reason(
    ward: Ward, hospital: Hospital
) -> None:
    ward.services.trail = AuditTrail()
    await ward.log_in()
    refused = await ward.http.get("/patients/binh")
    assert refused.status_code == 404
    assert "/patients/binh/emergency" in refused.text

    short = await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": "khẩn"})
    assert short.status_code == 400
    assert "khẩn</textarea>" in short.text
    opened = await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": WHY})
    assert (opened.status_code, opened.headers["location"]) == (303, "/patients/binh")
    page = await ward.http.get("/patients/binh")
    assert page.status_code == 200
    assert WHY in page.text
    async with hospital.acting() as ctx:
        lines = await ctx.tx.fetch(
            "SELECT interaction, purpose, reason FROM audit.line WHERE account = $1", LOGIN
        )
    assert ("emergency", "BTG", WHY) in {tuple(one) for one in lines}
    assert ("view", "BTG", None) in {tuple(one) for one in lines}

    await ward.http.post("/patients/binh/emergency", data={"end": "yes"})
    assert (await ward.http.get("/patients/binh")).status_code == 404


async def test_emergency__by_number_tells_nothing_without_a_reason(ward: Ward, hospital: Hospital) -> None:
    await ward.log_in()
    nobody = await ward.http.get("/find", params={"q": NUMBER})
    assert 'action="/emergency"' in nobody.text

    answers = [
        await ward.http.post("/emergency", data={"number": number, "category": "life", "reason": "a"})
        for number in (NUMBER, "000000000000")
    ]
    assert answers[0].status_code == answers[1].status_code == 400
    assert answers[0].text.replace(NUMBER, "") == answers[1].text.replace("000000000000", "")
    unknown = await ward.http.post("/emergency", data={"number": "000", "category": "life", "reason": WHY})
    assert unknown.status_code == 404
    opened = await ward.http.post("/emergency", data={"number": NUMBER, "category": "life", "reason": WHY})
    assert opened.headers["location"] == "/patients/binh"


@pytest.mark.parametrize("kind, role", [("administrator", "administrator"), ("security", "security-officer")])
async def test_emergency__is_not_for_who_keeps_the_house(
    ward: Ward, hospital: Hospital, kind: str, role: str
) -> None:
    await ward.account("giu.nha", kind, roles=())
    await hospital.give("giu.nha", role)
    await hospital.give("giu.nha", "doctor", "noi")
    await ward.log_in("giu.nha")

    texts = set()
    for id_ in ("binh", "nobody"):
        page = await ward.http.get(f"/patients/{id_}/emergency")
        sent = await ward.http.post(f"/patients/{id_}/emergency", data={"category": "life", "reason": WHY})
        assert page.status_code == sent.status_code == 403
        texts.add((await ward.http.get(f"/patients/{id_}")).status_code)
        assert 'emergency">' not in page.text
    assert texts == {403}
    header = await ward.token("giu.nha")
    for id_ in ("binh", "nobody"):
        sent = await ward.http.post(
            f"/fhir/Patient/{id_}/$emergency-access",
            params={"category": "life", "reason": WHY},
            headers=header,
        )
        assert sent.status_code == 403


async def test_emergency__over_the_api_asks_for_a_reason(ward: Ward, hospital: Hospital) -> None:
    header = await ward.token()

    async def ask(id: str = "binh", **given: str) -> int:
        path = f"/fhir/Patient/{id}/$emergency-access"
        return (await ward.http.post(path, params=given, headers=header)).status_code

    assert (await ward.http.get("/fhir/Patient/binh", headers=header)).status_code == 404
    assert await ask() == 400
    assert await ask(category="fun", reason=WHY) == 400
    assert await ask("nobody", category="life", reason=WHY) == 404
    assert await ask(category="life", reason=WHY) == 200
    assert (await ward.http.get("/fhir/Patient/binh", headers=header)).status_code == 200
    found: Any = (await ward.http.get("/fhir/Observation", headers=header)).json()
    assert [one["resource"]["id"] for one in found["entry"]] == ["o-binh"]


async def test_review__lists_what_waits_and_keeps_the_verdict(ward: Ward, hospital: Hospital) -> None:
    await ward.log_in()
    await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": WHY})
    assert (await ward.http.get("/emergencies")).status_code == 403
    await ward.http.post("/logout")
    await ward.account("an.ninh", "security", roles=())
    await hospital.give("an.ninh", "security-officer")
    await ward.log_in("an.ninh")

    page = await ward.http.get("/emergencies")
    assert WHY in page.text
    assert "Lê Thị Bình" not in page.text
    number = page.text.partition('action="/emergencies/')[2].partition('"')[0]
    sent = await ward.http.post(
        f"/emergencies/{number}", data={"verdict": "not", "comment": "Không có chỉ định"}
    )
    assert sent.status_code == 303
    assert "Không có chỉ định" in (await ward.http.get("/emergencies")).text
    assert (await ward.http.post(f"/emergencies/{number}", data={"verdict": "justified"})).status_code == 404


async def badge(ward: Ward, login: str) -> str | None:
    """The number that a reader's pages carry at the emergency accesses."""
    await ward.http.post("/logout")
    await ward.log_in(login)
    page = (await ward.http.get("/account")).text
    return page.partition('class="alarm">')[2].partition("<")[0] or None


async def test_alarm__is_on_every_page_of_who_looks_at_emergencies_until_it_is_done(
    ward: Ward, hospital: Hospital
) -> None:
    for login, kind, role, department in (
        ("an.ninh", "security", "security-officer", None),
        ("truong.noi", "staff", "head-of-department", "noi"),
        ("truong.ngoai", "staff", "head-of-department", "ngoai"),
    ):
        await ward.account(login, kind, roles=())
        await hospital.give(login, role, department)
    before = [await badge(ward, login) for login in ("an.ninh", "truong.noi")]
    await ward.http.post("/logout")
    await ward.log_in()
    await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": WHY})
    own = await badge(ward, LOGIN)

    seen = [await badge(ward, login) for login in ("an.ninh", "truong.noi", "truong.ngoai")]
    await badge(ward, "an.ninh")
    page = await ward.http.get("/emergencies")
    number = page.text.partition('action="/emergencies/')[2].partition('"')[0]
    await ward.http.post(f"/emergencies/{number}", data={"verdict": "justified"})
    after = [await badge(ward, login) for login in ("an.ninh", "truong.noi")]

    assert before == [None, None]
    assert own is None
    assert seen == ["1", "1", None]
    assert after == [None, None]


async def test_alarm__of_ones_own_waits_for_somebody_else(ward: Ward, hospital: Hospital) -> None:
    await hospital.give(LOGIN, "head-of-department", "noi")
    await ward.log_in()
    await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": WHY})

    assert await badge(ward, LOGIN) is None


async def test_loan__from_the_patients_page_until_it_is_taken_back(ward: Ward, hospital: Hospital) -> None:
    await ward.account("kho.hs", roles=())
    await hospital.give("kho.hs", "planning")
    await ward.log_in("kho.hs")
    assert "/patients/binh/loans" in (await ward.http.get("/patients/binh")).text
    form = {
        "account": LOGIN,
        "purpose": "HRESCH",
        "reason": "Đề tài 12",
        "until": (datetime.now(UTC) + timedelta(days=2)).date().isoformat(),
    }

    wrong = await ward.http.post("/patients/binh/loans", data={**form, "account": "khong.co"})
    assert wrong.status_code == 400
    assert "Đề tài 12" in wrong.text
    assert (await ward.http.post("/patients/binh/loans", data=form)).status_code == 303
    page = (await ward.http.get("/patients/binh/loans")).text
    header = await ward.token()
    assert (await ward.http.get("/fhir/Patient/binh", headers=header)).status_code == 200
    number = page.partition('action="/patients/binh/loans/')[2].partition('"')[0]
    assert (await ward.http.post(f"/patients/binh/loans/{number}")).status_code == 303
    assert (await ward.http.get("/fhir/Patient/binh", headers=header)).status_code == 404

    await ward.http.post("/logout")
    await ward.log_in()
    assert (await ward.http.get("/patients/an/loans")).status_code == 403
    assert (await ward.http.post("/patients/an/loans", data=form)).status_code == 403


async def test_hours__end_the_session_and_give_back_what_was_typed(ward: Ward, hospital: Hospital) -> None:
    await ward.log_in()
    assert await ward.inside()
    async with hospital.owner() as tx:
        await tx.execute(
            "UPDATE record.role_grant SET hours = $1 WHERE account = $2",
            f"{DAYS[(datetime.now(UTC).weekday() + 3) % 7]} 08:00-09:00",
            LOGIN,
        )
    ward.services.rights.forget(ward.services.tenants.get().id, LOGIN)

    sent = await ward.http.post("/patients/binh/emergency", data={"category": "life", "reason": WHY})
    assert sent.status_code == 403
    assert "08:00-09:00" in sent.text
    assert WHY in sent.text
    again = await ward.http.get("/patients")
    assert (again.status_code, again.headers["location"][:6]) == (303, "/login")
    header = await ward.token()
    assert (await ward.http.get("/fhir/Patient", headers=header)).status_code == 403
    async with hospital.acting() as ctx:
        assert await ctx.tx.fetchval("SELECT count(*) FROM record.emergency") == 0
