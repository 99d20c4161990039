"""`/admin/accounts`: the list of accounts, and a new one with its first password, which is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hsba.access.accounts import KINDS
from hsba.access.administration import directory, role_desk, staffing
from hsba.access.administration.directory import STATES, Asked
from hsba.access.rights import grants
from hsba.http.web.page import Page
from hsba.http.web.pages.admin.words import ACCOUNT_STATES, KIND_NOTES
from hsba.http.web.words import ACCOUNT_KIND
from hsba.record.views import house

if TYPE_CHECKING:
    from hsba.access.administration.directory import Entry
    from hsba.access.rights.roles import Role
    from hsba.http.web.page import Go
    from hsba.http.web.pages.admin.room import Ask, Form
    from hsba.record.views.house import Department


@dataclass(frozen=True, slots=True)
class Accounts:
    """What `admin/accounts.html` shows."""

    may_change: bool
    entries: tuple[Entry, ...]
    asked: Asked
    kinds: dict[str, str]
    states: dict[str, str]
    roles: dict[str, str]
    """Titles of all roles, by name."""
    next: str
    """The address of the next page; empty at the end."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What `admin/account_new.html` shows."""

    form: Form
    problem: str
    kinds: dict[str, str]
    notes: dict[str, str]
    roles: dict[str, str]
    departments: tuple[Department, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """What `admin/secret.html` shows: something that is told once."""

    name: str
    login: str
    password: str
    address: str
    """Of the page of whose it is."""


async def accounts(ask: Ask) -> Page:
    """The accounts of this house, narrowed to what was asked."""
    asked = Asked(
        ask.query("q"),
        ask.query("kind") if ask.query("kind") in KINDS else "",
        ask.query("state") if ask.query("state") in STATES else "",
        ask.query("role"),
        ask.query("after"),
    )
    async with ask.looking() as office:
        entries, after = await directory.accounts(office, asked)
        known, _ = await grants.every_role(office.tx, ask.tenant.id)
    kept = {"q": asked.typed, "kind": asked.kind, "state": asked.state, "role": asked.role, "after": after}
    following = "/admin/accounts?" + urlencode({name: value for name, value in kept.items() if value})
    shown = Accounts(
        ask.may_change,
        tuple(entries),
        asked,
        ACCOUNT_KIND,
        ACCOUNT_STATES,
        titles(known),
        following if after else "",
    )
    return Page("admin/accounts.html", shown, section="admin-accounts")


async def new_account(ask: Ask) -> Page:
    """The form of a new account."""
    async with ask.looking() as office:
        known, _ = await grants.every_role(office.tx, ask.tenant.id)
        departments = await house.departments(ask.ctx(office.tx))
    shown = NewAccount(ask.form, ask.problem, ACCOUNT_KIND, KIND_NOTES, titles(known), tuple(departments))
    return Page("admin/account_new.html", shown, section="admin-accounts")


async def make_account(ask: Ask) -> Page | Go:
    """Make an account, with a first role where one was chosen; its password is shown now and never again."""
    form = ask.form
    password = await staffing.first_password()
    async with ask.changing() as office:
        made = await staffing.make(
            office, form.get("login"), form.get("kind", "staff"), form.get("name"), password
        )
        if role := form.get("role"):
            await role_desk.give(office, made.login, role, department=form.get("department") or None)
    shown = Secret(made.name, made.login, password.text, f"/admin/accounts/{made.id}")
    return Page("admin/secret.html", shown, section="admin-accounts")


def titles(known: dict[str, Role]) -> dict[str, str]:
    """What people call the roles, in the order of their titles."""
    return {name: role.title for name, role in sorted(known.items(), key=lambda item: item[1].title)}
