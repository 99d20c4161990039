"""`…/{sheet}/_cover`: the stay goes on under another cover; `…/_stop`: a sheet is used no longer, for a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.forms import changing, shelf
from hsba.forms.staff import NotYourPart
from hsba.http.web.page import Go
from hsba.http.web.pages.sheets import room

if TYPE_CHECKING:
    from hsba.http.web.page import Ask


async def change(ask: Ask) -> Go:
    """Begin another cover with what this one says, as drafts of who asks for it."""
    whole = await room.sheet(ask)
    _check(ask, any(room.may_fill(ask, part) for part in whole.place.form.parts))
    form = await shelf.find(ask.ctx, ask.form.get("form", ""))
    place, _ = await changing.begin(ask.ctx, whole, form)
    return Go(room.addresses(ask, place).read)


async def stop(ask: Ask) -> Go:
    """Use the sheet no longer."""
    whole = await room.sheet(ask)
    _check(ask, any(room.may_fill(ask, part) for part in whole.place.form.parts))
    ask.ctx.reason = " ".join(ask.form.get("reason", "").split())[: room.LONGEST_REASON] or None
    await changing.stop(ask.ctx, whole)
    return Go(room.addresses(ask, whole.place).read)


def _check(ask: Ask, may: bool) -> None:  # noqa: FBT001 - it is what is checked
    if not may:
        raise NotYourPart(ask.path("slug"))
