"""`/admin/apps`: the apps and programs that may come in: register one, what it may ask for, its secret, open and closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from hsba.access.accounts import By
from hsba.access.administration import role_desk
from hsba.access.administration.office import OtherKeepers
from hsba.access.oauth import apps as known
from hsba.access.oauth.apps import UnknownApp, Wanted
from hsba.access.rights import grants
from hsba.fhir.problems import NotFound
from hsba.http.web.i18n import mark
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.admin.accounts import Secret, titles

if TYPE_CHECKING:
    from hsba.access.administration.office import Office
    from hsba.access.administration.role_desk import Holding
    from hsba.access.oauth.apps import App
    from hsba.http.web.pages.admin.room import Ask, Form

PROVES = {
    "client_secret": mark("by a secret"),
    "private_key_jwt": mark("by a key of its own"),
    "none": mark("not at all: it runs in a browser or on a telephone"),
}


@dataclass(frozen=True, slots=True)
class Apps:
    """What `admin/apps.html` shows."""

    apps: tuple[App, ...]
    proves: dict[str, str]
    may_change: bool


@dataclass(frozen=True, slots=True)
class OneApp:
    """What `admin/app.html` shows; without an app, the form of a new one."""

    app: App | None
    form: Form
    problem: str
    may_change: bool
    proves: dict[str, str]
    holdings: tuple[Holding, ...]
    roles: dict[str, str]

    def field(self, name: str) -> str:
        """What stands in a field: what was typed, else what is kept."""
        if self.app is None or name in self.form:
            return self.form.get(name)
        match name:
            case "redirects":
                return "\n".join(self.app.redirects)
            case "keys":
                return "" if self.app.keys is None else msgspec.json.encode(self.app.keys).decode()
        return str(getattr(self.app, name) or "")


async def apps(ask: Ask) -> Page:
    """Those of this house, by name."""
    async with ask.looking() as office:
        found = [one for one in await known.every(office.tx) if one.belongs(ask.tenant.id)]
    return Page("admin/apps.html", Apps(tuple(found), PROVES, ask.may_change), section="admin-apps")


async def new_app(ask: Ask) -> Page:
    """The form of a new app."""
    shown = OneApp(None, ask.form, ask.problem, ask.may_change, PROVES, (), {})
    return Page("admin/app.html", shown, section="admin-apps")


async def register_app(ask: Ask) -> Page | Go:
    """Register an app of this house; its secret is shown now and never again."""
    form = ask.form
    wanted = Wanted(
        form.get("title"),
        form.get("scope"),
        tuple(form.get("redirects").split()),
        public=form.get("public") == "yes",
        keys=form.get("keys"),
        launch_url=form.get("launch_url"),
        tenants=(ask.tenant.id,),
    )
    async with ask.changing() as office:
        secret = await known.register(office.tx, office.now, form.get("name"), wanted, by=_by(office))
        made = await known.find(office.tx, form.get("name"))
    return _shown(made, secret)


async def app(ask: Ask) -> Page:
    """One app."""
    async with ask.looking() as office:
        found = await _found(ask, office)
        holdings = await role_desk.holders(office, account=f"client:{found.name}")
        all_roles, _ = await grants.every_role(office.tx, ask.tenant.id)
    shown = OneApp(found, ask.form, ask.problem, ask.may_change, PROVES, tuple(holdings), titles(all_roles))
    return Page("admin/app.html", shown, section="admin-apps")


async def change_app(ask: Ask) -> Page | Go:
    """Change what it may ask for; all it was let do before ends."""
    form = ask.form
    async with ask.changing() as office:
        found = await _ours(ask, office)
        keys_url = found.keys_url or ""
        wanted = Wanted(
            form.get("title"),
            form.get("scope"),
            tuple(form.get("redirects").split()),
            public=found.proves == "none",
            keys="" if keys_url else form.get("keys"),
            keys_url=keys_url,
            launch_url=form.get("launch_url"),
            tenants=None if found.tenants is None else tuple(sorted(found.tenants)),
        )
        hosts = (
            {urlsplit(keys_url).hostname or ""} if keys_url else ()
        )  # it was allowed when it was registered
        secret = await known.change(office.tx, office.now, found.name, wanted, hosts=hosts, by=_by(office))
    return _shown(found, secret)


async def new_secret(ask: Ask) -> Page | Go:
    """A new secret, shown now and never again; the old one and all tokens end."""
    async with ask.changing() as office:
        found = await _ours(ask, office)
        secret = await known.renew_secret(office.tx, office.now, found.name, by=_by(office))
    return _shown(found, secret)


async def close_app(ask: Ask) -> Page | Go:
    """No tokens any more; what it was let do ends."""
    async with ask.changing() as office:
        found = await _ours(ask, office)
        await known.disable(office.tx, office.now, found.name, by=_by(office))
    return Go(f"/admin/apps/{found.name}")


async def open_app(ask: Ask) -> Page | Go:
    """Open it again."""
    async with ask.changing() as office:
        found = await _ours(ask, office)
        await known.enable(office.tx, office.now, found.name, by=_by(office))
    return Go(f"/admin/apps/{found.name}")


def _by(office: Office) -> By:
    """The administrator, as who keeps apps knows him."""
    return By(
        office.witness, office.actor.account, office.address, office.actor.workstation, number=office.by
    )


async def give_role(ask: Ask) -> Page | Go:
    """Give a role to a program that comes in its own name."""
    async with ask.changing() as office:
        found = await _ours(ask, office)
        await role_desk.give_program(office, found.name, ask.form.get("role"), reason=ask.form.get("reason"))
    ask.services.rights.forget(ask.tenant.id, f"client:{found.name}")
    return Go(f"/admin/apps/{found.name}")


async def _found(ask: Ask, office: Office) -> App:
    """The app of the address, where it is one of this house."""
    try:
        found = await known.find(office.tx, ask.path("name"))
    except UnknownApp as problem:
        raise NotFound(problem.detail) from problem
    if not found.belongs(ask.tenant.id):
        raise NotFound(found.name)
    return found


async def _ours(ask: Ask, office: Office) -> App:
    """The same, where it comes to no keeper beyond the administrator's own."""
    found, ours = await _found(ask, office), ask.caller.tenants
    if ours is not None and (found.tenants is None or not found.tenants <= ours):
        raise OtherKeepers
    return found


def _shown(app: App, secret: str | None) -> Page | Go:
    """The secret, once; where there is none, the app's page."""
    if secret is None:
        return Go(f"/admin/apps/{app.name}")
    shown = Secret(app.title, app.name, secret, f"/admin/apps/{app.name}")
    return Page("admin/app_secret.html", shown, section="admin-apps")
