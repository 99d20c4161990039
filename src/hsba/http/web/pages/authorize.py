"""`/oauth/authorize`: a person sees which app wants what, chooses a patient where it needs one, and lets it in or not.

Step 1 what the app asks, and whether it may - step 2 the keeper and the person's rights there - step 3 the patient, from
the page the app was opened from or chosen here - step 4 the question - step 5 the answer, sent to the app's own address.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from hsba.access.oauth import scopes
from hsba.access.oauth.authorizing import PARAMETERS, Let, Returned, back
from hsba.access.oauth.refusals import AccessDenied, InvalidRequest
from hsba.access.problems import NotLoggedIn
from hsba.access.rights import grants
from hsba.fhir import json
from hsba.http import oauth
from hsba.http.messages import read_pairs
from hsba.http.web import forms, words
from hsba.http.web.page import HEADERS, Page, render, show
from hsba.record import interactions
from hsba.record.tenants import UnknownTenant
from hsba.record.views import finding, people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from hsba.access.identity import Caller
    from hsba.access.oauth.authorizing import Asked
    from hsba.http.messages import Pairs
    from hsba.http.web.show import Show
    from hsba.record.context import Context, Tenant
    from hsba.record.views.finding import Hit
    from hsba.record.views.people import Person

PATIENT = "hsba-patient"
"""The parameter of ours that names the patient who was chosen."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What `choose_patient.html` shows: who the app may be opened for."""

    app: str
    kept: tuple[tuple[str, str], ...]
    """What the app asked, to be sent along."""
    q: str
    people: tuple[Hit, ...]
    name: str
    """The parameter a patient is chosen by."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What `authorize.html` shows."""

    app: str
    """The app's name as it was registered."""
    host: str
    """Where the answer goes."""
    account: str
    house: str
    rights: tuple[str, ...]
    """What it asks for, each a sentence."""
    more: tuple[str, ...]
    """What it gets to know or keep beside."""
    person: Person | None
    """The patient it would be opened for."""
    kept: tuple[tuple[str, str], ...]


async def authorize(request: Request) -> Response:
    """Ask the person, or take his answer; whatever is wrong with what the app asks is told to the app."""
    pairs = await _pairs(request)
    given = dict(pairs)
    desk, root = oauth.desk(request).authorizing, oauth.issuer(request)
    caller: Caller | None = request.scope.get("hsba.caller")
    if caller is None:
        raise NotLoggedIn
    try:
        asked = await desk.read([pair for pair in pairs if pair[0] in PARAMETERS], root)
        tenant = await _tenant(request, asked, caller, root)
    except Returned as told:
        return _away(told.address)
    if request.method == "POST" and given.get("decision") != "allow":
        return _away(await desk.deny(asked, caller, AccessDenied(), root, request.scope["hsba.address"]))
    let, person = Let(asked.scope, None if tenant is None else tenant.id), None
    if tenant is not None:
        launch = await desk.peek(asked, caller)
        if asked.launch is not None and (launch is None or launch.tenant != tenant.id):
            return _away(
                await desk.deny(asked, caller, InvalidRequest(), root, request.scope["hsba.address"])
            )
        async with _acting(request, caller, tenant) as ctx:
            standing = await grants.standing(ctx.tx, tenant.id, caller.actor.account, ctx.clock.now())
            chosen = launch.patient if launch is not None else given.get(PATIENT)
            if chosen is None and len(standing.patients) == 1 and not standing.practitioners:
                chosen = standing.patients[0]
            if launch is not None or scopes.needs_patient(asked.scope):
                if chosen is None:
                    return await _choose(request, ctx, asked, given)
                person = await _person(ctx, chosen)
        encounter = launch.encounter if launch is not None else None
        scope = asked.scope
        if encounter is None:
            scope = " ".join(one for one in scope.split() if one != scopes.LAUNCH_ENCOUNTER)
        who = [f"Practitioner/{one}" for one in standing.practitioners] + [
            f"Patient/{one}" for one in standing.patients
        ]
        let = Let(
            scope,
            tenant.id,
            None if person is None else person.id,
            encounter,
            f"{asked.base}/{who[0]}" if who else None,
        )
    if request.method == "POST":
        return _away(await desk.allow(asked, caller, let, root, request.scope["hsba.address"]))
    return _ask(request, asked, let, caller, person, given)


async def _pairs(request: Request) -> Pairs:
    """What was asked: in the address at first, in the form with the answer."""
    if request.method != "POST":
        return read_pairs(request.scope["query_string"])
    return await forms.pairs(request)


async def _tenant(request: Request, asked: Asked, caller: Caller, root: str) -> Tenant | None:
    """The keeper whose record the app means, when the person and the app may come to it; None where it means none."""
    if asked.base is None:
        return None
    services = request.app.state.services
    rest = asked.base.rstrip("/").removeprefix(root)
    slug = rest.removeprefix("/t/").removesuffix("/fhir") if rest.startswith("/t/") else None
    try:
        if rest != "/fhir" and (slug is None or "/" in slug or not rest.endswith("/fhir")):
            raise UnknownTenant
        tenant: Tenant = await services.tenants.find(slug, services.pool.bare)
        if not caller.belongs(tenant.id) or not asked.app.belongs(tenant.id):
            raise UnknownTenant
    except UnknownTenant:
        refused = InvalidRequest()
        raise Returned(back(asked.redirect, root, asked.state, error=refused.error), refused) from None
    caller.check()
    return tenant


@asynccontextmanager
async def _acting(request: Request, caller: Caller, tenant: Tenant) -> AsyncIterator[Context]:
    """A context of the person, with his own rights."""
    app = request.app.state.services
    await app.know(caller.actor, tenant)
    async with app.pool.searching(tenant.id) as tx:
        ctx: Context = app.context(tx=tx, tenant=tenant, channel="web", purpose="TREAT", actor=caller.actor)
        ctx.address = request.scope["hsba.address"] or None
        yield ctx


async def _person(ctx: Context, id: str) -> Person:
    """The patient, when this person may see him."""
    stored = await interactions.read(ctx, "Patient", id)
    return people.person(json.stored(stored.body or "{}"))


async def _choose(request: Request, ctx: Context, asked: Asked, given: dict[str, str]) -> Response:
    """The page to choose a patient on."""
    typed = " ".join(given.get("q", "").replace("\0", "").split())[:200]
    short = len(typed) < 2
    found = (await finding.newest(ctx))[0] if short else (await finding.find(ctx, typed))[1].people
    if not ctx.trail.keeps_nothing and not ctx.told:
        await ctx.trail.add(ctx, "page", None, ["authorize"])
    choice = Choice(asked.app.title, _kept(given), typed, found, PATIENT)
    return render(request, Page("choose_patient.html", choice), show(request))


def _ask(
    request: Request, asked: Asked, let: Let, caller: Caller, person: Person | None, given: dict[str, str]
) -> Response:
    """The question itself; the form may lead to the app's own address and nowhere else."""
    shown = show(request)
    kept = _kept(given)
    if person is not None:
        kept = (*kept, (PATIENT, person.id))
    consent = Consent(
        app=asked.app.title,
        host=_origin(asked.redirect),
        account=caller.name,
        house=request.app.state.services.tenants.get().title,
        rights=tuple(_sentence(one, shown) for one in scopes.rights(let.scope)),
        more=tuple(shown.say(words.APP_SCOPE[one]) for one in let.scope.split() if one in words.APP_SCOPE),
        person=person,
        kept=kept,
    )
    policy = HEADERS["content-security-policy"]
    headers = {
        "content-security-policy": policy.replace(
            "form-action 'self'", f"form-action 'self' {_origin(asked.redirect)}"
        ),
        "x-frame-options": "DENY",
    }
    return render(request, Page("authorize.html", consent, headers=headers), shown)


def _sentence(one: scopes.Right, shown: Show) -> str:
    """A right in words: what may be done, to what, of whom."""
    acts = [shown.say(title) for letters, title in words.APP_ACTS if one.acts & set(letters)]
    what = (
        shown.say(words.EVERYTHING) if one.type == "*" else shown.say(words.APP_TYPES.get(one.type, one.type))
    )
    whose = shown.say(words.APP_OF[one.context])
    only = f" ({one.query})" if one.query else ""
    return f"{', '.join(acts)}: {what}{only} – {whose}"


def _origin(address: str) -> str:
    """The part of an address that a browser's policy may name: scheme and host, or an app's own scheme."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def _kept(given: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in given.items() if name in PARAMETERS)


def _away(address: str) -> Response:
    """Send the person to the app."""
    return RedirectResponse(address, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
