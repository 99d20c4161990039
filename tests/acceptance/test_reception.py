"""Reception through the real door, without script: people found, registered, told apart and completed."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import pytest

from hospital import Hospital

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from acceptance.identity import Ward

CARD = (
    "099080000001|099080001|NGUYỄN VĂN MẪU|01011980|Nam|Số 1 đường Mẫu, Phường Cao Lãnh, Đồng Tháp|02032021"
)
WHOLE = {
    "name": "Trần Thị Thử", "birth": "12/05/1959", "gender": "female", "number": "099159000002",
    "phone": "0400 111 222", "line": "Ấp Hòa Bình", "province": "82", "commune": "cao lanh",
    "card1": "GD4000000000015", "card1-from": "01/01/2026", "card1-until": "31/12/2026", "card2": "0000000015",
}  # fmt: skip
PATIENT = re.compile(r"/patients/([0-9a-f-]{36})")


async def desk(ward: Ward, *roles: str) -> None:
    """Somebody at the desk, logged in."""
    await ward.account(roles=roles or ("reception",))
    await ward.log_in()


async def register(ward: Ward, typed: Mapping[str, str] = WHOLE, **more: str) -> httpx.Response:
    return await ward.http.post("/patients/new", data={"_key": str(uuid4()), **typed, **more})


def patient_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    found = PATIENT.match(answer.headers["location"])
    assert found
    return found[1]


async def resource(ward: Ward, path: str) -> Any:
    headers = {"Accept": "application/fhir+json", **await ward.token()}
    return (await ward.http.get(f"/fhir/{path}", headers=headers)).json()


async def test_register__writes_one_patient_with_two_cards_and_an_address_of_two_levels(ward: Ward) -> None:
    await desk(ward)

    answer = await register(ward)

    id_ = patient_of(answer)
    patient = await resource(ward, f"Patient/{id_}")
    assert patient["name"][0] == {
        "use": "official",
        "text": "Trần Thị Thử",
        "family": "Trần",
        "given": ["Thị", "Thử"],
    }
    assert patient["birthDate"] == "1959-05-12"
    numbers = {one["system"].rpartition("/")[2]: one["value"] for one in patient["identifier"]}
    assert numbers["cccd"] == "099159000002"
    assert re.fullmatch(r"\d{8}", numbers["mrn"])
    assert patient["address"][0]["text"] == "Ấp Hòa Bình, Phường Cao Lãnh, Tỉnh Đồng Tháp"
    cards = (await resource(ward, f"Coverage?beneficiary=Patient/{id_}"))["entry"]
    periods = {one["resource"]["identifier"][0]["value"]: one["resource"].get("period") for one in cards}
    assert periods == {"GD4000000000015": {"start": "2026-01-01", "end": "2026-12-31"}, "0000000015": None}


async def test_register__skips_numbers_that_came_with_an_import(ward: Ward) -> None:
    await desk(ward)
    sid = "http://fhir.hl7.org.vn/core/sid/mrn"
    await Hospital(ward.services).save(
        *(
            {"resourceType": "Patient", "id": f"i{n}", "identifier": [{"system": sid, "value": f"{n:08d}"}]}
            for n in range(1, 6)
        )
    )

    patient = await resource(ward, f"Patient/{patient_of(await register(ward))}")

    number = next(one["value"] for one in patient["identifier"] if one["system"] == sid)
    assert int(number) > 5


async def test_register__sent_twice_is_one_patient(ward: Ward) -> None:
    await desk(ward)
    key = str(uuid4())

    first = await register(ward, _key=key)
    second = await register(ward, _key=key)

    assert patient_of(first) == patient_of(second)
    assert (await resource(ward, "Patient"))["total"] == 1


async def test_register__the_same_id_number_is_refused_with_the_way_to_that_record(ward: Ward) -> None:
    await desk(ward)
    there = patient_of(await register(ward))

    refused = await register(ward, name="Lê Thị Khác", birth="1959", reason="Không phải")

    assert refused.status_code == 409
    assert f'href="/patients/{there}/visits/new"' in refused.text
    assert "100 điểm" in refused.text
    assert 'value="Lê Thị Khác"' in refused.text
    assert (await resource(ward, "Patient"))["total"] == 1


async def test_register__somebody_alike_is_shown_with_reasons_and_told_apart_by_a_reason(ward: Ward) -> None:
    await desk(ward)
    patient_of(await register(ward))
    other = {"name": "tran thi thu", "birth": "12051959", "gender": "female", "phone": "0400111222"}

    shown = await register(ward, other)

    assert shown.status_code == 409
    assert "trùng tên, khác dấu hoặc thứ tự" in shown.text
    assert "cùng điện thoại" in shown.text
    done = await register(ward, other, reason="Chị em sinh đôi")
    patient = patient_of(done)
    assert (await resource(ward, "Patient"))["total"] == 2
    async with ward.owner() as tx:
        told = await tx.fetchval(
            "SELECT v.reason FROM record.version v JOIN record.resource r ON r.key = v.resource WHERE r.id = $1",
            patient,
        )
    assert told == "Chị em sinh đôi"


@pytest.mark.parametrize(
    "field, value, says",
    [
        ("name", "", "Còn thiếu."),
        ("birth", "31/02/1990", "Không phải ngày sinh"),
        ("birth", "01/01/2999", "Không phải ngày sinh"),
        ("number", "12345", "12 chữ số"),
        ("number", "099059000002", "giới hoặc năm sinh khác"),
        ("phone", "abc", "Không phải số điện thoại"),
        ("card1", "GD40000", "Số thẻ BHYT"),
        ("card1-until", "45/45/2026", "Không phải ngày"),
        ("commune", "Xã Không Có", "Không có xã"),
        ("province", "99", "Không có tỉnh"),
    ],
)
async def test_register__what_cannot_be_right_is_said_at_its_field(
    ward: Ward, field: str, value: str, says: str
) -> None:
    await desk(ward)

    refused = await register(ward, {**WHOLE, field: value})

    assert refused.status_code == 422
    assert f'href="#f-{field}"' in refused.text
    assert says in refused.text
    assert (await resource(ward, "Patient"))["total"] == 0


async def test_register__a_child_under_six_needs_somebody_of_his_own(ward: Ward) -> None:
    await desk(ward)
    child = {"name": "Lê Bé Thử", "birth": "2024", "gender": "male"}

    refused = await register(ward, child)
    done = await register(
        ward, {**child, "kin": "Lê Thị Mẹ", "kin-relation": "MTH", "kin-phone": "0400333444"}
    )

    assert "dưới 6 tuổi" in refused.text
    contact = (await resource(ward, f"Patient/{patient_of(done)}"))["contact"][0]
    assert contact["name"]["text"] == "Lê Thị Mẹ"
    assert contact["relationship"][0]["coding"][0]["code"] == "MTH"


async def test_register__what_was_typed_is_shown_as_text(ward: Ward) -> None:
    await desk(ward)

    refused = await register(ward, {"name": '"><script>alert(1)</script>', "birth": "x"})

    assert "<script>alert" not in refused.text
    assert refused.status_code == 422


async def test_reception__a_scanned_card_fills_the_form(ward: Ward) -> None:
    await desk(ward)

    found = (await ward.http.post("/reception", data={"q": CARD})).text

    filled = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', found))
    assert filled == {
        "number": "099080000001", "name": "Nguyễn Văn Mẫu", "birth": "01/01/1980", "gender": "male",
        "line": "Số 1 đường Mẫu", "province": "82", "commune": "Phường Cao Lãnh",
    }  # fmt: skip
    form = (await ward.http.post("/patients/new", data={"_act": "fill", **filled})).text
    assert 'value="Nguyễn Văn Mẫu"' in form
    assert re.search(r'value="82" selected', form)
    patient_of(await register(ward, filled))
    again = (await ward.http.post("/reception", data={"q": CARD})).text
    assert "100 điểm" in again
    assert 'value="fill"' not in again


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_reception__a_good_card_raises_no_doubt(ward: Ward, form: Literal["NFC", "NFD"]) -> None:
    await desk(ward)

    card = unicodedata.normalize(form, CARD.replace("NGUYỄN VĂN", "TRẦN HẢI"))
    found = await ward.http.post("/reception", data={"q": card})

    assert "Trần Hải Mẫu" in found.text
    assert "so lại với thẻ" not in found.text


async def test_reception__a_name_that_the_keyboard_broke_is_to_be_compared(ward: Ward) -> None:
    await desk(ward)

    found = (await ward.http.post("/reception", data={"q": CARD.replace("NGUYỄN", "NGUYEENX")})).text

    assert "so lại với thẻ: Họ tên." in found


@pytest.mark.parametrize("q", ["099159000002", "0400 111 222", "GD4000000000015", "thu tran", "thu 59"])
async def test_reception__finds_by_number_card_phone_and_name(ward: Ward, q: str) -> None:
    await desk(ward)
    id_ = patient_of(await register(ward))

    found = await ward.http.post("/reception", data={"q": q})

    assert f'href="/patients/{id_}/visits/new"' in found.text
    assert "camera=(self)" in found.headers["permissions-policy"]


async def test_temporary__is_a_code_of_the_house_until_somebody_says_who_it_is(ward: Ward) -> None:
    await desk(ward)
    async with ward.owner() as tx:
        await tx.execute(
            "INSERT INTO record.tenant_code (tenant, system, code)"
            " VALUES (1, 'http://fhir.hl7.org.vn/core/sid/ma-cskcb', '00001')"
        )

    answer = await ward.http.post(
        "/patients/new/temporary",
        data={"_key": str(uuid4()), "kind": "unknown", "gender": "male", "seen": "Bến xe, áo xanh"},
    )

    id_ = patient_of(answer)
    assert re.search(r"00001-T\d{8}", (await ward.http.get("/reception")).text)
    form = (await ward.http.get(f"/patients/{id_}/identity")).text
    version = re.search(r'name="_version" value="(\d+)"', form)
    assert version
    done = await ward.http.post(
        f"/patients/{id_}/identity", data={**WHOLE, "gender": "female", "_version": version[1]}
    )
    assert done.status_code == 303, done.text
    patient = await resource(ward, f"Patient/{id_}")
    assert [one["use"] for one in patient["name"]] == ["official", "old"]
    assert "00001-T" not in (await ward.http.get("/reception")).text
    late = await ward.http.post(
        f"/patients/{id_}/identity", data={**WHOLE, "name": "Ai Khác", "_version": version[1]}
    )
    assert late.status_code == 412


@pytest.mark.parametrize("roles", [("reception",), ("reception", "planning")])
async def test_temporary__who_is_another_patient_already_is_not_written_twice(
    ward: Ward, roles: tuple[str, ...]
) -> None:
    await desk(ward, *roles)
    there = patient_of(await register(ward))
    data = {"_key": str(uuid4()), "kind": "emergency", "gender": "unknown"}
    id_ = patient_of(await ward.http.post("/patients/new/temporary", data=data))

    refused = await ward.http.post(f"/patients/{id_}/identity", data={**WHOLE, "_version": "1"})

    assert refused.status_code == 409
    assert (f'href="/patients/{there}/merge?with={id_}"' in refused.text) == ("planning" in roles)


async def test_temporary__a_twin_is_called_after_the_mother(ward: Ward) -> None:
    await desk(ward)
    mother = patient_of(await register(ward))
    page = await ward.http.get(f"/patients/{mother}/visits/new")
    assert f'href="/patients/new/temporary?mother={mother}"' in page.text
    assert f'href="/patients/{mother}/visits/new"' in (await ward.http.get(f"/patients/{mother}")).text

    answer = await ward.http.post(
        "/patients/new/temporary",
        data={"_key": str(uuid4()), "kind": "newborn", "gender": "male", "mother": mother, "order": "2"},
    )

    child = await resource(ward, f"Patient/{patient_of(answer)}")
    assert child["name"][0]["text"] == "Con bà Trần Thị Thử (2)"
    assert child["multipleBirthInteger"] == 2
    related = (await resource(ward, f"RelatedPerson?patient={child['id']}"))["entry"][0]["resource"]
    link = (await resource(ward, f"Patient/{mother}"))["link"]
    assert link == [{"other": {"reference": f"RelatedPerson/{related['id']}"}, "type": "seealso"}]


@pytest.mark.parametrize("kind", ["", "ghost"])
async def test_temporary__of_no_known_kind_is_refused(ward: Ward, kind: str) -> None:
    await desk(ward)

    answer = await ward.http.post("/patients/new/temporary", data={"_key": str(uuid4()), "kind": kind})

    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/reception", "/patients/new", "/patients/new/temporary"])
async def test_reception__who_may_not_register_is_refused_and_told(ward: Ward, path: str) -> None:
    await ward.account(roles=("nurse",))
    await ward.log_in()

    refused = [await ward.http.get(path), await ward.http.post(path, data={**WHOLE, "_key": "k", "q": "thu"})]

    assert [one.status_code for one in refused] == [403, 403]
    told = [act for act, _ in ward.services.trail.lines if act.startswith("refused:")]  # type: ignore[attr-defined]
    assert len(told) == 2
    assert 'href="/reception"' not in (await ward.http.get("/account")).text


async def test_reception__leaves_lines_of_what_was_written(ward: Ward) -> None:
    await desk(ward)

    id_ = patient_of(await register(ward))

    told = {one for act, some in ward.services.trail.lines if act == "create" for one in some}  # type: ignore[attr-defined]
    assert f"Patient/{id_}" in told
    assert id_ not in (await ward.http.get("/reception")).text
    assert 'href="/reception"' in (await ward.http.get("/")).text


async def test_register__two_at_once_for_one_person_make_one_patient(ward: Ward) -> None:

    await desk(ward)

    answers = await asyncio.gather(*(register(ward) for _ in range(3)))

    assert sorted(one.status_code for one in answers) == [303, 409, 409]
