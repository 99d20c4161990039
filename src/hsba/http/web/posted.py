"""What the pages of log-ins and of one's own account share: the form that was sent, who sent it, and where to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from hsba.access.administration.office import ADMINISTRATOR, OFFICER
from hsba.access.identity import CARE
from hsba.access.ports import Happening
from hsba.fhir.problems import Forbidden
from hsba.http import callers
from hsba.http.web.page import after_telling, keep_choice, problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from hsba.access.coming_in.login import LogIn
    from hsba.access.identity import Caller
    from hsba.fhir.problems import Problem

SECOND_STEP = "/login/second"


def guarded(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Such a page: a change of language first, and a problem becomes a page."""

    async def answer(request: Request) -> Response:
        try:
            if request.method == "GET" and (kept := keep_choice(request)) is not None:
                return kept
            return await handler(request)
        except Exception as exc:  # noqa: BLE001 - the one place where an error becomes a page
            telling = _tell(request, exc) if isinstance(exc, Forbidden) else None
            return problem(request, await after_telling(exc, telling))

    return answer


async def _tell(request: Request, refused: Problem) -> None:
    """Note who was refused which page."""
    who: Caller | None = request.scope.get("hsba.caller")
    if who is None:
        return
    told = Happening(
        "door-refuse",
        who.actor.account,
        subject=f"{request.method} {request.url.path}",
        refused=True,
        reason=type(refused).__name__,
        address=request.scope["hsba.address"] or None,
        workstation=who.actor.workstation,
    )
    identity = request.app.state.services.identity
    async with identity.connect() as tx:
        await identity.witness.tell(tx, told)


def sentence(refused: Problem | None, language: str) -> str:
    """Why it was refused, as the page says it; empty where it was not."""
    if refused is None:
        return ""
    return refused.sentence_vi if language == "vi" else refused.sentence


async def enter(request: Request, going: str, secret: str) -> Response:
    """Go on with a new session; or to the second step, where this is none yet."""
    doors: LogIn = request.app.state.login
    found = await doors.identity.caller(None, secret)
    if found is None:
        there = SECOND_STEP if going == "/" else f"{SECOND_STEP}?{urlencode({'next': going}, safe='/')}"
        return go(request, there, secret)
    return go(request, landing(found, going), secret)


def landing(found: Caller, going: str) -> str:
    """Where somebody arrives who asked for nothing in particular."""
    if going != "/" or found.kind in CARE:
        return going
    return "/admin" if found.kind in (ADMINISTRATOR, OFFICER) else "/account"


def go(request: Request, going: str, secret: str | None = None) -> Response:
    """Go on to another page, with a new session's cookie or (an empty secret) without any."""
    return with_cookie(request, RedirectResponse(going, 303, {"cache-control": "no-store"}), secret)


def with_cookie(request: Request, answer: Response, secret: str | None) -> Response:
    """An answer with a new session's cookie or (an empty secret) one that takes it away."""
    if secret is not None:
        answer.headers.append("set-cookie", callers.set_cookie(secret, secure=_secure(request)))
    return answer


def _secure(request: Request) -> bool:
    return bool(request.scope["hsba.secure"])
