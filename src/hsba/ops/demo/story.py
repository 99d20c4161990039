"""One patient's story while it is told: who, when, by whom, and the resources that come out of it in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from hsba.ops.demo.places import FACILITY, Places
from hsba.ops.demo.words import DAY, Part, Resource, Words, at

if TYPE_CHECKING:
    from random import Random

    from hsba.ops.demo.people import Person
    from hsba.ops.demo.staff import Staff


@dataclass(frozen=True, slots=True)
class Scene:
    """What all stories of a run share."""

    words: Words
    places: Places
    staff: Staff
    today: date

    @property
    def last(self) -> datetime:
        """The end of the told past: nothing has happened after the evening before today."""
        return at(self.today - DAY, 23, 45)


@dataclass(slots=True)
class Visit:
    """An encounter that is being told: where, by whom, from when to when (None: still going on)."""

    ref: Part
    department: str
    doctor: Part
    nurse: Part
    start: datetime
    end: datetime | None
    dossier: list[Part] | None = None
    inpatient: bool = False

    @property
    def until(self) -> datetime:
        """Its end, for a visit that has one."""
        return self.end if self.end is not None else self.start


@dataclass(slots=True)
class Story:
    """The patient, the dice, and what has been told so far."""

    scene: Scene
    person: Person
    random: Random
    resources: list[Resource] = field(default_factory=list)
    relatives: list[Resource] = field(default_factory=list)
    told: int = 0
    visits: int = 0
    subject: Part = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the reference to the patient once."""
        self.subject = self.person.ref

    @property
    def words(self) -> Words:
        """The shared parts."""
        return self.scene.words

    def reserve(self) -> str:
        """The next id of this story; stable as long as the story is told the same way."""
        self.told += 1
        return f"demo-{self.person.number:05d}-{self.told:03d}"

    def put(self, type_: str, profile: str, id_: str, body: Resource) -> str:
        """Tell a resource; the answer is its address."""
        self.resources.append(
            {"resourceType": type_, "id": id_, "meta": self.scene.words.meta[profile], **body},
        )
        return f"{type_}/{id_}"

    def add(self, type_: str, profile: str, body: Resource) -> str:
        """Tell a resource under the next id."""
        self.told += 1
        id_ = f"demo-{self.person.number:05d}-{self.told:03d}"
        self.resources.append(
            {"resourceType": type_, "id": id_, "meta": self.scene.words.meta[profile], **body},
        )
        return f"{type_}/{id_}"

    def office_hour(self, days_ago: int) -> datetime:
        """A moment of a working day about so many days ago, never a Sunday."""
        day = self.scene.today - timedelta(days=max(days_ago, 1))
        if day.weekday() == 6:
            day -= DAY
        roll = self.random.random()
        hour, minute = divmod(int(7 * 60 + roll * (240 if roll < 0.7 else 500)), 60)
        return at(day, hour, minute)

    def any_hour(self, days_ago: int) -> datetime:
        """A moment of a day so many days ago."""
        minutes = int(self.random.random() * 1430)
        return at(self.scene.today - timedelta(days=max(days_ago, 1)), minutes // 60, minutes % 60)

    def days_ago(self, low: int, high: int) -> int:
        """A number of days between two bounds, within the patient's life."""
        lived = (self.scene.today - self.person.born).days - 12
        high = max(1, min(high, lived))
        low = min(low, high)
        return low + int(self.random.random() * (high - low + 1))

    def between(self, low: float, high: float) -> float:
        """A number between two bounds."""
        return low + self.random.random() * (high - low)

    def visit_numbers(self, start: datetime) -> list[Part]:
        """The facility's number of a visit and the one of the insurance exchange (MA_LK)."""
        self.visits += 1
        number = f"{self.person.number:06d}{self.visits:02d}"
        sid = self.words.sid
        return [
            {"use": "usual", "system": sid["so-nhap-vien"], "value": f"{start.year % 100:02d}{number}"},
            {"use": "official", "system": sid["ma-lk"], "value": f"{FACILITY}{start.year}{number}"},
        ]


def stamp(moment: datetime) -> str:
    """A moment as FHIR writes it, in Vietnam's time."""
    return moment.isoformat()
