"""Emergency access on screen: asked for with a reason, ended before its time, and looked at afterwards by somebody else.

Every page here is the same for every id, until its reason is given by somebody who has the right: nobody learns from it
whether there is a patient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.routing import Route

from hsba.access.rights import emergency
from hsba.access.rights.policy import NoRight
from hsba.fhir.problems import NotFound, Problem
from hsba.http.web import words
from hsba.http.web.page import Go, Page, endpoint

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.rights.emergency import Emergency, Glass
    from hsba.http.web.page import Ask


@dataclass(frozen=True, slots=True)
class Asking:
    """What `emergency.html` shows."""

    patient: str
    """Whom it is about; empty where he is named by a number."""
    minutes: int
    """How long it will last."""
    number: str = ""
    category: str = ""
    reason: str = ""
    problem: str = ""
    lasting: Emergency | None = None
    """The reader's own that is open now."""
    categories: dict[str, str] = field(default_factory=lambda: words.EMERGENCY)
    least: int = emergency.LEAST
    most: int = emergency.MOST


@dataclass(frozen=True, slots=True)
class Review:
    """What `emergencies.html` shows."""

    waiting: tuple[Emergency, ...]
    done: tuple[Emergency, ...]
    me: str
    now: datetime
    shows_patients: bool
    """Whether the reader may see patients at all, so that links to them lead somewhere."""
    categories: dict[str, str] = field(default_factory=lambda: words.EMERGENCY)
    most: int = emergency.MOST


async def of_patient(ask: Ask) -> Page:
    """The form for a patient, or what is open already."""
    _require(ask)
    id_ = ask.path("id")
    return _page(ask, id_, lasting=await emergency.own(ask.ctx, id_))


async def to_patient(ask: Ask) -> Page | Go:
    """Open the access, or end it, and go on."""
    _require(ask)
    id_ = ask.path("id")
    if "end" in ask.form:
        lasting = await emergency.own(ask.ctx, id_)
        if lasting is not None:
            await _glass(ask).end(ask.ctx, lasting.id)
            ask.services.rights.forget(ask.ctx.tenant.id, ask.ctx.actor.account)
        return Go("/")
    return await _open(ask, id_, id_)


async def by_number(ask: Ask) -> Page:
    """The form for somebody who is known by a number only."""
    _require(ask)
    return _page(ask, "")


async def to_number(ask: Ask) -> Page | Go:
    """Open the access to who has exactly this number; without a reason yet, ask for it."""
    _require(ask)
    if "reason" not in ask.form:
        return _page(ask, "")
    found = await emergency.found_by_number(ask.ctx, ask.form.get("number", ""))
    return await _open(ask, found, "")


async def review(ask: Ask) -> Page:
    """Those that wait, and those that were looked at."""
    found = await _glass(ask).waiting(ask.ctx)
    shown = Review(
        tuple(one for one in found if one.reviewed is None),
        tuple(one for one in found if one.reviewed is not None),
        ask.ctx.actor.account,
        ask.ctx.clock.now(),
        emergency.may_open(ask.ctx.policy),
    )
    return Page("emergencies.html", shown, section="emergencies")


async def reviewed(ask: Ask) -> Page | Go:
    """Keep what was found of one."""
    await _glass(ask).review(
        ask.ctx,
        int(ask.path("number")),
        justified=ask.form.get("verdict") == "justified",
        comment=ask.form.get("comment", ""),
    )
    return Go("/emergencies")


async def _open(ask: Ask, patient: str | None, shown: str) -> Page | Go:
    category, reason = ask.form.get("category", ""), ask.form.get("reason", "")
    try:
        # the reason is looked at first, so that a number without one tells nothing
        emergency.check_reason(category, reason)
        if patient is None:
            await _glass(ask).missed(ask.ctx, reason)
            raise NotFound
        opened = await _glass(ask).open(ask.ctx, patient, category, reason, name=ask.caller.name)
    except (emergency.NoReason, NotFound) as refused:
        return _page(ask, shown, refused=refused)
    ask.services.rights.forget(ask.ctx.tenant.id, ask.ctx.actor.account)
    return Go(f"/patients/{quote(opened.patient, safe='')}")


def _page(
    ask: Ask, patient: str, *, lasting: Emergency | None = None, refused: Problem | None = None
) -> Page:
    shown = Asking(
        patient,
        round(_glass(ask).lasts.total_seconds() / 60),
        ask.form.get("number", "")[:64],
        ask.form.get("category", ""),
        ask.form.get("reason", "")[: emergency.MOST],
        ask.sentence(refused),
        lasting,
    )
    return Page("emergency.html", shown, section="patients", status=refused.status if refused else 200)


def _require(ask: Ask) -> None:
    if not emergency.may_open(ask.ctx.policy):
        raise NoRight(f"({emergency.ACT} Patient)")


def _glass(ask: Ask) -> Glass:
    found: Glass = ask.services.glass
    return found


ROUTES = (
    Route("/emergency", endpoint(by_number, about=None)),
    Route("/emergency", endpoint(to_number, room="writing", about=None), methods=["POST"]),
    Route("/patients/{id}/emergency", endpoint(of_patient, about=None)),
    Route("/patients/{id}/emergency", endpoint(to_patient, room="writing", about=None), methods=["POST"]),
    Route("/emergencies", endpoint(review, about=None)),
    Route("/emergencies/{number:int}", endpoint(reviewed, room="writing", about=None), methods=["POST"]),
)
