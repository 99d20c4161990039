"""`/admin/accounts/{id}`: one account: who it is, its roles, its sessions, and what an administrator does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.administration import directory, factor_resets, role_desk, staffing
from hsba.access.rights import grants
from hsba.fhir.problems import BadRequest
from hsba.fhir.query.dates import interval
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.account import device
from hsba.http.web.pages.admin.accounts import Secret, titles
from hsba.http.web.words import ACCOUNT_KIND
from hsba.record.views import house

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.administration.directory import Entry, Open
    from hsba.access.administration.factor_resets import Request
    from hsba.access.administration.role_desk import Holding
    from hsba.access.rights.grants import Hours
    from hsba.http.web.pages.admin.room import Ask, Form
    from hsba.record.views.house import Department, Employee


@dataclass(frozen=True, slots=True)
class OneAccount:
    """What `admin/account.html` shows."""

    may_change: bool
    own: bool
    """Whether it is the reader's own, with which he does nothing here."""
    entry: Entry
    problem: str
    form: Form
    kinds: dict[str, str]
    holdings: tuple[Holding, ...]
    roles: dict[str, str]
    departments: tuple[Department, ...]
    people: tuple[tuple[str, str], ...]
    employees: dict[str, Employee]
    """Those of `people` who are staff and known in the record, by id."""
    q: str
    """What was typed to find somebody of the staff."""
    found: tuple[Employee, ...]
    sessions: tuple[Open, ...]
    hours: Hours | None
    """When it may work at all; None is always."""
    reset: Request | None
    """Somebody asks that its second factors be removed."""
    may_confirm: bool
    """Whether the reader is the second person for that."""

    def department(self, id: str | None) -> str:
        """The name of a department; its id where it has none any more."""
        return next((one.name for one in self.departments if one.id == id), id or "")

    def device(self, session: Open) -> str:
        """The browser and the system of a session."""
        return device(session.agent)


async def account(ask: Ask) -> Page:
    """All about one account."""
    q = ask.query("q")
    async with ask.looking() as office:
        entry = await directory.one(office, ask.id())
        known, _ = await grants.every_role(office.tx, ask.tenant.id)
        holdings = await role_desk.holders(office, account=entry.login)
        people = await staffing.people(office, entry.login)
        sessions = await directory.sessions(office, entry.id, ask.services.identity.rules)
        hours = await grants.hours_of(office.tx, ask.tenant.id, entry.login)
        reset = await factor_resets.waiting(office, entry.id)
        ctx = ask.ctx(office.tx)
        departments = await house.departments(ctx)
        employees = await house.employees(ctx, [id_ for type_, id_ in people if type_ == "Practitioner"])
        found = await house.staff(ctx, q) if q else []
    shown = OneAccount(
        ask.may_change and entry.id != ask.caller.account,
        entry.id == ask.caller.account,
        entry,
        ask.problem,
        ask.form,
        ACCOUNT_KIND,
        tuple(holdings),
        titles(known),
        tuple(departments),
        tuple(people),
        employees,
        q,
        tuple(found),
        tuple(sessions),
        hours,
        reset,
        reset is not None and ask.caller.account not in (reset.by, entry.id),
    )
    return Page("admin/account.html", shown, section="admin-accounts")


async def change_account(ask: Ask) -> Page | Go:
    """Another name or kind."""
    async with ask.changing() as office:
        await staffing.change(
            office, ask.id(), ask.form.get("name"), ask.form.get("kind"), reason=ask.form.get("reason")
        )
    return _back(ask)


async def close_account(ask: Ask) -> Page | Go:
    """No log-in any more; what is open ends."""
    async with ask.changing() as office:
        await staffing.disable(office, ask.id(), reason=ask.form.get("reason"))
    return _back(ask)


async def open_account(ask: Ask) -> Page | Go:
    """Open it again after it was closed or locked."""
    async with ask.changing() as office:
        await staffing.enable(office, ask.id(), reason=ask.form.get("reason"))
    return _back(ask)


async def new_password(ask: Ask) -> Page | Go:
    """A new password, shown now and never again."""
    async with ask.changing() as office:
        entry = await directory.one(office, ask.id())
        password = await staffing.renew(office, entry.id, reason=ask.form.get("reason"))
    shown = Secret(entry.name, entry.login, password, f"/admin/accounts/{entry.id}")
    return Page("admin/secret.html", shown, section="admin-accounts")


async def end_sessions(ask: Ask) -> Page | Go:
    """End everything that is open."""
    async with ask.changing() as office:
        await staffing.end_sessions(office, ask.id())
    return _back(ask)


async def link_person(ask: Ask) -> Page | Go:
    """Say who of the staff, or which patient, the account belongs to."""
    async with ask.changing() as office:
        await staffing.link(office, ask.id(), ask.form.get("type"), ask.form.get("person"))
    return _back(ask)


async def unlink_person(ask: Ask) -> Page | Go:
    """Say that it does not belong to this person any more."""
    async with ask.changing() as office:
        await staffing.unlink(office, ask.id(), ask.form.get("type"), ask.form.get("person"))
    return _back(ask)


async def give_role(ask: Ask) -> Page | Go:
    """Give a role, in a department or wherever the person is on duty, from a day to a day."""
    form = ask.form
    async with ask.changing() as office:
        entry = await directory.one(office, ask.id())
        await role_desk.give(
            office,
            entry.login,
            form.get("role"),
            department=form.get("department") or None,
            valid_from=instant(ask, form.get("from"), 0),
            valid_to=instant(ask, form.get("to"), 1),
            reason=form.get("reason"),
            hours=form.get("hours"),
        )
    ask.services.rights.forget(ask.tenant.id, entry.login)
    return _back(ask)


async def set_hours(ask: Ask) -> Page | Go:
    """Say when the account may work at all."""
    form = ask.form
    async with ask.changing() as office:
        entry = await directory.one(office, ask.id())
        await staffing.set_hours(
            office,
            entry.id,
            form.get("hours"),
            valid_from=instant(ask, form.get("from"), 0),
            valid_to=instant(ask, form.get("to"), 1),
            reason=form.get("reason"),
        )
    ask.services.rights.forget(ask.tenant.id, entry.login)
    return _back(ask)


async def reset_factors(ask: Ask) -> Page | Go:
    """Remove the second factors, or ask a second person to."""
    async with ask.changing() as office:
        await factor_resets.ask(office, ask.id(), ask.form.get("reason"))
    return _back(ask)


async def confirm_reset(ask: Ask) -> Page | Go:
    """Remove them, as somebody else asked."""
    async with ask.changing() as office:
        await factor_resets.confirm(office, ask.id())
    return _back(ask)


async def decline_reset(ask: Ask) -> Page | Go:
    """Leave them."""
    async with ask.changing() as office:
        await factor_resets.decline(office, ask.id())
    return _back(ask)


def instant(ask: Ask, typed: str, which: int) -> datetime | None:
    """The beginning (0) or the end (1) of a day that was typed; None where none was."""
    if not typed:
        return None
    try:
        return interval(typed, ask.tenant.zone)[which]
    except ValueError as problem:
        raise BadRequest(f"“{typed}” is no day.", vi=f"“{typed}” không phải ngày.") from problem


def _back(ask: Ask) -> Go:
    return Go(f"/admin/accounts/{ask.id()}")
