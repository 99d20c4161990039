"""`/admin/changes`: what was changed about rights, by whom and when; for the security officer above all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from hsba.access.administration import changes as view
from hsba.access.rights import grants
from hsba.http.web.page import Page
from hsba.http.web.pages.admin.accounts import titles
from hsba.http.web.pages.admin.words import CHANGES, PROPOSALS
from hsba.http.web.words import ACCOUNT_KIND
from hsba.record.views import house

if TYPE_CHECKING:
    from hsba.access.administration.changes import Change
    from hsba.http.web.pages.admin.room import Ask
    from hsba.http.web.show import Show


@dataclass(frozen=True, slots=True)
class Changes:
    """What `admin/changes.html` shows."""

    changes: tuple[Change, ...]
    sorts: dict[str, str]
    roles: dict[str, str]
    departments: dict[str, str]
    next: str

    def what(self, one: Change, show: Show) -> str:
        """What it is since, in the reader's language."""
        if one.sort in ("account", "kind"):
            return show.say(ACCOUNT_KIND[one.what])
        if one.sort == "decide":
            return show.say(PROPOSALS[one.what])
        title = self.roles.get(one.what, one.what)
        where = self.departments.get(one.department or "", one.department or "")
        return f"{title}, {where}" if where else title


async def changes(ask: Ask) -> Page:
    """The newest first."""
    async with ask.looking() as office:
        found, before = await view.changes(office, before=_moment(ask.query("before")))
        known, _ = await grants.every_role(office.tx, ask.tenant.id)
        departments = {one.id: one.name for one in await house.departments(ask.ctx(office.tx))}
    following = "" if before is None else f"/admin/changes?before={quote(before.isoformat())}"
    return Page(
        "admin/changes.html",
        Changes(tuple(found), CHANGES, titles(known), departments, following),
        section="admin-changes",
    )


def _moment(text: str) -> datetime | None:
    """Where the page before ended; None for the first page or what is no such place."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
