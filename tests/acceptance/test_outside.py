"""Log-in through another house: a real OpenID provider of somebody else's making, in a process of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from acceptance.identity import LOGIN
from hsba import app, config
from hsba.access.coming_in.outside import Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from acceptance.identity import Ward


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[str]:
    """Its issuer."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--host",
        "127.0.0.1",
    ]
    server = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(400):
                try:
                    await http.get(issuer + "/.well-known/openid-configuration")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
            for name in (LOGIN, "admin2", "nobody.here"):
                claims = {"preferred_username": name, "name": name}
                await http.put(f"{issuer}/users/sub-{name}", json=claims)
        yield issuer
    finally:
        server.terminate()
        await server.wait()


@pytest_asyncio.fixture
async def door(ward: Ward, provider: str) -> Ward:
    """The server, told of that provider by its settings."""
    given = {
        "oidc_issuer": provider,
        "oidc_client_id": "hsba",
        "oidc_client_secret": "a secret:+",
        "oidc_name": "Sở Y tế",
    }
    settings = config.load({}, files=(), given=given)
    ward.services.outside = app.outside(settings, ward.at)
    await ward.account()
    return ward


async def at_provider(address: str, who: str) -> str:
    """The person logs in there; answers where he is sent back to."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(address, data={"sub": f"sub-{who}"})
    assert answer.status_code in (302, 303), answer.text
    return answer.headers["location"]


async def test_login__through_another_house_opens_a_session(door: Ward) -> None:
    page = await door.http.get("/login?next=/patients")
    assert "Đăng nhập bằng Sở Y tế" in page.text

    begun = await door.http.get("/login/outside?next=/patients")
    asked = {name: value for name, (value,) in parse_qs(urlsplit(begun.headers["location"]).query).items()}
    assert asked["redirect_uri"] == "http://localhost/login/outside/callback"
    assert asked["code_challenge_method"] == "S256"
    returned = await at_provider(begun.headers["location"], LOGIN)
    inside = await door.http.get(returned)

    assert inside.status_code == 303, inside.text
    assert inside.headers["location"] == "/patients"
    assert await door.inside()


@pytest.mark.parametrize("who", ["nobody.here", "admin2"])
async def test_login__of_who_has_no_account_here_or_keeps_the_house_is_refused(door: Ward, who: str) -> None:
    """No account is made; administrators and security officers come in by their own log-in."""
    await door.account("admin2", "administrator", roles=())

    begun = await door.http.get("/login/outside")
    answer = await door.http.get(await at_provider(begun.headers["location"], who))

    assert answer.status_code == 401
    assert "OutsideRefused" in answer.text
    assert not await door.inside()
    async with door.owner() as tx:
        assert await tx.fetchval("SELECT count(*) FROM access.account") == 2


async def test_login__begun_in_another_browser_is_not_finished_here(door: Ward) -> None:
    """Somebody who sends his own answer to another would be logged in there as himself."""
    begun = await door.http.get("/login/outside")
    returned = await at_provider(begun.headers["location"], LOGIN)
    door.http.cookies.clear()

    none = await door.http.get(returned)
    await door.http.get("/login/outside")
    another = await door.http.get(returned)

    assert (none.status_code, another.status_code) == (401, 401)
    assert not await door.inside()


async def test_login__an_answer_is_good_once_and_is_not_changed_on_the_way(door: Ward) -> None:
    begun = await door.http.get("/login/outside")
    returned = await at_provider(begun.headers["location"], LOGIN)
    cookies = dict(door.http.cookies)

    bad = [
        await door.http.get(returned + "&state=other"),
        await door.http.get(returned + "&iss=https://evil.example"),
        await door.http.get(returned.replace("code=", "code=x")),
        await door.http.get("/login/outside/callback?error=access_denied"),
    ]
    good = await door.http.get(returned)
    door.http.cookies.update(cookies)
    again = await door.http.get(returned)

    assert [one.status_code for one in bad] == [401] * 4
    assert (good.status_code, again.status_code) == (303, 401)


async def test_login__a_token_for_another_house_is_not_believed(door: Ward) -> None:
    outside = door.services.outside
    assert outside is not None
    begun = await door.http.get("/login/outside")
    returned = await at_provider(begun.headers["location"], LOGIN)
    known = outside.provider
    outside.provider = replace(known, client_id="another")

    assert (await door.http.get(returned)).status_code == 401
    assert isinstance(known, Provider)


async def test_login__leads_nowhere_else(door: Ward) -> None:
    begun = await door.http.get("/login/outside?next=//evil.example/")

    inside = await door.http.get(await at_provider(begun.headers["location"], LOGIN))

    assert inside.headers["location"] == "/"


async def test_login__without_a_provider_there_is_no_such_page(ward: Ward) -> None:
    assert (await ward.http.get("/login/outside")).status_code == 404
    assert "/login/outside" not in (await ward.http.get("/login")).text


async def test_provider__that_cannot_be_reached_lets_nobody_in(
    door: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config.load(
        {}, files=(), given={"oidc_issuer": "http://127.0.0.1:1", "oidc_client_id": "hsba"}
    )
    door.services.outside = app.outside(settings, door.at)

    assert (await door.http.get("/login/outside")).status_code == 401
