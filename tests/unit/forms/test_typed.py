"""What people type, read as the field's kind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hsba.forms import typed
from hsba.forms.model import Item, Option
from hsba.forms.typed import Wrong

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TODAY = date(2026, 11, 23)
SEX = (Option("1", "Nam"), Option("2", "Nữ"))


def read(kind: str, text: str, **more: Any) -> Any:
    return typed.read(Item("x", kind, **more), text, ZONE, TODAY)


@pytest.mark.parametrize(
    "text, day",
    [
        ("1409", "2026-09-14"), ("14/9", "2026-09-14"), ("14/09/2025", "2025-09-14"), ("14092025", "2025-09-14"),
        ("140925", "2025-09-14"), ("14-9-2025", "2025-09-14"), ("2025-09-14", "2025-09-14"), ("h", "2026-11-23"),
        ("-1", "2026-11-22"), ("9/1980", "1980-09"), ("1980", "1980"), ("29/2/2024", "2024-02-29"),
    ],
)  # fmt: skip
def test_read__days_as_people_type_them(text: str, day: str) -> None:
    assert read("date", text) == day


@pytest.mark.parametrize(
    "text", ["31/2", "32/1", "0", "abc", "14/13/2025", "1/1/1000", "99999999", "٣/٤/٢٠٢٥x"]
)
def test_read__what_is_no_day_is_kept_as_typed_and_told(text: str) -> None:
    found = read("date", text)

    assert isinstance(found, Wrong)
    assert found.typed == text


@pytest.mark.parametrize("text, hour", [("7:45", "07:45"), ("0745", "07:45"), ("7h45", "07:45"), ("7h", "07:00"),
     ("7 giờ 45", "07:45"), ("23:59", "23:59")],
)  # fmt: skip
def test_read__hours_as_people_type_them(text: str, hour: str) -> None:
    assert read("time", text) == hour


@pytest.mark.parametrize(
    "text", ["14/9 7:45", "7:45 14/9", "0745 1409", "14/9/2026 7h45", "2026-09-14T07:45"]
)
def test_read__day_and_hour_in_either_order(text: str) -> None:
    assert read("datetime", text) == "2026-09-14T07:45:00+07:00"


@pytest.mark.parametrize(
    "text, value", [("37,5", Decimal("37.5")), ("37.50", Decimal("37.50")), (" 1 200 ", Decimal(1200))]
)
def test_read__numbers_with_the_decimal_comma(text: str, value: Decimal) -> None:
    found = read("number", text)

    assert found == value
    assert str(found) == str(value)


@pytest.mark.parametrize(
    "text, more",
    [("abc", {}), ("NaN", {}), ("1e999999999", {}), ("٣", {}),
     ("-1", {"least": Decimal(0)}), ("400", {"most": Decimal(350)}), ("1,23", {"decimals": 1})],
)  # fmt: skip
def test_read__what_is_no_number_or_out_of_bounds_is_told(text: str, more: dict[str, Any]) -> None:
    assert isinstance(read("number", text, **more), Wrong)


def test_read__a_whole_number_has_no_fraction() -> None:
    assert read("integer", "96") == 96
    assert isinstance(read("integer", "96,5"), Wrong)


@pytest.mark.parametrize("text", ["1", "Nam", "nam"])
def test_read__a_choice_by_its_number_or_its_words(text: str) -> None:
    assert read("one", text, options=SEX) == "1"


def test_read__a_choice_that_is_not_there_is_told() -> None:
    assert isinstance(read("one", "3", options=SEX), Wrong)
    assert isinstance(read("many", "1,3", options=SEX), Wrong)
    assert read("many", "1, 2", options=SEX) == ["1", "2"]


def test_read__control_characters_go_and_marks_of_direction_and_emoji_stay() -> None:
    assert read("long", "a\x00b\x1b[31mc\r\nd\u2028e 🙂 \u202ex") == "ab[31mc\nd\ne 🙂 \u202ex"
    assert read("text", "một\ndòng\t thôi") == "một dòng thôi"


def test_read__letters_are_composed() -> None:
    assert read("text", "Bênh a\u0301n") == "Bênh án"


def test_read__too_long_a_text_is_told_and_kept_whole() -> None:
    found = read("long", "x" * 2_000_000)

    assert isinstance(found, Wrong)
    assert len(found.typed) == 2_000_000


def test_shown__what_was_read_is_shown_and_read_again() -> None:
    for kind, text in (
        ("date", "14/09/2025"),
        ("number", "37,5"),
        ("datetime", "14/09/2026 07:45"),
        ("time", "07:45"),
    ):
        item = Item("x", kind)
        value = typed.read(item, text, ZONE, TODAY)
        assert typed.shown(item, value, ZONE) == text
        assert typed.read(item, typed.shown(item, value, ZONE), ZONE, TODAY) == value
