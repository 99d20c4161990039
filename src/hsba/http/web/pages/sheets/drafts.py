"""`…/{part}/_draft`: what was typed since the last time is kept; the answer says what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from hsba.forms import entries
from hsba.forms.model import ANSWERED
from hsba.http.web.filled import Filled
from hsba.http.web.pages.sheets import write

if TYPE_CHECKING:
    from starlette.responses import Response

    from hsba.forms.state import State
    from hsba.http.web.page import Ask


async def draft(ask: Ask) -> Response:
    """Keep the fields that were sent."""
    at = await write.here(ask)
    worked = await entries.keep(
        ask.ctx,
        at.place,
        at.part,
        at.entry,
        write.fields(ask),
        session=write.session(ask),
        whole=at.whole,
    )
    return JSONResponse(follows(ask, at, worked), headers={"cache-control": "no-store"})


def follows(ask: Ask, at: write.At, worked: State) -> dict[str, object]:
    """What the page shows of it: values that were calculated, items that are asked, notes, and when it was kept."""
    filled = Filled(
        at.place.form, ask.ctx.tenant.zone, ask.show.language, {**at.others, **worked.answers},
        notes=write.telling(worked.notes),
    )  # fmt: skip
    made = {
        item.id: filled.shown(item) for item in at.place.form.walk() if item.value and item.kind in ANSWERED
    }
    now = ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone)
    return {
        "saved": now.strftime("%H:%M:%S"),
        "made": made,
        "notes": {note.item: [filled.say(note), note.stops] for note in filled.notes},
    }
