"""What an administrator does to the accounts of others: make, change, close, open, renew, end, and say who it is.

Each is told to the witness in its own transaction; nobody does any of it to himself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import accounts, passwords, secrets
from hsba.access.administration import directory
from hsba.access.administration.office import ADMINISTRATOR, NotAdministrator, OtherKeepers, OwnAccount
from hsba.access.problems import BadAccount
from hsba.access.rights import grants
from hsba.fhir.problems import Conflict

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.administration.directory import Entry
    from hsba.access.administration.office import Office

NOT_IN_WHOSE_NAME = "HB010"
"""What the database says when it is no administrator in whose name something is to be done."""
PEOPLE = ("Practitioner", "Patient")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")


class OnePersonOneAccount(Conflict):
    """Another account belongs to this person already; one person has one account. Nothing was changed."""

    vi = "Người này đã có tài khoản khác; mỗi người một tài khoản. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """A generated password and its hash: made before the transaction begins, for the hash takes its time."""

    text: str
    hashed: str


async def first_password() -> FirstPassword:
    """A new one."""
    text = secrets.password()
    return FirstPassword(text, await passwords.hashed(text))


async def make(
    office: Office, login: str, kind: str, name: str, password: FirstPassword, *, reason: str = ""
) -> Entry:
    """Make an account of this house, whose password must be changed."""
    try:
        await accounts.create(
            office.tx,
            office.now,
            login,
            kind,
            name,
            password=password.text,
            hashed=password.hashed,
            tenants=(office.tenant,),
            maker=office.by,
        )
    except asyncpg.PostgresError as problem:
        raise _meant(problem) from problem
    entry = (await directory.named(office, [accounts.folded(login)]))[accounts.folded(login)]
    await office.tell(
        "administrator-create" if kind == ADMINISTRATOR else "account-create", entry.login, reason
    )
    return entry


async def change(office: Office, id: int, name: str, kind: str, *, reason: str = "") -> None:
    """Change name and kind; with another kind everything that was open ends."""
    entry = await another(office, id)
    _, title = accounts.checked(entry.login, kind, name)
    try:
        await office.tx.execute(
            "SELECT access.change_account($1, $2, $3, $4, $5)", id, title, kind, office.now, office.by
        )
    except asyncpg.PostgresError as problem:
        raise _meant(problem) from problem
    if kind != entry.kind:
        await accounts.end_everything(office.tx, office.now, id)
        act = "administrator-create" if kind == ADMINISTRATOR else "account-kind"
        await office.tell(act, entry.login, reason or f"{entry.kind} → {kind}")
    if title != entry.name:
        await office.tell("account-name", entry.login, reason)


async def disable(office: Office, id: int, *, reason: str = "") -> None:
    """Close an account: no log-in, and what is open ends."""
    entry = await another(office, id)
    # Of two administrators who close each other's account, the second is refused: he is closed by then.
    await office.tx.fetch(
        "SELECT id FROM access.account WHERE id = ANY ($1) ORDER BY id FOR UPDATE", [id, office.by]
    )
    if not await office.tx.fetchval("SELECT access.administrates($1, $2)", office.by, _keepers(entry)):
        raise NotAdministrator
    await accounts.disable(office.tx, office.now, entry.login)
    await office.tell("account-close", entry.login, reason)


async def enable(office: Office, id: int, *, reason: str = "") -> None:
    """Open an account again, whether it was closed, locked by wrong passwords, or unused for too long."""
    entry = await another(office, id)
    await accounts.enable(office.tx, office.now, entry.login)
    act = "account-unlock" if entry.state == "active" else "account-open"
    await office.tell(act, entry.login, reason)


async def renew(office: Office, id: int, *, reason: str = "") -> str:
    """Give a new password that must be changed; everything that was open ends. Answers the password."""
    entry = await another(office, id)
    password = await accounts.renew(office.tx, office.now, entry.login)
    await office.tell("password-reset", entry.login, reason)
    return password


async def end_sessions(office: Office, id: int, *, reason: str = "") -> None:
    """End all sessions and tokens of an account."""
    entry = await another(office, id)
    await accounts.end_everything(office.tx, office.now, id)
    await office.tell("session-end", entry.login, reason)


async def set_hours(
    office: Office,
    id: int,
    hours: str,
    *,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    reason: str = "",
) -> None:
    """Say when an account may work, in whatever role; without anything it always may."""
    entry = await another(office, id)
    hours, reason = " ".join(hours.split()), " ".join(reason.split())[:200]
    await grants.set_hours(
        office.tx,
        office.tenant,
        office.actor,
        entry.login,
        hours or None,
        valid_from=valid_from,
        valid_to=valid_to,
        reason=reason or None,
    )
    await office.tell("account-hours", entry.login, " ".join(part for part in (hours or "-", reason) if part))


# --- who an account is in the record -----------------------------------------------------------------------


async def people(office: Office, login: str) -> list[tuple[str, str]]:
    """The Practitioners and Patients an account stands for, as type and id."""
    rows = await office.tx.fetch(
        "SELECT type, id FROM record.role_person WHERE tenant = $1 AND account = $2 ORDER BY type DESC, id",
        office.tenant,
        login,
    )
    return [(row["type"], row["id"]) for row in rows]


async def link(office: Office, id: int, type: str, person: str, *, reason: str = "") -> None:
    """Say that an account belongs to this Practitioner, or to this Patient or who represents him."""
    entry = await another(office, id)
    if type not in PEOPLE or not _ID.match(person):
        raise BadAccount(
            "A person is named by the id of a Practitioner or Patient.",
            vi="Người được nêu bằng mã (id) của Practitioner hoặc Patient.",
        )
    if type == "Practitioner":
        await office.tx.execute(
            "SELECT pg_advisory_xact_lock(hashtext($1))", f"person {office.tenant} {person}"
        )
        other = await office.tx.fetchval(
            "SELECT account FROM record.role_person WHERE tenant = $1 AND type = $2 AND id = $3 AND account <> $4 LIMIT 1",
            office.tenant,
            type,
            person,
            entry.login,
        )
        if other is not None:
            raise OnePersonOneAccount(str(other))
    await grants.tell_person(office.tx, office.tenant, office.actor, entry.login, type, person)
    await office.tell("account-person", entry.login, reason or _person(type, person))


async def unlink(office: Office, id: int, type: str, person: str, *, reason: str = "") -> None:
    """Say that an account does not stand for this person any more."""
    entry = await another(office, id)
    gone = await office.tx.fetchval(
        "DELETE FROM record.role_person WHERE tenant = $1 AND account = $2 AND type = $3 AND id = $4 RETURNING id",
        office.tenant,
        entry.login,
        type,
        person,
    )
    if gone is not None:
        await office.tell("account-person-end", entry.login, reason or _person(type, person))


def _person(type: str, person: str) -> str:
    """A person as the witness is told of him: of a patient only that it is one."""
    return f"{type}/{person}" if type == "Practitioner" else type


# --- what all of it asks first -----------------------------------------------------------------------------


async def another(office: Office, id: int) -> Entry:
    """The account, which is not one's own and belongs to no keeper beyond one's own."""
    entry = await directory.one(office, id)
    if entry.id == office.by:
        raise OwnAccount
    ours = office.caller.tenants
    if ours is not None and (entry.tenants is None or not set(entry.tenants) <= ours):
        raise OtherKeepers
    return entry


def _keepers(entry: Entry) -> list[int] | None:
    return None if entry.tenants is None else list(entry.tenants)


def _meant(problem: asyncpg.PostgresError) -> Exception:
    """What a refusal of the database means for people."""
    return NotAdministrator() if problem.sqlstate == NOT_IN_WHOSE_NAME else problem
