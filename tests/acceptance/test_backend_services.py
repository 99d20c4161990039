"""Services in their own name: proven by a key, from the token to the files of an export (SMART Backend Services)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from acceptance.apps import KEY, RSA, Phone, assertion, bearer, jwks, registered
from acceptance.door import patient
from acceptance.identity import At, Ward
from acceptance.jobs import with_files, working
from callers import give_all
from hsba.access.accounts import By
from hsba.access.identity import Identity
from hsba.access.oauth import apps
from hsba.access.oauth.apps import Wanted
from hsba.access.oauth.clients import Unreachable
from hsba.access.rules import Rules
from hsba.http.app import Options, build
from hsba.record import tenants

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from databases import Database

KEYS = json.dumps(jwks(KEY, RSA))


async def service(ward: Ward, **more: Any) -> Phone:
    """A service that may read everything."""
    phone = await registered(
        ward, "system/*.rs", name="bulk", **{"redirects": (), "public": False, "keys": KEYS, **more}
    )
    async with ward.owner() as tx:
        await give_all(tx, "client:bulk")
    return phone


async def asked(ward: Ward, form: dict[str, str]) -> httpx.Response:
    return await ward.http.post("/oauth/token", data=form)


def by_shared_secret(claims: str) -> str:
    """The old trick: the public key, which everybody has, taken for a shared secret."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=").decode()
    made = hmac.digest(KEY.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    return f"{head}.{claims}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


@pytest_asyncio.fixture
async def station(database: Database, folder: Path) -> AsyncIterator[Ward]:
    """A server whose files lie in a folder of the test's own, and whose clock a test moves."""
    async with with_files(database, folder) as opened:
        at = At()
        opened.identity = Identity(opened.pool.bare, at, Rules())
        application = build(opened, Options(allowed_hosts=("localhost",)))
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            yield Ward(http, opened, at, database.owner_dsn, application)


async def test_service__from_its_key_to_the_files(station: Ward) -> None:
    await service(station)
    async with station.owner() as tx:
        await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
    writer = await registered(station, "system/*.cruds", name="writer", redirects=(), public=False)
    async with station.owner() as tx:
        await give_all(tx, "client:writer")
    form = {"grant_type": "client_credentials", "client_id": "writer", "client_secret": writer.secret or ""}
    write = bearer((await asked(station, form)).json())
    assert (
        await station.http.put("/fhir/Patient/p1", json=patient(id="p1"), headers=write)
    ).status_code == 201

    token = (await asked(station, assertion(station, "bulk"))).json()
    reader = bearer(token)
    wish = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
    begun = await station.http.get("/fhir/$export?_type=Patient", headers={**reader, **wish})
    assert begun.status_code == 202, begun.text
    async with working(station.services):
        while (
            state := await station.http.get(begun.headers["content-location"], headers=reader)
        ).status_code == 202:
            await asyncio.sleep(0.05)
    manifest = state.json()
    assert manifest["requiresAccessToken"] is True
    (file,) = manifest["output"]
    there = await station.http.get(file["url"], headers=reader)

    assert token["scope"] == "system/*.rs"
    assert json.loads(there.text)["id"] == "p1"
    assert (await station.http.get(file["url"])).status_code == 401
    assert (await station.http.get(file["url"], headers=write)).status_code == 404
    assert (
        await station.http.put("/fhir/Patient/p2", json=patient(id="p2"), headers=reader)
    ).status_code == 403


@pytest.mark.parametrize("key, alg", [(KEY, "ES384"), (RSA, "RS384"), (RSA, "PS256")])
async def test_assertion__of_a_registered_key_is_believed(ward: Ward, key: Any, alg: str) -> None:
    await service(ward)

    answer = await asked(ward, assertion(ward, "bulk", key, alg))

    assert answer.status_code == 200, answer.text


async def test_assertion__is_good_once(ward: Ward) -> None:
    await service(ward)
    form = assertion(ward, "bulk")

    statuses = [(await asked(ward, form)).status_code for _ in range(2)]

    assert statuses == [200, 401]


@pytest.mark.parametrize(
    "more",
    [
        {"aud": "https://evil.example/oauth/token"}, {"aud": None}, {"aud": []}, {"iss": "other"}, {"sub": "other"},
        {"exp": None},
        {"exp": 1}, {"exp": "soon"}, {"exp": True}, {"exp": 9999999999}, {"jti": None}, {"jti": ""}, {"jti": 7},
        {"jti": "x" * 300}, {"nbf": 9999999999}, {"iat": 9999999999}, {"jti": "a\0b"},
    ],
)  # fmt: skip
async def test_assertion__that_is_not_for_us_now_is_refused(ward: Ward, more: dict[str, Any]) -> None:
    await service(ward)

    answer = await asked(ward, assertion(ward, "bulk", **more))

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_assertion__of_no_key_of_the_service_is_refused(ward: Ward) -> None:
    await service(ward)
    same_name = ECKey.generate_key("P-384", {"kid": "k1"})
    other_name = ECKey.generate_key("P-384", {"kid": "k9"})
    whole = assertion(ward, "bulk")["client_assertion"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    bad = [
        assertion(ward, "bulk", same_name),
        assertion(ward, "bulk", other_name),
        {**assertion(ward, "bulk"), "client_assertion": by_shared_secret(whole[1])},
        {**assertion(ward, "bulk"), "client_assertion": f"{none}.{whole[1]}."},
        {**assertion(ward, "bulk"), "client_assertion": f"{none}.{whole[1]}.{whole[2]}"},
        {**assertion(ward, "bulk"), "client_assertion": f"{whole[0]}.{whole[1]}."},
        {**assertion(ward, "bulk"), "client_assertion": "nonsense"},
        {**assertion(ward, "bulk"), "client_assertion": ".."},
        {
            **assertion(ward, "bulk"),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        },
        {**assertion(ward, "bulk"), "client_id": "other"},
        {**assertion(ward, "bulk"), "client_secret": "hsba_x"},
        {"grant_type": "client_credentials", "client_id": "bulk"},
        {"grant_type": "client_credentials", "client_id": "bulk", "client_secret": ""},
        assertion(ward, "nobody"),
    ]

    statuses = [(await asked(ward, form)).status_code for form in bad]

    assert statuses == [401] * len(bad)


async def test_assertion__of_a_service_that_was_closed_is_refused(ward: Ward) -> None:
    await service(ward)
    token = bearer((await asked(ward, assertion(ward, "bulk"))).json())
    async with ward.owner() as tx:
        await apps.disable(tx, ward.at(), "bulk")
    ward.at.later(seconds=2)

    assert (await asked(ward, assertion(ward, "bulk"))).status_code == 401
    assert (await ward.http.get("/fhir/Patient", headers=token)).status_code == 401


async def test_service__gets_no_scope_it_is_not_registered_for(ward: Ward) -> None:
    await service(ward)

    for scope in (
        "system/*.cruds",
        "user/*.rs",
        "system/*.rs openid",
        "patient/*.rs",
        "system/*.rs offline_access",
    ):
        answer = await asked(ward, {**assertion(ward, "bulk"), "scope": scope})
        assert answer.json()["error"] == "invalid_scope", scope


async def test_keys__behind_an_address_are_read_and_asked_anew_when_they_change(ward: Ward) -> None:
    """The address is that of a host in the setting; who reads it is the house's own checked way."""
    published, read = [jwks(KEY)], []

    async def keys_at(url: str) -> bytes:
        read.append(url)
        return json.dumps(published[-1]).encode()

    ward.http._transport.app.pages.state.oauth.clients.fetch = keys_at  # type: ignore[attr-defined]
    async with ward.owner() as tx:
        wanted = Wanted("Bulk", "system/*.rs", keys_url="https://keys.example.vn/jwks")
        await apps.register(tx, ward.at(), "bulk", wanted, hosts=["keys.example.vn"])

    assert (await asked(ward, assertion(ward, "bulk"))).status_code == 200
    assert (await asked(ward, assertion(ward, "bulk"))).status_code == 200
    assert read == ["https://keys.example.vn/jwks"]
    published.append(jwks(RSA))
    ward.at.later(seconds=40)
    assert (await asked(ward, assertion(ward, "bulk", RSA, "RS384"))).status_code == 200
    assert (await asked(ward, assertion(ward, "bulk"))).status_code == 401


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/jwks", "http://keys.example.vn/jwks", "https://x@keys.example.vn/jwks", "https://127.0.0.1/",
        "https://keys.example.vn.evil.example/", "https://169.254.169.254/latest", "file:///etc/passwd", "https://[::1]/",
        "//keys", "https://keys.example.vn\\@evil.example/", "https://keys.example.vn /x",
    ],
)  # fmt: skip
async def test_keys__of_an_address_the_house_does_not_allow_are_not_registered_or_read(
    ward: Ward, url: str
) -> None:
    wanted = Wanted("Bulk", "system/*.rs", keys_url=url)
    async with ward.owner() as tx:
        with pytest.raises(apps.BadApp):
            await apps.register(tx, ward.at(), "bulk", wanted, hosts=["keys.example.vn"])
    with pytest.raises(Unreachable):
        await ward.services.keys_at(url)


@pytest.mark.parametrize(
    "keys",
    [
        "nonsense", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]}', '{"keys": 7}', "[]",
        json.dumps({"keys": [KEY.as_dict(private=True)]}),
        json.dumps({"keys": [{k: v for k, v in KEY.as_dict(private=False).items() if k != "kid"}]}),
        json.dumps({"keys": [{"kty": "RSA", "n": "A" * 171, "e": "AQAB", "kid": "weak"}]}),
        json.dumps({"keys": [{**KEY.as_dict(private=False), "use": "enc"}]}),
    ],
    ids=range(10),
)  # fmt: skip
async def test_register__takes_no_keys_that_are_secret_weak_or_nameless(ward: Ward, keys: str) -> None:
    async with ward.owner() as tx:
        with pytest.raises(apps.BadApp):
            await apps.register(tx, ward.at(), "bulk", Wanted("Bulk", "system/*.rs", keys=keys))


async def test_register__what_is_open_to_all_gets_no_right_of_its_own(ward: Ward) -> None:
    async with ward.owner() as tx:
        for wanted in (
            Wanted("X", "system/*.rs", ("https://x.example/",), public=True),
            Wanted("X", "user/*.rs", public=True),
            Wanted("X", "user/*.rs introspect", ("https://x.example/",), public=True),
            Wanted("X", "user/*.rs nonsense", ("https://x.example/",)),
            Wanted("", "user/*.rs", ("https://x.example/",)),
            Wanted("X", ""),
            Wanted("X", "user/*.rs", ("https://x.example/",), launch_url="javascript:alert(1)"),
        ):
            with pytest.raises(apps.BadApp):
                await apps.register(tx, ward.at(), "x1", wanted)


async def test_change__ends_the_old_way_in(ward: Ward) -> None:
    phone = await registered(ward, "system/*.rs", name="his", redirects=(), public=False)
    form = {"grant_type": "client_credentials", "client_id": "his", "client_secret": phone.secret or ""}
    assert (await asked(ward, form)).status_code == 200
    async with ward.owner() as tx:
        fresh = await apps.renew_secret(tx, ward.at(), "his")
    assert (await asked(ward, form)).status_code == 401
    assert (await asked(ward, {**form, "client_secret": fresh})).status_code == 200
    async with ward.owner() as tx:
        await apps.change(tx, ward.at(), "his", Wanted("HIS", "system/Patient.rs", keys=KEYS))
        assert (await apps.find(tx, "his")).proves == "private_key_jwt"

    assert (await asked(ward, {**form, "client_secret": fresh})).status_code == 401
    assert (await asked(ward, {**assertion(ward, "his"), "scope": "system/Patient.rs"})).status_code == 200


async def test_register__in_the_browser_is_for_administrators_of_all_its_keepers(ward: Ward) -> None:
    """The runtime role itself may change no app, so a hole in a page opens none."""
    async with ward.owner() as tx:
        number = await tenants.ensure(tx, "tram-thu", "Trạm Y tế Thử")
    await ward.account("quan.tri", "administrator", roles=(), tenants=[1])
    await ward.account("bs.lan")
    async with ward.owner() as tx:
        ids = {one["login"]: one["id"] for one in await tx.fetch("SELECT login, id FROM access.account")}
    here, there = (Wanted("X", "system/*.rs", tenants=some) for some in ((1,), (1, number)))
    admin, doctor = (By(account=name, number=ids[name]) for name in ("quan.tri", "bs.lan"))

    async with ward.services.pool.bare() as tx:
        assert await apps.register(tx, ward.at(), "x1", here, by=admin)
        await apps.disable(tx, ward.at(), "x1", by=admin)
        for by, wanted in (
            (By(), here),
            (doctor, here),
            (admin, there),
            (admin, replace(here, tenants=None)),
        ):
            with pytest.raises(apps.NotTheirApp):
                await apps.register(tx, ward.at(), "x2", wanted, by=by)
            with pytest.raises(apps.NotTheirApp):
                await apps.change(tx, ward.at(), "x1", wanted, by=by)
        with pytest.raises(apps.NotTheirApp):
            await apps.enable(tx, ward.at(), "x1", by=doctor)
    async with ward.owner() as tx:
        await apps.change(tx, ward.at(), "x1", there)
    async with ward.services.pool.bare() as tx:
        with pytest.raises(apps.NotTheirApp):
            await apps.change(tx, ward.at(), "x1", here, by=admin)
