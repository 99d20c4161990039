"""Wristbands and labels, read by a reader of codes that is not ours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pypdfium2
import pytest
import segno
import zxingcpp

import golden_prints as golden
from hsba.documents.bars import LONGEST, PATTERNS, bars
from hsba.documents.order import Tag, Tags
from hsba.documents.render import tags

if TYPE_CHECKING:
    from PIL import Image


def tag(code: str, name: str = "NGUYỄN THỊ THỬ") -> Tag:
    square = io.BytesIO()
    segno.make(code, error="m", micro=False).save(square, kind="svg", xmldecl=False, border=0)
    return Tag(
        name, "12/05/1959 · Nữ", "Khoa Nội · Giường 05", "Bệnh viện Thử", "DỊ ỨNG: Penicilin", code,
        square.getvalue().decode(), tuple(bars(code)),
    )  # fmt: skip


def drawn(wanted: Tags) -> tuple[list[Image.Image], str]:
    with pypdfium2.PdfDocument(tags(wanted)) as pdf:
        pictures = [page.render(scale=8).to_pil() for page in pdf]
        return pictures, "\n".join(page.get_textpage().get_text_bounded() for page in pdf)


@pytest.mark.parametrize("kind", ["wristband", "label"])
@pytest.mark.parametrize("code", ["24001234", "BN-2024/17", "7"])
def test_tag__both_codes_are_read_as_the_number(kind: str, code: str) -> None:
    (picture,), words = drawn(Tags(tag(code), kind, golden.AT))

    found = {(one.format, one.text) for one in zxingcpp.read_barcodes(picture)}

    assert found == {(zxingcpp.BarcodeFormat.QRCode, code), (zxingcpp.BarcodeFormat.Code128, code)}
    assert "NGUYỄN THỊ THỬ" in words
    assert code in words


def test_tag__of_a_patient_without_number_has_the_square_only() -> None:
    code = "0191e7a0-0000-7000-8000-000000000001"
    (picture,), words = drawn(Tags(tag(code), "label", golden.AT))

    assert [one.text for one in zxingcpp.read_barcodes(picture)] == [code]
    assert code in words


def test_tags__each_copy_is_a_page_and_practice_says_so() -> None:
    pictures, words = drawn(Tags(tag("24001234"), "label", golden.AT, copies=3, practice=True))

    assert len(pictures) == 3
    assert words.count("DỮ LIỆU TẬP") == 3


def test_tag__a_long_name_stays_on_one_page() -> None:
    pictures, words = drawn(
        Tags(tag("24001234", "CÔNG TẰNG TÔN NỮ NGUYỄN THỊ HOÀNG PHƯƠNG THẢO NGUYÊN"), "label", golden.AT)
    )

    assert len(pictures) == 1
    assert "THẢO" in words


def test_bars__every_pattern_is_as_wide_as_the_standard_says() -> None:
    assert {sum(map(int, one)) for one in PATTERNS[:-1]} == {11}
    assert sum(map(int, PATTERNS[-1])) == 13
    assert len(set(PATTERNS)) == 107


@pytest.mark.parametrize("text", ["", "Nguyễn", "x" * (LONGEST + 1), "a\n"])
def test_bars__there_are_none_for_what_cannot_be_read(text: str) -> None:
    assert bars(text) == []
