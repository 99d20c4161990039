"""What roles let their people see and do, asked through the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hospital import Hospital, encounter, observation, post, to
from hsba.access.rights.policy import NoRight, OwnRole, ReadOnly
from hsba.fhir.problems import Forbidden, NotFound
from hsba.fhir.query.parse import Search
from hsba.record import interactions, lifecycle, transaction
from hsba.record.context import Actor
from hsba.record.fence import OutOfBounds

if TYPE_CHECKING:
    from hsba.record.context import Context


async def ids(ctx: Context, type: str) -> list[str]:
    page = await interactions.search(ctx, Search((type,), count=100))
    return sorted(one.id for one in page.matches)


async def test_nurse__sees_the_patients_of_her_department_and_no_others(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["an"]
        assert await ids(ctx, "Observation") == ["o-an"]
        assert await ids(ctx, "Encounter") == ["e-an"]
        assert await ids(ctx, "Organization") == ["ngoai", "noi"]
        await interactions.read(ctx, "Patient", "an")
        for address in (("Patient", "binh"), ("Observation", "o-binh")):
            with pytest.raises(NotFound):
                await interactions.read(ctx, *address)


async def test_grant__of_a_department_holds_there_only(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse", "ngoai")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["binh"]


async def test_account__without_a_role_sees_nothing(hospital: Hospital) -> None:
    async with hospital.acting("nobody") as ctx:
        assert await ids(ctx, "Organization") == []
        with pytest.raises(Forbidden):
            await interactions.create(ctx, observation("x", "an"))


@pytest.mark.parametrize(
    "more",
    [
        {
            "valid_to": datetime.now(UTC) - timedelta(days=1),
            "valid_from": datetime.now(UTC) - timedelta(days=2),
        },
        {"valid_from": datetime.now(UTC) + timedelta(days=1)},
    ],
)
async def test_grant__outside_its_days_gives_nothing(hospital: Hospital, more: dict[str, Any]) -> None:
    await hospital.give("nurse", "nurse", **more)

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == []


async def test_duty__ends_with_the_post(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.save(post("lan-noi", "lan", "noi", period={"start": "2020", "end": "2021"}))

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == []


async def test_department__ends_a_day_after_the_stay(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    ago = {hours: (datetime.now(UTC) - timedelta(hours=hours)).isoformat() for hours in (3, 30, 90)}
    for hours, seen in ((3, ["an"]), (30, [])):
        period = {"start": ago[90], "end": ago[hours]}
        await hospital.save(encounter("e-an", "an", "noi", "finished", period=period))

        async with hospital.acting("nurse") as ctx:
            assert await ids(ctx, "Patient") == seen


async def test_role__two_of_them_join_and_one_may_be_chosen(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.give("nurse", "reception")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["an", "binh"]
    async with hospital.acting("nurse", role="nurse") as ctx:
        assert await ids(ctx, "Patient") == ["an"]


async def test_deny__is_taken_away_from_every_role(hospital: Hospital) -> None:
    await hospital.role(
        "not-an", {"deny": True, "may": ["view"], "types": ["Patient"], "where": ["search:name=an"]}
    )
    await hospital.give("nurse", "reception")
    await hospital.give("nurse", "not-an")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["binh"]


async def test_condition__that_cannot_be_understood_grants_nothing_and_takes_all(hospital: Hospital) -> None:
    for name, deny in (("bad", False), ("bad-deny", True)):
        line = {"may": ["view"], "types": ["Patient"], "where": ["search:nonsense=1"], "deny": deny}
        await hospital.role(name, line)
    await hospital.give("a", "bad")
    await hospital.give("b", "reception")
    await hospital.give("b", "bad-deny")

    for account in "ab":
        async with hospital.acting(account) as ctx:
            assert await ids(ctx, "Patient") == []
            assert [fault.line for fault in ctx.policy.faults.values()] == [1]  # type: ignore[attr-defined]


async def test_label__needs_a_line_of_its_own(hospital: Hospital) -> None:
    secret = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]}
    await hospital.save(observation("hiv", "an", meta=secret))
    await hospital.give("nurse", "nurse")
    await hospital.role(
        "hiv", {"may": ["view"], "types": ["Observation"], "where": ["label:HIV", "department"]}
    )

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Observation") == ["o-an"]
    await hospital.give("nurse", "hiv")
    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Observation") == ["hiv", "o-an"]


# --- writing -----------------------------------------------------------------------------------------------


async def test_write__stays_within_the_department_before_and_after(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")

    async with hospital.acting("nurse") as ctx:
        await interactions.create(ctx, observation("x", "an"))
        await interactions.update(ctx, observation("o-an", "an", status="amended"))
    for content in (observation("new", "binh"), observation("o-an", "binh")):
        with pytest.raises(OutOfBounds):
            async with hospital.acting("nurse") as ctx:
                await interactions.update(ctx, content)
    with pytest.raises(NotFound):
        async with hospital.acting("nurse") as ctx:
            await interactions.update(ctx, observation("o-binh", "an"))
    with pytest.raises(NoRight):
        async with hospital.acting("nurse") as ctx:
            await interactions.delete(ctx, "Observation", "o-an")
    async with hospital.acting() as ctx:
        assert (await interactions.read(ctx, "Observation", "o-an")).vid == 2
        with pytest.raises(NotFound):
            await interactions.read(ctx, "Observation", "new")


async def test_write__that_is_refused_leaves_nothing_of_its_bundle(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    parts = [
        {"request": {"method": "PUT", "url": f"Observation/{id_}"}, "resource": observation(id_, patient)}
        for id_, patient in (("one", "an"), ("two", "binh"))
    ]

    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": parts}

    with pytest.raises(OutOfBounds):
        async with hospital.acting("nurse") as ctx:
            await transaction.transaction(ctx, bundle)
    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Observation") == ["o-an"]


async def test_write__read_only_elements_stay(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    diagnosis = [{"condition": to("Condition", "c")}]

    with pytest.raises(ReadOnly):
        async with hospital.acting("nurse") as ctx:
            await interactions.update(ctx, encounter("e-an", "an", "noi", diagnosis=diagnosis))
    async with hospital.acting("nurse") as ctx:
        await interactions.update(ctx, encounter("e-an", "an", "noi", "onleave"))


async def test_write__labels_need_their_right(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}

    with pytest.raises(NoRight):
        async with hospital.acting("nurse") as ctx:
            await interactions.update(ctx, observation("o-an", "an", meta=label))
    await hospital.give("nurse", "head-of-department")
    async with hospital.acting("nurse") as ctx:
        await interactions.update(ctx, observation("o-an", "an", meta=label))
    async with hospital.acting("nurse", role="nurse") as ctx:
        assert await ids(ctx, "Observation") == []


async def test_write__nobody_changes_his_own_post(hospital: Hospital) -> None:
    await hospital.give("nurse", "administrator")

    for content in (post("lan-noi", "lan", "ngoai"), post("another", "lan", "ngoai")):
        with pytest.raises(OwnRole):
            async with hospital.acting("nurse") as ctx:
                await interactions.update(ctx, content)
    async with hospital.acting("nurse") as ctx:
        await interactions.update(ctx, post("other", "hoa", "ngoai"))


async def test_patient__sees_himself_and_his_relatives_see_who_they_speak_for(hospital: Hospital) -> None:
    await hospital.is_person("an", "Patient", "an")
    await hospital.give("an", "patient")

    async with hospital.acting("an") as ctx:
        assert await ids(ctx, "Patient") == ["an"]
        assert await ids(ctx, "Observation") == []  # on written request only
    await hospital.lend("an", "an", purpose="PATRQT")
    async with hospital.acting("an") as ctx:
        assert await ids(ctx, "Observation") == ["o-an"]
        with pytest.raises(NoRight):
            await interactions.create(ctx, observation("x", "an"))


# --- dossiers and exports ----------------------------------------------------------------------------------


async def dossier(hospital: Hospital, id: str, patient: str) -> None:
    """A dossier in treatment, and a sheet of it."""
    header = {
        "resourceType": "Composition",
        "id": id,
        "status": "preliminary",
        "type": {"text": "Bệnh án nội khoa"},
        "date": "2026-11-20",
        "title": "Bệnh án",
        "author": [to("Practitioner", "lan")],
        "subject": to("Patient", patient),
        "encounter": to("Encounter", f"e-{patient}"),
    }
    url = "http://fhir.hl7.org.vn/core/StructureDefinition/hsba-dossier"
    link = {"url": url, "valueReference": to("Composition", id)}
    await hospital.save(header, observation(f"sheet-{id}", patient, extension=[link]))
    async with hospital.acting() as ctx:
        for step in ("open", "activate"):
            await lifecycle.move(ctx, "Composition", id, step)


async def test_state__is_that_of_the_dossier(hospital: Hospital) -> None:
    await dossier(hospital, "d", "an")
    where = ["state:active"]
    await hospital.role("now", {"may": ["view"], "types": ["Composition", "Observation"], "where": where})
    await hospital.give("nurse", "now")

    async with hospital.acting("nurse") as ctx:
        assert (await ids(ctx, "Composition"), await ids(ctx, "Observation")) == (["d"], ["sheet-d"])
    async with hospital.acting() as ctx:
        await lifecycle.move(ctx, "Composition", "d", "close")
    async with hospital.acting("nurse") as ctx:
        assert (await ids(ctx, "Composition"), await ids(ctx, "Observation")) == ([], [])


async def test_step__is_a_right_of_its_own_and_stays_within_it(hospital: Hospital) -> None:
    for id_, patient in (("d", "an"), ("other", "binh")):
        await dossier(hospital, id_, patient)
    await hospital.give("nurse", "nurse")
    await hospital.give("head", "head-of-department", "noi")

    for account, id_, problem in (("nurse", "d", NoRight), ("head", "other", OutOfBounds)):
        with pytest.raises(problem):
            async with hospital.acting(account) as ctx:
                await lifecycle.move(ctx, "Composition", id_, "close")
    async with hospital.acting("head") as ctx:
        assert await lifecycle.move(ctx, "Composition", "d", "close") == "closed"


async def test_export__shows_only_what_may_be_exported(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.give("nurse", "security-officer")
    await hospital.give("records", "planning")

    for account, seen in (("nurse", []), ("records", ["an", "binh"])):
        actor = Actor(account)
        await hospital.app.know(actor, hospital.app.tenants.get())
        async with hospital.app.pool.searching(hospital.app.tenants.get().id) as tx:
            assert await ids(hospital.app.context(tx=tx, actor=actor, channel="export"), "Patient") == seen
