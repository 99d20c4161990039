"""`/patients/{id}/loans`: to whom this record is lent for reading, and the form that lends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.routing import Route

from hsba.access.rights import lending
from hsba.access.rights.policy import NoRight, OwnRole
from hsba.fhir.query.dates import interval
from hsba.http.web import words
from hsba.http.web.page import Go, Page, endpoint
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.rights.lending import Desk, Lent
    from hsba.fhir.problems import Problem
    from hsba.http.web.page import Ask
    from hsba.record.views.people import Banner

USUAL = timedelta(days=7)
"""For so long a record is lent, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Loans:
    """What `loans.html` shows."""

    banner: Banner
    patient: str
    loans: tuple[Lent, ...]
    now: datetime
    account: str
    purpose: str
    reason: str
    until: str
    problem: str = ""
    purposes: dict[str, str] = field(default_factory=lambda: words.LOAN_PURPOSE)
    most: int = lending.MOST


async def loans(ask: Ask) -> Page:
    """What is lent, and the form."""
    _require(ask)
    return await _page(ask)


async def lend(ask: Ask) -> Page | Go:
    """Lend it."""
    _require(ask)
    id_ = ask.path("id")
    try:
        await _desk(ask).lend(
            ask.ctx,
            ask.form.get("account", "").strip(),
            id_,
            purpose=ask.form.get("purpose", ""),
            reason=ask.form.get("reason", ""),
            until=_until(ask),
        )
    except (lending.BadLoan, lending.NoBorrower, OwnRole) as refused:
        return await _page(ask, refused)
    return Go(f"/patients/{quote(id_, safe='')}/loans")


async def give_back(ask: Ask) -> Page | Go:
    """Take it back."""
    _require(ask)
    await _desk(ask).take_back(ask.ctx, int(ask.path("number")))
    return Go(f"/patients/{quote(ask.path('id'), safe='')}/loans")


async def _page(ask: Ask, refused: Problem | None = None) -> Page:
    id_ = ask.path("id")
    today = ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone).date()
    shown = Loans(
        await patients.banner(ask.ctx, id_),
        id_,
        tuple(await lending.loans(ask.ctx.tx, ask.ctx.tenant.id, patient=id_)),
        ask.ctx.clock.now(),
        ask.form.get("account", "")[:64],
        ask.form.get("purpose", ""),
        ask.form.get("reason", "")[: lending.MOST],
        ask.form.get("until", "") or (today + USUAL).isoformat(),
        ask.sentence(refused),
    )
    return Page("loans.html", shown, section="patients", status=refused.status if refused else 200)


def _until(ask: Ask) -> datetime:
    """The end of the day that was chosen."""
    try:
        day = date.fromisoformat(ask.form.get("until", ""))
    except ValueError as problem:
        raise lending.BadLoan("Until when?", vi="Cho mượn đến ngày nào?") from problem
    return interval(day.isoformat(), ask.ctx.tenant.zone)[1]


def _require(ask: Ask) -> None:
    if not lending.may_lend(ask.ctx):
        raise NoRight(f"({lending.ACT} Patient)")


def _desk(ask: Ask) -> Desk:
    found: Desk = ask.services.lending
    return found


ROUTES = (
    Route("/patients/{id}/loans", endpoint(loans)),
    Route("/patients/{id}/loans", endpoint(lend, room="writing"), methods=["POST"]),
    Route("/patients/{id}/loans/{number:int}", endpoint(give_back, room="writing"), methods=["POST"]),
)
