"""The demo hospital as a stream of FHIR resources: the same for the same seed and day, of any size.

Every hundred patients hold every kind of patient in the same shares, and each story is told from dice of its own, so
the stream needs the memory of one story only and patient 20,000 is the same whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hsba.fhir.vn import BASE, Canon
from hsba.ops.demo import people, places, staff
from hsba.ops.demo.kinds import KINDS, Kind
from hsba.ops.demo.story import Scene, Story
from hsba.ops.demo.words import Resource, Words, today_in_vietnam

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

PATIENTS = 500
"""Patients at scale 1."""


@dataclass(frozen=True, slots=True)
class Hospital:
    """What an installation needs to know to keep the demo hospital as a tenant."""

    slug: str
    title: str
    facility: str
    organization: str
    stations: tuple[str, ...]


HOSPITAL = Hospital(
    slug="demo",
    title=places.HOSPITAL_NAME,
    facility=places.FACILITY,
    organization=f"{places.PREFIX}-hospital",
    stations=tuple(places.STATION_CODES.values()),
)


def generate(
    seed: int = 1, scale: float = 1, today: date | None = None, base: str = BASE
) -> Iterator[Resource]:
    """Yield the demo hospital, what is referred to mostly first.

    The day (default: today in Vietnam) is when it is looked at: all that is told happened before it, some patients are
    in hospital on it, appointments lie ahead. Parts of resources are shared between resources: copy before changing.
    """
    day = today or today_in_vietnam()
    words = Words(Canon(base))
    count = max(1, round(PATIENTS * scale))
    size = max(1, round(scale))
    buildings, where = places.build(words, size, occupied(count))
    yield from buildings
    team, who = staff.build(words, where, size, seed, day)
    yield from team
    scene = Scene(words, where, who, day)
    for number, kind, bed in slots(count):
        taken = where.beds[kind.bed][bed % len(where.beds[kind.bed])] if kind.bed else None
        yield from _told(scene, kind.tell(scene, Random(seed * 1_000_003 + number), number, taken))


def _told(scene: Scene, stories: list[Story]) -> Iterator[Resource]:
    """The resources of a family: first who they are, then what happened, the mother before the child."""
    home = scene.places.organizations["BV"]
    payer = scene.places.organizations[places.PAYER]
    for story in stories:
        person = story.person
        yield people.patient(scene.words, person, home, scene.today)
        near = scene.places.organizations[("BV", "TYT1", "TYT2")[person.number % 3]]
        for place, card in enumerate(person.cards, 1):
            yield people.coverage(scene.words, person, card, place, payer, near, scene.today)
        yield from story.relatives
    for story in reversed(stories):
        yield from story.resources


def _order() -> tuple[Kind, ...]:
    """The stories of a hundred patients: one of every kind first, so that a small demo has them all."""
    dice = Random(2025)
    heads = list(KINDS)
    tails = [kind for kind in KINDS for _ in range(kind.stories - 1)]
    dice.shuffle(heads)
    dice.shuffle(tails)
    return (*heads, *tails)


ORDER = _order()
_FILLER = KINDS[0]


def slots(count: int) -> Iterator[tuple[int, Kind, int]]:
    """For each story its first patient's number, its kind, and which of the taken beds of a department it has."""
    number = 1
    beds: dict[str, int] = {}
    while True:
        for planned in ORDER:
            if number > count:
                return
            kind = planned if number + planned.people - 1 <= count else _FILLER
            bed = beds.get(kind.bed, 0)
            if kind.bed:
                beds[kind.bed] = bed + 1
            yield number, kind, bed
            number += kind.people


def occupied(count: int) -> dict[str, int]:
    """How many beds of each department are taken now."""
    found: dict[str, int] = {}
    for _, kind, _ in slots(count):
        if kind.bed:
            found[kind.bed] = found.get(kind.bed, 0) + 1
    return found
