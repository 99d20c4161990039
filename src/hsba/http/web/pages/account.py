"""`/login`, `/logout`, `/password`, `/account`: coming, going, one's password and one's sessions.  They work without script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from hsba.access import grants, review
from hsba.access.identity import CARE
from hsba.access.login import From
from hsba.access.problems import NotLoggedIn, PasswordsDiffer
from hsba.fhir.problems import Problem
from hsba.http import callers, gate, limits
from hsba.http.messages import join_headers, read_pairs
from hsba.http.web import words
from hsba.http.web.page import Page, keep_choice, problem, render, show
from hsba.http.web.pages import review as review_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from hsba.access.identity import Caller
    from hsba.access.login import LogIn as Doors
    from hsba.access.login import Session

BROWSERS = (
    ("Edg", "Edge"), ("CocCoc", "Cốc Cốc"), ("coc_coc", "Cốc Cốc"), ("Firefox", "Firefox"), ("OPR", "Opera"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
"""What a browser's own description holds, the first that fits, and what people call it."""
LONGEST = 16 * 1024
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LogIn:
    """What `login.html` shows."""

    next: str
    """Where to go afterwards."""
    login: str
    """The name that was typed."""
    problem: str
    """Why it was refused; empty at first."""


@dataclass(frozen=True, slots=True)
class Password:
    """What `password.html` shows."""

    login: str
    forced: bool
    """Whether nothing else may be done before."""
    least: int
    """How many characters it must have."""
    days: int
    problem: str


@dataclass(frozen=True, slots=True)
class Own:
    """What `account.html` shows."""

    login: str
    name: str
    kind: str
    roles: tuple[str, ...]
    sessions: tuple[Session, ...]
    overdue: bool
    """Whether the list of accounts waits to be confirmed, by who must do it."""

    def device(self, session: Session) -> str:
        """The browser and the system of a session, as far as it names them."""
        named = (
            next((name for sign, name in some if sign in session.agent), "") for some in (BROWSERS, SYSTEMS)
        )
        return ", ".join(name for name in named if name)


def guarded(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A page of this file: a change of language first, and a problem becomes a page."""

    async def answer(request: Request) -> Response:
        try:
            if request.method == "GET" and (kept := keep_choice(request)) is not None:
                return kept
            return await handler(request)
        except Exception as exc:  # noqa: BLE001 - the one place where an error becomes a page
            return problem(request, exc)

    return answer


async def login(request: Request) -> Response:
    """Show the log-in; open a session for who knows a password and go on to where he wanted to be."""
    if request.method != "POST":
        return _login(request, gate.after(request.query_params.get("next", "/")))
    form = await _form(request)
    going = gate.after(form.get("next", "/"))
    headers = join_headers(request.scope["headers"])
    before = callers.cookie(headers, secure=_secure(request))
    doors = _doors(request)
    try:
        secret = await doors.log_in(
            form.get("login", ""), form.get("password", ""), _from(request), before=before
        )
    except Problem as refused:
        return _login(request, going, form.get("login", "")[:64], refused)
    caller = await doors.identity.caller(None, secret)
    if going == "/" and caller is not None and caller.kind not in CARE:
        going = "/account"
    return _go(request, going, secret)


async def logout(request: Request) -> Response:
    """End this session; with `everywhere`, all that the account has open."""
    form = await _form(request)
    kept = callers.cookie(join_headers(request.scope["headers"]), secure=_secure(request))
    if "everywhere" in form:
        await _doors(request).log_out_everywhere(_caller(request), _from(request))
    elif kept is not None:
        await _doors(request).log_out(kept, _from(request))
    return _go(request, "/login", "")


async def revoke(request: Request) -> Response:
    """End another of one's own sessions."""
    await _doors(request).revoke(_caller(request), int(request.path_params["session"]), _from(request))
    return _go(request, "/account")


async def password(request: Request) -> Response:
    """Show what a new password needs; set it, end everything else that was open, and go on."""
    caller = _caller(request)
    if request.method != "POST":
        return _password(request, caller)
    form = await _form(request)
    try:
        if form.get("new") != form.get("again"):
            raise PasswordsDiffer
        secret = await _doors(request).change_password(
            caller, form.get("old", ""), form.get("new", ""), _from(request)
        )
    except Problem as refused:
        return _password(request, caller, refused)
    return _go(request, "/" if caller.kind in CARE else "/account", secret)


async def account(request: Request) -> Response:
    """One's own account and its open sessions."""
    caller = _caller(request)
    sessions = tuple(await _doors(request).sessions(caller))
    app = request.app.state.services
    tenant = app.tenants.get()
    async with app.pool.reading(tenant.id) as tx:
        told = await grants.standing(tx, tenant.id, caller.actor.account, app.clock.now())
    titles = tuple(role.title for role in told.roles)
    overdue = caller.kind in review_page.KINDS and await _overdue(request)
    shown = Own(caller.actor.account, caller.name, words.ACCOUNT_KIND[caller.kind], titles, sessions, overdue)
    return render(request, Page("account.html", shown, section="account"), show(request))


async def _overdue(request: Request) -> bool:
    app = request.app.state.services
    tenant = app.tenants.get()
    async with app.pool.reading(tenant.id) as tx:
        return await review.overdue(tx, tenant.id, app.clock.now(), app.rules.review_months)


def _login(request: Request, going: str, typed: str = "", refused: Problem | None = None) -> Response:
    shown = show(request)
    page = Page(
        "login.html",
        LogIn(going, typed, _sentence(refused, shown.language)),
        status=refused.status if refused else 200,
    )
    return render(request, page, shown)


def _password(request: Request, caller: Caller, refused: Problem | None = None) -> Response:
    shown, rules = show(request), _doors(request).identity.rules
    told = Password(
        caller.actor.account,
        caller.must_change,
        rules.password_length,
        rules.password_age.days,
        _sentence(refused, shown.language),
    )
    page = Page("password.html", told, section="account", status=refused.status if refused else 200)
    return render(request, page, shown)


def _sentence(refused: Problem | None, language: str) -> str:
    if refused is None:
        return ""
    return refused.sentence_vi if language == "vi" else refused.sentence


def _go(request: Request, going: str, secret: str | None = None) -> Response:
    """Go on to another page, with a new session's cookie or (an empty secret) without any."""
    answer = RedirectResponse(going, 303, {"cache-control": "no-store"})
    if secret is not None:
        answer.headers.append("set-cookie", callers.set_cookie(secret, secure=_secure(request)))
    return answer


async def _form(request: Request) -> dict[str, str]:
    headers = join_headers(request.scope["headers"])
    return dict(read_pairs(await limits.read_body(request.receive, headers, limit=LONGEST, seconds=SECONDS)))


def _caller(request: Request) -> Caller:
    caller: Caller | None = request.scope.get("hsba.caller")
    if caller is None:
        raise NotLoggedIn
    return caller


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.login
    return doors


def _secure(request: Request) -> bool:
    return bool(request.scope["hsba.secure"])


def _from(request: Request) -> From:
    return From(request.scope["hsba.address"], request.headers.get("user-agent", ""))
