"""Hours of the week in which a right holds: `mon-fri 07:00-17:00; sat 07:00-11:30; sun 22:00-06:00`.

Days are those of FHIR (`mon` to `sun`), times those of the keeper's zone.  A span that ends before it begins goes over
midnight and belongs to the day it begins on, as night duty does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NIGHT = timedelta(days=1)

_SPAN = re.compile(r"([a-z,-]+) (\d\d:\d\d)-(\d\d:\d\d)\Z")


class BadHours(BadRequest):
    """These are no hours of the week; write them like “mon-fri 07:00-17:00; sat 22:00-06:00”. Nothing was changed."""

    code = "value"
    vi = "Không đọc được khung giờ; viết như “mon-fri 07:00-17:00; sat 22:00-06:00”. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Span:
    """On these days from one time to another, in minutes of the day."""

    days: frozenset[int]
    first: int
    last: int

    def holds(self, at: datetime) -> bool:
        """Whether a wall clock's time lies in it."""
        minute = at.hour * 60 + at.minute
        if self.first < self.last:
            return at.weekday() in self.days and self.first <= minute < self.last
        begun = at.weekday() in self.days and minute >= self.first
        return begun or ((at - NIGHT).weekday() in self.days and minute < self.last)


def read(text: str) -> tuple[Span, ...]:
    """Hours from their text; raises BadHours."""
    return tuple(_span(part.strip().lower(), text) for part in text.split(";"))


@lru_cache(maxsize=1000)
def _read(text: str) -> tuple[Span, ...] | None:
    try:
        return read(text)
    except BadHours:
        return None


def hold(text: str | None, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a right with these hours holds now: always without any, never where they cannot be read."""
    if text is None:
        return True
    spans = _read(text)
    return spans is not None and within(spans, now, zone)


def within(spans: tuple[Span, ...], now: datetime, zone: ZoneInfo) -> bool:
    """Whether now lies in one of the spans, by the clock on the wall."""
    at = now.astimezone(zone)
    return any(span.holds(at) for span in spans)


def available(times: Any) -> tuple[Span, ...] | None:
    """The spans of `PractitionerRole.availableTime`; None where one of them cannot be read."""
    if not isinstance(times, list):
        return None
    found = []
    for one in times:
        try:
            days = frozenset(DAYS.index(day) for day in one.get("daysOfWeek", DAYS))
            if one.get("allDay"):
                found.append(Span(days, 0, 24 * 60))
            else:
                found.append(
                    Span(days, _minute(one["availableStartTime"][:5]), _minute(one["availableEndTime"][:5]))
                )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
    return tuple(found)


def _span(part: str, text: str) -> Span:
    found = _SPAN.match(part)
    try:
        if found is None:
            raise ValueError(part)
        first, last = _minute(found[2]), _minute(found[3])
        if first == last:
            raise ValueError(part)
        return Span(_days(found[1]), first, last)
    except ValueError as problem:
        raise BadHours(f"“{text[:200]}”") from problem


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start = DAYS.index(first)
        end = DAYS.index(last or first)
        days.update(number % 7 for number in range(start, end + 1 if end >= start else end + 8))
    return frozenset(days)


def _minute(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:5])
    if text[2:3] != ":" or minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise ValueError(text)
    return hours * 60 + minutes
