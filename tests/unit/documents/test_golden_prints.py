"""Each form against its golden print: a word, a box or an order that changes is seen; each print is sound PDF/A-3b."""

from __future__ import annotations

import io
import logging
from functools import cache

import pikepdf
import pytest
from PIL import Image

import golden_prints as golden
from hsba.documents.order import Order
from hsba.documents.render import render
from hsba.forms import catalogue, paper

FORMS = catalogue.forms()
SURE = [pytest.param(slug, id=f"{slug}-{form.confidence}") for slug, form in FORMS.items()]
ANEW = "look at it, then .venv/bin/python scripts/goldens {slug}"


@cache
def pdf(slug: str) -> bytes:
    return golden.made(FORMS[slug])


@pytest.mark.parametrize("slug", SURE)
def test_print__has_the_words_of_its_golden_print(slug: str) -> None:
    expected = (golden.FOLDER / f"{slug}.txt").read_text("utf-8")

    assert golden.words(pdf(slug)) == expected, ANEW.format(slug=slug)


@pytest.mark.parametrize("slug", SURE)
def test_print__looks_like_its_golden_print(slug: str) -> None:
    expected = Image.open(golden.FOLDER / f"{slug}.png").convert("L")

    assert golden.differs(golden.picture(pdf(slug)), expected) == [], ANEW.format(slug=slug)


@pytest.mark.parametrize("slug", SURE)
def test_print__is_sound_and_says_pdf_a_3b(slug: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        content = golden.made(FORMS[slug])

    assert not caplog.records
    with pikepdf.open(io.BytesIO(content)) as found:
        assert found.check_pdf_syntax() == []
        with found.open_metadata() as meta:
            assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("3", "B")
        assert found.Root.OutputIntents[0].S == pikepdf.Name.GTS_PDFA1
        assert not found.is_encrypted
        for font in _fonts(found):
            assert "/FontFile2" in font or "/FontFile3" in font


@pytest.mark.parametrize(
    "slug", [slug for slug, form in FORMS.items() if form.kind == "cover" and paper.lay(form, {})["front"]]
)
def test_cover__its_front_with_the_signatures_of_the_heads_is_one_page(slug: str) -> None:
    blank = render(Order((paper.lay(FORMS[slug], {}),), golden.AT))

    pages = golden.words(blank).split("\f")

    heads = [
        at for at, page in enumerate(pages) if "giám đốc" in page.lower() or "trưởng khoa" in page.lower()
    ]
    assert heads == [0]


def test_golden__there_is_none_without_a_form() -> None:
    assert {one.stem for one in golden.FOLDER.iterdir()} == set(FORMS)


def test_differs__sees_one_square_that_was_ticked() -> None:
    one = golden.picture(pdf("17-BV1"))
    other = one.copy()
    other.paste(0, (40, 40, 43, 43))

    assert golden.differs(one, one) == []
    assert golden.differs(one, other) == [(40, 40)]


def _fonts(found: pikepdf.Pdf) -> list[pikepdf.Object]:
    return [
        one
        for one in found.objects
        if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"
    ]
