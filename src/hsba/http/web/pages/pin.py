"""`/account/pin`: one's PIN and badge for the shared PCs; set, changed and given up by oneself only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.routing import Route

from hsba.access.coming_back.pins import HOLDERS, LONGEST, SHORTEST, NoPinForKind, Own
from hsba.access.coming_back.step_up import STRONG
from hsba.fhir.problems import BadRequest, Problem
from hsba.http.web import visitor
from hsba.http.web.page import Page, render, show
from hsba.http.web.pages import proving
from hsba.http.web.posted import guarded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

JUST_NOW = timedelta(minutes=5)
"""So long after a log-in by password a new PIN is taken without asking for it again."""
THINGS = ("pin", "badge")


class PinsDiffer(BadRequest):
    """The two PINs are not the same; nothing was changed."""

    code = "value"
    vi = "Hai lần nhập mã PIN không giống nhau; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Pin:
    """What `pin.html` shows."""

    own: Own
    shortest: int
    longest: int
    alone: bool
    """Whether a badge needs no PIN here."""
    problem: str


async def pin(request: Request) -> Response:
    """Show what is set; set a PIN or a badge, or give it up."""
    caller = visitor.caller(request)
    if caller.kind not in HOLDERS:
        raise NoPinForKind
    if request.method != "POST":
        return await _pin(request)
    form, pins, where = await visitor.form(request), visitor.ward(request).pins, visitor.where(request)
    thing = form.get("thing", "")
    if thing not in THINGS:
        raise BadRequest
    try:
        if "remove" in form:
            await pins.remove(caller, thing, where)
            return visitor.go(request, "/account/pin")
        if thing == "pin" and form.get("pin") != form.get("again"):
            raise PinsDiffer
        asked = await proving.proved(request, form, f"{thing}-set", by=STRONG, within=JUST_NOW)
        if asked is not None:
            return asked
        if thing == "pin":
            await pins.set_pin(caller, form.get("pin", ""), where)
        else:
            await pins.set_badge(caller, form.get("badge", ""), where)
    except Problem as refused:
        return await _pin(request, refused)
    return visitor.go(request, "/account/pin")


async def _pin(request: Request, refused: Problem | None = None) -> Response:
    pins = visitor.ward(request).pins
    own = await pins.own(visitor.caller(request))
    page = Pin(own, SHORTEST, LONGEST, pins.identity.rules.badge_alone, visitor.sentence(request, refused))
    answer = Page("pin.html", page, section="account", status=refused.status if refused else 200)
    return render(request, answer, show(request))


ROUTES = (Route("/account/pin", guarded(pin), methods=["GET", "POST"]), *proving.ROUTES)
"""The pages of this file, and the part that asks for a proof."""
