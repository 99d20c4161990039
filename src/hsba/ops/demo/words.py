"""Small parts of resources, most of them made once and shared by all resources that need them.

Sharing is what makes the generator fast and keeps its memory flat; a reader who wants to change a resource copies it
first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from hsba.fhir import code_lists

if TYPE_CHECKING:
    from hsba.fhir.vn import Canon

Resource = dict[str, Any]
Part = dict[str, Any]

HANOI = timezone(timedelta(hours=7))
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ATC = "http://www.whocc.no/atc"
CVX = "http://hl7.org/fhir/sid/cvx"
ICD9CM = "http://hl7.org/fhir/sid/icd-9-cm"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

PROFILES = (
    "hsba-appointment", "hsba-dossier-header", "hsba-episode-of-care", "hsba-observation-exam", "hsba-related-person",
    "vn-core-allergy-intolerance", "vn-core-condition", "vn-core-condition-diagnosis", "vn-core-consent",
    "vn-core-coverage", "vn-core-diagnostic-report", "vn-core-document-reference", "vn-core-encounter",
    "vn-core-immunization", "vn-core-location", "vn-core-medication-administration", "vn-core-medication-request",
    "vn-core-observation-lab", "vn-core-observation-vitals", "vn-core-organization", "vn-core-patient",
    "vn-core-practitioner", "vn-core-practitioner-role", "vn-core-procedure", "vn-core-service-request",
    "vn-core-specimen",
)  # fmt: skip

TEST_DATA = {
    "system": TERMINOLOGY + "v3-ActReason",
    "code": "HTEST",
    "display": "Dữ liệu mẫu, không phải người thật",
}


def concept(system: str, code: str, display: str, text: str = "") -> Part:
    """A CodeableConcept of one coding."""
    made: Part = {"coding": [{"system": system, "code": code, "display": display}]}
    if text:
        made["text"] = text
    return made


def loinc(code: str, text: str) -> Part:
    """What was measured: a LOINC code, and its Vietnamese name as text."""
    return {"coding": [{"system": LOINC, "code": code}], "text": text}


def quantity(value: int | Decimal, unit: str, code: str) -> Part:
    """An amount with a UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def decimal(value: float, digits: int) -> int | Decimal:
    """A number with this many digits after the point, and an int when there are none."""
    return Decimal(f"{value:.{digits}f}") if digits else round(value)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment in Vietnam."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=HANOI)


def today_in_vietnam() -> date:
    """The day it is in Vietnam now."""
    return datetime.now(UTC).astimezone(HANOI).date()


@cache
def icd_names() -> dict[str, str]:
    """The Vietnamese names of the ICD-10 codes (QĐ 4469/QĐ-BYT)."""
    return {one.code: one.display for one in code_lists.read("vn-icd10-cs") if one.extra["level"] == "code"}


@cache
def operation_names() -> dict[str, str]:
    """The Vietnamese names of the ICD-9-CM procedure codes (QĐ 4440/QĐ-BYT)."""
    return {one.code: one.display for one in code_lists.read("vn-icd9cm-cs")}


class Words:
    """The parts that depend on the canonical base, made once per run."""

    def __init__(self, canon: Canon) -> None:
        """Make what every resource needs: its meta."""
        self.canon = canon
        self.meta: dict[str, Part] = {name: {"profile": [canon.profile(name)]} for name in PROFILES}
        self.patient_meta: Part = {"profile": [canon.profile("vn-core-patient")], "tag": [TEST_DATA]}
        self.dossier_url = canon.profile("hsba-dossier")
        self.sid = {
            name: canon.identifier(name)
            for name in (
                "bhxh", "bhyt", "cccd", "cchn", "ma-cskcb", "ma-don-thuoc", "ma-giuong", "ma-khoa", "ma-lk", "mrn",
                "so-benh-an", "so-nhap-vien", "so-phieu",
            )
        }  # fmt: skip
        self._diseases: dict[str, Part] = {}
        self._extensions: dict[tuple[str, str], Part] = {}

    def disease(self, code: str) -> Part:
        """A diagnosis: the ICD-10 code with its Vietnamese name."""
        made = self._diseases.get(code)
        if made is None:
            name = icd_names()[code]
            made = self._diseases[code] = concept(self.canon.codes("vn-icd10-cs"), code, name, name)
        return made

    def coded(self, extension: str, codes: str, code: str, display: str) -> Part:
        """An extension whose value is one code of a list of the package."""
        made = self._extensions.get((extension, code))
        if made is None:
            value = concept(self.canon.codes(codes), code, display)
            made = self._extensions[extension, code] = {
                "url": self.canon.profile(extension),
                "valueCodeableConcept": value,
            }
        return made

    def dossier(self, reference: str) -> list[Part]:
        """The extension that says to which dossier a thing belongs."""
        return [{"url": self.dossier_url, "valueReference": {"reference": reference}}]


OUTCOMES = {
    "1": "Khỏi", "2": "Đỡ", "3": "Không thay đổi", "4": "Nặng hơn", "5": "Tử vong tại cơ sở khám bệnh, chữa bệnh",
    "6": "Tiên lượng nặng xin về",
}  # fmt: skip
VISIT_TYPES = {"1": "Đúng tuyến", "2": "Cấp cứu", "4": "Thông tuyến"}
PAYMENTS = {"1": "Bảo hiểm y tế", "2": "Thu phí"}
LEAVING = {"1": "Ra viện", "2": "Chuyển cơ sở theo yêu cầu chuyên môn", "4": "Xin ra viện"}
COVERS = {
    "01/BV1": "Bệnh án nội khoa", "02/BV1": "Bệnh án nhi khoa", "03/BV1": "Bệnh án truyền nhiễm",
    "05/BV1": "Bệnh án sản khoa", "06/BV1": "Bệnh án sơ sinh", "10/BV1": "Bệnh án ngoại khoa",
    "18/BV1": "Bệnh án nội trú y học cổ truyền", "04/BV1": "Bệnh án phụ khoa", "24/BV1": "Bệnh án mắt (glôcôm)",
    "22/BV1": "Bệnh án mắt (bán phần trước)",
}  # fmt: skip
VISITS = {"01": "Khám bệnh", "02": "Điều trị ngoại trú", "03": "Điều trị nội trú", "05": "Điều trị ngoại trú bệnh mạn tính dài ngày, có khám và lĩnh thuốc"}  # fmt: skip


CLASSES = {
    code: {"system": TERMINOLOGY + "v3-ActCode", "code": code, "display": display}
    for code, display in (("AMB", "Ngoại trú"), ("IMP", "Nội trú"), ("EMER", "Cấp cứu"))
}
CLINICAL = {
    code: concept(TERMINOLOGY + "condition-clinical", code, display)
    for code, display in (("active", "Đang diễn tiến"), ("resolved", "Đã khỏi"), ("remission", "Ổn định"))
}
CONFIRMED = concept(TERMINOLOGY + "condition-ver-status", "confirmed", "Xác định")
DIAGNOSIS = [concept(TERMINOLOGY + "condition-category", "encounter-diagnosis", "Chẩn đoán của lượt khám")]
PROBLEM = [concept(TERMINOLOGY + "condition-category", "problem-list-item", "Vấn đề theo dõi lâu dài")]
USES = {
    code: concept(TERMINOLOGY + "diagnosis-role", code, display)
    for code, display in (("AD", "Chẩn đoán vào viện"), ("DD", "Chẩn đoán ra viện"), ("CM", "Bệnh kèm theo"))
}
ATTENDING = [concept(TERMINOLOGY + "v3-ParticipationType", "ATND", "Bác sĩ điều trị")]
VITAL_SIGNS = [concept(TERMINOLOGY + "observation-category", "vital-signs", "Dấu hiệu sinh tồn")]
LABORATORY = [concept(TERMINOLOGY + "observation-category", "laboratory", "Xét nghiệm")]
EXAM = [concept(TERMINOLOGY + "observation-category", "exam", "Thăm khám")]
INTERPRETATIONS = {
    code: [concept(TERMINOLOGY + "v3-ObservationInterpretation", code, display)]
    for code, display in (
        ("H", "Cao"),
        ("L", "Thấp"),
        ("N", "Bình thường"),
        ("POS", "Dương tính"),
        ("NEG", "Âm tính"),
    )
}
