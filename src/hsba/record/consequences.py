"""What a room makes of a write of a type, in the same transaction.

`app.py` joins the table; the record asks `ctx.consequences` wherever a version is made one by one.  Imports bring what
followed along, so nothing follows from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hsba.record.context import Context

Resource = dict[str, Any]


class Consequences(Protocol):
    """A room that acts on the writes of a type."""

    async def follow(self, ctx: Context, id: str, before: Resource | None, after: Resource | None) -> None:
        """Do what follows from a version that was saved, or refuse it; None before is a first one, None after a delete."""
        ...


async def follow(
    ctx: Context, type: str, id: str, *, before: Resource | None, after: Resource | None
) -> None:
    """Do what follows from a saved version of this type, if a room is there for it."""
    if (room := ctx.consequences.get(type)) is not None:
        await room.follow(ctx, id, before, after)
