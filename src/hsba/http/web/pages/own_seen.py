"""`/my/seen`: a patient sees who has read his record: who, in which role, when and what; no addresses of the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hsba.access.rights import grants
from hsba.access.rights.policy import NoRight
from hsba.audit import seen
from hsba.http.web import people
from hsba.http.web.page import Page
from hsba.http.web.pages.seen import cursor, cursor_text

if TYPE_CHECKING:
    from hsba.audit.seen import Look
    from hsba.http.web.page import Ask
    from hsba.http.web.people import Names

KINDS = frozenset({"patient"})


@dataclass(frozen=True, slots=True)
class OwnSeen:
    """What `own_seen.html` shows."""

    looks: tuple[Look, ...]
    names: Names
    of: str
    """The record that is looked at."""
    others: tuple[str, ...]
    """Other records that this person may ask about."""
    next: str


async def own_seen(ask: Ask) -> Page:
    """The newest first; of the person's own record, or of one he stands for."""
    ctx = ask.ctx
    told = await grants.standing(ctx.tx, ctx.tenant.id, ctx.actor.account, ctx.clock.now())
    of = ask.query("of") or next(iter(told.patients), "")
    if of not in told.patients:
        raise NoRight
    found = await seen.of_own(ctx, of, after=cursor(ask.query("after")))
    page = OwnSeen(
        looks=found.looks,
        names=await people.names(ask, [one.account for one in found.looks]),
        of=of,
        others=tuple(one for one in told.patients if one != of),
        next="/my/seen?" + urlencode({"of": of, "after": cursor_text(found.next)}) if found.next else "",
    )
    return Page("own_seen.html", page, section="own-seen")
