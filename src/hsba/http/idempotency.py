"""`Idempotency-Key` at the door: a repeated write gets the first answer again, also after a crash.

So a client that lost the answer (a cut line, a server killed after its commit) may simply send its request again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.http.messages import Answer
from hsba.record import idempotency

if TYPE_CHECKING:
    from hsba.http.messages import Header, Request
    from hsba.record.context import Context

REPLAYED: Header = (b"idempotent-replayed", b"true")
CONDITIONS = (b"if-match", b"if-none-exist", b"if-none-match")


def digest(request: Request) -> bytes:
    """What makes two requests the same: method, address below the base, conditions and content.

    The base is left out: after a crash the client may come by another name of the same server.
    """
    address = f"{'/'.join(request.segments)}?{request.query.decode('latin-1')}"
    conditions = "".join(f"\n{request.header(name)}" for name in CONDITIONS if name in request.headers)
    if request.actor.scope:  # an answer may show what a token of fewer scopes may not
        conditions += f"\n{request.actor.scope} {request.actor.patient}"
    return idempotency.digest(request.method, address + conditions, request.body)


async def find(ctx: Context, key: str, asked: bytes) -> Answer | None:
    """The answer given when this request was carried out before."""
    kept = await idempotency.find(ctx, key, asked)
    if kept is None:
        return None
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers.items()]
    return Answer(kept.status, (kept.body or "").encode(), [*headers, REPLAYED])


async def keep(ctx: Context, key: str, asked: bytes, answer: Answer) -> None:
    """Keep the answer beside what was written: both are committed, or neither."""
    if answer.pieces is not None:
        answer.body, answer.pieces = b"".join(answer.pieces), None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    kept = idempotency.Answer(answer.status, headers, answer.body.decode() or None)
    await idempotency.keep(ctx, key, asked, kept)
