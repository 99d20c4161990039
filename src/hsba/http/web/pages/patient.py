"""`/patients/{id}`: a person known in ten seconds; the parts of the record are tabs with addresses of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from hsba.access.rights import emergency, lending
from hsba.fhir.query.expression import Nothing
from hsba.http.web import charts, words
from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.http.web.show import FLAG_CLASS, moment
from hsba.record.views import measures
from hsba.record.views import patient as view
from hsba.record.views.measures import DIASTOLIC, SYSTOLIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from hsba.access.rights.emergency import Emergency
    from hsba.http.web.charts import Chart, Point
    from hsba.http.web.page import Ask
    from hsba.http.web.show import Show
    from hsba.record.views.care import Diagnosis, Medicine, Paper, Visit
    from hsba.record.views.measures import Reading
    from hsba.record.views.patient import Cursor
    from hsba.record.views.people import Banner

TABS: dict[str, str] = {
    "summary": mark("Summary"),
    "timeline": mark("Timeline"),
    "results": mark("Results"),
    "medicines": mark("Medicines"),
    "documents": mark("Documents"),
}
VITAL_ORDER = tuple(words.VITAL)
NEW_RESULTS = 12
COLUMNS = 8
SPARK = 12
TOGETHER = timedelta(hours=1)
"""Vital signs taken within this time are one round; what is older says when."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the record: its title and address."""

    title: str
    href: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Comparable readings as one line: the newest, and how they went."""

    key: str
    title: str
    last: Reading
    spark: Markup
    older: bool = False
    """Whether it was taken at another time than its neighbours."""
    cells: tuple[Reading | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A table of results: tests down, times across, newest first."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Focus:
    """One test in full: its trend and every reading."""

    title: str
    last: Reading
    readings: tuple[Reading, ...]
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class Prescription:
    """Medicines written together."""

    when: str
    author: str
    number: str
    encounter: str
    lines: tuple[Medicine, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    """What `patient.html` shows; each tab fills its own fields."""

    banner: Banner
    tab: str
    tabs: tuple[Tab, ...]
    vitals: tuple[Line, ...] = ()
    vitals_when: str = ""
    results: tuple[Line, ...] = ()
    results_more: bool = False
    problems: tuple[Diagnosis, ...] = ()
    medicines: tuple[Medicine, ...] = ()
    years: tuple[tuple[str, tuple[Visit, ...]], ...] = ()
    visits_more: bool = False
    groups: tuple[Group, ...] = ()
    focus: Focus | None = None
    prescriptions: tuple[Prescription, ...] = ()
    papers: tuple[Paper, ...] = ()
    open_papers: bool = False
    next: str = ""
    visit: None = None
    """Papers are listed on a visit's page too; there this is the visit."""
    emergencies: tuple[Emergency, ...] = ()
    """Who came to this patient in an emergency in the last days."""
    mine: frozenset[int] = frozenset()
    """Those of them that the reader opened himself and may end."""
    may_lend: bool = False
    may_see_consents: bool = False


async def patient(ask: Ask) -> Page:
    """The tab asked for, under the banner."""
    id_ = ask.path("id")
    tab = ask.query("tab") if ask.query("tab") in TABS else "summary"
    banner = await view.banner(ask.ctx, id_)
    tabs = tuple(
        Tab(
            ask.show.say(title),
            f"/patients/{id_}" + ("" if name == "summary" else f"?tab={name}"),
            name == tab,
        )
        for name, title in TABS.items()
    )
    before = _cursor(ask.query("before"))
    match tab:
        case "timeline":
            visits = await view.visits(ask.ctx, id_, before=before)
            made = Patient(
                banner, tab, tabs, years=by_year(visits.entries, ask.show), next=_next(tab, visits.next)
            )
        case "results":
            readings = await view.measured(ask.ctx, id_, vitals=300, results=600)
            focus = _focus(readings, ask.query("code"), ask.show) if ask.query("code") else None
            made = Patient(
                banner, tab, tabs, focus=focus, groups=() if focus else _groups(readings, ask.show)
            )
        case "medicines":
            medicines = await view.medicines(ask.ctx, id_, before=before)
            made = Patient(
                banner,
                tab,
                tabs,
                prescriptions=prescriptions(medicines.entries),
                next=_next(tab, medicines.next),
            )
        case "documents":
            papers = await view.papers(ask.ctx, id_, before=before)
            made = Patient(banner, tab, tabs, papers=papers.entries, next=_next(tab, papers.next))
        case _:
            made = await _summary(ask, id_, banner, tabs)
    now = ask.ctx.clock.now()
    found = tuple(await emergency.of_patient(ask.ctx.tx, ask.ctx.tenant.id, id_, now))
    me = ask.ctx.actor.account
    made = replace(
        made,
        emergencies=found,
        mine=frozenset(one.id for one in found if one.account == me and one.ends > now),
        may_lend=lending.may_lend(ask.ctx),
        may_see_consents=not isinstance(ask.ctx.policy.visible("Consent"), Nothing),
    )
    return Page("patient.html", made, section="patients")


async def _summary(ask: Ask, id_: str, banner: Banner, tabs: tuple[Tab, ...]) -> Patient:
    problems, medicines = await view.care_now(ask.ctx, id_)
    readings = await view.measured(ask.ctx, id_)
    visits = await view.visits(ask.ctx, id_, limit=20)
    vitals = vital_lines(readings, ask.show)
    results = result_lines(readings, ask.show)
    return Patient(
        banner,
        "summary",
        tabs,
        vitals=vitals,
        vitals_when=max((line.last.when for line in vitals), default=""),
        results=results[:NEW_RESULTS],
        results_more=len(results) > NEW_RESULTS,
        problems=tuple(problems),
        medicines=tuple(medicines),
        years=by_year(visits.entries, ask.show),
        visits_more=visits.next is not None,
    )


# --- lines and tables of readings --------------------------------------------------------------------------


def number_of(one: Reading) -> float | None:
    """The number that is drawn: the value, or the systolic pressure."""
    if one.kind == "pressure":
        upper = one.part(SYSTOLIC)
        return float(upper.value) if upper and upper.value is not None else None
    return float(one.value) if one.value is not None else None


def points(readings: Iterable[Reading], show: Show) -> list[Point]:
    """Readings as points of a chart, oldest first."""
    found = []
    for one in readings:
        at, value = moment(one.when, show.zone), number_of(one)
        if at is None or value is None:
            continue
        lower = one.part(DIASTOLIC) if one.kind == "pressure" else None
        other = float(lower.value) if lower and lower.value is not None else None
        said = " ".join(part for part in (show.value(one), show.unit(one), show.sign(one.worst)) if part)
        found.append(
            charts.Point(at, value, FLAG_CLASS.get(one.worst, ""), f"{said} · {show.when(one.when)}", other)
        )
    return sorted(found, key=lambda point: point.at)


def _limits(one: Reading) -> tuple[float | None, float | None]:
    """The normal range that is drawn as a band."""
    if one.kind == "pressure":
        upper, lower = one.part(SYSTOLIC), one.part(DIASTOLIC)
        top = upper.high if upper else None
        bottom = lower.low if lower else None
        return (None if bottom is None else float(bottom)), (None if top is None else float(top))
    return (None if one.low is None else float(one.low)), (None if one.high is None else float(one.high))


def spark(readings: Sequence[Reading], show: Show) -> Markup:
    """The last readings as a word-sized line; nothing to draw for one reading or for words."""
    drawn = points(readings[:SPARK], show)
    if readings[0].kind == "pressure":
        drawn = [charts.Point(p.at, p.value, p.flag) for p in drawn]
        return charts.sparkline(drawn, None, None)
    return charts.sparkline(drawn, *_limits(readings[0]))


def title_of(one: Reading, show: Show) -> str:
    """The vital sign's own word, or the test's name as it came."""
    return show.say(words.VITAL[one.kind]) if one.kind else one.code.text


def vital_lines(readings: Sequence[Reading], show: Show) -> tuple[Line, ...]:
    """The newest of each vital sign, in the order a nurse says them."""
    groups = measures.by_code(one for one in readings if one.kind)
    newest = max((some[0].when for some in groups.values()), default="")
    last = moment(newest, show.zone)

    def older(one: Reading) -> bool:
        at = moment(one.when, show.zone)
        return at is not None and last is not None and last - at > TOGETHER

    lines = [
        Line(kind, title_of(some[0], show), some[0], spark(some, show), older=older(some[0]))
        for kind, some in groups.items()
    ]
    return tuple(sorted(lines, key=lambda line: VITAL_ORDER.index(line.key)))


def result_lines(readings: Sequence[Reading], show: Show) -> tuple[Line, ...]:
    """The newest of each test: critical first, then abnormal, then by time."""
    groups = measures.by_code(one for one in readings if not one.kind and one.category == "laboratory")
    lines = [Line(key, title_of(some[0], show), some[0], spark(some, show)) for key, some in groups.items()]
    newest = max((line.last.when[:10] for line in lines), default="")
    lines.sort(key=lambda line: line.last.when, reverse=True)
    lines.sort(key=lambda line: (line.last.when[:10] != newest, -len(line.last.worst)))
    return tuple(lines)


def _groups(readings: Sequence[Reading], show: Show) -> tuple[Group, ...]:
    """All readings as tables: one for the laboratory, one for vital signs, one for the rest."""
    kinds = (
        (mark("Laboratory"), [one for one in readings if not one.kind and one.category == "laboratory"]),
        (mark("Vital signs"), [one for one in readings if one.kind]),
        (
            mark("Other observations"),
            [one for one in readings if not one.kind and one.category != "laboratory"],
        ),
    )
    return tuple(_table(show.say(title), some, show) for title, some in kinds if some)


def _table(title: str, readings: Sequence[Reading], show: Show) -> Group:
    times = list(dict.fromkeys(one.when[:16] for one in readings))[:COLUMNS]
    rows = []
    for key, some in measures.by_code(readings).items():
        at = {one.when[:16]: one for one in reversed(some)}
        rows.append(
            Line(
                key,
                title_of(some[0], show),
                some[0],
                spark(some, show),
                cells=tuple(at.get(time) for time in times),
            )
        )
    rows.sort(key=lambda row: VITAL_ORDER.index(row.key) if row.key in VITAL_ORDER else 0)
    whole = {one.when[:16]: one.when for one in readings}
    return Group(title, tuple(whole[time] for time in times), tuple(rows))


def _focus(readings: Sequence[Reading], code: str, show: Show) -> Focus | None:
    some = measures.by_code(readings).get(code)
    if not some:
        return None
    low, high = _limits(some[0])
    title = title_of(some[0], show)
    drawn = points(some, show)
    label = f"{title}: " + "; ".join(point.label for point in drawn[-6:])
    chart = charts.trend(drawn, low=low, high=high, height=240, label=label) if len(drawn) > 1 else None
    return Focus(title, some[0], tuple(some), chart)


# --- lists -------------------------------------------------------------------------------------------------


def by_year(visits: Iterable[Visit], show: Show) -> tuple[tuple[str, tuple[Visit, ...]], ...]:
    """Visits under the year they began in."""
    years: dict[str, list[Visit]] = {}
    for one in visits:
        at = moment(one.span.start, show.zone)
        years.setdefault(str(at.year) if at else "–", []).append(one)
    return tuple((year, tuple(some)) for year, some in years.items())


def prescriptions(medicines: Iterable[Medicine]) -> tuple[Prescription, ...]:
    """Lines that were written together: the same prescription number, or the same minute and visit."""
    groups: dict[tuple[str, str, str], list[Medicine]] = {}
    for one in medicines:
        key = (one.group, "", "") if one.group else (one.encounter, one.authored[:16], one.author)
        groups.setdefault(key, []).append(one)
    return tuple(
        Prescription(some[0].authored, some[0].author, some[0].group, some[0].encounter, tuple(some))
        for some in groups.values()
    )


def _next(tab: str, cursor: Cursor | None) -> str:
    return f"?tab={tab}&before={quote(cursor.at.isoformat())}~{cursor.key}" if cursor else ""


def _cursor(text: str) -> Cursor | None:
    at, _, key = text.partition("~")
    try:
        return view.Cursor(datetime.fromisoformat(at.replace(" ", "+")), int(key))
    except ValueError:
        return None
