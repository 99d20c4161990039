"""`/patients/{id}/apps`: the apps that are opened for a patient, and opening one; `/account/apps`: those one has let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from hsba.access.oauth import authorizing
from hsba.fhir.problems import NotFound
from hsba.http import oauth
from hsba.http.web import visitor
from hsba.http.web.page import HEADERS, Page, go, render, show
from hsba.record import interactions
from hsba.record.views import patient as view

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.access.oauth.apps import App
    from hsba.access.oauth.authorizing import LetIn
    from hsba.http.web.page import Ask
    from hsba.record.views.people import Banner


@dataclass(frozen=True, slots=True)
class Apps:
    """What `patient_apps.html` shows."""

    banner: Banner
    apps: tuple[App, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What `account_apps.html` shows."""

    apps: tuple[LetIn, ...]


async def apps(ask: Ask) -> Page:
    """The apps that this patient's record may be opened in."""
    id_ = ask.path("id")
    banner = await view.banner(ask.ctx, id_)
    found = tuple(await oauth.desk(ask.request).authorizing.launchable(ask.ctx.tenant.id))
    # a form's answer may lead to another machine only where the page says so
    origins = " ".join(
        dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(one.launch_url or "")) for one in found)
    )
    policy = HEADERS["content-security-policy"].replace(
        "form-action 'self'", f"form-action 'self' {origins}".strip()
    )
    return Page(
        "patient_apps.html",
        Apps(banner, found),
        section="patients",
        headers={"content-security-policy": policy},
    )


async def own(request: Request) -> Response:
    """The apps that this person let in, to be ended."""
    caller = visitor.caller(request)
    identity = request.app.state.services.identity
    async with identity.connect() as tx:
        found = tuple(await authorizing.let_in(tx, caller.account or 0, identity.now()))
    return render(request, Page("account_apps.html", Own(found), section="account"), show(request))


async def end(request: Request) -> Response:
    """End what one let an app do."""
    identity = request.app.state.services.identity
    await authorizing.end(
        identity, visitor.caller(request), int(request.path_params["grant"]), request.scope["hsba.address"]
    )
    return go("/account/apps")


async def launch(ask: Ask) -> Response:
    """Open an app for a patient: it is sent our address and a word that is good once, for this person."""
    desk, root = oauth.desk(ask.request).authorizing, oauth.issuer(ask.request)
    tenant, id_ = ask.ctx.tenant.id, ask.path("id")
    await interactions.read(ask.ctx, "Patient", id_)
    if (encounter := ask.form.get("encounter")) is not None:
        await interactions.read(ask.ctx, "Encounter", encounter)
    app = next((one for one in await desk.launchable(tenant) if one.name == ask.form.get("app")), None)
    if app is None:
        raise NotFound
    secret = await desk.launch(ask.caller, app, tenant, id_, encounter)
    address = app.launch_url or ""
    going = address + ("&" if "?" in address else "?") + urlencode({"iss": f"{root}/fhir", "launch": secret})
    return RedirectResponse(going, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
