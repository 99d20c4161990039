"""What is given and done: prescriptions, medicines given, operations, vaccinations, and the patient's consent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hsba.ops.demo.medicines import ATC_LESS, MEDICINES, Medicine
from hsba.ops.demo.places import FACILITY
from hsba.ops.demo.staff import ANAESTHETIST, SURGEON
from hsba.ops.demo.story import Story, Visit, stamp
from hsba.ops.demo.words import (
    ATC,
    CVX,
    DAY,
    ICD9CM,
    LOINC,
    TERMINOLOGY,
    UCUM,
    Part,
    concept,
    operation_names,
)

_PLACES = {
    code: [concept(TERMINOLOGY + "medicationrequest-category", code, display)]
    for code, display in (("outpatient", "Đơn ngoại trú"), ("inpatient", "Thuốc nội trú"))
}
_MEDICINE_PARTS: dict[str, Part] = {
    one.key: {"text": one.name}
    if one.key in ATC_LESS
    else {"coding": [{"system": ATC, "code": one.atc}], "text": one.name}
    for one in MEDICINES.values()
}
_DOSAGES: dict[str, list[Part]] = {
    one.key: [
        {
            "text": one.text,
            "timing": {"repeat": {"frequency": one.times, "period": 1, "periodUnit": "d"}},
            "route": {"text": one.route},
            "doseAndRate": [{"doseQuantity": {"value": one.amount, "unit": one.unit}}],
        }
    ]
    for one in MEDICINES.values()
}
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def prescription_number(story: Story) -> str:
    """A national prescription code: facility, seven signs, kind (QĐ 808/QĐ-BYT)."""
    seed = (story.person.number * 7_368_787 + story.told * 104_729) % 36**7
    signs = ""
    for _ in range(7):
        seed, place = divmod(seed, 36)
        signs += _LETTERS[place]
    return f"{FACILITY}{signs}-C"


def prescribe(
    story: Story, visit: Visit, when: datetime, keys: tuple[str, ...]
) -> list[tuple[Medicine, Part]]:
    """Tell the medicines of a visit or stay; the answer has a reference for each."""
    number = [{"system": story.words.sid["ma-don-thuoc"], "value": prescription_number(story)}]
    moment = stamp(when)
    given = []
    for key in keys:
        one = MEDICINES[key]
        told: Part = {
            "identifier": number,
            "status": "completed"
            if visit.end is not None and not _still_taken(story, when, one)
            else "active",
            "intent": "order",
            "category": _PLACES["inpatient" if visit.inpatient else "outpatient"],
            "medicationCodeableConcept": _MEDICINE_PARTS[key],
            "subject": story.subject,
            "encounter": visit.ref,
            "authoredOn": moment,
            "requester": visit.doctor,
            "dosageInstruction": _DOSAGES[key],
        }
        if not visit.inpatient:
            told["dispenseRequest"] = {
                "quantity": {
                    "value": one.times * one.amount * one.days if one.unit in _COUNTED else 1,
                    "unit": _pack(one),
                },
                "expectedSupplyDuration": {"value": one.days, "unit": "ngày", "system": UCUM, "code": "d"},
            }
        if visit.dossier:
            told["extension"] = visit.dossier
        address = story.add("MedicationRequest", "vn-core-medication-request", told)
        given.append((one, {"reference": address}))
    return given


_COUNTED = frozenset({"viên", "gói", "thang", "ống"})


def _pack(one: Medicine) -> str:
    return one.unit if one.unit in _COUNTED else "hộp"


def _still_taken(story: Story, when: datetime, one: Medicine) -> bool:
    return when.date() + timedelta(days=one.days) >= story.scene.today


def give(story: Story, visit: Visit, when: datetime, one: Medicine, request: Part) -> None:
    """Tell that a medicine was given once."""
    told: Part = {
        "status": "completed",
        "medicationCodeableConcept": _MEDICINE_PARTS[one.key],
        "subject": story.subject,
        "context": visit.ref,
        "effectiveDateTime": stamp(when),
        "performer": [{"actor": visit.nurse}],
        "request": request,
        "dosage": {"route": {"text": one.route}, "dose": {"value": one.amount, "unit": one.unit}},
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("MedicationAdministration", "vn-core-medication-administration", told)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation or procedure: ICD-9-CM code, what was found and done, how long, with which anaesthesia."""

    code: str
    text: str
    minutes: int
    anaesthesia: str = ""
    name: str = ""


def operate(story: Story, visit: Visit, when: datetime, done: Operation, reason: Part | None) -> None:
    """Tell a Procedure."""
    name = operation_names()[done.code]
    told: Part = {
        "status": "completed",
        "code": concept(ICD9CM, done.code, name, done.name or name),
        "subject": story.subject,
        "encounter": visit.ref,
        "performedPeriod": {"start": stamp(when), "end": stamp(when + timedelta(minutes=done.minutes))},
        "performer": [{"function": SURGEON, "actor": visit.doctor}],
        "note": [{"text": done.text}],
    }
    if done.anaesthesia:
        told["performer"].append(
            {"function": ANAESTHETIST, "actor": story.scene.staff.doctor(story.random, "GMHS")}
        )
        told["location"] = story.scene.places.rooms["GMHS"][story.person.number % 2]
        told["note"].append({"text": f"Phương pháp vô cảm: {done.anaesthesia}."})
    if reason is not None:
        told["reasonReference"] = [reason]
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("Procedure", "vn-core-procedure", told)


_CONSENT_SCOPE = concept(TERMINOLOGY + "consentscope", "treatment", "Điều trị")
_CONSENT_KIND = [{"system": LOINC, "code": "59284-0"}]
_TREATMENT = [{"system": TERMINOLOGY + "v3-ActReason", "code": "TREAT", "display": "Điều trị"}]
_CONSENT_LAW = {"text": "Luật Khám bệnh, chữa bệnh số 15/2023/QH15"}


def consent(story: Story, visit: Visit, when: datetime, about: str) -> None:
    """Tell that the patient (or a relative) agreed in writing to an operation."""
    told: Part = {
        "status": "active",
        "scope": _CONSENT_SCOPE,
        "category": [{"coding": _CONSENT_KIND, "text": about}],
        "patient": story.subject,
        "dateTime": stamp(when),
        "performer": [story.subject],
        "organization": [story.scene.places.organizations["BV"]],
        "policyRule": _CONSENT_LAW,
        "provision": {
            "extension": [
                story.words.coded("vn-ext-consent-method", "vn-consent-method-cs", "a", "Bằng văn bản")
            ],
            "type": "permit",
            "period": {"start": stamp(when)},
            "purpose": _TREATMENT,
        },
    }
    if visit.dossier:
        told["extension"] = visit.dossier
    story.add("Consent", "vn-core-consent", told)


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A dose of the national programme: at how many days of age, which vaccine, which dose."""

    day: int
    code: str
    cvx: str
    name: str
    dose: int


SCHEDULE = (
    Vaccine(1, "VGB", "08", "Vắc xin viêm gan B sơ sinh", 1),
    Vaccine(20, "BCG", "19", "Vắc xin phòng lao (BCG)", 1),
    Vaccine(62, "DPT-VGB-Hib", "102", "Vắc xin 5 trong 1", 1),
    Vaccine(62, "bOPV", "178", "Vắc xin bại liệt uống", 1),
    Vaccine(93, "DPT-VGB-Hib", "102", "Vắc xin 5 trong 1", 2),
    Vaccine(93, "bOPV", "178", "Vắc xin bại liệt uống", 2),
    Vaccine(124, "DPT-VGB-Hib", "102", "Vắc xin 5 trong 1", 3),
    Vaccine(155, "IPV", "10", "Vắc xin bại liệt tiêm", 1),
    Vaccine(276, "SOI", "05", "Vắc xin sởi", 1),
    Vaccine(372, "VNNB", "129", "Vắc xin viêm não Nhật Bản", 1),
    Vaccine(552, "MR", "04", "Vắc xin sởi - rubella", 1),
    Vaccine(556, "DPT", "01", "Vắc xin bạch hầu - ho gà - uốn ván", 4),
)
_ROUTES = {"bOPV": "Uống", "BCG": "Tiêm trong da"}
_VACCINES: dict[tuple[str, str], Part] = {}


def vaccinate(
    story: Story, dose: Vaccine, day: date, site: str, nurse: Part, visit: Visit | None = None
) -> None:
    """Tell a vaccination at a station (or, for a newborn, in hospital)."""
    system = story.words.canon.codes("hsba-vaccine-cs")
    vaccine = _VACCINES.get((system, dose.code + dose.name))
    if vaccine is None:
        vaccine = _VACCINES[system, dose.code + dose.name] = {
            "coding": [
                {"system": CVX, "code": dose.cvx},
                {"system": system, "code": dose.code, "display": dose.name},
            ],
            "text": dose.name,
        }
    expires = day + timedelta(days=400 + story.person.number % 90)
    told: Part = {
        "status": "completed",
        "vaccineCode": vaccine,
        "patient": story.subject,
        "occurrenceDateTime": day.isoformat(),
        "primarySource": True,
        "location": story.scene.places.rooms[site][0],
        "lotNumber": f"MAU{day.year % 100:02d}{day.month:02d}{dose.cvx}",
        "expirationDate": expires.isoformat(),
        "route": {"text": _ROUTES.get(dose.code, "Tiêm bắp")},
        "performer": [{"actor": nurse}],
        "fundingSource": concept(TERMINOLOGY + "immunization-funding-source", "public", "Tiêm chủng mở rộng"),
        "protocolApplied": [{"series": "Tiêm chủng mở rộng", "doseNumberPositiveInt": dose.dose}],
    }
    if visit is not None:
        told["encounter"] = visit.ref
    story.add("Immunization", "vn-core-immunization", told)


def vaccinations(story: Story, station: str) -> None:
    """Tell all doses that a child of this age has had at a station."""
    child = story.person
    for dose in SCHEDULE:
        late = int(story.random.random() * 9)
        day = child.born + timedelta(days=dose.day + (late if dose.day > 1 else 0))
        if day.weekday() == 6:
            day += DAY
        if day < story.scene.today:
            vaccinate(story, dose, day, station, story.scene.staff.carer(story.random, station))
