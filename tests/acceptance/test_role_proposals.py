"""A change of a role waits for a second person, and takes effect when somebody approves it who had no hand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio

from acceptance.administering import Room, furnished
from hsba.access.administration import proposals
from hsba.access.administration.proposals import OwnProposal
from hsba.access.rights import grants
from hsba.fhir import json
from hsba.ops.role_desk import Desk
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    from acceptance.identity import Ward
    from hsba.access.rights.roles import Role

LINE = {"may": "view", "type": "Patient", "step": "save"}


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """The administrator quan.tri at his browser, a role night-nurse, and (from now on) a second administrator, hai."""
    room = await furnished(ward)
    await room.post("/roles/nurse/copy", new="night-nurse", title="Trực đêm")
    await ward.account("hai", "administrator", roles=())
    await ward.account("an.ninh", "security", roles=())
    room.told.happenings.clear()
    return room


async def kept(room: Room) -> Role | None:
    async with room.ward.services.pool.reading(room.tenant) as tx:
        return (await grants.every_role(tx, room.tenant))[0].get("night-nurse")


async def stamp(room: Room) -> str:
    async with room.ward.owner() as tx:
        at = await tx.fetchval(
            "SELECT coalesce((SELECT changed FROM record.role_proposal WHERE name = $1 AND state = 'open'),"
            " (SELECT changed FROM record.role WHERE name = $1))",
            "night-nurse",
        )
        return str(at.isoformat())


async def proposed(room: Room) -> str:
    """Propose a line more; the address of the proposal."""
    answer = await room.post("/roles/night-nurse/lines/0", **LINE, stamp=await stamp(room))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).removeprefix("/admin")


async def test_change__waits_and_takes_effect_when_another_administrator_approves(room: Room) -> None:
    before = await kept(room)
    address = await proposed(room)
    unchanged = await kept(room)
    page = (await room.get("/roles/night-nurse")).text

    await room.ward.log_in("hai")
    seen = await room.get(address)
    approved = await room.post(address + "/approve", stamp=await stamp(room))

    after = await kept(room)
    assert before is not None
    assert after is not None
    assert unchanged == before
    assert "chờ người thứ hai" in page
    assert 'href="/admin/roles/night-nurse/lines/1"' not in page
    assert "quan.tri" in seen.text
    assert "thêm vào" in seen.text
    assert approved.status_code == 303
    assert len(after.lines) == len(before.lines) + 1
    assert [one for one in room.told.words if one.startswith("role-")] == ["role-propose", "role-approve"]
    assert "Đã duyệt" in (await room.get("/changes")).text or "đã duyệt" in (await room.get("/changes")).text


async def test_approve__of_ones_own_proposal_is_refused(room: Room) -> None:
    before = await kept(room)
    address = await proposed(room)

    refused = await room.post(address + "/approve", stamp=await stamp(room))

    assert refused.status_code == 403
    assert "Bạn có tham gia đề xuất này" in refused.text
    assert await kept(room) == before
    assert room.told.words[-1] == "✗ role-approve"
    assert f'action="/admin{address}/approve"' not in (await room.get(address)).text


async def test_approve__by_who_changed_the_proposal_further_is_refused(room: Room) -> None:
    address = await proposed(room)
    await room.ward.log_in("hai")
    again = await room.post(
        "/roles/night-nurse/lines/0", may="view", type="Encounter", step="save", stamp=await stamp(room)
    )

    refused = await room.post(address + "/approve", stamp=await stamp(room))

    assert again.headers["location"] == "/admin" + address  # the same proposal, with one line more
    assert refused.status_code == 403
    await room.ward.log_in("quan.tri")
    assert (await room.post(address + "/approve", stamp=await stamp(room))).status_code == 403


async def test_approve__by_the_security_officer_who_changes_nothing_else(room: Room) -> None:
    before = await kept(room)
    address = await proposed(room)
    await room.ward.log_in("an.ninh")

    other = await room.post("/roles/night-nurse/lines/0", **LINE, stamp=await stamp(room))
    approved = await room.post(address + "/approve", stamp=await stamp(room))

    after = await kept(room)
    assert (other.status_code, approved.status_code) == (403, 303)
    assert before is not None
    assert after is not None
    assert len(after.lines) == len(before.lines) + 1


async def test_approve__by_staff_or_by_nobody_is_refused(room: Room) -> None:
    address = await proposed(room)
    seen = await stamp(room)

    await room.ward.log_in("bs.lan")
    staff = await room.post(address + "/approve", stamp=seen)
    room.http.cookies.clear()
    nobody = await room.post(address + "/approve", stamp=seen)

    assert staff.status_code == 403
    assert nobody.status_code in (303, 401)


async def test_approve__by_who_has_the_role_is_refused(room: Room) -> None:
    async with room.ward.services.pool.writing(room.tenant) as tx:
        await grants.grant(tx, room.tenant, OPERATOR, "hai", "night-nurse")
    before = await kept(room)
    address = await proposed(room)
    await room.ward.log_in("hai")

    refused = await room.post(address + "/approve", stamp=await stamp(room))

    assert refused.status_code == 403
    assert await kept(room) == before


async def test_approve__of_what_was_changed_since_it_was_seen_is_refused(room: Room) -> None:
    address = await proposed(room)
    seen = await stamp(room)
    await room.post("/roles/night-nurse/lines/0", may="*", group="clinical", step="save", stamp=seen)
    before = await kept(room)
    await room.ward.log_in("hai")

    late = await room.post(address + "/approve", stamp=seen)
    unseen = await room.post(address + "/approve")

    assert (late.status_code, unseen.status_code) == (409, 409)
    assert await kept(room) == before


async def test_approve__twice_is_refused(room: Room) -> None:
    address = await proposed(room)
    seen = await stamp(room)
    await room.ward.log_in("hai")

    first = await room.post(address + "/approve", stamp=seen)
    second = await room.post(address + "/approve", stamp=seen)

    assert (first.status_code, second.status_code) == (303, 409)


async def test_decline__needs_a_reason_and_leaves_the_role(room: Room) -> None:
    before = await kept(room)
    address = await proposed(room)
    seen = await stamp(room)
    await room.ward.log_in("hai")

    silent = await room.post(address + "/decline", stamp=seen, reason=" ")
    declined = await room.post(address + "/decline", stamp=seen, reason="Quá rộng")

    assert (silent.status_code, declined.status_code) == (409, 303)
    assert await kept(room) == before
    assert "Quá rộng" in (await room.get("/proposals")).text
    assert room.told.words[-1] == "role-decline"


async def test_withdraw__is_for_who_proposed_it(room: Room) -> None:
    address = await proposed(room)

    await room.ward.log_in("hai")
    other = await room.post(address + "/withdraw")
    await room.ward.log_in("quan.tri")
    own = await room.post(address + "/withdraw")

    assert (other.status_code, own.status_code) == (403, 303)
    assert "rút" in (await room.get(address)).text


async def test_remove__waits_too(room: Room) -> None:
    removed = await room.post("/roles/night-nurse/remove", stamp=await stamp(room))
    there = await kept(room)
    await room.ward.log_in("hai")
    address = str(removed.headers["location"]).removeprefix("/admin")
    await room.post(address + "/approve", stamp=await stamp(room))

    assert there is not None
    assert await kept(room) is None


async def test_change__holds_at_once_where_nobody_could_approve(room: Room) -> None:
    async with room.ward.owner() as tx:
        await tx.execute("UPDATE access.account SET state = 'disabled' WHERE login IN ('hai', 'an.ninh')")

    answer = await room.post("/roles/night-nurse/lines/0", **LINE, stamp=await stamp(room))

    assert answer.headers["location"] == "/admin/roles/night-nurse"
    assert room.told.words[-1] == "role-change"


async def test_change__waits_though_the_other_has_just_been_given_a_new_password(room: Room) -> None:
    async with room.ward.owner() as tx:
        await tx.execute("UPDATE access.account SET must_change = true WHERE login IN ('hai', 'an.ninh')")

    assert (await proposed(room)).startswith("/proposals/")


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999"])
async def test_proposal__that_is_not_there_is_not_found(room: Room, number: str) -> None:
    assert (await room.get(f"/proposals/{number}")).status_code == 404
    assert (await room.post(f"/proposals/{number}/approve", stamp="")).status_code == 404


async def test_database__lets_no_author_approve_whatever_the_program_does(room: Room) -> None:
    await proposed(room)

    with pytest.raises(asyncpg.CheckViolationError):
        async with room.ward.services.pool.writing(room.tenant) as tx:
            await tx.execute(
                "UPDATE record.role_proposal SET state = 'approved', decided = now(), decided_by = 'quan.tri'"
            )


async def test_desk__proposes_a_role_from_a_file_and_does_not_approve_it_itself(room: Room) -> None:
    services = room.ward.services
    desk = Desk(services, services.tenants.get())
    content = json.dump({"title": "Mới", "lines": [{"may": ["view"], "types": ["@clinical"]}]})

    made = await desk.put("moi", content)

    assert isinstance(made, proposals.Proposal)
    assert any("moi" in line for line in await desk.waiting())
    with pytest.raises(OwnProposal):
        await desk.approve(made.id)
    await room.post(f"/proposals/{made.id}/approve", stamp=made.stamp)
    async with services.pool.reading(room.tenant) as tx:
        assert "moi" in (await grants.every_role(tx, room.tenant))[0]


async def test_desk__approves_what_an_administrator_proposed_and_withdraws_its_own(room: Room) -> None:
    services = room.ward.services
    desk = Desk(services, services.tenants.get())
    address = await proposed(room)

    await desk.approve(int(address.rpartition("/")[2]))
    removal = await desk.remove("night-nurse")
    assert removal is not None
    await desk.decline(removal.id, "")

    assert await desk.waiting() == []
    assert await kept(room) is not None
