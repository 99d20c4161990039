"""An app as a test plays it: it is let in by a person at the browser, and keeps what it gets."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from hsba.access.oauth import apps
from hsba.access.oauth.apps import Wanted

if TYPE_CHECKING:
    import httpx

    from acceptance.identity import Ward

BACK = "https://app.example.vn/back?to=1"
AUD = "http://localhost/fhir"
TOKEN = "http://localhost/oauth/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Phone:
    """A registered app."""

    ward: Ward
    name: str = "app"
    secret: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asking(self, scope: str, **more: str | None) -> dict[str, str]:
        """What it sends the person to our page with."""
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        )
        found: dict[str, str | None] = {
            "response_type": "code", "client_id": self.name, "redirect_uri": BACK, "scope": scope, "state": "s1",
            "aud": AUD, "code_challenge": challenge, "code_challenge_method": "S256", "nonce": "n1", **more,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}

    async def ask(self, scope: str, **more: str | None) -> httpx.Response:
        """The page that the person sees, or where he is sent."""
        return await self.ward.http.get("/oauth/authorize", params=self.asking(scope, **more))

    async def answered(self, scope: str, decision: str = "allow", **more: str) -> dict[str, str]:
        """What comes back to the app when the person answers."""
        form = {**self.asking(scope, **more), "decision": decision}
        answer = await self.ward.http.post("/oauth/authorize", data=form)
        assert answer.status_code == 303, answer.text
        return back(answer)

    async def exchange(self, code: str, **more: str | None) -> httpx.Response:
        """The tokens for a code."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": self.verifier,
            "client_id": self.name, "client_secret": self.secret, **more,
        }  # fmt: skip
        return await self.ward.http.post(
            "/oauth/token", data={k: v for k, v in form.items() if v is not None}
        )

    async def refresh(self, token: str, **more: str | None) -> httpx.Response:
        """The next tokens."""
        form: dict[str, str | None] = {
            "grant_type": "refresh_token", "refresh_token": token, "client_id": self.name, "client_secret": self.secret,
            **more,
        }  # fmt: skip
        return await self.ward.http.post(
            "/oauth/token", data={k: v for k, v in form.items() if v is not None}
        )

    async def let_in(self, scope: str, **more: str) -> dict[str, Any]:
        """The tokens of an app that was let in."""
        answer = await self.exchange((await self.answered(scope, **more))["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def back(answer: httpx.Response) -> dict[str, str]:
    """What an answer tells the app at its address."""
    where = answer.headers["location"]
    assert where.startswith(BACK + "&"), where
    return {name: value for name, (value,) in parse_qs(urlsplit(where).query).items() if name != "to"}


async def registered(ward: Ward, scope: str, *, name: str = "app", **more: Any) -> Phone:
    """An app that may ask for these scopes."""
    wanted = Wanted(
        **{"title": "Sổ tiêm chủng", "scope": scope, "redirects": (BACK,), "public": True, **more}
    )
    async with ward.owner() as tx:
        return Phone(ward, name, await apps.register(tx, ward.at(), name, wanted))


def bearer(tokens: dict[str, Any] | str) -> dict[str, str]:
    """The header of a call with a token."""
    return {"Authorization": f"Bearer {tokens if isinstance(tokens, str) else tokens['access_token']}"}


KEY = ECKey.generate_key("P-384", {"kid": "k1"})
RSA = RSAKey.generate_key(2048, {"kid": "r1"})


def jwks(*keys: ECKey | RSAKey) -> dict[str, Any]:
    """The public halves."""
    return {"keys": [one.as_dict(private=False) for one in keys]}


def assertion(ward: Ward, name: str, key: Any = KEY, alg: str = "ES384", **more: Any) -> dict[str, str]:
    """What a service proves itself with, and what it asks."""
    at = int(ward.at().timestamp())
    claims = {"iss": name, "sub": name, "aud": TOKEN, "exp": at + 240, "jti": secrets.token_hex(8), **more}
    header = {"alg": alg, "kid": key.kid, "typ": "JWT"}
    signed = jwt.encode(header, {k: v for k, v in claims.items() if v is not None}, key, algorithms=[alg])
    return {
        "grant_type": "client_credentials", "scope": "system/*.rs",
        "client_assertion_type": ASSERTION, "client_assertion": signed,
    }  # fmt: skip
