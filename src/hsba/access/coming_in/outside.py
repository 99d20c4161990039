"""Log-in through another house's OpenID provider (OpenID Connect Core 3.1): it says who the person is, we know the account.

What the browser keeps meanwhile is one random secret; `state`, `nonce` and the PKCE verifier are made from it, so nobody
can finish what another browser began.  No account is made, and administrators and security officers come in here only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import msgspec

from hsba.access import secrets
from hsba.access.oauth import jwts
from hsba.access.oauth.clients import Unreachable
from hsba.access.oauth.jwts import NotVerified
from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    Ask = Callable[[str, dict[str, str], bytes], Awaitable[bytes]]

SCOPE = "openid profile email"
KEPT = timedelta(hours=1)
"""How long what the provider says of itself is taken as it is."""
SLACK = 60
"""Seconds that its clock may differ."""


class OutsideRefused(Problem):
    """The other house's log-in did not work, or it names nobody who has an account here; log in with name and password."""

    status, code = 401, "login"
    vi = "Không đăng nhập được qua nơi khác, hoặc người đó chưa có tài khoản ở đây; hãy đăng nhập bằng tên và mật khẩu."


@dataclass(frozen=True, slots=True)
class Provider:
    """The other house, as the settings name it."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    claim: str


class Outside:
    """Asks one provider; one for each process."""

    def __init__(self, provider: Provider, ask: Ask, now: Callable[[], datetime]) -> None:
        """`ask` sends a request to an address and answers its content."""
        self.provider = provider
        self.ask = ask
        self.now = now
        self._described: tuple[datetime, dict[str, Any]] | None = None

    async def begin(self, back: str) -> tuple[str, str]:
        """Where to send the person, and what his browser keeps."""
        seed = secrets.made()
        verifier = _made("verifier", seed)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": _made("state", seed),
            "nonce": _made("nonce", seed),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = await self._address("authorization_endpoint")
        return address + ("&" if "?" in address else "?") + urlencode(asked), seed

    async def finish(self, seed: str, said: Mapping[str, str], back: str) -> str:
        """The name of the account of who comes back; raises OutsideRefused."""
        if not hmac.compare_digest(said.get("state", "").encode(), _made("state", seed).encode()):
            raise OutsideRefused
        if (
            "error" in said
            or said.get("iss", self.provider.issuer) != self.provider.issuer
            or not said.get("code")
        ):
            raise OutsideRefused
        form = {
            "grant_type": "authorization_code",
            "code": said["code"],
            "redirect_uri": back,
            "code_verifier": _made("verifier", seed),
        }
        login = f"{quote_plus(self.provider.client_id)}:{quote_plus(self.provider.client_secret)}"
        headers = {
            "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = await self._asked(await self._address("token_endpoint"), headers, urlencode(form).encode())
        claims = await self._verified(answer.get("id_token"), _made("nonce", seed))
        found = claims.get(self.provider.claim)
        if found is None and isinstance(token := answer.get("access_token"), str):
            bearer = {"Authorization": f"Bearer {token}"}
            told = await self._asked(await self._address("userinfo_endpoint"), bearer)
            found = told.get(self.provider.claim) if told.get("sub") == claims.get("sub") else None
        if not isinstance(found, str):
            raise OutsideRefused
        return found

    async def _verified(self, token: object, nonce: str) -> dict[str, Any]:
        """What the provider signed about the person, for us, just now (OpenID Connect Core 3.1.3.7)."""
        if not isinstance(token, str):
            raise OutsideRefused
        keys = (await self._asked(await self._address("jwks_uri"))).get("keys")
        try:
            claims = jwts.verified(token, keys if isinstance(keys, list) else [], named=False)
        except NotVerified as exc:
            raise OutsideRefused from exc
        us, now = self.provider.client_id, self.now().timestamp()
        audience = claims.get("aud")
        aimed = [audience] if isinstance(audience, str) else audience
        right = (
            claims.get("iss") == self.provider.issuer
            and isinstance(aimed, list)
            and us in aimed
            and claims.get("azp", us) == us
            and isinstance(claims.get("exp"), int | float)
            and claims["exp"] > now - SLACK
            and isinstance(claims.get("nonce"), str)
            and hmac.compare_digest(claims["nonce"].encode(), nonce.encode())
        )
        if not right:
            raise OutsideRefused
        return claims

    async def _address(self, name: str) -> str:
        """One of the provider's addresses, as it describes itself (OpenID Connect Discovery 4)."""
        if self._described is None or self.now() - self._described[0] > KEPT:
            found = await self._asked(self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.provider.issuer:
                raise OutsideRefused
            self._described = self.now(), found
        address = self._described[1].get(name)
        if not isinstance(address, str):
            raise OutsideRefused
        return address

    async def _asked(
        self, address: str, headers: dict[str, str] | None = None, content: bytes = b""
    ) -> dict[str, Any]:
        try:
            found = msgspec.json.decode(await self.ask(address, headers or {}, content))
        except (Unreachable, msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise OutsideRefused from exc
        if not isinstance(found, dict):
            raise OutsideRefused
        return found


def _made(what: str, seed: str) -> str:
    """A word that only who keeps the seed can make."""
    return base64.urlsafe_b64encode(hmac.digest(seed.encode(), what.encode(), "sha256")).rstrip(b"=").decode()
