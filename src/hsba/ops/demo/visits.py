"""Visits of hours: out-patients, chronic disease with its follow-ups, the emergency room, the commune station."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hsba.ops.demo import notes, results, treatments, vitals
from hsba.ops.demo.story import Story, Visit, stamp
from hsba.ops.demo.words import (
    ATTENDING,
    CLASSES,
    CLINICAL,
    CONFIRMED,
    DIAGNOSIS,
    HOUR,
    MINUTE,
    OUTCOMES,
    PAYMENTS,
    PROBLEM,
    USES,
    VISIT_TYPES,
    VISITS,
    Part,
    Words,
    at,
    concept,
)

if TYPE_CHECKING:
    from hsba.ops.demo.illnesses import Illness


def extensions(story: Story, route: str, outcome: str) -> list[Part]:
    """What insurance wants to know of a visit; route "" for who has no card, outcome "" while it goes on."""
    words = story.words
    insured = bool(story.person.card_type)
    payment = "1" if insured else "2"
    found = [words.coded("vn-ext-payment-method", "vn-payment-method-cs", payment, PAYMENTS[payment])]
    if insured:
        found.append(
            words.coded(
                "vn-ext-insurance-visit-type", "vn-insurance-visit-type-cs", route, VISIT_TYPES[route]
            )
        )
    if outcome:
        found.append(
            words.coded("vn-ext-treatment-outcome", "vn-treatment-outcome-cs", outcome, OUTCOMES[outcome])
        )
    return found


_TYPES: dict[tuple[str, str], list[Part]] = {}


def type_of(words: Words, code: str) -> list[Part]:
    """The kind of visit (MA_LOAI_KCB)."""
    system = words.canon.codes("vn-encounter-type-cs")
    found = _TYPES.get((system, code))
    if found is None:
        found = _TYPES[system, code] = [concept(system, code, VISITS[code])]
    return found


def condition(story: Story, id_: str, icd: str, visit: Visit, when: datetime, *, over: bool) -> Part:
    """Tell the diagnosis of a visit; the answer is a reference to it."""
    told: Part = {
        "clinicalStatus": CLINICAL["resolved" if over else "active"],
        "verificationStatus": CONFIRMED,
        "category": DIAGNOSIS,
        "code": story.words.disease(icd),
        "subject": story.subject,
        "encounter": visit.ref,
        "recordedDate": stamp(when),
        "recorder": visit.doctor,
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.put("Condition", "vn-core-condition-diagnosis", id_, told)
    return {"reference": f"Condition/{id_}"}


def outpatient(
    story: Story,
    illness: Illness,
    when: datetime,
    *,
    department: str = "",
    kind: str = "01",
    class_: str = "AMB",
    order: bool = True,
    what: str = "hpt",
    drugs: tuple[str, ...] | None = None,
    episode: Part | None = None,
    share: float = 1.0,
) -> Visit:
    """Tell one visit: encounter, diagnosis, vital signs, tests, prescription, note."""
    scene = story.scene
    place = department or illness.department
    emergency = class_ == "EMER"
    visit = Visit(
        ref={"reference": f"Encounter/{story.reserve()}"},
        department=place,
        doctor=scene.staff.doctor(story.random, place),
        nurse=scene.staff.carer(story.random, place),
        start=when,
        end=when
        + timedelta(minutes=35 + int(story.random.random() * 50) + (75 if order and illness.labs else 0)),
    )
    codes = (illness.icd, *illness.also)
    ids = [story.reserve() for _ in codes]
    rooms = scene.places.rooms[place]
    over = illness.outcome == "1" or (
        not illness.also and kind == "01" and when < scene.last - timedelta(days=14)
    )
    told: Part = {
        "extension": extensions(story, "2" if emergency else "1", illness.outcome),
        "identifier": story.visit_numbers(when),
        "status": "finished",
        "class": CLASSES[class_],
        "type": type_of(story.words, kind),
        "subject": story.subject,
        "participant": [{"type": ATTENDING, "individual": visit.doctor}],
        "period": {"start": stamp(when), "end": stamp(visit.until)},
        "reasonCode": [{"text": illness.complaint}],
        "diagnosis": [
            {
                "condition": {"reference": f"Condition/{id_}"},
                "use": USES["DD" if rank == 1 else "CM"],
                "rank": rank,
            }
            for rank, id_ in enumerate(ids, 1)
        ],
        "location": [{"location": rooms[illness.room % len(rooms)], "status": "completed"}],
        "serviceProvider": scene.places.organizations[place],
    }
    if episode is not None:
        told["episodeOfCare"] = [episode]
    story.put("Encounter", "vn-core-encounter", visit.ref["reference"].partition("/")[2], told)
    for id_, icd in zip(ids, codes, strict=True):
        condition(story, id_, icd, visit, when + 20 * MINUTE, over=over)
    measured = vitals.signs(story, illness.state, share)
    vitals.tell(story, visit, when + 5 * MINUTE, measured, what=what)
    if order:
        results.laboratory(story, visit, when + 15 * MINUTE, illness.labs, illness, share)
        for key, conclusion in illness.pictures:
            results.picture(story, visit, when + 20 * MINUTE, key, conclusion)
    keys = illness.drugs if drugs is None else drugs
    if keys:
        treatments.prescribe(story, visit, visit.until - 10 * MINUTE, keys)
    names = "; ".join(f"{story.words.disease(code)['text']} ({code})" for code in codes)
    notes.write(
        story, visit, visit.until - 8 * MINUTE, "emergency" if emergency else "visit",
        [
            f"Lý do khám: {illness.complaint}.",
            f"Bệnh sử: {illness.history[0].upper()}{illness.history[1:]}.",
            f"Khám: {measured.text}. {illness.exam[0].upper()}{illness.exam[1:]}.",
            f"Chẩn đoán: {names}.",
            f"Xử trí: {illness.plan}",
        ],
    )  # fmt: skip
    return visit


def chronic(story: Story, illness: Illness, follow_ups: int) -> None:
    """Tell a chronic disease: the problem, the course of care, monthly visits, the next appointment."""
    scene = story.scene
    began = scene.today - timedelta(days=story.days_ago(400, 3000))
    station = story.random.random() < 0.3
    problem = story.add(
        "Condition",
        "vn-core-condition",
        {
            "clinicalStatus": CLINICAL["active"],
            "verificationStatus": CONFIRMED,
            "category": PROBLEM,
            "code": story.words.disease(illness.icd),
            "subject": story.subject,
            "onsetDateTime": f"{began:%Y-%m}",
            "recordedDate": began.isoformat(),
        },
    )
    manager = scene.staff.doctor(story.random, "KB")
    episode = story.add(
        "EpisodeOfCare",
        "hsba-episode-of-care",
        {
            "status": "active",
            "type": [{"text": "Quản lý điều trị ngoại trú bệnh mạn tính"}],
            "diagnosis": [{"condition": {"reference": problem}, "rank": 1}],
            "patient": story.subject,
            "managingOrganization": scene.places.organizations["KB"],
            "period": {"start": began.isoformat()},
            "careManager": manager,
        },
    )
    gap = story.days_ago(2, 26)
    for turn in range(follow_ups):
        days = gap + (follow_ups - 1 - turn) * 30
        tests = turn % 3 == 0
        here = "TYT1" if story.person.number % 2 else "TYT2"
        department = here if station and turn == 1 else "KB"
        outpatient(
            story,
            illness,
            story.office_hour(days),
            department=department,
            kind="05",
            order=tests and department == "KB",
            what="hp" if turn % 2 else "hps",
            episode={"reference": episode},
            share=1.0 - 0.12 * turn,
        )
    appointment(story, 30 - gap, manager, "Tái khám theo hẹn")


def appointment(story: Story, days: int, doctor: Part, why: str) -> None:
    """Tell an appointment some days ahead."""
    day = story.scene.today + timedelta(days=max(0, days))
    if day.weekday() == 6:
        day += timedelta(days=1)
    minutes = 7 * 60 + 15 * int(story.random.random() * 16)
    start = at(day, minutes // 60, minutes % 60)
    story.add(
        "Appointment",
        "hsba-appointment",
        {
            "status": "booked",
            "serviceType": [{"text": why}],
            "description": why,
            "start": stamp(start),
            "end": stamp(start + 15 * MINUTE),
            "created": stamp(story.scene.last - 24 * HOUR),
            "participant": [
                {"actor": story.subject, "required": "required", "status": "accepted"},
                {"actor": doctor, "required": "required", "status": "accepted"},
            ],
        },
    )


_ALLERGIES: tuple[tuple[str, Part, str, str], ...] = (
    ("medication", {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01CA04"}], "text": "Amoxicilin"}, "Nổi mề đay sau uống thuốc", "moderate"),
    ("medication", {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01DD04"}], "text": "Ceftriaxon"}, "Phản vệ độ II", "severe"),
    ("medication", {"coding": [{"system": "http://www.whocc.no/atc", "code": "M01AE01"}], "text": "Ibuprofen"}, "Phù mi mắt", "moderate"),
    ("food", {"coding": [{"system": "http://snomed.info/sct", "code": "735029006"}], "text": "Hải sản có vỏ (tôm, cua)"}, "Ngứa, nổi ban", "mild"),
    ("food", {"coding": [{"system": "http://snomed.info/sct", "code": "102263004"}], "text": "Trứng"}, "Nổi mề đay", "mild"),
)  # fmt: skip
_ALLERGY_STATUS = concept(
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "Đang có"
)
_ALLERGY_SURE = concept(
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "confirmed", "Xác định"
)


def allergy(story: Story) -> None:
    """Tell an allergy."""
    category, code, text, severity = story.random.choice(_ALLERGIES)
    when = story.scene.today - timedelta(days=story.days_ago(60, 2500))
    story.add(
        "AllergyIntolerance",
        "vn-core-allergy-intolerance",
        {
            "clinicalStatus": _ALLERGY_STATUS,
            "verificationStatus": _ALLERGY_SURE,
            "type": "allergy",
            "category": [category],
            "criticality": "high" if severity == "severe" else "low",
            "code": code,
            "patient": story.subject,
            "recordedDate": when.isoformat(),
            "reaction": [{"manifestation": [{"text": text}], "description": text, "severity": severity}],
        },
    )


def planned(story: Story, illness: Illness) -> None:
    """Tell a visit of today that has not begun: who waits in the morning."""
    scene = story.scene
    story.put(
        "Encounter",
        "vn-core-encounter",
        story.reserve(),
        {
            "extension": extensions(story, "1", ""),
            "identifier": story.visit_numbers(scene.last),
            "status": "planned",
            "class": CLASSES["AMB"],
            "type": type_of(story.words, "01"),
            "subject": story.subject,
            "period": {"start": stamp(at(scene.today, 7, 5 * int(story.random.random() * 12)))},
            "reasonCode": [{"text": illness.complaint}],
            "location": [{"location": scene.places.rooms["KB"][illness.room], "status": "planned"}],
            "serviceProvider": scene.places.organizations["KB"],
        },
    )
