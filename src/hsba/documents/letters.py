"""Which letters can be printed: those of the font; others become a square, and what is no letter goes.

Marks that turn the direction of writing never reach the paper: with them a text shows what it does not say.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from importlib import resources

FONT = resources.files("hsba") / "definitions" / "fonts" / "LiberationSerif-Regular.ttf"
MISSING = "□"
LONGEST_WORD = 40
"""Characters without a space after which a word may be broken."""
PIECE = 12
BREAK = "\u200b"
GONE = frozenset({"Cf", "Mn", "Me", "Mc", "Cs", "Cn", "Sk"})
"""Categories that print nothing by themselves, where the font has no letter for them."""


def printable(text: str, *, broken: bool = True) -> str:
    """Text with the letters that the font has, composed, and with places to break words too long for a line."""
    if len(text) < LONGEST_WORD and text.isascii() and text.isprintable():
        return text
    known = letters()
    made = "".join(one if ord(one) in known else _instead(one) for one in unicodedata.normalize("NFC", text))
    return (
        made
        if len(made) < LONGEST_WORD or not broken
        else " ".join(_broken(word) for word in made.split(" "))
    )


def _instead(one: str) -> str:
    category = unicodedata.category(one)
    if category[0] == "Z" or one in "\n\t\r":
        return " "
    return "" if category in GONE or category == "Cc" else MISSING


def _broken(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    return BREAK.join(word[at : at + PIECE] for at in range(0, len(word), PIECE))


@cache
def letters() -> frozenset[int]:
    """What the font can draw: its character map for Unicode's first plane (OpenType cmap, format 4)."""
    data = FONT.read_bytes()
    tables = struct.unpack_from(">H", data, 4)[0]
    named = (struct.unpack_from(">4sLLL", data, 12 + 16 * at) for at in range(tables))
    start = next(offset for tag, _, offset, _ in named if tag == b"cmap")
    count = struct.unpack_from(">H", data, start + 2)[0]
    maps = (struct.unpack_from(">HHL", data, start + 4 + 8 * at) for at in range(count))
    at = start + next(offset for platform, encoding, offset in maps if (platform, encoding) == (3, 1))
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends = struct.unpack_from(f">{segments}H", data, at + 14)
    starts = struct.unpack_from(f">{segments}H", data, at + 16 + 2 * segments)
    found = {code for low, high in zip(starts, ends, strict=True) for code in range(low, high + 1)}
    return frozenset(
        code for code in found if unicodedata.category(chr(code)) not in {"Cc", "Cf", "Co", "Cn", "Cs"}
    )
