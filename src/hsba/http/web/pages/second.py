"""`/login/second`, `/login/passkey`, `/account/second-factors`: the second step of a log-in, and one's own second factors.

Codes of an app work without script; passkeys are added by `passkey.js` to forms that are hidden without it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno
from markupsafe import Markup
from starlette.routing import Route

from hsba.access.coming_in.enrolling import Proof
from hsba.access.coming_in.second_step import holder
from hsba.access.factors import passkeys
from hsba.access.problems import SecondStepEnded, WrongCode
from hsba.fhir.problems import Problem
from hsba.http import gate
from hsba.http.web import posted, visitor
from hsba.http.web.i18n import mark
from hsba.http.web.page import Page, render, show
from hsba.http.web.pages.account import log_in_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from hsba.access.coming_in.enrolling import Offer
    from hsba.access.coming_in.half_open import HalfOpen
    from hsba.access.coming_in.own_factors import OwnFactors
    from hsba.access.coming_in.second_step import SecondStep
    from hsba.access.factors.passkeys import Site
    from hsba.access.factors.second_factor import Factor

KIND = {"passkey": mark("passkey"), "totp": mark("authenticator app")}
FACTORS = "/account/second-factors"
NEW = FACTORS + "/new"


@dataclass(frozen=True, slots=True)
class Second:
    """What `second.html` shows."""

    next: str
    """Where to go afterwards."""
    passkey: str
    """What the browser is asked; empty where the account has no passkey for this server."""
    minutes: int
    problem: str


@dataclass(frozen=True, slots=True)
class Enrol:
    """What `enrol.html` shows."""

    forced: bool
    """Whether it is part of a log-in, and nothing else may be done before."""
    action: str
    """Where the forms go."""
    next: str
    picture: Markup
    typed: str
    sealed: str
    passkey: str
    """What the browser is asked; empty where it cannot make a passkey for this server."""
    problem: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `recovery.html` shows."""

    login: str
    codes: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Factors:
    """What `factors.html` shows."""

    factors: tuple[Factor, ...]
    codes_left: int
    demanded: bool
    problem: str
    kinds: dict[str, str]


# --- the second step of a log-in --------------------------------------------------------------------------------


async def second(request: Request) -> Response:
    """Ask for the second step, or for the first factor to be set up; go on for who has it."""
    step = _step(request)
    if request.method != "POST":
        going = gate.after(request.query_params.get("next", "/"))
        try:
            half = await step.begun(visitor.kept(request))
        except SecondStepEnded:
            return posted.go(request, "/login")
        return await _asked(request, half, going)
    form = await visitor.form(request)
    going = gate.after(form.get("next", "/"))
    try:
        half = await step.begun(visitor.kept(request))
        if half.enrols:
            return await _first(request, half, going, form)
        try:
            secret = await _tried(request, form)
        except WrongCode as refused:
            return await _asked(request, half, going, refused)
    except SecondStepEnded as ended:
        return log_in_page(request, going, "", ended)
    return await posted.enter(request, going, secret)


async def alone(request: Request) -> Response:
    """Open a session for who has a passkey, without a password."""
    if request.method != "POST":
        return posted.go(request, "/login")
    form = await visitor.form(request)
    going, here = gate.after(form.get("next", "/")), _site(request)
    try:
        if here is None:
            raise WrongCode
        secret = await _step(request).by_passkey_alone(
            form.get("credential", ""), here, visitor.where(request), before=visitor.kept(request)
        )
    except WrongCode as refused:
        return log_in_page(request, going, "", refused)
    return await posted.enter(request, going, secret)


async def _tried(request: Request, form: dict[str, str]) -> str:
    """Try what was sent as a second step."""
    step, kept, where = _step(request), visitor.kept(request), visitor.where(request)
    here = _site(request)
    if form.get("credential") and here is not None:
        return await step.by_passkey(kept, form["credential"], here, where)
    return await step.by_code(kept, form.get("code", ""), where)


async def _first(request: Request, half: HalfOpen, going: str, form: dict[str, str]) -> Response:
    """Set up the first factor in a log-in; the recovery codes are shown once."""
    step = _step(request)
    try:
        entered = await step.enrol(visitor.kept(request), _proof(request, form), visitor.where(request))
    except SecondStepEnded:
        raise
    except Problem as refused:
        return await _asked(request, half, going, refused, form.get("sealed", ""))
    caller = await step.identity.caller(None, entered.secret)
    there = posted.landing(caller, going) if caller is not None else going
    shown = Recovery(half.login, entered.codes, there)
    return posted.with_cookie(
        request, render(request, Page("recovery.html", shown), show(request)), entered.secret
    )


async def _asked(
    request: Request, half: HalfOpen, going: str, refused: Problem | None = None, sealed: str = ""
) -> Response:
    """The page of the second step; where the account has no factor yet, the one that sets it up."""
    step, here, shown = _step(request), _site(request), show(request)
    why, status = posted.sentence(refused, shown.language), refused.status if refused else 200
    if half.enrols:
        offer = step.enrolling.offer(holder(half), _host(request), sealed)
        options = await step.new_passkey(half, here) if here else ""
        told = _enrol(offer, options, why, going=going, action=posted.SECOND_STEP, forced=True)
        return render(request, Page("enrol.html", told, status=status), shown)
    options = await step.options(half, here) if here else ""
    minutes = int(step.identity.rules.half_open.total_seconds() // 60)
    return render(request, Page("second.html", Second(going, options, minutes, why), status=status), shown)


# --- one's own factors ------------------------------------------------------------------------------------------


async def factors(request: Request) -> Response:
    """One's own second factors."""
    return await _factors(request)


async def new(request: Request) -> Response:
    """Offer another factor; keep it for who shows that it works and knows the password."""
    own, caller = _own(request), visitor.caller(request)
    form = await visitor.form(request) if request.method == "POST" else {}
    refused = None
    if form:
        try:
            added = await own.add(
                caller, form.get("password", ""), _proof(request, form), visitor.where(request)
            )
        except Problem as problem:
            refused = problem
        else:
            if not added.codes:
                return posted.go(request, FACTORS, added.secret)
            told = Recovery(caller.actor.account, added.codes, FACTORS)
            page = render(request, Page("recovery.html", told, section="account"), show(request))
            return posted.with_cookie(request, page, added.secret)
    here, shown = _site(request), show(request)
    offer = own.offer(caller, _host(request), form.get("sealed", ""))
    options = await own.passkey_options(caller, here) if here else ""
    why = posted.sentence(refused, shown.language)
    told_new = _enrol(offer, options, why, going=FACTORS, action=NEW, forced=False)
    status = refused.status if refused else 200
    return render(request, Page("enrol.html", told_new, section="account", status=status), shown)


async def change(request: Request) -> Response:
    """Rename one of one's own factors, or remove it."""
    own, caller, factor = _own(request), visitor.caller(request), int(request.path_params["factor"])
    form = await visitor.form(request)
    if form.get("act") == "rename":
        await own.rename(caller, factor, form.get("name", ""))
        return posted.go(request, FACTORS)
    try:
        await own.remove(caller, factor, form.get("password", ""), visitor.where(request))
    except Problem as refused:
        return await _factors(request, refused)
    return posted.go(request, FACTORS)


async def codes(request: Request) -> Response:
    """Make new recovery codes and show them, once."""
    caller, form = visitor.caller(request), await visitor.form(request)
    try:
        made = await _own(request).renew_codes(caller, form.get("password", ""), visitor.where(request))
    except Problem as refused:
        return await _factors(request, refused)
    told = Recovery(caller.actor.account, made, FACTORS)
    return render(request, Page("recovery.html", told, section="account"), show(request))


async def _factors(request: Request, refused: Problem | None = None) -> Response:
    caller, own, shown = visitor.caller(request), _own(request), show(request)
    found = await own.every(caller)
    rules, where = own.identity.rules, visitor.where(request)
    told = Factors(
        found.factors,
        found.codes_left,
        rules.demands_second_factor(caller.kind, where.address),
        posted.sentence(refused, shown.language),
        KIND,
    )
    status = refused.status if refused else 200
    return render(request, Page("factors.html", told, section="account", status=status), shown)


# --- below ------------------------------------------------------------------------------------------------------


def _enrol(offer: Offer, options: str, why: str, *, going: str, action: str, forced: bool) -> Enrol:
    typed = " ".join(offer.typed[at : at + 4] for at in range(0, len(offer.typed), 4))
    return Enrol(forced, action, going, picture(offer.address), typed, offer.sealed, options, why)


def picture(text: str) -> Markup:
    """The square code of a text, as a drawing of the page itself: nothing is fetched, and no style stands in it."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, light="#fff", nl=False
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - our own drawing


def _proof(request: Request, form: dict[str, str]) -> Proof:
    return Proof(
        form.get("name", ""),
        form.get("sealed", ""),
        form.get("code", ""),
        form.get("credential", ""),
        _site(request),
    )


def _site(request: Request) -> Site | None:
    return passkeys.site(request.scope["hsba.root"])


def _host(request: Request) -> str:
    return request.url.hostname or ""


def _step(request: Request) -> SecondStep:
    step: SecondStep = request.app.state.second_step
    return step


def _own(request: Request) -> OwnFactors:
    own: OwnFactors = request.app.state.own_factors
    return own


ROUTES = (
    Route("/login/second", posted.guarded(second), methods=["GET", "POST"]),
    Route("/login/passkey", posted.guarded(alone), methods=["GET", "POST"]),
    Route(FACTORS, posted.guarded(factors)),
    Route(NEW, posted.guarded(new), methods=["GET", "POST"]),
    Route(FACTORS + "/{factor:int}", posted.guarded(change), methods=["POST"]),
    Route("/account/recovery-codes", posted.guarded(codes), methods=["POST"]),
)
