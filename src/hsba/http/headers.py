"""The headers of every answer, whoever gives it: what a browser may do with it, and that it comes by TLS only.

A page that says more about itself keeps its own words; nothing goes out without any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsba.http.messages import Header, Message, Send

ALWAYS: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
TLS: Header = (b"strict-transport-security", b"max-age=31536000")
"""For a year; not for the hosts below this one, which are not ours to speak for (RFC 6797)."""
BY_TLS: tuple[Header, ...] = (*ALWAYS, TLS)


def guarded(send: Send, *, secure: bool) -> Send:
    """Send answers with these headers, where they have none of the name themselves."""
    wanted = BY_TLS if secure else ALWAYS

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            named = {name for name, _ in headers}
            message["headers"] = [*headers, *(one for one in wanted if one[0] not in named)]
        await send(message)

    return sending
