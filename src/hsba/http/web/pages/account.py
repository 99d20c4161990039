"""`/login`, `/logout`, `/password`, `/account`: coming, going, one's password and one's sessions.  They work without script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.administration import review
from hsba.access.coming_back.pins import HOLDERS
from hsba.access.factors import passkeys
from hsba.access.problems import PasswordsDiffer
from hsba.access.rights import grants
from hsba.fhir.problems import Problem
from hsba.http import gate
from hsba.http.web import posted, visitor, words
from hsba.http.web.page import Page, render, show
from hsba.http.web.pages import review as review_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from hsba.access.coming_in.login import LogIn as Doors
    from hsba.access.coming_in.login import Session
    from hsba.access.coming_in.own_factors import OwnFactors
    from hsba.access.coming_in.second_step import SecondStep
    from hsba.access.identity import Caller

BROWSERS = (
    ("Edg", "Edge"), ("CocCoc", "Cốc Cốc"), ("coc_coc", "Cốc Cốc"), ("Firefox", "Firefox"), ("OPR", "Opera"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
"""What a browser's own description holds, the first that fits, and what people call it."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """What `login.html` shows."""

    next: str
    """Where to go afterwards."""
    login: str
    """The name that was typed."""
    problem: str
    """Why it was refused; empty at first."""
    passkey: str
    """What a browser is asked for a log-in by passkey; empty where it cannot be."""
    waived: bool
    """Whether a password is enough for everybody here."""
    outside: str
    """The other house whose log-in is taken too; empty without one."""


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
    pin: bool
    """Whether this kind of account may have a PIN."""

    def device(self, session: Session) -> str:
        """The browser and the system of a session."""
        return device(session.agent)


def device(agent: str) -> str:
    """The browser and the system, as far as a browser's description of itself names them."""
    named = (next((name for sign, name in some if sign in agent), "") for some in (BROWSERS, SYSTEMS))
    return ", ".join(name for name in named if name)


async def login(request: Request) -> Response:
    """Show the log-in; open a session for who knows a password and go on to where he wanted to be."""
    if request.method != "POST":
        return log_in_page(request, gate.after(request.query_params.get("next", "/")))
    form = await visitor.form(request)
    going = gate.after(form.get("next", "/"))
    before = visitor.kept(request)
    doors = _doors(request)
    try:
        secret = await doors.log_in(
            form.get("login", ""), form.get("password", ""), visitor.where(request), before=before
        )
    except Problem as refused:
        return log_in_page(request, going, form.get("login", "")[:64], refused)
    return await posted.enter(request, going, secret)


async def logout(request: Request) -> Response:
    """End this session; with `everywhere`, all that the account has open."""
    form = await visitor.form(request)
    kept = visitor.kept(request)
    if "everywhere" in form:
        await _doors(request).log_out_everywhere(visitor.caller(request), visitor.where(request))
    elif kept is not None:
        await _doors(request).log_out(kept, visitor.where(request))
    return posted.go(request, "/login", "")


async def revoke(request: Request) -> Response:
    """End another of one's own sessions."""
    await _doors(request).revoke(
        visitor.caller(request), int(request.path_params["session"]), visitor.where(request)
    )
    return posted.go(request, "/account")


async def password(request: Request) -> Response:
    """Show what a new password needs; set it, end everything else that was open, and go on."""
    caller = visitor.caller(request)
    if request.method != "POST":
        return await _password(request, caller)
    form = await visitor.form(request)
    try:
        if form.get("new") != form.get("again"):
            raise PasswordsDiffer
        secret = await _doors(request).change_password(
            caller, form.get("old", ""), form.get("new", ""), visitor.where(request)
        )
    except Problem as refused:
        return await _password(request, caller, refused)
    return posted.go(request, posted.landing(caller, "/"), secret)


async def account(request: Request) -> Response:
    """One's own account and its open sessions."""
    caller = visitor.caller(request)
    sessions = tuple(await _doors(request).sessions(caller))
    app = request.app.state.services
    tenant = app.tenants.get()
    async with app.pool.reading(tenant.id) as tx:
        told = await grants.standing(tx, tenant.id, caller.actor.account, app.clock.now())
    titles = tuple(role.title for role in told.roles)
    overdue = caller.kind in review_page.KINDS and await _overdue(request)
    kind, pin = words.ACCOUNT_KIND[caller.kind], caller.kind in HOLDERS
    shown = Own(caller.actor.account, caller.name, kind, titles, sessions, overdue, pin)
    return render(request, Page("account.html", shown, section="account"), show(request))


async def _overdue(request: Request) -> bool:
    app = request.app.state.services
    tenant = app.tenants.get()
    async with app.pool.reading(tenant.id) as tx:
        return await review.overdue(tx, tenant.id, app.clock.now(), app.rules.review_months)


def log_in_page(request: Request, going: str, typed: str = "", refused: Problem | None = None) -> Response:
    """The page that asks for a name and a password, or for a passkey."""
    shown, here = show(request), passkeys.site(request.scope["hsba.root"])
    outside = request.app.state.services.outside
    step: SecondStep = request.app.state.second_step
    page = Page(
        "login.html",
        LogIn(
            going,
            typed,
            posted.sentence(refused, shown.language),
            step.alone(here) if here else "",
            _doors(request).identity.rules.second_factor_waived,
            outside.provider.name if outside else "",
        ),
        status=refused.status if refused else 200,
    )
    return render(request, page, shown)


async def _password(request: Request, caller: Caller, refused: Problem | None = None) -> Response:
    shown, rules = show(request), _doors(request).identity.rules
    own: OwnFactors = request.app.state.own_factors
    second = bool((await own.every(caller)).factors)
    told = Password(
        caller.actor.account,
        caller.must_change,
        rules.password_length_second_factor if second else rules.password_length,
        rules.password_age.days,
        posted.sentence(refused, shown.language),
    )
    page = Page("password.html", told, section="account", status=refused.status if refused else 200)
    return render(request, page, shown)


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.login
    return doors
