"""Codes of the time, as an app on a telephone shows them (RFC 6238: SHA-1, six figures, steps of thirty seconds)."""

from __future__ import annotations

import base64
import hmac
import os
from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from datetime import datetime

STEP = 30
WINDOW = (-1, 0, 1)
"""Steps before and after the present one whose code is taken too: clocks differ, and typing takes time."""
BYTES = 20


def made() -> bytes:
    """A new secret."""
    return os.urandom(BYTES)


def typed(secret: bytes) -> str:
    """The secret as a person types it into an app that cannot scan."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, login: str, issuer: str) -> str:
    """What the square code says to the app."""
    return pyotp.TOTP(typed(secret)).provisioning_uri(name=login, issuer_name=issuer)


def step(secret: bytes, code: str, now: datetime, after: int = 0) -> int | None:
    """The time step whose code this is, if it is near and later than the one that was used last."""
    code = "".join(code.split())
    if not (code.isascii() and code.isdigit()):
        return None
    present, app = int(now.timestamp()) // STEP, pyotp.TOTP(typed(secret))
    found = [
        present + shift for shift in WINDOW if hmac.compare_digest(app.generate_otp(present + shift), code)
    ]
    return max((one for one in found if one > after), default=None)
