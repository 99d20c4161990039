"""`/unsent`: what somebody wrote when the session had ended, shown again after the log-in, to be sent on or thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hsba.access.coming_back.unsent import LARGEST
from hsba.fhir.problems import NotFound
from hsba.http import callers
from hsba.http.messages import read_pairs
from hsba.http.web import visitor
from hsba.http.web.page import Page, render, show
from hsba.http.web.posted import guarded

if TYPE_CHECKING:
    from starlette.requests import Request


class NothingKept(NotFound):
    """Nothing that you could not send is kept here any more."""

    vi = "Ở đây không còn giữ gì mà bạn chưa gửi được."


@dataclass(frozen=True, slots=True)
class Unsent:
    """What `unsent.html` shows."""

    target: str
    fields: tuple[tuple[str, str], ...]


async def unsent(request: Request) -> Response:
    """Show what was kept; sending goes on to its page with the very same fields."""
    account = visitor.caller(request).account
    keeping, name = visitor.ward(request).unsent, callers.unsent(account)
    key = visitor.kept(request, name)
    found = await keeping.read(account, key)
    if found is None:
        raise NothingKept
    if request.method != "POST":
        page = Unsent(found.target, tuple(read_pairs(found.body)))
        return render(request, Page("unsent.html", page), show(request))
    form = await visitor.form(request, longest=2 * LARGEST)
    await keeping.drop(account, key)
    # 307 has the browser send the same fields again, to where they were meant for.
    answer = RedirectResponse("/", 303) if "discard" in form else RedirectResponse(found.target, 307)
    return visitor.give(request, answer, "", name)


ROUTES = (Route("/unsent", guarded(unsent), methods=["GET", "POST"]),)
"""The pages of this file."""
