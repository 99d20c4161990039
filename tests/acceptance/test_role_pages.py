"""Roles in the browser: read in plain words, copied, changed line by line, and never by who has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from acceptance.administering import Room, furnished
from hsba.access.rights import grants, roles
from hsba.http.web.pages.admin import lines, plain
from hsba.record import interactions
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

NIGHT = {"new": "night-nurse", "title": "Điều dưỡng trực đêm"}


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """An administrator at his browser."""
    return await furnished(ward)


async def kept(room: Room, name: str = "night-nurse") -> roles.Role | None:
    async with room.ward.services.pool.reading(room.tenant) as tx:
        return (await grants.every_role(tx, room.tenant))[0].get(name)


async def stamp(room: Room, name: str = "night-nurse") -> str:
    async with room.ward.owner() as tx:
        at = await tx.fetchval("SELECT changed FROM record.role WHERE name = $1", name)
        return str(at.isoformat())


async def saved(room: Room, number: int, **form: object) -> httpx.Response:
    """Send a line as the preview does."""
    form = {"stamp": await stamp(room), "step": "save", **form}
    return await room.post(f"/roles/night-nurse/lines/{number}", **form)


async def test_role__is_told_in_plain_words(room: Room) -> None:
    page = (await room.get("/roles/technician")).text

    assert "Người bệnh: điện thoại, thư điện tử" in page
    assert "này là người lập" in page
    assert "{" not in page.partition("<main")[2].partition("</main")[0]


async def test_roles__that_come_with_the_program_all_have_words(room: Room) -> None:
    for name in roles.built_in():
        page = (await room.get(f"/roles/{name}")).text.partition("<main")[2]

        assert "@" not in page


@pytest.mark.parametrize("name", sorted(roles.built_in()))
def test_line__of_each_shipped_role_survives_the_form(name: str) -> None:
    for line in roles.built_in()[name].lines:
        form = lines._filled(line)
        types = [f"@{group}" for group in form.all("group")] + list(form.all("type"))
        data = {"may": list(form.all("may")), "types": types, "where": lines._where(form)}

        again = roles.read(name, "x", [{**line.data(), **data}], roles.groups()).lines[0]

        assert (again.may, again.types, sorted(again.where)) == (line.may, line.types, sorted(line.where))
        assert again.hidden == line.hidden


async def test_copy__is_a_role_of_the_house_with_the_same_lines(room: Room) -> None:
    made = await room.post("/roles/nurse/copy", **NIGHT)
    twice = await room.post("/roles/nurse/copy", **NIGHT)
    bad = await room.post("/roles/nurse/copy", new="Đêm", title="Đêm")
    untitled = await room.post("/roles/nurse/copy", new="dem", title=" ")
    shipped = await room.post("/roles/nurse/copy", new="doctor", title="Tôi là bác sĩ")

    role = await kept(room)
    assert [one.status_code for one in (made, twice, bad, untitled, shipped)] == [303, 409, 400, 400, 409]
    assert role is not None
    assert [one.data() for one in role.lines] == [one.data() for one in roles.built_in()["nurse"].lines]
    assert "role-create" in room.told.words


async def test_line__is_shown_before_it_is_saved_and_to_whom_it_applies(room: Room) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)
    async with room.ward.services.pool.writing(room.tenant) as tx:
        await grants.grant(tx, room.tenant, OPERATOR, "bs.lan", "night-nurse")
    form = {"may": ["view", "print"], "group": ["results"], "department": "since", "since": "12", "unit": "h"}
    before = await kept(room)

    preview = await room.post("/roles/night-nurse/lines/0", **form)
    unchanged = await kept(room)
    done = await saved(room, 0, **form)

    after = await kept(room)
    assert "BS. Phạm Thu Lan" in preview.text
    assert "rời khoa chưa quá 12 giờ" in preview.text
    assert unchanged == before
    assert done.status_code == 303
    assert before is not None
    assert after is not None
    assert len(after.lines) == len(before.lines) + 1
    assert after.lines[-1].where == ("department:12h",)
    assert after.lines[-1].types == frozenset(roles.groups()["results"])
    assert room.told.words[-1] == "role-change"


async def test_line__is_changed_and_taken_away_alone(room: Room) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)

    await saved(
        room, 2, may="view", type="Patient", hidden="Patient.telecom\nPatient.photo", tick="care-team"
    )
    changed = await kept(room)
    await room.post("/roles/night-nurse/lines/1/remove", stamp=await stamp(room))
    shorter = await kept(room)

    assert changed is not None
    assert shorter is not None
    line, shipped = changed.lines[1], roles.built_in()["nurse"].lines
    assert line.hidden == {"Patient.telecom", "Patient.photo"}
    assert [one.data() for one in changed.lines if one.number != 2] == [
        one.data() for one in shipped if one.number != 2
    ]
    assert [one.data() for one in shorter.lines] == [one.data() for one in changed.lines[1:]]


@pytest.mark.parametrize(
    "form, sentence",
    [
        ({"group": "clinical"}, "Hãy chọn được làm việc gì"),
        ({"may": "view"}, "loại nội dung nào"),
        ({"may": "fly", "group": "clinical"}, "fly"),
        ({"may": "view", "group": "khong-co"}, "@khong-co"),
        ({"may": "view", "type": "Nothing"}, "Không có loại nội dung Nothing."),
        ({"may": "view", "type": "Patient", "department": "since", "since": "x"}, "department:x"),
        ({"may": "view", "type": "Patient", "other": "moon:full"}, "moon:full"),
        ({"may": "view", "type": "Patient", "other": "search:colour=red"}, "colour"),
        ({"may": "view", "type": "Patient", "state": "asleep"}, "asleep"),
        ({"may": "view", "type": "Patient", "label": "XXX"}, "XXX"),
        ({"may": "view", "type": "Patient", "hidden": "Patient.wings"}, "Không có mục Patient.wings."),
        ({"may": "view", "type": "Patient", "hidden": "Encounter.diagnosis"}, "không nói về Encounter"),
    ],
)
async def test_line__that_would_do_nothing_is_refused_with_the_reason(
    room: Room, form: dict[str, str], sentence: str
) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)
    before = await kept(room)

    answer = await saved(room, 0, **form)

    assert answer.status_code in (400, 422)
    assert sentence in answer.text
    assert await kept(room) == before
    assert room.told.words[-1] == "✗ role-change"


async def test_role__that_one_has_is_not_changed_by_oneself(room: Room) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)
    async with room.ward.services.pool.writing(room.tenant) as tx:
        await grants.grant(tx, room.tenant, OPERATOR, "quan.tri", "night-nurse")
    before = await kept(room)

    answers = [
        await saved(room, 0, may="view", group="clinical"),
        await room.post("/roles/night-nurse/lines/1/remove", stamp=await stamp(room)),
        await room.post("/roles/night-nurse/title", stamp=await stamp(room), title="Khác"),
        await room.post("/roles/night-nurse/remove", stamp=await stamp(room)),
    ]

    assert [one.status_code for one in answers] == [403] * 4
    assert await kept(room) == before
    assert room.told.words[-4:] == ["✗ role-change", "✗ role-change", "✗ role-change", "✗ role-delete"]
    assert 'href="/admin/roles/night-nurse/lines/0"' not in (await room.get("/roles/night-nurse")).text


async def test_role__changed_by_somebody_else_meanwhile_is_not_overwritten(room: Room) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)
    seen = await stamp(room)
    await saved(room, 0, may="view", type="Patient")
    first = await kept(room)

    late = await saved(room, 0, may="view", type="Encounter", stamp=seen)

    assert late.status_code == 409
    assert "vừa sửa" in late.text
    assert await kept(room) == first


async def test_role__of_the_program_is_not_changed_here(room: Room) -> None:
    answers = [
        await room.get("/roles/nurse/lines/1"),
        await room.post("/roles/nurse/lines/1", may="view", type="Patient", step="save", stamp=""),
        await room.post("/roles/nurse/remove", stamp=""),
        await room.post("/roles/nurse/title", title="x", stamp=""),
    ]

    assert {one.status_code for one in answers} == {409}
    assert await kept(room, "nurse") == roles.built_in()["nurse"]


async def test_remove__of_a_role_that_somebody_has_waits_for_its_grants(room: Room) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)
    async with room.ward.services.pool.writing(room.tenant) as tx:
        grant = await grants.grant(tx, room.tenant, OPERATOR, "bs.lan", "night-nurse")

    held = await room.post("/roles/night-nurse/remove", stamp=await stamp(room))
    await room.post(f"/grants/{grant}/end")
    free = await room.post("/roles/night-nurse/remove", stamp=await stamp(room))

    assert (held.status_code, free.status_code) == (409, 303)
    assert await kept(room) is None


@pytest.mark.parametrize("path", ["/roles/khong-co", "/roles/nurse'--", "/roles/night-nurse/lines/99"])
async def test_role__that_is_not_there_is_said_so(room: Room, path: str) -> None:
    await room.post("/roles/nurse/copy", **NIGHT)

    assert (await room.get(path)).status_code == 404


async def test_title__cannot_carry_markup_into_a_page(room: Room) -> None:
    await room.post("/roles/nurse/copy", new="x", title="<script>alert(1)</script>")

    assert "<script>alert" not in (await room.get("/roles")).text
    assert "<script>alert" not in (await room.get("/roles/x")).text


# --- may they? ---------------------------------------------------------------------------------------------


async def test_ask__says_whether_and_by_which_line(room: Room) -> None:
    async with room.ward.services.pool.writing(room.tenant) as tx:
        ctx = room.ward.services.context(tx=tx)
        await interactions.update(
            ctx, {"resourceType": "Patient", "id": "an", "name": [{"text": "Trần Văn An"}]}
        )
        await grants.grant(tx, room.tenant, OPERATOR, "bs.lan", "reception")

    may = (await room.get("/ask?account=bs.lan&act=update&type=Patient&id=an")).text
    may_not = (await room.get("/ask?account=bs.lan&act=delete&type=Patient&id=an")).text
    nobody = await room.get("/ask?account=khong.co&act=view&type=Patient")
    nothing = await room.get("/ask?account=bs.lan&act=view&type=Patient&id=khong-co")

    assert ("Được." in may, "cho phép ở đây" in may, "Tiếp đón" in may) == (True, True, True)
    assert "Không được." in may_not
    assert "Trần Văn An" not in may
    assert (nobody.status_code, nothing.status_code) == (404, 404)


def test_grouped__names_whole_groups_once() -> None:
    every = frozenset(one for some in roles.groups().values() for one in some)

    assert set(plain.grouped(every)) >= {"clinical", "register", "shared"}
    assert "results" not in plain.grouped(frozenset(roles.groups()["clinical"]))
    assert plain.grouped(frozenset({"Patient"})) == []
