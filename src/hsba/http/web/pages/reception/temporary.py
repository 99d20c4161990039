"""`/patients/new/temporary`: somebody who cannot say who he is, in one press."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.http.web.pages.reception import room
from hsba.record import registration, temporary
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from hsba.http.web.page import Ask, Go
    from hsba.record.views.people import Banner

KINDS = {
    "unknown": mark("Identity not known"),
    "emergency": mark("Emergency, no papers"),
    "newborn": mark("Newborn"),
}


@dataclass(frozen=True, slots=True)
class Temporary:
    """What `reception/temporary.html` shows."""

    key: str
    kind: str
    mother: Banner | None
    kinds: dict[str, str] = field(default_factory=lambda: KINDS)
    genders: tuple[str, ...] = registration.GENDERS
    most: int = temporary.MOST_BORN


async def blank(ask: Ask) -> Page:
    """The form; `?mother=` is the newborn's mother."""
    room.require(ask, "create", "Patient")
    mother = ask.query("mother")
    kind = "newborn" if mother else ask.query("kind")
    banner = await patients.banner(ask.ctx, mother) if mother else None
    shown = Temporary(room.key(), kind if kind in KINDS else "unknown", banner)
    return Page("reception/temporary.html", shown, section=room.SECTION)


async def sent(ask: Ask) -> Go:
    """Register by a temporary code."""
    room.require(ask, "create", "Patient")
    order = ask.form.get("order", "")

    async def register() -> str:
        id_ = await temporary.register(
            ask.ctx,
            ask.form.get("kind", ""),
            gender=ask.form.get("gender", "unknown"),
            seen=ask.form.get("seen", ""),
            mother=ask.form.get("mother", ""),
            order=int(order) if order.isascii() and order.isdigit() and len(order) == 1 else 0,
        )
        return f"/patients/{id_}/visits/new" if room.may(ask, "create", "Encounter") else f"/patients/{id_}"

    return await room.once(ask, register)
