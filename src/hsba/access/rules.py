"""What a hospital may decide about log-ins: settings that this room reads, strictest reading of the rules as default.

TCVN 14423:2026 and QĐ 326/QĐ-BYT for a system of level 2: see docs/how-to/accounts.md and docs/how-to/second-factor.md.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

INSIDE = tuple(
    ipaddress.ip_network(one)
    for one in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""This machine and the private ranges (RFC 1918, RFC 4193, RFC 4291 2.5.6)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of passwords, second factors, lock-outs, sessions and tokens."""

    password_length: int = 14
    password_length_second_factor: int = 8
    """Of accounts whose log-in asks for something else beside."""
    password_age: timedelta = timedelta(days=180)
    password_history: int = 10
    failures: int = 5
    """So many wrong passwords or codes lock an account …"""
    locked_for: timedelta = timedelta(minutes=15)
    """… for so long."""
    unused_for: timedelta = timedelta(days=45)
    """An account that nobody used for so long is disabled."""
    session_idle: timedelta = timedelta(minutes=15)
    session_longest: timedelta = timedelta(hours=12)
    shift: timedelta = timedelta(hours=12)
    """How long after a full log-in at a workstation a PIN brings the same person back there."""
    badge_alone: bool = False
    """Whether a badge needs no PIN."""
    token_lasts: timedelta = timedelta(hours=1)
    """Of tokens that a service client asks for."""
    inside: tuple[Network, ...] = INSIDE
    """From where a password alone is enough …"""
    second_factor: frozenset[str] = frozenset({"administrator", "security"})
    """… but not for these kinds of accounts."""
    second_factor_first_outside: bool = False
    """Whether an account may set up its first factor from outside, with a password that nobody handed it just now."""
    second_factor_waived: bool = False
    """Whether who has no factor is never asked for one: for practice with invented people."""
    half_open: timedelta = timedelta(minutes=5)
    """How long the second step of a log-in may take."""

    def is_inside(self, address: str) -> bool:
        """Whether an address is one of the hospital's; what is no address is not."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in one for one in self.inside)

    def demands_second_factor(self, kind: str, address: str) -> bool:
        """Whether an account of this kind, coming from there, must have a second factor."""
        return not self.second_factor_waived and (kind in self.second_factor or not self.is_inside(address))

    role_approval: str = "auto"
    """When a change of a role waits for a second person (access/administration/proposals.py)."""
    refresh_lasts: timedelta = timedelta(days=30)
    """An app that was let in for longer comes back within so long."""
    signing_key_lasts: timedelta = timedelta(days=90)
