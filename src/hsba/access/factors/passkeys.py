"""Passkeys (WebAuthn level 2): what the browser is asked, and whether what it answers is right.

A challenge carries its time and our mark, so that nothing is kept for a page that is only looked at; an answered one is
spent in the database and taken once.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import parse_authentication_credential_json, parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hsba.access.problems import BadFactor, WrongCode
from hsba.access.secrets import digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from webauthn.helpers.structs import AuthenticationCredential

    from hsba.access.vault import Vault
    from hsba.store.pool import Connection

LIVES = timedelta(minutes=10)
"""How long a challenge may wait for its answer."""
STAMP, MARK = 8 + 16, 16
"""Bytes of a challenge: its time and what makes it the only one, and our mark."""
LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """The server as a browser knows it."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey, as it is kept."""

    site: str
    credential: bytes
    public_key: bytes
    handle: bytes
    uses: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser sent, before it is believed."""

    credential: bytes
    handle: bytes | None
    challenge: bytes
    whole: AuthenticationCredential


def site(root: str) -> Site | None:
    """The server of this address; None where browsers have no passkeys: without TLS, or under a bare number."""
    address = urlsplit(root)
    name = address.hostname or ""
    if address.scheme != "https" and name != "localhost":
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return Site(name, f"{address.scheme}://{address.netloc}") if name else None
    return None


def challenge(vault: Vault, purpose: str, now: datetime) -> bytes:
    """A new challenge for this purpose."""
    stamp = int(now.timestamp()).to_bytes(8, "big") + os.urandom(STAMP - 8)
    return stamp + vault.mark(stamp, f"challenge:{purpose}")[:MARK]


def is_ours(vault: Vault, purpose: str, challenge: bytes, now: datetime) -> bool:
    """Whether we asked this, for this purpose, and not too long ago."""
    stamp, mark = challenge[:STAMP], challenge[STAMP:]
    age = int(now.timestamp()) - int.from_bytes(stamp[:8], "big")
    right = hmac.compare_digest(vault.mark(stamp, f"challenge:{purpose}")[:MARK], mark)
    return right and 0 <= age <= LIVES.total_seconds()


async def spend(tx: Connection, challenge: bytes, now: datetime) -> bool:
    """Spend a challenge; false when it was answered before."""
    spent = await tx.fetchval(
        "INSERT INTO access.spent_challenge (digest, ends) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true",
        digest(challenge.hex()),
        now + 2 * LIVES,
    )
    return bool(spent)


def creation(
    here: Site, challenge: bytes, *, login: str, name: str, handle: bytes, known: Iterable[bytes]
) -> str:
    """What `navigator.credentials.create` is asked, as JSON."""
    return webauthn.options_to_json(
        webauthn.generate_registration_options(
            rp_id=here.name,
            rp_name="HSBA",
            user_name=login,
            user_display_name=name,
            user_id=handle,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(one) for one in known],
        )
    )


def request(here: Site, challenge: bytes, *, known: Iterable[bytes] = (), alone: bool = False) -> str:
    """What `navigator.credentials.get` is asked, as JSON; `alone` when no password comes before it."""
    wanted = UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.DISCOURAGED
    return webauthn.options_to_json(
        webauthn.generate_authentication_options(
            rp_id=here.name,
            challenge=challenge,
            allow_credentials=[PublicKeyCredentialDescriptor(one) for one in known],
            user_verification=wanted,
        )
    )


def made(here: Site, vault: Vault, purpose: str, text: str, handle: bytes, now: datetime) -> Made:
    """The passkey that a browser made for us."""
    try:
        credential = webauthn.helpers.parse_registration_credential_json(text[:LONGEST])
        asked = parse_client_data_json(credential.response.client_data_json).challenge
        if not is_ours(vault, purpose, asked, now):
            raise BadFactor
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=asked,
            expected_rp_id=here.name,
            expected_origin=here.origin,
        )
    except BadFactor:
        raise
    except Exception as exc:  # whatever a stranger sent that cannot be read
        raise BadFactor from exc
    return Made(here.name, found.credential_id, found.credential_public_key, handle, found.sign_count)


def answered(text: str) -> Answer:
    """What a browser answered, read and not yet believed."""
    try:
        whole = parse_authentication_credential_json(text[:LONGEST])
        asked = parse_client_data_json(whole.response.client_data_json).challenge
    except Exception as exc:  # whatever a stranger sent that cannot be read
        raise WrongCode from exc
    return Answer(whole.raw_id, whole.response.user_handle, asked, whole)


def uses(answer: Answer, here: Site, public_key: bytes, before: int, *, alone: bool) -> int:
    """Believe an answer that this passkey signed; answers the authenticator's own count of uses."""
    try:
        found = webauthn.verify_authentication_response(
            credential=answer.whole,
            expected_challenge=answer.challenge,
            expected_rp_id=here.name,
            expected_origin=here.origin,
            credential_public_key=public_key,
            credential_current_sign_count=before,
            require_user_verification=alone,
        )
    except Exception as exc:  # the library's own tree, and what cryptography says of odd bytes
        raise WrongCode from exc
    return found.new_sign_count
