"""Answers the record's question "who shall be told?": each act becomes a line, with a row for each patient it touched.

A save's lines are written by the store in the call that saves; every other act is one call of `audit.note`, committed
before the answer leaves, or with the transaction it stands in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.audit.words import plain
from hsba.record.saving import provenance
from hsba.store.resources import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context

    About = tuple[int | None, int, str, int | None]

NOTE = "SELECT audit.note($1, $2, $3, $4, $5, $6, $7, $8)"
REFUSED = "refused:"


class AuditTrail:
    """The trail of this database."""

    keeps_nothing = False
    written_by_store = True

    async def add(self, ctx: Context, interaction: str, type: str | None, subjects: Sequence[object]) -> None:
        """Write the line of an act and what it touched: versions, addresses `(type, id)`, or words for anything else."""
        about = [found for one in subjects if (found := _about(ctx, one)) is not None]
        words = plain(" ".join(one for one in subjects if isinstance(one, str)))
        ask = ctx.tx.fetchval_alone if ctx.alone else ctx.tx.fetchval
        await ask(
            NOTE,
            ctx.tenant.id,
            provenance(ctx),
            ctx.clock.now(),
            interaction.removeprefix(REFUSED),
            None if type is None else ctx.registry.type_id(type),
            interaction.startswith(REFUSED),
            words or None,
            about or None,
        )
        ctx.told.add(interaction)


def _about(ctx: Context, subject: object) -> About | None:
    if isinstance(subject, Stored):
        return subject.key, subject.type, subject.id, subject.vid
    if isinstance(subject, tuple):
        type_, id_ = subject
        return None, ctx.registry.type_id(type_), id_, None
    return None
