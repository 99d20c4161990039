"""The pages of blank covers: the front is one page with its signatures, and no page is left for signatures alone."""

from __future__ import annotations

from functools import cache

import pypdfium2
import pytest

import golden_prints as golden
from hsba.documents.order import Order
from hsba.documents.render import render
from hsba.forms import catalogue, paper

COVERS = {slug: form for slug, form in catalogue.forms().items() if form.kind == "cover"}
SCARCE = 200
"""Letters of a page that has nothing but its foot, a date and places to sign."""


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
    scarce = [at for at, page in enumerate(pages(slug), 1) if "Họ và tên" in page and len(page) < SCARCE]

    assert scarce == []
