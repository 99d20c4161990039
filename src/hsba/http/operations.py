"""Operations at the door: find the one asked for, read its parameters, call it, show what it returns.

The rooms bring the operations (their `OPERATIONS` tables); this file knows none by name (FHIR R4 operations.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest, MethodNotAllowed, NotFound
from hsba.http import answers, contents, negotiate
from hsba.http.messages import Answer
from hsba.http.negotiate import CONTROLS
from hsba.record.calls import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hsba.fhir.definitions import Definitions
    from hsba.http.messages import Request
    from hsba.http.middleware import Door
    from hsba.record.calls import Level, Operation
    from hsba.record.context import Context


PIECE = 64 * 1024


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
                if request.method == "DELETE" and offer.remove is None:
                    raise MethodNotAllowed(f"{marked} is not given up.", vi=f"{marked} không nhận DELETE.")
                if offer.affects_state and request.method not in ("POST", "DELETE"):
                    raise MethodNotAllowed(f"{marked} is called by POST.", vi=f"{marked} phải gọi bằng POST.")
                return offer
        on = f" of {type_}" if type_ else ""
        raise NotFound(f"There is no {marked[:64]}{on} here.", vi=f"Không có {marked[:64]}{on} ở đây.")

    def takes_lines(self, request: Request) -> bool:
        """Whether the content is NDJSON for an operation that takes a file."""
        offers = self._named.get(request.segments[-1][1:], ()) if request.segments else ()
        if request.route.interaction != "operation" or not any(offer.takes_lines for offer in offers):
            return False
        return negotiate.content_kind(request.headers.get(b"content-type")) == "ndjson"


async def call(door: Door, request: Request) -> Answer:
    """GET or POST …/$name: call it on a connection of the kind it asks for."""
    operation = door.operations.find(request)
    asked = _asked(request, door.services.definitions)
    handler = operation.remove if request.method == "DELETE" and operation.remove else operation.handler

    async def work(ctx: Context, request: Request) -> Answer:
        return _shown(ctx, request, await handler(ctx, asked))

    return await door.run(request, "writing" if request.method == "DELETE" else operation.tx, work)


async def within(door: Door, ctx: Context, request: Request) -> Answer:
    """The same inside a batch or transaction, on the connection at hand."""
    operation = door.operations.find(request)
    if operation.alone:
        raise BadRequest(
            f"${operation.name} is asked by a request of its own.",
            vi=f"${operation.name} phải gọi bằng một yêu cầu riêng.",
        )
    return _shown(ctx, request, await operation.handler(ctx, _asked(request, ctx.definitions)))


def _asked(request: Request, definitions: Definitions) -> Call:
    """The call as it came: parameters from the address, or from a body that is Parameters or the one resource."""
    *place, marked = request.segments
    body = contents.resource(request, definitions) if request.body else None
    wishes = negotiate.wishes(request.headers.get(b"prefer"))
    return Call.of(
        marked[1:],
        type=place[0] if place else None,
        id=place[1] if len(place) > 1 else None,
        vid=place[3] if len(place) > 3 else None,
        pairs=[pair for pair in request.pairs if pair[0] not in CONTROLS],
        body=body,
        address=request.address,
        file=request.file,
        strict=wishes.strict,
        asynchronous=wishes.respond_async,
    )


def _shown(ctx: Context, request: Request, found: dict[str, Any] | Reply | None) -> Answer:
    """What the operation returned, in the form asked for."""
    if found is None:
        return Answer(204)
    if not isinstance(found, Reply):
        return answers.of_resource(request, found, ctx.definitions)
    if found.resource is not None:
        answer = answers.of_resource(request, found.resource, ctx.definitions, status=found.status)
    elif found.file is not None:
        answer = Answer(found.status, b"", [(b"content-type", found.media.encode())], _pieces(found.file))
    else:
        answer = Answer(found.status, found.text.encode())
        if found.text:
            answer.headers.append((b"content-type", found.media.encode()))
    answer.headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in found.headers]
    return answer


def _pieces(file: Path) -> Iterator[bytes]:
    """A file bit by bit: reading one takes a fraction of a millisecond, so it needs no thread."""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece
