"""Vital signs: what is usual at an age, moved by the illness, told as Observations (FHIR R4 vital signs)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from hsba.ops.demo.story import Story, Visit, stamp
from hsba.ops.demo.words import EXAM, LOINC, VITAL_SIGNS, Part, decimal, loinc, quantity

if TYPE_CHECKING:
    from datetime import datetime

PULSE = loinc("8867-4", "Mạch")
TEMPERATURE = loinc("8310-5", "Nhiệt độ")
BREATHING = loinc("9279-1", "Nhịp thở")
PRESSURE = loinc("85354-9", "Huyết áp")
SYSTOLIC = loinc("8480-6", "Huyết áp tâm thu")
DIASTOLIC = loinc("8462-4", "Huyết áp tâm trương")
WEIGHT = loinc("29463-7", "Cân nặng")
HEIGHT = loinc("8302-2", "Chiều cao")
HEAD = loinc("9843-4", "Vòng đầu")
COMA_SCALE = loinc("9269-2", "Điểm Glasgow")
SATURATION: Part = {
    "coding": [{"system": LOINC, "code": "2708-6"}, {"system": LOINC, "code": "59408-5"}],
    "text": "Độ bão hòa oxy (SpO2)",
}


@dataclass(frozen=True, slots=True)
class State:
    """How an illness moves the vital signs away from the usual."""

    systolic: int = 0
    pulse: int = 0
    temperature: float = 0
    breathing: int = 0
    saturation: int = 0
    coma: int = 15


STATES = {
    "well": State(),
    "mild": State(pulse=8, temperature=0.8),
    "fever": State(pulse=24, temperature=2.0, breathing=3),
    "pain": State(systolic=12, pulse=16, temperature=0.4, breathing=2),
    "hypertension": State(systolic=24, pulse=2),
    "fast-heart": State(pulse=26, breathing=2),
    "copd": State(pulse=6, breathing=3, saturation=-4),
    "copd-acute": State(systolic=10, pulse=28, temperature=0.7, breathing=10, saturation=-10),
    "pneumonia": State(pulse=24, temperature=1.9, breathing=8, saturation=-6),
    "heart-failure": State(systolic=14, pulse=26, breathing=8, saturation=-6),
    "stroke": State(systolic=48, pulse=8, coma=14),
    "bleeding": State(systolic=-22, pulse=34, breathing=4, saturation=-1),
    "sepsis": State(systolic=-18, pulse=38, temperature=2.1, breathing=9, saturation=-5, coma=14),
    "shock": State(systolic=-42, pulse=48, temperature=1.2, breathing=12, saturation=-11, coma=11),
    "coma": State(systolic=56, pulse=-8, temperature=1.0, breathing=2, saturation=-5, coma=6),
    "child-fever": State(pulse=18, temperature=1.7, breathing=4),
    "child-breath": State(pulse=26, temperature=1.2, breathing=16, saturation=-5),
    "labour": State(systolic=6, pulse=10, temperature=0.2, breathing=2),
}

_USUAL = (
    (1, 84, 50, 130, 38),
    (6, 94, 58, 106, 25),
    (13, 104, 64, 90, 20),
    (60, 117, 74, 77, 18),
    (200, 128, 76, 75, 18),
)
"""Up to which age, then systolic and diastolic pressure, pulse, breaths a minute."""


@dataclass(slots=True)
class Signs:
    """What was measured at one time."""

    systolic: int
    diastolic: int
    pulse: int
    temperature: Decimal
    breathing: int
    saturation: int
    coma: int

    @property
    def text(self) -> str:
        """The line a doctor writes."""
        return (
            f"Mạch {self.pulse} lần/phút, nhiệt độ {str(self.temperature).replace('.', ',')} °C,"
            f" huyết áp {self.systolic}/{self.diastolic} mmHg, nhịp thở {self.breathing} lần/phút, SpO2 {self.saturation}%"
        )


def signs(story: Story, state: str, share: float = 1.0) -> Signs:
    """The signs of a patient in a state; `share` of the illness is left (more than 1: it grows worse)."""
    age = story.person.age(story.scene.today)
    _, systolic, diastolic, pulse, breathing = next(row for row in _USUAL if age < row[0])
    moved = STATES[state]
    roll = story.random.random
    high = systolic + moved.systolic * share + roll() * 16 - 8
    return Signs(
        systolic=round(high),
        diastolic=round(diastolic + moved.systolic * share * 0.5 + roll() * 10 - 5),
        pulse=round(pulse + moved.pulse * share + roll() * 12 - 6),
        temperature=Decimal(f"{36.7 + moved.temperature * share + roll() * 0.5 - 0.2:.1f}"),
        breathing=round(breathing + moved.breathing * share + roll() * 2 - 1),
        saturation=min(100, round(98 + moved.saturation * share + roll() * 2 - 1)),
        coma=max(3, min(15, round(15 - (15 - moved.coma) * share))),
    )


def tell(story: Story, visit: Visit, when: datetime, measured: Signs, *, what: str = "hptbs") -> None:
    """Tell the Observations of one round: h pressure, p pulse, t temperature, b breathing, s saturation, g coma scale."""
    for letter in what:
        match letter:
            case "h":
                _pressure(story, visit, when, measured)
            case "p":
                one(story, visit, when, PULSE, quantity(measured.pulse, "lần/phút", "/min"))
            case "t":
                one(story, visit, when, TEMPERATURE, quantity(measured.temperature, "°C", "Cel"))
            case "b":
                one(story, visit, when, BREATHING, quantity(measured.breathing, "lần/phút", "/min"))
            case "s":
                one(story, visit, when, SATURATION, quantity(measured.saturation, "%", "%"))
            case "g":
                exam(story, visit, when, COMA_SCALE, measured.coma)
            case _:
                raise KeyError(letter)


def body(story: Story, visit: Visit, when: datetime) -> None:
    """Tell weight and height."""
    one(story, visit, when, WEIGHT, quantity(decimal(story.person.weight, 1), "kg", "kg"))
    one(story, visit, when, HEIGHT, quantity(story.person.height, "cm", "cm"))


def one(story: Story, visit: Visit, when: datetime, code: Part, value: Part) -> None:
    """Tell one vital sign."""
    told: Part = {
        "status": "final",
        "category": VITAL_SIGNS,
        "code": code,
        "subject": story.subject,
        "encounter": visit.ref,
        "effectiveDateTime": stamp(when),
        "performer": [visit.nurse],
        "valueQuantity": value,
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("Observation", "vn-core-observation-vitals", told)


def exam(story: Story, visit: Visit, when: datetime, code: Part, score: int) -> None:
    """Tell a score found at examination."""
    told: Part = {
        "status": "final",
        "category": EXAM,
        "code": code,
        "subject": story.subject,
        "encounter": visit.ref,
        "effectiveDateTime": stamp(when),
        "performer": [visit.doctor],
        "valueQuantity": quantity(score, "điểm", "{score}"),
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("Observation", "hsba-observation-exam", told)


def _pressure(story: Story, visit: Visit, when: datetime, measured: Signs) -> None:
    told: Part = {
        "status": "final",
        "category": VITAL_SIGNS,
        "code": PRESSURE,
        "subject": story.subject,
        "encounter": visit.ref,
        "effectiveDateTime": stamp(when),
        "performer": [visit.nurse],
        "component": [
            {"code": SYSTOLIC, "valueQuantity": quantity(measured.systolic, "mmHg", "mm[Hg]")},
            {"code": DIASTOLIC, "valueQuantity": quantity(measured.diastolic, "mmHg", "mm[Hg]")},
        ],
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("Observation", "vn-core-observation-vitals", told)
