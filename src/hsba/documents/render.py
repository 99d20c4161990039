"""Sheets made into PDF/A-3b by Typst, with their data inside.

Step 1 every text is made fit for paper - step 2 pictures are read - step 3 Typst draws (`paper/sheet.typ`).  One compiler
is kept in each process: it holds the fonts, and what it has drawn before.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

import typst

from hsba.documents import pictures
from hsba.documents.letters import printable
from hsba.fhir.problems import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hsba.documents.order import Mark, Order, Tags

PAPER = resources.files("hsba") / "documents" / "paper"
FONTS = resources.files("hsba") / "definitions" / "fonts"
WORDS = {
    "page": "Trang",
    "contents": "MỤC LỤC",
    "practice": "DỮ LIỆU TẬP",
    "reconstructed": "Mẫu dựng lại từ mô tả, chưa đối chiếu với bản in chính thức",
}
log = logging.getLogger(__name__)
MOST = 4_000_000
"""Characters of all texts of one print: some thousand pages."""


class TooMuchToPrint(TooLarge):
    """There is too much text for one print; nothing was printed. Print fewer sheets at a time."""

    vi = "Quá nhiều chữ cho một lần in; chưa in gì. Hãy in ít tờ hơn mỗi lần."


@cache
def compiler(template: str) -> typst.Compiler:
    """The one compiler of a template in this process."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    return typst.Compiler(str(PAPER / template), root=str(PAPER), font_paths=fonts, ignore_system_fonts=True)


def render(order: Order) -> bytes:
    """The order as one PDF/A-3b; a picture that cannot be drawn is left out, and the paper says so."""
    sheets = clean(order.sheets)
    given = {
        "sheets": pictures.drawn(sheets),
        "title": printable(order.title or order.sheets[0]["name"]),
        "mark": {"lines": [printable(one, broken=False) for one in order.mark.lines], "code": order.mark.code}
        if order.mark
        else None,
        "practice": order.practice,
        "contents": order.contents,
        "words": WORDS,
        "files": [asdict(one) for one in order.files],
    }
    try:
        return _compile(given, order.at)
    except typst.TypstError:
        if given["sheets"] == (without := pictures.left_out(sheets)):
            raise
        return _compile({**given, "sheets": without}, order.at)


def _mark(mark: Mark) -> dict[str, Any]:
    return {"lines": [printable(one, broken=False) for one in mark.lines], "code": mark.code}


def _compile(given: Mapping[str, Any], at: datetime) -> bytes:
    text = json.dumps(given, ensure_ascii=False)
    if len(text) > MOST + sum(len(one["data"]) for one in given["files"]) + pictures.size(given["sheets"]):
        raise TooMuchToPrint
    return _draw("sheet.typ", text, at)


def tags(wanted: Tags) -> bytes:
    """Wristbands or labels as PDF/A-3b."""
    tag = clean({**asdict(wanted.tag), "square": "", "bars": ()})
    given = {
        "tag": {**tag, "square": wanted.tag.square, "bars": wanted.tag.bars}, "kind": wanted.kind, "words": wanted.tag.house,
        "copies": wanted.copies, "practice": wanted.practice, "stripe": WORDS["practice"],
    }  # fmt: skip
    return _draw("tags.typ", json.dumps(given, ensure_ascii=False), wanted.at)


def _draw(template: str, text: str, at: datetime) -> bytes:
    made, warnings = compiler(template).compile_with_warnings(
        sys_inputs={"print": text},
        format="pdf",
        pdf_standards="a-3b",
        timestamp=int(at.timestamp()),
        pdf_tags=False,
    )
    for one in warnings:
        log.warning("typst: %s", one.message)
    return cast("bytes", made)  # one file: only pictures come page by page


def clean(value: Any) -> Any:
    """The same tree with every text fit for paper."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: one if key == "drawn" else clean(one) for key, one in value.items()}
    return [clean(one) for one in value] if isinstance(value, list | tuple) else value
