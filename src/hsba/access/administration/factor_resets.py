"""Removing the second factors of somebody who lost them; those of administrators and officers only with a second person.

Who could remove another administrator's factor alone could, with a new password, come in as that administrator.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hsba.access import ports
from hsba.access.administration import directory, staffing
from hsba.access.administration.office import ADMINISTRATOR, OFFICER, OwnAccount
from hsba.access.factors import second_factor
from hsba.fhir.problems import BadRequest, Conflict, Forbidden

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.administration.directory import Entry
    from hsba.access.administration.office import Office

WAITS = timedelta(days=1)
"""A request that nobody confirmed for so long is none any more."""
GUARDED = (ADMINISTRATOR, OFFICER)
LATELY = timedelta(days=30)
"""Who was one of these so lately still is, for this: else another kind of account would be the way around."""
LEAST, MOST = 5, 200
"""Characters of the reason."""


class WhyReset(BadRequest):
    """Say why, and how you know that it is this person who asks; nothing was changed."""

    vi = "Hãy ghi lý do và bằng cách nào biết đúng là người ấy đề nghị; chưa thay đổi gì."


class NoRequest(Conflict):
    """Nobody asks for this any more, or a day has gone by; nothing was changed."""

    vi = "Không còn đề nghị nào như vậy, hoặc đã quá một ngày; chưa thay đổi gì."


class AskedYourself(Forbidden):
    """You asked for this yourself: another administrator or the security officer confirms it. Nothing was changed."""

    vi = "Bạn là người đề nghị; người quản trị khác hoặc cán bộ an toàn thông tin mới được xác nhận. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks that an account's factors be removed."""

    by: int
    login: str
    """Of who asks."""
    asked: datetime
    reason: str


async def waiting(office: Office, id: int) -> Request | None:
    """What is asked for an account and was not confirmed yet."""
    row = await office.tx.fetchrow(
        "SELECT r.asked_by, a.login, r.asked, r.reason FROM access.factor_reset r JOIN access.account a ON a.id = r.asked_by"
        " WHERE r.account = $1 AND r.asked > $2",
        id,
        office.now - WAITS,
    )
    return None if row is None else Request(*row)


async def ask(office: Office, id: int, reason: str) -> bool:
    """Remove the factors of an account now, or ask a second person to; answers whether they are gone."""
    entry = await staffing.another(office, id)
    reason = " ".join(reason.split())
    if not LEAST <= len(reason) <= MOST:
        raise WhyReset
    if not await _is_guarded(office, entry):
        await _reset(office, entry, reason)
        return True
    await office.tx.execute("DELETE FROM access.factor_reset WHERE account = $1", id)
    await office.tx.execute(
        "INSERT INTO access.factor_reset (account, asked_by, asked, reason) VALUES ($1, $2, $3, $4)",
        id,
        office.by,
        office.now,
        reason,
    )
    await office.tell("second-factor-reset-ask", entry.login, reason)
    return False


async def confirm(office: Office, id: int) -> None:
    """Let a request take effect; never by who asked, nor by whom it is about."""
    entry, asked = await _asked(office, id)
    if asked.by == office.by:
        raise AskedYourself
    await _reset(office, entry, f"{asked.login}: {asked.reason}")


async def decline(office: Office, id: int) -> None:
    """Let a request be; who asked may take it back so."""
    entry, asked = await _asked(office, id)
    await office.tell("second-factor-reset-decline", entry.login, f"{asked.login}: {asked.reason}")


async def _asked(office: Office, id: int) -> tuple[Entry, Request]:
    """Take a request away, so that it is decided once; raising brings it back."""
    if id == office.by:
        raise OwnAccount
    entry = (
        await staffing.another(office, id)
        if office.caller.kind == ADMINISTRATOR
        else await directory.one(office, id)
    )
    asked = await waiting(office, id)
    gone = await office.tx.fetchval("DELETE FROM access.factor_reset WHERE account = $1 RETURNING true", id)
    if asked is None or gone is None:
        raise NoRequest
    return entry, asked


async def _is_guarded(office: Office, entry: Entry) -> bool:
    """Whether nobody removes the factors of this account alone."""
    changed: bool = await office.tx.fetchval(
        "SELECT coalesce(kind_set > $2, false) FROM access.account WHERE id = $1",
        entry.id,
        office.now - LATELY,
    )
    return changed or entry.kind in GUARDED


async def _reset(office: Office, entry: Entry, reason: str) -> None:
    await second_factor.reset(office.tx, office.now, entry.login, witness=ports.UNTOLD)
    await office.tell("second-factor-reset", entry.login, reason)
