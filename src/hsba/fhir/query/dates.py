"""Dates of any precision as the span of instants they may mean (FHIR R4 search.html#date, datatypes.html#dateTime)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
"""Stands for an open start; finite, so that the database may subtract it on every version of PostgreSQL."""

END = datetime(9999, 12, 30, tzinfo=UTC)
"""Stands for an open end."""

_LAST = timedelta(microseconds=1)
_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(Z|[+\- ]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)", re.ASCII)
_UP_TO = timedelta(seconds=1) - _LAST


@lru_cache(maxsize=32_768)
def interval(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last instant that a date may mean, in UTC; without an offset it is meant in `zone`.

    Raises ValueError for what is not a FHIR date, dateTime or instant.  A space stands for the plus sign that a careless
    client left unescaped in an address.
    """
    if _USUAL.fullmatch(text):  # what is written most, in a tenth of the time
        try:
            first = datetime.fromisoformat(text).astimezone(UTC)
            return first, first + _UP_TO
        except (ValueError, OverflowError):
            pass  # told apart below
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if year == "0000":
        raise ValueError(text)
    try:
        if hour is None:
            first, after = _day(int(year), month, day, zone)
        else:
            leap = second == "60"
            first = datetime(  # noqa: DTZ001 - the zone is set just below
                int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second or 0)
            )
            first = first.replace(tzinfo=zone) if offset is None else _shifted(first, offset)
            after = _after(first, second, fraction)
            if fraction:
                first += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
                after += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
            if leap:
                first, after = first + timedelta(seconds=1), after + timedelta(seconds=1)
        return first.astimezone(UTC), after.astimezone(UTC) - _LAST
    except OverflowError:
        return (BEGINNING, BEGINNING) if year == "0001" else (END, END)


def _shifted(local: datetime, offset: str) -> datetime:
    if offset == "Z":
        return local.replace(tzinfo=UTC)
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(offset)
    shift = timedelta(hours=hours, minutes=minutes)
    return (local + shift if offset[0] == "-" else local - shift).replace(tzinfo=UTC)


def _day(year: int, month: str | None, day: str | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a year, month or day, and of the one after it."""
    first = datetime(year, int(month or 1), int(day or 1), tzinfo=zone)
    if day is not None:
        after = first + timedelta(days=1)
    elif month is not None:
        after = datetime(year + (month == "12"), int(month) % 12 + 1, 1, tzinfo=zone)
    else:
        after = datetime(year + 1, 1, 1, tzinfo=zone) if year < 9999 else END.astimezone(zone)
    return first, after


def _after(first: datetime, second: str | None, fraction: str | None) -> datetime:
    """The instant after the last one that a time of this precision may mean."""
    # In UTC, so that an hour skipped or repeated by a zone's clock does not stretch the second.
    start = first.astimezone(UTC)
    if second is None:
        return start + timedelta(minutes=1)
    if fraction is None:
        return start + timedelta(seconds=1)
    return start + timedelta(microseconds=10 ** max(0, 6 - len(fraction)))


def period(value: dict[str, object], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The span of a Period; a missing start or end is open."""
    start, end = value.get("start"), value.get("end")
    first = interval(start, zone)[0] if isinstance(start, str) else BEGINNING
    last = interval(end, zone)[1] if isinstance(end, str) else END
    return first, max(first, last)


def timing(value: dict[str, object], zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The outer limits of a Timing, which is all that a search looks at (search.html#date)."""
    spans: list[tuple[datetime, datetime]] = []
    events = value.get("event")
    if isinstance(events, list):
        spans.extend(interval(event, zone) for event in events if isinstance(event, str))
    repeat = value.get("repeat")
    if isinstance(repeat, dict) and isinstance(bounds := repeat.get("boundsPeriod"), dict):
        spans.append(period(bounds, zone))
    if not spans:
        return None
    return min(first for first, _ in spans), max(last for _, last in spans)
