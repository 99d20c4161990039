"""`/patients/{id}/seen`: who has seen this patient's record, when, through which door and for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from hsba.audit import seen as view
from hsba.http.web import people
from hsba.http.web.page import Page
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from hsba.audit.seen import Look
    from hsba.http.web.page import Ask
    from hsba.http.web.people import Names
    from hsba.record.views.people import Banner


@dataclass(frozen=True, slots=True)
class Seen:
    """What `seen.html` shows."""

    banner: Banner
    patient: str
    looks: tuple[Look, ...]
    names: Names
    next: str
    """The address of the page of older ones; empty at the end."""


async def seen(ask: Ask) -> Page:
    """The newest first."""
    id_ = ask.path("id")
    found = await view.seen(ask.ctx, id_, after=cursor(ask.query("after")))
    banner = await patients.banner(ask.ctx, id_)
    named = await people.names(ask, [who for one in found.looks for who in (one.account, one.on_behalf_of)])
    following = ""
    if found.next is not None:
        following = f"/patients/{id_}/seen?after={quote(cursor_text(found.next))}"
    return Page("seen.html", Seen(banner, id_, found.looks, named, following), section="patients")


def cursor_text(place: tuple[datetime, int]) -> str:
    """A place in the list, as an address holds it."""
    return f"{place[0].isoformat()}~{place[1]}"


def cursor(text: str) -> tuple[datetime, int] | None:
    """Where the page before ended; None for the first page or what is no such place."""
    at, _, id_ = text.partition("~")
    try:
        return datetime.fromisoformat(at.replace(" ", "+")), int(id_)
    except ValueError:
        return None
