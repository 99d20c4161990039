"""The pages of blank covers: the front is one page with its signatures, and no page is left for signatures alone."""

from __future__ import annotations

import re
from functools import cache

import pypdfium2
import pytest

import golden_prints as golden
from hsba.documents.order import Order
from hsba.documents.render import render
from hsba.forms import catalogue, paper

COVERS = {slug: form for slug, form in catalogue.forms().items() if form.kind == "cover"}
FOOT = re.compile(r"^(Ngày tháng năm|Họ và tên:.*|.*· Trang \d+/\d+|Mẫu dựng lại.*|\(.*\))$")
"""Lines of a place to sign and of the foot of a page."""


@cache
def pages(slug: str) -> list[str]:
    with pypdfium2.PdfDocument(render(Order((paper.lay(COVERS[slug], {}),), golden.AT))) as found:
        return [page.get_textpage().get_text_bounded() for page in found]


@pytest.mark.parametrize("slug", [slug for slug, form in COVERS.items() if form.part("leaving")])
def test_front__is_one_page_with_its_signatures(slug: str) -> None:
    first, second, *_ = pages(slug)

    assert "Trưởng khoa" in first
    assert "Giám đốc" in first
    assert "TÌNH TRẠNG RA VIỆN" not in second


@pytest.mark.parametrize("slug", COVERS)
def test_cover__no_page_holds_signatures_alone(slug: str) -> None:
    form = COVERS[slug]
    signers = {signer.label for item in form.walk() for signer in item.signers}
    lines = [[line.strip() for line in page.splitlines()] for page in pages(slug)]
    said = [
        [line for line in page if line and line not in signers and not FOOT.match(line)] for page in lines
    ]

    assert [at for at, page in enumerate(said, 1) if not page] == []
