"""What a form sent, read once however many ask for it: a gate, a page's frame, its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.http import limits
from hsba.http.messages import join_headers, read_pairs

if TYPE_CHECKING:
    from starlette.requests import Request

    from hsba.http.messages import Pairs

LONGEST = 64 * 1024
SECONDS = 60.0
KEPT = "hsba.form"


async def body(request: Request, *, longest: int = LONGEST) -> bytes:
    """The bytes that were sent; nothing where nothing is sent."""
    if request.method != "POST":
        return b""
    if KEPT not in request.scope:
        headers = join_headers(request.scope["headers"])
        request.scope[KEPT] = await limits.read_body(request.receive, headers, limit=longest, seconds=SECONDS)
    found: bytes = request.scope[KEPT]
    return found


async def pairs(request: Request) -> Pairs:
    """The fields of a form in their order, one sent twice twice."""
    return read_pairs(await body(request))


async def form(request: Request, *, longest: int = LONGEST) -> dict[str, str]:
    """The fields of a form without NUL characters; of one sent twice the last."""
    found = read_pairs(await body(request, longest=longest))
    return {name: value.replace("\0", "") for name, value in found}
