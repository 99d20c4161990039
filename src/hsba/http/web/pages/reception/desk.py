"""`/reception`: one box that finds anybody or reads a card, and those whose identity is still open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.http.web.page import Page
from hsba.http.web.pages.reception import queue, room
from hsba.record import cards, communes, typed
from hsba.record.views import alike, finding, unidentified
from hsba.record.views.alike import Known

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.http.web.pages.reception.queue import Room
    from hsba.record.cards import Card
    from hsba.record.views.alike import Candidate
    from hsba.record.views.finding import Hit
    from hsba.record.views.people import Person

HEADERS = {"permissions-policy": "camera=(self), geolocation=(), microphone=()"}
"""The one page that may ask for the camera, to read a card."""
LONGEST = 500
"""Characters of a line that are read."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What `reception/desk.html` shows."""

    q: str
    """What stands in the box."""
    asked: bool = False
    people: tuple[Hit, ...] = ()
    more_than: int = 0
    hit_numbers: frozenset[str] = frozenset()
    card: Card | None = None
    candidates: tuple[Candidate, ...] = ()
    filled: dict[str, str] = field(default_factory=dict)
    """What the card fills into the form."""
    open: tuple[Person, ...] = ()
    rooms: tuple[Room, ...] = ()
    """Where somebody waits or is inside now."""
    reasons: dict[str, str] = field(default_factory=lambda: room.REASONS)


async def desk(ask: Ask) -> Page:
    """The box, and who has no name yet."""
    room.require(ask, "create", "Patient")
    busy = tuple(one for one in await queue.counted(ask) if one.waiting or one.inside)
    return _page(Desk("", open=await unidentified.newest(ask.ctx), rooms=busy))


async def found(ask: Ask) -> Page:
    """Those who fit; numbers and names are sent, and never stand in an address."""
    room.require(ask, "create", "Patient")
    line = ask.form.get("q", "")[:LONGEST]
    card = cards.read(line)
    if card is not None:
        return await _of_card(ask, card)
    q = " ".join(line.split())
    if len(q) < 2:
        return _page(Desk(q, asked=bool(q)))
    question, found = await finding.find(ask.ctx, q)
    shown = Desk(
        q,
        asked=True,
        people=found.people,
        more_than=found.more_than,
        hit_numbers=frozenset(question.numbers),
        filled=_typed(q),
    )
    return _page(shown)


async def _of_card(ask: Ask, card: Card) -> Page:
    known = Known(card.name, card.birth, card.gender, card.number)
    found = await alike.candidates(ask.ctx, known)
    line, province, commune = communes.of_address(card.address)
    filled = {
        "number": card.number,
        "name": card.name,
        "birth": typed.shown(card.birth),
        "gender": card.gender,
        "line": line,
        "province": province,
        "commune": commune,
    }
    shown = Desk(card.number, asked=True, card=card, candidates=tuple(found), filled=filled)
    return _page(shown)


def _page(shown: Desk) -> Page:
    return Page("reception/desk.html", shown, section=room.SECTION, headers=HEADERS)


def _typed(q: str) -> dict[str, str]:
    """What was typed into the box, as the field of the form that it is."""
    number = typed.digits(q)
    if cards.NUMBER.fullmatch(number):
        return {"number": number}
    if phone := typed.phone(q):
        return {"phone": phone}
    if typed.CARD.fullmatch(number):
        return {"card1": number}
    return {} if any(char.isdigit() for char in q) else {"name": typed.name(q)}
