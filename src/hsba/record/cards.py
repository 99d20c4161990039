"""The QR code of a citizen's card (CCCD), as a scanner types it: seven parts between bars, read by their places.

Number, old number, name, birth date (ddmmyyyy), sex, address, day of issue.  Newer cards add parts or leave some empty, so
whatever follows is not looked at.  A scanner types through the keyboard's Vietnamese input: what that broke is a doubt.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from hsba.record import typed

PARTS = 6
"""Bars of a whole line; a card of the first kind has exactly so many."""
FEWEST = 4
"""Bars without which it is not the line of a card."""

SEXES = {"nam": "male", "nữ": "female", "nu": "female"}
CENTURIES = {"0": (1900, "male"), "1": (1900, "female"), "2": (2000, "male"), "3": (2000, "female")}
"""The fourth digit of a number: century of birth and sex (TT 59/2021/TT-BCA Điều 4)."""

NUMBER = re.compile(r"\d{12}")
_NAME = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*")
_TYPED = re.compile(r"\b[a-z]*(?:aa|ee|oo|dd|uw|ow|aw|[a-z][fjwxzsr])\b", re.IGNORECASE)
"""A word that no Vietnamese name has, and that is left when a tone was typed and not understood (Telex)."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says; `doubts` names the parts that somebody should compare with the card itself."""

    number: str
    name: str
    birth: str
    gender: str
    address: str
    issued: str
    doubts: frozenset[str]


def read(line: str) -> Card | None:
    """The card whose line this is; None for anything else that is typed into the box."""
    parts = [
        " ".join("".join(c if c.isprintable() else " " for c in part).split()) for part in line.split("|")
    ]
    if len(parts) <= FEWEST or not NUMBER.fullmatch(parts[0]):
        return None
    parts = [unicodedata.normalize("NFC", part) for part in parts]
    parts += [""] * (PARTS + 1 - len(parts))
    number, _, name, born, sex, address, issued = parts[: PARTS + 1]
    birth, gender = day(born), SEXES.get(sex.casefold(), "")
    doubts = {
        part
        for part, wrong in (
            ("name", not _NAME.fullmatch(name) or _TYPED.search(name) is not None),
            ("birth", not birth),
            ("gender", not gender),
            ("number", bool(mismatch(number, birth, gender))),
        )
        if wrong
    }
    return Card(number, typed.name(name), birth, gender, address, day(issued), frozenset(doubts))


def day(written: str) -> str:
    """`01011980` or `01/01/1980` as `1980-01-01`; empty when it is no day."""
    found = re.fullmatch(r"(\d{2})[/.-]?(\d{2})[/.-]?(\d{4})", written)
    if found is None:
        return ""
    try:
        return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
    except ValueError:
        return ""


def mismatch(number: str, birth: str, gender: str) -> bool:
    """Whether an ID number says another sex or year of birth than these; what is not known is no mismatch."""
    if number[3] not in CENTURIES:
        return False
    century, sex = CENTURIES[number[3]]
    other_year = bool(birth) and int(birth[:4]) != century + int(number[4:6])
    return other_year or (gender in ("male", "female") and gender != sex)
