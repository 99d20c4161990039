"""Apps in the browser: registered with a secret that is shown once, changed, closed, and given a role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from acceptance.administering import Room, furnished
from hsba.access.oauth import apps

if TYPE_CHECKING:
    from acceptance.identity import Ward

HIS = {"name": "his", "title": "Phần mềm HIS", "scope": "system/Organization.rs"}
SECRET = re.compile(r"hsba_[\w-]{43}")


@pytest_asyncio.fixture
async def room(ward: Ward) -> Room:
    """An administrator at his browser."""
    return await furnished(ward)


async def kept(room: Room, name: str = "his") -> apps.App:
    async with room.ward.owner() as tx:
        return await apps.find(tx, name)


async def token(room: Room, secret: str) -> int:
    form = {"grant_type": "client_credentials", "client_id": "his", "client_secret": secret}
    return (await room.http.post("/oauth/token", data=form)).status_code


async def test_register__shows_the_secret_once_and_it_works(room: Room) -> None:
    made = await room.post("/apps/new", **HIS, tenants="", state="active")
    secret = SECRET.findall(made.text)[0]
    again = (await room.get("/apps/his")).text

    assert await token(room, secret) == 200
    assert secret not in again
    assert "Phần mềm HIS" in (await room.get("/apps")).text
    assert (await kept(room)).tenants == frozenset({room.tenant})
    assert "app-register" in room.told.words


async def test_secret__is_renewed_and_an_app_closed_and_opened(room: Room) -> None:
    first = SECRET.findall((await room.post("/apps/new", **HIS)).text)[0]

    second = SECRET.findall((await room.post("/apps/his/secret")).text)[0]
    old, new = await token(room, first), await token(room, second)
    await room.post("/apps/his/close")
    closed = await token(room, second)
    await room.post("/apps/his/open")

    assert (old, new, closed, await token(room, second)) == (401, 200, 401, 200)
    assert room.told.words[:2] == ["app-register", "app-secret"]
    assert {"app-disable", "app-enable"} <= set(room.told.words)


async def test_change__keeps_name_and_keepers_and_asks_for_what_is_said(room: Room) -> None:
    await room.post("/apps/new", **HIS)

    changed = await room.post("/apps/his", title="HIS mới", scope="system/Patient.r", name="khac", tenants="")

    app = await kept(room)
    assert changed.status_code == 303
    assert (app.title, app.scope, app.tenants) == ("HIS mới", "system/Patient.r", frozenset({room.tenant}))


async def test_role__of_a_program_is_given_and_taken_back(room: Room) -> None:
    await room.post("/apps/new", **HIS)

    given = await room.post("/apps/his/grants", role="service")
    unknown = await room.post("/apps/his/grants", role="khong-co")
    page = (await room.get("/apps/his")).text
    number = re.findall(r"/admin/grants/(\d+)/end", page)[0]
    await room.post(f"/grants/{number}/end")

    assert (given.status_code, unknown.status_code) == (303, 404)
    assert re.findall(r"/admin/grants/(\d+)/end", (await room.get("/apps/his")).text) == []


@pytest.mark.parametrize(
    "form",
    [
        {"name": "../x"},
        {"scope": ""},
        {"scope": "fly/Patient.rs"},
        {"title": " "},
        {"public": "yes"},
        {"redirects": "javascript:alert(1)"},
        {"redirects": "http://evil.example/back"},
        {"keys": '{"keys": [{"kty": "RSA", "kid": "1", "n": "x", "e": "AQAB"}]}'},
        {"launch_url": "ftp://x"},
    ],
)
async def test_register__bad_input_registers_nothing(room: Room, form: dict[str, str]) -> None:
    answer = await room.post("/apps/new", **{**HIS, **form})

    assert answer.status_code == 400
    assert "Chưa có ứng dụng nào." in (await room.get("/apps")).text
    assert room.told.words == ["✗ app-register"]


async def test_app__of_another_keeper_or_of_all_is_left_alone(ward: Ward) -> None:
    tenant = ward.services.tenants.get().id
    await ward.account("quan.tri", "administrator", roles=(), tenants=[tenant])
    await ward.log_in("quan.tri")
    async with ward.owner() as tx:
        for name, tenants in (("moi-noi", None), ("tram", (tenant + 1,))):
            wanted = apps.Wanted(name, "system/Patient.rs", tenants=tenants)
            await apps.register(tx, ward.at(), name, wanted)

    foreign = await ward.http.get("/admin/apps/tram")
    shared = await ward.http.post("/admin/apps/moi-noi/close")

    assert foreign.status_code == 404
    assert shared.status_code == 403
    assert "tram" not in (await ward.http.get("/admin/apps")).text.partition("<main")[2]
