"""Sheets made into PDF/A-3b by Typst, with their data inside.

Step 1 every text is made fit for paper - step 2 pictures are read - step 3 Typst draws (`paper/sheet.typ`).  One compiler
is kept in each process: it holds the fonts, and what it has drawn before.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
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

PAPER = resources.files("hsba") / "documents" / "paper"
FONTS = resources.files("hsba") / "definitions" / "fonts"
WORDS = {
    "page": "Trang",
    "contents": "MỤC LỤC",
    "practice": "DỮ LIỆU TẬP",
    "reconstructed": "Mẫu dựng lại từ mô tả, chưa đối chiếu với bản in chính thức",
}
MOST = 4_000_000
"""Characters of all texts of one print: some thousand pages."""

Node = dict[str, Any]


class TooMuchToPrint(TooLarge):
    """There is too much text for one print; nothing was printed. Print fewer sheets at a time."""

    vi = "Quá nhiều chữ cho một lần in; chưa in gì. Hãy in ít tờ hơn mỗi lần."


@dataclass(frozen=True, slots=True)
class Mark:
    """What a print of an electronic record says at the foot of each page: lines, and a QR code as SVG."""

    lines: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside the PDF."""

    name: str
    data: str
    type: str = "application/fhir+json"
    relationship: str = "data"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What to print: sheets as `forms.paper` laid them out, and what is said and put in beside."""

    sheets: tuple[Node, ...]
    at: datetime
    title: str = ""
    mark: Mark | None = None
    practice: bool = False
    contents: bool = False
    files: tuple[Attached, ...] = field(default=())


@cache
def compiler() -> typst.Compiler:
    """The one compiler of this process."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    return typst.Compiler(
        str(PAPER / "sheet.typ"), root=str(PAPER), font_paths=fonts, ignore_system_fonts=True
    )


def render(order: Order) -> bytes:
    """The order as one PDF/A-3b; a picture that cannot be drawn is left out, and the paper says so."""
    sheets = clean(order.sheets)
    given = {
        "sheets": pictures.drawn(sheets), "title": printable(order.title or order.sheets[0]["name"]),
        "mark": {"lines": clean(order.mark.lines), "code": order.mark.code} if order.mark else None,
        "practice": order.practice, "contents": order.contents, "words": WORDS,
        "files": [{"name": one.name, "data": one.data, "type": one.type, "relationship": one.relationship, "description": one.description} for one in order.files],
    }  # fmt: skip
    try:
        return _compile(given, order.at)
    except typst.TypstError:
        if given["sheets"] == (without := pictures.left_out(sheets)):
            raise
        return _compile({**given, "sheets": without}, order.at)


def _compile(given: Mapping[str, Any], at: datetime) -> bytes:
    text = json.dumps(given, ensure_ascii=False)
    if len(text) > MOST + sum(len(one["data"]) for one in given["files"]) + pictures.size(given["sheets"]):
        raise TooMuchToPrint
    made = compiler().compile(
        sys_inputs={"print": text},
        format="pdf",
        pdf_standards="a-3b",
        timestamp=int(at.timestamp()),
        pdf_tags=False,
    )
    return cast("bytes", made)  # one file: only pictures come page by page


def clean(value: Any) -> Any:
    """The same tree with every text fit for paper."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: one if key == "drawn" else clean(one) for key, one in value.items()}
    return [clean(one) for one in value] if isinstance(value, list | tuple) else value


def named(text: str) -> str:
    """A file's name out of a form's code."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-") or "phieu"
