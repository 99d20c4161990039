"""Who calls: the token or the cookie of a request, the address it came from, and whether a page of ours sent it.

A cookie travels by itself, so what it opens is open to our own pages only; a bearer token is put there by a program.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from hsba.access.problems import BadToken, CrossOrigin

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hsba.access.identity import Caller, Identity

COOKIE = "hsba-session"
STATION = "hsba-workstation"
UNSENT = "hsba-unsent"
HOST = "__Host-"
"""Before the names under TLS: no other host and no plain connection can set such a cookie (RFC 6265bis 4.1.3)."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HERE = frozenset({b"same-origin", b"none"})


async def known(
    identity: Identity, headers: dict[bytes, bytes], *, method: str, root: str, secure: bool
) -> Caller | None:
    """Who calls the API; None when nobody is logged in."""
    token = bearer(headers)
    if token is not None:
        return await identity.caller(token, None)
    kept = cookie(headers, secure=secure)
    if kept is not None:
        check_origin(headers, root, unsafe=method not in SAFE)
    return await identity.caller(None, kept)


def bearer(headers: dict[bytes, bytes]) -> str | None:
    """The token of the Authorization header (RFC 6750 2.1); another kind of header is no way in."""
    value = headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(b" ")
    if scheme.lower() != b"bearer":
        raise BadToken
    return token.strip().decode("latin-1")


def cookie(headers: dict[bytes, bytes], *, secure: bool, name: str = COOKIE) -> str | None:
    """What the session's cookie holds, or another of ours."""
    wanted = ((HOST if secure else "") + name).encode()
    for part in headers.get(b"cookie", b"").split(b";"):
        found, _, value = part.strip().partition(b"=")
        if found == wanted and value:
            return value.decode("latin-1")
    return None


def set_cookie(secret: str, *, secure: bool, name: str = COOKIE, days: int = 0) -> str:
    """The header that gives a browser its session, or another secret; without a secret, the one that takes it away."""
    lasts = "; Max-Age=0" if not secret else f"; Max-Age={days * 86400}" if days else ""
    named = (HOST if secure else "") + name
    return f"{named}={secret}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}{lasts}"


def unsent(account: int | None) -> str:
    """The cookie with the key of what this account could not send: people who share a browser have each their own."""
    return f"{UNSENT}-{account}"


def check_origin(headers: dict[bytes, bytes], root: str, *, unsafe: bool) -> None:
    """Refuse what another site's page sends with our cookie; where a browser says nothing, a change is refused too."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None and site not in HERE:
        raise CrossOrigin
    if origin is not None:
        ours = {headers.get(b"host", b"").lower(), root.partition("://")[2].partition("/")[0].encode()}
        if origin.lower().partition(b"://")[2] not in ours:
            raise CrossOrigin
    elif unsafe and site is None:
        raise CrossOrigin


def address(client: Sequence[Any] | None, headers: dict[bytes, bytes], proxies: Collection[str]) -> str:
    """The address a request came from: behind our proxies the last one they were told that is none of them."""
    found = bare(client)
    if found in proxies:
        for part in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            try:
                found = str(ipaddress.ip_address(part.strip().removeprefix("::ffff:")))
            except ValueError:
                break
            if found not in proxies:
                break
    return found


def bare(client: Sequence[Any] | None) -> str:
    """The address at the other end of the connection; an IPv4 one as itself."""
    return str(client[0]).removeprefix("::ffff:") if client else ""
