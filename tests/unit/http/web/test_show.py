"""Values as people in Vietnam write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from hsba.http.web import i18n
from hsba.http.web import show as shown
from hsba.record.views import measures, people

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


@pytest.fixture
def show() -> shown.Show:
    return shown.Show(i18n.translations("vi"), "vi", ZONE, NOW)


@pytest.mark.parametrize(
    "text, written",
    [
        ("2026", "2026"),
        ("2026-11", "11/2026"),
        ("2026-11-22", "22/11/2026"),
        ("2026-11-22T07:40:00+07:00", "22/11/2026 07:40"),
        ("2026-11-21T23:30:00Z", "22/11/2026 06:30"),
        ("hôm qua", "hôm qua"),
        ("", ""),
    ],
)
def test_when__zone_of_the_tenant_and_as_much_as_is_known(text: str, written: str) -> None:
    assert shown.when(text, ZONE) == written


@pytest.mark.parametrize(
    "birth, age",
    [
        ("1959-05-12", "67 tuổi"),
        ("1959", "67 tuổi"),
        ("2026-11-20", "2 ngày tuổi"),
        ("2025-05-23", "17 tháng tuổi"),
        ("2020-11-22", "6 tuổi"),
        ("2020-11-23", "71 tháng tuổi"),
        ("không rõ", ""),
    ],
)
def test_age__months_below_six_years_and_days_below_one_month(show: shown.Show, birth: str, age: str) -> None:
    assert show.age(people.person({"birthDate": birth})) == age


def test_age__of_the_dead_is_the_age_they_reached(show: shown.Show) -> None:
    dead = people.person({"birthDate": "1959-05-12", "deceasedDateTime": "2020-01-01"})

    assert show.age(dead) == "60 tuổi"


def test_age__knows_the_tenant_s_day_not_the_machine_s() -> None:
    assert shown.age("2026-11-22", date(2026, 11, 22)) == ("day", 0)


def test_number__keeps_digits_and_writes_a_comma() -> None:
    assert shown.number(Decimal("1.50")) == "1,50"
    assert shown.number(Decimal("1.50"), "en") == "1.50"
    assert shown.count(12345) == "12.345"


def test_value__pressure_is_written_as_two_numbers(show: shown.Show) -> None:
    parts = [
        {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value, "unit": "mmHg"}}
        for code, value in (("8480-6", 150), ("8462-4", 90))
    ]
    found = measures.reading({"id": "o", "code": {"coding": [{"code": "85354-9"}]}, "component": parts})

    assert found is not None
    assert (show.value(found), show.unit(found)) == ("150/90", "mmHg")


@pytest.mark.parametrize(
    "low, high, written",
    [("3.5", "5.1", "3,5–5,1"), (None, "5.2", "≤ 5,2"), ("90", None, "≥ 90"), (None, None, "")],
)
def test_bounds__open_ends_are_said(
    show: shown.Show, low: str | None, high: str | None, written: str
) -> None:
    ends = {name: {"value": Decimal(end)} for name, end in (("low", low), ("high", high)) if end is not None}
    found = measures.reading(
        {"id": "o", "code": {"text": "Kali"}, "valueInteger": 4, "referenceRange": [ends]}
    )

    assert found is not None
    assert show.bounds(found) == written


@pytest.mark.parametrize(
    "text, written",
    [
        ("079159012345", "0791 5901 2345"),
        ("GD4790123456789", "GD 4 79 012 345 6789"),
        ("0912345678", "0912 345 678"),
        ("26-1", "26-1"),
    ],
)
def test_card__long_numbers_are_grouped(text: str, written: str) -> None:
    assert shown.card(text) == written
