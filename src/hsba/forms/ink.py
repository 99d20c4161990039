"""Answers as they stand on paper: lines of runs, and characters in digit boxes.

A run is `[kind, text]`: `ink` was written, `print` stands on the paper, `gap` is room left free (so many digits wide),
`page` is the number of the page.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.forms.typed import Wrong, decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from hsba.forms.model import Item

Line = list[list[str]]

EMPTY: tuple[Any, ...] = (None, "", [], {}, ())
DAY = len("2026-11-23")
PAGE = "sheet.page"
"""The fact that only the paper knows."""


def lines(item: Item, answer: Any, zone: ZoneInfo) -> list[Line]:
    """The lines of an answer, with the words that the paper prints between its pieces."""
    if item.source == PAGE:
        return [[["page", ""]]]
    if item.kind in PIECES and not isinstance(answer, Wrong):
        return [PIECES[item.kind](item, answer, zone)]
    if answer in EMPTY:
        return []
    text = plain(answer)
    return [
        [["ink", line]] if line.strip() else []
        for line in (text.upper() if item.upper else text).splitlines()
    ]


def joined(item: Item, answers: Mapping[str, Any]) -> Line:
    """The answers of a group that is written as one, such as 120/80."""
    runs: Line = []
    for child in item.items:
        answer = answers.get(child.id)
        runs += [
            *([["print", item.separator]] if runs else []),
            _ink("" if answer in EMPTY else plain(answer), "3"),
        ]
    return runs


def plain(answer: Any) -> str:
    """An answer in words, numbers with the comma of Vietnamese."""
    match answer:
        case None:
            return ""
        case bool():
            return "x" if answer else ""
        case Decimal() | float() | int():
            return decimal(answer)
        case list() | tuple():
            return "; ".join(plain(one) for one in answer)
        case dict():
            return str(answer.get("display") or answer.get("code") or "")
        case Wrong():
            return answer.typed
        case _:
            return str(answer)


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """A time as a row is marked with it."""
    return f"{at.astimezone(zone):%H:%M %d/%m/%Y}" if at else ""


def boxed(item: Item, answer: Any) -> list[list[str]]:
    """An answer in the digit boxes of its item."""
    if item.kind == "date":
        pieces = [*str(answer or "").split("-"), "", "", ""][:3]
        text = "".join(piece.rjust(room) for piece, room in zip(reversed(pieces), (2, 2, 4), strict=True))
        return cells(text, item.boxes)
    said = plain(answer)
    return cells(said.rjust(sum(item.boxes)) if item.kind == "integer" else said, item.boxes)


def cells(signs: Sequence[str], boxes: tuple[int, ...]) -> list[list[str]]:
    """One sign in each box, group by group; the last group grows for what does not fit, and nothing is cut."""
    made, at = [], 0
    for place, size in enumerate(boxes):
        end = max(len(signs), at + size) if place == len(boxes) - 1 else at + size
        here = [one.strip() for one in signs[at:end]]
        made.append(here + [""] * (size - len(here)))
        at = end
    return made


def _date(item: Item, answer: Any, _: ZoneInfo) -> Line:
    year, month, day = [*str(answer or "").split("-"), "", "", ""][:3]
    between = ("tháng", "năm") if item.label.rstrip().endswith("ngày") else ("/", "/")
    return [_ink(day, "2"), ["print", between[0]], _ink(month, "2"), ["print", between[1]], _ink(year, "4")]


def _time(_: Item, answer: Any, __: ZoneInfo) -> Line:
    hour, minute = [*str(answer or "").split(":"), "", ""][:2]
    return [_ink(hour, "2"), ["print", "giờ"], _ink(minute, "2"), ["print", "phút"]]


def _instant(item: Item, answer: Any, zone: ZoneInfo) -> Line:
    day = hour = ""
    if answer not in EMPTY:
        at = datetime.fromisoformat(str(answer))
        at = at.astimezone(zone) if at.tzinfo else at
        day, hour = at.date().isoformat(), "" if len(str(answer)) == DAY else f"{at:%H:%M}"
    return [*_time(item, hour, zone), ["print", "ngày"], *_date(item, day, zone)]


PIECES: dict[str, Callable[[Item, Any, ZoneInfo], Line]] = {
    "date": _date,
    "time": _time,
    "datetime": _instant,
}
"""Answers that the paper writes in pieces."""


def _ink(text: str, room: str) -> list[str]:
    return ["ink", text] if text else ["gap", room]
