"""Each form of search on one small record whose answers can be counted on two hands."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from hsba.fhir.problems import Problem
from hsba.store.search.problems import BadCursor, UnknownValueSet

if TYPE_CHECKING:
    from search_world import World

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10"


def amount(value: str, unit: str) -> dict[str, Any]:
    return {"value": Decimal(value), "unit": unit, "system": UCUM, "code": unit}


def coded(system: str, code: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def to(address: str) -> dict[str, Any]:
    return {"reference": address}


ORGANIZATIONS = (
    {"resourceType": "Organization", "id": "hospital", "name": "Bệnh viện Đa khoa"},
    {"resourceType": "Organization", "id": "ward", "name": "Khoa Nội", "partOf": to("Organization/hospital")},
    {"resourceType": "Location", "id": "house", "name": "Nhà A"},
    {"resourceType": "Location", "id": "room", "partOf": to("Location/house"),
     "position": {"latitude": Decimal("10.77"), "longitude": Decimal("106.70")}},
)  # fmt: skip
PATIENTS = (
    {
        "resourceType": "Patient",
        "id": "anh",
        "meta": {
            "tag": [{"system": "http://t", "code": "vip"}],
            "profile": ["http://p/a|1.0"],
            "source": "http://s/1",
        },
        "text": {"status": "generated", "div": "<div>Bệnh nhân <b>nặng</b></div>"},
        "identifier": [
            {"system": "http://mrn", "value": "BN001", "type": coded("http://v2", "MR")},
            {"system": "http://cccd", "value": "079159012345"},
        ],
        "active": True,
        "name": [{"text": "Nguyễn Thị Ánh", "family": "Nguyễn", "given": ["Thị", "Ánh"]}],
        "telecom": [{"system": "phone", "value": "0912 345 678"}, {"system": "email", "value": "Anh@x.vn"}],
        "gender": "female",
        "birthDate": "1980-05-06",
        "address": [{"line": ["12 Lê Lợi"], "city": "Đà Nẵng"}],
        "managingOrganization": to("Organization/ward"),
    },
    {
        "resourceType": "Patient",
        "id": "dan",
        "identifier": [{"system": "http://mrn", "value": "BN002"}],
        "name": [{"text": "Đặng Văn An"}],
        "gender": "male",
        "birthDate": "1990",
        "deceasedDateTime": "2024-02-01",
        "managingOrganization": {"identifier": {"system": "http://cskcb", "value": "48001"}},
    },
    {
        "resourceType": "Patient",
        "id": "noname",
        "managingOrganization": to("http://other/fhir/Organization/x"),
    },
)
CLINICAL = (
    {"resourceType": "Encounter", "id": "stay", "status": "in-progress", "class": {"code": "IMP"},
     "subject": to("Patient/anh"), "serviceProvider": to("Organization/ward"), "period": {"start": "2024-03-01T08:00:00+07:00"},
     "location": [{"location": to("Location/room")}]},
    {"resourceType": "Encounter", "id": "visit", "status": "finished", "class": {"code": "AMB"}, "subject": to("Patient/dan"),
     "serviceProvider": to("Organization/ward"), "period": {"start": "2024-01-01", "end": "2024-01-02"}},
    {"resourceType": "Observation", "id": "pressure", "status": "final", "code": coded(LOINC, "85354-9", "Huyết áp"),
     "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
     "subject": to("Patient/anh"), "encounter": to("Encounter/stay"), "effectiveDateTime": "2024-03-05T08:30:00+07:00",
     "component": [
         {"code": coded(LOINC, "8480-6"), "valueQuantity": amount("150", "mm[Hg]")},
         {"code": coded(LOINC, "8462-4"), "valueQuantity": amount("90", "mm[Hg]")}]},
    {"resourceType": "Observation", "id": "glucose", "status": "final", "code": coded(LOINC, "15074-8"),
     "subject": to("Patient/anh"), "effectiveDateTime": "2024-03-06", "valueQuantity": amount("5.6", "mmol/L")},
    {"resourceType": "Observation", "id": "sodium", "status": "amended", "code": coded(LOINC, "2951-2"),
     "subject": to("Patient/dan"), "effectivePeriod": {"start": "2024-01-01", "end": "2024-12-31"},
     "valueQuantity": amount("140", "mmol/L"), "derivedFrom": [to("Observation/glucose")]},
    {"resourceType": "Observation", "id": "note", "status": "final", "code": {"text": "Ghi chú"}, "subject": to("Patient/dan"),
     "valueString": "Ổn định"},
    {"resourceType": "Condition", "id": "pressure", "code": coded(ICD, "I10.1", "Tăng huyết áp"), "subject": to("Patient/anh"),
     "encounter": to("Encounter/stay")},
    {"resourceType": "Condition", "id": "diabetes", "code": coded(ICD, "E11"), "subject": to("Patient/dan")},
    {"resourceType": "List", "id": "round", "status": "current", "mode": "working", "entry": [{"item": to("Patient/anh")}]},
    {"resourceType": "Questionnaire", "id": "q", "url": "http://q/form", "status": "active", "title": "Phiếu"},
    {"resourceType": "QuestionnaireResponse", "id": "qr", "questionnaire": "http://q/form|2", "status": "completed",
     "subject": to("Patient/anh")},
    {"resourceType": "ValueSet", "id": "v", "url": "http://tree/a/b", "status": "active"},
    {"resourceType": "RiskAssessment", "id": "risk", "status": "final", "subject": to("Patient/anh"),
     "prediction": [{"probabilityDecimal": Decimal("0.8")}]},
    {"resourceType": "DocumentReference", "id": "doc", "status": "current", "content": [{"attachment": {}}],
     "relatesTo": [{"code": "replaces", "target": to("DocumentReference/old")}]},
    {"resourceType": "MolecularSequence", "id": "seq", "coordinateSystem": 0,
     "referenceSeq": {"referenceSeqId": coded("http://ncbi", "NC_1"), "windowStart": 100, "windowEnd": 200},
     "variant": [{"start": 150, "end": 151}, {"start": 170, "end": 180}]},
    {"resourceType": "Group", "id": "g", "type": "person", "actual": True,
     "characteristic": [{"code": coded("", "smoker"), "valueBoolean": True, "exclude": False}]},
)  # fmt: skip


@pytest_asyncio.fixture
async def filled(world: World) -> World:
    """The record of this file."""
    await world.save(*ORGANIZATIONS)
    await world.save(*PATIENTS)
    await world.save(*CLINICAL)
    return world


FORMS: list[tuple[str, str, list[str]]] = [
    # strings: without accents, in any order of the words of a name, from the beginning of a word
    ("Patient", "name=anh nguyen", ["anh"]),
    ("Patient", "name=ĐẶNG", ["dan"]),
    ("Patient", "name=an", ["anh", "dan"]),
    ("Patient", "name=guyen", []),
    ("Patient", "name:contains=guyen", ["anh"]),
    ("Patient", "name:exact=Nguyễn", ["anh"]),
    ("Patient", "name:exact=Nguyen", []),
    ("Patient", "name:missing=true", ["noname"]),
    ("Patient", "family=nguyen&given=anh", ["anh"]),
    ("Patient", "address=da nang", ["anh"]),
    ("Patient", "address-city=da", ["anh"]),
    ("Organization", "name=benh vien", ["hospital"]),
    # tokens
    ("Patient", "identifier=bn001", ["anh"]),
    ("Patient", "identifier=http://cccd|079159012345", ["anh"]),
    ("Patient", "identifier=http://mrn|", ["anh", "dan"]),
    ("Patient", "identifier=|BN001", []),
    ("Patient", "identifier=http://nobody|BN001", []),
    ("Patient", "identifier=BN001,BN002", ["anh", "dan"]),
    ("Patient", "identifier:of-type=http://v2|MR|BN001", ["anh"]),
    ("Patient", "identifier:of-type=http://v2|SS|BN001", []),
    ("Patient", "gender=male", ["dan"]),
    ("Patient", "gender=http://hl7.org/fhir/administrative-gender|male", ["dan"]),
    ("Patient", "gender=http://wrong|male", []),
    ("Patient", "gender=|male", ["dan"]),
    ("Patient", "gender:not=male", ["anh", "noname"]),
    ("Patient", "gender:not=male,female", ["noname"]),
    ("Patient", "active=true", ["anh"]),
    ("Patient", "deceased=true", ["dan"]),
    ("Patient", "phone=+84 912345678", ["anh"]),
    ("Patient", "email=anh@X.vn", ["anh"]),
    ("Patient", "_tag=http://t|vip", ["anh"]),
    ("Patient", "_profile=http://p/a", ["anh"]),
    ("Patient", "_profile=http://p/a|1.0", ["anh"]),
    ("Patient", "_profile=http://p/a|2.0", []),
    ("Patient", "_source=http://s/1", ["anh"]),
    ("Observation", "code:text=huyet", ["pressure"]),
    ("Observation", "code=http://loinc.org|2951-2,http://loinc.org|15074-8", ["glucose", "sodium"]),
    ("Observation", "combo-code=8480-6", ["pressure"]),
    (
        "Observation",
        "status:in=http://hl7.org/fhir/ValueSet/observation-status",
        ["glucose", "note", "pressure", "sodium"],
    ),
    ("Observation", "category:in=http://hl7.org/fhir/ValueSet/observation-category", ["pressure"]),
    (
        "Observation",
        "category:not-in=http://hl7.org/fhir/ValueSet/observation-category",
        ["glucose", "note", "sodium"],
    ),
    ("Condition", "code:below=http://hl7.org/fhir/sid/icd-10|I10", ["pressure"]),
    ("Condition", "code:below=i10", ["pressure"]),
    ("Condition", "code:above=http://hl7.org/fhir/sid/icd-10|E11.9", ["diabetes"]),
    # dates
    ("Patient", "birthdate=1980", ["anh"]),
    ("Patient", "birthdate=1980-05-06", ["anh"]),
    ("Patient", "birthdate=ne1980-05-06", ["dan"]),
    ("Patient", "birthdate=gt1980-05-06", ["dan"]),
    ("Patient", "birthdate=ge1980-05-06&birthdate=lt1990-02", ["anh", "dan"]),
    ("Patient", "birthdate=eb1990", ["anh"]),
    ("Patient", "birthdate=sa1980-05-06", ["dan"]),
    ("Patient", "death-date=2024-02-01", ["dan"]),
    ("Observation", "date=2024-03-05", ["pressure"]),
    ("Observation", "date=2024-03-05T01:30:00Z", ["pressure"]),
    ("Observation", "date=2024", ["glucose", "pressure", "sodium"]),
    ("Observation", "date=lt2024-02", ["sodium"]),
    ("Observation", "date:missing=true", ["note"]),
    ("Encounter", "date=ge2024-03", ["stay"]),
    ("Encounter", "date=2024-01", ["visit"]),
    # numbers and quantities, in any unit of one kind
    ("RiskAssessment", "probability=0.8", ["risk"]),
    ("RiskAssessment", "probability=gt0.8", []),
    ("RiskAssessment", "probability=ge0.8", ["risk"]),
    ("Observation", "value-quantity=5.6", ["glucose"]),
    ("Observation", "value-quantity=6", ["glucose"]),
    ("Observation", "value-quantity=5.60", ["glucose"]),
    ("Observation", "value-quantity=5.59", []),
    ("Observation", f"value-quantity=5600|{UCUM}|umol/L", ["glucose"]),
    ("Observation", "value-quantity=gt100||mmol/L", ["sodium"]),
    ("Observation", f"value-quantity=gt0.1|{UCUM}|mol/L", ["sodium"]),
    ("Observation", f"value-quantity=5.6|{UCUM}|mg/dL", []),
    ("Observation", "value-quantity=ap6", ["glucose"]),
    # composites: on the resource, side by side in a component, and both
    ("Observation", f"code-value-quantity={LOINC}|15074-8$gt5", ["glucose"]),
    ("Observation", f"code-value-quantity={LOINC}|15074-8$gt6", []),
    ("Observation", f"component-code-value-quantity={LOINC}|8480-6$gt140|{UCUM}|mm[Hg]", ["pressure"]),
    ("Observation", "component-code-value-quantity=8480-6$gt19|http://unitsofmeasure.org|kPa", ["pressure"]),
    ("Observation", f"component-code-value-quantity={LOINC}|8462-4$gt140", []),
    ("Observation", "combo-code-value-quantity=8480-6$150", ["pressure"]),
    ("DocumentReference", "relationship=replaces$DocumentReference/old", ["doc"]),
    ("DocumentReference", "relationship=replaces$old", ["doc"]),
    ("DocumentReference", "relationship=replaces$DocumentReference/new", []),
    ("MolecularSequence", "chromosome-window-coordinate=x$100$200", []),
    ("MolecularSequence", "referenceseqid-window-coordinate=NC_1$100$200", ["seq"]),
    ("MolecularSequence", "referenceseqid-variant-coordinate=NC_1$150$151", ["seq"]),
    ("MolecularSequence", "referenceseqid-variant-coordinate=NC_1$150$180", []),
    ("Group", "characteristic-value=smoker$true", ["g"]),
    # references
    ("Observation", "subject=Patient/anh", ["glucose", "pressure"]),
    ("Observation", "subject=anh", ["glucose", "pressure"]),
    ("Observation", "subject=http://here/fhir/Patient/anh", ["glucose", "pressure"]),
    ("Observation", "subject:Patient=anh", ["glucose", "pressure"]),
    ("Observation", "subject:Group=anh", []),
    ("Observation", "patient=anh,dan", ["glucose", "note", "pressure", "sodium"]),
    ("Patient", "organization=http://other/fhir/Organization/x", ["noname"]),
    ("Patient", "organization:identifier=http://cskcb|48001", ["dan"]),
    ("Patient", "organization:missing=false", ["anh", "dan", "noname"]),
    ("Encounter", "location:below=Location/house", ["stay"]),
    ("Organization", "partof:above=Organization/ward", ["ward"]),
    ("QuestionnaireResponse", "questionnaire=http://q/form", ["qr"]),
    ("QuestionnaireResponse", "questionnaire=http://q/form|2", ["qr"]),
    ("QuestionnaireResponse", "questionnaire=http://q/form|3", []),
    ("QuestionnaireResponse", "questionnaire.title=phieu", ["qr"]),
    # addresses
    ("ValueSet", "url=http://tree/a/b", ["v"]),
    ("ValueSet", "url:below=http://tree/a", ["v"]),
    ("ValueSet", "url:below=http://tree/a/bc", []),
    ("ValueSet", "url:above=http://tree/a/b/c", ["v"]),
    # places
    ("Location", "near=10.78|106.71|5|km", ["room"]),
    ("Location", "near=10.78|106.71|0.1|km", []),
    # chains and reverse chains
    ("Observation", "patient.name=anh", ["glucose", "pressure"]),
    ("Observation", "subject:Patient.organization.name=khoa", ["glucose", "pressure"]),
    ("Observation", "subject:Patient.organization.partof.name=benh vien", ["glucose", "pressure"]),
    ("Patient", "_has:Observation:patient:code=2951-2", ["dan"]),
    ("Patient", "_has:Encounter:patient:status=in-progress", ["anh"]),
    ("Organization", "_has:Patient:organization:_has:Observation:patient:status=final", ["ward"]),
    ("Observation", "derived-from.subject:Patient.name=anh", ["sodium"]),
    # the parameters of all types
    ("Patient", "_id=anh,noname", ["anh", "noname"]),
    ("Patient", "_list=round", ["anh"]),
    ("Patient", "_lastUpdated=gt2020-01-01", ["anh", "dan", "noname"]),
    ("Patient", "_lastUpdated=lt2020-01-01", []),
    ("Patient", "_text=nang benh", ["anh"]),
    ("Patient", "_text=khoe", []),
    ("Observation", "_content=on dinh", ["note"]),
    ("Observation", "_content=khong co", []),
    ("", "_id=anh", ["anh"]),
    ("", "_type=Patient,Encounter&_lastUpdated=gt2020", ["anh", "dan", "noname", "stay", "visit"]),
    # the filter language
    ("Patient", '_filter=name co "guy" or birthdate ge 1990', ["anh", "dan"]),
    ("Patient", "_filter=not (gender eq female) and name pr true", ["dan"]),
    ("Patient", "_filter=gender ne female", ["dan"]),
    ("Observation", '_filter=subject[gender eq male].name sw "dang"', ["note", "sodium"]),
    ("Observation", "_filter=code ss http://nobody|x", []),
    # what nobody stored yet
    ("Device", "type=x", []),
    ("Patient", "general-practitioner.name=x", []),
    ("Patient", "_has:Provenance:target:agent=x", []),
]


async def test_search__each_form_finds_what_it_should(filled: World) -> None:
    wrong = []
    for type_, query, wanted in FORMS:
        found = sorted(await filled.find(type_, query.replace("+", "%2B")))
        if found != wanted:
            wrong.append((type_, query, found, wanted))

    assert wrong == []


async def test_search__matches_come_newest_first(filled: World) -> None:
    assert await filled.find("Patient") == ["noname", "dan", "anh"]


@pytest.mark.parametrize(
    "query, wanted",
    [
        ("_sort=birthdate", ["anh", "dan", "noname"]),
        ("_sort=-birthdate", ["dan", "anh", "noname"]),
        ("_sort=name", ["dan", "anh", "noname"]),
        ("_sort=-name", ["anh", "dan", "noname"]),
        ("_sort=-_id", ["noname", "dan", "anh"]),
        ("_sort=gender,_id", ["anh", "dan", "noname"]),
        ("_sort=-gender,-_id", ["dan", "anh", "noname"]),
        ("_sort=_lastUpdated,_id", ["anh", "dan", "noname"]),
    ],
)
async def test_search__sorts_with_what_is_missing_last(filled: World, query: str, wanted: list[str]) -> None:
    assert await filled.find("Patient", query) == wanted

    paged = await filled.pages(filled.parse("Patient", f"{query}&_count=1"))
    assert paged == [[f"Patient/{id_}"] for id_ in wanted]


@pytest.mark.parametrize(
    "type_, query, wanted",
    [
        ("Observation", "_id=pressure&_include=Observation:subject", ["anh"]),
        ("Observation", "_id=pressure&_include=Observation:subject:Patient", ["anh"]),
        ("Observation", "_id=pressure&_include=Observation:subject:Group", []),
        ("Observation", "_id=pressure&_include=*", ["anh", "stay"]),
        ("Observation", "_id=pressure&_include=Observation:*", ["anh", "stay"]),
        ("Observation", "_id=sodium&_include=Observation:derived-from", ["glucose"]),
        (
            "Observation",
            (
                "_id=pressure&_include=Observation:subject&_include:iterate=Patient:organization"
                "&_include:iterate=Organization:partof"
            ),
            ["anh", "hospital", "ward"],
        ),
        ("Observation", "_id=pressure&_include=Observation:subject&_include=Patient:organization", ["anh"]),
        ("Patient", "_id=anh&_revinclude=Encounter:patient", ["stay"]),
        (
            "Patient",
            "_id=anh&_revinclude=Encounter:patient&_revinclude:iterate=Observation:encounter",
            ["pressure", "stay"],
        ),
        ("Patient", "_id=anh&_revinclude=Condition:*", ["pressure"]),
        ("QuestionnaireResponse", "_include=QuestionnaireResponse:questionnaire", ["q"]),
        ("Patient", "_id=nobody&_include=*", []),
    ],
)
async def test_search__brings_along_what_is_asked(
    filled: World, type_: str, query: str, wanted: list[str]
) -> None:
    page = await filled.search(type_, query)

    assert sorted(one.id for one in page.included) == wanted
    assert page.issues == ()


async def test_search__totals_as_asked(filled: World) -> None:
    assert (await filled.search("Patient", "_count=1")).total is None
    assert (await filled.search("Patient", "_count=1&_total=accurate")).total == 3
    assert (await filled.search("Patient", "_count=1&_total=estimate")).total == 3
    assert (await filled.search("Patient", "_count=1&_total=none")).total is None
    assert (await filled.search("Patient", "_summary=count")).total == 3
    assert (await filled.search("Patient", "_count=0&gender=male")).total == 1
    assert (await filled.search("Patient", "_total=none")).total is None


async def test_search__the_bodies_are_the_stored_texts(filled: World) -> None:
    (found,) = (await filled.search("Patient", "_id=dan")).matches

    assert found.body is not None
    assert '"Đặng Văn An"' in found.body
    assert not found.deleted


async def test_search__a_deleted_resource_is_not_found_nor_followed(filled: World) -> None:
    await filled.delete("Patient/anh")

    assert await filled.find("Patient", "name=anh") == []
    assert await filled.find("Observation", "patient.name=anh") == []
    assert sorted(await filled.find("Observation", "patient=anh")) == ["glucose", "pressure"]
    assert (await filled.search("Observation", "_id=pressure&_include=Observation:subject")).included == []


async def test_search__an_update_leaves_no_old_value(filled: World) -> None:
    await filled.save({"resourceType": "Patient", "id": "dan", "name": [{"text": "Lê Bình"}]})

    assert await filled.find("Patient", "name=dang") == []
    assert await filled.find("Patient", "name=binh") == ["dan"]
    assert await filled.find("Patient", "identifier=BN002") == []


async def test_search__a_later_target_is_found_through_the_earlier_reference(filled: World) -> None:
    await filled.save({"resourceType": "Condition", "id": "early", "subject": to("Patient/late")})
    assert await filled.find("Condition", "subject.name=sau") == []

    await filled.save({"resourceType": "Patient", "id": "late", "name": [{"text": "Đến Sau"}]})

    assert await filled.find("Condition", "subject.name=sau") == ["early"]


async def test_search__an_unknown_value_set_is_told(filled: World) -> None:
    with pytest.raises(UnknownValueSet):
        await filled.find("Observation", "code:in=http://nobody/vs")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "lqxk", "%00", "é", "W10", "k" * 4000])
async def test_search__a_cursor_of_somebody_else_is_refused(filled: World, cursor: str) -> None:
    with pytest.raises((BadCursor, Problem)):
        await filled.search("Patient", f"_cursor={cursor}")


async def test_search__a_cursor_belongs_to_its_search(filled: World) -> None:
    page = await filled.search("Patient", "_count=1")

    with pytest.raises(BadCursor):
        await filled.search("Patient", f"gender=male&_cursor={page.next}")


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE record.resource; --",
        "$1",
        "%s",
        "\\",
        "{1,2}",
        "\u200b",
        "😀",
        "' OR ''='",
        "NULL",
        "\U0010ffff",
    ],
)
async def test_search__whatever_is_typed_is_a_value(filled: World, text: str) -> None:
    for query in (
        "name",
        "identifier",
        "name:exact",
        "name:contains",
        "_id",
        "gender",
        "_content",
        "_tag:text",
    ):
        wanted = filled.app.definitions
        assert wanted is not None
        escaped = text.replace("\\", "\\\\").replace(",", "\\,").replace("$", "\\$").replace("|", "\\|")
        try:
            found = await filled.search("Patient", f"{query}={_quoted(escaped)}")
        except Problem as problem:
            assert problem.status == 400  # noqa: PT017 - either answer is right
        else:
            assert len(found.matches) <= 3
    assert len(await filled.find("Patient")) == 3


def _quoted(text: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415

    return quote(text, safe="")
