"""`/queue`: who waits at which room today; `/queue/{room}`: call the next, and end a visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hsba.access.rights.policy import RolePolicy
from hsba.fhir import json
from hsba.fhir.problems import BadRequest
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.reception import room
from hsba.record import interactions, visits
from hsba.record.views import here, places
from hsba.record.views.facts import text

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.record.views.here import Visitor

SECTION = "queue"


class NoSuchAct(BadRequest):
    """This page does nothing of that name; nothing was changed."""

    vi = "Trang này không có việc đó; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Room:
    """A room with how many wait at it and how many are in."""

    id: str
    name: str
    department: str
    waiting: int
    inside: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """What `reception/rooms.html` shows."""

    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """What `reception/queue.html` shows."""

    id: str
    name: str
    inside: tuple[Visitor, ...]
    waiting: tuple[Visitor, ...]
    booked: tuple[Visitor, ...]
    minutes: dict[str, int]
    """How long each has waited, by visit."""
    may_call: bool
    may_cancel: bool
    """Whether the reader is one who opens visits."""


async def rooms(ask: Ask) -> Page:
    """Every room that patients wait at."""
    return Page("reception/rooms.html", Rooms(await counted(ask)), section=SECTION)


async def counted(ask: Ask) -> tuple[Room, ...]:
    """The rooms with their figures of now."""
    today = await here.visitors(ask.ctx)
    return tuple(
        Room(
            spot.id,
            spot.name,
            department.name,
            sum(one.waiting for one in today if one.room == spot.id),
            sum(one.status == "in-progress" for one in today if one.room == spot.id),
        )
        for department in await places.departments(ask.ctx)
        for spot in department.rooms
    )


async def queue(ask: Ask) -> Page:
    """Who is in, who waits and for how long, and who is booked."""
    id_ = ask.path("room")
    place = json.stored((await interactions.read(ask.ctx, "Location", id_)).body or "")
    some = await here.visitors(ask.ctx, id_)
    shown = Queue(
        id_,
        text(place.get("name")),
        tuple(one for one in some if one.status == "in-progress"),
        tuple(one for one in some if one.waiting),
        tuple(one for one in some if one.status == "planned"),
        {one.encounter: _minutes(one.since, ask.ctx.clock.now()) for one in some},
        may_call=room.may(ask, "update", "Encounter"),
        may_cancel=room.may(ask, "create", "Patient"),
    )
    return Page("reception/queue.html", shown, section=SECTION)


async def act(ask: Ask) -> Go:
    """Call the next or one of them, end a visit, or take one back."""
    room.require(ask, "update", "Encounter")
    id_, encounter = ask.path("room"), ask.form.get("encounter", "")
    match ask.form.get("act"):
        case "next":
            await visits.call_next(ask.ctx, id_, who=_myself(ask))
        case "call":
            await visits.call(ask.ctx, encounter, who=_myself(ask))
        case "cancel":
            await visits.cancel(ask.ctx, encounter, reason=ask.form.get("reason", ""))
        case "finish":
            await visits.finish(ask.ctx, encounter)
        case _:
            raise NoSuchAct
    return Go(f"/queue/{id_}")


def _myself(ask: Ask) -> dict[str, Any] | None:
    """The caller as somebody who treats, where he is known as one."""
    policy = ask.ctx.policy
    known = policy.person.practitioners if isinstance(policy, RolePolicy) else ()
    return {"reference": f"Practitioner/{known[0]}", "display": ask.caller.name} if known else None


def _minutes(since: str, now: datetime) -> int:
    try:
        return max(0, int((now - datetime.fromisoformat(since)).total_seconds() // 60))
    except ValueError:
        return 0
