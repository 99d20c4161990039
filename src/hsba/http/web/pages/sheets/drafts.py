"""`…/{part}/_draft`: what was typed since the last time is kept; the answer says what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from hsba.forms import entries, holds
from hsba.forms.model import ANSWERED
from hsba.http.web.filled import Filled
from hsba.http.web.pages.sheets import room, write
from hsba.http.web.visitor import UNCACHED

if TYPE_CHECKING:
    from hsba.forms.holds import Hold
    from hsba.forms.state import State
    from hsba.http.web.page import Ask


async def draft(ask: Ask) -> Response:
    """Keep the fields that were sent; what comes late, after a later step of the same page, changes nothing."""
    at = await write.here(ask)
    session, step = write.session(ask), _step(ask)
    before = await holds.touch(ask.ctx, at.entry, session, ask.caller.name)
    fields = {} if step and step <= before.step else write.fields(ask)
    worked = await entries.keep(ask.ctx, at.place, at.part, at.entry, fields, session=session, whole=at.whole)
    hold = await holds.touch(ask.ctx, at.entry, session, ask.caller.name, typed=True, step=step)
    answer = {**follows(ask, at, worked), "step": step, "hold": told(ask, hold)}
    return JSONResponse(answer, headers=UNCACHED)


async def hold(ask: Ask) -> Response:
    """Who writes the part: asked again and again while the page is open; `want` asks for it, `leave` gives it back."""
    session, act = write.session(ask), ask.form.get("_act", "")
    place = await room.named(ask)
    part = place.part(ask.path("part"))
    room.check(ask, part)
    entry = place.entry(part, str(ask.request.path_params.get("entry", "")))
    ask.ctx.told.add("hold")  # nothing of the record is shown or changed
    if act == "leave":
        await holds.leave(ask.ctx, entry, session)
        return Response(None, 204, UNCACHED)
    if act == "want":
        await holds.want(ask.ctx, entry, session, ask.caller.name)
    held = await holds.touch(ask.ctx, entry, session, ask.caller.name)
    return JSONResponse({"hold": told(ask, held)}, headers=UNCACHED)


def told(ask: Ask, hold: Hold) -> dict[str, object]:
    """A hold as the page shows it."""
    since = hold.since.astimezone(ask.ctx.tenant.zone).strftime("%H:%M")
    return {"mine": hold.mine, "name": hold.name, "since": since, "waiting": hold.waiting, "left": hold.left}


def _step(ask: Ask) -> int:
    """How-many-eth draft of its page this is; 0 where that is not told."""
    text = ask.form.get("_step", "")
    return int(text) if text.isdecimal() and len(text) < 16 else 0


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
