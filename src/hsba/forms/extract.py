"""The facts in a completed entry, as resources that the rest of the record uses (SDC definition of $extract; decision 0023).

Pure: the same entry always makes the same resources under the same ids, so that an amendment changes them in their
place.  A table says for each kind of `becomes` what is made; `following.py` keeps the record so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from hsba.forms.answers import Answers, cells, coding, from_response, part_of
from hsba.forms.model import ANSWERED
from hsba.forms.typed import Wrong
from hsba.record.derived import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hsba.forms.model import Form, Item

Resource = dict[str, Any]

SPACE = UUID("5d6a1cbe-6f2e-5a0f-8f0b-2f9a3f6f7a11")
"""The name space of the ids that derived resources have."""
DONE = frozenset({"completed", "amended"})
"""States of an entry whose facts are in the record."""
LOINC, UCUM, SNOMED, CVX = (
    "http://loinc.org",
    "http://unitsofmeasure.org",
    "http://snomed.info/sct",
    "http://hl7.org/fhir/sid/cvx",
)
HL7 = "http://terminology.hl7.org/CodeSystem/"
VN = "http://fhir.hl7.org.vn/core/"
ICD = f"{VN}CodeSystem/vn-icd10-cs"
DOSSIER = f"{VN}StructureDefinition/hsba-dossier"
STAFF = ("Practitioner/", "PractitionerRole/")
SURVEY = "survey"
"""The category of an Observation that the form gives none."""
CATEGORIES = {
    "vital-signs": "Dấu hiệu sinh tồn",
    "exam": "Thăm khám",
    "laboratory": "Xét nghiệm",
    "imaging": "Chẩn đoán hình ảnh",
    "procedure": "Thủ thuật",
    "social-history": "Tiền sử xã hội",
    "therapy": "Điều trị",
    "activity": "Hoạt động",
    "survey": "Ghi nhận trên phiếu",
}
NAMES = {"8480-6": "Huyết áp tâm thu", "8462-4": "Huyết áp tâm trương"}
"""Names of what has no words of its own on the paper."""
TYPES = (
    "AllergyIntolerance", "Condition", "FamilyMemberHistory", "Immunization", "MedicationRequest", "Observation",
    "Procedure",
)  # fmt: skip
"""What an entry may become."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a diagnosis is for: its role in the stay, how sure, and a category beside that of a stay's diagnoses."""

    role: str = ""
    words: str = ""
    sure: str = "confirmed"
    category: str = "encounter-diagnosis"


USES: dict[str, Use] = {
    "AD": Use("AD", "Chẩn đoán vào viện"),
    "DD": Use("DD", "Chẩn đoán ra viện"),
    "CC": Use("CC", "Lý do chính"),
    "CM": Use("CM", "Bệnh kèm theo"),
    "pre-op": Use("pre-op", "Chẩn đoán trước mổ"),
    "post-op": Use("post-op", "Chẩn đoán sau mổ"),
    "differential": Use(sure="differential"),
    "referral": Use(category="referral-diagnosis"),
    "clinic": Use(),
    "birth-defect": Use(category="problem-list-item"),
}
"""By `use:` of a condition; the codes of the roles are those of Encounter.diagnosis.use."""
CATEGORY_SYSTEMS = {
    "encounter-diagnosis": f"{HL7}condition-category",
    "problem-list-item": f"{HL7}condition-category",
}
OWN_CATEGORY = f"{VN}CodeSystem/hsba-diagnosis-category"
"""Of categories that HL7 has no code for: `referral-diagnosis`, `cause`."""


@dataclass(frozen=True, slots=True)
class Made:
    """A resource made of an answer, and the role that a diagnosis plays in the stay."""

    resource: Resource
    role: str = ""
    rank: int = 0
    dated: bool = False
    """Whether the form itself says when it was found."""


@dataclass(slots=True)
class _Entry:
    """An entry that is being read: what all that is made of it share."""

    response: Resource
    part: str
    moment: str
    """When what it says was found."""
    dated: bool = False
    """Whether an item says so, and not the time of writing."""
    row: str = ""
    """Within a table: its id and the place of the row."""
    around: Answers = field(default_factory=dict)
    """The answers of the row, or of the entry."""

    def head(self, type_: str, item: Item, number: str = "") -> Resource:
        """Type, id and the links that every type has."""
        place = "/".join(part for part in (self.response["id"], self.row, item.id, number) if part)
        meta: Resource = {"source": source(self.response["id"])}
        if labels := self.response.get("meta", {}).get("security"):
            meta["security"] = labels  # who may not see the sheet sees no fact of it
        made: Resource = {"resourceType": type_, "id": str(uuid5(SPACE, f"{type_}/{place}")), "meta": meta}
        dossier = [one for one in self.response.get("extension", ()) if one.get("url") == DOSSIER]
        if dossier:
            made["extension"] = dossier
        return made

    @property
    def about(self) -> Resource:
        """Whose it is, and in which stay."""
        return {"subject": self.response["subject"], **self.within}

    @property
    def within(self) -> Resource:
        """In which stay."""
        return {"encounter": self.response["encounter"]} if "encounter" in self.response else {}

    @property
    def author(self) -> Resource | None:
        """Who wrote it, where that is one of the staff."""
        author = self.response.get("author", {})
        return author if str(author.get("reference", "")).startswith(STAFF) else None

    def words(self, id: str) -> str:
        """What another item of the row or the entry says, as words."""
        return _words(self.around.get(id)) if id else ""


def resources(form: Form, response: Resource) -> list[Resource]:
    """What a completed entry becomes; nothing of one that is not."""
    return [one.resource for one in made(form, response)]


def made(form: Form, response: Resource) -> list[Made]:
    """The same, with the roles that diagnoses play."""
    about = str(response.get("subject", {}).get("reference", ""))
    if response.get("status") not in DONE or not about.startswith("Patient/"):
        return []
    answers = from_response(form, response)
    part = part_of(response)
    when = _moment((item for item in form.walk() if part in ("", item.part)), answers)
    entry = _Entry(response, part, when or response.get("authored", ""), bool(when), around=answers)
    return [one for each in form.parts for one in _of_items(each.items, answers, entry)]


def _of_items(items: Iterable[Item], answers: Mapping[str, Any], entry: _Entry) -> Iterator[Made]:
    for item in items:
        kind = item.becomes.get("kind", "")
        if item.repeats:
            yield from _of_rows(item, answers, entry)
            continue
        if kind in KINDS and entry.part in ("", item.part):
            value = answers.get(item.id)
            if item.kind not in ANSWERED:
                value = {one.id: answers.get(one.id) for one in item.children()}
            if value not in (None, "", []) and not isinstance(value, Wrong):
                yield from (replace(one, dated=entry.dated) for one in KINDS[kind](entry, item, value))
        inside = (cell for cell, _, _ in cells(item)) if item.fixed else item.children()
        yield from _of_items(inside, answers, entry)


def _of_rows(table: Item, answers: Mapping[str, Any], entry: _Entry) -> Iterator[Made]:
    for number, row in enumerate(answers.get(table.id) or ()):
        within = replace(entry, row=f"{table.id}/{number}", around={**entry.around, **row})
        if when := _moment(table.items, row):
            within = replace(within, moment=when, dated=True)
        yield from _of_items(table.items, row, within)


def _moment(items: Iterable[Item], answers: Mapping[str, Any]) -> str:
    """The time that one of some items gives."""
    found = (answers.get(item.id) for item in items if item.becomes.get("kind") == "moment")
    return next((one for one in found if isinstance(one, str)), "")


# --- the kinds ---------------------------------------------------------------------------------------------


def _observation(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    if item.kind not in ANSWERED:
        components = [
            {"code": _code(child), **found}
            for child in item.children()
            if child.becomes.get("kind") == "component" and (found := _value(child, value.get(child.id)))
        ]
        if components:
            yield _observed(entry, item, {"component": components})
    elif item.kind == "many":
        for one in value:
            if found := _value(replace(item, kind="one"), one):
                yield _observed(entry, item, found, str(one))
    elif found := _value(item, value):
        yield _observed(entry, item, found)


def _observed(entry: _Entry, item: Item, found: Resource, number: str = "") -> Made:
    category = str(item.becomes.get("category", SURVEY))
    told: Resource = {
        **entry.head("Observation", item, number),
        "status": "final",
        "category": [_concept(f"{HL7}observation-category", category, CATEGORIES.get(category, category))],
        "code": _code(item),
        **entry.about,
        "effectiveDateTime": entry.moment,
        **found,
        "derivedFrom": [{"reference": source(entry.response["id"])}],
    }
    if "site" in item.becomes:
        told["bodySite"] = _concept(SNOMED, str(item.becomes["site"]))
    if entry.author:
        told["performer"] = [entry.author]
    if category == "vital-signs":
        told["meta"]["profile"] = [f"{VN}StructureDefinition/vn-core-observation-vitals"]
    return Made(told)


def _condition(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    name = str(item.becomes["use"])
    use = USES.get(name, Use(words=name))
    categories = [use.category, *([str(item.becomes["category"])] if "category" in item.becomes else [])]
    code = _meant(item, value)
    told: Resource = {
        **entry.head("Condition", item),
        "clinicalStatus": _concept(f"{HL7}condition-clinical", "active", "Đang diễn tiến"),
        "verificationStatus": _concept(f"{HL7}condition-ver-status", use.sure),
        "category": [_concept(CATEGORY_SYSTEMS.get(one, OWN_CATEGORY), one) for one in categories],
        "code": code,
        **entry.about,
        "recordedDate": entry.moment,
    }
    if categories == ["encounter-diagnosis"] and any(
        one.get("system") == ICD for one in code.get("coding", ())
    ):
        told["meta"]["profile"] = [f"{VN}StructureDefinition/vn-core-condition-diagnosis"]
    if "site" in item.becomes:
        told["bodySite"] = [_concept(SNOMED, str(item.becomes["site"]))]
    if entry.author:
        told["recorder"] = entry.author
    if words := entry.words(str(item.becomes.get("text", ""))):
        told["note"] = [{"text": words}]
    yield Made(told, use.role, int(item.becomes.get("rank", 0)))


def _allergy(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    told: Resource = {
        **entry.head("AllergyIntolerance", item),
        "clinicalStatus": _concept(f"{HL7}allergyintolerance-clinical", "active", "Đang có"),
        "verificationStatus": _concept(
            f"{HL7}allergyintolerance-verification", "unconfirmed", "Theo lời khai"
        ),
        "code": _meant(item, value),
        "patient": entry.response["subject"],
        **entry.within,
        "recordedDate": entry.moment,
    }
    if entry.author:
        told["recorder"] = entry.author
    if words := entry.words(str(item.becomes.get("text", ""))):
        told["note"] = [{"text": words}]
    yield Made(told)


def _family(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    told = {
        **entry.head("FamilyMemberHistory", item),
        "status": "partial",
        "patient": entry.response["subject"],
        "date": entry.moment,
        "relationship": _concept(f"{HL7}v3-RoleCode", "FAMMEMB", "Gia đình"),
        "condition": [{"code": _meant(item, value)}],
    }
    yield Made(told)


def _procedure(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    becomes = item.becomes
    start = entry.around.get(str(becomes.get("when", ""))) or entry.moment
    end = entry.around.get(str(becomes.get("end", "")))
    code = _meant(item, value)
    if "code" in becomes:
        code = {"coding": [_coding(str(becomes["code"]), SNOMED)], "text": _words(value)}
    told: Resource = {
        **entry.head("Procedure", item),
        "status": "completed",
        "code": code,
        **entry.about,
        **({"performedPeriod": {"start": start, "end": end}} if end else {"performedDateTime": start}),
    }
    if "category" in becomes:
        told["category"] = {"coding": [_coding(str(becomes["category"]), SNOMED)]}
    if by := entry.words(str(becomes.get("by", ""))):
        told["performer"] = [{"actor": {"display": by}}]
    if entry.author:
        told["recorder"] = entry.author
    if words := entry.words(str(becomes.get("text", ""))):
        told["note"] = [{"text": words}]
    yield Made(told)


def _medication(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    dose, route, quantity, unit, note = (
        entry.words(str(item.becomes.get(key, ""))) for key in ("dose", "route", "quantity", "unit", "note")
    )
    dosage: Resource = {}
    if text := ", ".join(one for one in (dose, route, note) if one):
        dosage["text"] = text
    if route:
        dosage["route"] = {"text": route}
    told: Resource = {
        **entry.head("MedicationRequest", item),
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _meant(item, value),
        **entry.about,
        "authoredOn": entry.moment,
    }
    if entry.author:
        told["requester"] = entry.author
    if dosage:
        told["dosageInstruction"] = [dosage]
    if quantity:
        told["dispenseRequest"] = {"quantity": _quantity_of(f"{quantity} {unit}".strip())}
    yield Made(told)


def _immunization(entry: _Entry, item: Item, value: Any) -> Iterator[Made]:
    dated = item.kind in ("date", "datetime")
    told = {
        **entry.head("Immunization", item),
        "status": "completed",
        "vaccineCode": {"coding": [_coding(str(item.becomes["code"]), CVX)], "text": _label(item)},
        "patient": entry.response["subject"],
        **entry.within,
        **({"occurrenceDateTime": value} if dated else {"occurrenceString": _words(value)}),
        "primarySource": False,
    }
    yield Made(told)


KINDS: dict[str, Callable[[_Entry, Item, Any], Iterator[Made]]] = {
    "observation": _observation,
    "condition": _condition,
    "allergy": _allergy,
    "family": _family,
    "procedure": _procedure,
    "medication": _medication,
    "immunization": _immunization,
}
"""What is made of an answer, by kind; `component` belongs to the group around it, `moment` is the entry's time."""


# --- values ------------------------------------------------------------------------------------------------


def _value(item: Item, value: Any) -> Resource:
    """Observation.value[x] of an answer; nothing where there is none."""
    if value in (None, "", []) or isinstance(value, Wrong) or item.kind not in VALUES:
        return {}
    return VALUES[item.kind](item, value)


def _quantity(item: Item, value: Any) -> Resource:
    if not item.unit and not item.ucum:
        key = "valueInteger" if item.kind == "integer" else "valueQuantity"
        return {key: value if item.kind == "integer" else {"value": value}}
    found: Resource = {"value": value, "unit": item.unit or item.ucum}
    if item.ucum:
        found |= {"system": UCUM, "code": item.ucum}
    return {"valueQuantity": found}


VALUES: dict[str, Callable[[Item, Any], Resource]] = {
    "text": lambda _, value: {"valueString": value},
    "long": lambda _, value: {"valueString": value},
    "number": _quantity,
    "integer": _quantity,
    "date": lambda _, value: {"valueDateTime": value},
    "datetime": lambda _, value: {"valueDateTime": value},
    "time": lambda _, value: {"valueTime": value if value.count(":") == 2 else f"{value}:00"},
    "tick": lambda _, value: {"valueBoolean": bool(value)},
    "one": lambda item, value: {"valueCodeableConcept": _meant(item, value)},
    "coded": lambda item, value: {"valueCodeableConcept": _meant(item, value)},
    "icd": lambda item, value: {"valueCodeableConcept": _meant(item, value)},
}


def _meant(item: Item, value: Any) -> Resource:
    """An answer as a concept: the code that was chosen with its words, or the words alone."""
    if item.kind == "one":
        value = coding(item, value)
    if isinstance(value, dict):
        codings = [{key: value[key] for key in ("system", "code", "display") if value.get(key)}]
        words = str(value.get("display", value.get("code", "")))
        return {"coding": codings, "text": words} if value.get("code") else {"text": words}
    return {"text": _words(value)}


def _words(value: Any) -> str:
    if value is None or isinstance(value, Wrong):
        return ""
    if isinstance(value, dict):
        return str(value.get("display", value.get("code", "")))
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    return str(value)


def _code(item: Item) -> Resource:
    """What an Observation is of: LOINC's code or that of the system named, and the words of the paper."""
    return {"coding": [_coding(str(item.becomes["code"]), LOINC)], "text": _label(item)}


def _label(item: Item) -> str:
    becomes = item.becomes
    return str(
        becomes.get("display")
        or item.label.strip(" :+-.")
        or item.en
        or NAMES.get(str(becomes["code"]), item.id)
    )


def _coding(code: str, system: str) -> Resource:
    named, _, bare = code.rpartition("|")
    return {"system": named or system, "code": bare}


def _concept(system: str, code: str, words: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code, **({"display": words} if words else {})}]}


def _quantity_of(words: str) -> Resource:
    """`20 viên` as an amount with its unit; what begins with no number is a unit of words alone."""
    number, _, unit = words.partition(" ")
    try:
        value = Decimal(number.replace(",", "."))
    except InvalidOperation:
        return {"unit": words}
    return {"value": value, **({"unit": unit} if unit else {})}
