"""`/workstation`, `/admin/workstations`: an administrator makes a PC the shared one of a ward, sees them all, revokes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from hsba.access.coming_in.workstations import LONGEST, BadWorkstation, Listed, Station
from hsba.access.problems import NotLoggedIn
from hsba.fhir.problems import Problem
from hsba.http import callers
from hsba.http.web import visitor
from hsba.http.web.page import Page, render, show
from hsba.http.web.pages import proving
from hsba.http.web.pages.switch import REMEMBERED
from hsba.http.web.posted import guarded
from hsba.record.views import departments as view

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from hsba.access.identity import Caller
    from hsba.record.context import Tenant
    from hsba.record.views.departments import Department


@dataclass(frozen=True, slots=True)
class Here:
    """What `workstation.html` shows."""

    station: Station | None
    """What this browser is registered as."""
    departments: tuple[Department, ...]
    longest: int
    name: str
    department: str
    problem: str


@dataclass(frozen=True, slots=True)
class All:
    """What `workstations.html` shows."""

    stations: tuple[Listed, ...]
    here: int | None


async def workstation(request: Request) -> Response:
    """Make this browser a workstation of a department, or show which one it is."""
    caller, tenant = visitor.caller(request), _tenant(request)
    stations = visitor.ward(request).stations
    stations.check(caller)
    if request.method != "POST":
        return await _here(request, caller, tenant)
    form = await visitor.form(request)
    try:
        chosen = await _department(request, caller, tenant, form.get("department", ""))
        wanted = Station(
            0, tenant.id, form.get("name", ""), chosen.id if chosen else None, chosen.title if chosen else ""
        )
        before = visitor.kept(request, callers.STATION)
        secret = await stations.register(caller, wanted, visitor.where(request).address, before=before)
    except Problem as refused:
        return await _here(request, caller, tenant, form.get("name", ""), form.get("department", ""), refused)
    answer = visitor.go(request, "/workstation")
    return visitor.give(request, answer, secret, callers.STATION, days=REMEMBERED)


async def every(request: Request) -> Response:
    """The workstations of this keeper."""
    found = await visitor.ward(request).stations.every(visitor.caller(request), _tenant(request).id)
    here = visitor.station(request)
    page = All(tuple(found), here.id if here else None)
    return render(request, Page("workstations.html", page, section="admin"), show(request))


async def revoke(request: Request) -> Response:
    """Take a workstation out of use, once the administrator has proved to be there."""
    caller, stations = visitor.caller(request), visitor.ward(request).stations
    stations.check(caller)
    number: int = request.path_params["station"]
    asked = await proving.proved(request, await visitor.form(request), f"workstation-revoke:{number}")
    if asked is not None:
        return asked
    await stations.revoke(caller, _tenant(request).id, number, visitor.where(request).address)
    return visitor.go(request, "/admin/workstations")


async def _here(
    request: Request,
    caller: Caller,
    tenant: Tenant,
    name: str = "",
    department: str = "",
    refused: Problem | None = None,
) -> Response:
    some = await _departments(request, caller, tenant)
    page = Here(
        visitor.station(request), tuple(some), LONGEST, name, department, visitor.sentence(request, refused)
    )
    answer = Page("workstation.html", page, section="admin", status=refused.status if refused else 200)
    return render(request, answer, show(request))


async def _department(request: Request, caller: Caller, tenant: Tenant, id: str) -> Department | None:
    """The department that was chosen; none where none was."""
    if not id:
        return None
    for one in await _departments(request, caller, tenant):
        if one.id == id:
            return one
    raise BadWorkstation


async def _departments(request: Request, caller: Caller, tenant: Tenant) -> list[Department]:
    app = request.app.state.services
    await app.know(caller.actor, tenant)
    async with app.pool.searching(tenant.id) as tx:
        ctx = app.context(tx=tx, tenant=tenant, channel="web", purpose="SYSADMIN", actor=caller.actor)
        ctx.address = request.scope["hsba.address"] or None
        return await view.departments(ctx)


def _tenant(request: Request) -> Tenant:
    """The keeper of these pages, where the caller belongs to it."""
    tenant: Tenant = request.app.state.services.tenants.get()
    if not visitor.caller(request).belongs(tenant.id):
        raise NotLoggedIn
    return tenant


ROUTES = (
    Route("/workstation", guarded(workstation), methods=["GET", "POST"]),
    Route("/admin/workstations", guarded(every)),
    Route("/admin/workstations/{station:int}/revoke", guarded(revoke), methods=["POST"]),
)
"""The pages of this file."""
