"""What the pages of reception share: who may be there, a form that counts once, and the words of its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import uuid4

from hsba.access.rights.policy import NoRight
from hsba.fhir.query.expression import Nothing
from hsba.http.web.i18n import mark
from hsba.http.web.page import Go
from hsba.record import idempotency
from hsba.record.idempotency import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date

    from hsba.http.web.page import Ask

KEY = "_key"
"""The field that makes a form count once, however often it is sent."""
SECTION = "reception"

WRONG = {
    "missing": mark("Still missing."),
    "no-birth": mark("Not a day of birth: 12/05/1959, 12051959 or 1959."),
    "no-id": mark("A personal ID number has 12 digits."),
    "other-id": mark("The number says another sex or year of birth: compare it with the card."),
    "no-phone": mark("Not a telephone number of Vietnam: 10 or 11 digits."),
    "no-card": mark("An insurance number has 10 digits, 12 digits, or 15 characters."),
    "no-day": mark("Not a day: 31/12/2026."),
    "no-province": mark("There is no such province."),
    "no-commune": mark("No commune of this province is called so, or several are: choose one of the list."),
    "kin-missing": mark("A child under six needs a next of kin."),
}
"""Why a field is refused."""
FIELDS = {
    "name": mark("Full name"),
    "birth": mark("Born"),
    "gender": mark("Sex"),
    "number": mark("Personal ID number"),
    "phone": mark("Phone"),
    "line": mark("House, street or hamlet"),
    "province": mark("Province"),
    "commune": mark("Commune"),
    "card1": mark("Insurance card"),
    "card1-from": mark("Valid from"),
    "card1-until": mark("Valid until"),
    "card2": mark("Second insurance card"),
    "card2-from": mark("Valid from"),
    "card2-until": mark("Valid until"),
    "kin": mark("Next of kin"),
    "kin-relation": mark("Relation"),
    "kin-phone": mark("Their phone"),
}
"""The fields of an identity, in the order of the form."""
REASONS = {
    "same-id": mark("same ID number"),
    "same-card": mark("same insurance card"),
    "same-name": mark("same name"),
    "near-name": mark("same name but for accents or order"),
    "same-day": mark("born the same day"),
    "same-year": mark("born the same year"),
    "same-phone": mark("same phone"),
    "same-sex": mark("same sex"),
    "other-sex": mark("other sex"),
    "other-id": mark("other ID number"),
}
"""Why somebody may be the same."""


def may(ask: Ask, act: str, type: str) -> bool:
    """Whether the caller may do this to some resources of a type."""
    return not isinstance(ask.ctx.policy.within(act, type), Nothing)


def require(ask: Ask, act: str, type: str) -> None:
    """Refuse who may not."""
    if not may(ask, act, type):
        raise NoRight(f"{act} {type}")


def key() -> str:
    """A new form's own key."""
    return str(uuid4())


def today(ask: Ask) -> date:
    """The day it is here."""
    return ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone).date()


async def once(ask: Ask, act: Callable[[], Awaitable[str]]) -> Go:
    """Do what a form asks for and go on; a form that was sent before leads to the same place and does nothing."""
    name = ask.form.get(KEY, "")
    asked = idempotency.digest("POST", ask.request.url.path, urlencode(sorted(ask.form.items())).encode())
    await ask.ctx.tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('hsba form ' || $1::text, 0))", name
    )
    before = await idempotency.find(ask.ctx, name, asked)
    if before is not None:
        return Go(before.headers["location"])
    where = await act()
    await idempotency.keep(ask.ctx, name, asked, Answer(303, {"location": where}))
    return Go(where)
