"""The next number of a series that nobody in the record has: others came with numbers of their own (imports, another system)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hsba.fhir.problems import Conflict
from hsba.fhir.query.expression import Match, Token
from hsba.record import numbers
from hsba.record.ports import AllowAll
from hsba.store import search as searching

if TYPE_CHECKING:
    from hsba.record.context import Context

TRIES = 40
"""Each skips twice as many as the one before: enough for more numbers than there are people."""


class SeriesTaken(Conflict):
    """No free number was found in this series; nothing was saved: tell your administrator."""

    vi = "Không tìm được số còn trống trong dãy số này; chưa lưu gì: hãy báo quản trị."


async def number(ctx: Context, kind: str, type: str, system: str) -> str:
    """The number as written; whether it is taken is asked of the whole record, whatever the caller may see."""
    whole = replace(ctx, policy=AllowAll())
    for turn in range(TRIES):
        given = (await numbers.give(ctx, kind)).text
        wanted = Match("identifier", Token(system, given))
        if not await searching.match_keys(ctx.tx, wanted, type, whole, limit=1):
            return given
        await numbers.skip(ctx, kind, 2**turn)
    raise SeriesTaken
