"""Locking the screen, and coming back in place: to a covered session, or to one that ended because nobody was there.

The session comes back, not a new one, so a page that was being written goes on. Who was away too long, came from elsewhere,
or is an administrator whose session ended, logs in anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.access import secrets
from hsba.access.coming_back.pins import HOLDERS, Entered, is_pin
from hsba.access.coming_in import sessions
from hsba.access.coming_in.workstations import network
from hsba.access.ports import Happening
from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from hsba.access.coming_back.pins import Pins
    from hsba.access.coming_in.login import From, LogIn
    from hsba.access.identity import Caller, Identity

_THERE = """
SELECT s.id, s.account, s.station, s.address, s.place, s.covered, s.last_seen, a.login, a.kind, a.name
FROM access.session s JOIN access.account a ON a.id = s.account LEFT JOIN access.workstation w ON w.id = s.station
WHERE s.digest = $1 AND s.revoked IS NULL AND s.ends > $2 AND a.state = 'active' AND w.revoked IS NULL
"""


class SessionOver(Problem):
    """The session is over; log in again. What you wrote is still in the page."""

    status, code = 401, "login"
    vi = "Phiên đã kết thúc hẳn; hãy đăng nhập lại. Những gì đã viết vẫn còn trong trang."
    headers = {"HSBA-Session": "over"}  # noqa: RUF012 - as the class it comes from


class Returning:
    """What pages do for people who go away and come back."""

    def __init__(self, identity: Identity, doors: LogIn, pins: Pins) -> None:
        """Work on the same house as the log-in."""
        self.identity = identity
        self.doors = doors
        self.pins = pins

    async def cover(self, caller: Caller, place: str, where: From) -> None:
        """Lock the screen of this session."""
        async with self.identity.connect() as tx, tx.transaction():
            await sessions.cover(tx, caller.session or 0, place, self.identity.now())
            await self.identity.witness.tell(tx, _told("lock", caller.actor.account, where))
        self.identity.forget()

    async def who(self, kept: str | None) -> str:
        """The name of the person whose session it is, covered or idle; empty when it is nobody's any more."""
        row = await self._row(kept, self.identity.now())
        return "" if row is None else str(row["name"])

    async def whose(self, kept: str | None) -> int | None:
        """The account whose session it is, or was."""
        found: int | None = await self._of("a.id", kept)
        return found

    async def login(self, kept: str | None) -> str | None:
        """The same, by its login."""
        found: str | None = await self._of("a.login", kept)
        return found

    async def back(self, kept: str | None, typed: str, where: From) -> Entered:
        """Give a session back to its person, by PIN at a workstation or by password; answers its new secret."""
        now = self.identity.now()
        row = await self._row(kept, now)
        if row is None or not self._may_come_back(row, where, now):
            raise SessionOver
        if is_pin(typed) and where.station is not None:
            await self.pins.right(where.station, row["account"], typed, where)
            how = "pin"
        else:
            await self.doors.proved(row["login"], typed, where)
            how = "password"
        async with self.identity.connect() as tx, tx.transaction():
            if how == "password":
                await tx.execute("UPDATE access.pin SET failures = 0 WHERE account = $1", row["account"])
            secret = await sessions.uncover(tx, row["id"], how, self.identity.now())
            await self.identity.witness.tell(tx, _told("unlock", row["login"], where, how))
        self.identity.forget()
        return Entered(secret, row["place"])

    def _may_come_back(self, row: Record, where: From, now: datetime) -> bool:
        station = None if where.station is None else where.station.id
        if row["station"] != station or network(row["address"]) != network(where.address):
            return False
        idle = row["last_seen"] <= now - self.identity.rules.session_idle
        return not idle or row["kind"] in HOLDERS

    async def _of(self, column: str, kept: str | None) -> Any:
        if kept is None:
            return None
        async with self.identity.connect() as tx:
            return await tx.fetchval(
                f"SELECT {column} FROM access.session s JOIN access.account a ON a.id = s.account WHERE s.digest = $1",
                secrets.digest(kept),
            )

    async def _row(self, kept: str | None, now: datetime) -> Record | None:
        if kept is None:
            return None
        async with self.identity.connect() as tx:
            row: Record | None = await tx.fetchrow(_THERE, secrets.digest(kept), now)
        return row


def _told(act: str, account: str, where: From, reason: str = "") -> Happening:
    return Happening(
        act, account, reason=reason, address=where.address, workstation=where.workstation, tenant=where.tenant,
    )  # fmt: skip
