"""The administrators' room in the browser: accounts, roles, grants, apps, and what was changed about them.

It may use `access` and, of the record, the departments and the staff (`record.views.house`); it never shows anything of a
patient. An administrator changes, a security officer reads, and everybody else is refused.
"""

from __future__ import annotations

from starlette.routing import Route

from hsba.http.web.pages.admin import account, accounts, changes, grants, overview
from hsba.http.web.pages.admin.room import endpoint

BOTH = ["GET", "POST"]
_ONE = "/admin/accounts/{id:int}"

ROUTES = (
    Route("/admin", endpoint(overview.overview)),
    Route("/admin/accounts", endpoint(accounts.accounts)),
    Route(
        "/admin/accounts/new",
        endpoint(accounts.new_account, accounts.make_account, act="account-make"),
        methods=BOTH,
    ),
    Route(_ONE, endpoint(account.account)),
    Route(
        f"{_ONE}/change",
        endpoint(account.account, account.change_account, act="account-change"),
        methods=BOTH,
    ),
    Route(
        f"{_ONE}/close", endpoint(account.account, account.close_account, act="account-disable"), methods=BOTH
    ),
    Route(
        f"{_ONE}/open", endpoint(account.account, account.open_account, act="account-enable"), methods=BOTH
    ),
    Route(
        f"{_ONE}/password",
        endpoint(account.account, account.new_password, act="password-reset"),
        methods=BOTH,
    ),
    Route(
        f"{_ONE}/sessions/end",
        endpoint(account.account, account.end_sessions, act="sessions-end"),
        methods=BOTH,
    ),
    Route(f"{_ONE}/people", endpoint(account.account, account.link_person, act="person-link"), methods=BOTH),
    Route(
        f"{_ONE}/people/remove",
        endpoint(account.account, account.unlink_person, act="person-unlink"),
        methods=BOTH,
    ),
    Route(f"{_ONE}/grants", endpoint(account.account, account.give_role, act="grant-give"), methods=BOTH),
    Route("/admin/grants", endpoint(grants.given)),
    Route(
        "/admin/grants/{id:int}/end",
        endpoint(grants.given, grants.take_back, act="grant-take-back"),
        methods=BOTH,
    ),
    Route("/admin/changes", endpoint(changes.changes)),
)
"""Every page of the room, for `http/web` to join."""
