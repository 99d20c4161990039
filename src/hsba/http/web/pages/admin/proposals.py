"""`/admin/proposals` and one of them: a change of a role that waits for a second person, line by line, and the decision."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from hsba.access.administration import proposals as known
from hsba.access.administration import role_desk
from hsba.access.rights import grants
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.admin import plain
from hsba.http.web.pages.admin.words import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.access.administration.proposals import Proposal
    from hsba.access.administration.role_desk import Holding
    from hsba.access.rights.roles import Line, Role
    from hsba.http.web.pages.admin.plain import Plain
    from hsba.http.web.pages.admin.room import Ask, Form
    from hsba.http.web.show import Show


@dataclass(frozen=True, slots=True)
class Proposals:
    """What `admin/proposals.html` shows."""

    proposals: tuple[Proposal, ...]
    states: dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the role, as it is now or as it would be."""

    sort: str
    """`stays`, `goes` or `comes`."""
    line: Plain


@dataclass(frozen=True, slots=True)
class OneProposal:
    """What `admin/proposal.html` shows."""

    proposal: Proposal
    before: Role | None
    """As it is in force; None where there is no such role."""
    steps: tuple[Step, ...]
    holdings: tuple[Holding, ...]
    state: str
    mine: bool
    """Whether the reader had a hand in it."""
    held: bool
    """Whether the reader has the role himself."""
    may_change: bool
    problem: str
    form: Form

    @property
    def names(self) -> list[str]:
        """Whom it concerns, each once."""
        return sorted({one.name for one in self.holdings})


async def proposals(ask: Ask) -> Page:
    """Those that wait, and the last that were decided."""
    async with ask.looking() as office:
        found = await known.proposals(office.tx, ask.tenant.id)
    return Page("admin/proposals.html", Proposals(tuple(found), PROPOSALS), section="admin-roles")


async def proposal(ask: Ask) -> Page:
    """One proposal beside the role in force."""
    account = ask.caller.actor.account
    async with ask.looking() as office:
        found = await known.proposal(office.tx, ask.tenant.id, ask.id())
        before = (await grants.every_role(office.tx, ask.tenant.id))[0].get(found.name)
        holdings = await role_desk.holders(office, role=found.name)
        held = await grants.has_role(office.tx, ask.tenant.id, account, found.name)
    shown = OneProposal(
        found,
        before,
        tuple(_steps(before, found.role, ask.show)),
        tuple(holdings),
        ask.show.say(PROPOSALS[found.state]),
        account in found.authors,
        held,
        ask.may_change,
        ask.problem,
        ask.form,
    )
    return Page("admin/proposal.html", shown, section="admin-roles")


async def approve(ask: Ask) -> Page | Go:
    """Let it take effect."""
    async with ask.changing() as office:
        await role_desk.approve(office, ask.id(), seen=ask.form.get("stamp"))
    return Go("/admin/proposals")


async def decline(ask: Ask) -> Page | Go:
    """Refuse it, with the reason."""
    async with ask.changing() as office:
        await role_desk.decline(office, ask.id(), ask.form.get("reason"), seen=ask.form.get("stamp"))
    return Go("/admin/proposals")


async def withdraw(ask: Ask) -> Page | Go:
    """Take back one's own."""
    async with ask.changing() as office:
        found = await role_desk.withdraw(office, ask.id())
        there = found.name in (await grants.every_role(office.tx, ask.tenant.id))[0]
    return Go(f"/admin/roles/{found.name}" if there else "/admin/proposals")


def _steps(before: Role | None, after: Role | None, show: Show) -> Iterator[Step]:
    """The lines that stay, go and come, in order."""
    old: tuple[Line, ...] = before.lines if before else ()
    new: tuple[Line, ...] = after.lines if after else ()
    matcher = SequenceMatcher(
        None, [repr(one.data()) for one in old], [repr(one.data()) for one in new], False
    )
    for sort, a, b, c, d in matcher.get_opcodes():
        if sort == "equal":
            yield from (Step("stays", plain.line(one, show)) for one in new[c:d])
        else:
            yield from (Step("goes", plain.line(one, show)) for one in old[a:b])
            yield from (Step("comes", plain.line(one, show)) for one in new[c:d])
