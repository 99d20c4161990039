"""Roles given and taken away, asked why, and met at the HTTP door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from callers import Always
from hospital import ADMIN, Hospital, observation
from hsba.access.administration.role_desk import BadRoleName
from hsba.access.rights import current, grants, roles
from hsba.access.rights.checking import BadLine
from hsba.access.rights.grants import RoleInUse, UnknownGrant, UnknownRole
from hsba.access.rights.policy import OwnRole
from hsba.access.rights.roles import BadRole
from hsba.fhir.problems import BadRequest, NotFound, Problem
from hsba.http.app import Options, build
from hsba.ops.role_desk import Desk
from hsba.record.context import OPERATOR, Actor


def desk(hospital: Hospital) -> Desk:
    return Desk(hospital.app, hospital.app.tenants.get())


async def test_grant__nobody_gives_himself_a_role(hospital: Hospital) -> None:
    with pytest.raises(OwnRole):
        await hospital.give(ADMIN.account, "director")
    with pytest.raises(UnknownRole):
        await hospital.give("nurse", "emperor")


async def test_put_role__nobody_changes_a_role_he_has(hospital: Hospital) -> None:
    await hospital.role("mine", {"may": ["view"], "types": ["Patient"]})
    async with hospital.acting() as ctx:
        await grants.grant(ctx.tx, ctx.tenant.id, OPERATOR, ADMIN.account, "mine")

    with pytest.raises(OwnRole):
        await hospital.role("mine", {"may": ["*"], "types": ["*"]})


async def test_desk__keeps_a_role_from_a_file_and_removes_it(hospital: Hospital) -> None:
    written = (await desk(hospital).written("nurse")).encode()

    made = await desk(hospital).put(
        "night-nurse", written.replace("Điều dưỡng".encode(), "Trực đêm".encode())
    )
    number = await desk(hospital).grant("hoa", "night-nurse")
    with pytest.raises(RoleInUse):
        await desk(hospital).remove("night-nurse")
    await desk(hospital).revoke(number)
    await desk(hospital).remove("night-nurse")

    assert isinstance(made, roles.Role)
    assert [line.data() for line in made.lines] == [line.data() for line in roles.built_in()["nurse"].lines]
    assert made.title.startswith("Trực đêm")
    with pytest.raises(UnknownRole):
        await desk(hospital).remove("night-nurse")


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"{}", BadRoleName),
        (b'{"title": "x", "lines": 1}', BadRole),
        (b'{"title": "x", "lines": [{"may": ["fly"], "types": ["Patient"]}]}', BadRole),
        (b'{"title": "x", "lines": [{"may": ["view"], "types": ["Nothing"]}]}', BadLine),
        (b'{"title": "x", "lines": [{"may": ["view"], "types": ["Patient"], "where": ["moon"]}]}', BadLine),
    ],
)
async def test_desk__keeps_no_role_that_would_do_nothing(
    hospital: Hospital, content: bytes, problem: type[Problem]
) -> None:
    with pytest.raises(problem):
        await desk(hospital).put("night-nurse", content)

    assert not any("night-nurse" in line for line in await desk(hospital).roles())


async def test_desk__gives_shows_and_takes_away(hospital: Hospital) -> None:
    number = await desk(hospital).grant("hoa", "doctor", department="noi", end="2099-12-31", reason="x")

    assert any(line.startswith(f"#{number} hoa: doctor @ noi") for line in await desk(hospital).roles())
    assert "Bác sĩ" in (await desk(hospital).role("doctor"))[0]
    await desk(hospital).revoke(number)
    assert not any("hoa:" in line for line in await desk(hospital).roles())
    with pytest.raises(UnknownGrant):
        await desk(hospital).revoke(number)
    with pytest.raises(BadRequest):
        await desk(hospital).grant("hoa", "doctor", begin="2026-12-02", end="2026-12-01")


async def test_desk__sets_hours_and_lends(hospital: Hospital) -> None:
    here, lender = desk(hospital), hospital.app.lending
    number = await here.grant("hoa", "doctor", department="noi", hours="mon-fri 07:00-17:00")

    assert any(f"#{number} " in line and "[mon-fri 07:00-17:00]" in line for line in await here.roles())
    await here.hours("hoa", "mon-sun 00:00-24:00", end="2099-12-31", reason="Thử việc")
    with pytest.raises(BadRequest):
        await here.hours("hoa", "lúc nào cũng được")
    loan = await here.lend(
        lender, "hoa", "binh", purpose="TREAT", reason="Hội chẩn", end="2099-12-31", dossier=None
    )
    assert any(line.startswith(f"#{loan} hoa: Patient/binh") for line in await here.loans())
    assert "✗" in await here.take_back(lender, loan)
    with pytest.raises(BadRequest):
        await here.lend(lender, "hoa", "binh", purpose="TREAT", reason="Hội chẩn", end="mai", dossier=None)


async def test_check__names_the_lines_that_speak(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    await hospital.role("bad", {"may": ["view"], "types": ["Patient"], "where": ["search:nonsense=1"]})
    await hospital.give("nurse", "bad")

    verdict, lines = await desk(hospital).check(hospital.app.rights, "nurse", "view", "Patient/an")
    assert verdict.allowed
    assert [line[0] for line in lines if "[" in line] == ["+", " ", "?"]
    verdict, _ = await desk(hospital).check(hospital.app.rights, "nurse", "view", "Patient/binh")
    assert not verdict.allowed
    verdict, lines = await desk(hospital).check(hospital.app.rights, "nurse", "delete", "Observation")
    assert (verdict.allowed, lines) == (False, [])
    verdict, lines = await desk(hospital).check(hospital.app.rights, "nurse", "update", "Encounter/e-an")
    assert verdict.allowed
    assert "read-only: Encounter.diagnosis" in lines
    with pytest.raises(NotFound):
        await desk(hospital).check(hospital.app.rights, "nurse", "view", "Patient/nobody")


async def test_rights__end_with_the_grant_and_are_none_when_nobody_asked_anew(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, nurse = hospital.app.tenants.get(), Actor(account="nurse")
    number = await hospital.give("nurse", "nurse")
    before = await hospital.policy("nurse")
    assert hospital.app.policy_for(nurse, tenant) is before

    monkeypatch.setattr(current, "FRESH", -1.0)
    await hospital.app.know(nurse, tenant)
    assert hospital.app.policy_for(nurse, tenant) is before  # nothing changed, so nothing is worked out again
    await desk(hospital).revoke(number)
    await hospital.app.know(nurse, tenant)
    assert hospital.app.policy_for(nurse, tenant).within("view", "Patient").__class__.__name__ == "Nothing"
    monkeypatch.setattr(current, "STALE", -1.0)
    assert hospital.app.policy_for(nurse, tenant).__class__.__name__ == "AllowNothing"


async def test_door__answers_as_the_role_says(hospital: Hospital) -> None:
    await hospital.give("nurse", "nurse")
    hospital.app.identity = Always(hospital.app, "nurse")
    transport = httpx.ASGITransport(build(hospital.app, Options(allowed_hosts=("localhost",))))

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/fhir") as client:
        found: Any = (await client.get("/Patient")).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == ["an"]
        assert (await client.get("/Patient/binh")).status_code == 404
        assert (await client.post("/Observation", json=observation("x", "an"))).status_code == 201
        refused = await client.post("/Observation", json=observation("x", "binh"))
        assert refused.status_code == 403
        assert "chưa lưu gì" in refused.text
        assert (await client.delete("/Observation/o-an")).status_code == 403
        assert (await client.get("/Observation", params={"_summary": "count"})).json()["total"] == 2
        parts = [{"request": {"method": "GET", "url": f"Patient/{id_}"}} for id_ in ("an", "binh")]
        batch = {"resourceType": "Bundle", "type": "batch", "entry": parts}
        answered: Any = (await client.post("", json=batch)).json()
        assert [one["response"]["status"][:3] for one in answered["entry"]] == ["200", "404"]
