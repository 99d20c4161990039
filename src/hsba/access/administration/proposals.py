"""A change of a role that waits for a second person: proposed, changed further, and approved by somebody who had no hand in it.

There is one open proposal for a role; whoever changes it further becomes one of its authors.  The role in force stays as it is
until the approval, and a proposal made from another state of the role than the one in force is not approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hsba.access.rights import grants, roles
from hsba.access.rights.policy import OwnRole
from hsba.fhir.problems import Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.rights.roles import Role
    from hsba.record.context import Actor
    from hsba.store.pool import Connection

APPROVAL = ("auto", "always", "never")
"""When a change waits: where there are two people who could approve, always, or never."""
SHOWN = 50
"""Decided proposals that are listed."""
LONGEST_REASON = 200


class OwnProposal(Forbidden):
    """You had a hand in this change yourself: another administrator or the security officer approves it. Nothing was changed."""

    vi = "Bạn có tham gia đề xuất này; người quản trị khác hoặc cán bộ an toàn thông tin mới được duyệt. Chưa thay đổi gì."


class Decided(Conflict):
    """This proposal was decided already; nothing was changed."""

    vi = "Đề xuất này đã được quyết định rồi; chưa thay đổi gì."


class ProposalChanged(Conflict):
    """The proposal or the role was changed meanwhile; look at it as it is now. Nothing was decided."""

    vi = "Đề xuất hoặc vai trò vừa được sửa; hãy xem bản hiện tại. Chưa quyết định gì."


class NotYours(Forbidden):
    """Only who proposed a change withdraws it; you may decline it with a reason."""

    vi = "Chỉ người đề xuất mới rút được đề xuất; bạn có thể từ chối kèm lý do."


class WhyDeclined(Conflict):
    """Say why it is declined, for whoever proposed it; nothing was decided."""

    vi = "Hãy ghi lý do từ chối để người đề xuất biết; chưa quyết định gì."


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of one role, open or decided."""

    id: int
    name: str
    role: Role | None
    """As it would be; None where it is to be removed."""
    title: str
    """What the house calls the role, now or as proposed."""
    seen: datetime | None
    authors: tuple[str, ...]
    proposed: datetime
    changed: datetime
    state: str
    decided: datetime | None
    decided_by: str | None
    reason: str | None

    @property
    def stamp(self) -> str:
        """Its state, as a form carries it along."""
        return self.changed.isoformat()

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state == "open"


_COLUMNS = "id, name, title, lines, seen, authors, proposed, changed, state, decided, decided_by, reason"


def _read(row: tuple[object, ...]) -> Proposal:
    number, name, title, lines, *rest = row
    role = None
    if lines is not None:
        data = msgspec.json.decode(str(lines))
        role = roles.read(str(name), str(title), data, roles.groups(), own=True)
    seen, authors, *more = rest
    return Proposal(number, name, role, title or name, seen, tuple(authors), *more)  # type: ignore[arg-type]


async def needed(tx: Connection, tenant: int, approval: str) -> bool:
    """Whether a change of a role waits for a second person here (setting `role_approval`)."""
    if approval != "auto":
        return approval == "always"
    # Who must change his password counts: else giving somebody a new one would take him out of the way.
    people: int = await tx.fetchval(
        "SELECT count(*) FROM access.account WHERE kind IN ('administrator', 'security') AND state = 'active'"
        " AND (tenants IS NULL OR $1 = ANY (tenants))",
        tenant,
    )
    return people > 1


async def propose(
    tx: Connection, tenant: int, by: Actor, name: str, title: str | None, lines: object
) -> Proposal:
    """Propose a role as it is to be, or (without title and lines) its removal; what was open for it is replaced by this."""
    kept = None
    if title is not None:
        read = roles.read(name, title, lines, roles.groups(), own=True)
        kept = msgspec.json.encode([line.data() for line in read.lines]).decode()
    if await grants.has_role(tx, tenant, by.account, name):
        raise OwnRole(name)
    row = await tx.fetchrow(
        "INSERT INTO record.role_proposal AS p (tenant, name, title, lines, seen, authors)"
        " VALUES ($1, $2, $3, $4, (SELECT changed FROM record.role WHERE tenant = $1 AND name = $2), ARRAY[$5])"
        " ON CONFLICT (tenant, name) WHERE state = 'open' DO UPDATE"
        " SET title = excluded.title, lines = excluded.lines, changed = now(),"
        "     authors = array_remove(p.authors, $5) || excluded.authors"
        f" RETURNING {_COLUMNS}",
        tenant,
        name,
        title,
        kept,
        by.account,
    )
    return _read(row)


async def waiting(tx: Connection, tenant: int, name: str, *, lock: bool = False) -> Proposal | None:
    """The open proposal for a role."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM record.role_proposal WHERE tenant = $1 AND name = $2 AND state = 'open'"
        f"{' FOR UPDATE' if lock else ''}",
        tenant,
        name,
    )
    return None if row is None else _read(row)


async def proposal(tx: Connection, tenant: int, number: int, *, lock: bool = False) -> Proposal:
    """One proposal; raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM record.role_proposal WHERE tenant = $1 AND id = $2{' FOR UPDATE' if lock else ''}",
        tenant,
        number,
    )
    if row is None:
        raise NotFound(str(number))
    return _read(row)


async def proposals(tx: Connection, tenant: int) -> list[Proposal]:
    """Those that are open, and the last that were decided."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM record.role_proposal WHERE tenant = $1"
        " ORDER BY state <> 'open', coalesce(decided, proposed) DESC, id DESC LIMIT $2",
        tenant,
        SHOWN,
    )
    return [_read(row) for row in rows]


async def approve(
    tx: Connection, tenant: int, by: Actor, number: int, *, seen: str | None = None
) -> Proposal:
    """Let a proposal take effect, as it was `seen`; never by one of its authors, nor by who has the role."""
    found = await _open(tx, tenant, number, seen)
    if by.account in found.authors:
        raise OwnProposal
    in_force = await tx.fetchval(
        "SELECT changed FROM record.role WHERE tenant = $1 AND name = $2 FOR UPDATE", tenant, found.name
    )
    if in_force != found.seen:
        raise ProposalChanged
    if found.role is not None:
        lines = [line.data() for line in found.role.lines]
        await grants.put_role(tx, tenant, by, found.name, found.role.title, lines)
    else:
        if await grants.has_role(tx, tenant, by.account, found.name):
            raise OwnRole(found.name)
        await grants.remove_role(tx, tenant, found.name)
    await _decide(tx, tenant, found, "approved", by)
    return found


async def decline(
    tx: Connection, tenant: int, by: Actor, number: int, reason: str, *, seen: str | None = None
) -> Proposal:
    """Refuse a proposal, with the reason."""
    found = await _open(tx, tenant, number, seen)
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        raise WhyDeclined
    await _decide(tx, tenant, found, "declined", by, reason)
    return found


async def withdraw(tx: Connection, tenant: int, by: Actor, number: int) -> Proposal:
    """Take back what one has proposed."""
    found = await _open(tx, tenant, number, None)
    if by.account not in found.authors:
        raise NotYours
    await _decide(tx, tenant, found, "withdrawn", by)
    return found


async def _open(tx: Connection, tenant: int, number: int, seen: str | None) -> Proposal:
    """Lock a proposal that is open and as it was seen."""
    found = await proposal(tx, tenant, number, lock=True)
    if not found.is_open:
        raise Decided
    if seen is not None and seen != found.stamp:
        raise ProposalChanged
    return found


async def _decide(
    tx: Connection, tenant: int, found: Proposal, state: str, by: Actor, reason: str | None = None
) -> None:
    await tx.execute(
        "UPDATE record.role_proposal SET state = $3, decided = now(), decided_by = $4, reason = $5"
        " WHERE tenant = $1 AND id = $2",
        tenant,
        found.id,
        state,
        by.account,
        reason,
    )
