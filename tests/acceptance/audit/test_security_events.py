"""What happens to accounts, sessions, rights and clients is in the same trail: sealed, served, and for whom it concerns."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.identity import LOGIN, OTHER, PASSWORD
from hsba.access import accounts, housekeeping
from hsba.access.accounts import By
from hsba.access.ports import Happening
from hsba.access.rights import grants
from hsba.access.rules import Rules
from hsba.audit import keys, sealing, verifying
from hsba.ops.role_desk import Desk
from hsba.record.context import Actor

if TYPE_CHECKING:
    from acceptance.door import Client
    from acceptance.identity import Ward
    from hsba.app import App

NOBODY = "anonymous"


async def told(owner: Any, *columns: str) -> list[tuple[Any, ...]]:
    """The lines about accounts, oldest first."""
    wanted = ", ".join(columns or ("interaction", "account", "refused", "reason"))
    rows = await owner.fetch(f"SELECT {wanted} FROM audit.line WHERE channel = 'access' ORDER BY id")
    return [tuple(row) for row in rows]


async def test_login__and_what_follows_leave_lines_with_the_address(ward: Ward, owner: Any) -> None:
    await ward.account(tenants=[1], roles=())

    await ward.log_in(password="sai")
    await ward.log_in("co.ai.do")
    await ward.log_in()
    await ward.http.post("/password", data={"old": PASSWORD, "new": OTHER, "again": OTHER})
    await ward.http.post("/password", data={"old": "sai", "new": OTHER, "again": OTHER})
    await ward.http.post("/logout")

    assert await told(owner) == [
        ("login", LOGIN, True, "wrong password"),
        ("login", NOBODY, True, "no such account"),
        ("login", LOGIN, False, None),
        ("password-change", LOGIN, False, None),
        ("password-change", LOGIN, True, "wrong password"),
        ("logout", LOGIN, False, None),
    ]
    assert {row[0] for row in await told(owner, "address")} == {"192.0.2.7"}
    assert [row[0] for row in await told(owner, "tenant")] == [1, 0, 1, 1, 1, 1]


async def test_login__a_lock_out_is_a_line_of_its_own_and_a_try_behind_it_too(ward: Ward, owner: Any) -> None:
    await ward.account()

    for _ in range(6):
        await ward.log_in(password="sai")

    lines = await told(owner, "interaction", "reason")
    assert lines[-3:] == [
        ("login", "wrong password"),
        ("account-lock", None),
        ("login", "closed or locked"),
    ]


async def test_login__what_was_typed_is_in_no_line(ward: Ward, owner: Any) -> None:
    for typed in ("Mật-khẩu-gõ-nhầm-ô-9", "x\r\nlogin ok", "a\0b", "=cmd|' /C calc'!A0"):
        await ward.log_in(typed, "Bí-mật-1")

    assert {row[0] for row in await told(owner, "account")} == {NOBODY}
    everything = await owner.fetch("SELECT l::text FROM audit.line l")
    assert not [row for row in everything if "Mật" in row[0] or "Bí" in row[0] or "calc" in row[0]]


async def test_tell__a_line_for_each_keeper_or_one_of_the_installation(ward: Ward, owner: Any) -> None:
    by = By(ward.services.identity.witness, "quan.tri")
    async with ward.owner() as tx:
        for login, keepers in (("hai.noi", [1, 2]), ("khap.noi", None), ("khong.noi", [])):
            await accounts.create(tx, ward.at(), login, "staff", "BS", tenants=keepers, by=by)

    assert await told(owner, "tenant", "account", "detail") == [
        (1, "quan.tri", "hai.noi"),
        (2, "quan.tri", "hai.noi"),
        (0, "quan.tri", "khap.noi"),
        (0, "quan.tri", "khong.noi"),
    ]


async def test_tell__what_is_rolled_back_is_not_told(ward: Ward, owner: Any) -> None:
    async def fails() -> None:
        async with ward.owner() as tx, tx.transaction():
            by = By(ward.services.identity.witness)
            await accounts.create(tx, ward.at(), "mai", "staff", "BS", by=by)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()

    assert await told(owner) == []


async def test_operator__every_change_of_accounts_clients_and_roles_is_told(
    ward: Ward, owner: Any, services: App
) -> None:
    by, at = By(services.identity.witness), ward.at()
    async with ward.owner() as tx:
        await accounts.first(tx, at, by=by)
        await accounts.create(tx, at, LOGIN, "staff", "BS", by=by)
        await accounts.disable(tx, at, LOGIN, by=by)
        await accounts.enable(tx, at, LOGIN, by=by)
        await accounts.renew(tx, at, LOGIN, by=by)
        await accounts.token(tx, at, account=LOGIN, scope="", lasts=timedelta(hours=1), by=by)
        secret = await accounts.create_client(tx, at, "his", "HIS", scope="system/*.r", by=by)
    desk = Desk(services, services.tenants.get())
    number = await desk.grant(LOGIN, "doctor", reason="trực", person="Practitioner/lan")
    await desk.revoke(number)
    async with services.pool.writing(1) as tx:
        await grants.put_role(
            tx,
            1,
            Actor("quan.tri"),
            "xem",
            "Xem",
            [{"may": ["view"], "types": ["Patient"]}],
            witness=by.witness,
        )
    form = {"grant_type": "client_credentials", "client_id": "his", "client_secret": secret}
    await ward.http.post("/oauth/token", data=form)
    await ward.http.post("/oauth/token", data={**form, "client_secret": "sai"})

    assert await told(owner, "interaction", "account", "detail", "refused") == [
        ("account-create", "operator", "admin", False),
        ("account-create", "operator", LOGIN, False),
        ("account-close", "operator", LOGIN, False),
        ("account-open", "operator", LOGIN, False),
        ("password-reset", "operator", LOGIN, False),
        ("token-create", "operator", LOGIN, False),
        ("client-create", "operator", "client:his", False),
        ("account-person", "operator", f"{LOGIN} Practitioner/lan", False),
        ("grant-give", "operator", f"{LOGIN} doctor #{number}", False),
        ("grant-take", "operator", f"{LOGIN} doctor #{number}", False),
        ("role-change", "quan.tri", "xem", False),
        ("token-issue", "client:his", None, False),
        ("token-refuse", "client:his", None, True),
    ]
    assert not [row for row in await owner.fetch("SELECT l::text FROM audit.line l") if secret in row[0]]


async def test_unused__an_account_that_is_closed_by_itself_is_told(ward: Ward, owner: Any) -> None:
    await ward.account(roles=())
    await owner.execute("UPDATE access.account SET created = created - interval '1 year'")
    chores = housekeeping.chores(Rules(), ward.services.identity.witness)

    await chores[0].do(ward.services)

    assert await told(owner) == [("account-close", "worker", False, "unused")]


async def test_lines__are_sealed_and_verified_with_all_others(ward: Ward, owner: Any, services: App) -> None:
    await ward.account()
    await ward.log_in()
    while not await owner.fetchval("SELECT count(*) FROM audit.segment"):
        await sealing.seal(services)

    async def verified() -> verifying.Found:
        return await verifying.verify(owner, keys.public(services.files / "keys"), services.checkpoints)

    whole = await verified()
    await owner.execute("UPDATE audit.line SET account = 'ai.khac' WHERE interaction = 'login'")
    altered = await verified()

    assert whole.fault is None
    assert altered.fault is not None
    assert altered.fault.kind == "altered"


async def test_event__bears_the_codes_of_dicom_and_is_found_by_them(
    client: Client, owner: Any, services: App
) -> None:
    tell, tx = services.identity.witness.tell, owner
    await tell(tx, Happening("login", "bs.lan", address="192.0.2.9", workstation="K1-02", tenant=1))
    await tell(tx, Happening("login", NOBODY, refused=True, reason="no such account"))
    await tell(tx, Happening("grant-give", "quan.tri", "bs.lan doctor #4", reason="trực", tenant=1))
    await tell(tx, Happening("logout", "bs.lan", tenant=2))

    async def found(query: str) -> list[dict[str, Any]]:
        answer = await client.get(f"/AuditEvent?{query}")
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in answer.json().get("entry", ())]

    (refused, login) = await found("type=110114")
    (grant,) = await found("subtype=110136")
    assert login["subtype"][0]["code"] == "110122"
    assert login["action"] == "E"
    assert login["agent"][0]["network"]["address"] == "192.0.2.9"
    assert refused["outcome"] == "4"
    assert "site" not in refused["source"]
    assert grant["type"]["code"] == "110113"
    assert grant["action"] == "C"
    assert grant["entity"][0]["name"] == "bs.lan doctor #4"
    assert await found("subtype=logout") == [], "another keeper's"
    assert len(await found("type=rest")) == 3
    assert [one["id"] for one in await found("action=C")] == [grant["id"]]
    for one in (login, refused, grant):
        checked = await client.post("/AuditEvent/$validate", one)
        bad = [issue for issue in checked.json()["issue"] if issue["severity"] in ("error", "fatal")]
        assert not bad, checked.text


async def test_runtime__writes_lines_about_accounts_through_the_function_alone(services: App) -> None:
    async with services.pool.bare() as tx:
        insert = "INSERT INTO audit.line (tenant, recorded, account, channel, purpose, request, interaction, refused)"
        for statement in (
            f"{insert} VALUES (0, now(), 'x', 'access', 'x', gen_random_uuid(), 'login', false)",
            "UPDATE audit.line SET account = 'x'",
            "DELETE FROM audit.line",
        ):
            with pytest.raises(Exception, match="permission denied"):
                await tx.execute(statement)
