"""What an administrator does about roles and grants: copy, change and remove a role of the house's own; give and take back.

Each is told to the witness in its own transaction; nobody changes a role that he has, or his own grants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.administration import directory, proposals
from hsba.access.problems import UnknownAccount
from hsba.access.rights import grants, roles
from hsba.access.rights.grants import Grant, UnknownRole
from hsba.access.rights.policy import OwnRole
from hsba.access.rights.roles import BadRole
from hsba.fhir.problems import BadRequest, Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from hsba.access.administration.office import Office
    from hsba.access.administration.proposals import Proposal
    from hsba.access.rights.roles import Line, Role

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
LONGEST_TITLE = 120
MOST_LINES = 100


class BadRoleName(BadRequest):
    """A role's name begins with a letter and has a-z 0-9 - only, and the role has a title; nothing was changed."""

    code = "value"
    vi = "Tên vai trò bắt đầu bằng chữ cái, chỉ gồm a-z 0-9 -, và cần có tiêu đề; chưa thay đổi gì."


class RoleExists(Conflict):
    """There is a role of this name already; take another name."""

    vi = "Đã có vai trò mang tên này; hãy đặt tên khác."


class ShippedRole(Conflict):
    """This role comes with the program and is not changed here; copy it under a name of your own."""

    vi = "Vai trò này đi kèm chương trình, không sửa ở đây; hãy chép thành vai trò của đơn vị."


class ChangedMeanwhile(Conflict):
    """Somebody else has changed this meanwhile; look at it as it is now and change it again. Nothing was changed."""

    vi = "Có người vừa sửa mục này; hãy xem bản hiện tại rồi sửa lại. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Holding:
    """A grant as it is listed: with the person's name and what the house calls the role."""

    grant: Grant
    name: str
    number: int | None
    """Of the account; None where it is no account of this house (a client's, or one of another time)."""
    title: str


async def role(office: Office, name: str) -> Role:
    """A role of this house; raises UnknownRole."""
    found, _ = await grants.every_role(office.tx, office.tenant)
    if name not in found:
        raise UnknownRole(name)
    return found[name]


async def draft(office: Office, name: str) -> Role:
    """A role of the house's own as it is worked on: as proposed, where a change of it waits; else as it is in force."""
    found = await proposals.waiting(office.tx, office.tenant, name)
    return await role(office, name) if found is None or found.role is None else found.role


async def stamp(office: Office, name: str) -> str:
    """When the draft of a role was changed last, as a form carries it along; empty where there is none of the house's own."""
    if (found := await proposals.waiting(office.tx, office.tenant, name)) is not None:
        return found.stamp
    at = await office.tx.fetchval(
        "SELECT changed FROM record.role WHERE tenant = $1 AND name = $2", office.tenant, name
    )
    return "" if at is None else at.isoformat()


async def copy(office: Office, source: str, name: str, title: str) -> Role:
    """Make a role of the house's own with the lines of another."""
    copied = await role(office, source)
    title = " ".join(title.split())
    if not NAME.match(name) or not title or len(title) > LONGEST_TITLE or not title.isprintable():
        raise BadRoleName
    if name in (await grants.every_role(office.tx, office.tenant))[0]:
        raise RoleExists(name)
    made = await grants.put_role(
        office.tx, office.tenant, office.actor, name, title, [line.data() for line in copied.lines]
    )
    await office.tell("role-create", name, f"= {source}")
    return made


async def put(
    office: Office, name: str, title: str, lines: Sequence[Line], *, seen: str, what: str
) -> Proposal | None:
    """Change a role of the house's own, as it was `seen`, or propose it; `what` is told to the witness."""
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_TITLE or not title.isprintable():
        raise BadRoleName
    if len(lines) > MOST_LINES:
        raise BadRole(f"{name}: > {MOST_LINES}")
    await _own(office, name, seen)
    data = [line.data() for line in lines]
    if await _waits(office, name):
        return await _proposed(office, name, title, data, what)
    await grants.put_role(office.tx, office.tenant, office.actor, name, title, data)
    await office.tell("role-change", name, what)
    return None


async def remove(office: Office, name: str, *, seen: str) -> Proposal | None:
    """Remove a role of the house's own that nobody has, or propose it; in place of a shipped one, that one holds again."""
    await _own(office, name, seen)
    if await _waits(office, name):
        return await _proposed(office, name, None, None, "removal")
    if await grants.has_role(office.tx, office.tenant, office.actor.account, name):
        raise OwnRole(name)
    await grants.remove_role(office.tx, office.tenant, name)
    await office.tell("role-delete", name)
    return None


async def approve(office: Office, number: int, *, seen: str) -> Proposal:
    """Let a proposal take effect."""
    found = await proposals.approve(office.tx, office.tenant, office.actor, number, seen=seen)
    await office.tell("role-approve", found.name, f"#{number} {', '.join(found.authors)}")
    return found


async def decline(office: Office, number: int, reason: str, *, seen: str) -> Proposal:
    """Refuse a proposal, with the reason."""
    found = await proposals.decline(office.tx, office.tenant, office.actor, number, reason, seen=seen)
    await office.tell("role-decline", found.name, f"#{number} {' '.join(reason.split())}")
    return found


async def withdraw(office: Office, number: int) -> Proposal:
    """Take back what one has proposed."""
    found = await proposals.withdraw(office.tx, office.tenant, office.actor, number)
    await office.tell("role-withdraw", found.name, f"#{number}")
    return found


async def _waits(office: Office, name: str) -> bool:
    """Whether a change of a role is proposed here and not made at once; what is open already goes on as a proposal."""
    tx, tenant = office.tx, office.tenant
    if await proposals.needed(tx, tenant, office.rules.role_approval):
        return True
    return await proposals.waiting(tx, tenant, name) is not None


async def _proposed(office: Office, name: str, title: str | None, lines: object, what: str) -> Proposal:
    made = await proposals.propose(office.tx, office.tenant, office.actor, name, title, lines)
    await office.tell("role-propose", name, f"#{made.id} {what}")
    return made


async def _own(office: Office, name: str, seen: str) -> None:
    """Lock a role of the house's own and what is proposed for it, and refuse where that is not as it was seen."""
    at: datetime | None = await office.tx.fetchval(
        "SELECT changed FROM record.role WHERE tenant = $1 AND name = $2 FOR UPDATE", office.tenant, name
    )
    found = await proposals.waiting(office.tx, office.tenant, name, lock=True)
    if at is None and (found is None or found.role is None):
        raise ShippedRole(name) if name in roles.built_in() else UnknownRole(name)
    if (found.stamp if found is not None else at and at.isoformat()) != seen:
        raise ChangedMeanwhile


# --- grants ------------------------------------------------------------------------------------------------


async def give(
    office: Office,
    account: str,
    role: str,
    *,
    department: str | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    reason: str = "",
    hours: str = "",
) -> int:
    """Give a role to an account of this house; `hours` are those of the week in which it holds."""
    if account not in await directory.named(office, [account]):
        raise UnknownAccount(account)
    if valid_to is not None and valid_to <= office.now:
        raise BadRequest("It would have ended already.", vi="Ngày kết thúc đã qua.")
    reason, hours = " ".join(reason.split())[:200], " ".join(hours.split())
    number = await grants.grant(
        office.tx,
        office.tenant,
        office.actor,
        account,
        role,
        department=department,
        valid_from=valid_from or office.now,
        valid_to=valid_to,
        reason=reason or None,
        hours=hours or None,
    )
    told = " ".join(part for part in (role, department, hours, reason) if part)
    await office.tell("grant-give", account, told)
    return number


async def give_program(office: Office, name: str, role: str, *, reason: str = "") -> int:
    """Give a role to a program that comes in its own name, everywhere and without end; it is one of this house's."""
    account, reason = f"client:{name}", " ".join(reason.split())[:200]
    number = await grants.grant(
        office.tx, office.tenant, office.actor, account, role, valid_from=office.now, reason=reason or None
    )
    await office.tell("grant-give", account, " ".join(part for part in (role, reason) if part))
    return number


async def take_back(office: Office, number: int) -> Grant:
    """End a grant now."""
    ended = await grants.revoke(office.tx, office.tenant, office.actor, number)
    await office.tell("grant-take", ended.account, ended.role)
    return ended


async def number(office: Office, login: str) -> int | None:
    """The number of an account of this house; None where there is none of this name."""
    found = (await directory.named(office, [login])).get(login)
    return None if found is None else found.id


async def holders(
    office: Office, *, role: str | None = None, account: str | None = None, ending: timedelta | None = None
) -> list[Holding]:
    """The grants in force or still to come, by name: of a role, of an account, or those that end soon."""
    rows = await office.tx.fetch(
        "SELECT g.id, g.account, g.role, g.department, g.valid_from, CASE WHEN isfinite(g.valid_to) THEN g.valid_to END,"
        " g.reason, g.granted_by, g.hours, coalesce(a.name, g.account), a.id"
        " FROM record.role_grant g LEFT JOIN access.account a ON a.login = g.account"
        " WHERE g.tenant = $1 AND g.revoked IS NULL AND g.valid_to > $2 AND ($3::text IS NULL OR g.role = $3)"
        " AND ($4::text IS NULL OR g.account = $4) AND ($5::timestamptz IS NULL OR g.valid_to < $5)"
        " ORDER BY CASE WHEN $5::timestamptz IS NULL THEN NULL ELSE g.valid_to END, g.account, g.id LIMIT 2000",
        office.tenant,
        office.now,
        role,
        account,
        None if ending is None else office.now + ending,
    )
    titles = {name: one.title for name, one in (await grants.every_role(office.tx, office.tenant))[0].items()}
    return [Holding(Grant(*row[:9]), row[9], row[10], titles.get(row[2], row[2])) for row in rows]
