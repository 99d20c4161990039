"""Paper through the real door: sheets, stays and blank forms as PDF, and what a print says of itself."""

from __future__ import annotations

import io
import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pikepdf
import pypdfium2
import pytest

from acceptance.forms import STAY, TYPED, stay
from watch import Recording

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

VERIFY = re.compile(r"Kiểm tra:\s*(\S+/verify/[0-9a-f-]{36})")


def text(answer: httpx.Response) -> str:
    """The words of a PDF, page after page."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(answer.content) as pdf:
        return "\n".join(page.get_textpage().get_text_bounded() for page in pdf)


async def test_sheet__prints_what_was_written_with_its_data_inside(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)

    answer = await ward.http.get(f"{desk.at}/print.pdf")

    words = text(answer)
    assert "NGUYỄN THỊ THỬ" in words
    assert "Sốt cao 3 ngày" in words
    assert "38,5" in words
    assert "BS. Phạm Thu Lan" in words
    with pikepdf.open(io.BytesIO(answer.content)) as pdf:
        bundle = json.loads(pdf.attachments["hsba.json"].get_file().read_bytes())
    kept = {one["resource"]["resourceType"] for one in bundle["entry"]}
    assert kept == {"QuestionnaireResponse"}
    assert "Sốt cao 3 ngày" in json.dumps(bundle, ensure_ascii=False)


async def test_sheet__that_was_not_begun_shows_what_the_record_knows(ward: Ward) -> None:
    desk = await stay(ward)

    words = text(await ward.http.get(f"{desk.at}/print.pdf"))

    assert "NGUYỄN THỊ THỬ" in words
    assert "Sốt" not in words


async def test_print__is_marked_and_anybody_may_ask_what_it_is(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)
    answer = await ward.http.get(f"{desk.at}/print.pdf")
    words = text(answer)
    assert "Bản chuyển đổi từ bản điện tử" in words
    assert "Người in: BS. Phạm Thu Lan" in words
    asked = VERIFY.search(words)
    assert asked is not None
    ward.http.cookies.clear()

    page = await ward.http.get(asked[1])

    assert page.status_code == 200, page.text
    assert "17/BV1 Bệnh án dùng cho tuyến xã, phường" in page.text
    assert sha256(answer.content).hexdigest() in page.text
    assert "BS. Phạm Thu Lan" in page.text
    assert "Thử" not in page.text
    assert "Sốt" not in page.text


async def test_verify__a_number_that_was_never_printed_is_said_to_be_unknown(ward: Ward) -> None:
    await stay(ward, login=False)

    page = await ward.http.get("/verify/00000000-0000-4000-8000-000000000000")

    assert page.status_code == 404
    assert "giấy có thể bị làm giả" in page.text


async def test_stay__prints_whole_with_a_table_of_contents(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)
    begun = await ward.http.post(STAY, data={"form": "36-BV2"})
    await ward.http.post(
        begun.headers["location"],
        data={
            "diagnosis.current": "Viêm họng cấp",
            "_act": "complete",
            "_session": desk.session,
            "_base": "",
        },
    )

    words = text(await ward.http.get(f"{STAY}/print.pdf"))

    assert words.index("MỤC LỤC") < words.index("17/BV1") < words.index("Sốt cao 3 ngày")
    assert words.index("Sốt cao 3 ngày") < words.index("Viêm họng cấp")


async def test_blank__is_empty_unmarked_and_says_how_sure_the_form_is(ward: Ward) -> None:
    await stay(ward)

    words = text(await ward.http.get("/forms/17-BV1/blank.pdf"))
    guessed = text(await ward.http.get("/forms/37-BV2/blank.pdf"))

    assert "Lý do vào trạm:" in words
    assert "Bản chuyển đổi" not in words
    assert "Mẫu dựng lại" not in words
    assert "Mẫu dựng lại" in guessed
    assert (await ward.http.get("/forms/99-XX/blank.pdf")).status_code == 404


async def test_print__leaves_a_line_about_the_patient(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)

    await ward.http.get(f"{desk.at}/print.pdf")

    trail = ward.services.trail
    assert isinstance(trail, Recording)
    about = [subjects for act, subjects in trail.lines if act == "print"]
    assert len(about) == 1
    assert "Patient/p1" in about[0]


@pytest.mark.parametrize(
    "path", [f"{STAY}/17-BV1/{'0' * 8}-0000-4000-8000-{'0' * 12}/print.pdf", f"{STAY}/print.pdf"]
)
async def test_print__is_for_who_may_see_the_patient_only(ward: Ward, path: str) -> None:
    await stay(ward, "insurance-clerk")

    assert (await ward.http.get(path)).status_code in (403, 404)
    ward.http.cookies.clear()
    assert (await ward.http.get(path)).status_code == 303


async def test_print__of_another_patients_stay_is_not_found(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)

    answer = await ward.http.get(f"/patients/p2/encounters/e1/sheets/17-BV1/{desk.sheet}/print.pdf")

    assert answer.status_code == 404


async def test_print__names_the_patient_in_no_address_and_no_file_name(ward: Ward) -> None:
    desk = await stay(ward)
    await desk.send(TYPED)

    answer = await ward.http.get(f"{desk.at}/print.pdf")

    assert answer.headers["content-disposition"] == 'inline; filename="17-BV1.pdf"'
    assert answer.headers["cache-control"] == "no-store"


async def test_tags__say_who_the_patient_is_and_leave_a_line(ward: Ward) -> None:
    await stay(ward)

    band = text(await ward.http.get("/patients/p1/encounters/e1/wristband.pdf"))
    labels = text(await ward.http.get("/patients/p1/encounters/e1/label.pdf?copies=2"))

    assert "NGUYỄN THỊ THỬ" in band
    assert labels.count("NGUYỄN THỊ THỬ") == 2
    trail = ward.services.trail
    assert isinstance(trail, Recording)
    assert [subjects for act, subjects in trail.lines if act == "print"] == [
        {"Patient/p1", "wristband"}, {"Patient/p1", "label"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["e1/label.pdf?copies=0", "e1/label.pdf?copies=999", "e1/label.pdf?copies=x", "e2/label.pdf"]
)
async def test_tags__too_many_or_of_another_patient_are_refused(ward: Ward, path: str) -> None:
    await stay(ward)

    assert (await ward.http.get(f"/patients/p1/encounters/{path}")).status_code in (400, 404)
