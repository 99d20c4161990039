"""Sheets made into PDF/A-3b by Typst, with their data inside.

One compiler is kept in each process: it holds the fonts and what it has drawn before. Letters that the font has not,
control characters and marks that turn the direction of writing never reach it.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

import typst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

PAPER = resources.files("hsba") / "documents" / "paper"
FONTS = resources.files("hsba") / "definitions" / "fonts"
WORDS = {"page": "Trang", "reconstructed": "Mẫu dựng lại từ mô tả, chưa đối chiếu bản in chính thức"}
MISSING = "□"
LONGEST_WORD = 60
"""Characters without a space after which a word may be broken."""
BREAK = "\u200b"
EVICT_AFTER = 20


@cache
def compiler() -> typst.Compiler:
    """The one compiler of this process."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    return typst.Compiler(
        str(PAPER / "sheet.typ"), root=str(PAPER), font_paths=fonts, ignore_system_fonts=True
    )


def render(sheets: Sequence[Mapping[str, Any]], *, at: datetime, title: str = "") -> bytes:
    """The sheets as one PDF/A-3b."""
    given = {
        "sheets": sheets, "title": title or sheets[0]["name"], "author": "", "keywords": [], "mark": None,
        "practice": False, "words": WORDS, "files": [],
    }  # fmt: skip
    made = compiler().compile(
        sys_inputs={"print": json.dumps(clean(given), ensure_ascii=False)},
        format="pdf", pdf_standards="a-3b", timestamp=int(at.timestamp()), pdf_tags=False,
    )  # fmt: skip
    return cast("bytes", made)  # one file: only pictures come page by page


def clean(value: Any) -> Any:
    """The same tree with every text fit for paper."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items()}
    return [clean(one) for one in value] if isinstance(value, list | tuple) else value


def printable(text: str) -> str:
    """Text with the letters that the font has, composed, and with places to break words that are too long for a line."""
    if text.isascii() and text.isprintable() and len(text) < LONGEST_WORD:
        return text
    known = letters()
    made = "".join(_letter(one, known) for one in unicodedata.normalize("NFC", text))
    return " ".join(_broken(word) for word in made.split(" "))


def _letter(one: str, known: frozenset[int]) -> str:
    if ord(one) in known:
        return one
    match unicodedata.category(one):
        case "Zs" | "Zl" | "Zp" | "Cc":
            return " "
        case "Cf" | "Mn" | "Me" | "Cs" | "Cn":
            return ""
        case _:
            return MISSING


def _broken(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    return BREAK.join(word[at : at + LONGEST_WORD // 3] for at in range(0, len(word), LONGEST_WORD // 3))


@cache
def letters() -> frozenset[int]:
    """What the font can draw: its character map of format 4 (OpenType cmap)."""
    data = (FONTS / "LiberationSerif-Regular.ttf").read_bytes()
    count = struct.unpack_from(">H", data, 4)[0]
    tables = (struct.unpack_from(">4sLLL", data, 12 + 16 * at) for at in range(count))
    start = next(offset for tag, _, offset, _ in tables if tag == b"cmap")
    maps = [
        struct.unpack_from(">HHL", data, start + 4 + 8 * at)
        for at in range(struct.unpack_from(">H", data, start + 2)[0])
    ]
    at = start + next(offset for platform, encoding, offset in maps if (platform, encoding) == (3, 1))
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends = struct.unpack_from(f">{segments}H", data, at + 14)
    starts = struct.unpack_from(f">{segments}H", data, at + 16 + 2 * segments)
    found = {code for low, high in zip(starts, ends, strict=True) for code in range(low, high + 1)}
    return frozenset(
        code
        for code in found
        if code >= ord(" ") and unicodedata.category(chr(code)) not in ("Cf", "Co", "Cn")
    )
