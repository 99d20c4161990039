"""What a form sent, read once however many ask for it: a gate, a page's frame, its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.http import limits
from hsba.http.messages import join_headers, read_pairs

if TYPE_CHECKING:
    from starlette.requests import Request

LONGEST = 64 * 1024
SECONDS = 30.0
KEPT = "hsba.form"


async def form(request: Request, *, longest: int = LONGEST) -> dict[str, str]:
    """The fields of a form without NUL characters; of one sent twice the last. Nothing where nothing is sent."""
    if request.method != "POST":
        return {}
    if KEPT not in request.scope:
        headers = join_headers(request.scope["headers"])
        body = await limits.read_body(request.receive, headers, limit=longest, seconds=SECONDS)
        request.scope[KEPT] = {name: value.replace("\0", "") for name, value in read_pairs(body)}
    found: dict[str, str] = request.scope[KEPT]
    return found
