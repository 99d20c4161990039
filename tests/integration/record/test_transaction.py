"""Transactions: all or nothing, links followed, every problem told with its entry (FHIR R4 http.html#transaction)."""

from __future__ import annotations

import asyncio
import base64
import copy
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import json
from hsba.fhir.problems import (
    BadRequest,
    Busy,
    MultipleMatches,
    NotFound,
    Problem,
    Unprocessable,
    VersionConflict,
)
from hsba.record import entries, interactions, transaction
from hsba.record.transaction import DuplicateIdentity, ReferenceUnresolved

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context
    from hsba.record.entries import Answered
    from hsba.record.transaction import Room

SID = "http://benhvien.example/mrn"
URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e3009450{:02}"


def patient(mrn: str | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [{"text": "Nguyễn Thị Bình"}],
        "gender": "female",
    }
    if mrn is not None:
        found["identifier"] = [{"system": SID, "value": mrn}]
    return {**found, **more}


def weight(subject: str, kg: int = 50, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": subject},
        "valueQuantity": {"value": kg, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        **more,
    }


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    request = {"method": method, "url": url, **{k: v for k, v in more.items() if k != "fullUrl"}}
    found: dict[str, Any] = {"request": request}
    if resource is not None:
        found["resource"] = resource
    if "fullUrl" in more:
        found["fullUrl"] = more["fullUrl"]
    return found


def bundle(*parts: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(parts)}


async def carry_out(house: House, *parts: dict[str, Any]) -> list[Answered]:
    asked = bundle(*parts)
    before = copy.deepcopy(asked)
    answers = await house.do(lambda ctx: transaction.transaction(ctx, asked))
    assert asked == before, "a transaction that is tried again must find the bundle as it came"
    return answers


async def body(house: House, answered: Answered) -> dict[str, Any]:
    assert answered.stored is not None
    async with house.reading() as ctx:
        stored = await interactions.read(ctx, answered.type, answered.stored.id)
    return json.parse((stored.body or "").encode())


async def count(house: House) -> int:
    async with house.reading() as ctx:
        found: int = await ctx.tx.fetchval("SELECT count(*) FROM record.version")
    return found


async def refused(house: House, problem: type[Problem], *parts: dict[str, Any]) -> Problem:
    """The transaction is refused and nothing of it stays."""
    before = await count(house)
    with pytest.raises(problem) as caught:
        await carry_out(house, *parts)
    assert await count(house) == before
    return caught.value


# --- links -------------------------------------------------------------------------------------------------


async def test_transaction__circular_references_by_urn(house: House) -> None:
    answers = await carry_out(
        house,
        entry("POST", "Patient", patient(link=[{"other": {"reference": URN.format(2)}, "type": "seealso"}]),
              fullUrl=URN.format(1)),
        entry("POST", "Patient", patient(link=[{"other": {"reference": URN.format(1)}, "type": "seealso"}]),
              fullUrl=URN.format(2)),
    )  # fmt: skip

    assert [one.status for one in answers] == [201, 201]
    one, two = answers[0].stored, answers[1].stored
    assert one is not None
    assert two is not None
    assert (await body(house, answers[0]))["link"][0]["other"]["reference"] == f"Patient/{two.id}"
    assert (await body(house, answers[1]))["link"][0]["other"]["reference"] == f"Patient/{one.id}"


async def test_transaction__put_with_urn_and_references_to_it(house: House) -> None:
    answers = await carry_out(
        house,
        entry("POST", "Observation", weight(URN.format(1))),
        entry("PUT", "Patient/bn-1", patient(id="bn-1"), fullUrl=URN.format(1)),
    )

    assert (await body(house, answers[0]))["subject"]["reference"] == "Patient/bn-1"
    assert answers[1].status == 201


async def test_transaction__a_posted_id_is_replaced_and_the_patient_belongs_to_himself(house: House) -> None:
    answers = await carry_out(
        house, entry("POST", "Patient", patient(id="mine"), fullUrl="http://x.example/Patient/mine")
    )

    stored = answers[0].stored
    assert stored is not None
    assert stored.id != "mine"
    async with house.reading() as ctx:
        row = await ctx.tx.fetchrow("SELECT key, patient FROM record.resource WHERE id = $1", stored.id)
    assert row["key"] == row["patient"]


async def test_transaction__what_was_only_referred_to_is_made_later(house: House) -> None:
    await carry_out(house, entry("PUT", "Observation/o1", weight("Patient/sau-nay", id="o1")))

    answers = await carry_out(house, entry("PUT", "Patient/sau-nay", patient(id="sau-nay")))

    assert answers[0].status == 201


# --- all or nothing ----------------------------------------------------------------------------------------


async def test_transaction__every_problem_of_every_entry_is_told_with_its_place(house: House) -> None:
    problem = await refused(
        house,
        Unprocessable,
        entry("POST", "Patient", patient(gender="lạ")),
        entry("POST", "Patient", patient()),
        entry("PUT", "Patient/p", patient(id="p", birthDate="hôm qua")),
    )

    paths = {issue.path for issue in problem.issues}
    assert "Bundle.entry[0].resource.gender" in paths
    assert "Bundle.entry[2].resource.birthDate" in paths
    assert not any(path.startswith("Bundle.entry[1]") for path in paths)


async def test_transaction__an_entry_that_fails_takes_all_with_it(house: House) -> None:
    await carry_out(house, entry("PUT", "Patient/a", patient(id="a")))

    problem = await refused(
        house,
        VersionConflict,
        entry("POST", "Patient", patient("1")),
        entry("PUT", "Patient/a", patient("2", id="a"), ifMatch='W/"7"'),
    )

    assert [issue.path for issue in problem.issues] == ["Bundle.entry[1]"]


async def test_transaction__wrong_requests_are_told_together(house: House) -> None:
    problem = await refused(
        house,
        BadRequest,
        {"resource": patient()},
        entry("STEAL", "Patient/1"),
        entry("POST", "Observation", patient()),
        entry("PUT", "Patient/a", patient(id="b")),
        entry("POST", "Nothing", patient()),
        entry("DELETE", "Patient"),
    )

    assert [issue.path for issue in problem.issues] == [
        "Bundle.entry[0].request",
        "Bundle.entry[1].request.method",
        "Bundle.entry[2].resource",
        "Bundle.entry[3].resource.id",
        "Bundle.entry[4].request.url",
        "Bundle.entry[5].request.url",
    ]


@pytest.mark.parametrize(
    "parts",
    [
        [entry("PUT", "Patient/a", patient(id="a")), entry("PUT", "Patient/a", patient(id="a"))],
        [entry("DELETE", "Patient/a"), entry("PUT", "Patient/a", patient(id="a"))],
        [
            entry("POST", "Patient", patient(), fullUrl=URN.format(1)),
            entry("POST", "Patient", patient(), fullUrl=URN.format(1)),
        ],
    ],
)
async def test_transaction__two_entries_about_one_resource_are_refused(
    house: House, parts: list[dict[str, Any]]
) -> None:
    await carry_out(house, entry("PUT", "Patient/a", patient("x", id="a")))

    await refused(house, DuplicateIdentity, *parts)


async def test_transaction__deletes_come_first_and_reads_last(house: House) -> None:
    await carry_out(house, entry("PUT", "Patient/a", patient("m1", id="a")))

    answers = await carry_out(
        house,
        entry("GET", "Patient/b"),
        entry("POST", "Patient", patient("m1"), ifNoneExist=f"identifier={SID}|m1"),
        entry("PUT", "Patient/b", patient(id="b")),
        entry("DELETE", "Patient/a"),
    )

    assert [one.status for one in answers] == [200, 201, 201, 204]
    assert answers[0].stored is not None
    assert answers[0].content() == answers[0].stored.body


async def test_transaction__delete_of_what_is_not_there_is_no_error(house: House) -> None:
    answers = await carry_out(house, entry("DELETE", "Patient/none"))

    assert answers[0].status == 204


async def test_transaction__an_update_that_changes_nothing_makes_no_version(house: House) -> None:
    await carry_out(house, entry("PUT", "Patient/a", patient(id="a")))

    answers = await carry_out(house, entry("PUT", "Patient/a", patient(id="a")))

    assert answers[0].status == 200
    assert answers[0].stored is not None
    assert answers[0].stored.vid == 1


# --- conditions --------------------------------------------------------------------------------------------


async def test_transaction__conditional_create_makes_one_and_links_lead_to_it(house: House) -> None:
    parts = [
        entry("POST", "Patient", patient("m1"), ifNoneExist=f"identifier={SID}|m1", fullUrl=URN.format(1)),
        entry("POST", "Observation", weight(URN.format(1))),
    ]

    first = await carry_out(house, *parts)
    second = await carry_out(house, *parts)

    assert [one.status for one in first] == [201, 201]
    assert [one.status for one in second] == [200, 201]
    assert first[0].stored is not None
    assert (await body(house, second[1]))["subject"]["reference"] == f"Patient/{first[0].stored.id}"


async def test_transaction__the_same_conditional_create_twice_in_one_bundle(house: House) -> None:
    condition = f"identifier={SID}|m1"
    answers = await carry_out(
        house,
        entry("POST", "Patient", patient("m1"), ifNoneExist=condition, fullUrl=URN.format(1)),
        entry("POST", "Patient", patient("m1"), ifNoneExist=condition, fullUrl=URN.format(2)),
        entry("POST", "Observation", weight(URN.format(2))),
    )

    assert [one.status for one in answers] == [201, 200, 201]
    assert answers[0].stored is not None
    assert (await body(house, answers[2]))["subject"]["reference"] == f"Patient/{answers[0].stored.id}"
    await refused(
        house,
        DuplicateIdentity,
        entry("POST", "Patient", patient("m2"), ifNoneExist=f"identifier={SID}|m2"),
        entry("POST", "Patient", patient("m2", gender="male"), ifNoneExist=f"identifier={SID}|m2"),
    )


async def test_transaction__conditional_update_patch_and_delete(house: House) -> None:
    await carry_out(
        house,
        entry("PUT", "Patient/a", patient("a", id="a")),
        entry("PUT", "Patient/b", patient("b", id="b")),
        entry("PUT", "Patient/c", patient("c", id="c")),
    )
    operations = json.dump([{"op": "replace", "path": "/gender", "value": "male"}])
    change = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }

    answers = await carry_out(
        house,
        entry("PUT", f"Patient?identifier={SID}|a", patient("a", active=True)),
        entry("PATCH", f"Patient?identifier={SID}|b", change),
        entry("DELETE", f"Patient?identifier={SID}|c"),
        entry("PUT", f"Patient?identifier={SID}|new", patient("new")),
        entry("DELETE", f"Patient?identifier={SID}|nobody"),
    )

    assert [one.status for one in answers] == [200, 200, 204, 201, 204]
    assert (await body(house, answers[0]))["active"] is True
    assert (await body(house, answers[1]))["gender"] == "male"


async def test_transaction__fhirpath_patch_may_point_to_another_entry(house: House) -> None:
    await carry_out(house, entry("PUT", "Observation/o", weight("Patient/x", id="o")))
    change = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "replace"},
                    {"name": "path", "valueString": "Observation.subject"},
                    {"name": "value", "valueReference": {"reference": URN.format(1)}},
                ],
            }
        ],
    }

    answers = await carry_out(
        house,
        entry("PATCH", "Observation/o", change),
        entry("POST", "Patient", patient(), fullUrl=URN.format(1)),
    )

    assert answers[1].stored is not None
    assert (await body(house, answers[0]))["subject"]["reference"] == f"Patient/{answers[1].stored.id}"


async def test_transaction__several_matches_are_refused(house: House) -> None:
    await carry_out(house, entry("POST", "Patient", patient("m")), entry("POST", "Patient", patient("m")))

    problem = await refused(house, MultipleMatches, entry("PUT", f"Patient?identifier={SID}|m", patient("m")))

    assert problem.issues[0].path == "Bundle.entry[0].request"


@pytest.mark.parametrize("condition", ["Patient?", "Patient?_format=json", "Patient?nonsense=1"])
async def test_transaction__an_empty_or_unknown_condition_is_refused(house: House, condition: str) -> None:
    await refused(house, BadRequest, entry("PUT", condition, patient()))


async def test_transaction__conditional_references_find_what_is_there_and_what_comes_with_them(
    house: House,
) -> None:
    await carry_out(house, entry("PUT", "Patient/there", patient("there", id="there")))

    answers = await carry_out(
        house,
        entry("POST", "Observation", weight(f"Patient?identifier={SID}|there")),
        entry("POST", "Observation", weight(f"Patient?identifier={SID}|comes")),
        entry("POST", "Patient", patient("comes")),
    )

    assert answers[2].stored is not None
    assert (await body(house, answers[0]))["subject"]["reference"] == "Patient/there"
    assert (await body(house, answers[1]))["subject"]["reference"] == f"Patient/{answers[2].stored.id}"


async def test_transaction__a_resource_with_a_conditional_reference_may_be_referred_to(house: House) -> None:
    await carry_out(house, entry("PUT", "Patient/there", patient("there", id="there")))

    answers = await carry_out(
        house,
        entry("POST", "Observation", weight("Patient/there", hasMember=[{"reference": URN.format(1)}])),
        entry("POST", "Observation", weight(f"Patient?identifier={SID}|there"), fullUrl=URN.format(1)),
    )

    assert answers[1].stored is not None
    assert (await body(house, answers[0]))["hasMember"][0][
        "reference"
    ] == f"Observation/{answers[1].stored.id}"
    assert (await body(house, answers[1]))["subject"]["reference"] == "Patient/there"


async def test_transaction__a_conditional_reference_that_fits_none_or_several_fails_it(house: House) -> None:
    await refused(
        house, ReferenceUnresolved, entry("POST", "Observation", weight(f"Patient?identifier={SID}|none"))
    )
    await carry_out(house, entry("POST", "Patient", patient("m")), entry("POST", "Patient", patient("m")))
    await refused(
        house, ReferenceUnresolved, entry("POST", "Observation", weight(f"Patient?identifier={SID}|m"))
    )


# --- answers -----------------------------------------------------------------------------------------------


async def test_bundle__says_for_each_entry_how_it_went(house: House) -> None:
    asked = bundle(
        entry("POST", "Patient", patient(), fullUrl=URN.format(1)),
        entry("GET", "Patient/none"),
        kind="batch",
    )

    answers = await batch(house, asked)
    async with house.reading() as ctx:
        ctx.base = "http://localhost:8000/fhir"
        found = entries.bundle(ctx, "batch", answers, "representation")

    assert found["type"] == "batch-response"
    stored = answers[0].stored
    assert stored is not None
    made, missing = found["entry"]
    assert made["response"]["status"] == "201 Created"
    assert made["response"]["location"] == f"http://localhost:8000/fhir/Patient/{stored.id}/_history/1"
    assert made["response"]["etag"] == 'W/"1"'
    assert made["response"]["lastModified"] == made["resource"]["meta"]["lastUpdated"]
    assert made["fullUrl"] == f"http://localhost:8000/fhir/Patient/{stored.id}"
    assert missing["response"]["status"] == "404 Not Found"
    assert missing["response"]["outcome"]["issue"][0]["code"] == "not-found"


async def batch(house: House, asked: dict[str, Any]) -> list[Answered]:
    async def run(room: Room, work: Any) -> Answered:
        if room == "writing":
            return await house.do(work)
        async with house.reading() as ctx:
            answered: Answered = await work(ctx)
            return answered

    async with house.reading() as ctx:
        return await transaction.batch(asked, ctx, run)


async def test_batch__one_that_fails_leaves_the_others_be(house: House) -> None:
    answers = await batch(
        house,
        bundle(
            entry("POST", "Patient", patient("m1")),
            entry("POST", "Patient", patient(gender="lạ")),
            {"resource": patient()},
            entry("PUT", f"Patient?identifier={SID}|m1", patient("m1", active=True)),
            entry("DELETE", "Patient/none"),
            kind="batch",
        ),
    )

    assert [one.status for one in answers] == [201, 422, 400, 200, 204]
    assert [issue.path for issue in answers[1].issues if issue.blocks] == ["Patient.gender"]


async def test_transaction__prefer_minimal_shows_no_resource(house: House) -> None:
    answers = await carry_out(house, entry("POST", "Patient", patient()))

    assert answers[0].content("minimal") is None
    assert answers[0].content("representation") is not None


# --- at the same moment ------------------------------------------------------------------------------------


async def test_transaction__eight_conditional_creates_at_once_make_one(house: House) -> None:
    part = entry("POST", "Patient", patient("m1"), ifNoneExist=f"identifier={SID}|m1")

    answers = await asyncio.gather(*(carry_out(house, part) for _ in range(8)))

    assert sorted(one[0].status for one in answers) == [200] * 7 + [201]
    assert len({one[0].stored.id for one in answers if one[0].stored}) == 1


async def test_transaction__crossed_updates_of_the_same_resources_all_succeed_or_conflict(
    house: House,
) -> None:
    ids = [f"p{number}" for number in range(6)]
    await carry_out(house, *(entry("PUT", f"Patient/{id_}", patient(id=id_)) for id_ in ids))

    async def update(turn: int) -> None:
        order = ids if turn % 2 else ids[::-1]
        await carry_out(house, *(entry("PUT", f"Patient/{id_}", patient(f"{turn}", id=id_)) for id_ in order))

    await asyncio.gather(*(update(turn) for turn in range(10)))

    async with house.reading() as ctx:
        bodies = [
            json.parse(((await interactions.read(ctx, "Patient", id_)).body or "").encode()) for id_ in ids
        ]
        versions = {one["meta"]["versionId"] for one in bodies}
    assert versions == {"11"}
    assert len({one["identifier"][0]["value"] for one in bodies}) == 1, "one transaction won everywhere"


async def test_transaction__the_same_new_ids_at_once(house: House) -> None:
    ids = [f"n{number}" for number in range(5)]

    async def make(turn: int) -> list[Answered]:
        order = ids if turn % 2 else ids[::-1]
        return await carry_out(
            house, *(entry("PUT", f"Patient/{i}", patient(f"{turn}", id=i)) for i in order)
        )

    answers = await asyncio.gather(*(make(turn) for turn in range(6)))

    created = [one for answered in answers for one in answered if one.status == 201]
    assert len(created) == len(ids)


async def test_transaction__a_lost_race_leaves_nothing_behind(house: House) -> None:
    """The retry of another server answered 200 for rows that were never committed; ours finds and changes what is there."""
    tried = 0

    async def work(ctx: Context) -> list[Answered]:
        nonlocal tried
        tried += 1
        asked = bundle(
            entry("PUT", "Patient/a", patient(f"{tried}", id="a")),
            entry("POST", "Observation", weight("Patient/a")),
        )
        answers = await transaction.transaction(ctx, asked)
        if tried == 1:
            raise Busy
        return answers

    answers = await house.do(work)

    assert tried == 2
    for answered in answers:
        assert (await body(house, answered))["meta"]["versionId"] == "1"
    assert await count(house) == 2


async def test_transaction__not_found_in_a_read_fails_it(house: House) -> None:
    problem = await refused(
        house, NotFound, entry("POST", "Patient", patient()), entry("GET", "Patient/none")
    )

    assert problem.issues[0].path == "Bundle.entry[1]"
