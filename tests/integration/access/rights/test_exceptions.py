"""What holds beside roles: hours, loans, emergencies, what patients forbid and allow, and who comes from elsewhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from hospital import Hospital, observation, to
from hsba.access.problems import OutsideHours
from hsba.access.rights import current, emergency, grants
from hsba.access.rights.grants import BadCrossing, ForeignTenant
from hsba.access.rights.hours import DAYS, BadHours
from hsba.access.rights.lending import BadLoan, NoBorrower, UnknownLoan
from hsba.access.rights.policy import NoRight, OwnRole
from hsba.fhir.patch.change import Patch
from hsba.fhir.problems import NotFound, Unprocessable
from hsba.fhir.query.parse import Search
from hsba.record import consents, interactions, operations, transaction
from hsba.record.calls import Call
from hsba.record.context import Actor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.record.context import Context

SECURITY = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
HIV = {"security": [{"system": SECURITY, "code": "HIV"}]}


async def ids(ctx: Context, type: str) -> list[str]:
    page = await interactions.search(ctx, Search((type,), count=100))
    return sorted(one.id for one in page.matches)


async def seen(hospital: Hospital, account: str, type: str = "Patient") -> list[str]:
    async with hospital.acting(account) as ctx:
        return await ids(ctx, type)


def another_day() -> str:
    """Hours of a day that is not today, neither yesterday nor tomorrow."""
    return f"{DAYS[(datetime.now(UTC).weekday() + 3) % 7]} 08:00-09:00"


def consent(id: str, patient: str, provision: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    scope = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
    found = {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [scope]},
        "category": [{"text": "Ý muốn của người bệnh"}],
        "patient": to("Patient", patient),
        "dateTime": "2026-11-20",
        "policyRule": {"text": "Luật 91/2025/QH15"},
        **more,
    }
    return found if provision is None else {**found, "provision": provision}


# --- hours -------------------------------------------------------------------------------------------------


async def test_grant__outside_its_hours_gives_nothing(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse", hours=another_day())
    assert await seen(hospital, "nurse") == []

    await hospital.give("nurse", "nurse", hours="mon-sun 00:00-24:00")
    assert await seen(hospital, "nurse") == ["an"]
    with pytest.raises(BadHours):
        await hospital.give("nurse", "nurse", hours="always")


async def test_account__outside_its_hours_is_refused_in_all_its_roles(hospital: Hospital) -> None:
    tenant, nurse = hospital.app.tenants.get(), Actor(account="nurse")
    await hospital.give("nurse", "nurse")
    async with hospital.acting() as ctx:
        await grants.set_hours(ctx.tx, tenant.id, Actor(account="admin"), "nurse", another_day())
        with pytest.raises(OwnRole):
            await grants.set_hours(ctx.tx, tenant.id, nurse, "nurse", None)
    assert await seen(hospital, "nurse") == []
    with pytest.raises(OutsideHours):
        await hospital.app.admit(nurse, tenant)

    async with hospital.acting() as ctx:
        await grants.set_hours(ctx.tx, tenant.id, Actor(account="admin"), "nurse", None)
    assert await seen(hospital, "nurse") == ["an"]


# --- loans -------------------------------------------------------------------------------------------------


async def test_loan__shows_the_record_for_reading_until_it_is_returned(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    number = await hospital.lend("nurse", "binh")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["an", "binh"]
        assert await ids(ctx, "Observation") == ["o-an", "o-binh"]
        for act in ("update", "export", "print", "copy"):
            assert "binh" not in repr(ctx.policy.within(act, "Observation"))
    async with hospital.acting() as ctx:
        await hospital.app.lending.take_back(ctx, number)
        with pytest.raises(UnknownLoan):
            await hospital.app.lending.take_back(ctx, number)
    assert await seen(hospital, "nurse") == ["an"]


async def test_loan__of_one_dossier_shows_that_one(hospital: Hospital) -> None:
    link = "http://fhir.hl7.org.vn/core/StructureDefinition/hsba-dossier"
    header = {
        "resourceType": "Composition", "id": "d", "status": "final", "type": {"text": "Bệnh án"}, "date": "2026-11-20",
        "title": "Bệnh án", "author": [to("Practitioner", "lan")], "subject": to("Patient", "binh"),
    }  # fmt: skip
    sheet = observation("sheet", "binh", extension=[{"url": link, "valueReference": to("Composition", "d")}])
    await hospital.save(header, sheet)
    await hospital.give("nurse", "nurse")
    await hospital.lend("nurse", "binh", dossier="d")

    assert await seen(hospital, "nurse", "Observation") == ["o-an", "sheet"]
    assert await seen(hospital, "nurse", "Composition") == ["d"]
    assert await seen(hospital, "nurse") == ["an", "binh"]
    with pytest.raises(BadLoan):
        await hospital.lend("nurse", "an", dossier="d")


async def test_lend__is_a_right_and_not_for_everybody(hospital: Hospital) -> None:
    await hospital.give("records", "planning")
    await hospital.give("nurse", "nurse")
    await hospital.give("officer", "security-officer")
    until = datetime.now(UTC) + timedelta(days=1)

    async def lend(by: str, to_whom: str, patient: str = "binh", **more: Any) -> None:
        given = {"purpose": "TREAT", "reason": "Theo đơn", "until": until, **more}
        async with hospital.acting(by) as ctx:
            await hospital.app.lending.lend(ctx, to_whom, patient, **given)

    for by, to_whom, more, problem in (
        ("nurse", "records", {}, NoRight),
        ("records", "records", {}, OwnRole),
        ("records", "officer", {}, NoBorrower),
        ("records", "nobody", {}, NoBorrower),
        ("records", "nurse", {"patient": "nobody"}, NotFound),
        ("records", "nurse", {"purpose": "FUN"}, BadLoan),
        ("records", "nurse", {"reason": " "}, BadLoan),
        ("records", "nurse", {"until": until - timedelta(days=3)}, BadLoan),
    ):
        with pytest.raises(problem):
            await lend(by, to_whom, **more)
    await lend("records", "nurse")
    assert await seen(hospital, "nurse") == ["an", "binh"]


# --- emergencies -------------------------------------------------------------------------------------------

WHY = "Hôn mê, cần tiền sử dị ứng"


async def open_glass(hospital: Hospital, account: str, patient: str = "binh", reason: str = WHY) -> int:
    async with hospital.acting(account) as ctx:
        return (await hospital.app.glass.open(ctx, patient, "life", reason)).id


async def test_emergency__gives_what_the_role_has_in_treatment_for_a_while(hospital: Hospital) -> None:
    await hospital.save(observation("hiv", "binh", meta=HIV))
    await hospital.give("nurse", "nurse")
    number = await open_glass(hospital, "nurse")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["an", "binh"]
        assert await ids(ctx, "Observation") == [
            "o-an",
            "o-binh",
        ]  # what her role shows of labels is what it was
        saved = await interactions.create(ctx, observation("x", "binh"))
        row = await ctx.tx.fetchrow(
            "SELECT purpose FROM record.version WHERE resource = $1", saved.stored.key
        )
        assert row["purpose"] == "BTG"
        with pytest.raises(NoRight):
            await interactions.delete(ctx, "Observation", "o-binh")
        await hospital.app.glass.end(ctx, number)
    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Patient") == ["an"]
        assert ctx.purpose == "TREAT"


@pytest.mark.parametrize(
    "role", ["administrator", "security-officer", "reception", "insurance-clerk", "patient"]
)
async def test_emergency__is_refused_to_who_has_no_right_whether_there_is_a_patient_or_not(
    hospital: Hospital, role: str
) -> None:
    await hospital.give("x", role)

    for patient in ("binh", "nobody"):
        with pytest.raises(NoRight):
            await open_glass(hospital, "x", patient)
    async with hospital.acting("x") as ctx:
        with pytest.raises(NoRight):
            await emergency.found_by_number(ctx, "0123")


async def test_emergency__needs_a_reason_and_a_patient(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")

    for patient, reason, problem in (("binh", "   khẩn   ", emergency.NoReason), ("nobody", WHY, NotFound)):
        with pytest.raises(problem):
            await open_glass(hospital, "nurse", patient, reason)
    assert await seen(hospital, "nurse") == ["an"]


async def test_review__is_for_others_and_said_once(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.give("head", "head-of-department", "noi")
    await hospital.give("elsewhere", "head-of-department", "ngoai")
    await hospital.give("officer", "security-officer")
    await hospital.give("nurse", "head-of-department", "noi")
    number = await open_glass(hospital, "nurse")
    glass = hospital.app.glass

    async with hospital.acting("elsewhere") as ctx:
        assert await glass.waiting(ctx) == []
        with pytest.raises(emergency.UnknownEmergency):
            await glass.review(ctx, number, justified=True, comment="")
    async with hospital.acting("nurse") as ctx:
        with pytest.raises(OwnRole):
            await glass.review(ctx, number, justified=True, comment="")
    for account in ("head", "officer"):
        async with hospital.acting(account) as ctx:
            assert [one.id for one in await glass.waiting(ctx)] == [number]
    async with hospital.acting("officer") as ctx:
        assert (
            await glass.review(ctx, number, justified=False, comment="Không có chỉ định")
        ).justified is False
        with pytest.raises(emergency.UnknownEmergency):
            await glass.review(ctx, number, justified=True, comment="")
    async with hospital.acting("reception") as ctx:
        with pytest.raises(NoRight):
            await glass.waiting(ctx)


# --- consents ----------------------------------------------------------------------------------------------

NURSE = {"role": {"text": "điều dưỡng"}, "reference": to("Practitioner", "lan")}
RESEARCH = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}
TYPES = "http://hl7.org/fhir/resource-types"


@pytest.mark.parametrize(
    "provision, patients, observations",
    [
        ({"type": "deny"}, [], []),
        ({"type": "deny", "actor": [NURSE]}, [], []),
        ({"type": "deny", "actor": [{**NURSE, "reference": to("Practitioner", "hoa")}]}, ["an"], ["o-an"]),
        ({"type": "deny", "actor": [{**NURSE, "reference": to("Organization", "noi")}]}, [], []),
        ({"type": "deny", "purpose": [RESEARCH]}, ["an"], ["o-an"]),
        ({"type": "deny", "class": [{"system": TYPES, "code": "Observation"}]}, ["an"], []),
        ({"type": "deny", "period": {"end": "2026-01-01"}}, ["an"], ["o-an"]),
        ({"type": "deny", "securityLabel": [HIV["security"][0]]}, ["an"], ["o-an"]),
        ({"type": "deny", "provision": [{"type": "permit", "actor": [NURSE]}]}, ["an"], ["o-an"]),
        ({"type": "permit", "provision": [{"type": "deny", "actor": [NURSE]}]}, [], []),
        ({"type": "permit"}, ["an"], ["o-an"]),
        ({"type": "permit", "actor": [NURSE], "securityLabel": HIV["security"]}, ["an"], ["hiv", "o-an"]),
        ({"type": "permit", "securityLabel": HIV["security"]}, ["an"], ["o-an"]),
    ],
)  # fmt: skip
async def test_consent__takes_away_and_lifts_what_it_says(
    hospital: Hospital, provision: dict[str, Any], patients: list[str], observations: list[str]
) -> None:
    await hospital.save(observation("hiv", "an", meta=HIV), consent("c", "an", provision))
    await hospital.give("nurse", "nurse")

    assert await seen(hospital, "nurse") == patients
    assert await seen(hospital, "nurse", "Observation") == observations
    assert await seen(hospital, "nurse", "Consent") == ["c"]


@pytest.mark.parametrize("provision", [{"type": 7}, {"type": "deny", "actor": "x"}, [], {"action": [None]}])
def test_consent__of_no_form_at_all_takes_everything_away(provision: Any) -> None:
    found = consents.rule(consent("c", "an", provision), ZoneInfo("Asia/Ho_Chi_Minh"))

    assert found is not None
    assert found.root.deny


async def test_consent__by_the_policy_rule_takes_away(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    out = {"coding": [{"system": SECURITY, "code": "OPTOUT"}]}
    await hospital.save(consent("c", "an", None, policyRule=out))

    assert await seen(hospital, "nurse") == []


async def test_consent__withdrawn_holds_no_more(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.save(consent("c", "an", {"type": "deny"}))
    assert await seen(hospital, "nurse") == []

    await asyncio.sleep(current.TOGETHER)
    await hospital.save(consent("c", "an", {"type": "deny"}, status="inactive"))
    assert await seen(hospital, "nurse") == ["an"]


async def test_consent__in_an_emergency_does_not_stand_in_the_way(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.save(consent("c", "an", {"type": "deny"}))
    await open_glass(hospital, "nurse", "an")

    assert await seen(hospital, "nurse") == ["an"]


async def test_consent__that_says_more_than_is_understood_is_refused_and_takes_all_where_it_came_otherwise(
    hospital: Hospital,
) -> None:
    unread = consent("c", "an", {"type": "deny", "code": [{"text": "chỉ phần này"}]})
    with pytest.raises(Unprocessable):
        await hospital.save(unread)
    kept = interactions.RULES.pop("Consent")
    try:
        await hospital.save(unread)
    finally:
        interactions.RULES["Consent"] = kept
    await hospital.give("nurse", "nurse")

    assert await seen(hospital, "nurse") == []


async def test_consent__that_lifts_a_label_needs_the_right_to_and_is_never_for_oneself(
    hospital: Hospital,
) -> None:
    await hospital.role("writer", {"may": ["view", "create", "update"], "types": ["*"]})
    await hospital.give("nurse", "writer")
    other = {**NURSE, "reference": to("Practitioner", "hoa")}

    async def write(actor: dict[str, Any]) -> None:
        provision = {"type": "permit", "actor": [actor], "securityLabel": HIV["security"]}
        async with hospital.acting("nurse") as ctx:
            await interactions.update(ctx, consent("c", "an", provision))

    with pytest.raises(NoRight):
        await write(other)
    await hospital.role("marker", {"may": ["label"], "types": ["Consent"]})
    await hospital.give("nurse", "marker")
    with pytest.raises(OwnRole):
        await write(NURSE)
    await write(other)


# --- labels by the back door -------------------------------------------------------------------------------


async def by_patch(ctx: Context) -> None:
    change = [{"op": "add", "path": "/meta/security", "value": HIV["security"]}]
    await interactions.patch(ctx, "Observation", "o-an", Patch.json(change))


async def by_meta_add(ctx: Context) -> None:
    given = ({"name": "meta", "valueMeta": HIV},)
    await operations.meta_add(ctx, Call("meta-add", "Observation", "o-an", parameters=given))


async def by_transaction(ctx: Context) -> None:
    labelled = observation("o-an", "an", encounter=to("Encounter", "e-an"), meta=HIV)
    part = {"resource": labelled, "request": {"method": "PUT", "url": "Observation/o-an"}}
    await transaction.transaction(ctx, {"resourceType": "Bundle", "type": "transaction", "entry": [part]})


async def by_binary(ctx: Context) -> None:
    context = {"securityContext": to("Observation", "o-an"), "meta": HIV}
    await interactions.update(
        ctx, {"resourceType": "Binary", "id": "b", "contentType": "text/plain", **context}
    )


@pytest.mark.parametrize("way", [by_patch, by_meta_add, by_transaction, by_binary])
async def test_label__is_set_in_no_way_without_its_right(
    hospital: Hospital, way: Callable[[Context], Awaitable[None]]
) -> None:
    await hospital.give("nurse", "nurse")

    with pytest.raises(NoRight):
        async with hospital.acting("nurse") as ctx:
            await way(ctx)


# --- other keepers -----------------------------------------------------------------------------------------


async def test_grant__to_who_belongs_elsewhere_says_why_and_comes_from_here(hospital: Hospital) -> None:
    tenant = hospital.app.tenants.get().id
    async with hospital.owner() as tx:
        await tx.execute(
            "INSERT INTO access.account (login, kind, name, tenants, created)"
            " VALUES ('guest', 'staff', 'Khách', ARRAY[$1::integer], now()), ('foreign', 'administrator', 'X', ARRAY[$1], now())",
            tenant + 1,
        )
    with pytest.raises(BadCrossing):
        await hospital.give("guest", "reception")
    async with hospital.acting() as ctx:
        with pytest.raises(ForeignTenant):
            await grants.grant(
                ctx.tx, tenant, Actor(account="foreign"), "guest", "reception", crossing="referral"
            )
    await hospital.give("guest", "doctor", "noi", crossing="referral")

    assert await seen(hospital, "guest") == ["an"]
    with pytest.raises(NoRight):
        await open_glass(hospital, "guest")


# --- files -------------------------------------------------------------------------------------------------


async def test_binary__has_the_right_of_what_it_belongs_to(hospital: Hospital) -> None:
    def file(id: str, context: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
        found = {"resourceType": "Binary", "id": id, "contentType": "text/plain", "data": "QQ==", **more}
        return found if context is None else {**found, "securityContext": context}

    await hospital.save(
        file("of-an", to("Patient", "an")),
        file("of-o-an", to("Observation", "o-an")),
        file("of-binh", to("Patient", "binh")),
        file("of-nobody", None),
        file("secret", to("Patient", "an"), meta=HIV),
    )
    await hospital.give("nurse", "nurse")

    async with hospital.acting("nurse") as ctx:
        assert await ids(ctx, "Binary") == ["of-an", "of-o-an"]
        await interactions.read(ctx, "Binary", "of-an")
        for id_ in ("of-binh", "of-nobody", "secret"):
            with pytest.raises(NotFound):
                await interactions.read(ctx, "Binary", id_)
        await interactions.update(ctx, file("new", to("Observation", "o-an")))
    for context in (to("Patient", "binh"), to("Observation", "o-binh"), None):
        with pytest.raises((NoRight, Exception)) as refused:
            async with hospital.acting("nurse") as ctx:
                await interactions.update(ctx, file("other", context))
        assert refused.value.status == 403  # type: ignore[attr-defined]
