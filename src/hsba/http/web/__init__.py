"""The plain web pages: a person finds a patient and reads his record, on a desk or a telephone, on paper too.

They may use `record.views`, `access`, `terminology` and the middle parts of the door (codings, errors); they hold no SQL
and no rule of care.  They never write to the record, run no script but their own, and never put a name or a number of a
person into an address.
"""

from __future__ import annotations

from starlette.routing import Route

from hsba.http.web import assets, posted
from hsba.http.web.page import endpoint, nothing_here, problem
from hsba.http.web.pages import (
    account,
    admin,
    audit,
    authorize,
    codes,
    consents,
    emergency,
    find,
    forms,
    home,
    hours,
    launches,
    loans,
    local_maps,
    outside,
    own_seen,
    patient,
    phrases,
    pin,
    prints,
    raw,
    reception,
    review,
    second,
    seen,
    sheets,
    switch,
    unsent,
    visit,
    workstations,
)

ROUTES = [
    Route("/login", posted.guarded(account.login), methods=["GET", "POST"]),
    Route("/logout", posted.guarded(account.logout), methods=["POST"]),
    Route("/password", posted.guarded(account.password), methods=["GET", "POST"]),
    Route("/account", posted.guarded(account.account)),
    Route("/account/sessions/{session:int}", posted.guarded(account.revoke), methods=["POST"]),
    Route("/login/outside", posted.guarded(outside.begin), methods=["GET"]),
    Route("/login/outside/callback", posted.guarded(outside.callback), methods=["GET"]),
    Route("/account/apps", posted.guarded(launches.own), methods=["GET"]),
    Route("/account/apps/{grant:int}", posted.guarded(launches.end), methods=["POST"]),
    Route("/oauth/authorize", posted.guarded(authorize.authorize), methods=["GET", "POST"]),
    *second.ROUTES,
    *switch.ROUTES,
    *unsent.ROUTES,
    *pin.ROUTES,
    *workstations.ROUTES,
    Route("/", endpoint(home.home)),
    Route("/find", endpoint(find.find, room="searching")),
    Route("/find/_results", endpoint(find.results, room="searching", fragment=True)),
    Route("/codes", endpoint(codes.codes, room="searching", about=None)),
    Route("/codes/_results", endpoint(codes.results, room="searching", fragment=True, about=None)),
    *local_maps.ROUTES,
    Route("/patients", endpoint(find.patients, room="searching")),
    *reception.ROUTES,
    Route("/patients/{id}", endpoint(patient.patient)),
    Route("/patients/{id}/encounters/{encounter}", endpoint(visit.visit)),
    Route("/patients/{id}/seen", endpoint(seen.seen)),
    Route("/my/seen", endpoint(own_seen.own_seen, about=None, kinds=own_seen.KINDS)),
    Route("/audit", endpoint(audit.audit, room="searching", about="AuditEvent")),
    Route("/audit/file.{form}", endpoint(audit.file, room="searching", about="AuditEvent")),
    Route("/audit/accounts", endpoint(review.accounts, about=None, kinds=review.KINDS)),
    Route(
        "/audit/accounts",
        endpoint(review.confirm, room="writing", about=None, kinds=review.KINDS),
        methods=["POST"],
    ),
    Route("/patients/{id}/apps", endpoint(launches.apps), methods=["GET"]),
    Route("/patients/{id}/apps", endpoint(launches.launch), methods=["POST"]),
    Route("/patients/{id}/resources/{type}/{resource}", endpoint(raw.raw)),
    *phrases.ROUTES,
    *forms.ROUTES,
    *prints.ROUTES,
    *sheets.ROUTES,
    *consents.ROUTES,
    *emergency.ROUTES,
    *hours.ROUTES,
    *loans.ROUTES,
    *admin.ROUTES,
    Route(assets.PREFIX + "{name:path}", assets.serve),
    Route("/{path:path}", nothing_here),
]
"""Every page, for the door to mount; `problem` makes a page of whatever else could not be answered."""

__all__ = ["ROUTES", "nothing_here", "problem"]
