"""The system values of FHIRPath that Python has no type for: dates and times of any precision.

A date, dateTime or time keeps exactly the precision it was written with; comparing two of different precision
may have no answer (FHIRPath N1, sections "Date", "Comparison", "Date/Time Arithmetic").
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from hsba.fhir.fhirpath.problems import Refused
from hsba.fhir.fhirpath.quantities import DEFINITE, Number, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable


_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?", re.ASCII)
_ZONE = re.compile(r"Z|[+-]\d\d:\d\d", re.ASCII)

# Digits that a precision counts for, by the number of parts; a fraction of a second counts 3 more.
_DATE_DIGITS = (0, 4, 6, 8, 10, 12, 14)
_TIME_DIGITS = (0, 2, 4, 6)

EARLIEST, LATEST = 14 * 60, -12 * 60
"""The offsets, in minutes, where a day begins first and ends last: the bounds of a time without zone."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A Date, DateTime or Time of any precision: its parts from the largest down, its offset in minutes."""

    kind: str
    parts: tuple[Number, ...]
    offset: int | None = None

    def __str__(self) -> str:
        """The text as FHIR writes it."""
        if self.kind == "Time":
            return _clock(self.parts)
        text = "-".join(f"{part:0{width}d}" for part, width in zip(self.parts[:3], (4, 2, 2), strict=False))
        if len(self.parts) > 3:
            text += "T" + _clock(self.parts[3:])
            if self.offset is not None:
                text += _zone(self.offset)
        return text

    def literal(self) -> str:
        """The text as FHIRPath writes it."""
        if self.kind == "Time":
            return f"@T{self}"
        return f"@{self}T" if self.kind == "DateTime" and len(self.parts) <= 3 else f"@{self}"

    @property
    def digits(self) -> int:
        """The precision as FHIRPath counts it: 4 for a year, 17 for milliseconds."""
        table = _TIME_DIGITS if self.kind == "Time" else _DATE_DIGITS
        return table[len(self.parts)] + (3 if self.has_fraction else 0)

    @property
    def has_fraction(self) -> bool:
        """Whether the seconds are written with a fraction."""
        return isinstance(self.parts[-1], Decimal) and self.parts[-1].as_tuple().exponent != 0


def _clock(parts: tuple[Number, ...]) -> str:
    hour, *rest = parts
    text = f"{hour:02d}"
    if rest:
        text += f":{rest[0]:02d}"
    if len(rest) > 1:
        seconds = format(Decimal(rest[1]), "f")
        text += ":" + (seconds if len(seconds.partition(".")[0]) == 2 else "0" + seconds)
    return text


def _zone(offset: int) -> str:
    hours, minutes = divmod(abs(offset), 60)
    return "Z" if offset == 0 else f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


# --- reading ------------------------------------------------------------------------------------------------


def read_date(text: str) -> Moment | None:
    """The Date of "2015", "2015-02" or "2015-02-04"; None when the text is no date."""
    found = _DATE.fullmatch(text)
    parts = _date_parts(found) if found else None
    return Moment("Date", parts) if parts else None


def read_date_time(text: str) -> Moment | None:
    """The DateTime of a date with or without time and offset; a bare T after the date is FHIRPath's own."""
    date, mark, rest = text.partition("T")
    found = _DATE.fullmatch(date)
    parts = _date_parts(found) if found else None
    if parts is None or (rest and len(parts) < 3):
        return None
    if not rest:
        return Moment("DateTime", parts)
    clock = _TIME.match(rest)
    more = _time_parts(clock) if clock else None
    if clock is None or more is None:
        return None
    zone = rest[clock.end() :]
    if zone and not _ZONE.fullmatch(zone):
        return None
    offset = _offset(zone) if zone else None
    if offset is not None and not -24 * 60 < offset < 24 * 60:
        return None
    return Moment("DateTime", parts + more, offset) if mark else None


def read_time(text: str) -> Moment | None:
    """The Time of "14", "14:30", "14:30:15.123"; None when the text is no time."""
    found = _TIME.fullmatch(text)
    parts = _time_parts(found) if found else None
    return Moment("Time", parts) if parts else None


def _date_parts(found: re.Match[str]) -> tuple[Number, ...] | None:
    parts = tuple(int(group) for group in found.groups() if group is not None)
    if parts[0] < 1 or (len(parts) > 1 and not 1 <= parts[1] <= 12):
        return None
    if len(parts) > 2 and not 1 <= parts[2] <= calendar.monthrange(parts[0], parts[1])[1]:
        return None
    return parts


def _time_parts(found: re.Match[str]) -> tuple[Number, ...] | None:
    hour, minute, second = found.groups()
    if int(hour) > 23 or (minute and int(minute) > 59):
        return None
    parts: tuple[Number, ...] = (int(hour),) if minute is None else (int(hour), int(minute))
    if second is not None:
        seconds = Decimal(second)
        if seconds >= 61:
            return None
        parts += (seconds,)
    return parts


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def of_datetime(moment: dt.datetime) -> Moment:
    """A Python datetime with a zone, to the millisecond."""
    offset = moment.utcoffset()
    seconds = Decimal(moment.second) + Decimal(moment.microsecond // 1000) / 1000
    return Moment(
        "DateTime",
        (
            moment.year,
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            seconds.quantize(Decimal("0.001")),
        ),
        None if offset is None else int(offset.total_seconds()) // 60,
    )


# --- comparing ----------------------------------------------------------------------------------------------


def compare(one: Moment, other: Moment) -> int | None:
    """-1, 0 or 1; None when the precision, or a missing zone, leaves it open."""
    first, second = one.parts, other.parts
    if one.kind != "Time" and len(first) > 3 and len(second) > 3 and one.offset != other.offset:
        if one.offset is None or other.offset is None:
            return _compare_unzoned(one, other)
        first, second = _universal(one, one.offset), _universal(other, other.offset)
    return _compare_parts(first, second)


def _compare_unzoned(one: Moment, other: Moment) -> int | None:
    """Compare where one has no zone: the answer counts only if it holds for every zone on earth."""
    answers = set()
    for offset in (EARLIEST, LATEST):
        first = _universal(one, offset if one.offset is None else one.offset)
        second = _universal(other, offset if other.offset is None else other.offset)
        answers.add(_compare_parts(first, second))
    return answers.pop() if len(answers) == 1 and answers != {0} else None


def _compare_parts(first: tuple[Number, ...], second: tuple[Number, ...]) -> int | None:
    for left, right in zip(first, second, strict=False):
        if left != right:
            return -1 if left < right else 1
    return 0 if len(first) == len(second) else None


def _universal(moment: Moment, offset: int) -> tuple[Number, ...]:
    """The parts in UTC, as comparable numbers: day, hour, minute, second, as far as they are known."""
    year, month, day, hour, *rest = moment.parts
    minutes = dt.date(int(year), int(month), int(day)).toordinal() * 1440 + int(hour) * 60 - offset
    minutes += int(rest[0]) if rest else 0
    days, within = divmod(minutes, 1440)
    found: tuple[Number, ...] = (days, *divmod(within, 60), *rest[1:])
    return found if rest else found[:2]


def key(moment: Moment) -> tuple[object, ...]:
    """A value that is equal for moments that are equal."""
    if moment.kind == "Time":
        return ("time", moment.parts)
    if len(moment.parts) > 3 and moment.offset is not None:
        return ("instant", _universal(moment, moment.offset))
    return ("date", moment.parts)


# --- adding -------------------------------------------------------------------------------------------------

_SECONDS = {
    "week": Decimal(604800),
    "day": Decimal(86400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}


def add(moment: Moment, amount: Quantity, sign: int) -> Moment | None:
    """The moment so much later (sign -1: earlier), in its own precision; None when no calendar holds it."""
    unit = amount.unit if amount.calendar else DEFINITE.get(amount.unit)
    if unit is None:
        raise Refused(
            f"A date or time cannot move by '{amount.unit}'; use a calendar unit such as month or year.",
            f"Không thể cộng trừ ngày giờ với '{amount.unit}'; hãy dùng month, year, …",
        )
    if not -(10**12) <= amount.value <= 10**12:
        return None
    count = sign * int(amount.value)
    if moment.kind == "Time":
        return _add_to_time(moment, unit, count)
    try:
        if unit in {"year", "month"}:
            return _add_months(moment, count * 12 if unit == "year" else count)
        return _add_seconds(moment, count * _SECONDS[unit])
    except (ValueError, OverflowError):
        return None


def _add_months(moment: Moment, months: int) -> Moment:
    year, *rest = moment.parts
    if not rest:
        return _checked(moment, (int(year) + int(months / 12),))
    total = int(year) * 12 + int(rest[0]) - 1 + months
    year, month = total // 12, total % 12 + 1
    days = calendar.monthrange(year, month)[1]
    clipped = (min(int(rest[1]), days),) if len(rest) > 1 else ()
    return _checked(moment, (year, month, *clipped, *rest[2:]))


def _add_seconds(moment: Moment, seconds: Decimal) -> Moment:
    """Add an exact time, cut to the precision of the moment (a month counts 30 days, a year 365)."""
    if len(moment.parts) < 3:
        whole = int(seconds / 86400)
        return _add_months(moment, int(whole / 30) if len(moment.parts) == 2 else int(whole / 365) * 12)
    year, month, day, *clock = moment.parts
    step = (Decimal(86400), Decimal(3600), Decimal(60), Decimal(0))[len(clock)]
    if step:
        seconds = int(seconds / step) * step
    units: tuple[Decimal, ...] = (Decimal(3600), Decimal(60), Decimal(1))
    now = sum((part * unit for part, unit in zip(clock, units, strict=False)), Decimal(0))
    days, within = divmod(now + seconds, Decimal(86400))
    if within < 0:
        days, within = days - 1, within + 86400
    date = dt.date(int(year), int(month), int(day)) + dt.timedelta(days=int(days))
    return Moment(moment.kind, (date.year, date.month, date.day, *_split(within, len(clock))), moment.offset)


def _add_to_time(moment: Moment, unit: str, count: int) -> Moment:
    if unit not in _SECONDS or unit in {"week", "day"}:
        raise Refused(
            f"A time of day cannot move by {unit}s.", f"Không thể cộng trừ giờ trong ngày với {unit}."
        )
    units: tuple[Decimal, ...] = (Decimal(3600), Decimal(60), Decimal(1))
    seconds = count * _SECONDS[unit]
    step = (Decimal(0), Decimal(3600), Decimal(60), Decimal(0))[len(moment.parts)]
    if step:
        seconds = int(seconds / step) * step
    now = sum((part * one for part, one in zip(moment.parts, units, strict=False)), Decimal(0))
    within = (now + seconds) % 86400
    return Moment("Time", _split(within + 86400 if within < 0 else within, len(moment.parts)))


def _split(seconds: Decimal, parts: int) -> tuple[Number, ...]:
    """Seconds within a day as hour, minute and second, so many of them as wanted."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return (int(hours), int(minutes), left)[:parts]


def _checked(moment: Moment, parts: tuple[Number, ...]) -> Moment:
    if not 1 <= parts[0] <= 9999:
        raise ValueError(parts)
    return Moment(moment.kind, parts, moment.offset)


# --- boundaries ---------------------------------------------------------------------------------------------


def boundary(moment: Moment, digits: int | None, *, high: bool) -> Moment | None:
    """The first or last moment that the written one may mean, to a precision (lowBoundary, highBoundary)."""
    table = _TIME_DIGITS if moment.kind == "Time" else _DATE_DIGITS
    finest: int = {"Date": 8, "DateTime": 17, "Time": 9}[moment.kind]
    wanted = finest if digits is None else digits
    if wanted > finest or wanted not in (*table[1:], finest):
        return None
    count = len(table) - 1 if wanted == finest and moment.kind != "Date" else table.index(wanted)
    filled = list(moment.parts[:count])
    if moment.kind == "Time":
        bounds: list[tuple[Number, Number]] = [(0, 23), (0, 59), (Decimal(0), Decimal(59))]
    else:
        bounds = [(1, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (Decimal(0), Decimal(59))]
    for place in range(len(filled), count):
        bound = bounds[place][high]
        if high and place == 2 and moment.kind != "Time":
            bound = calendar.monthrange(int(filled[0]), int(filled[1]))[1]
        filled.append(bound)
    if wanted == finest and moment.kind != "Date":
        seconds = Decimal(filled[-1])
        if not (moment.has_fraction and len(moment.parts) == count):
            seconds += Decimal("0.999") if high else Decimal(0)
        filled[-1] = seconds.quantize(Decimal("0.001"))
    offset = moment.offset
    if offset is None and moment.kind == "DateTime" and len(filled) > 3:
        offset = LATEST if high else EARLIEST
    return Moment(moment.kind, tuple(filled), offset if len(filled) > 3 else None)


READERS: Final[dict[str, Callable[[str], Moment | None]]] = {
    "date": read_date,
    "dateTime": read_date_time,
    "instant": read_date_time,
    "time": read_time,
}
"""How the text of each FHIR type that is a date or time is read."""
