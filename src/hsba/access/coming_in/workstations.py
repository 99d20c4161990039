"""The shared PCs of the wards: registered by a cookie, named in every line of the trail, and who is on shift at each.

A cookie can be copied. What is noticed is a copy that comes from another range of addresses; one that is used in the same
range is not. So the cookie alone opens nothing: it shows the names of a shift, and lets a PIN be tried a few times.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import secrets
from hsba.access.identity import MOST, REMEMBERED, SEEN_EVERY
from hsba.access.ports import Happening
from hsba.fhir.problems import BadRequest, Forbidden

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.identity import Caller, Identity
    from hsba.access.rules import Rules
    from hsba.store.pool import Connection

log = logging.getLogger("hsba.access")

KEEPERS = frozenset({"administrator"})
"""Kinds of accounts that register and revoke workstations."""
LONGEST = 60
NETWORKS = {4: 24, 6: 64}
"""How much of an address says which part of the house it is in."""


class NoWorkstationRight(Forbidden):
    """Only an administrator registers and revokes workstations; nothing was changed."""

    vi = "Chỉ quản trị được đăng ký và thu hồi máy trạm; chưa thay đổi gì."


class BadWorkstation(BadRequest):
    """A workstation has a name of its own of at most 60 letters; nothing was changed."""

    code = "value"
    vi = "Máy trạm cần tên riêng, tối đa 60 chữ, không trùng máy khác; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Station:
    """A registered workstation."""

    id: int
    tenant: int
    name: str
    department: str | None = None
    """Id of the Organization."""
    department_title: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A workstation as an administrator sees it."""

    station: Station
    address: str
    registered: datetime
    registered_by: str
    last_seen: datetime
    on_shift: int
    """How many people a PIN brings back there now."""


def network(address: str) -> str:
    """The range an address belongs to: /24 of IPv4, /64 of IPv6; this machine itself is one place by both."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.is_loopback:
        return "loopback"
    return str(ipaddress.ip_network((found, NETWORKS[found.version]), strict=False))


class Workstations:
    """What pages do for the PCs of the wards; one for each process."""

    def __init__(self, identity: Identity) -> None:
        """Work on the same house as the identity."""
        self.identity = identity
        self._known: dict[tuple[bytes, str], tuple[Station | None, datetime]] = {}

    async def known(self, secret: str, address: str) -> Station | None:
        """The workstation whose cookie this is; one that turns up in another range of addresses is told to the trail."""
        now, digest, place = self.identity.now(), secrets.digest(secret), network(address)
        found, until = self._known.get((digest, place), (None, now))
        if until > now:
            return found
        async with self.identity.connect() as tx, tx.transaction():
            row = await tx.fetchrow(
                "SELECT id, tenant, name, department, department_title, address, last_seen FROM access.workstation"
                " WHERE digest = $1 AND revoked IS NULL",
                digest,
            )
            station = None if row is None else _station(row)
            if row is not None and station is not None:
                moved = network(row["address"]) != place
                if moved or row["last_seen"] < now - SEEN_EVERY:
                    changed = await tx.fetchval(
                        "UPDATE access.workstation SET address = $2, last_seen = $3 WHERE id = $1 AND address = $4"
                        " RETURNING id",
                        station.id, address, now, row["address"],
                    )  # fmt: skip
                    if moved and changed is not None:
                        log.warning("workstation came from another network", extra={"id": station.id})
                        await self.identity.witness.tell(
                            tx,
                            Happening(
                                "workstation-move", "workstation", subject=station.name,
                                reason=f"{row['address']} > {address}", address=address, workstation=station.name,
                                tenant=station.tenant,
                            ),
                        )  # fmt: skip
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[digest, place] = (station, now + REMEMBERED)
        return station

    async def register(
        self, caller: Caller, station: Station, address: str, *, before: str | None = None
    ) -> str:
        """Make this browser a workstation, in place of the one it was; answers what its cookie holds."""
        self.check(caller)
        name = " ".join(station.name.split())
        if not name or len(name) > LONGEST or not name.isprintable():
            raise BadWorkstation
        secret, now = secrets.made(), self.identity.now()
        try:
            async with self.identity.connect() as tx, tx.transaction():
                if before is not None:
                    await self._end(tx, caller, "digest", secrets.digest(before), station.tenant, now)
                await tx.execute(
                    "INSERT INTO access.workstation (tenant, name, department, department_title, digest, address,"
                    " registered, registered_by, last_seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7)",
                    station.tenant, name, station.department, station.department_title, secrets.digest(secret),
                    address, now, caller.actor.account,
                )  # fmt: skip
                await self._tell(tx, caller, "workstation-register", name, station.tenant, address)
        except asyncpg.UniqueViolationError as exc:
            raise BadWorkstation(name) from exc
        self.forget()
        return secret

    async def revoke(self, caller: Caller, tenant: int, id: int, address: str) -> None:
        """Take a workstation out of use: its sessions end within two seconds and no PIN works there."""
        self.check(caller)
        now = self.identity.now()
        async with self.identity.connect() as tx, tx.transaction():
            name = await self._end(tx, caller, "id", id, tenant, now)
            if name is not None:
                await self._tell(tx, caller, "workstation-revoke", name, tenant, address)
        self.forget()
        self.identity.forget()

    async def every(self, caller: Caller, tenant: int) -> list[Listed]:
        """The workstations in use of a keeper, by department and name."""
        self.check(caller)
        async with self.identity.connect() as tx:
            rows = await tx.fetch(
                "SELECT id, tenant, name, department, department_title, address, registered, registered_by, last_seen,"
                " (SELECT count(*) FROM access.shift s WHERE s.workstation = w.id AND s.ends > $2) AS on_shift"
                " FROM access.workstation w WHERE tenant = $1 AND revoked IS NULL ORDER BY department_title, lower(name)",
                tenant,
                self.identity.now(),
            )
        return [
            Listed(
                _station(row), row["address"], row["registered"], row["registered_by"], row["last_seen"],
                row["on_shift"],
            )
            for row in rows
        ]  # fmt: skip

    def check(self, caller: Caller) -> None:
        """Refuse who is no administrator."""
        if caller.kind not in KEEPERS:
            raise NoWorkstationRight

    def forget(self) -> None:
        """Ask again for every workstation."""
        self._known.clear()

    async def _end(
        self, tx: Connection, caller: Caller, by: str, value: bytes | int, tenant: int, now: datetime
    ) -> str | None:
        row = await tx.fetchrow(
            f"UPDATE access.workstation SET revoked = $3, revoked_by = $4 WHERE {by} = $1 AND tenant = $2"
            " AND revoked IS NULL RETURNING id, name",
            value,
            tenant,
            now,
            caller.actor.account,
        )
        if row is None:
            return None
        await tx.execute("DELETE FROM access.shift WHERE workstation = $1", row["id"])
        return str(row["name"])

    async def _tell(
        self, tx: Connection, caller: Caller, act: str, name: str, tenant: int, address: str
    ) -> None:
        happening = Happening(act, caller.actor.account, subject=name, address=address, tenant=tenant)
        await self.identity.witness.tell(tx, happening)


async def begin_shift(
    tx: Connection, station: Station, account: int, address: str, now: datetime, rules: Rules
) -> None:
    """Note a full log-in at a workstation: from now on, for a shift, staff come back there by PIN."""
    begun = await tx.fetchval(
        "INSERT INTO access.shift (workstation, account, address, begun, ends)"
        " SELECT $1, id, $3, $4, $5 FROM access.account"
        " WHERE id = $2 AND kind = 'staff' AND (tenants IS NULL OR $6 = ANY(tenants))"
        " ON CONFLICT (workstation, account) DO UPDATE"
        " SET address = excluded.address, begun = excluded.begun, ends = excluded.ends RETURNING account",
        station.id,
        account,
        address,
        now,
        now + rules.shift,
        station.tenant,
    )
    if begun is not None:
        await tx.execute("UPDATE access.pin SET failures = 0 WHERE account = $1", account)
        await tx.execute(
            "UPDATE access.workstation SET failures = 0, failed = NULL WHERE id = $1", station.id
        )


def _station(row: asyncpg.Record) -> Station:
    return Station(row["id"], row["tenant"], row["name"], row["department"], row["department_title"])
