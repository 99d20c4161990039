"""`/audit/accounts`: who has an account and which roles, and the button that confirms the list every half year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access import accounts as keeping
from hsba.access.administration import review
from hsba.access.rights import grants
from hsba.http.web import words
from hsba.http.web.page import Go, Page

if TYPE_CHECKING:
    from hsba.access.administration.review import Confirmation, Standing
    from hsba.http.web.page import Ask

KINDS = frozenset({"administrator", "security"})
"""Who keeps the accounts and who watches over them."""


@dataclass(frozen=True, slots=True)
class Review:
    """What `review.html` shows."""

    accounts: tuple[Standing, ...]
    roles: dict[str, str]
    kinds: dict[str, str]
    digest: str
    last: Confirmation | None
    who: str
    """Who confirmed last, as people call him."""
    overdue: bool

    def role(self, name: str) -> str:
        """The title of a role, with the department it is for."""
        role, at, department = name.partition("@")
        return f"{self.roles.get(role, role)}{f' ({department})' if at else ''}"


async def accounts(ask: Ask) -> Page:
    """The list, and when it was last confirmed."""
    ctx = ask.ctx
    tx, tenant, now = ctx.tx, ctx.tenant.id, ctx.clock.now()
    some = await review.standings(tx, tenant, now)
    last = await review.last(tx, tenant)
    names = await keeping.names(tx, [last.account] if last else [])
    known, _ = await grants.every_role(tx, tenant)
    await ctx.trail.add(ctx, "accounts-view", None, [])
    page = Review(
        accounts=tuple(some),
        roles={name: role.title for name, role in known.items()},
        kinds=words.ACCOUNT_KIND,
        digest=review.digest(some),
        last=last,
        who=names.get(last.account, last.account) if last else "",
        overdue=await review.overdue(tx, tenant, now, ctx.rules.review_months),
    )
    return Page("review.html", page, section="review")


async def confirm(ask: Ask) -> Go:
    """Keep that the list was looked through and found right."""
    form = ask.form
    witness = ask.request.app.state.services.identity.witness
    await review.confirm(
        ask.ctx.tx,
        ask.ctx.tenant.id,
        ask.ctx.actor.account,
        ask.ctx.clock.now(),
        form.get("seen", ""),
        witness,
        ask.ctx.address,
    )
    return Go("/audit/accounts")
