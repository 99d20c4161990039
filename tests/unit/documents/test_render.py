"""What people write, whatever it is, does not break the page; nothing of it is lost."""

from __future__ import annotations

import base64
import io
import re
import zlib
from dataclasses import replace
from typing import Any

import pikepdf
import pypdfium2
import pytest

import golden_prints as golden
from hsba.documents import pictures
from hsba.documents.letters import printable
from hsba.documents.order import Attached, Mark, Order
from hsba.documents.render import TooMuchToPrint, render
from hsba.forms import catalogue, paper
from hsba.forms.model import Form, Item, Part
from hsba.forms.paper import Written

COMMUNE = catalogue.forms()["17-BV1"]


FOOT = re.compile(r"17/BV1 · Trang \d+/\d+")


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as found:
        return [page.get_textpage().get_text_bounded() for page in found]


def printed(answers: dict[str, Any], form: Form = COMMUNE, **more: Any) -> list[str]:
    node = paper.lay(form, {part.id: [Written(answers)] for part in form.parts})
    return pages(render(Order((node,), golden.AT, **more)))


def widest(pdf: bytes) -> float:
    """How far right the letters of any page reach, as a share of it."""
    with pypdfium2.PdfDocument(pdf) as found:
        reach: list[float] = [
            page.get_textpage().get_charbox(at)[2] / page.get_width()
            for page in found
            for at in range(page.get_textpage().count_chars())
        ]
    return max(reach)


def test_render__a_long_text_goes_on_over_pages_and_is_whole() -> None:
    sentences = [f"Câu thứ {number} của bệnh sử." for number in range(1500)]

    found = printed({"history.illness": " ".join(sentences)})

    words = " ".join(" ".join(FOOT.sub("", page) for page in found).split())
    assert len(found) > 8
    assert all(f"Câu thứ {number} của" in words for number in range(1500))
    assert all(f"Trang {at}/{len(found)}" in page for at, page in enumerate(found, 1))


@pytest.mark.parametrize("item", ["reason", "person.occupation", "diagnosis.main", "vitals.pulse"])
def test_render__a_long_text_in_a_short_field_is_whole(item: str) -> None:
    said = " ".join(f"từ{number}" for number in range(2500))

    found = printed({item: {"code": "J18.9", "display": said} if item == "diagnosis.main" else said})

    words = " ".join(" ".join(found).split())
    assert "từ0 " in words
    assert "từ2499" in words


def test_render__two_megabytes_are_paged_and_more_is_refused() -> None:
    assert len(printed({"history.illness": "bệnh " * 20_000})) > 20
    with pytest.raises(TooMuchToPrint):
        printed({"history.illness": "bệnh " * 1_000_000})


def test_render__a_word_without_end_stays_on_the_page() -> None:
    node = paper.lay(
        COMMUNE, {"examination": [Written({"history.illness": "W" * 3000, "reason": "M" * 500})]}
    )

    assert widest(render(Order((node,), golden.AT))) < 0.98


@pytest.mark.parametrize(
    "typed, shown",
    [
        ("Sốt\x00\x07 cao\x1b[31m", "Sốt cao[31m"),
        ("đau 😀 bụng", "đau □ bụng"),
        ("a\u202eb\u2066c\u200f", "abc"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("العربية", "□□□□□□□"),
        ("một\u2028hai\tba", "một hai ba"),
        ("\ud800 lẻ", " lẻ"),
        ('#image("x") $x$ *b* _i_ @ref <l> \\ `c`', '#image("x") $x$ *b* _i_ @ref <l> \\ `c`'),
    ],
    ids=["control", "emoji", "direction", "composed", "arabic", "separators", "surrogate", "markup"],
)  # fmt: skip
def test_printable__only_what_the_font_has_reaches_the_paper(typed: str, shown: str) -> None:
    assert printable(typed) == shown
    assert shown.strip() in " ".join(printed({"reason": typed})[0].split())


def test_render__what_is_attached_is_as_it_was() -> None:
    data = '{"resourceType":"Bundle","text":"😀\\u0000 \u202e"}'
    node = paper.lay(COMMUNE, {})

    pdf = render(Order((node,), golden.AT, files=(Attached("hsba.json", data),)))

    with pikepdf.open(io.BytesIO(pdf)) as found:
        one = found.attachments["hsba.json"]
        assert one.get_file().read_bytes().decode() == data
        assert one.get_file().mime_type == "application/fhir+json"
        assert found.Root.AF[0].AFRelationship == pikepdf.Name.Data


def test_render__practice_and_mark_stand_on_every_page() -> None:
    mark = Mark(
        ("Bản chuyển đổi từ bản điện tử", "In lúc …"),
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>",
    )

    found = printed({}, mark=mark, practice=True)

    assert all("DỮ LIỆU TẬP" in page and "Bản chuyển đổi" in page for page in found)
    assert not any("DỮ LIỆU TẬP" in page for page in printed({}))


def test_lay__english_stands_beside_where_the_form_has_it() -> None:
    item = Item("reason", "text", label="Lý do", en="Reason")
    form = replace(COMMUNE, parts=(Part("one", "", (item,)),))

    both = pages(render(Order((paper.lay(form, {}, bilingual=True),), golden.AT)))

    assert "Lý do / Reason" in both[0]
    assert "Reason" not in printed({}, form)[0]


# --- drawings --------------------------------------------------------------------------------------------


def drawing(data: bytes | str, type_: str = "image/png") -> list[str]:
    form = replace(COMMUNE, parts=(Part("one", "", (Item("figure", "drawing", label="Hình vẽ", lines=6),)),))
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    return printed({"figure": {"contentType": type_, "data": text}}, form)


def png(width: int, height: int, body: bytes | None = None) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    rows = zlib.compress((b"\x00" + b"\x80" * width) * height) if body is None else body
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_drawing__is_printed() -> None:
    assert pictures.LEFT_OUT not in drawing(png(40, 30))[0]


@pytest.mark.parametrize(
    "data, type_",
    [
        (png(20_000, 10_000, b""), "image/png"),
        (png(40, 30)[:60], "image/png"),
        (png(40, 30, b"no zlib"), "image/png"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        ("not base64!", "image/png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>", "image/svg+xml"),
        (b"<!DOCTYPE svg [<!ENTITY a 'aaaa'>]><svg>&a;</svg>", "image/svg+xml"),
        (b"<svg", "image/svg+xml"),
    ],
    ids=["200 megapixels", "cut", "broken", "jpeg", "gif", "text", "outside", "entities", "no svg"],
)  # fmt: skip
def test_drawing__that_cannot_be_drawn_is_left_out_and_said_so(data: bytes | str, type_: str) -> None:
    found = drawing(data, type_)

    assert pictures.LEFT_OUT in found[0]
    assert "Hình vẽ" in found[0]
