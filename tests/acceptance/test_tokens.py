"""Coming in over REST: bearer tokens, a browser's cookie, and what anybody may ask."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from acceptance.door import patient
from acceptance.identity import LOGIN, PASSWORD
from acceptance.test_login import ELSEWHERE
from callers import give_all
from hsba.access import accounts
from hsba.access.problems import BadAccount
from hsba.http.routes import ROUTES
from hsba.record import tenants
from hsba.record.context import OURS

if TYPE_CHECKING:
    from acceptance.identity import Ward


async def test_rest__no_route_answers_without_a_token_but_metadata(ward: Ward) -> None:
    for route in ROUTES:
        path = route.path.replace("{type}", "Patient").replace("{compartment}", "Patient")
        path = path.replace("{operation}", "$everything").replace("{id}", "1").replace("{vid}", "1")
        answer = await ward.http.request(route.method, "/fhir" + path)
        if route.interaction == "capabilities":
            assert answer.status_code == 200
            continue
        assert answer.status_code == 401, route
        assert answer.headers["www-authenticate"] == 'Bearer realm="HSBA"'
        found = answer.json()
        assert found["resourceType"] == "OperationOutcome"
        assert found["issue"][0]["code"] == "login"
        assert "Chưa đăng nhập" in answer.text
        assert "Nobody is logged in" in answer.text
    assert (await ward.http.get("/fhir/no/such/thing/at/all")).status_code == 401
    assert (await ward.http.get("/t/nobody/fhir/Patient")).status_code == 401


@pytest.mark.parametrize("name", sorted(OURS))
async def test_account__bears_no_name_that_the_program_acts_under(ward: Ward, name: str) -> None:
    """Such a name has every right, whatever roles say."""
    with pytest.raises(BadAccount):
        await ward.account(login=name)


async def test_token__that_nobody_has_leaves_one_line_and_not_itself(ward: Ward) -> None:
    for number in range(5):
        bearer = {"Authorization": f"Bearer hsba_wrong-{number}"}
        assert (await ward.http.get("/fhir/Patient", headers=bearer)).status_code == 401

    async with ward.owner() as tx:
        rows = await tx.fetch(
            "SELECT account, address, refused, detail FROM audit.line WHERE interaction = 'token-wrong'"
        )
    assert [tuple(row)[:3] for row in rows] == [("anonymous", "192.0.2.7", True)]
    assert "wrong-" not in str(rows[0]["detail"])


async def test_token__writes_in_the_name_of_its_account(ward: Ward) -> None:
    await ward.account(roles=("reception",))
    bearer = await ward.token()

    made = await ward.http.post("/fhir/Patient", json=patient(), headers=bearer)

    assert made.status_code == 201, made.text
    async with ward.owner() as tx:
        row = await tx.fetchrow("SELECT account, role FROM record.version")
    assert tuple(row) == (LOGIN, "reception")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer hsba_" + "x" * 43, "Bearer ", "Bearer", "bearer null", "Basic eDp5", "hsba_x", "Bearer é",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    ],
)  # fmt: skip
async def test_token__that_we_did_not_make_is_refused(ward: Ward, value: str) -> None:
    await ward.account()
    await ward.log_in()  # a good cookie does not help a bad token

    answer = await ward.http.get("/fhir/Patient", headers={b"authorization": value.encode()})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_token__ends_at_its_time(ward: Ward) -> None:
    await ward.account()
    bearer = await ward.token(minutes=10)
    before = await ward.http.get("/fhir/Patient", headers=bearer)
    ward.at.later(minutes=9.995)
    shortly = await ward.http.get("/fhir/Patient", headers=bearer)
    ward.at.later(seconds=0.5)

    assert (before.status_code, shortly.status_code) == (200, 200)
    assert (await ward.http.get("/fhir/Patient", headers=bearer)).status_code == 401


@pytest.mark.parametrize("act", [accounts.disable, accounts.renew])
async def test_token__of_an_account_that_was_closed_ends_within_two_seconds(ward: Ward, act: Any) -> None:
    await ward.account()
    bearer = await ward.token()
    assert (await ward.http.get("/fhir/Patient", headers=bearer)).status_code == 200

    async with ward.owner() as tx:
        await act(tx, ward.at(), LOGIN)
    ward.at.later(seconds=2)

    assert (await ward.http.get("/fhir/Patient", headers=bearer)).status_code == 401


async def test_token__a_second_read_asks_the_database_nothing_about_it(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ward.account()
    bearer = await ward.token()
    await ward.http.get("/fhir/Patient", headers=bearer)
    monkeypatch.setattr(ward.services.identity, "connect", None)

    assert (await ward.http.get("/fhir/Patient", headers=bearer)).status_code == 200


async def test_tenant__of_others_is_not_there_for_an_account(ward: Ward) -> None:
    async with ward.owner() as tx:
        number = await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
    await ward.account(tenants=[number])
    bearer = await ward.token()

    own = await ward.http.get("/t/tram-thu/fhir/Patient", headers=bearer)
    first = await ward.http.get("/fhir/Patient", headers=bearer)
    none = await ward.http.get("/t/khong-co/fhir/Patient", headers=bearer)

    assert (own.status_code, first.status_code, none.status_code) == (200, 404, 404)


async def test_cookie__opens_rest_to_our_own_pages_only(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    del ward.http.headers["origin"]
    here = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}

    statuses = [
        (await ward.http.get("/fhir/Patient")).status_code,
        (await ward.http.get("/fhir/Patient", headers=ELSEWHERE)).status_code,
        (await ward.http.post("/fhir/Patient", json=patient())).status_code,
        (await ward.http.post("/fhir/Patient", json=patient(), headers=ELSEWHERE)).status_code,
        (await ward.http.post("/fhir/Patient", json=patient(), headers=here)).status_code,
    ]

    assert statuses == [200, 403, 403, 403, 201]


async def test_cookie__given_for_tls_is_not_taken_on_a_plain_line(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    kept = ward.http.cookies["hsba-session"]
    ward.http.cookies.clear()
    ward.http.cookies.set("__Host-hsba-session", kept)

    assert (await ward.http.get("/fhir/Patient")).status_code == 401


async def test_oauth__a_client_gets_a_token_for_its_secret(ward: Ward) -> None:
    async with ward.owner() as tx:
        secret = await accounts.create_client(tx, ward.at(), "his", "HIS", scope="system/*.rs system/*.c")
        await give_all(tx, "client:his")
    form = {"grant_type": "client_credentials", "scope": "system/*.c"}
    basic = base64.b64encode(f"his:{secret}".encode()).decode()

    by_form = await ward.http.post("/oauth/token", data={**form, "client_id": "his", "client_secret": secret})
    by_header = await ward.http.post("/oauth/token", data=form, headers={"Authorization": f"Basic {basic}"})
    wrong = [
        await ward.http.post("/oauth/token", data={**form, "client_id": "his", "client_secret": secret + "x"}),
        await ward.http.post("/oauth/token", data={**form, "client_id": "nobody", "client_secret": secret}),
        await ward.http.post(
            "/oauth/token",
            data={**form, "client_id": "his", "client_secret": secret, "scope": "system/*.rs system/*.d"},
        ),
        await ward.http.post("/oauth/token", data=form, headers={b"authorization": "Basic é".encode()}),
        await ward.http.post("/oauth/token", data={"grant_type": "password", "client_id": "his"}),
    ]  # fmt: skip

    granted = by_form.json()
    assert granted["token_type"] == "Bearer"
    assert (granted["scope"], granted["expires_in"]) == ("system/*.c", 3600)
    assert by_form.headers["cache-control"] == "no-store"
    assert by_header.status_code == 200
    assert [one.json()["error"] for one in wrong] == [
        "invalid_client", "invalid_client", "invalid_scope", "invalid_request", "unsupported_grant_type",
    ]  # fmt: skip
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    made = await ward.http.post("/fhir/Patient", json=patient(), headers=bearer)
    assert made.status_code == 201
    async with ward.owner() as tx:
        assert await tx.fetchval("SELECT account FROM record.version") == "client:his"


async def test_secrets__are_kept_as_hashes_only(ward: Ward) -> None:
    await ward.account()
    bearer = await ward.token()
    await ward.log_in()
    secret = ward.http.cookies["hsba-session"]
    async with ward.owner() as tx:
        kept = [
            str(dict(row))
            for table in ("account", "session", "token", "client", "old_password")
            for row in await tx.fetch(f"SELECT * FROM access.{table}")
        ]

    assert any("$argon2id$" in one for one in kept)
    for plain in (PASSWORD, secret, bearer["Authorization"].split()[1]):
        assert not any(plain in one for one in kept)
