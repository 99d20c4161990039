"""The kinds of patients the demo hospital has: each a short function that tells the story of one (or a family)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from hsba.ops.demo import births, people, stays, treatments, visits
from hsba.ops.demo.illnesses import (
    ADULT_VISITS,
    CHILD_VISITS,
    CHILD_WARD,
    CHRONIC,
    DEATHS,
    EMERGENCIES,
    INFECTIOUS,
    INTENSIVE,
    STATION_VISITS,
    SURGERY,
    TRADITIONAL,
    WARD,
    Illness,
)
from hsba.ops.demo.names import name_of
from hsba.ops.demo.stays import Course
from hsba.ops.demo.story import Scene, Story, stamp
from hsba.ops.demo.words import DAY, Part, at

Tell = Callable[[Scene, Random, int, "Part | None"], list[Story]]


def _begin(scene: Scene, random: Random, number: int, illness: Illness) -> Story:
    """A patient who may have this illness, with an allergy now and then."""
    sex = illness.sex or ("female" if random.random() < 0.52 else "male")
    person = people.make(random, number, sex, illness.ages, scene.today)
    story = Story(scene, person, random)
    if person.age(scene.today) < 15:
        mother = " ".join(name_of(random, "female", person.born.year - 28))
        story.relatives.append(people.relative(scene.words, person, 1, "MTH", mother, "female"))
    if random.random() < 0.08:
        visits.allergy(story)
    return story


def _bed(story: Story, department: str) -> Part:
    """A bed of a department for a stay that is over."""
    beds = story.scene.places.beds[department]
    return beds[int(story.random.random() * len(beds))]


def _past(story: Story, illness: Illness, low: int, high: int) -> None:
    """Tell a stay that is over."""
    died = illness.outcome == "5"
    urgent = died or illness.state not in ("well", "mild", "hypertension")
    length = illness.days[0] + int(story.random.random() * (illness.days[1] - illness.days[0] + 1))
    ago = story.days_ago(low + length, high + length)
    admitted = story.any_hour(ago) if urgent else story.office_hour(ago)
    leave = admitted + timedelta(days=length)
    discharged = leave if died else at(leave.date(), 9, int(story.random.random() * 59))
    discharged = min(discharged, story.scene.last)
    roll = story.random.random()
    course = Course(
        admitted,
        discharged,
        _bed(story, illness.department),
        "emd" if urgent else "outp",
        illness.outcome,
        "1" if died or roll > 0.08 else "2" if roll > 0.04 else "4",
        consultation=died or roll > 0.7,
    )
    stays.inpatient(story, illness, course)
    if died:
        story.person.died = stamp(discharged)


def _visit(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
    del bed
    illness = random.choice(ADULT_VISITS)
    story = _begin(scene, random, number, illness)
    visits.outpatient(story, illness, story.office_hour(story.days_ago(60, 540)))
    other = random.choice(ADULT_VISITS)
    if other.sex in ("", story.person.sex) and random.random() < 0.45:
        visits.outpatient(story, other, story.office_hour(story.days_ago(1, 50)))
    return [story]


def _child(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
    del bed
    illness = random.choice(CHILD_VISITS)
    story = _begin(scene, random, number, illness)
    if story.person.age(scene.today) < 7:
        treatments.vaccinations(story, "TYT1" if number % 2 else "TYT2")
    visits.outpatient(story, illness, story.office_hour(story.days_ago(1, 300)), what="pts")
    return [story]


def _chronic(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
    del bed
    illness = random.choice(CHRONIC)
    story = _begin(scene, random, number, illness)
    visits.chronic(story, illness, 3 + int(random.random() * 2))
    return [story]


def _stay(cases: tuple[Illness, ...], low: int, high: int) -> Tell:
    def tell(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
        del bed
        illness = random.choice(cases)
        story = _begin(scene, random, number, illness)
        _past(story, illness, low, high)
        return [story]

    return tell


def _now(cases: tuple[Illness, ...], longest: int) -> Tell:
    """In hospital now: admitted up to so many days ago, in a bed that is marked as taken."""

    def tell(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
        illness = random.choice(cases)
        story = _begin(scene, random, number, illness)
        stays.inpatient(story, illness, _running(story, illness, longest, bed))
        return [story]

    return tell


def _running(story: Story, illness: Illness, longest: int, bed: Part | None) -> Course:
    admitted = at(story.scene.today - DAY, 14 + int(story.random.random() * 6), 10)
    if longest > 1:
        admitted -= timedelta(days=int(story.random.random() * longest), hours=int(story.random.random() * 8))
    source = "emd" if illness.state not in ("well", "mild", "hypertension") else "outp"
    return Course(admitted, None, bed or _bed(story, illness.department), source, illness.outcome)


def _emergency(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
    del bed
    illness = random.choice(EMERGENCIES)
    story = _begin(scene, random, number, illness)
    visits.outpatient(story, illness, story.any_hour(story.days_ago(2, 400)), class_="EMER", what="hptbs")
    return [story]


def _birth(babies: int, *, now: bool) -> Tell:
    def tell(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
        beds = scene.places.beds["SAN"]
        place = bed or beds[int(random.random() * len(beds))]
        days = 1 + int(random.random() * 2) if now else 8 + int(random.random() * 360)
        return births.family(scene, random, number, babies, days, leaving=not now, bed=place)

    return tell


def _station(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
    del bed
    illness = random.choice(STATION_VISITS)
    story = _begin(scene, random, number, illness)
    station = "TYT1" if number % 2 else "TYT2"
    for _ in range(2):
        when = story.office_hour(story.days_ago(1, 200))
        visits.outpatient(story, illness, when, department=station, order=False, what="hpt")
    return [story]


def _newcomer(scene: Scene, random: Random, number: int, bed: Part | None) -> list[Story]:
    del bed
    illness = random.choice(ADULT_VISITS)
    story = _begin(scene, random, number, illness)
    visits.planned(story, illness)
    return [story]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of patient: how many of a hundred, how many people one story makes, whose bed is taken now."""

    name: str
    stories: int
    tell: Tell
    people: int = 1
    bed: str = ""


KINDS = (
    Kind("visit", 30, _visit),
    Kind("child", 10, _child),
    Kind("chronic", 12, _chronic),
    Kind("ward", 4, _stay(WARD, 1, 600)),
    Kind("child-ward", 2, _stay(CHILD_WARD, 1, 300)),
    Kind("infectious", 2, _stay(INFECTIOUS, 1, 400)),
    Kind("surgery", 4, _stay(SURGERY, 1, 500)),
    Kind("emergency", 5, _emergency),
    Kind("birth", 2, _birth(1, now=False), people=2),
    Kind("twins", 1, _birth(2, now=False), people=3),
    Kind("traditional", 1, _stay(TRADITIONAL, 1, 400)),
    Kind("death", 2, _stay(DEATHS, 1, 500)),
    Kind("station", 6, _station),
    Kind("newcomer", 3, _newcomer),
    Kind("ward-now", 3, _now(WARD, 7), bed="NOI"),
    Kind("surgery-now", 2, _now(tuple(one for one in SURGERY if one.department == "NGOAI"), 3), bed="NGOAI"),
    Kind("child-now", 1, _now(CHILD_WARD, 4), bed="NHI"),
    Kind("infectious-now", 1, _now(INFECTIOUS, 5), bed="TN"),
    Kind("intensive-now", 1, _now(INTENSIVE, 6), bed="HSTC"),
    Kind("emergency-now", 1, _now(EMERGENCIES, 1), bed="CC"),
    Kind("birth-now", 1, _birth(1, now=True), people=2, bed="SAN"),
    Kind("traditional-now", 1, _now(TRADITIONAL, 8), bed="YHCT"),
)
