"""What was done for a patient: visits, problems, medicines, reports and papers, as values a page can list."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from hsba.record.views.facts import (
    all_codes,
    coded,
    codes,
    extension,
    happened,
    identifiers,
    link,
    notes,
    objects,
    span,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hsba.record.views.facts import Coded, Json, Span

ICD = ("icd-10", "icd10", "vn-icd10-cs")
"""How the addresses of ICD-10 end."""

ACTIVE = frozenset({"active", "recurrence", "relapse"})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A Condition: its ICD code and words, whether it goes on, and the part it plays in a visit."""

    id: str
    code: str
    text: str
    role: str
    """AD admission, DD discharge, CC chief complaint, CM co-morbid, pre-op, post-op, billing; or empty."""
    rank: int
    clinical: str
    verification: str
    categories: frozenset[str]
    onset: str
    recorded: str
    severity: str
    encounter: str

    @property
    def active(self) -> bool:
        """Whether it goes on, as far as is known."""
        return (not self.clinical or self.clinical in ACTIVE) and self.verification not in (
            "refuted",
            "entered-in-error",
        )


@dataclass(frozen=True, slots=True)
class Stay:
    """Being in one place during a visit."""

    place: str
    span: Span
    status: str


@dataclass(frozen=True, slots=True)
class Visit:
    """An Encounter: what kind, when, where, why, and how it ended."""

    id: str
    number: str
    kind: str
    """v3-ActCode: IMP, AMB, EMER, HH, VR…"""
    type: Coded | None
    service: str
    status: str
    span: Span
    department: str
    part_of: str
    stays: tuple[Stay, ...]
    staff: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    diagnoses: tuple[Diagnosis, ...]
    disposition: str
    outcome: str
    insured: str
    parts: tuple[Visit, ...] = ()

    @property
    def now(self) -> bool:
        """Whether the visit goes on."""
        return self.status in ("in-progress", "arrived", "triaged", "onleave")

    @property
    def main(self) -> Diagnosis | None:
        """The diagnosis that names the visit: the discharge one of the first rank, else the first there is."""
        order = {"DD": 0, "CC": 1, "AD": 2}
        ranked = sorted(self.diagnoses, key=lambda d: (order.get(d.role, 3), d.rank or 99))
        return ranked[0] if ranked else None


@dataclass(frozen=True, slots=True)
class Medicine:
    """A MedicationRequest or MedicationStatement: what, how much, how, from when to when."""

    id: str
    type: str
    text: str
    code: str
    dose: str
    route: str
    times: str
    quantity: str
    status: str
    authored: str
    span: Span
    author: str
    group: str
    encounter: str
    notes: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether it is being taken, as far as is known."""
        return self.status in ("active", "on-hold", "intended")


@dataclass(frozen=True, slots=True)
class Report:
    """A DiagnosticReport: which tests it holds, its conclusion, and how final it is."""

    id: str
    title: str
    category: str
    status: str
    when: str
    issued: str
    performer: str
    conclusion: str
    codes: tuple[str, ...]
    results: tuple[str, ...]
    """The ids of its Observations."""
    studies: tuple[str, ...]
    encounter: str
    laboratory: bool


@dataclass(frozen=True, slots=True)
class Study:
    """An ImagingStudy: which pictures were taken, of what, when."""

    id: str
    title: str
    modality: str
    when: str
    images: int
    encounter: str


@dataclass(frozen=True, slots=True)
class Act:
    """A Procedure or Immunization: what was done, when, by whom, with what result."""

    id: str
    type: str
    text: str
    code: str
    when: str
    end: str
    status: str
    performers: tuple[str, ...]
    detail: tuple[str, ...]
    encounter: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a paper: its heading and its words."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A Composition, DocumentReference or ClinicalImpression: a note or a document, its authors and its words."""

    id: str
    type: str
    title: str
    kind: str
    when: str
    status: str
    authors: tuple[str, ...]
    sections: tuple[Section, ...]
    attachments: tuple[tuple[str, str], ...]
    """(media type, address) of what is attached."""
    encounter: str


class _Paragraphs(HTMLParser):
    """Narrative as plain paragraphs: what came from outside is never shown as HTML."""

    BREAKS = frozenset(
        {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "dt", "dd"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - the parser's signature
        if tag in self.BREAKS:
            self.lines.append("")
        elif tag in ("td", "th") and self.lines[-1].strip():
            self.lines[-1] += " · "

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BREAKS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        self.lines[-1] += data


def paragraphs(narrative: Any) -> tuple[str, ...]:
    """The words of a Narrative (or of an xhtml string), a paragraph each, without markup."""
    html = text(narrative.get("div")) if isinstance(narrative, dict) else text(narrative)
    reader = _Paragraphs()
    reader.feed(html)
    reader.close()
    return tuple(line for raw in reader.lines if (line := " ".join(raw.split())))


def diagnosis(condition: Json, role: str = "", rank: int = 0) -> Diagnosis:
    """A Condition, with the part it plays in the visit at hand."""
    shown = coded(condition.get("code"), *ICD)
    severity = coded(condition.get("severity"))
    visit = link(condition.get("encounter"))
    return Diagnosis(
        id=text(condition.get("id")),
        code=shown.code if shown and any(shown.system.lower().endswith(end) for end in ICD) else "",
        text=shown.text if shown else "?",
        role=role,
        rank=rank,
        clinical=next(iter(codes(condition.get("clinicalStatus"))), ""),
        verification=next(iter(codes(condition.get("verificationStatus"))), ""),
        categories=all_codes(condition.get("category")),
        onset=happened(condition, ("onsetDateTime", "onsetPeriod", "onsetString")),
        recorded=happened(condition, ("recordedDate",)),
        severity=severity.text if severity else "",
        encounter=visit.id if visit else "",
    )


def visit(encounter: Json, conditions: Mapping[str, Json]) -> Visit:
    """An Encounter, with those Conditions of it that were read along (by id)."""
    id_ = text(encounter.get("id"))
    stays = []
    for one in objects(encounter.get("location")):
        where = link(one.get("location"))
        if where and where.text:
            stays.append(Stay(where.text, span(one.get("period")), text(one.get("status"))))
    staff = []
    for one in objects(encounter.get("participant")):
        who, role = (
            link(one.get("individual")),
            next((c.text for t in objects(one.get("type")) if (c := coded(t))), ""),
        )
        if who and who.text:
            staff.append((who.text, role))
    department, parent, service = (
        link(encounter.get("serviceProvider")),
        link(encounter.get("partOf")),
        coded(encounter.get("serviceType")),
    )
    hospitalization = encounter.get("hospitalization") or {}
    disposition = coded(hospitalization.get("dischargeDisposition"))
    outcome, insured = (
        coded(extension(encounter, ending))
        for ending in ("/vn-ext-treatment-outcome", "/vn-ext-insurance-visit-type")
    )
    kind = encounter.get("class")
    return Visit(
        id=id_,
        number=next((one.value for one in identifiers(encounter)), ""),
        kind=text(kind.get("code")) if isinstance(kind, dict) else "",
        type=next((c for one in objects(encounter.get("type")) if (c := coded(one))), None),
        service=service.text if service else "",
        status=text(encounter.get("status")),
        span=span(encounter.get("period")),
        department=department.text if department else "",
        part_of=parent.id if parent else "",
        stays=tuple(stays),
        staff=tuple(staff),
        reasons=tuple(c.text for one in objects(encounter.get("reasonCode")) if (c := coded(one))),
        diagnoses=_diagnoses(encounter, conditions),
        disposition=disposition.text if disposition else "",
        outcome=outcome.text if outcome else "",
        insured=insured.text if insured else "",
    )


def _diagnoses(encounter: Json, conditions: Mapping[str, Json]) -> tuple[Diagnosis, ...]:
    """Those the visit lists, in its order, then those that only say they were made in it."""
    found: dict[str, Diagnosis] = {}
    for number, one in enumerate(objects(encounter.get("diagnosis")), 1):
        reference = link(one.get("condition"))
        if reference is None:
            continue
        role = next(iter(codes(one.get("use"))), "")
        rank = one.get("rank")
        content = conditions.get(reference.id) or {
            "id": reference.id,
            "code": {"text": reference.text or "?"},
        }
        found[reference.id] = diagnosis(content, role, rank if isinstance(rank, int) else number)
    for condition in conditions.values():
        made_in = link(condition.get("encounter"))
        if made_in and made_in.id == encounter.get("id") and condition.get("id") not in found:
            found[text(condition.get("id"))] = diagnosis(condition)
    return tuple(one for one in found.values() if one.verification != "entered-in-error")


def medicine(resource: Json) -> Medicine:
    """A prescription line or a medicine somebody says he takes."""
    shown = coded(resource.get("medicationCodeableConcept"), "atc")
    other = link(resource.get("medicationReference"))
    dosage = next(objects(resource.get("dosageInstruction") or resource.get("dosage")), {})
    route = coded(dosage.get("route"))
    dispense = resource.get("dispenseRequest") or {}
    author, visit_ = (
        link(resource.get("requester") or resource.get("informationSource")),
        link(resource.get("encounter") or resource.get("context")),
    )
    quantity = dispense.get("quantity") or {}
    number = quantity.get("value")
    group = resource.get("groupIdentifier") or {}
    return Medicine(
        id=text(resource.get("id")),
        type=text(resource.get("resourceType")),
        text=shown.text if shown else (other.text if other else "?"),
        code=shown.code if shown else "",
        dose=_dose(dosage),
        route=route.text if route else "",
        times=text(dosage.get("text")) or text(dosage.get("patientInstruction")),
        quantity=f"{number} {text(quantity.get('unit'))}".strip() if number is not None else "",
        status=text(resource.get("status")),
        authored=happened(resource, ("authoredOn", "dateAsserted", "effectiveDateTime", "effectivePeriod")),
        span=span(dispense.get("validityPeriod") or resource.get("effectivePeriod")),
        author=author.text if author else "",
        group=text(group.get("value")),
        encounter=visit_.id if visit_ else "",
        notes=notes(resource),
    )


def _dose(dosage: Json) -> str:
    for one in objects(dosage.get("doseAndRate")):
        quantity = one.get("doseQuantity")
        if isinstance(quantity, dict) and quantity.get("value") is not None:
            return f"{quantity['value']} {text(quantity.get('unit'))}".strip()
    return ""


def report(resource: Json) -> Report:
    """A DiagnosticReport."""
    title, performer, visit_ = (
        coded(resource.get("code")),
        next((p for one in objects(resource.get("performer")) if (p := link(one)) and p.text), None),
        link(resource.get("encounter")),
    )
    categories = all_codes(resource.get("category"))
    category = next((c.text for one in objects(resource.get("category")) if (c := coded(one))), "")
    return Report(
        id=text(resource.get("id")),
        title=title.text if title else "?",
        category=category,
        status=text(resource.get("status")),
        when=happened(resource, ("effectiveDateTime", "effectivePeriod", "issued")),
        issued=text(resource.get("issued")),
        performer=performer.text if performer else "",
        conclusion=text(resource.get("conclusion")),
        codes=tuple(c.text for one in objects(resource.get("conclusionCode")) if (c := coded(one))),
        results=tuple(
            found.id for one in objects(resource.get("result")) if (found := link(one)) and found.id
        ),
        studies=tuple(
            found.id for one in objects(resource.get("imagingStudy")) if (found := link(one)) and found.id
        ),
        encounter=visit_.id if visit_ else "",
        laboratory="LAB" in categories or bool(resource.get("result")),
    )


def study(resource: Json) -> Study:
    """An ImagingStudy."""
    series = list(objects(resource.get("series")))
    kinds = [
        *objects(resource.get("modality")),
        *(s["modality"] for s in series if isinstance(s.get("modality"), dict)),
    ]
    what = next((c for one in objects(resource.get("procedureCode")) if (c := coded(one))), None)
    visit_ = link(resource.get("encounter"))
    images = resource.get("numberOfInstances")
    return Study(
        id=text(resource.get("id")),
        title=text(resource.get("description")) or (what.text if what else ""),
        modality=", ".join(dict.fromkeys(text(kind.get("code")) for kind in kinds)),
        when=text(resource.get("started")),
        images=images if isinstance(images, int) else 0,
        encounter=visit_.id if visit_ else "",
    )


def act(resource: Json) -> Act:
    """A Procedure or an Immunization."""
    shown = coded(resource.get("code") or resource.get("vaccineCode"))
    performers = [
        found.text
        for one in objects(resource.get("performer"))
        if (found := link(one.get("actor"))) and found.text
    ]
    detail = [c.text for key in ("outcome", "route", "site") if (c := coded(resource.get(key)))]
    detail += [
        c.text
        for key in ("complication", "bodySite")
        for one in objects(resource.get(key))
        if (c := coded(one))
    ]
    if text(resource.get("lotNumber")):
        detail.append(text(resource["lotNumber"]))
    period = span(resource.get("performedPeriod"))
    visit_ = link(resource.get("encounter"))
    return Act(
        id=text(resource.get("id")),
        type=text(resource.get("resourceType")),
        text=shown.text if shown else "?",
        code=shown.code if shown else "",
        when=happened(
            resource, ("performedDateTime", "performedPeriod", "occurrenceDateTime", "performedString")
        ),
        end=period.end,
        status=text(resource.get("status")),
        performers=tuple(performers),
        detail=(*detail, *notes(resource)),
        encounter=visit_.id if visit_ else "",
    )


def _sections(sections: Any) -> Iterable[Section]:
    for one in objects(sections):
        words = paragraphs(one.get("text"))
        title = coded(one.get("code"))
        heading = text(one.get("title")) or (title.text if title else "")
        if words or heading:
            yield Section(heading, words)
        yield from _sections(one.get("section"))


def _lines(words: str) -> tuple[str, ...]:
    return tuple(line for raw in words.splitlines() if (line := raw.strip()))


def _attached(attachment: Json) -> tuple[str, ...]:
    """The words of an attachment that is plain text and lies in the resource itself."""
    if not text(attachment.get("contentType")).startswith("text/plain"):
        return ()
    try:
        return _lines(base64.b64decode(text(attachment.get("data")), validate=True).decode())
    except ValueError:  # not base64, or not UTF-8: it is shown as an attachment
        return ()


def paper(resource: Json) -> Paper:
    """A note or a document."""
    kind = coded(resource.get("type")) or next(
        (c for o in objects(resource.get("category")) if (c := coded(o))), None
    )
    authors = [found.text for one in objects(resource.get("author")) if (found := link(one)) and found.text]
    if (assessor := link(resource.get("assessor"))) and assessor.text:
        authors.append(assessor.text)
    visit_ = link(resource.get("encounter"))
    if visit_ is None and isinstance(resource.get("context"), dict):
        visit_ = next(
            (found for one in objects(resource["context"].get("encounter")) if (found := link(one))), None
        )
    attachments = []
    sections = list(_sections(resource.get("section")))
    for content in objects(resource.get("content")):
        attachment = content.get("attachment") or {}
        words = _attached(attachment)
        if words:
            sections.append(Section("", words))
        else:
            attachments.append((text(attachment.get("contentType")), text(attachment.get("url"))))
    if not sections and (words := paragraphs(resource.get("text")) or _lines(text(resource.get("summary")))):
        sections = [Section("", words)]
    title = text(resource.get("title")) or (kind.text if kind else text(resource.get("description")))
    return Paper(
        id=text(resource.get("id")),
        type=text(resource.get("resourceType")),
        title=title,
        kind=kind.text if kind else "",
        when=happened(resource, ("date", "effectiveDateTime", "effectivePeriod")),
        status=text(resource.get("status")),
        authors=tuple(authors),
        sections=tuple(sections),
        attachments=tuple(attachments),
        encounter=visit_.id if visit_ else "",
    )


def with_parts(whole: Visit, parts: Iterable[Visit], conditions: Mapping[str, Json]) -> Visit:
    """A visit with its stays in departments; diagnoses made in a stay are the visit's too."""
    known = {one.id for one in whole.diagnoses}
    made = (diagnosis(one) for id_, one in conditions.items() if id_ not in known)
    others = tuple(one for one in made if one.verification != "entered-in-error")
    return replace(whole, parts=tuple(parts), diagnoses=(*whole.diagnoses, *others))
