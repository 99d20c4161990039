"""Forms through the real door, without script: begun, kept, completed, read, refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from acceptance.forms import STAY, TYPED, Desk, stay

if TYPE_CHECKING:
    from acceptance.identity import Ward


async def test_sheet__is_begun_written_completed_and_read(ward: Ward) -> None:
    desk = await stay(ward)
    visit = (await ward.http.get("/patients/p1/encounters/e1")).text
    assert f'href="{STAY}"' in visit

    begun = await ward.http.post(STAY, data={"form": "17-BV1"})
    assert begun.status_code == 303
    desk.sheet = begun.headers["location"].split("/")[-2]
    page = await desk.open("examination")
    assert page.index("Lý do vào trạm:") < page.index("Quá trình bệnh lý:") < page.index("Hướng điều trị:")
    assert '<output class="answer made"' not in page
    done = await desk.send(TYPED)
    assert done.status_code == 303, done.text

    read = await desk.open()
    assert "Sốt cao 3 ngày" in read
    assert "38,5" in read
    assert "(J06.9)" in read
    assert re.search(r"<b>BS\. Phạm Thu Lan</b> · <time", read)
    listed = (await ward.http.get(STAY)).text
    assert "đã ghi 1/2 phần" in listed


async def test_sheet__what_is_missing_is_said_and_the_draft_kept(ward: Ward) -> None:
    desk = await stay(ward)

    refused = await desk.send({"reason": "Đau bụng", "vitals.pulse": "abc"})

    assert refused.status_code == 422
    assert '<a href="#f-history.illness">Quá trình bệnh lý</a>: Còn thiếu.' in refused.text
    assert 'value="abc"' in refused.text
    again = await desk.open("examination")
    assert 'value="Đau bụng"' in again
    assert 'value="abc"' in again
    assert "Không phải số." in again
    assert "Còn thiếu." not in again
    assert "nháp của bạn" in (await ward.http.get(STAY)).text


async def test_sheet__a_box_that_is_emptied_is_empty_in_the_draft(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send({"person.payer": "2", "arrival": "14/9/2026 7:45"}, "reception", "keep")
    assert re.search(r'value="2"[^>]* checked', await desk.open("reception"))

    await desk.send({"arrival": ""}, "reception", "keep")

    page = await desk.open("reception")
    assert not re.search(r'value="2"[^>]* checked', page)
    assert "14/09/2026" not in page


async def test_sheet__sent_twice_is_one_version(ward: Ward) -> None:
    desk = await stay(ward)
    first = await desk.send(TYPED)

    second = await desk.send(TYPED)

    assert first.status_code == second.status_code == 303
    found = await ward.http.get(
        "/fhir/QuestionnaireResponse?patient=p1",
        headers={"Accept": "application/fhir+json", **await ward.token()},
    )
    assert [one["resource"]["meta"]["versionId"] for one in found.json()["entry"]] == ["1"]


async def test_forms__the_catalogue_says_how_sure_each_is(ward: Ward) -> None:
    await stay(ward)

    catalogue = (await ward.http.get("/forms")).text
    blank = (await ward.http.get("/forms/17-BV1")).text

    assert re.search(r'href="/forms/17-BV1".*theo đúng bản giấy', catalogue)
    assert "TRẠM" not in blank
    assert "Lý do vào trạm:" in blank
    assert (await ward.http.get("/forms/99-XX")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        f"{STAY}/17-BV1/khong-phai-uuid/examination",
        f"{STAY}/17-BV1/{'0' * 8}-0000-4000-8000-{'0' * 12}/nothing",
        f"{STAY}/99-XX/{'0' * 8}-0000-4000-8000-{'0' * 12}/examination",
        f"/patients/p1/encounters/e2/sheets/17-BV1/{'0' * 8}-0000-4000-8000-{'0' * 12}/examination",
        "/patients/p1/encounters/e2/sheets",
    ],
)
async def test_sheet__what_is_not_there_is_not_found(ward: Ward, path: str) -> None:
    await stay(ward)

    assert (await ward.http.get(path)).status_code == 404


async def test_sheet__one_of_another_patient_is_not_written_on(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)
    other = Desk(ward.http, desk.sheet)

    answer = await ward.http.post(
        f"/patients/p2/encounters/e2/sheets/17-BV1/{other.sheet}/examination",
        data={**TYPED, "_act": "complete", "_session": other.session, "_base": ""},
    )

    assert answer.status_code == 404
    assert "Sốt cao 3 ngày" in await desk.open()


# --- whose part it is ------------------------------------------------------------------------------------------------


async def test_part__of_other_staff_is_refused_and_told(ward: Ward) -> None:
    desk = await stay(ward, "reception")

    assert (await ward.http.get(f"{desk.at}/reception")).status_code == 200
    refused = await ward.http.get(f"{desk.at}/examination")

    assert refused.status_code == 403
    assert "do người khác ghi" in refused.text
    assert (await desk.send(TYPED)).status_code == 403
    assert (await desk.draft({"reason": "Sốt"})).status_code == 403
    assert (
        await ward.http.post(f"{desk.at}/examination/_hold", data={"_session": desk.session})
    ).status_code == 403


async def test_part__reception_writes_its_own_and_reads_no_other(ward: Ward) -> None:
    desk = await stay(ward, "reception")

    done = await desk.send({"person.payer": "2", "arrival": "20/11/2026 7:45"}, "reception")

    assert done.status_code == 303, done.text
    page = await desk.open()
    assert "20/11/2026 07:45" in page
    assert "Ghi phần này" not in page


async def test_part__who_may_not_write_in_this_department_is_refused(ward: Ward) -> None:
    desk = await stay(ward, "pharmacist")

    answer = await ward.http.get(f"{desk.at}/examination")

    assert answer.status_code in (403, 404)
    assert (await desk.send(TYPED)).status_code in (403, 404)


# --- corrections, and two writers ------------------------------------------------------------------------------------


async def base(desk: Desk) -> str:
    found = re.search(r'name="_base" value="(\d*)"', await desk.open("examination"))
    assert found is not None
    return found[1]


async def test_correction__needs_its_reason_and_keeps_the_version_before(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)
    first = await base(desk)

    without = await desk.send({**TYPED, "reason": "Sốt, ho"}, base=first)
    done = await desk.send({**TYPED, "reason": "Sốt, ho"}, base=first, _reason="Hỏi lại người nhà")

    assert without.status_code == 422
    assert "Ghi lý do sửa" in without.text
    assert done.status_code == 303
    assert "Sốt, ho" in await desk.open()
    versions = await ward.http.get(f"{desk.at}/examination/compare")
    assert versions.status_code == 200
    assert "Hỏi lại người nhà" in versions.text
    assert "<del>" not in versions.text
    assert re.search(r"Sốt<ins><span[^>]*>[^<]*</span>, ho</ins>", versions.text)


async def test_writers__who_changed_different_fields_keep_both(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)
    first = await base(desk)
    await desk.send({**TYPED, "plan": "Chuyển tuyến"}, base=first, _reason="Người thứ nhất")

    second = await desk.send({**TYPED, "reason": "Sốt, ho"}, base=first, _reason="Người thứ hai")

    assert second.status_code == 303
    page = await desk.open()
    assert "Chuyển tuyến" in page
    assert "Sốt, ho" in page


async def test_writers__of_one_field_see_both_values_and_pick(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)
    first = await base(desk)
    await desk.send({**TYPED, "vitals.pulse": "98"}, base=first, _reason="Đếm lại")

    met = await desk.send({**TYPED, "vitals.pulse": "69"}, base=first, _reason="Nhầm số")

    assert met.status_code == 412
    assert re.search(r'value="mine" checked> 69', met.text)
    assert re.search(r'value="theirs"> 98 <span class="quiet">BS\. Phạm Thu Lan', met.text)
    anew = re.search(r'name="_base" value="(\d+)"', met.text)
    assert anew is not None
    more = {"_pick.vitals.pulse": "theirs", "_reason": "Nhầm số"}
    done = await desk.send({**TYPED, "vitals.pulse": "69", "plan": "Nghỉ ngơi"}, base=anew[1], **more)
    assert done.status_code == 303
    page = await desk.open()
    assert ">98<" in page
    assert "Nghỉ ngơi" in page


# --- drafts by script ------------------------------------------------------------------------------------------------


async def test_draft__answers_what_follows_and_a_late_step_changes_nothing(ward: Ward) -> None:
    desk = await stay(ward)

    first = await desk.draft({"vitals.pulse": "300", "reason": "Sốt"}, _step="5")
    late = await desk.draft({"reason": "S"}, _step="4")

    told = first.json()
    assert told["notes"]["vitals.pulse"] == ["Ngoài khoảng thường gặp; kiểm tra lại.", False]
    assert "reason" not in told["notes"]
    assert told["hold"]["mine"] is True
    assert late.status_code == 200
    assert 'value="Sốt"' in await desk.open("examination")


@pytest.mark.parametrize(
    "text,kept",
    [
        ("Sốt\x07\x1b[31m cao", "Sốt[31m cao"),
        ("Đau 😷 ngực", "Đau 😷 ngực"),
        ("a\u202eb\u2066c", "a\u202eb\u2066c"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("=cmd|' /C calc'!A0", "=cmd|&#39; /C calc&#39;!A0"),
    ],
)
async def test_draft__odd_text_is_kept_clean_and_shown_as_text(ward: Ward, text: str, kept: str) -> None:
    desk = await stay(ward)

    await desk.draft({"history.illness": text})

    page = await desk.open("examination")
    found = re.search(r'name="history.illness"[^>]*>\n([^<]*)</textarea>', page)
    assert found is not None
    assert found[1] == kept


async def test_draft__two_megabytes_are_kept_and_said_to_be_too_long(ward: Ward) -> None:
    desk = await stay(ward)

    answer = await desk.draft({"history.illness": "a" * 2_000_000})
    done = await desk.send({**TYPED, "history.illness": "a" * 2_000_000})

    assert answer.status_code == 200
    assert answer.json()["notes"]["history.illness"] == ["Dài quá 100.000 ký tự; hãy rút gọn.", True]
    assert done.status_code == 422
    assert (await desk.draft({"history.illness": "ă" * 2_000_000})).status_code == 413


@pytest.mark.parametrize(
    "typed",
    [{"no.such.item": "x"}, {"vitals.pulse.0.x": "1"}, {"reason": "x", "_session": "abc"}, {"reason": "\0"}],
)
async def test_draft__of_no_such_field_or_session_is_refused(ward: Ward, typed: dict[str, str]) -> None:
    desk = await stay(ward)

    assert (await desk.draft(typed)).status_code == 400


async def test_copy__of_an_earlier_entry_is_marked_until_it_was_looked_at(ward: Ward) -> None:
    desk = await stay(ward)
    sheet = f"{STAY}/36-BV2/{desk.sheet}/notes"
    typed = {
        "note.when": "20/11/2026 7:45",
        "note.subjective": "Đỡ ho",
        "note.medicines.0.note.medicines.name": "Paracetamol 500 mg",
    }
    more = {"_act": "complete", "_session": desk.session, "_base": ""}
    assert (await ward.http.post(f"{sheet}/{uuid4()}", data={**typed, **more})).status_code == 303

    fresh = f"{sheet}/{uuid4()}"
    offered = re.search(r'href="([^"]+\?copy=[^"]+)"[^>]*data-copy', (await ward.http.get(fresh)).text)
    assert offered is not None
    page = (await ward.http.get(offered[1])).text

    assert "Đỡ ho</textarea>" in page
    assert 'value="Paracetamol 500 mg"' in page
    assert re.search(r'class="[^"]*copied"[^>]*data-item="note.subjective"', page)
    assert "Đã chép từ tờ của BS. Phạm Thu Lan" in page


async def test_cover__another_begins_with_what_both_ask(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)

    changed = await ward.http.post(f"{desk.at}/_cover", data={"form": "01-BV1"})
    page = (await ward.http.get(f"{changed.headers['location']}/examination")).text
    stopped = await ward.http.post(f"{desk.at}/_stop", data={"reason": "Đổi sang bệnh án nội khoa"})

    assert "/01-BV1/" in changed.headers["location"]
    assert "Sốt cao 3 ngày" in page
    assert stopped.status_code == 303
    assert "ngừng dùng" in await desk.open()
    assert (await ward.http.post(f"{desk.at}/_stop", data={"reason": " "})).status_code == 400


async def test_phrases__are_kept_offered_and_deleted(ward: Ward) -> None:
    await stay(ward)
    kept = await ward.http.post(
        "/forms/phrases", data={"short": "sot", "words": "Người bệnh sốt, đã lau mát"}
    )
    refused = await ward.http.post("/forms/phrases", data={"short": "s o t", "words": "x"})

    assert kept.status_code == 303
    assert refused.status_code == 400
    assert (await ward.http.get("/forms/phrases/_offered?q=so")).json() == [
        ["sot", "Người bệnh sốt, đã lau mát"]
    ]
    number = re.search(r'action="/forms/phrases/(\d+)"', (await ward.http.get("/forms/phrases")).text)
    assert number is not None
    await ward.http.post(f"/forms/phrases/{number[1]}")
    assert (await ward.http.get("/forms/phrases/_offered?q=so")).json() == []


async def test_drawing__is_kept_as_strokes_and_nothing_else(ward: Ward) -> None:
    desk = await stay(ward)
    sheet = f"{STAY}/06-BV2/{desk.sheet}/operation"
    control = {"_session": desk.session}

    await ward.http.post(f"{sheet}/_draft", data={"operation.drawing": "1,2 30,40;5,6", **control})
    drawn = (await ward.http.get(sheet)).text
    wrong = await ward.http.post(f"{sheet}/_draft", data={"operation.drawing": '1,2"/><script>', **control})

    assert '<polyline points="1,2 30,40"/><polyline points="5,6"/>' in drawn
    assert wrong.json()["notes"]["operation.drawing"][1] is True
    assert (
        "<script>" not in (await ward.http.get(sheet)).text.partition('id="part"')[2].partition("</form>")[0]
    )
    assert (await ward.http.get("/forms/art/body.svg")).headers["content-type"] == "image/svg+xml"
    assert (await ward.http.get("/forms/art/..%2Fbody.svg")).status_code == 404


async def test_hold__is_of_the_first_page_and_handed_over_after_the_warning(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.draft({"reason": "Sốt"})
    other = Desk(ward.http, desk.sheet)

    async def hold(who: Desk, act: str = "") -> dict[str, object]:
        answer = await ward.http.post(
            f"{who.at}/examination/_hold", data={"_session": who.session, "_act": act}
        )
        assert answer.status_code == 200
        found: dict[str, object] = answer.json()["hold"]
        return found

    assert "đang viết phần này từ" in (await ward.http.get(f"{other.at}/examination")).text
    assert (await hold(other))["mine"] is False
    assert (await hold(other, "want"))["mine"] is False
    warned = await hold(desk)
    assert warned["mine"] is True
    assert warned["waiting"] == "BS. Phạm Thu Lan"
    async with ward.owner() as tx:
        await tx.execute("UPDATE record.form_hold SET wanted_at = wanted_at - interval '31 s'")
    assert (await hold(other))["mine"] is True
    assert (await hold(desk))["mine"] is False
