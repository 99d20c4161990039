"""Forms through the real door, without script: begun, kept, completed, read, refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
