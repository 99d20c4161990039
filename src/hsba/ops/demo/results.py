"""Orders and what comes back: ServiceRequest → Specimen → Observations → DiagnosticReport."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hsba.ops.demo.panels import PANELS, PICTURES, SECTIONS, SPECIMENS, Finding, Panel, Picture, Test
from hsba.ops.demo.story import Story, Visit, stamp
from hsba.ops.demo.words import (
    INTERPRETATIONS,
    LABORATORY,
    TERMINOLOGY,
    Part,
    concept,
    decimal,
    loinc,
    quantity,
)

if TYPE_CHECKING:
    from hsba.ops.demo.illnesses import Illness, Range

_ORDER_CATEGORIES = {
    "lab": [{"text": "Xét nghiệm"}],
    "picture": [{"text": "Chẩn đoán hình ảnh, thăm dò chức năng"}],
}
_CODES: dict[str, Part] = {}
_ANSWERS: dict[str, Part] = {
    "POS": concept(TERMINOLOGY + "v3-ObservationInterpretation", "POS", "Dương tính", "Dương tính"),
    "NEG": concept(TERMINOLOGY + "v3-ObservationInterpretation", "NEG", "Âm tính", "Âm tính"),
}
_RANGES: dict[tuple[str, str, bool], list[Part]] = {}


def _code(loinc_code: str, name: str) -> Part:
    key = f"{loinc_code} {name}"
    found = _CODES.get(key)
    if found is None:
        found = _CODES[key] = loinc(loinc_code, name)
    return found


def order(
    story: Story, visit: Visit, when: datetime, code: Part, kind: str, *, done: bool = True, reason: str = ""
) -> tuple[str, Part]:
    """Tell an order; the answer is its number and a reference to it."""
    number = f"{'XN' if kind == 'lab' else 'HA'}{when:%y%m%d}{story.person.number:05d}{story.told:03d}"
    told: Part = {
        "identifier": [{"system": story.words.sid["so-phieu"], "value": number}],
        "status": "completed" if done else "active",
        "intent": "order",
        "category": _ORDER_CATEGORIES[kind],
        "priority": "urgent" if visit.department in ("CC", "HSTC") else "routine",
        "code": code,
        "subject": story.subject,
        "encounter": visit.ref,
        "authoredOn": stamp(when),
        "requester": visit.doctor,
        "performer": [story.scene.places.organizations["XN" if kind == "lab" else "CDHA"]],
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    if reason:
        told["reasonCode"] = [{"text": reason}]
    return number, {"reference": story.add("ServiceRequest", "vn-core-service-request", told)}


def laboratory(
    story: Story, visit: Visit, when: datetime, keys: tuple[str, ...], illness: Illness, share: float = 1.0
) -> None:
    """Tell panels ordered at a time; `share` of the illness is left."""
    for key in keys:
        panel = PANELS[key]
        code = _code(panel.loinc, panel.name)
        number, request = order(story, visit, when, code, "lab", reason=illness.complaint)
        drawn = when + timedelta(minutes=15)
        reported = when + timedelta(minutes=70 + int(story.random.random() * 60))
        technician = story.scene.staff.carer(story.random, "XN")
        specimen = {"reference": _specimen(story, visit, panel, number, request, drawn)}
        results = [
            {"reference": _result(story, visit, test, specimen, drawn, reported, technician, illness, share)}
            for test in panel.tests
        ]
        told: Part = {
            "identifier": [{"system": story.words.sid["so-phieu"], "value": number}],
            "basedOn": [request],
            "status": "final",
            "category": SECTIONS[panel.section],
            "code": code,
            "subject": story.subject,
            "encounter": visit.ref,
            "effectiveDateTime": stamp(drawn),
            "issued": stamp(reported),
            "performer": [story.scene.places.organizations["XN"]],
            "resultsInterpreter": [story.scene.staff.doctor(story.random, "XN")],
            "specimen": [specimen],
            "result": results,
        }
        if visit.dossier:
            told["extension"] = visit.dossier
        story.add("DiagnosticReport", "vn-core-diagnostic-report", told)


def pending(story: Story, visit: Visit, when: datetime, key: str) -> None:
    """Tell an order whose result is still awaited."""
    panel = PANELS[key]
    order(story, visit, when, _code(panel.loinc, panel.name), "lab", done=False)


def _specimen(story: Story, visit: Visit, panel: Panel, number: str, request: Part, drawn: datetime) -> str:
    return story.add(
        "Specimen",
        "vn-core-specimen",
        {
            "accessionIdentifier": {"system": story.words.sid["so-phieu"], "value": number},
            "status": "available",
            "type": SPECIMENS[panel.specimen],
            "subject": story.subject,
            "receivedTime": stamp(drawn + timedelta(minutes=10)),
            "request": [request],
            "collection": {"collector": visit.nurse, "collectedDateTime": stamp(drawn)},
        },
    )


def _result(
    story: Story,
    visit: Visit,
    test: Test | Finding,
    specimen: Part,
    drawn: datetime,
    reported: datetime,
    technician: Part,
    illness: Illness,
    share: float,
) -> str:
    told: Part = {
        "status": "final",
        "category": LABORATORY,
        "code": _code(test.loinc, test.name),
        "subject": story.subject,
        "encounter": visit.ref,
        "effectiveDateTime": stamp(drawn),
        "issued": stamp(reported),
        "performer": [technician],
        "specimen": specimen,
    }
    if isinstance(test, Finding):
        answer = "POS" if test.key in illness.positive else "NEG"
        told["valueCodeableConcept"] = _ANSWERS[answer]
        told["interpretation"] = INTERPRETATIONS[answer]
    else:
        low, high = _range(story, test)
        value = _value(story, test, illness.results.get(test.key), low, high, share)
        told["valueQuantity"] = quantity(
            decimal(value, test.digits), test.unit or test.ucum.strip("{}[]"), test.ucum
        )
        told["interpretation"] = INTERPRETATIONS["L" if value < low else "H" if value > high else "N"]
        told["referenceRange"] = _range_part(test, low, high)
    if visit.dossier:
        told["extension"] = visit.dossier
    return story.add("Observation", "vn-core-observation-lab", told)


def _range(story: Story, test: Test) -> Range:
    if test.female is not None and story.person.sex == "female":
        return test.female
    return test.low, test.high


def _range_part(test: Test, low: float, high: float) -> list[Part]:
    key = (test.key, test.loinc, (low, high) == test.female)
    found = _RANGES.get(key)
    if found is None:
        unit = test.unit or test.ucum.strip("{}[]")
        found = _RANGES[key] = [
            {
                "low": quantity(decimal(low, test.digits), unit, test.ucum),
                "high": quantity(decimal(high, test.digits), unit, test.ucum),
            }
        ]
    return found


def _value(story: Story, test: Test, moved: Range | None, low: float, high: float, share: float) -> float:
    """A value inside the usual range, or moved by the illness as far as it is still there."""
    roll = story.random.random()
    if moved is None:
        width = high - low
        return round(low + width * (0.12 + 0.76 * roll), test.digits)
    ill = moved[0] + (moved[1] - moved[0]) * roll
    well = (low + high) / 2
    return round(max(0.0, well + (ill - well) * share), test.digits)


def picture(story: Story, visit: Visit, when: datetime, key: str, conclusion: str) -> None:
    """Tell an imaging or functional examination: order and report ("" is the normal conclusion)."""
    one: Picture = PICTURES[key]
    code = _code(one.loinc, one.name)
    number, request = order(story, visit, when, code, "picture")
    done = when + timedelta(minutes=25)
    reader = story.scene.staff.doctor(story.random, "CDHA")
    told: Part = {
        "identifier": [{"system": story.words.sid["so-phieu"], "value": number}],
        "basedOn": [request],
        "status": "final",
        "category": SECTIONS[one.section],
        "code": code,
        "subject": story.subject,
        "encounter": visit.ref,
        "effectiveDateTime": stamp(done),
        "issued": stamp(done + timedelta(minutes=20)),
        "performer": [story.scene.places.organizations["CDHA"]],
        "resultsInterpreter": [reader],
        "conclusion": conclusion or one.normal,
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("DiagnosticReport", "vn-core-diagnostic-report", told)
