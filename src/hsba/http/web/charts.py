"""Charts drawn by the server as SVG: the same picture on screen, on a phone and on paper, without script.

Horizontal places are per cents and vertical ones pixels, so a chart fills its box at any width and its letters stay
as large as the page's.  Colours come from the style sheet by class.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a moment, how it is signed (a class of the style sheet), and what is said when it is pointed at."""

    at: datetime
    value: float
    flag: str = ""
    label: str = ""
    other: float | None = None
    """The lower end of a bar (diastolic under systolic)."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The two pictures of a chart (scale and plot) and the sentence that stands for them."""

    scale: Markup
    plot: Markup
    height: int


def sparkline(points: Sequence[Point], low: float | None, high: float | None) -> Markup:
    """The last values as a word-sized line, evenly spaced; the normal range is a band, the newest value a dot."""
    if len(points) < 2:
        return Markup("")
    width, height, pad = 96.0, 24.0, 3.0
    values = [p.value for p in points]
    ends = [e for e in (low, high) if e is not None]
    bottom, top = min(values + ends), max(values + ends)
    spread = (top - bottom) or 1.0
    step = (width - 2 * pad) / (len(points) - 1)

    def y(value: float) -> float:
        return height - pad - (value - bottom) / spread * (height - 2 * pad)

    band = ""
    if ends:
        upper, under = y(high if high is not None else top), y(low if low is not None else bottom)
        band = f'<rect class="band" x="0" y="{upper:.1f}" width="{width:g}" height="{max(under - upper, 0):.1f}"/>'
    line = " ".join(f"{pad + at * step:.1f},{y(p.value):.1f}" for at, p in enumerate(points))
    end = points[-1]
    return Markup(  # noqa: S704 - numbers and our own class names only
        f'<svg class="spark" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
        ' aria-hidden="true">'
        f'{band}<polyline points="{line}"/>'
        f'<circle class="{escape(end.flag)}" cx="{width - pad:g}" cy="{y(end.value):.1f}" r="2.75"/></svg>'
    )


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round values that span a range: 1, 2 or 5 times a power of ten apart."""
    spread = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(spread / wanted))
    step = next(m * power for m in (1, 2, 5, 10) if spread / (m * power) <= wanted)
    start, stop = floor(low / step), ceil(high / step)
    return [round(number * step, 10) for number in range(start, stop + 1)]


def _days(first: datetime, last: datetime, wanted: int = 5) -> Iterable[tuple[datetime, str]]:
    """Moments to write under the chart: hours of a day, days of a stay, or months of years."""
    hours = (last - first).total_seconds() / 3600
    if hours > 24 * 400:
        year, step = first.year + 1, max(1, ceil((last.year - first.year) / wanted))
        while datetime(year, 1, 1, tzinfo=first.tzinfo) <= last:
            yield datetime(year, 1, 1, tzinfo=first.tzinfo), str(year)
            year += step
        return
    steps = (1, 2, 4, 6, 12, 24, 48, 72, 120, 168, 336, 720, 1440, 2160)
    step_hours = next((s for s in steps if hours / s <= wanted), 2160)
    at = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while at <= last:
        if at >= first:
            yield at, at.strftime("%H:%M" if step_hours < 24 and at.hour else "%d/%m")
        at += timedelta(hours=step_hours)


_MARKS = {
    "": '<circle r="3.5"/>',
    "high": '<path d="M0-5 5 4H-5Z"/>',
    "low": '<path d="M0 5 5-4H-5Z"/>',
    "critical": '<path d="M0-6.5 6 0 0 6.5-6 0Z"/>',
    "odd": '<path d="M-4-4h8v8h-8Z"/>',
}


def trend(
    points: Sequence[Point],
    *,
    low: float | None = None,
    high: float | None = None,
    height: int = 200,
    label: str = "",
    span: tuple[datetime, datetime] | None = None,
    axis: bool = True,
    write: str = "{:g}",
) -> Chart | None:
    """Values over time with the normal range as a band; each point says its value when pointed at."""
    if not points:
        return None
    values = [v for p in points for v in (p.value, p.other) if v is not None]
    ends = [e for e in (low, high) if e is not None]
    marks = ticks(min(values + ends), max(values + ends), max(2, height // 48))
    bottom, top = marks[0], marks[-1]
    foot = 22 if axis else 4
    head, room = 8, height - 8 - foot
    first, last = span or (points[0].at, points[-1].at)
    if first == last:
        first, last = first - timedelta(hours=12), last + timedelta(hours=12)
    length = (last - first).total_seconds()

    def x(at: datetime) -> str:
        return f"{2 + (at - first).total_seconds() / length * 96:.2f}%"

    def y(value: float) -> float:
        return round(head + (top - value) / ((top - bottom) or 1.0) * room, 1)

    plot: list[str] = []
    if ends:
        upper, under = y(high if high is not None else top), y(low if low is not None else bottom)
        plot.append(
            f'<rect class="band" x="0" y="{upper:g}" width="100%" height="{max(under - upper, 0):g}"/>'
        )
    scale = []
    for mark in marks:
        at = y(mark)
        plot.append(f'<line class="rule" x1="0" x2="100%" y1="{at:g}" y2="{at:g}"/>')
        scale.append(
            f'<text x="100%" dx="-6" y="{at:g}" dy="4">{write.format(mark).replace(".", ",")}</text>'
        )
    for at_, text in _days(first, last) if axis else ():
        plot.append(f'<line class="rule" x1="{x(at_)}" x2="{x(at_)}" y1="{head}" y2="{height - foot}"/>')
        plot.append(f'<text x="{x(at_)}" y="{height - 6}">{text}</text>')
    if any(p.other is not None for p in points):
        plot += [_bar(p, x(p.at), y) for p in points]
    else:
        plot += [
            f'<line class="line" x1="{x(a.at)}" y1="{y(a.value):g}" x2="{x(b.at)}" y2="{y(b.value):g}"/>'
            for a, b in pairwise(points)
        ]
        plot += [
            f'<svg class="mark {escape(p.flag)}" x="{x(p.at)}" y="{y(p.value):g}" overflow="visible">'
            f"{_MARKS.get(p.flag, _MARKS[''])}<title>{escape(p.label)}</title></svg>"
            for p in points
        ]
    return Chart(
        Markup(f'<svg class="scale" height="{height}" aria-hidden="true">{"".join(scale)}</svg>'),  # noqa: S704
        Markup(  # noqa: S704 - built above from numbers and escaped labels
            f'<svg class="plot" height="{height}" role="img" aria-label="{escape(label)}">{"".join(plot)}</svg>'
        ),
        height,
    )


def _bar(p: Point, x: str, y: Callable[[float], float]) -> str:
    """A blood pressure: a bar from diastolic to systolic; a lone systolic value is a dot."""
    upper, under = y(p.value), y(p.value if p.other is None else p.other)
    return (
        f'<g class="bar {escape(p.flag)}"><line x1="{x}" x2="{x}" y1="{upper:g}" y2="{under:g}"/>'
        f'<circle cx="{x}" cy="{upper:g}" r="3"/><circle cx="{x}" cy="{under:g}" r="3"/>'
        f"<title>{escape(p.label)}</title></g>"
    )
