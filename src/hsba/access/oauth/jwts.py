"""Reads signed tokens of others (RFC 7515, 7519): only public keys, only by the algorithms that fit them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from hsba.access.oauth.apps import is_key

if TYPE_CHECKING:
    from collections.abc import Iterable

ALGORITHMS: dict[str, tuple[str, ...]] = {
    "RSA": ("RS384", "RS256", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
}
"""By kind of key. `none` and the algorithms of a shared secret are not among them, whatever a token says of itself."""
LONGEST = 16 * 1024


class NotVerified(ValueError):
    """It is no token that one of these keys signed."""


def header(text: str) -> dict[str, Any]:
    """What a token says of itself, before anything of it is believed."""
    return _part(text, 0)


def unverified(text: str) -> dict[str, Any]:
    """What a token claims, before anything of it is believed."""
    return _part(text, 1)


def verified(text: str, keys: Iterable[Any], *, named: bool = True) -> dict[str, Any]:
    """The claims of a token that one of some public keys signed: the one it names, or, where it need not name any, each."""
    said = header(text)
    if not isinstance(said.get("alg"), str) or "crit" in said or "b64" in said:
        raise NotVerified
    kid = said.get("kid")
    if kid is None and named:
        raise NotVerified
    for one in keys:
        if not is_key({"kid": "?", **one} if not named and isinstance(one, dict) else one):
            continue
        if kid is not None and one.get("kid", kid) != kid:
            continue
        if said["alg"] not in ALGORITHMS[one["crv"] if one["kty"] == "EC" else "RSA"]:
            continue
        if one.get("alg", said["alg"]) != said["alg"]:
            continue
        try:
            key = jwk.import_key(
                {name: one[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in one}
            )
            return jwt.decode(text, key, algorithms=[said["alg"]]).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise NotVerified


def _part(text: str, number: int) -> dict[str, Any]:
    parts = text.split(".")
    if len(parts) != 3 or len(text) > LONGEST:
        raise NotVerified
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(parts[number] + "=" * (-len(parts[number]) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError) as exc:
        raise NotVerified from exc
    if not isinstance(found, dict):
        raise NotVerified
    return found
