"""`/switch`, `/lock`, `/unlock`, `/session`: a shared PC goes from hand to hand, and a person comes back to his page.

They work without script; with it (session.js) a person locks and comes back within the page he was writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hsba.access.coming_back.pins import Entered, OnShift
from hsba.access.coming_back.returning import SessionOver
from hsba.access.coming_back.unsent import LARGEST, Form
from hsba.access.problems import NotLoggedIn, ScreenCovered
from hsba.fhir.problems import Problem
from hsba.http import callers, gate
from hsba.http.web import visitor
from hsba.http.web.page import Page, render, show
from hsba.http.web.posted import guarded

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.access.coming_in.workstations import Station

REMEMBERED = 400
"""Days that a browser remembers to be a workstation: the most that browsers allow, renewed by every switch."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What `switch.html` shows."""

    station: Station
    people: tuple[OnShift, ...]
    person: OnShift | None
    """Who was chosen, and now types the PIN."""
    next: str
    problem: str


@dataclass(frozen=True, slots=True)
class Lock:
    """What `lock.html` shows."""

    name: str
    next: str
    station: str
    problem: str


async def switch(request: Request) -> Response:
    """Show the people of this shift; let one of them in by PIN, or by badge."""
    station = visitor.station(request)
    going = gate.after(request.query_params.get("next", "/"))
    if station is None:
        return RedirectResponse("/login", 303, visitor.UNCACHED)
    if request.method != "POST":
        return await _switch(request, station, request.query_params.get("person", ""), going)
    form = await visitor.form(request)
    going, account = gate.after(form.get("next", "/")), form.get("person", "")
    pins, where, before = visitor.ward(request).pins, visitor.where(request), visitor.kept(request)
    try:
        if "badge" in form:
            found = await pins.by_badge(station, form["badge"], where, before=before)
            if isinstance(found, OnShift):
                return await _switch(request, station, str(found.account), going)
        else:
            number = int(account) if account.isascii() and account.isdigit() and len(account) < 19 else 0
            found = await pins.switch(station, number, form.get("pin", ""), where, before=before)
    except Problem as refused:
        return await _switch(request, station, account, going, refused)
    return await _entered(request, found, going)


async def lock(request: Request) -> Response:
    """Cover this session; and show that it is covered."""
    caller = request.scope.get("hsba.caller")
    returning = visitor.ward(request).returning
    if request.method == "POST":
        if caller is None:
            raise NotLoggedIn
        form = await visitor.form(request)
        there = urlsplit(request.headers.get("referer", ""))
        place = form.get("next") or there.path + (f"?{there.query}" if there.query else "")
        await returning.cover(caller, gate.after(place), visitor.where(request))
        return visitor.go(request, "/lock")
    return await _lock(request, gate.after(request.query_params.get("next", "/")))


async def unlock(request: Request) -> Response:
    """Give the session back to its person, by PIN or password."""
    if request.method != "POST":
        return await lock(request)
    form = await visitor.form(request)
    going, returning, kept = (
        gate.after(form.get("next", "/")),
        visitor.ward(request).returning,
        visitor.kept(request),
    )
    try:
        await _same(request, form.get("as"))
        found = await returning.back(kept, form.get("typed", ""), visitor.where(request))
    except Problem as refused:
        if visitor.by_script(request):
            return visitor.refusal(request, refused)
        return await _lock(request, going, refused)
    return await _entered(request, found, going)


async def session(request: Request) -> Response:
    """Whether the session of a page still holds, for our script; asking keeps it alive."""
    caller = request.scope.get("hsba.caller")
    if not visitor.by_script(request):
        return RedirectResponse("/" if caller else "/login", 303, visitor.UNCACHED)
    if caller is not None and caller.covered:
        return visitor.refusal(request, ScreenCovered())
    try:
        await _same(request, request.query_params.get("as"))
    except Problem as refused:
        return visitor.refusal(request, refused)
    if caller is None:
        return visitor.refusal(request, SessionOver())
    return Response(None, 204, visitor.UNCACHED)


async def leave_unsent(request: Request) -> Response:
    """Keep what stands in a covered page while somebody else takes the PC over."""
    caller = visitor.caller(request)
    form = await visitor.form(request, longest=LARGEST)
    target = gate.after(form.get("target", ""))
    ward = visitor.ward(request)
    if target == "/" or target.startswith(gate.SECRETS) or caller.account is None:
        return Response(None, 204, visitor.UNCACHED)
    left = Form(target, form.get("body", "").encode())
    secret = await ward.unsent.keep(caller.account, left, lasts=ward.unsent.identity.rules.shift)
    answer = Response(None, 204, visitor.UNCACHED)
    return visitor.give(request, answer, secret, callers.unsent(caller.account))


async def _same(request: Request, login: str | None) -> None:
    """Refuse where the page was made for somebody else than whose session it now is."""
    if login is not None:
        whose = await visitor.ward(request).returning.login(visitor.kept(request))
        if whose != login:
            raise OtherPerson


class OtherPerson(Problem):
    """Somebody else is logged in here now; this page belongs to another person."""

    status, code = 409, "conflict"
    vi = "Nay người khác đang đăng nhập ở đây; trang này là của người trước."
    headers = {"HSBA-Session": "other"}  # noqa: RUF012 - as the class it comes from


async def _entered(request: Request, entered: Entered, going: str) -> Response:
    """Go on where the person was, with the new cookie; first to what could not be sent."""
    ward = visitor.ward(request)
    account = await ward.returning.whose(entered.secret)
    key = visitor.kept(request, callers.unsent(account))
    if going == "/":
        going = entered.place or "/"
    if await ward.unsent.read(account, key) is not None:
        going = "/unsent"
    answer = visitor.give(request, visitor.go(request, going), entered.secret)
    device = visitor.kept(request, callers.STATION)
    if device is not None and visitor.station(request) is not None:
        visitor.give(request, answer, device, callers.STATION, days=REMEMBERED)
    return answer


async def _switch(
    request: Request, station: Station, account: str, going: str, refused: Problem | None = None
) -> Response:
    shown = show(request)
    people = await visitor.ward(request).pins.on_shift(station, visitor.where(request).address)
    if not people and refused is None:
        return RedirectResponse("/login", 303, visitor.UNCACHED)
    person = next((one for one in people if str(one.account) == account), None)
    page = Switch(station, people, person, going, visitor.sentence(request, refused))
    return render(request, Page("switch.html", page, status=refused.status if refused else 200), shown)


async def _lock(request: Request, going: str, refused: Problem | None = None) -> Response:
    name = await visitor.ward(request).returning.who(visitor.kept(request))
    if not name:
        return RedirectResponse("/login", 303, visitor.UNCACHED)
    station = visitor.station(request)
    page = Lock(name, going, station.name if station else "", visitor.sentence(request, refused))
    answer = Page("lock.html", page, status=refused.status if refused else 200)
    return render(request, answer, show(request))


ROUTES = (
    Route("/switch", guarded(switch), methods=["GET", "POST"]),
    Route("/lock", guarded(lock), methods=["GET", "POST"]),
    Route("/unlock", guarded(unlock), methods=["GET", "POST"]),
    Route("/session", guarded(session)),
    Route("/session/unsent", guarded(leave_unsent), methods=["POST"]),
)
"""The pages of this file."""
