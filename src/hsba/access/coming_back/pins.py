"""Coming back to a workstation within a shift: by PIN, by badge and PIN, or (where a hospital lets it) by badge alone.

A PIN is short, so it is worth something only to its own person, on shift, at the PC where the full log-in was made, in the
same range of addresses; five wrong ones close it until the next full log-in, ten at one PC close that PC's PINs for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import passwords, secrets
from hsba.access.coming_in import sessions
from hsba.access.coming_in.workstations import network
from hsba.access.ports import Happening
from hsba.fhir.problems import BadRequest, Conflict, Forbidden, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.coming_in.login import From, LogIn
    from hsba.access.coming_in.workstations import Station
    from hsba.access.identity import Caller, Identity
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.access")

HOLDERS = frozenset({"staff"})
"""Kinds of accounts that may have a PIN or a badge; never an administrator or a security officer."""
TRIES = 5
"""So many wrong PINs of one person close that PIN."""
STATION_TRIES = 10
"""So many wrong PINs and badges at one workstation, of whomever, close its PINs for as long as a password is locked."""
SHORTEST, LONGEST = 6, 12
BADGE = (4, 64)
KEYPAD = ("147258369", "159753", "123654789", "789456123", "741852963", "321654987")
"""Walks over the keys that everybody takes."""

_TRY_STATION = """
UPDATE access.workstation SET
    failures = CASE WHEN failed IS NULL OR failed < $3 THEN 1 ELSE failures + 1 END,
    failed = CASE WHEN failed IS NULL OR failed < $3 THEN $2 ELSE failed END
WHERE id = $1 AND revoked IS NULL AND (failed IS NULL OR failed < $3 OR failures < $4) RETURNING id
"""
_ON_SHIFT = """
SELECT a.id, a.login, a.name, s.address, s.ends, p.pin IS NOT NULL AND p.failures < $3 AS usable
FROM access.shift s JOIN access.account a ON a.id = s.account LEFT JOIN access.pin p ON p.account = a.id
WHERE s.workstation = $1 AND s.ends > $2 AND a.state = 'active' AND a.kind = 'staff'
"""


class PinsClosed(Forbidden):
    """Too many wrong PINs were typed at this PC; log in with name and password. Nothing was lost."""

    vi = "Máy này đã nhập sai mã PIN quá nhiều lần; hãy đăng nhập bằng tên và mật khẩu. Không mất gì."


class WrongPin(Problem):
    """The PIN is wrong or cannot be used here any more; after five wrong ones only name and password help."""

    status, code = 401, "login"
    vi = "Mã PIN không đúng hoặc không còn dùng được ở đây; sai năm lần thì phải đăng nhập bằng tên và mật khẩu."


class UnknownBadge(Problem):
    """Nobody of this shift has this badge; choose your name, or log in with name and password."""

    status, code = 401, "login"
    vi = "Không ai trong ca này có thẻ vừa quẹt; hãy chọn tên, hoặc đăng nhập bằng tên và mật khẩu."


class WeakPin(BadRequest):
    """A PIN has 6 to 12 figures that are no row, no repetition and no walk over the keys; nothing was changed."""

    code = "value"
    vi = "Mã PIN gồm 6 đến 12 chữ số, không theo dãy, không lặp, không theo đường trên bàn phím; chưa thay đổi gì."


class BadBadge(BadRequest):
    """The badge could not be read: 4 to 64 letters or figures on one line; nothing was changed."""

    code = "value"
    vi = "Không đọc được thẻ: cần 4 đến 64 chữ hoặc số trên một dòng; chưa thay đổi gì."


class BadgeTaken(Conflict):
    """This badge belongs to another account; nothing was changed."""

    vi = "Thẻ này đã thuộc tài khoản khác; chưa thay đổi gì."


class NoPinForKind(Forbidden):
    """Accounts of this kind have no PIN and no badge; nothing was changed."""

    vi = "Loại tài khoản này không dùng mã PIN hay thẻ; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class OnShift:
    """Somebody whom a PIN brings back to a workstation."""

    account: int
    login: str
    name: str
    usable: bool
    """Whether the PIN is set and not closed."""
    ends: datetime


@dataclass(frozen=True, slots=True)
class Own:
    """What somebody has set."""

    pin: datetime | None = None
    open: bool = True
    """Whether the PIN was not closed by wrong tries."""
    badge: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """A session that was opened or come back to: what the cookie holds, and the page its person was at."""

    secret: str
    place: str | None = None


def is_pin(typed: str) -> bool:
    """Whether it looks like a PIN; no password does, which has letters."""
    return typed.isascii() and typed.isdigit() and SHORTEST <= len(typed) <= LONGEST


def check(pin: str) -> None:
    """Refuse a PIN that is short or that everybody would try first."""
    if not is_pin(pin):
        raise WeakPin
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    repeated = any(pin == (pin[:size] * len(pin))[: len(pin)] for size in range(1, len(pin) // 2 + 1))
    if len(steps) == 1 or repeated or len(set(pin)) < 4:
        raise WeakPin
    if any(pin in walk or pin in walk[::-1] for walk in KEYPAD):
        raise WeakPin


class Pins:
    """What pages do for people who change places at a workstation."""

    def __init__(self, identity: Identity, doors: LogIn) -> None:
        """Work on the same house as the log-in."""
        self.identity = identity
        self.doors = doors

    # --- one's own ----------------------------------------------------------------------------------------

    async def own(self, caller: Caller) -> Own:
        """What this person has set."""
        async with self.identity.connect() as tx:
            row = await tx.fetchrow(
                "SELECT p.set AS pin, coalesce(p.failures, 0) < $2 AS open, b.set AS badge FROM access.account a"
                " LEFT JOIN access.pin p ON p.account = a.id LEFT JOIN access.badge b ON b.account = a.id"
                " WHERE a.id = $1",
                caller.account,
                TRIES,
            )
        return Own() if row is None else Own(row["pin"], row["open"], row["badge"])

    async def set_pin(self, caller: Caller, pin: str, where: From) -> None:
        """Give oneself a PIN; the one before is gone."""
        _check_kind(caller)
        check(pin)
        kept, now = await passwords.hashed(pin), self.identity.now()
        async with self.identity.connect() as tx, tx.transaction():
            await tx.execute(
                "INSERT INTO access.pin (account, pin, set) VALUES ($1, $2, $3)"
                " ON CONFLICT (account) DO UPDATE SET pin = excluded.pin, set = excluded.set, failures = 0",
                caller.account,
                kept,
                now,
            )
            await self._tell(tx, "pin-set", caller.actor.account, where)

    async def set_badge(self, caller: Caller, badge: str, where: From) -> None:
        """Tie a badge to oneself; the one before is no good any more."""
        _check_kind(caller)
        digest = await _digest(badge)
        try:
            async with self.identity.connect() as tx, tx.transaction():
                await tx.execute(
                    "INSERT INTO access.badge (account, digest, set) VALUES ($1, $2, $3)"
                    " ON CONFLICT (account) DO UPDATE SET digest = excluded.digest, set = excluded.set",
                    caller.account,
                    digest,
                    self.identity.now(),
                )
                await self._tell(tx, "badge-set", caller.actor.account, where)
        except asyncpg.UniqueViolationError as exc:
            raise BadgeTaken from exc

    async def remove(self, caller: Caller, thing: str, where: From) -> None:
        """Give up one's `pin` or `badge`."""
        sql = {
            "pin": "DELETE FROM access.pin WHERE account = $1",
            "badge": "DELETE FROM access.badge WHERE account = $1",
        }
        async with self.identity.connect() as tx, tx.transaction():
            await tx.execute(sql[thing], caller.account)
            await self._tell(tx, f"{thing}-remove", caller.actor.account, where)

    # --- at a workstation ---------------------------------------------------------------------------------

    async def on_shift(self, station: Station, address: str) -> tuple[OnShift, ...]:
        """The people of this shift; nobody for a PC that is not where they logged in."""
        async with self.identity.connect() as tx:
            rows = await tx.fetch(_ON_SHIFT + " ORDER BY a.name", station.id, self.identity.now(), TRIES)
        here = network(address)
        return tuple(
            OnShift(row["id"], row["login"], row["name"], row["usable"], row["ends"])
            for row in rows
            if network(row["address"]) == here
        )

    async def switch(
        self, station: Station, account: int, pin: str, where: From, *, before: str | None
    ) -> Entered:
        """Let somebody of the shift in by PIN: back to the session he left here, or to a new one."""
        person = await self.right(station, account, pin, where)
        return await self._enter(station, person, "pin", where, before)

    async def by_badge(
        self, station: Station, badge: str, where: From, *, before: str | None
    ) -> OnShift | Entered:
        """Whose badge it is, for the PIN to follow; or let that person in, where the badge alone is enough."""
        digest = await _digest(badge)
        await self.doors.slowing.wait(where.address)
        async with self.identity.connect() as tx:
            await self._count(tx, station)
            account = await tx.fetchval("SELECT account FROM access.badge WHERE digest = $1", digest)
        person = await self._person(station, account, where)
        if person is None:
            await self._refused("badge", "", station, where)
            raise UnknownBadge
        async with self.identity.connect() as tx:
            await _forgive(tx, station)
        if not self.identity.rules.badge_alone:
            return person
        return await self._enter(station, person, "badge", where, before)

    async def right(self, station: Station, account: int, pin: str, where: From) -> OnShift:
        """The person whose PIN it is, here and now; a wrong one is counted before it is looked at."""
        await self.doors.slowing.wait(where.address)
        person = await self._person(station, account, where)
        async with self.identity.connect() as tx:
            await self._count(tx, station)
            kept = None
            if person is not None:
                kept = await tx.fetchval(
                    "UPDATE access.pin SET failures = failures + 1 WHERE account = $1 AND failures < $2 RETURNING pin",
                    account,
                    TRIES,
                )
        if not await passwords.fits(kept, pin) or person is None:
            await self._refused("pin", person.login if person else "", station, where)
            raise WrongPin
        async with self.identity.connect() as tx, tx.transaction():
            await tx.execute("UPDATE access.pin SET failures = 0 WHERE account = $1", account)
            await _forgive(tx, station)
        self.doors.slowing.succeeded(where.address)
        return person

    async def _person(self, station: Station, account: int | None, where: From) -> OnShift | None:
        people = await self.on_shift(station, where.address)
        return next((one for one in people if one.account == account), None)

    async def _count(self, tx: Connection, station: Station) -> None:
        """Count a try at this workstation."""
        now = self.identity.now()
        since = now - self.identity.rules.locked_for
        if await tx.fetchval(_TRY_STATION, station.id, now, since, STATION_TRIES) is None:
            log.warning("PINs of a workstation are closed", extra={"id": station.id})
            raise PinsClosed

    async def _refused(self, how: str, login: str, station: Station, where: From) -> None:
        self.doors.slowing.failed(where.address)
        log.warning("switch refused", extra={"account": login or None, "id": station.id})
        async with self.identity.connect() as tx:
            await self._tell(tx, "login", login or "unknown", where, refused=True, reason=how)

    async def _enter(
        self, station: Station, person: OnShift, how: str, where: From, before: str | None
    ) -> Entered:
        now, rules = self.identity.now(), self.identity.rules
        async with self.identity.connect() as tx, tx.transaction():
            if before is not None:
                await tx.execute(
                    "UPDATE access.session SET covered = coalesce(covered, $2) WHERE digest = $1 AND revoked IS NULL",
                    secrets.digest(before),
                    now,
                )
            own = await tx.fetchrow(
                "SELECT id, place FROM access.session WHERE account = $1 AND station = $2 AND revoked IS NULL"
                " AND ends > $3 ORDER BY last_seen DESC LIMIT 1 FOR UPDATE",
                person.account,
                station.id,
                now,
            )
            if own is not None:
                entered = Entered(await sessions.uncover(tx, own["id"], how, now), own["place"])
            else:
                entered = Entered(secrets.made())
                await tx.execute(
                    "INSERT INTO access.session (digest, account, workstation, agent, address, created, last_seen,"
                    " ends, station, proved, proved_by) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $6, $9)",
                    secrets.digest(entered.secret), person.account, station.name, where.agent[:200], where.address, now,
                    min(now + rules.session_longest, person.ends), station.id, how,
                )  # fmt: skip
            await tx.execute("UPDATE access.account SET last_use = $2 WHERE id = $1", person.account, now)
            await self._tell(tx, "login", person.login, where, reason=how)
        self.identity.forget()
        return entered

    async def _tell(
        self, tx: Connection, act: str, account: str, where: From, *, refused: bool = False, reason: str = ""
    ) -> None:
        await self.identity.witness.tell(
            tx,
            Happening(
                act, account, refused=refused, reason=reason, address=where.address,
                workstation=where.workstation, tenant=where.tenant,
            ),
        )  # fmt: skip


async def _forgive(tx: Connection, station: Station) -> None:
    """Take back a try that was right."""
    await tx.execute(
        "UPDATE access.workstation SET failures = greatest(failures - 1, 0) WHERE id = $1", station.id
    )


async def _digest(badge: str) -> bytes:
    """What is kept of a badge's number: it is short, so its digest is slow."""
    text = badge.strip()
    if not BADGE[0] <= len(text) <= BADGE[1] or not text.isprintable():
        raise BadBadge

    def slow() -> bytes:
        return hashlib.scrypt(text.encode(), salt=b"hsba badge", n=2**14, r=8, p=1, dklen=32)

    return await asyncio.to_thread(slow)


def _check_kind(caller: Caller) -> None:
    if caller.kind not in HOLDERS:
        raise NoPinForKind
