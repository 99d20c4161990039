"""What pages outside the record ask of a request: its form, its cookies, who sends it from where; and where it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from hsba.access.coming_in.login import From
from hsba.access.problems import NotLoggedIn
from hsba.http import callers
from hsba.http.messages import join_headers
from hsba.http.web.forms import form
from hsba.http.web.page import chosen

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.access.coming_back.ward import Ward
    from hsba.access.coming_in.workstations import Station
    from hsba.access.identity import Caller
    from hsba.fhir.problems import Problem

SCRIPT = "hsba-script"
"""The header by which our own script asks; it is answered in few words and not with a page."""
UNCACHED = {"cache-control": "no-store"}


def caller(request: Request) -> Caller:
    """Who is logged in."""
    found: Caller | None = request.scope.get("hsba.caller")
    if found is None:
        raise NotLoggedIn
    return found


def station(request: Request) -> Station | None:
    """The registered workstation that this browser is."""
    found: Station | None = request.scope.get("hsba.station")
    return found


def ward(request: Request) -> Ward:
    """What the room of access keeps for shared PCs."""
    found: Ward = request.app.state.ward
    return found


def where(request: Request) -> From:
    """Where a log-in comes from."""
    return From(request.scope["hsba.address"], request.headers.get("user-agent", ""), station(request))


def kept(request: Request, name: str = callers.COOKIE) -> str | None:
    """What one of our cookies holds."""
    headers = join_headers(request.scope["headers"])
    return callers.cookie(headers, secure=bool(request.scope["hsba.secure"]), name=name)


def by_script(request: Request) -> bool:
    """Whether our own script asks, from within a page."""
    return SCRIPT in request.headers


def sentence(request: Request, refused: Problem | None) -> str:
    """A problem's sentence in the reader's language; nothing for none."""
    if refused is None:
        return ""
    return refused.sentence_vi if chosen(request, "lang") == "vi" else refused.sentence


def go(request: Request, going: str) -> Response:
    """Go on to another page; a script that asked from within one stays where it is."""
    if by_script(request):
        return Response(None, 204, UNCACHED)
    return RedirectResponse(going, 303, UNCACHED)


def refusal(request: Request, refused: Problem) -> Response:
    """A problem for our own script: its sentence, and the header that says what to do."""
    headers = {
        **UNCACHED,
        **{name: value for name, value in refused.headers.items() if name.startswith("HSBA-")},
    }
    return PlainTextResponse(sentence(request, refused), refused.status, headers)


def give(
    request: Request, answer: Response, secret: str, name: str = callers.COOKIE, *, days: int = 0
) -> Response:
    """Give the browser a cookie with an answer; an empty secret takes it away."""
    secure = bool(request.scope["hsba.secure"])
    answer.headers.append("set-cookie", callers.set_cookie(secret, secure=secure, name=name, days=days))
    return answer


__all__ = [
    "by_script", "caller", "form", "give", "go", "kept", "refusal", "sentence", "station", "ward", "where",
]  # fmt: skip
