"""`/admin/accounts/import`: accounts from a list: what would be made, what is wrong, and then all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.administration import account_lists, staffing
from hsba.access.rights import grants
from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.http.web.pages.admin.accounts import titles
from hsba.http.web.words import ACCOUNT_KIND
from hsba.record.views import house

if TYPE_CHECKING:
    from hsba.access.administration.account_lists import List, Row
    from hsba.http.web.page import Go
    from hsba.http.web.pages.admin.room import Ask

COLUMNS = {
    "login": mark("Account name"),
    "name": mark("Full name"),
    "kind": mark("Kind of account"),
    "role": mark("Role"),
    "department": mark("Department"),
    "to": mark("To the end of"),
    "practitioner": mark("Staff in the record"),
}


@dataclass(frozen=True, slots=True)
class Importing:
    """What `admin/import.html` shows."""

    text: str
    problem: str
    list: List | None
    """What was read; None before anything was sent."""
    columns: dict[str, str]
    kinds: dict[str, str]
    roles: dict[str, str]
    departments: dict[str, str]
    most: int


@dataclass(frozen=True, slots=True)
class Handed:
    """What `admin/imported.html` shows: every new account with its first password, once."""

    made: tuple[tuple[Row, str], ...]


async def importing(ask: Ask) -> Page:
    """The form."""
    return await _page(ask, None)


async def import_accounts(ask: Ask) -> Page | Go:
    """Read the list; make its accounts when that was asked for and nothing is wrong."""
    text = ask.form.get("file") or ask.form.get("text")
    async with ask.looking() as office:
        departments = {one.id: one.name for one in await house.departments(ask.ctx(office.tx))}
        found = await account_lists.read(office, text, departments, ask.tenant.zone)
    if ask.form.get("step") != "save" or found.wrong:
        return await _page(ask, found)
    passwords = [await staffing.first_password() for _ in found.rows]
    async with ask.changing() as office:
        await account_lists.make(office, found, passwords, ask.tenant.zone)
    made = tuple((row, password.text) for row, password in zip(found.rows, passwords, strict=True))
    return Page("admin/imported.html", Handed(made), section="admin-accounts")


async def _page(ask: Ask, found: List | None) -> Page:
    async with ask.looking() as office:
        known, _ = await grants.every_role(office.tx, ask.tenant.id)
        departments = {one.id: one.name for one in await house.departments(ask.ctx(office.tx))}
    shown = Importing(
        ask.form.get("file") or ask.form.get("text"),
        ask.problem,
        found,
        COLUMNS,
        ACCOUNT_KIND,
        titles(known),
        departments,
        account_lists.MOST,
    )
    return Page("admin/import.html", shown, section="admin-accounts")
