"""Apps that people let in: code and PKCE, refresh, what comes back, and the tricks that are tried on the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from acceptance.apps import AUD, BACK, Phone, back, bearer, registered
from acceptance.door import patient
from acceptance.identity import LOGIN
from acceptance.test_login import ELSEWHERE
from hospital import observation
from hsba.access import accounts
from hsba.access.housekeeping import chores
from hsba.access.oauth import apps
from hsba.access.oauth.apps import Wanted
from hsba.access.rights import grants
from hsba.access.rules import Rules
from hsba.record.context import OPERATOR

if TYPE_CHECKING:
    from acceptance.identity import Ward
    from hsba.access.ports import Happening
    from hsba.store.pool import Connection

SCOPE = "openid profile fhirUser offline_access launch launch/patient patient/*.rs user/*.cruds"


class Notes:
    """A witness that remembers, only what was committed being of interest to a test."""

    def __init__(self) -> None:
        self.told: list[Happening] = []

    async def tell(self, tx: Connection, happening: Happening) -> None:
        self.told.append(happening)

    def acts(self) -> list[str]:
        return [one.act for one in self.told]


@pytest_asyncio.fixture
async def phone(ward: Ward) -> Phone:
    """A public app, and a person at the browser who may see two patients."""
    await ward.account()
    await ward.log_in()
    for one in (patient(id="p1"), patient(id="p2"), observation("o1", "p1"), observation("o2", "p2")):
        saved = await ward.http.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert saved.status_code == 201, saved.text
    ward.services.identity.witness = Notes()
    return await registered(ward, SCOPE)


def notes(phone: Phone) -> Notes:
    found = phone.ward.services.identity.witness
    assert isinstance(found, Notes)
    return found


# --- how it goes -------------------------------------------------------------------------------------------


async def test_authorize__a_person_chooses_a_patient_and_lets_the_app_in(phone: Phone) -> None:
    choose = await phone.ask("openid launch/patient patient/*.rs")
    asked = await phone.ask("openid launch/patient patient/*.rs", **{"hsba-patient": "p1"})
    answer = await phone.answered("openid launch/patient patient/*.rs", **{"hsba-patient": "p1"})
    tokens = (await phone.exchange(answer["code"])).json()

    assert 'name="hsba-patient" value="p1"' in choose.text
    assert "Sổ tiêm chủng" in asked.text
    assert "của riêng người bệnh này" in asked.text
    assert answer["state"] == "s1"
    assert answer["iss"] == "http://localhost"
    assert (tokens["patient"], tokens["token_type"], tokens["scope"]) == (
        "p1", "Bearer", "openid launch/patient patient/*.rs",
    )  # fmt: skip
    seen = [
        (await phone.ward.http.get(f"/fhir/{one}", headers=bearer(tokens))).status_code
        for one in ("Patient/p1", "Patient/p2", "Observation/o1", "Observation/o2")
    ]
    assert seen == [200, 404, 200, 404]
    assert notes(phone).acts() == ["app-authorize", "token-issue"]


async def test_authorize__who_is_not_logged_in_comes_back_after_the_log_in(phone: Phone) -> None:
    await phone.ward.http.post("/logout")

    sent = await phone.ask("user/Patient.rs")
    assert sent.headers["location"].startswith("/login?next=")
    page = await phone.ward.http.get(sent.headers["location"])
    assert page.status_code == 200
    inside = await phone.ward.log_in(going="/oauth/authorize?" + str(sent.request.url.query, "ascii"))

    assert inside.headers["location"].startswith("/oauth/authorize?")


async def test_authorize__whoever_does_not_let_it_in_sends_it_away(phone: Phone) -> None:
    answer = await phone.answered("user/Patient.rs", "deny")

    assert answer == {"error": "access_denied", "state": "s1", "iss": "http://localhost"}
    assert notes(phone).told[0].refused


async def test_id_token__is_signed_by_a_published_key_and_says_who(phone: Phone) -> None:
    async with phone.ward.owner() as tx:
        await grants.tell_person(tx, 1, OPERATOR, LOGIN, "Practitioner", "lan")
        number = await tx.fetchval("SELECT id FROM access.account WHERE login = $1", LOGIN)

    tokens = await phone.let_in("openid profile fhirUser user/Patient.rs")
    published = (await phone.ward.http.get("/oauth/jwks.json")).json()
    token = jwt.decode(tokens["id_token"], KeySet.import_key_set(published), algorithms=["ES256"])
    info = await phone.ward.http.get("/oauth/userinfo", headers=bearer(tokens))

    who = {
        "sub": str(number), "name": "BS. Phạm Thu Lan", "preferred_username": LOGIN,
        "fhirUser": f"{AUD}/Practitioner/lan",
    }  # fmt: skip
    assert all("d" not in one for one in published["keys"])
    assert token.header["alg"] == "ES256"
    assert who.items() <= token.claims.items()
    assert (token.claims["iss"], token.claims["aud"], token.claims["nonce"]) == (
        "http://localhost",
        "app",
        "n1",
    )
    assert info.json() == who


async def test_keys__are_renewed_and_the_old_one_is_published_a_while(phone: Phone) -> None:
    async def published() -> list[str]:
        return [one["kid"] for one in (await phone.ward.http.get("/oauth/jwks.json")).json()["keys"]]

    (first,) = await published()
    phone.ward.at.later(days=91)
    both = await published()
    phone.ward.at.later(days=91)

    assert len(both) == 2
    assert both[1] == first
    assert first not in await published()


async def test_refresh__brings_new_tokens_and_may_ask_for_less(phone: Phone) -> None:
    first = await phone.let_in("offline_access user/*.rs user/Patient.cruds")

    second = (await phone.refresh(first["refresh_token"])).json()
    third = (await phone.refresh(second["refresh_token"], scope="user/Patient.cruds")).json()

    assert second["scope"] == first["scope"]
    assert third["scope"] == "user/Patient.cruds"
    got = await phone.ward.http.get("/fhir/Observation/o1", headers=bearer(third))
    assert got.status_code == 404
    assert (await phone.ward.http.get("/fhir/Observation/o1", headers=bearer(second))).status_code == 200


async def test_token__without_offline_access_has_no_refresh(phone: Phone) -> None:
    assert "refresh_token" not in await phone.let_in("user/Patient.rs")


async def test_launch__from_a_patients_page_opens_the_app_for_that_patient(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    await ward.http.put("/fhir/Patient/p1", json=patient(id="p1"))
    phone = await registered(ward, "launch patient/Patient.rs", launch_url="https://app.example.vn/launch")

    page = await ward.http.get("/patients/p1/apps")
    opened = await ward.http.post("/patients/p1/apps", data={"app": "app"})
    where, _, query = opened.headers["location"].partition("?")
    word = query.rpartition("launch=")[2]
    tokens = await phone.let_in("launch patient/Patient.rs", launch=word)

    assert "Sổ tiêm chủng" in page.text
    assert "form-action 'self' https://app.example.vn" in page.headers["content-security-policy"]
    assert where == "https://app.example.vn/launch"
    assert "iss=http%3A%2F%2Flocalhost%2Ffhir" in query
    assert tokens["patient"] == "p1"
    again = await ward.http.post(
        "/oauth/authorize",
        data={**phone.asking("launch patient/Patient.rs", launch=word), "decision": "allow"},
    )
    assert back(again)["error"] == "invalid_request"
    strange = await phone.ask("launch patient/Patient.rs", launch="hsba_made-up")
    assert back(strange)["error"] == "invalid_request"


async def test_launch__is_for_the_person_who_opened_it(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    await ward.http.put("/fhir/Patient/p1", json=patient(id="p1"))
    phone = await registered(ward, "launch patient/Patient.rs", launch_url="https://app.example.vn/launch")
    opened = await ward.http.post("/patients/p1/apps", data={"app": "app"})
    word = opened.headers["location"].rpartition("launch=")[2]
    await ward.account("bs.khac")
    await ward.log_in("bs.khac")

    assert back(await phone.ask("launch patient/Patient.rs", launch=word))["error"] == "invalid_request"


async def test_discovery__says_what_is_there(phone: Phone) -> None:
    http = phone.ward.http
    oidc = (await http.get("/.well-known/openid-configuration")).json()
    smart = await http.get("/fhir/.well-known/smart-configuration", headers={"Origin": "https://x.example"})
    other = await http.get("/t/tram-thu/fhir/.well-known/smart-configuration")

    assert oidc == (await http.get("/.well-known/oauth-authorization-server")).json()
    assert oidc["issuer"] == "http://localhost"
    assert oidc["code_challenge_methods_supported"] == ["S256"]
    assert "none" not in oidc["token_endpoint_auth_signing_alg_values_supported"]
    assert not any(one.startswith("HS") for one in oidc["token_endpoint_auth_signing_alg_values_supported"])
    assert {"launch-ehr", "launch-standalone", "permission-v2"} <= set(smart.json()["capabilities"])
    assert other.status_code == 200
    assert (await http.get("/t/khong-co/fhir/.well-known/smart-configuration")).status_code == 404
    for name in ("authorization_endpoint", "jwks_uri", "userinfo_endpoint"):
        assert (await http.get(oidc[name])).status_code != 404, name
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert (await http.post(oidc[name])).json()["error"] == "invalid_request", name
    stated = (await http.get("/fhir/metadata")).json()["rest"][0]["security"]
    assert stated["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


# --- tricks at the page ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        BACK + "&x=1", BACK[:-1], BACK + "#x", BACK.upper(), "https://APP.example.vn/back?to=1", "https://app.example.vn/",
        "https://app.example.vn/back/../back?to=1", "https://app.example.vn:443/back?to=1",
        "https://x@app.example.vn/back?to=1", "https://app.example.vn@evil.example/back?to=1", "//app.example.vn/back?to=1",
        "https://app.example.vn.evil.example/back?to=1", "http://app.example.vn/back?to=1", "javascript:alert(1)", "",
        "https://app.example.vn/back?to=1 ", "https://app.example.vn/back?to=1%00", "https:app.example.vn/back?to=1",
    ],
)  # fmt: skip
async def test_authorize__nobody_is_sent_to_an_address_that_is_not_registered(
    phone: Phone, address: str
) -> None:
    page = await phone.ask("user/Patient.rs", redirect_uri=address)
    form = {**phone.asking("user/Patient.rs", redirect_uri=address), "decision": "allow"}
    answer = await phone.ward.http.post("/oauth/authorize", data=form)

    assert (page.status_code, answer.status_code) == (400, 400)
    assert "location" not in page.headers
    assert "UnknownRedirect" in page.text


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example.vn/", "", "https://x@app.example.vn/", "https://app.example.vn/#x", "javascript:alert(1)",
        "data:text/html,x", "myapp:/back",
        "https://*.example.vn/", "/back", "https:///back", "http://localhost.evil.example/", "file:///etc/passwd",
        "https://app.example.vn/\\evil", "https://app.example.vn/ x", "VN.Example.App:/back",
    ],
)  # fmt: skip
async def test_register__takes_no_address_that_a_thief_could_use(ward: Ward, address: str) -> None:
    async with ward.owner() as tx:
        with pytest.raises(apps.BadApp):
            await apps.register(tx, ward.at(), "x1", Wanted("X", "user/*.rs", (address,), public=True))


async def test_register__takes_addresses_of_this_machine_and_of_telephones(ward: Ward) -> None:
    good = (
        "http://localhost:3000/back",
        "http://127.0.0.1/back",
        "http://[::1]:80/x",
        "vn.example.app:/back",
        BACK,
    )
    async with ward.owner() as tx:
        await apps.register(tx, ward.at(), "x1", Wanted("X", "user/*.rs", good, public=True))
        assert (await apps.find(tx, "x1")).redirects == good


@pytest.mark.parametrize(
    "more, error",
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"aud": "http://localhost/t/khong-co/fhir"}, "invalid_request"),
        ({"prompt": "none"}, "interaction_required"),
        ({"scope": "launch user/Patient.rs", "launch": ""}, "invalid_request"),
    ],
)  # fmt: skip
async def test_authorize__tells_the_app_what_is_wrong(phone: Phone, more: dict[str, Any], error: str) -> None:
    answer = await phone.ask(**{"scope": "user/Patient.rs", **more})

    assert back(answer) == {"error": error, "state": "s1", "iss": "http://localhost"}


async def test_authorize__refuses_what_is_said_twice(phone: Phone) -> None:
    asking = "/oauth/authorize?" + urlencode(phone.asking("user/Patient.rs"))

    assert back(await phone.ward.http.get(asking + "&scope=user/*.cruds"))["error"] == "invalid_request"
    assert (await phone.ward.http.get(asking + "&redirect_uri=https://evil.example/")).status_code == 400


async def test_authorize__gives_no_more_than_the_app_is_registered_for(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    phone = await registered(ward, "user/Patient.rs")

    assert (await phone.let_in("user/Patient.cruds user/*.rs user/Patient.rs offline_access"))[
        "scope"
    ] == "user/Patient.rs"


async def test_authorize__an_answer_from_another_sites_page_is_not_taken(phone: Phone) -> None:
    form = {**phone.asking("user/Patient.rs"), "decision": "allow"}

    answer = await phone.ward.http.post("/oauth/authorize", data=form, headers=ELSEWHERE)

    assert answer.status_code == 403
    assert notes(phone).told == []


async def test_authorize__the_page_is_shown_in_no_frame_and_sends_to_the_app_alone(phone: Phone) -> None:
    page = await phone.ask("user/Patient.rs")

    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example.vn;" in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"


async def test_authorize__a_patient_the_person_may_not_see_cannot_be_chosen(phone: Phone) -> None:
    form = {**phone.asking("patient/*.rs"), "hsba-patient": "nobody", "decision": "allow"}

    answer = await phone.ward.http.post("/oauth/authorize", data=form)

    assert answer.status_code == 404
    assert notes(phone).told == []


async def test_authorize__what_an_app_says_is_shown_and_not_run(phone: Phone) -> None:
    page = await phone.ask("user/Patient.rs", state='"><script>alert(1)</script>')

    assert "<script>alert" not in page.text


# --- tricks at the token endpoint --------------------------------------------------------------------------


async def test_code__is_good_once_and_a_second_use_ends_what_came_of_it(phone: Phone) -> None:
    answer = await phone.answered("offline_access user/Patient.rs")
    tokens = (await phone.exchange(answer["code"])).json()

    again = await phone.exchange(answer["code"])

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await phone.ward.http.get("/fhir/Patient/p1", headers=bearer(tokens))).status_code == 401
    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert "token-reuse" in notes(phone).acts()


async def test_code__ends_after_a_minute(phone: Phone) -> None:
    answer = await phone.answered("user/Patient.rs")
    phone.ward.at.later(seconds=61)

    assert (await phone.exchange(answer["code"])).json()["error"] == "invalid_grant"


async def test_code__of_somebody_else_is_worth_nothing_without_his_proof(phone: Phone) -> None:
    """A thief who has the code, or who slips his own into another's browser, does not have the verifier."""
    answer = await phone.answered("user/Patient.rs")

    wrong = await phone.exchange(answer["code"], code_verifier="x" * 43)
    after = await phone.exchange(answer["code"])
    missing = await phone.exchange((await phone.answered("user/Patient.rs"))["code"], code_verifier=None)

    assert [one.json()["error"] for one in (wrong, after, missing)] == ["invalid_grant"] * 3


async def test_code__is_bound_to_its_address(phone: Phone) -> None:
    code = (await phone.answered("user/Patient.rs"))["code"]

    assert (await phone.exchange(code, redirect_uri="https://app.example.vn/")).json()[
        "error"
    ] == "invalid_grant"


async def test_code__of_another_app_is_refused_and_left_to_its_own(phone: Phone) -> None:
    other = await registered(phone.ward, "user/Patient.rs", name="other")
    code = (await phone.answered("user/Patient.rs"))["code"]

    mixed = await other.exchange(code, code_verifier=phone.verifier)

    assert mixed.json()["error"] == "invalid_grant"
    assert (await phone.exchange(code)).status_code == 200


async def test_refresh__a_second_use_ends_the_whole_family(phone: Phone) -> None:
    first = await phone.let_in("offline_access user/Patient.rs")
    second = (await phone.refresh(first["refresh_token"])).json()

    again = await phone.refresh(first["refresh_token"])

    assert again.json()["error"] == "invalid_grant"
    assert (await phone.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await phone.ward.http.get("/fhir/Patient/p1", headers=bearer(second))).status_code == 401
    assert "token-reuse" in notes(phone).acts()


async def test_refresh__never_widens(phone: Phone) -> None:
    tokens = await phone.let_in("offline_access user/Patient.rs")

    wider = await phone.refresh(tokens["refresh_token"], scope="user/Patient.cruds")

    assert wider.json()["error"] == "invalid_scope"
    assert (await phone.refresh(tokens["refresh_token"])).status_code == 200


async def test_refresh__of_another_app_is_refused(phone: Phone) -> None:
    other = await registered(phone.ward, "user/Patient.rs", name="other")
    tokens = await phone.let_in("offline_access user/Patient.rs")

    assert (await other.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await phone.refresh(tokens["refresh_token"])).status_code == 200


async def test_refresh__ends_when_nobody_came_back(phone: Phone) -> None:
    tokens = await phone.let_in("offline_access user/Patient.rs")
    phone.ward.at.later(days=31)

    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("act", ["account", "app", "password"])
async def test_tokens__end_with_the_account_the_app_or_the_password(phone: Phone, act: str) -> None:
    tokens = await phone.let_in("offline_access user/Patient.rs")
    ward = phone.ward

    async with ward.owner() as tx:
        match act:
            case "account":
                await accounts.disable(tx, ward.at(), LOGIN)
            case "app":
                await apps.disable(tx, ward.at(), "app")
            case _:
                await accounts.renew(tx, ward.at(), LOGIN)
    ward.at.later(seconds=2)

    assert (await ward.http.get("/fhir/Patient/p1", headers=bearer(tokens))).status_code == 401
    assert (await phone.refresh(tokens["refresh_token"])).status_code in (400, 401)


async def test_revoke__ends_a_token_of_ones_own_and_no_other(phone: Phone) -> None:
    other = await registered(phone.ward, "user/Patient.rs", name="other")
    tokens = await phone.let_in("offline_access user/Patient.rs")
    http = phone.ward.http

    strange = await http.post(
        "/oauth/revoke", data={"client_id": other.name, "token": tokens["refresh_token"]}
    )
    assert strange.status_code == 200
    assert (await http.get("/fhir/Patient/p1", headers=bearer(tokens))).status_code == 200
    own = await http.post("/oauth/revoke", data={"client_id": phone.name, "token": tokens["refresh_token"]})
    assert own.status_code == 200
    assert (await http.get("/fhir/Patient/p1", headers=bearer(tokens))).status_code == 401


async def test_introspect__tells_an_app_of_its_own_tokens_only(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    await ward.http.put("/fhir/Patient/p1", json=patient(id="p1"))
    phone = await registered(ward, "patient/*.rs", public=False)
    nosy = await registered(ward, "user/*.rs", name="nosy", public=False)
    server = await registered(ward, "user/*.rs introspect", name="server", public=False)
    public = await registered(ward, "user/*.rs", name="public")
    tokens = await phone.let_in("patient/*.rs", **{"hsba-patient": "p1"})

    async def told(by: Phone, token: str) -> Any:
        form = {"client_id": by.name, "token": token, **({"client_secret": by.secret} if by.secret else {})}
        return (await ward.http.post("/oauth/introspect", data=form)).json()

    own = await told(phone, tokens["access_token"])
    assert (own["active"], own["patient"], own["client_id"], own["username"]) == (True, "p1", "app", LOGIN)
    assert await told(nosy, tokens["access_token"]) == {"active": False}
    assert (await told(server, tokens["access_token"]))["active"]
    assert await told(server, "hsba_nothing") == {"active": False}
    assert (await told(public, tokens["access_token"]))["error"] == "invalid_client"


async def test_client__with_a_secret_is_not_believed_without_it(ward: Ward) -> None:
    await ward.account()
    await ward.log_in()
    phone = await registered(ward, "user/Patient.rs", public=False)
    code = (await phone.answered("user/Patient.rs"))["code"]

    wrong = [
        await phone.exchange(code, client_secret=None),
        await phone.exchange(code, client_secret="hsba_x"),
    ]

    assert [(one.status_code, one.json()["error"]) for one in wrong] == [(401, "invalid_client")] * 2
    assert (await phone.exchange(code)).status_code == 200


async def test_userinfo__needs_a_token_that_knows_the_person(phone: Phone) -> None:
    tokens = await phone.let_in("user/Patient.rs")
    http = phone.ward.http

    assert (await http.get("/oauth/userinfo", headers=bearer(tokens))).status_code == 401
    assert (await http.get("/oauth/userinfo")).status_code == 401


async def test_account__an_app_that_was_let_in_is_shown_and_ended(phone: Phone) -> None:
    tokens = await phone.let_in("offline_access user/Patient.rs")
    ward = phone.ward
    await ward.account("bs.khac")

    page = await ward.http.get("/account/apps")
    (number,) = re.findall(r'action="/account/apps/(\d+)"', page.text)
    await ward.log_in("bs.khac")
    await ward.http.post(f"/account/apps/{number}")
    assert (await ward.http.get("/fhir/Patient/p1", headers=bearer(tokens))).status_code == 200
    await ward.log_in()
    await ward.http.post(f"/account/apps/{number}")

    assert "Sổ tiêm chủng" in page.text
    assert (await ward.http.get("/fhir/Patient/p1", headers=bearer(tokens))).status_code == 401
    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert "Sổ tiêm chủng" not in (await ward.http.get("/account/apps")).text


async def test_housekeeping__forgets_what_ended_long_ago(phone: Phone) -> None:
    await phone.let_in("openid offline_access user/Patient.rs")
    chore = next(one for one in chores(Rules()) if one.name == "ended sessions")
    services = phone.ward.services
    tables = ("token", "refresh_token", "app_grant", "signing_key", "assertion", "launch")

    async def counted() -> list[int]:
        async with phone.ward.owner() as tx:
            return [await tx.fetchval(f"SELECT count(*) FROM access.{table}") for table in tables]

    await chore.do(services)
    before = await counted()
    services.clock = Later(days=400)  # type: ignore[assignment]
    await chore.do(services)

    assert before[:4] == [1, 1, 1, 1]
    assert await counted() == [0] * 6


class Later:
    """A clock that runs ahead."""

    def __init__(self, **by: float) -> None:
        self.by = timedelta(**by)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by
