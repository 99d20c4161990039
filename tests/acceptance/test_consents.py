"""What a patient wishes, written down in the browser from a paper, kept to at once, and withdrawn with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.identity import LOGIN
from acceptance.test_rights_pages import hospital
from hospital import Hospital, observation, to
from hsba.audit.trail import AuditTrail
from hsba.fhir import json
from hsba.record import interactions

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

__all__ = ["hospital"]
CLERK = "kho.hs"
PAPER = "Phiếu 12/KHTH ngày 20/11/2026"
HIV = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}


@pytest.fixture
async def desk(ward: Ward, hospital: Hospital) -> Ward:
    """The records room, logged in; the nurse of nội is the Practitioner lan."""
    await hospital.save({"resourceType": "Practitioner", "id": "lan", "name": [{"text": "Phạm Thu Lan"}]})
    await hospital.is_person(LOGIN, "Practitioner", "lan")
    await ward.account(CLERK, roles=())
    await hospital.give(CLERK, "planning")
    await ward.log_in(CLERK)
    return ward


async def sent(ward: Ward, patient: str = "an", **form: Any) -> httpx.Response:
    given = {"what": "deny", "source": PAPER, **form}
    return await ward.http.post(f"/patients/{patient}/consents", data=given)


async def sees(ward: Ward, address: str = "Patient/an") -> bool:
    """Whether the nurse sees something, asked anew."""
    ward.services.rights.forget(ward.services.tenants.get().id, LOGIN)
    ward.services.rights._consents.clear()
    return (await ward.http.get(f"/fhir/{address}", headers=await ward.token())).status_code == 200


async def kept(hospital: Hospital) -> list[dict[str, Any]]:
    async with hospital.owner() as tx:
        rows = await tx.fetch(
            "SELECT v.body FROM record.version v JOIN record.resource r ON r.tenant = v.tenant AND r.key = v.resource"
            ' AND r.vid = v.vid WHERE v.body LIKE \'%"resourceType":"Consent"%\' ORDER BY v.recorded'
        )
    return [json.stored(row[0]) for row in rows]


async def test_denial__takes_the_patient_away_until_it_is_withdrawn(desk: Ward, hospital: Hospital) -> None:
    assert await sees(desk)

    saved = await sent(desk)
    page = (await desk.http.get("/patients/an/consents")).text
    hidden = not await sees(desk)
    id_ = (await kept(hospital))[0]["id"]
    silent = await desk.http.post(f"/patients/an/consents/{id_}/withdraw", data={"reason": " "})
    withdrawn = await desk.http.post(f"/patients/an/consents/{id_}/withdraw", data={"reason": "Đơn số 3"})

    assert (saved.status_code, saved.headers["location"]) == (303, "/patients/an/consents")
    assert PAPER in page
    assert "đang hiệu lực" in page
    assert hidden
    assert (silent.status_code, withdrawn.status_code) == (400, 303)
    assert await sees(desk)
    assert "Đơn số 3" in (await desk.http.get("/patients/an/consents")).text
    assert (await kept(hospital))[0]["status"] == "inactive"
    twice = await desk.http.post(f"/patients/an/consents/{id_}/withdraw", data={"reason": "Đơn số 3"})
    assert twice.status_code == 409


async def test_denial__to_a_department_a_person_a_purpose_and_for_some_days(
    desk: Ward, hospital: Hospital
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    for form in (
        {"department": "ngoai"},
        {"purpose-HRESCH": "yes"},
        {"first": tomorrow},
        {"last": "2020-01-01"},
        {"copies": "yes"},
        {"type-Observation": "yes"},
    ):
        assert (await sent(desk, **form)).status_code == 303, form
        assert await sees(desk), form

    assert (await sent(desk, account=LOGIN)).status_code == 303
    assert not await sees(desk)
    page = (await desk.http.get("/patients/an/consents")).text
    for words in ("Khoa Ngoại", "Phạm Thu Lan", "nghiên cứu", "01/01/2020"):
        assert words in page


async def test_permission__lifts_a_label_for_whom_it_names(desk: Ward, hospital: Hospital) -> None:
    await hospital.save(observation("hiv", "an", encounter=to("Encounter", "e-an"), meta={"security": [HIV]}))
    assert not await sees(desk, "Observation/hiv")

    saved = await sent(desk, **{"what": "permit", "label-HIV": "yes", "account": LOGIN})

    assert saved.status_code == 303, saved.text
    assert await sees(desk, "Observation/hiv")


@pytest.mark.parametrize(
    "form",
    [
        {"what": "permit"},
        {"what": "permit", "label-HIV": "yes"},
        {"what": "permit", "department": "noi"},
        {"what": "maybe"},
        {"source": ""},
        {"label-XXX": "yes"},
        {"purpose-FUN": "yes"},
        {"department": "khong-co"},
        {"account": "khong.co"},
        {"first": "2026-12-02", "last": "2026-12-01"},
        {"first": "hôm nay"},
    ],
)
async def test_wish__that_says_too_little_or_nonsense_is_refused_and_shown_again(
    desk: Ward, hospital: Hospital, form: dict[str, str]
) -> None:
    answer = await sent(desk, **form)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert await kept(hospital) == []


async def test_consents__are_written_by_who_has_the_right_and_read_by_who_sees_the_patient(
    desk: Ward, hospital: Hospital
) -> None:
    await sent(desk, department="ngoai")
    id_ = (await kept(hospital))[0]["id"]
    await desk.http.post("/logout")
    await desk.log_in()

    page = await desk.http.get("/patients/an/consents")
    answers = [
        await sent(desk),
        await desk.http.post(f"/patients/an/consents/{id_}/withdraw", data={"reason": "Tôi muốn xem"}),
        await desk.http.get("/patients/binh/consents"),
    ]

    assert page.status_code == 200
    assert "<form" not in page.text.partition("<main")[2].partition("</main")[0]
    assert [one.status_code for one in answers] == [403, 403, 404]
    assert (await kept(hospital))[0]["status"] == "active"


async def test_withdraw__of_another_patients_consent_by_this_ones_address_is_not_found(
    desk: Ward, hospital: Hospital
) -> None:
    await sent(desk, "binh", department="ngoai")
    id_ = (await kept(hospital))[0]["id"]

    answer = await desk.http.post(f"/patients/an/consents/{id_}/withdraw", data={"reason": "Nhầm người"})

    assert answer.status_code == 404
    assert (await kept(hospital))[0]["status"] == "active"


async def test_permission__for_oneself_is_refused_and_told(desk: Ward, hospital: Hospital) -> None:
    desk.services.trail = AuditTrail()
    await hospital.save({"resourceType": "Practitioner", "id": "kho", "name": [{"text": "Kho"}]})
    await hospital.is_person(CLERK, "Practitioner", "kho")
    desk.services.rights.forget(desk.services.tenants.get().id, CLERK)

    answer = await sent(desk, **{"what": "permit", "label-HIV": "yes", "account": CLERK})

    assert answer.status_code == 403
    assert await kept(hospital) == []
    async with hospital.acting() as ctx:
        refused = await ctx.tx.fetchval(
            "SELECT count(*) FROM audit.line WHERE account = $1 AND refused", CLERK
        )
    assert refused == 1


async def test_consent__of_the_form_is_one_that_the_record_keeps_to(desk: Ward, hospital: Hospital) -> None:
    await sent(desk, **{"purpose-HRESCH": "yes", "label-PSY": "yes", "last": "2027-01-01"})

    made = (await kept(hospital))[0]
    assert made["scope"]["coding"][0]["code"] == "research"
    assert made["sourceAttachment"]["title"] == PAPER
    assert made["performer"] == [{"reference": "Patient/an"}]
    async with hospital.acting() as ctx:
        again = await interactions.update(ctx, made)  # valid as it stands
    assert again.stored.id == made["id"]
