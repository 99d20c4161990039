"""`/admin/roles` and one role: what it lets people do in plain words, who has it, and a copy of the house's own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.administration import proposals, role_desk
from hsba.access.rights import checking, grants
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.admin import plain
from hsba.record.views import house

if TYPE_CHECKING:
    from hsba.access.administration.proposals import Proposal
    from hsba.access.administration.role_desk import Holding
    from hsba.access.rights.roles import Role
    from hsba.http.web.pages.admin.plain import Plain
    from hsba.http.web.pages.admin.room import Ask, Form


@dataclass(frozen=True, slots=True)
class Roles:
    """What `admin/roles.html` shows."""

    roles: tuple[Role, ...]
    held: Counter[str]
    """How many accounts have each."""
    waiting: int
    """Changes that nobody has decided yet."""
    broken: tuple[str, ...]
    """Sentences about roles that cannot be read and grant nothing."""


@dataclass(frozen=True, slots=True)
class OneRole:
    """What `admin/role.html` shows."""

    role: Role
    lines: tuple[Plain, ...]
    faults: dict[int, tuple[str, ...]]
    """Why a line grants nothing, by its number."""
    holdings: tuple[Holding, ...]
    departments: dict[str, str]
    may_change: bool
    """Whether the reader is an administrator."""
    mine: bool
    """Whether the reader has it himself, and so changes nothing of it."""
    waiting: Proposal | None
    """A change of it that nobody has decided yet."""
    stamp: str
    problem: str
    form: Form

    @property
    def editable(self) -> bool:
        """Whether its lines can be changed by the reader."""
        return self.may_change and self.role.own and not self.mine and self.waiting is None


async def roles(ask: Ask) -> Page:
    """All roles, those of the house's own first."""
    async with ask.looking() as office:
        known, broken = await grants.every_role(office.tx, ask.tenant.id)
        holdings = await role_desk.holders(office)
        waiting = sum(one.is_open for one in await proposals.proposals(office.tx, ask.tenant.id))
    held = Counter(role for role, _ in {(one.grant.role, one.grant.account) for one in holdings})
    ordered = sorted(known.values(), key=lambda one: (not one.own, one.title))
    return Page(
        "admin/roles.html", Roles(tuple(ordered), held, waiting, tuple(broken)), section="admin-roles"
    )


async def role(ask: Ask) -> Page:
    """One role, line by line."""
    name = ask.path("name")
    async with ask.looking() as office:
        found = await role_desk.role(office, name)
        holdings = await role_desk.holders(office, role=name)
        mine = await grants.has_role(office.tx, ask.tenant.id, ask.caller.actor.account, name)
        waiting = await proposals.waiting(office.tx, ask.tenant.id, name)
        stamp = await role_desk.stamp(office, name)
        ctx = ask.ctx(office.tx)
        departments = {one.id: one.name for one in await house.departments(ctx)}
    faults = {
        line.number: tuple(
            one.vi if ask.show.language == "vi" else one.en
            for one in checking.faults(name, line, ctx.definitions, ctx.codes, ask.tenant.zone)
        )
        for line in found.lines
        if found.own
    }
    shown = OneRole(
        found,
        tuple(plain.line(line, ask.show) for line in found.lines),
        faults,
        tuple(holdings),
        departments,
        ask.may_change,
        mine,
        waiting,
        stamp,
        ask.problem,
        ask.form,
    )
    return Page("admin/role.html", shown, section="admin-roles")


async def copy_role(ask: Ask) -> Page | Go:
    """Make a role of the house's own with the same lines."""
    async with ask.changing() as office:
        made = await role_desk.copy(office, ask.path("name"), ask.form.get("new"), ask.form.get("title"))
    return Go(f"/admin/roles/{made.name}")


async def rename_role(ask: Ask) -> Page | Go:
    """Another title; its name in data stays."""
    name = ask.path("name")
    async with ask.changing() as office:
        found = await role_desk.draft(office, name)
        title = ask.form.get("title")
        made = await role_desk.put(office, name, title, found.lines, seen=ask.form.get("stamp"), what="title")
    return Go(after(name, made))


async def remove_role(ask: Ask) -> Page | Go:
    """Remove a role of the house's own that nobody has."""
    async with ask.changing() as office:
        made = await role_desk.remove(office, ask.path("name"), seen=ask.form.get("stamp"))
    return Go("/admin/roles" if made is None else f"/admin/proposals/{made.id}")


def after(name: str, made: Proposal | None) -> str:
    """Where a change leads to: to the role, or to the proposal that it became."""
    return f"/admin/roles/{name}" if made is None else f"/admin/proposals/{made.id}"
