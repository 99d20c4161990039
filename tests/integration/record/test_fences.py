"""What the policy hides is hidden in histories, transactions and operations too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir import json
from hsba.fhir.problems import Forbidden, NotFound
from hsba.fhir.query.expression import Everything, Expression, Ids, Not
from hsba.record import compartment, interactions, patients, transaction
from hsba.record.calls import Call
from hsba.record.history import history
from watch import Recording, addresses, shown, shows

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context
    from hsba.store.resources import Stored

SID = "http://x.example/mrn"


class Narrow:
    """Patients “secret…” are not seen, telephone numbers are hidden, and nobody may delete."""

    unrestricted = False

    def visible(self, type: str) -> Expression:
        """All but the secret ones."""
        return Not(Ids(("secret", "secret2"))) if type == "Patient" else Everything()

    def hidden(self, type: str) -> frozenset[str]:
        """The telephone numbers."""
        return frozenset({"Patient.telecom"}) if type == "Patient" else frozenset()

    def within(self, interaction: str, type: str) -> Expression:
        """No bounds."""
        return Everything()

    def check(self, ctx: Context, interaction: str, type: str, *, before: Any, after: Any) -> None:
        """Everything but deleting."""
        if interaction == "delete":
            raise Forbidden


def patient(id: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": SID, "value": id}],
        "telecom": [{"system": "phone", "value": "0900000000"}],
        **more,
    }


async def fill(house: House) -> None:
    for id_ in ("a", "secret", "b", "secret2", "c"):
        async with house.writing() as ctx:
            await interactions.update(ctx, patient(id_))


def put(content: dict[str, Any]) -> dict[str, Any]:
    return {"request": {"method": "PUT", "url": f"Patient/{content['id']}"}, "resource": content}


async def carry_out(ctx: Context, *parts: dict[str, Any]) -> list[Any]:
    return await transaction.transaction(
        ctx, {"resourceType": "Bundle", "type": "transaction", "entry": list(parts)}
    )


async def test_history__shows_no_version_of_what_may_not_be_seen(house: House) -> None:
    await fill(house)

    async with house.reading() as ctx:
        ctx.policy = Narrow()
        for where in (("Patient",), ()):
            seen = []
            page = await history(ctx, *where, count=1)
            seen += page.entries
            while page.next is not None:
                page = await history(ctx, *where, count=1, cursor=page.next)
                assert len(page.entries) == 1 or page.next is None
                seen += page.entries
            assert [stored.id for stored, _ in seen] == ["c", "b", "a"]
            assert not any("telecom" in (stored.body or "") for stored, _ in seen)
        with pytest.raises(NotFound):
            await history(ctx, "Patient", "secret")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_transaction__what_may_not_be_seen_is_not_there(house: House, method: str) -> None:
    await fill(house)
    contents: dict[str, Any] = {
        "PUT": patient("secret", active=True),
        "PATCH": {"resourceType": "Parameters"},
        "DELETE": None,
    }
    part: dict[str, Any] = {"request": {"method": method, "url": "Patient/secret"}}
    if contents[method] is not None:
        part["resource"] = contents[method]

    async with house.writing() as ctx:
        ctx.policy = Narrow()
        with pytest.raises((NotFound, Forbidden)):
            await carry_out(ctx, part)
    async with house.reading() as ctx:
        assert (await interactions.read(ctx, "Patient", "secret")).vid == 1


async def test_transaction__conditions_and_references_find_only_what_may_be_seen(house: House) -> None:
    await fill(house)

    async with house.writing() as ctx:
        ctx.policy = Narrow()
        basic = {
            "resourceType": "Basic",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient?identifier={SID}|secret"},
        }
        with pytest.raises(transaction.ReferenceUnresolved):
            await carry_out(ctx, {"request": {"method": "POST", "url": "Basic"}, "resource": basic})


async def test_transaction__an_update_keeps_what_it_may_not_see(house: House) -> None:
    await fill(house)
    content = {**patient("a", active=True), "telecom": [{"system": "phone", "value": "0911111111"}]}

    async with house.writing() as ctx:
        ctx.policy = Narrow()
        answered = await carry_out(ctx, put(content))
        assert "telecom" not in (answered[0].content("representation") or "")

    async with house.reading() as ctx:
        stored = await interactions.read(ctx, "Patient", "a")
    found = json.parse((stored.body or "").encode())
    assert found["active"] is True
    assert found["telecom"][0]["value"] == "0900000000"


async def test_transaction__a_right_that_lacks_is_told_with_its_entry(house: House) -> None:
    await fill(house)

    async with house.writing() as ctx:
        ctx.policy = Narrow()
        with pytest.raises(Forbidden) as refused:
            await carry_out(ctx, {"request": {"method": "DELETE", "url": "Patient/a"}})
    assert refused.value.issues[0].path == "Bundle.entry[0]"


async def test_merge__a_patient_who_may_not_be_seen_cannot_be_merged(house: House) -> None:
    await fill(house)

    async with house.writing() as ctx:
        ctx.policy = Narrow()
        with pytest.raises(NotFound):
            await patients.merge(ctx, "a", "secret")


async def test_record__tells_the_trail_of_what_it_shows_and_of_nothing_else(house: House) -> None:
    await fill(house)
    async with house.writing() as ctx:
        for id_, whose in (("oa", "a"), ("os", "secret")):
            subject = {"reference": f"Patient/{whose}"}
            one = {"resourceType": "Basic", "id": id_, "code": {"text": "x"}, "subject": subject}
            await interactions.update(ctx, one)

    async def of_history(ctx: Context) -> list[Stored]:
        return [stored for stored, _ in (await history(ctx, "Patient")).entries]

    async def of_everything(ctx: Context) -> set[str]:
        call = Call("everything", "Patient", "a", address="http://here/fhir/Patient/a/$everything")
        return shown(await compartment.everything_patient(ctx, call))

    async def of_the_same_again(ctx: Context) -> list[Stored]:
        return [(await interactions.update(ctx, {**patient("a"), "telecom": []})).stored]

    async def of_a_bundle(ctx: Context) -> list[Stored]:
        gets = [{"request": {"method": "GET", "url": f"Patient/{id_}"}} for id_ in "ab"]
        return [one.stored for one in await carry_out(ctx, *gets, put(patient("c")))]

    for work in (of_history, of_everything, of_the_same_again, of_a_bundle):
        trail = Recording()
        async with house.writing() as ctx:
            ctx.policy, ctx.trail = Narrow(), trail
            found = await work(ctx)
            addressed = found if isinstance(found, set) else addresses(ctx, found)
            assert trail.told == addressed, work.__name__
        assert addressed
        assert not any("secret" in one for one in addressed)
        if not isinstance(found, set):
            assert not any(shows(one.body, "Patient.telecom") for one in found)
