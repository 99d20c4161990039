"""`/outside-hours`: why a session ended, in place of the page that was asked for; what was typed is given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from hsba.access.problems import OutsideHours
from hsba.http.gate import ENDED
from hsba.http.web.forms import form
from hsba.http.web.page import Page, render, show

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

SECRET = ("again", "code", "new", "old", "pass", "pin", "secret", "token")
"""What the names of fields begin with whose content is never shown again."""
TYPED = 10
"""Fewer characters are sooner typed again than copied."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What `hours.html` shows."""

    hours: str
    """The hours of the account, where it has some."""
    typed: tuple[str, ...]
    """What was sent with the request that came too late, to be copied."""


async def ended(request: Request) -> Response:
    """Say why, and give back what was typed."""
    told: OutsideHours = request.scope.get("hsba.ended", OutsideHours())
    sent = await form(request)
    typed = tuple(
        text for name, text in sent.items() if len(text) >= TYPED and not name.lower().startswith(SECRET)
    )
    return render(request, Page("hours.html", Ended(told.detail, typed), status=told.status), show(request))


ROUTES = (Route(ENDED, ended, methods=["GET", "POST"]),)
