"""Dates of different precision, compared as far as they can be (FHIRPath 2.0 §6.2, partial dates)."""

from __future__ import annotations

import datetime as dt
import re

_parts = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?)?)?)?"
).fullmatch


def not_after(start: object, end: object) -> bool:
    """Whether start ≤ end, or the two cannot be compared for certain."""
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if len(start) == len(end) and start[10:] == end[10:]:
        return start <= end
    first, second = _read(start), _read(end)
    if first is None or second is None:
        return True
    if isinstance(first, dt.datetime) and isinstance(second, dt.datetime):
        return first <= second
    shared = min(len(start), len(end), 10)
    return start[:shared] <= end[:shared]


def _read(text: str) -> dt.datetime | str | None:
    """A moment when it is precise enough, the text when it is only a date, None when it is neither."""
    match = _parts(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if hour is None or zone is None:
        return text
    offset = dt.timedelta(0) if zone == "Z" else dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    try:
        moment = dt.datetime(
            int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=dt.UTC
        ) + dt.timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
        return moment + offset if zone[0] == "-" else moment - offset
    except (ValueError, OverflowError):
        return None
