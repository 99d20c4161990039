"""The administrators' room in the browser: accounts, roles, grants, apps, and what was changed about them.

It may use `access` and, of the record, the departments and the staff (`record.views.house`); it never shows anything of a
patient. An administrator changes, a security officer reads, and everybody else is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from hsba.http.web.pages.admin import (
    account,
    accounts,
    apps,
    asking,
    changes,
    grants,
    importing,
    keepers,
    lines,
    overview,
    proposals,
    roles,
)
from hsba.http.web.pages.admin.room import endpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.http.web.page import Go, Page
    from hsba.http.web.pages.admin.room import Ask

    Looking = Callable[[Ask], Awaitable[Page]]
    Doing = Callable[[Ask], Awaitable[Page | Go]]


def _page(path: str, looking: Looking, doing: Doing | None = None, act: str = "") -> Route:
    """A page; with `doing` a form is sent to it, and `act` is what the witness is told of a refusal."""
    methods = ["GET"] if doing is None else ["GET", "POST"]
    return Route("/admin" + path, endpoint(looking, doing, act=act), methods=methods)


def _decision(path: str, looking: Looking, doing: Doing, act: str) -> Route:
    """What somebody else asked for is decided by an administrator or a security officer."""
    return Route("/admin" + path, endpoint(looking, doing, act=act, officers=True), methods=["GET", "POST"])


_ONE = "/accounts/{id:int}"
_ROLE = "/roles/{name}"
_PROPOSAL = "/proposals/{id:int}"
_APP = "/apps/{name}"
_LINE = "/roles/{name}/lines/{number:int}"

ROUTES = (
    _page("", overview.overview),
    _decision("/keeper", overview.overview, keepers.choose, "keeper-choose"),
    _page("/accounts", accounts.accounts),
    _page("/accounts/new", accounts.new_account, accounts.make_account, "account-create"),
    _page("/accounts/import", importing.importing, importing.import_accounts, "account-import"),
    _page(_ONE, account.account),
    _page(_ONE + "/change", account.account, account.change_account, "account-change"),
    _page(_ONE + "/close", account.account, account.close_account, "account-close"),
    _page(_ONE + "/open", account.account, account.open_account, "account-open"),
    _page(_ONE + "/password", account.account, account.new_password, "password-reset"),
    _page(_ONE + "/hours", account.account, account.set_hours, "account-hours"),
    _page(_ONE + "/factors", account.account, account.reset_factors, "second-factor-reset"),
    _decision(_ONE + "/factors/confirm", account.account, account.confirm_reset, "second-factor-reset"),
    _decision(
        _ONE + "/factors/decline", account.account, account.decline_reset, "second-factor-reset-decline"
    ),
    _page(_ONE + "/sessions/end", account.account, account.end_sessions, "session-end"),
    _page(_ONE + "/people", account.account, account.link_person, "account-person"),
    _page(_ONE + "/people/remove", account.account, account.unlink_person, "account-person-end"),
    _page(_ONE + "/grants", account.account, account.give_role, "grant-give"),
    _page("/roles", roles.roles),
    _page(_ROLE, roles.role),
    _page(_ROLE + "/copy", roles.role, roles.copy_role, "role-create"),
    _page(_ROLE + "/title", roles.role, roles.rename_role, "role-change"),
    _page(_ROLE + "/remove", roles.role, roles.remove_role, "role-delete"),
    _page(_LINE, lines.line, lines.save_line, "role-change"),
    _page(_LINE + "/remove", lines.removal, lines.remove_line, "role-change"),
    _page("/proposals", proposals.proposals),
    _page(_PROPOSAL, proposals.proposal),
    _decision(_PROPOSAL + "/approve", proposals.proposal, proposals.approve, "role-approve"),
    _decision(_PROPOSAL + "/decline", proposals.proposal, proposals.decline, "role-decline"),
    _page(_PROPOSAL + "/withdraw", proposals.proposal, proposals.withdraw, "role-withdraw"),
    _page("/grants", grants.given),
    _page("/grants/{id:int}/end", grants.given, grants.take_back, "grant-take"),
    _page("/ask", asking.asking),
    _page("/apps", apps.apps),
    _page("/apps/new", apps.new_app, apps.register_app, "app-register"),
    _page(_APP, apps.app, apps.change_app, "app-change"),
    _page(_APP + "/secret", apps.app, apps.new_secret, "app-secret"),
    _page(_APP + "/close", apps.app, apps.close_app, "app-disable"),
    _page(_APP + "/open", apps.app, apps.open_app, "app-enable"),
    _page(_APP + "/grants", apps.app, apps.give_role, "grant-give"),
    _page("/changes", changes.changes),
)
"""Every page of the room, for `http/web` to join."""
