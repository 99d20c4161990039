"""`/admin`: what is to be set up, what needs a look, and the way to each page of the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.administration import directory, role_desk
from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.http.web.pages.admin.grants import SOON
from hsba.record.views import house

if TYPE_CHECKING:
    from hsba.http.web.pages.admin.room import Ask


@dataclass(frozen=True, slots=True)
class Step:
    """Something to set up: whether it is done, as far as that can be seen from here, and where to do it."""

    title: str
    note: str
    done: bool | None
    """None is what nobody can see from here."""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """What `admin/overview.html` shows."""

    house: str
    counts: dict[str, int]
    ending: int
    """Grants that end soon."""
    days: int
    steps: tuple[Step, ...]


async def overview(ask: Ask) -> Page:
    """The first page of the room."""
    async with ask.looking() as office:
        counts = await directory.counts(office)
        ending = await role_desk.holders(office, ending=SOON)
        given = await role_desk.holders(office)
        departments = await house.departments(ask.ctx(office.tx))
    steps = (
        Step(
            mark("Departments"),
            mark(
                "Roles are given per department; departments come with the data of the house (Organization)."
            ),
            bool(departments),
        ),
        Step(
            mark("Accounts of the staff"),
            mark("One by one, or all at once from a list."),
            counts["staff"] > 0,
            "/admin/accounts/import",
        ),
        Step(
            mark("Roles"),
            mark("Read what the shipped roles allow; copy and change one where the house does otherwise."),
            None,
            "/admin/roles",
        ),
        Step(
            mark("Roles are given"),
            mark("Without a role an account sees and changes nothing of patients."),
            bool(given),
            "/admin/grants",
        ),
        Step(
            mark("A second administrator"),
            mark("Nobody changes his own account or rights, so there are two."),
            counts["administrators"] > 1,
            "/admin/accounts/new",
        ),
        Step(
            mark("A security officer"),
            mark("Reads the changes of rights and the audit trail, and changes nothing."),
            counts["officers"] > 0,
            "/admin/accounts/new",
        ),
        Step(
            mark("Your own log-in"),
            mark("Password, second factor and open sessions."),
            None,
            "/account",
        ),
        Step(
            mark("An encrypted line (TLS)"),
            mark("Other machines come in by TLS only: docs/how-to/accounts.md, “Beyond this machine”."),
            bool(ask.request.scope["hsba.secure"]),
        ),
        Step(
            mark("Backups"),
            mark(
                "The program makes none yet: have the database backed up and try a restore before real patients."
            ),
            None,
        ),
    )
    shown = Overview(ask.tenant.title, counts, len(ending), SOON.days, steps)
    return Page("admin/overview.html", shown, section="admin")
