"""The gate before the pages: whatever address is not named open needs somebody who is logged in.

A page that is added tomorrow stands behind it without a word of its own.  A request that changes something must come from
a page of ours, logged in or not: so nobody is logged in as somebody else behind his back.  What somebody wrote when his
session had ended is kept for him, until he has logged in again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from hsba.access.coming_back.unsent import LARGEST, Form
from hsba.access.problems import OutsideHours
from hsba.http import callers, errors, limits
from hsba.http.messages import Answer, join_headers

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from hsba.access.coming_back.ward import Ward
    from hsba.fhir.problems import Problem
    from hsba.http.app import Options, Services
    from hsba.http.messages import Header, Receive, Scope, Send

COMING = frozenset({"/login", "/login/passkey", "/login/second", "/lock", "/session", "/switch", "/unlock"})
"""How people come in, and back."""
PROGRAMS = frozenset(
    {
        "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth/introspect",
        "/oauth/jwks.json", "/oauth/revoke", "/oauth/token", "/oauth/userinfo",
    }
)  # fmt: skip
"""Answers to programs, which send their own secret, or ask what anybody may, and no cookie."""
PROGRAMS_AT = "/fhir/.well-known/smart-configuration"
"""The same, at the end of the address of every record."""
ENDED = "/outside-hours"
"""The page that says why a session ended, in place of the one that was asked for."""
OPEN = (
    COMING
    | PROGRAMS
    | {"/healthz", "/readyz", "/metrics", "/login/outside", "/login/outside/callback", ENDED}
)
OPEN_BELOW = ("/assets/", "/verify/")
"""What is answered without log-in: health, figures, the log-in itself, files, and of a print what it is: no patient data."""
OWN = frozenset({"/password", "/logout"})
"""What may be done before a password that must be changed is changed."""
COVERED = COMING | {"/logout", "/session/unsent"}
"""What may be done while the screen is locked."""
SECRETS = (
    "/account",
    "/lock",
    "/login",
    "/logout",
    "/password",
    "/session",
    "/switch",
    "/unlock",
    "/workstation",
)
"""Pages whose forms hold secrets or nothing: what was typed there is not kept."""
UNSENT = "/unsent"
SESSION = b"hsba-session"
"""The header that tells a script of ours why it is refused: the session is `covered`, or it has `ended`."""
FORM = b"application/x-www-form-urlencoded"
SECONDS = 30.0

_NEXT = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]*\Z")


class Gate:
    """The pages, behind their gate."""

    def __init__(self, pages: Starlette, services: Services, options: Options) -> None:
        """Stand before these pages."""
        self._pages = pages
        self._services = services
        self._options = options
        self._ward: Ward = pages.state.ward

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
                if path not in OPEN or path in COMING:
                    kept = callers.cookie(headers, secure=secure)
                    caller = await self._services.identity.caller(None, kept)
                    device = callers.cookie(headers, secure=secure, name=callers.STATION)
                    if device is not None:
                        found = await self._ward.stations.known(device, scope["hsba.address"])
                        scope["hsba.station"] = found
                scope["hsba.caller"] = caller
                # Who leaves after his session was idle ends it: it could be come back to.
                leaving = path == "/logout" and method == "POST"
                if (caller is None and path not in OPEN and not leaving) or (
                    caller is not None and caller.covered and path not in COVERED
                ):
                    return await self._away(scope, receive, headers)
                tenant = self._services.tenants.get()
                if caller is not None and not caller.covered and caller.belongs(tenant.id):
                    await self._services.welcome(caller, tenant)
                    await self._services.look_out(caller, tenant)
                if caller is not None and caller.must_change and path not in OPEN | OWN:
                    return Answer(303, b"", [(b"location", b"/password"), (b"cache-control", b"no-store")])
        except OutsideHours as ended:
            if b"hx-request" in headers:
                return Answer(403, b"", [(b"hx-redirect", ENDED.encode()), (b"cache-control", b"no-store")])
            scope = {
                **scope,
                "path": ENDED,
                "raw_path": ENDED.encode(),
                "hsba.caller": None,
                "hsba.ended": ended,
            }
        except Exception as exc:  # noqa: BLE001 - whatever went wrong, nobody passes
            return _refusal(errors.as_problem(exc, ""))
        await self._pages(scope, receive, send)
        return None

    async def _away(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> Answer:
        """To where one comes in or back, and from there to what was asked for; nothing that was written is lost.

        A script is told why, so that it asks in its page; a fragment of a page that nobody was logged in to takes its page along.
        """
        found: list[Header] = [(b"cache-control", b"no-store"), (b"vary", b"cookie")]
        caller = scope["hsba.caller"]
        kept = callers.cookie(headers, secure=scope["hsba.secure"])
        by_script = b"hx-request" in headers or headers.get(b"sec-fetch-dest") == b"empty"
        if by_script and kept is not None:
            return Answer(401, b"", [*found, (SESSION, b"ended" if caller is None else b"covered")])
        door = "/login"
        if caller is not None:
            door = "/lock"
        elif scope.get("hsba.station") is not None:
            door = "/switch"
        if b"hx-request" in headers:
            current = urlsplit(headers.get(b"hx-current-url", b"").decode("latin-1"))
            target = _door(door, current.path, current.query)
            return Answer(401, b"", [*found, (b"hx-redirect", target)])
        # What is kept already stays where it is.
        if scope["method"] in callers.SAFE or scope["path"] == UNSENT:
            target = _door(door, scope["path"], scope["query_string"].decode("latin-1"))
        elif (cookie := await self._keep(scope, receive, headers, kept)) is not None:
            target = _door(door, UNSENT, "")
            found.append((b"set-cookie", cookie.encode()))
        else:
            target = door.encode()
        return Answer(303, b"", [*found, (b"location", target)])

    async def _keep(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], kept: str | None
    ) -> str | None:
        """Keep the form that met an ended session; answers the cookie for it. Nothing is kept of who never had a session here."""
        account = await self._ward.returning.whose(kept)
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if account is None or kind != FORM or scope["path"].startswith(SECRETS):
            return None
        body = await limits.read_body(receive, headers, limit=LARGEST, seconds=SECONDS)
        query = scope["query_string"].decode("latin-1")
        target = after(quote(scope["path"]) + (f"?{query}" if query else ""))
        if not body:
            return None
        secret = await self._ward.unsent.keep(account, Form(target, body))
        return callers.set_cookie(secret, secure=scope["hsba.secure"], name=callers.unsent(account))


def after(text: str) -> str:
    """Where to go after the log-in: an address of this server; anything else is the first page."""
    away = ("/login", "/logout", "/lock", "/switch", "/unlock", "/session")
    return text if _NEXT.match(text) and not text.startswith(away) else "/"


def _door(door: str, path: str, query: str) -> bytes:
    there = after(quote(path) + (f"?{query}" if query else ""))
    return door.encode() if there == "/" else f"{door}?next=".encode() + quote(there, safe="/").encode()


def _refusal(problem: Problem) -> Answer:
    text = f"{problem.sentence_vi}\n{problem.sentence}\n".encode()
    found = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    return Answer(problem.status, text, [*found, *errors.headers(problem)])
