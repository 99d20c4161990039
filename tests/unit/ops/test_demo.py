"""The demo hospital: the same every time, nobody real, true to its profiles, believable."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from itertools import islice
from time import process_time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from hsba.fhir import code_lists, definitions
from hsba.fhir.validate import validate
from hsba.fhir.vn import BASE, Canon
from hsba.forms import catalogue, checking
from hsba.ops.demo import HOSPITAL, generate
from hsba.ops.demo.generate import ORDER, occupied, slots
from hsba.ops.demo.illnesses import ALL
from hsba.ops.demo.medicines import MEDICINES
from hsba.ops.demo.places import DEPARTMENTS, wards
from hsba.ops.demo.words import icd_names, operation_names

if TYPE_CHECKING:
    from collections.abc import Iterator

Resource = dict[str, Any]

TODAY = date(2026, 11, 23)
CANON = Canon()
encode = msgspec.json.Encoder(decimal_format="number").encode


@pytest.fixture(scope="module")
def hospital() -> list[Resource]:
    return list(generate(today=TODAY))


@pytest.fixture(scope="module")
def by_address(hospital: list[Resource]) -> dict[str, Resource]:
    return {address(one): one for one in hospital}


def address(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def of_type(hospital: list[Resource], type_: str) -> list[Resource]:
    return [one for one in hospital if one["resourceType"] == type_]


def values(part: Any, name: str) -> Iterator[Any]:
    """Every value under a JSON name, at any depth."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == name:
                yield value
            yield from values(value, name)
    elif isinstance(part, list):
        for one in part:
            yield from values(one, name)


def moments(part: Any) -> Iterator[datetime]:
    """Every date with a time, at any depth."""
    if isinstance(part, dict):
        for value in part.values():
            yield from moments(value)
    elif isinstance(part, list):
        for one in part:
            yield from moments(one)
    elif isinstance(part, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*", part):
        assert part.endswith("+07:00")
        yield datetime.fromisoformat(part)


def identifier(resource: Resource, name: str) -> list[str]:
    system = CANON.identifier(name)
    return [one["value"] for one in resource.get("identifier", ()) if one.get("system") == system]


def patient_of(resource: Resource) -> str | None:
    for name in ("subject", "patient", "beneficiary"):
        if name in resource:
            reference: str = resource[name]["reference"]
            return reference
    return None


def test_generate__same_seed_and_day_give_the_same_bytes() -> None:
    first, again, other = (
        [encode(one) for one in generate(seed=seed, scale=0.1, today=TODAY)] for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_generate__a_larger_hospital_begins_with_the_same_patients() -> None:
    small = {address(one): one for one in generate(scale=0.1, today=TODAY)}
    large = {address(one): one for one in islice(generate(scale=0.4, today=TODAY), 3000)}

    patients = [key for key in small if key.startswith("Patient/")][:20]

    assert all(large[key] == small[key] for key in patients)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_generate__five_hundred_patients_in_at_most_twenty_thousand_resources(seed: int) -> None:
    count = Counter(one["resourceType"] for one in generate(seed=seed, today=TODAY))

    assert count["Patient"] == 500
    assert 18_000 < count.total() <= 20_000
    assert 75 <= count["Practitioner"] <= 90
    assert count["Encounter"] > 900


def test_generate__resources_are_of_a_realistic_size(hospital: list[Resource]) -> None:
    sizes = [len(encode(one)) for one in hospital]

    assert 700 < sum(sizes) / len(sizes) < 1300
    assert max(sizes) < 16_000


def test_generate__addresses_are_unique_and_references_resolve(hospital: list[Resource]) -> None:
    known = {address(one) for one in hospital}

    assert len(known) == len(hospital)
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", one["id"]) for one in hospital)
    assert {reference for one in hospital for reference in values(one, "reference")} <= known


def test_generate__only_an_encounter_and_its_diagnoses_point_forward(hospital: list[Resource]) -> None:
    seen: set[str] = set()
    forward = set()
    for one in hospital:
        seen.add(address(one))
        forward |= {
            (one["resourceType"], target.partition("/")[0])
            for target in values(one, "reference")
            if target not in seen
        }

    assert forward == {("Encounter", "Condition")}


def profiled(hospital: list[Resource]) -> list[Resource]:
    """Without the entries of forms: those answer a Questionnaire of the program, which has one address everywhere."""
    return [one for one in hospital if one["resourceType"] != "QuestionnaireResponse"]


def test_generate__every_resource_declares_a_profile_of_the_package(hospital: list[Resource]) -> None:
    known = definitions.default()
    hospital = profiled(hospital)
    declared = {url for one in hospital for url in one["meta"]["profile"]}

    assert all(len(one["meta"]["profile"]) == 1 for one in hospital)
    for url in declared:
        assert url.startswith(BASE)
        assert known.resource(url) is not None


def test_generate__a_sample_satisfies_its_profiles(hospital: list[Resource]) -> None:
    known = definitions.default()
    first = {one["meta"]["profile"][0]: one for one in reversed(profiled(hospital))}
    sample = [*first.values(), *hospital[::60]]

    assert [(address(one), issue) for one in sample for issue in validate(one, known)] == []


@pytest.mark.slow
def test_generate__every_resource_satisfies_its_profiles(hospital: list[Resource]) -> None:
    known = definitions.default()

    assert [(address(one), issue) for one in hospital for issue in validate(one, known)] == []


def test_generate__what_doctors_wrote_fits_the_forms(hospital: list[Resource]) -> None:
    forms = {form.canonical: form for form in catalogue.every()}
    written = [one for one in hospital if one["resourceType"] == "QuestionnaireResponse"]

    for one in written:
        checking.check(forms[one["questionnaire"]], one)
    assert {one["questionnaire"].rsplit("/")[-1] for one in written} >= {"01-BV1|1", "10-BV1|1", "36-BV2|1"}


def test_generate__another_canonical_base_is_used_throughout() -> None:
    base = "http://fhir.example.vn/core"
    known = definitions.load(rebase=(BASE, base))

    moved = profiled(list(generate(scale=0.04, today=TODAY, base=base)))

    assert BASE.encode() not in b"".join(encode(one) for one in moved)
    assert [issue for one in moved[::20] for issue in validate(one, known)] == []


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2028, 2, 29), date(2027, 7, 4)])
def test_generate__any_day_will_do(today: date) -> None:
    known = definitions.default()
    coverages = [one for one in generate(scale=0.3, today=today) if one["resourceType"] == "Coverage"]

    assert coverages
    assert [issue for one in coverages for issue in validate(one, known)] == []


def test_generate__everything_told_lies_before_the_day(hospital: list[Resource]) -> None:
    for one in hospital:
        ahead = one["resourceType"] == "Appointment" or one.get("status") == "planned"
        if not ahead:
            assert all(moment.date() < TODAY for moment in moments(one)), address(one)


def test_generate__some_patients_are_in_hospital_each_in_an_occupied_bed(
    hospital: list[Resource], by_address: dict[str, Resource]
) -> None:
    running = [
        one
        for one in of_type(hospital, "Encounter")
        if one["status"] == "in-progress" and "partOf" not in one
    ]
    beds = Counter(
        one["location"][0]["location"]["reference"]
        for one in running
        if one["hospitalization"]["admitSource"]["coding"][0]["code"] != "born"
    )
    departments = {one["serviceProvider"]["reference"] for one in running}

    assert 40 <= len(running) <= 80
    assert len(departments) == 8
    assert set(beds.values()) == {1}
    assert all(by_address[bed]["operationalStatus"]["code"] == "O" for bed in beds)
    occupied_now = [
        one for one in of_type(hospital, "Location") if one.get("operationalStatus", {}).get("code") == "O"
    ]
    assert len(occupied_now) == len(beds)


def test_occupied__there_are_beds_for_all_at_every_scale() -> None:
    beds = {department.code: department.beds for department in DEPARTMENTS}
    for scale in (0.1, 1, 3.4, 50):
        taken = occupied(round(500 * scale))
        assert all(count <= beds[code] * max(1, round(scale)) for code, count in taken.items())


@pytest.mark.parametrize("count", [1, 7, 50, 500, 1234])
def test_slots__numbers_cover_the_patients_without_a_gap(count: int) -> None:
    numbers = [number + k for number, kind, _ in slots(count) for k in range(kind.people)]

    assert numbers == list(range(1, count + 1))


def test_slots__a_hundred_patients_hold_every_kind() -> None:
    assert sum(kind.people for kind in ORDER) == 100
    assert {kind.name for _, kind, _ in slots(100)} == {kind.name for kind in ORDER}


def test_generate__twins_are_linked_to_their_mother(
    hospital: list[Resource], by_address: dict[str, Resource]
) -> None:
    mothers = [one for one in of_type(hospital, "Patient") if len(one.get("link", ())) == 2]

    assert len(mothers) == 5
    for mother in mothers:
        related = [by_address[link["other"]["reference"]] for link in mother["link"]]
        twins = [by_address[one["patient"]["reference"]] for one in related]
        assert {one["multipleBirthInteger"] for one in twins} == {1, 2}
        assert {one["birthDate"] for one in twins} == {twins[0]["birthDate"]}
        assert all(one["relationship"][0]["coding"][0]["code"] == "MTH" for one in related)
        assert all(identifier(one, "cccd") == identifier(mother, "cccd") for one in related)


def test_generate__a_newborn_is_called_after_the_mother_until_it_is_registered(
    hospital: list[Resource],
) -> None:
    fresh = [
        one for one in of_type(hospital, "Patient") if (TODAY - date.fromisoformat(f"{one['birthDate']:0<10}"[:10])
        if len(one["birthDate"]) == 10 else TODAY - date(1900, 1, 1)).days < 40
    ]  # fmt: skip

    assert fresh
    for one in fresh:
        assert one["name"] == [{"use": "temp", "text": one["name"][0]["text"]}]
        assert one["name"][0]["text"].startswith("Con bà ")
        assert identifier(one, "cccd") == []


def test_generate__nothing_happens_after_a_death(hospital: list[Resource]) -> None:
    died = {
        address(one): datetime.fromisoformat(one["deceasedDateTime"])
        for one in of_type(hospital, "Patient")
        if "deceasedDateTime" in one
    }

    assert len(died) == 10
    for one in hospital:
        if (end := died.get(patient_of(one) or "")) is not None and one["resourceType"] != "Coverage":
            assert max(moments(one), default=end) <= end, address(one)


def test_generate__no_real_person_can_be_met(hospital: list[Resource]) -> None:
    patients = of_type(hospital, "Patient")
    citizens = [value for one in patients for value in identifier(one, "cccd")]
    cards = [value for one in patients for value in identifier(one, "bhyt")]
    phones = [one["value"] for one in values(hospital, "telecom") for one in one if one["system"] == "phone"]

    assert len(set(citizens)) == len(citizens) > 450
    assert all(re.fullmatch(r"099[0-3]\d{8}", one) for one in citizens)
    assert all(re.fullmatch(r"099\d{9}|00\d{8}|[A-Z]{2}[1-5]0000\d{8}", one) for one in cards)
    assert all(re.fullmatch(r"04\d\d \d{3} \d{3}", one) for one in phones)
    assert {code.startswith("00") for code in (HOSPITAL.facility, *HOSPITAL.stations)} == {True}
    assert all(one["meta"]["tag"][0]["code"] == "HTEST" for one in patients)


def test_generate__addresses_have_province_and_commune_and_no_district(hospital: list[Resource]) -> None:
    addresses = [one for some in values(hospital, "address") for one in some]
    communes = {ward.code: ward for some in wards().values() for ward in some}

    assert len(communes) == 3321
    assert next(values(hospital, "district"), None) is None
    for one in addresses:
        province, ward = (extension["valueCoding"] for extension in one["extension"])
        assert communes[ward["code"]].province == province["code"]
        assert one["text"].endswith(f"{ward['display']}, {province['display']}")
        assert not re.search(r"\b([Qq]uận|[Hh]uyện|[Tt]hị xã)\b", one["text"])


def test_generate__age_and_sex_fit_the_department(
    hospital: list[Resource], by_address: dict[str, Resource]
) -> None:
    stays = [
        one for one in of_type(hospital, "Encounter") if one["class"]["code"] == "IMP" and "partOf" not in one
    ]
    for one in stays:
        department = one["serviceProvider"]["reference"]
        who = by_address[one["subject"]["reference"]]
        age = TODAY.year - int(who["birthDate"][:4])
        if department.endswith("dept-nhi"):
            assert age <= 15
        if department.endswith(("dept-noi", "dept-hstc")):
            assert age >= 18
        if department.endswith("dept-san") and age > 1:
            assert who["gender"] == "female"


def test_illnesses__codes_are_in_the_lists_and_may_be_main_diagnoses() -> None:
    diseases = {one.code: one for one in code_lists.read("vn-icd10-cs")}
    for illness in ALL:
        assert diseases[illness.icd].extra["main"] == "1", illness.icd
        assert all(code in icd_names() for code in illness.also)
        assert not illness.operation or illness.operation in operation_names()
        assert set(illness.drugs) <= set(MEDICINES)


def test_generate__a_stay_has_a_dossier_that_its_sheets_point_to(
    hospital: list[Resource], by_address: dict[str, Resource]
) -> None:
    stays = [
        one for one in of_type(hospital, "Encounter") if one["class"]["code"] == "IMP" and "partOf" not in one
    ]
    headers = {one["encounter"]["reference"]: address(one) for one in of_type(hospital, "Composition")}
    pointed = Counter(
        extension["valueReference"]["reference"]
        for one in hospital
        for extension in one.get("extension", ())
        if extension["url"] == CANON.profile("hsba-dossier")
    )

    assert set(headers) == {address(one) for one in stays}
    assert set(headers.values()) == set(pointed)
    numbers = [by_address[one]["identifier"]["value"] for one in headers.values()]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.slow
def test_generate__the_load_of_fifty_hospitals_is_streamed() -> None:
    import tracemalloc  # noqa: PLC0415 - only here

    stream = generate(scale=50, today=TODAY)
    next(stream)
    for _ in islice(stream, 20_000):
        pass
    tracemalloc.start()
    for _ in islice(stream, 60_000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8_000_000


@pytest.mark.performance
def test_generate__twenty_thousand_resources_a_second() -> None:
    began = process_time()
    count = sum(1 for _ in generate(scale=2, today=TODAY))

    assert count / (process_time() - began) > 20_000
