"""Sends what is sealed to an audit repository by syslog: each line at least once, in the order it was sealed.

It follows the segments with a cursor of its own and holds nothing up: when the repository is away, lines wait in the trail.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hsba.audit import report, syslog
from hsba.audit.witness import INSTALLATION
from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hsba.record.work import Follower, House

log = logging.getLogger("hsba.audit")

PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
PATIENCE = 10.0
"""Seconds that the repository has for each step."""
PAUSES = (5.0, 60.0)
"""Seconds until the next try after a failure, the first and the longest."""
LONGEST_DATAGRAM = 60_000
LOCK = 0x48534241_0C

BEGIN = """
INSERT INTO audit.sent (target, segment) SELECT $1, coalesce(max(number), 0) FROM audit.segment
ON CONFLICT DO NOTHING
"""
NEXT = """
SELECT min(g.number) FROM audit.segment g WHERE g.number > (SELECT s.segment FROM audit.sent s WHERE s.target = $1)
"""
DONE = "UPDATE audit.sent SET segment = $2 WHERE target = $1 AND segment < $2"


class BadTarget(Problem):
    """The address of the audit repository is not udp://, tcp:// or tls:// with a host; nothing is sent."""

    status = 400
    vi = "Địa chỉ máy nhận nhật ký phải có dạng udp://, tcp:// hoặc tls:// kèm tên máy; chưa gửi gì."


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, how, and by which certificates."""

    way: str
    host: str
    port: int
    authorities: Path | None = None
    """Who vouches for the repository; by default whom the machine trusts."""
    certificate: Path | None = None
    """Our own certificate with its key, where the repository wants to know us."""

    @property
    def name(self) -> str:
        """What its cursor is kept under."""
        return f"{self.way}://{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """How TLS is spoken: the repository's certificate is always looked at."""
        made = ssl.create_default_context(cafile=str(self.authorities) if self.authorities else None)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            made.load_cert_chain(str(self.certificate))
        return made


def target(text: str, authorities: Path | None = None, certificate: Path | None = None) -> Target | None:
    """The target that a setting names; None for an empty one."""
    if not text:
        return None
    try:
        found = urlsplit(text)
        port = found.port
    except ValueError as exc:
        raise BadTarget(text) from exc
    if found.scheme not in PORTS or not found.hostname or found.path.strip("/") or found.username:
        raise BadTarget(text)
    return Target(found.scheme, found.hostname, port or PORTS[found.scheme], authorities, certificate)


def followers(to: Target | None) -> tuple[Follower, ...]:
    """The follower for a target, if there is one; after a failure it waits before it tries again."""
    if to is None:
        return ()
    wait, after = 0.0, 0.0

    async def send_on(house: House) -> int:
        """Send the next segment; how many lines it held."""
        nonlocal wait, after
        if time.monotonic() < after:
            return 0
        try:
            sent = await send_next(house, to)
        except (OSError, ssl.SSLError) as exc:
            if not wait:
                log.warning("audit repository not reached", extra={"target": to.name, "why": str(exc)})
            wait = min(max(wait * 2, PAUSES[0]), PAUSES[1])
            after = time.monotonic() + wait
            return 0
        if wait:
            log.warning("audit repository reached again", extra={"target": to.name})
            wait = 0.0
        return sent

    return (send_on,)


async def send_next(house: House, to: Target) -> int:
    """Send the first segment that was not sent, and remember it; a target that is new begins with what is sealed next."""
    async with house.pool.bare() as tx:
        if not await tx.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return 0
        try:
            await tx.execute(BEGIN, to.name)
            number = await tx.fetchval(NEXT, to.name)
            if number is None:
                return 0
            rows = await tx.fetch("SELECT * FROM audit.of_segment($1)", number)
            made = await _made(house, rows)
            await asyncio.to_thread(deliver, to, made)
            await tx.execute(DONE, to.name, number)
        finally:
            with contextlib.suppress(OSError):
                await tx.fetchval("SELECT pg_advisory_unlock($1)", LOCK)
    return len(rows) or 1


async def _made(house: House, rows: Sequence[Any]) -> list[bytes]:
    """The messages of some lines, each with its keeper's name and its patients' ids."""
    host = socket.gethostname()
    known = {one.id: one for one in house.tenants.all()}
    if (
        {row["tenant"] for row in rows} - {INSTALLATION} - set(known)
    ):  # a keeper that came while this process ran
        async with house.pool.bare() as tx:
            await house.tenants.read(tx)
        known = {one.id: one for one in house.tenants.all()}
    names = {
        row: house.registry.type_name(row) for row in {s[2] for one in rows for s in one["subjects"]} - {None}
    }
    whose: dict[int, dict[int, str]] = {}
    for number in {row["tenant"] for row in rows} & set(known):
        mine = [row for row in rows if row["tenant"] == number]
        async with house.pool.reading(number) as tx:
            whose[number] = await report.patients(house.context(tx=tx, tenant=known[number]), mine)
    sites = {number: one.slug for number, one in known.items()} | {INSTALLATION: "*"}
    return [
        syslog.message(
            row, whose.get(row["tenant"], {}), names, sites.get(row["tenant"], str(row["tenant"])), host
        )
        for row in rows
    ]


def deliver(to: Target, messages: Sequence[bytes]) -> None:
    """Hand messages over; on a stream it returns when the repository has read them all, or raises."""
    if to.way == "udp":
        family, kind, number, _, address = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, number) as line:
            for one in messages:
                line.sendto(one[:LONGEST_DATAGRAM], address)
        return
    with socket.create_connection((to.host, to.port), timeout=PATIENCE) as plain:
        if to.way == "tls":
            with to.context().wrap_socket(plain, server_hostname=to.host) as line:
                _hand_over(line, messages)
                _end(line)
        else:
            _hand_over(plain, messages)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass


def _end(line: ssl.SSLSocket) -> None:
    """Wait until the repository has read our end; one that hangs up without a word of its own has read it too."""
    try:
        line.unwrap()
    except ssl.SSLError:
        return
    except OSError as exc:
        if exc.errno != 0:  # OpenSSL's word for a line that was closed in good order
            raise


def _hand_over(line: socket.socket, messages: Sequence[bytes]) -> None:
    for one in messages:
        line.sendall(syslog.framed(one))
