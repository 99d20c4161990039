"""The gate before the pages: whatever address is not named open needs somebody who is logged in.

A page that is added tomorrow stands behind it without a word of its own.  A request that changes something must come from
a page of ours, logged in or not: so nobody is logged in as somebody else behind his back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from hsba.http import callers, errors
from hsba.http.messages import Answer, join_headers

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from hsba.fhir.problems import Problem
    from hsba.http.app import Options, Services
    from hsba.http.messages import Header, Receive, Scope, Send

PROGRAMS = frozenset(
    {
        "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth/introspect",
        "/oauth/jwks.json", "/oauth/revoke", "/oauth/token", "/oauth/userinfo",
    }
)  # fmt: skip
"""Answers to programs, which send their own secret, or ask what anybody may, and no cookie."""
PROGRAMS_AT = "/fhir/.well-known/smart-configuration"
"""The same, at the end of the address of every record."""
OPEN = PROGRAMS | {"/healthz", "/readyz", "/metrics", "/login", "/login/outside", "/login/outside/callback"}
OPEN_BELOW = "/assets/"
"""What is answered without log-in: health, figures, the log-in itself, and files that hold no patient data."""
OWN = frozenset({"/password", "/logout"})
"""What may be done before a password that must be changed is changed."""

_NEXT = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]*\Z")


class Gate:
    """The pages, behind their gate."""

    def __init__(self, pages: Starlette, services: Services, options: Options) -> None:
        """Stand before these pages."""
        self._pages = pages
        self._services = services
        self._options = options

    async def answer(self, scope: Scope, receive: Receive, root: str, send: Send) -> Answer | None:
        """Let the pages answer; or answer oneself, for who may not pass."""
        path, method = scope["path"], scope["method"]
        headers = join_headers(scope["headers"])
        secure = root.startswith("https:") or self._options.behind_tls
        scope["hsba.root"], scope["hsba.secure"] = root, secure
        scope["hsba.address"] = callers.address(scope["client"], headers, self._options.trusted_proxies)
        try:
            programs = path in PROGRAMS or path.endswith(PROGRAMS_AT)
            if method not in callers.SAFE and not programs:
                callers.check_origin(headers, root, unsafe=True)
            if not programs and not path.startswith(OPEN_BELOW):
                caller = None
                if path not in OPEN or path == "/login":
                    kept = callers.cookie(headers, secure=secure)
                    caller = await self._services.identity.caller(None, kept)
                scope["hsba.caller"] = caller
                if caller is None and path not in OPEN:
                    return _to_login(scope, headers)
                if caller is not None and caller.must_change and path not in OPEN | OWN:
                    return Answer(303, b"", [(b"location", b"/password"), (b"cache-control", b"no-store")])
        except Exception as exc:  # noqa: BLE001 - whatever went wrong, nobody passes
            return _refusal(errors.as_problem(exc, ""))
        await self._pages(scope, receive, send)
        return None


def after(text: str) -> str:
    """Where to go after the log-in: an address of this server; anything else is the first page."""
    return text if _NEXT.match(text) and not text.startswith(("/login", "/logout")) else "/"


def _to_login(scope: Scope, headers: dict[bytes, bytes]) -> Answer:
    """To the log-in, and back from there to what was asked for; a fragment of a page takes its page along."""
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    found: list[Header] = [(b"cache-control", b"no-store"), (b"vary", b"cookie")]
    if b"hx-request" in headers:
        current = urlsplit(headers.get(b"hx-current-url", b"").decode("latin-1"))
        target = _login(current.path, current.query)
        return Answer(401, b"", [*found, (b"hx-redirect", target)])
    target = _login(path, query) if scope["method"] in callers.SAFE else b"/login"
    return Answer(303, b"", [*found, (b"location", target)])


def _login(path: str, query: str) -> bytes:
    there = after(quote(path) + (f"?{query}" if query else ""))
    return b"/login" if there == "/" else b"/login?next=" + quote(there, safe="/").encode()


def _refusal(problem: Problem) -> Answer:
    text = f"{problem.sentence_vi}\n{problem.sentence}\n".encode()
    found = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    return Answer(problem.status, text, [*found, *errors.headers(problem)])
