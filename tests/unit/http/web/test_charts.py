"""Charts as SVG."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from hsba.http.web import charts

START = datetime(2026, 11, 20, tzinfo=UTC)


def points(*values: float, flag: str = "") -> list[charts.Point]:
    return [charts.Point(START + timedelta(hours=6 * n), v, flag, f"{v} <b>") for n, v in enumerate(values)]


@pytest.mark.parametrize(
    "low, high, marks",
    [
        (3, 7, [3, 4, 5, 6, 7]),
        (36.2, 37.9, [36, 36.5, 37, 37.5, 38]),
        (5, 5, [4, 6]),
        (0, 0.03, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_ticks__are_round_and_span_the_values(low: float, high: float, marks: list[float]) -> None:
    found = charts.ticks(low, high)

    assert found[0] <= low
    assert found[-1] >= high
    if low != high:
        assert found == marks


def test_trend__is_well_formed_and_escapes_what_it_says() -> None:
    chart = charts.trend(points(4.1, 5.2, 6.8, flag="critical"), low=3.5, high=5.1, label='Kali "cao"')

    assert chart is not None
    plot = ET.fromstring(chart.plot)  # noqa: S314 - our own picture
    assert plot.get("aria-label") == 'Kali "cao"'
    assert [title.text for title in plot.iter("title")] == ["4.1 <b>", "5.2 <b>", "6.8 <b>"]


def test_trend__one_moment_and_nothing_do_not_break() -> None:
    assert charts.trend([]) is None
    assert charts.trend(points(4)) is not None
    assert charts.sparkline(points(4), None, None) == ""


def test_trend__pressure_is_drawn_as_bars() -> None:
    bars = [charts.Point(START + timedelta(hours=n), 150, "high", "150/90", 90) for n in range(3)]
    chart = charts.trend(bars)

    assert chart is not None
    assert chart.plot.count('class="bar high"') == 3


@pytest.mark.parametrize("days", [0.2, 2, 9, 40, 300, 4000])
def test_trend__writes_few_enough_times_for_a_phone(days: float) -> None:
    two = [charts.Point(START, 1), charts.Point(START + timedelta(days=days), 2)]
    chart = charts.trend(two)

    assert chart is not None
    assert chart.plot.count("<text") <= 7
