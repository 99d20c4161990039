"""A person with a telephone: sets up an app or a passkey through the pages, and answers the second step."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pyotp

from acceptance.identity import LOGIN, PASSWORD, Ward
from hsba.access.rules import Rules

if TYPE_CHECKING:
    import httpx

    from hsba.access.ports import Happening
    from hsba.store.pool import Connection

HERE = (ip_network("192.0.2.0/24"),)
"""Where the browser of these tests sits."""
SECOND, FACTORS = "/login/second", "/account/second-factors"
NEW = FACTORS + "/new"


@dataclass
class Told:
    """A witness that remembers what happens to factors; log-ins are told too, and other tests see them."""

    all: list[Happening] = field(default_factory=list)

    async def tell(self, tx: Connection, happening: Happening) -> None:
        assert await tx.fetchval("SELECT 1") == 1
        if happening.act not in ("account-lock", "login", "logout"):
            self.all.append(happening)

    @property
    def acts(self) -> list[tuple[str, str]]:
        return [(one.act, one.reason) for one in self.all]


def rules(ward: Ward, *, inside: bool = True, **more: object) -> Told:
    """Hold this server to the rules of second factors; answers who is told of what happens."""
    told = Told()
    ward.services.identity.rules = Rules(inside=HERE if inside else (), **more)  # type: ignore[arg-type]
    ward.services.identity.witness = told
    return told


@dataclass
class Telephone:
    """An authenticator app."""

    ward: Ward
    secret: str

    def code(self, steps: int = 0) -> str:
        """What it shows now, or so many half minutes later."""
        return str(pyotp.TOTP(self.secret).at(int(self.ward.at().timestamp()), counter_offset=steps))


def offered(page: str) -> tuple[str, str]:
    """The key and what is sealed, of a page that offers an app."""
    key = re.search(r'id="key">([^<]+)<', page)
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert key is not None, page
    assert sealed is not None
    return key[1].replace(" ", ""), sealed[1]


def options(page: str) -> str:
    """What a page asks the browser for a passkey."""
    found = re.search(r'data-options="([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def recovery_codes(page: str) -> list[str]:
    """The recovery codes that a page shows."""
    return re.findall(r'<li class="code">([^<]+)</li>', page)


async def enrol(ward: Ward, login: str = LOGIN) -> tuple[Telephone, httpx.Response]:
    """Log in where the first factor is demanded, and set up an app; answers what the last page said."""
    entered = await ward.log_in(login)
    assert entered.headers["location"] == SECOND, entered.headers
    key, sealed = offered((await ward.http.get(SECOND)).text)
    telephone = Telephone(ward, key)
    done = await ward.http.post(SECOND, data={"sealed": sealed, "code": telephone.code(), "name": "iPhone"})
    assert done.status_code == 200, done.text
    return telephone, done


async def add(ward: Ward) -> tuple[Telephone, httpx.Response]:
    """Add an app on the page of one's own factors."""
    key, sealed = offered((await ward.http.get(NEW)).text)
    telephone = Telephone(ward, key)
    form = {"sealed": sealed, "code": telephone.code(), "name": "Máy 2", "password": PASSWORD}
    return telephone, await ward.http.post(NEW, data=form)


async def second(ward: Ward, code: str, **more: str) -> httpx.Response:
    """Send a code at the second step."""
    return await ward.http.post(SECOND, data={"code": code, **more})


async def numbers(ward: Ward) -> list[int]:
    """The factors on one's own page."""
    page = (await ward.http.get(FACTORS)).text
    return [int(one) for one in dict.fromkeys(re.findall(FACTORS + r'/(\d+)"', page))]
