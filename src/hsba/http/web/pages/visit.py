"""`/patients/{id}/encounters/{e}`: one visit read from top to bottom, and printed the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.http.web import charts, words
from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.http.web.pages.patient import points, prescriptions
from hsba.record.views import patient as patients
from hsba.record.views import visit as view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.http.web.charts import Chart
    from hsba.http.web.page import Ask
    from hsba.http.web.pages.patient import Prescription
    from hsba.http.web.show import Show
    from hsba.record.views.care import Act, Paper, Report, Visit
    from hsba.record.views.measures import Reading
    from hsba.record.views.people import Banner
    from hsba.record.views.visit import VisitPage

DRAWN = ("pulse", "temperature", "pressure", "breath", "oxygen")
"""Vital signs worth a chart, in the order of the paper chart."""


@dataclass(frozen=True, slots=True)
class Column:
    """A vital sign and its unit, heading a column."""

    kind: str
    title: str
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured at one time; None where nothing was."""

    when: str
    cells: tuple[Reading | None, ...]


@dataclass(frozen=True, slots=True)
class Vitals:
    """The vital-sign table, newest first."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class LabReport:
    """A report with its results read along; without an id it is the results that no report claims."""

    id: str
    title: str
    status: str
    when: str
    performer: str
    conclusion: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Imaging:
    """A report of imaging or function tests, or pictures that were not reported yet."""

    id: str
    type: str
    title: str
    status: str
    when: str
    performer: str
    modality: str
    pictures: int
    conclusion: str


@dataclass(frozen=True, slots=True)
class VisitShown:
    """What `visit.html` shows."""

    banner: Banner
    visit: Visit
    sections: tuple[tuple[str, str, int], ...]
    """(anchor, title, how many) of the parts that are there."""
    vitals: Vitals | None
    charts: tuple[tuple[str, str, Chart], ...]
    reports: tuple[LabReport, ...]
    images: tuple[Imaging, ...]
    prescriptions: tuple[Prescription, ...]
    acts: tuple[Act, ...]
    papers: tuple[Paper, ...]
    open_papers: bool
    more: int
    """How many entries are shown when there are more; else 0."""


async def visit(ask: Ask) -> Page:
    """The visit under the patient's banner; a visit of another patient is not found."""
    id_ = ask.path("id")
    banner = await patients.banner(ask.ctx, id_)
    found = await view.visit(ask.ctx, id_, ask.path("encounter"))
    return Page("visit.html", shown(banner, found, ask.show), section="patients")


def shown(banner: Banner, found: VisitPage, show: Show) -> VisitShown:
    """A visit as the page shows it."""
    vital = [one for one in found.readings if one.kind]
    table = _vitals(vital, show)
    reports, claimed = _reports(found.reports, found.readings)
    loose = [one for one in found.readings if not one.kind and one.id not in claimed]
    if loose:
        when = max(one.when for one in loose)
        reports.append(LabReport("", show.say(mark("Other observations")), "", when, "", "", tuple(loose)))
    images = _images(found, show)
    lists = prescriptions(found.medicines)
    sections = (
        ("places", mark("Places"), len(found.visit.stays) + len(found.visit.parts)),
        ("diagnoses", mark("Diagnoses"), len(found.visit.diagnoses)),
        ("vitals", mark("Vital signs"), len(table.rows) if table else 0),
        ("reports", mark("Laboratory"), len(reports)),
        ("images", mark("Imaging and function tests"), len(images)),
        ("medicines", mark("Prescriptions"), len(lists)),
        ("acts", mark("Procedures"), len(found.acts)),
        ("papers", mark("Notes and documents"), len(found.papers)),
    )
    return VisitShown(
        banner=banner,
        visit=found.visit,
        sections=tuple((anchor, show.say(title), number) for anchor, title, number in sections if number),
        vitals=table,
        charts=_charts(vital, show),
        reports=tuple(reports),
        images=tuple(images),
        prescriptions=lists,
        acts=found.acts,
        papers=found.papers,
        open_papers=len(found.papers) <= 12,
        more=view.MOST if found.cut else 0,
    )


def _vitals(vital: Sequence[Reading], show: Show) -> Vitals | None:
    if not vital:
        return None
    kinds = [kind for kind in words.VITAL if any(one.kind == kind for one in vital)]
    times: dict[str, dict[str, Reading]] = {}
    for one in vital:
        times.setdefault(one.when[:16], {})[one.kind] = one
    columns = tuple(
        Column(kind, show.say(words.VITAL[kind]), next(show.unit(one) for one in vital if one.kind == kind))
        for kind in kinds
    )
    rows = tuple(
        Row(next(iter(cells.values())).when, tuple(cells.get(kind) for kind in kinds))
        for _, cells in sorted(times.items(), reverse=True)
    )
    return Vitals(columns, rows)


def _charts(vital: Sequence[Reading], show: Show) -> tuple[tuple[str, str, Chart], ...]:
    """A chart for each vital sign with three readings or more, all on the same span of time."""
    drawn = {kind: points([one for one in vital if one.kind == kind], show) for kind in DRAWN}
    drawn = {kind: some for kind, some in drawn.items() if len(some) >= 3}
    if not drawn:
        return ()
    span = min(some[0].at for some in drawn.values()), max(some[-1].at for some in drawn.values())
    made = []
    for kind, some in drawn.items():
        title = show.say(words.VITAL[kind])
        label = f"{title}: " + "; ".join(point.label for point in some[-6:])
        sample = next(one for one in vital if one.kind == kind)
        low, high = (None, None) if kind == "pressure" else (sample.low, sample.high)
        chart = charts.trend(
            some,
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            height=150,
            label=label,
            span=span,
        )
        if chart is not None:
            made.append((title, show.unit(sample), chart))
    return tuple(made)


def _reports(reports: Sequence[Report], readings: Sequence[Reading]) -> tuple[list[LabReport], set[str]]:
    by_id = {one.id: one for one in readings}
    made: list[LabReport] = []
    claimed: set[str] = set()
    for one in reports:
        if not one.laboratory:
            continue
        held = tuple(by_id[id_] for id_ in one.results if id_ in by_id)
        claimed.update(reading.id for reading in held)
        made.append(LabReport(one.id, one.title, one.status, one.when, one.performer, one.conclusion, held))
    return made, claimed


def _images(found: VisitPage, show: Show) -> list[Imaging]:
    studies = {one.id: one for one in found.studies}
    made = []
    for one in found.reports:
        if one.laboratory:
            continue
        taken = [studies.pop(id_) for id_ in one.studies if id_ in studies]
        conclusion = one.conclusion or "; ".join(one.codes)
        modality, pictures = (
            ", ".join(study.modality for study in taken),
            sum(study.images for study in taken),
        )
        made.append(
            Imaging(
                one.id,
                "DiagnosticReport",
                one.title,
                one.status,
                one.when,
                one.performer,
                modality,
                pictures,
                conclusion,
            )
        )
    for study in studies.values():
        title = study.title or show.say(mark("Pictures"))
        made.append(
            Imaging(study.id, "ImagingStudy", title, "", study.when, "", study.modality, study.images, "")
        )
    return sorted(made, key=lambda one: one.when, reverse=True)
