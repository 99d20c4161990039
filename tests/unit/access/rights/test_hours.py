"""Hours of the week: what is read, what is refused, and when they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hsba.access.rights import hours
from hsba.access.rights.people import department_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = "2026-11-23"


def at(day: str, time: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}:00+07:00").astimezone(UTC)


@pytest.mark.parametrize(
    "text, day, time, holds",
    [
        ("mon-fri 07:00-17:00", MONDAY, "07:00", True),
        ("mon-fri 07:00-17:00", MONDAY, "16:59", True),
        ("mon-fri 07:00-17:00", MONDAY, "17:00", False),
        ("mon-fri 07:00-17:00", MONDAY, "06:59", False),
        ("mon-fri 07:00-17:00", "2026-11-22", "10:00", False),
        ("mon 22:00-06:00", MONDAY, "23:30", True),
        ("mon 22:00-06:00", "2026-11-24", "05:59", True),
        ("mon 22:00-06:00", "2026-11-24", "06:00", False),
        ("mon 22:00-06:00", MONDAY, "05:00", False),
        ("fri-mon 00:00-24:00", "2026-11-22", "23:59", True),
        ("tue; mon 08:00-09:00", MONDAY, "08:30", False),
        ("sat 07:00-11:30; sun,mon 13:00-14:00", MONDAY, "13:00", True),
        ("nonsense", MONDAY, "13:00", False),
    ],
)
def test_hold__is_told_by_the_clock_of_the_keeper(text: str, day: str, time: str, holds: bool) -> None:
    assert hours.hold(text, at(day, time), HANOI) is holds


@pytest.mark.parametrize(
    "text",
    ["", "mon", "mon 7:00-17:00", "mon 07:00-07:00", "xyz 07:00-17:00", "mon 07:00-25:00", "mon 07:60-08:00",
     "mon 07:00-17:00;", "mon 07:00-17:00\n"],
)  # fmt: skip
def test_read__refuses_what_is_no_hours(text: str) -> None:
    with pytest.raises(hours.BadHours):
        hours.read(text if text != "mon 07:00-17:00\n" else "mon 07:00-17:00; \n")


POST = {"organization": {"reference": "Organization/noi"}}
NIGHT = [{"daysOfWeek": ["mon"], "availableStartTime": "19:00:00", "availableEndTime": "07:00:00"}]


@pytest.mark.parametrize(
    "more, time, on_duty",
    [
        ({}, "12:00", True),
        ({"availableTime": NIGHT}, "12:00", False),
        ({"availableTime": NIGHT}, "20:00", True),
        ({"availableTime": [{"daysOfWeek": ["mon"], "allDay": True}]}, "12:00", True),
        ({"availableTime": [{"daysOfWeek": ["mon"]}]}, "12:00", False),
        ({"notAvailable": [{"during": {"start": MONDAY, "end": MONDAY}}]}, "12:00", False),
        ({"notAvailable": [{"during": {"end": "2026-11-01"}}]}, "12:00", True),
        ({"notAvailable": [{"description": "ốm"}]}, "12:00", False),
    ],
)
def test_department_of__follows_the_roster(more: dict[str, object], time: str, on_duty: bool) -> None:
    found = department_of({**POST, **more}, at(MONDAY, time), HANOI)
    assert found == ("noi" if on_duty else None)
