"""`/admin/keeper`: whose house is administrated, where an installation serves several keepers of records.

The browser remembers it; each request asks anew whether the account belongs to that keeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.http import callers
from hsba.http.web.page import Go
from hsba.record.tenants import UnknownTenant

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.access.identity import Caller
    from hsba.http.app import Services
    from hsba.http.web.page import Page
    from hsba.http.web.pages.admin.room import Ask
    from hsba.record.context import Tenant

COOKIE = "hsba-keeper"


def chosen(request: Request, caller: Caller) -> Tenant:
    """The keeper that was chosen, if the account belongs to it; else the first that it belongs to."""
    services: Services = request.app.state.services
    ours = [one for one in services.tenants.all() if caller.belongs(one.id)]
    if not ours:
        raise UnknownTenant
    headers = {b"cookie": request.headers.get("cookie", "").encode("latin-1")}
    slug = callers.cookie(headers, secure=request.scope["hsba.secure"], name=COOKIE)
    return next((one for one in ours if one.slug == slug), ours[0])


async def choose(ask: Ask) -> Page | Go:
    """Go over to another keeper's house."""
    slug = ask.form.get("keeper")
    found = ask.services.tenants.get(slug)
    if not ask.caller.belongs(found.id):
        raise UnknownTenant(slug)
    secure = ask.request.scope["hsba.secure"]
    return Go("/admin", callers.set_cookie(found.slug, secure=secure, name=COOKIE, days=30))
