"""Operations at the door: find the one asked for, read its parameters, call it, show what it returns.

The rooms bring the operations (their `OPERATIONS` tables); this file knows none by name (FHIR R4 operations.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.fhir.problems import MethodNotAllowed, NotFound
from hsba.http import answers, contents
from hsba.http.messages import Answer
from hsba.http.negotiate import CONTROLS
from hsba.record.calls import Call

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.http.messages import Request
    from hsba.http.middleware import Door
    from hsba.record.calls import Level, Operation
    from hsba.record.context import Context


class Operations:
    """The operations on offer, by name."""

    def __init__(self, offers: tuple[Operation, ...]) -> None:
        """Index them."""
        self.offers = offers
        self._named: dict[str, list[Operation]] = {}
        for offer in offers:
            self._named.setdefault(offer.name, []).append(offer)

    def find(self, request: Request) -> Operation:
        """The operation that an address names; 404 where there is none of that name, or not at that level."""
        *place, marked = request.segments
        level: Level = "system" if not place else "type" if len(place) == 1 else "instance"
        type_ = place[0] if place else None
        for offer in self._named.get(marked[1:], ()):
            if offer.fits(level, type_):
                if offer.affects_state and request.method != "POST":
                    raise MethodNotAllowed(f"{marked} is called by POST.", vi=f"{marked} phải gọi bằng POST.")
                return offer
        on = f" of {type_}" if type_ else ""
        raise NotFound(f"There is no {marked[:64]}{on} here.", vi=f"Không có {marked[:64]}{on} ở đây.")


async def call(door: Door, request: Request) -> Answer:
    """GET or POST …/$name: call it on a connection of the kind it asks for."""
    operation = door.operations.find(request)
    asked = _asked(request, door.services.definitions)

    async def work(ctx: Context, request: Request) -> Answer:
        return _shown(ctx, request, await operation.handler(ctx, asked))

    return await door.run(request, operation.tx, work)


async def within(door: Door, ctx: Context, request: Request) -> Answer:
    """The same inside a batch or transaction, on the connection at hand."""
    operation = door.operations.find(request)
    return _shown(ctx, request, await operation.handler(ctx, _asked(request, ctx.definitions)))


def _asked(request: Request, definitions: Definitions) -> Call:
    """The call as it came: parameters from the address, or from a body that is Parameters or the one resource."""
    *place, marked = request.segments
    body = contents.resource(request, definitions) if request.body else None
    return Call.of(
        marked[1:],
        type=place[0] if place else None,
        id=place[1] if len(place) > 1 else None,
        vid=place[3] if len(place) > 3 else None,
        pairs=[pair for pair in request.pairs if pair[0] not in CONTROLS],
        body=body,
        address=request.address,
    )


def _shown(ctx: Context, request: Request, found: dict[str, object] | None) -> Answer:
    """What the operation returned, in the form asked for."""
    if found is None:
        return Answer(204)
    return answers.of_resource(request, found, ctx.definitions)
