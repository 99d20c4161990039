"""Page-shaped reads on a real database: what they find, whom they show it to, and in how many queries."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from hsba.fhir.problems import NotFound
from hsba.fhir.query.expression import Everything, Ids, Not, Nothing
from hsba.record import interactions, patients
from hsba.record.ports import AllowAll
from hsba.record.views import finding, home, patient, versions, visit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from house import House
    from hsba.fhir.query.expression import Expression
    from hsba.record.context import Context

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
MRN = "http://fhir.hl7.org.vn/core/sid/mrn"
Resource = dict[str, Any]


def person(id_: str, line: str, birth: str, number: str, **more: Any) -> Resource:
    family, *given = line.split()
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": CCCD, "value": number}, {"system": MRN, "value": f"26-{id_}"}],
        "name": [{"use": "official", "text": line, "family": family, "given": given}],
        "gender": "female",
        "birthDate": birth,
        "telecom": [{"system": "phone", "value": f"0400 000 {number[-3:]}"}],
        **more,
    }


def about(type_: str, id_: str, whom: str = "hoa", **more: Any) -> Resource:
    name = "patient" if type_ == "AllergyIntolerance" else "subject"
    return {"resourceType": type_, "id": id_, name: {"reference": f"Patient/{whom}"}, **more}


def stay(id_: str, whom: str, start: str, **more: Any) -> Resource:
    return about(
        "Encounter",
        id_,
        whom,
        **{"status": "finished", "class": {"code": "IMP"}, "period": {"start": start}, **more},
    )


def lab(id_: str, when: str, value: int, whom: str = "hoa", **more: Any) -> Resource:
    return about(
        "Observation",
        id_,
        whom,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Kali"}]},
        effectiveDateTime=when,
        valueQuantity={"value": value, "unit": "mmol/L"},
        **more,
    )


NOW: dict[str, Any] = {"status": "in-progress"}
BED: dict[str, Any] = {
    "serviceProvider": {"display": "Khoa Nội"},
    "location": [{"location": {"display": "Giường 05"}, "status": "active"}],
}
IN_STAY: dict[str, Any] = {"encounter": {"reference": "Encounter/stay"}}

RECORD: tuple[Resource, ...] = (
    person("hoa", "Nguyễn Thị Hoa", "1959-05-12", "099159000001"),
    person("hoa2", "Nguyễn Thị Hòa", "1995-05-12", "099159000002"),
    person("anh", "Đỗ Ánh", "1988", "099159000003"),
    stay("stay", "hoa", "2026-11-20T09:00:00+07:00", **NOW),
    stay("ward", "hoa", "2026-11-20T10:00:00+07:00", **NOW, **BED, partOf={"reference": "Encounter/stay"}),
    stay("old", "hoa", "2025-02-04T09:00:00+07:00"),
    stay("other", "anh", "2024-02-04T09:00:00+07:00"),
    about("AllergyIntolerance", "allergy", code={"text": "Penicilin"}, criticality="high"),
    about(
        "Condition",
        "heart",
        **IN_STAY,
        clinicalStatus={"coding": [{"code": "active"}]},
        code={"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I50", "display": "Suy tim"}]},
    ),
    about("Condition", "cold", clinicalStatus={"coding": [{"code": "resolved"}]}, code={"text": "Cảm"}),
    about(
        "MedicationRequest",
        "drug",
        **IN_STAY,
        status="active",
        intent="order",
        medicationCodeableConcept={"text": "Furosemid"},
        authoredOn="2026-11-20",
    ),
    lab("k1", "2026-11-20T10:00:00+07:00", 4, **IN_STAY),
    lab("k2", "2026-11-21T10:00:00+07:00", 5, encounter={"reference": "Encounter/ward"}),
    lab("k3", "2026-11-21T11:00:00+07:00", 9, whom="anh"),
    about(
        "DocumentReference",
        "note",
        status="current",
        content=[{"attachment": {"contentType": "text/plain"}}],
        date="2026-11-21T08:00:00+07:00",
        context={"encounter": [{"reference": "Encounter/ward"}]},
    ),
    {"resourceType": "Organization", "id": "dept", "name": "Khoa Nội"},
)


class Only(AllowAll):
    """A policy for tests: by type what is visible, and elements that are hidden."""

    unrestricted = False

    def __init__(self, seen: dict[str, Expression], hidden: Sequence[str] = ()) -> None:
        self._seen = seen
        self._hidden = hidden

    def visible(self, type: str) -> Expression:
        return self._seen.get(type, Everything())

    def hidden(self, type: str) -> frozenset[str]:
        return frozenset(path for path in self._hidden if path.startswith(type + "."))


class Noted:
    """A trail that remembers which ids were shown."""

    keeps_nothing = False
    written_by_store = False

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def add(self, ctx: Context, interaction: str, type: str | None, subjects: Sequence[Any]) -> None:
        self.seen += [one.id for one in subjects]


@pytest_asyncio.fixture
async def record(house: House) -> House:
    async def write(ctx: Context) -> None:
        ctx = replace(ctx, rules=replace(ctx.rules, validate=False))
        for one in RECORD:
            await interactions.update(ctx, one)

    await house.do(write)
    return house


@contextmanager
def counted(ctx: Context) -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    sent: list[str] = []

    def note(query: Any) -> None:
        sent.append(query.query)

    ctx.tx.add_query_logger(note)
    try:
        yield sent
    finally:
        ctx.tx.remove_query_logger(note)


@pytest.mark.parametrize(
    "typed, ids",
    [
        ("nguyen thi hoa", ["hoa", "hoa2"]),
        ("hoa thi nguyen", ["hoa", "hoa2"]),
        ("HOÀ", ["hoa", "hoa2"]),
        ("hoa 59", ["hoa"]),
        ("hoa 12/05/1995", ["hoa2"]),
        ("do anh", ["anh"]),
        ("anh 1988", ["anh"]),
        ("099159000002", ["hoa2"]),
        ("0991 5900 0002", ["hoa2"]),
        ("26-anh", ["anh"]),
        ("0400000003", ["anh"]),
        ("hoa 1960", []),
        ("xyz", []),
    ],
)
async def test_find__by_name_number_card_telephone_and_year(
    record: House, typed: str, ids: list[str]
) -> None:
    async with record.reading() as ctx:
        _, found = await finding.find(ctx, typed)

    assert [hit.person.id for hit in found.people] == ids
    assert found.total == len(ids)


async def test_find__marks_those_who_may_be_taken_for_each_other(record: House) -> None:
    async with record.reading() as ctx:
        _, found = await finding.find(ctx, "hoa")

    assert [hit.alike for hit in found.people] == [True, True]


async def test_newest__turns_its_pages_without_gap_or_repeat(
    record: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "PAGE", 2)
    async with record.reading() as ctx:
        first, after = await finding.newest(ctx)
        second, end = await finding.newest(ctx, after=after)

    assert sorted(hit.person.id for hit in (*first, *second)) == ["anh", "hoa", "hoa2"]
    assert (len(first), len(second), end) == (2, 1, None)


async def test_banner__says_who_he_is_what_harms_him_and_where_he_lies(record: House) -> None:
    async with record.reading() as ctx:
        found = await patient.banner(ctx, "hoa")

    assert found.person.name is not None
    assert found.person.name.full == "Nguyễn Thị Hoa"
    assert [one.substance for one in found.allergies.known] == ["Penicilin"]
    assert found.place is not None
    assert (found.place.department, found.place.spots) == ("Khoa Nội", ("Giường 05",))


async def test_banner__of_nobody_is_not_found(record: House) -> None:
    async with record.reading() as ctx:
        with pytest.raises(NotFound):
            await patient.banner(ctx, "nobody")


async def test_care_now__leaves_out_what_is_over(record: House) -> None:
    async with record.reading() as ctx:
        problems, medicines = await patient.care_now(ctx, "hoa")

    assert [one.code for one in problems] == ["I50"]
    assert [one.text for one in medicines] == ["Furosemid"]


async def test_measured__newest_first_and_nobody_else_s(record: House) -> None:
    async with record.reading() as ctx:
        found = await patient.measured(ctx, "hoa")

    assert [one.id for one in found] == ["k2", "k1"]


async def test_visits__are_whole_visits_newest_first_and_paged(record: House) -> None:
    async with record.reading() as ctx:
        first = await patient.visits(ctx, "hoa", limit=1)
        second = await patient.visits(ctx, "hoa", limit=1, before=first.next)

    assert [one.id for one in (*first.entries, *second.entries)] == ["stay", "old"]
    assert first.entries[0].main is not None
    assert (first.entries[0].main.code, second.next) == ("I50", None)


async def test_visit__holds_what_its_departments_wrote(record: House) -> None:
    async with record.reading() as ctx:
        found = await visit.visit(ctx, "hoa", "stay")

    assert sorted(one.id for one in found.readings) == ["k1", "k2"]
    assert [one.id for one in found.visit.parts] == ["ward"]
    assert [one.id for one in found.papers] == ["note"]
    assert [one.id for one in found.medicines] == ["drug"]


async def test_visit__of_another_patient_is_not_found(record: House) -> None:
    async with record.reading() as ctx:
        with pytest.raises(NotFound):
            await visit.visit(ctx, "hoa", "other")


async def test_in_hospital__is_listed_once_under_the_department_with_the_bed(record: House) -> None:
    async with record.reading() as ctx:
        departments, more = await home.in_hospital(ctx)
        counts = await home.counts(ctx)

    assert [(one.title, [who.bed for who in one.people]) for one in departments] == [
        ("Khoa Nội", ["Giường 05"])
    ]
    assert departments[0].people[0].encounter == "stay"
    assert not more
    assert counts["Patient"] == 3


async def test_history__tells_each_version_and_who_wrote_it(record: House) -> None:
    async def change(ctx: Context) -> None:
        ctx = replace(ctx, rules=replace(ctx.rules, validate=False))
        await interactions.update(ctx, person("hoa", "Nguyễn Thị Hoa", "1959-05-13", "099159000001"))

    await record.do(change, account="bs.lan")
    async with record.reading() as ctx:
        now = await versions.history(ctx, "hoa", "Patient", "hoa")
        before = await versions.history(ctx, "hoa", "Patient", "hoa", 1)

    assert [(one.vid, one.interaction, one.account) for one in now.versions] == [
        (2, "U", "bs.lan"),
        (1, "C", "operator"),
    ]
    assert now.content is not None
    assert before.content is not None
    assert (now.content["birthDate"], before.content["birthDate"]) == ("1959-05-13", "1959-05-12")


async def test_history__shows_a_deleted_resource_and_what_it_was(record: House) -> None:
    await record.do(lambda ctx: interactions.delete(ctx, "Observation", "k1"))
    async with record.reading() as ctx:
        now = await versions.history(ctx, "hoa", "Observation", "k1")
        before = await versions.history(ctx, "hoa", "Observation", "k1", 1)

    assert (now.content, now.versions[0].interaction) == (None, "D")
    assert before.content is not None


async def test_history__nobody_s_resources_are_shown_and_another_patient_s_are_not(record: House) -> None:
    async with record.reading() as ctx:
        department = await versions.history(ctx, "hoa", "Organization", "dept")
        with pytest.raises(NotFound):
            await versions.history(ctx, "hoa", "Observation", "k3")
        with pytest.raises(NotFound):
            await versions.history(ctx, "hoa", "Patient", "hoa", 7)

    assert department.content is not None


async def test_merged__the_survivor_shows_what_was_written_of_the_other(record: House) -> None:
    async def merge(ctx: Context) -> None:
        await patients.merge(ctx, "hoa", "anh")

    await record.do(merge)
    async with record.reading() as ctx:
        readings = await patient.measured(ctx, "hoa")
        visits = await patient.visits(ctx, "hoa")
        banner = await patient.banner(ctx, "hoa")

    assert [one.id for one in readings] == ["k3", "k2", "k1"]
    assert [one.id for one in visits.entries] == ["stay", "old", "other"]
    assert banner.person.id == "hoa"


async def test_policy__what_may_not_be_seen_is_on_no_page(record: House) -> None:
    seen: dict[str, Expression] = {"AllergyIntolerance": Nothing(), "Observation": Not(Ids(("k2",)))}
    async with record.reading() as ctx:
        narrow = replace(ctx, policy=Only(seen))
        banner = await patient.banner(narrow, "hoa")
        readings = await patient.measured(narrow, "hoa")
        whole = await visit.visit(narrow, "hoa", "stay")

    assert banner.allergies.state == "unasked"
    assert [one.id for one in readings] == ["k1"]
    assert [one.id for one in whole.readings] == ["k1"]


async def test_policy__an_invisible_patient_is_not_found_and_not_counted(record: House) -> None:
    async with record.reading() as ctx:
        narrow = replace(ctx, policy=Only({"Patient": Not(Ids(("hoa",)))}))
        _, found = await finding.find(narrow, "hoa")
        counts = await home.counts(narrow)
        departments, _ = await home.in_hospital(narrow)
        with pytest.raises(NotFound):
            await patient.banner(narrow, "hoa")
        with pytest.raises(NotFound):
            await versions.history(narrow, "hoa", "Patient", "hoa")

    assert [hit.person.id for hit in found.people] == ["hoa2"]
    assert (counts["Patient"], departments) == (2, [])


async def test_policy__hidden_elements_are_not_read(record: House) -> None:
    async with record.reading() as ctx:
        narrow = replace(ctx, policy=Only({}, hidden=("Patient.telecom",)))
        banner = await patient.banner(narrow, "hoa")
        raw = await versions.history(narrow, "hoa", "Patient", "hoa")

    assert banner.person.phone == ""
    assert raw.content is not None
    assert "telecom" not in raw.content


async def test_trail__is_told_what_was_shown(record: House) -> None:
    trail = Noted()
    async with record.reading() as ctx:
        await patient.banner(replace(ctx, trail=trail), "hoa")

    assert sorted(trail.seen) == ["allergy", "hoa", "stay", "ward"]


async def test_tenant__another_keeper_s_record_is_not_found(record: House) -> None:
    async with record.reading() as ctx:
        other = replace(ctx, tenant=replace(ctx.tenant, id=999))
        with pytest.raises(NotFound):
            await patient.banner(other, "hoa")


async def test_views__take_one_query_each(record: House) -> None:
    async with record.reading() as ctx:
        for _ in range(2):  # the first round may ask for the numbers of names
            with counted(ctx) as sent:
                await patient.banner(ctx, "hoa")
                await patient.measured(ctx, "hoa")
                await patient.visits(ctx, "hoa")
                await visit.visit(ctx, "hoa", "stay")
                await finding.find(ctx, "hoa")
                await home.in_hospital(ctx)
                await home.counts(ctx)
                await versions.history(ctx, "hoa", "Patient", "hoa")
                await asyncio.sleep(0)  # the last statement is told a moment after its answer

    assert len([one for one in sent if "audit.note" not in one]) == 8, sent
