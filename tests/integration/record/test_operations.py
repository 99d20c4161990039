"""The record's own operations, called as a door calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, Forbidden, NotFound, Problem
from hsba.record import interactions
from hsba.record.calls import Call, Reply, parameters
from hsba.record.lifecycle import WrongState, lock
from hsba.record.operations import OPERATIONS

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context

Resource = dict[str, Any]

ADDRESS = "http://localhost:8000/fhir/x"
TAG = {"system": "http://x.example/tag", "code": "nghien-cuu"}


def observation(id: str, patient: str, day: str = "2026-05-01", **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "mạch"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": day,
        **more,
    }


async def put(house: House, *contents: Resource) -> None:
    async with house.writing() as ctx:
        for one in contents:
            await interactions.update(ctx, one)


async def call(
    house: House,
    name: str,
    type: str | None = None,
    id: str | None = None,
    *pairs: tuple[str, str],
    **of: Any,
) -> Resource:
    """Call an operation on the kind of connection it asks for."""
    place = "system" if type is None else "type" if id is None else "instance"
    operation = next(
        one for one in OPERATIONS if one.name == name and place in one.levels and one.fits(place, type)
    )
    asked = Call.of(name, type=type, id=id, pairs=pairs, address=ADDRESS, **of)

    async def work(ctx: Context) -> Resource | None:
        answered = await operation.handler(ctx, asked)
        assert not isinstance(answered, Reply)
        return answered

    if operation.tx == "writing":
        found = await house.do(work)
    else:
        async with house.reading() as ctx:
            found = await work(ctx)
    assert found is not None
    return found


def shown(bundle: Resource) -> set[str]:
    return {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle.get("entry", [])}


def severities(outcome: Resource) -> set[str]:
    return {issue["severity"] for issue in outcome["issue"]}


def test_operations__each_stands_once_for_its_types_and_changes_only_by_writing() -> None:
    assert len({(one.name, one.types) for one in OPERATIONS}) == len(OPERATIONS)
    assert [one.name for one in OPERATIONS] == sorted(one.name for one in OPERATIONS)
    assert all(one.tx == "writing" for one in OPERATIONS if one.affects_state)


# --- $everything -------------------------------------------------------------------------------------------


async def a_ward(house: House) -> None:
    await put(
        house,
        {"resourceType": "Organization", "id": "khoa", "name": "Khoa Nội"},
        {"resourceType": "Patient", "id": "a", "managingOrganization": {"reference": "Organization/khoa"}},
        {"resourceType": "Patient", "id": "b"},
        {
            "resourceType": "Encounter",
            "id": "v",
            "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "subject": {"reference": "Patient/a"},
        },
        observation("oa", "a", encounter={"reference": "Encounter/v"}),
        observation("oa2", "a", "2026-06-01"),
        observation("ob", "b"),
    )


async def test_everything__of_a_patient_with_what_it_refers_to_and_nothing_of_others(house: House) -> None:
    await a_ward(house)

    found = await call(house, "everything", "Patient", "a")

    assert found["type"] == "searchset"
    assert shown(found) == {
        "Patient/a",
        "Encounter/v",
        "Observation/oa",
        "Observation/oa2",
        "Organization/khoa",
    }


async def test_everything__includes_what_belongs_to_those_merged_in(house: House) -> None:
    await a_ward(house)
    await call(house, "merge", "Patient", "a", ("source-patient", "Patient/b"))

    found = await call(house, "everything", "Patient", "a")

    assert {"Patient/b", "Observation/ob"} <= shown(found)
    await call(house, "unmerge", "Patient", "b")
    assert "Observation/ob" not in shown(await call(house, "everything", "Patient", "a"))


async def test_everything__narrowed_by_type_and_days_of_care(house: House) -> None:
    await a_ward(house)

    by_type = await call(house, "everything", "Patient", "a", ("_type", "Observation,Encounter"))
    by_day = await call(
        house, "everything", "Patient", "a", ("start", "2026-05-15"), ("_type", "Observation")
    )
    since = await call(house, "everything", "Patient", "a", ("_since", "2099-01-01"))

    assert shown(by_type) == {"Observation/oa", "Observation/oa2", "Encounter/v"}
    assert shown(by_day) == {"Observation/oa2"}
    assert shown(since) == set()


async def test_everything__comes_in_pages_that_add_up(house: House) -> None:
    await a_ward(house)
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []

    while True:
        page = await call(house, "everything", "Patient", "a", ("_count", "1"), *cursor)
        seen += [one["resource"]["id"] for one in page["entry"] if one["search"]["mode"] == "match"]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        assert following[0].startswith(f"{ADDRESS}?_count=1&_cursor=")
        cursor = [("_cursor", following[0].rpartition("=")[2])]

    assert sorted(seen) == ["a", "oa", "oa2", "v"]


async def test_everything__of_a_stay(house: House) -> None:
    await a_ward(house)

    found = await call(house, "everything", "Encounter", "v")

    assert {"Encounter/v", "Observation/oa", "Patient/a"} <= shown(found)
    assert "Observation/oa2" not in shown(found)


async def test_everything__of_nobody_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await call(house, "everything", "Patient", "none")


# --- $validate ---------------------------------------------------------------------------------------------


async def test_validate__tells_what_is_wrong_and_saves_nothing(house: House) -> None:
    wrong = {"resourceType": "Patient", "gender": "lạ"}

    found = await call(house, "validate", "Patient", body=wrong)

    assert found["resourceType"] == "OperationOutcome"
    assert "error" in severities(found)
    async with house.reading() as ctx:
        assert await ctx.tx.fetchval("SELECT count(*) FROM record.version") == 0


async def test_validate__of_the_stored_one_and_by_parameters(house: House) -> None:
    await put(house, {"resourceType": "Patient", "id": "a", "gender": "male"})
    given = parameters(
        {"name": "resource", "resource": {"resourceType": "Patient"}}, {"name": "mode", "valueCode": "create"}
    )

    assert "error" not in severities(await call(house, "validate", "Patient", "a"))
    assert "error" not in severities(await call(house, "validate", body=given))


async def test_validate__against_an_unknown_profile_is_no_error(house: House) -> None:
    found = await call(
        house,
        "validate",
        "Patient",
        None,
        ("profile", "http://x.example/none"),
        body={"resourceType": "Patient"},
    )

    assert "error" not in severities(found)
    assert "warning" in severities(found)


async def test_validate__delete_says_whether_it_would_be_refused(house: House) -> None:
    await put(house, {"resourceType": "Patient", "id": "a"})
    assert "error" not in severities(await call(house, "validate", "Patient", "a", ("mode", "delete")))

    async with house.writing() as ctx:
        await lock(ctx, "Patient", "a", 1, why="ký")

    assert "error" in severities(await call(house, "validate", "Patient", "a", ("mode", "delete")))
    update = await call(
        house, "validate", "Patient", "a", ("mode", "update"), body={"resourceType": "Patient", "id": "a"}
    )
    assert "error" in severities(update)


@pytest.mark.parametrize(
    "pairs,body",
    [
        ((("mode", "guess"),), {"resourceType": "Patient"}),
        ((), None),
        ((), {"resourceType": "Observation"}),
        ((("mode", "delete"),), None),
    ],
)
async def test_validate__a_call_that_asks_nothing_clear_is_refused(
    house: House, pairs: tuple[tuple[str, str], ...], body: Resource | None
) -> None:
    with pytest.raises(BadRequest):
        await call(house, "validate", "Patient", None, *pairs, body=body)


# --- $meta -------------------------------------------------------------------------------------------------


def labelled(meta: Resource) -> Resource:
    return parameters({"name": "meta", "valueMeta": meta})


async def test_meta__added_and_deleted_each_in_a_version(house: House) -> None:
    await put(house, {"resourceType": "Patient", "id": "a", "gender": "male"})

    added = await call(house, "meta-add", "Patient", "a", body=labelled({"tag": [TAG]}))
    again = await call(house, "meta-add", "Patient", "a", body=labelled({"tag": [TAG]}))
    read = await call(house, "meta", "Patient", "a")
    everywhere = await call(house, "meta", "Patient")
    deleted = await call(
        house, "meta-delete", "Patient", "a", body=labelled({"tag": [{**TAG, "display": "khác"}]})
    )

    assert added["parameter"][0]["valueMeta"]["tag"] == [TAG]
    assert added["parameter"][0]["valueMeta"]["versionId"] == "2"
    assert again == added
    assert read["parameter"][0]["valueMeta"] == added["parameter"][0]["valueMeta"]
    assert everywhere["parameter"][0]["valueMeta"]["tag"] == [TAG]
    assert "tag" not in deleted["parameter"][0]["valueMeta"]
    assert deleted["parameter"][0]["valueMeta"]["versionId"] == "3"


async def test_meta__of_a_past_version(house: House) -> None:
    await put(house, {"resourceType": "Patient", "id": "a"})
    await call(house, "meta-add", "Patient", "a", body=labelled({"tag": [TAG]}))

    old = await call(house, "meta", "Patient", "a", vid="1")

    assert "tag" not in old["parameter"][0]["valueMeta"]


async def test_meta__of_the_whole_type_only_for_who_may_see_everything(house: House) -> None:
    async with house.reading() as ctx:
        ctx.policy = _Narrow()  # type: ignore[assignment] # only what the operation asks
        operation = next(one for one in OPERATIONS if one.name == "meta")
        with pytest.raises(Forbidden):
            await operation.handler(ctx, Call.of("meta", type="Patient"))


class _Narrow:
    unrestricted = False


# --- the dossier -------------------------------------------------------------------------------------------


async def test_step__goes_through_the_dossiers_life(house: House) -> None:
    await put(
        house,
        {
            "resourceType": "Composition",
            "id": "d",
            "status": "preliminary",
            "type": {"text": "Bệnh án nội khoa"},
            "date": "2026-05-01",
            "author": [{"display": "BS. An"}],
            "title": "Hồ sơ bệnh án",
        },
    )

    for step, state in (("open", "draft"), ("activate", "active"), ("close", "closed")):
        found = await call(house, "hsba-step", "Composition", "d", ("step", step))
        assert found["parameter"][0]["valueCode"] == state
    with pytest.raises(BadRequest):  # it needs a reason
        await call(house, "hsba-step", "Composition", "d", ("step", "reopen"))
    found = await call(
        house, "hsba-step", "Composition", "d", ("step", "reopen"), ("reason", "bổ sung kết quả")
    )
    assert found["parameter"][0]["valueCode"] == "active"
    with pytest.raises(WrongState):
        await call(house, "hsba-step", "Composition", "d", ("step", "archive"))


# --- $merge ------------------------------------------------------------------------------------------------


async def test_merge__by_references_in_parameters(house: House) -> None:
    await a_ward(house)
    given = parameters(
        {"name": "source-patient", "valueReference": {"reference": "Patient/b"}},
        {"name": "target-patient", "valueReference": {"reference": "Patient/a"}},
    )

    found = await call(house, "merge", "Patient", body=given)

    assert found["parameter"][0]["resource"]["id"] == "a"
    async with house.reading() as ctx:
        stored = await interactions.read(ctx, "Patient", "b")
    assert json.parse((stored.body or "").encode())["link"][0]["type"] == "replaced-by"


@pytest.mark.parametrize(
    "pairs",
    [
        (),
        (("source-patient", "Patient/b"),),
        (("source-patient", "Practitioner/b"), ("target-patient", "Patient/a")),
        (("source-patient", "Patient/b"), ("source-patient", "Patient/c"), ("target-patient", "Patient/a")),
    ],
)
async def test_merge__unclear_calls_are_refused(house: House, pairs: tuple[tuple[str, str], ...]) -> None:
    await a_ward(house)
    with pytest.raises(Problem):
        await call(house, "merge", "Patient", None, *pairs)
