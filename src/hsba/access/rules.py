"""What a hospital may decide about log-ins: settings that this room reads, strictest reading of the rules as default.

TCVN 14423:2026 and QĐ 326/QĐ-BYT for a system of level 2: see docs/how-to/accounts.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of passwords, lock-outs, sessions and tokens."""

    password_length: int = 14
    password_length_second_factor: int = 8
    """Of accounts whose log-in asks for something else beside."""
    password_age: timedelta = timedelta(days=180)
    password_history: int = 10
    failures: int = 5
    """So many wrong passwords lock an account …"""
    locked_for: timedelta = timedelta(minutes=15)
    """… for so long."""
    unused_for: timedelta = timedelta(days=45)
    """An account that nobody used for so long is disabled."""
    session_idle: timedelta = timedelta(minutes=15)
    session_longest: timedelta = timedelta(hours=12)
    token_lasts: timedelta = timedelta(hours=1)
    """Of tokens that a service client asks for."""
    refresh_lasts: timedelta = timedelta(days=30)
    """An app that was let in for longer comes back within so long."""
    signing_key_lasts: timedelta = timedelta(days=90)
