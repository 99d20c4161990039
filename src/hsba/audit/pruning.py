"""Removes lines whose time of keeping is over, by whole months, and leaves a signed word in their place.

A segment that loses lines keeps their numbers, and a pruning says with which hash the chain came to them and went on
behind them: so what is left is proved as before. Only the owner of the database may do it; nothing that does not verify is
removed, for it would be the trace of whoever altered it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from hsba.audit import chain, keys, sealing
from hsba.audit.chain import Gap, Pruning
from hsba.audit.checkpoints import add_pruning
from hsba.audit.witness import CHANNEL, INSTALLATION, TrailWitness
from hsba.fhir.problems import Problem
from hsba.record.work import Chore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from hsba.record.work import House

    Connection = Any  # asyncpg's own, as the owner

log = logging.getLogger("hsba.audit")

DAY = 24 * 3600
LOCK = 0x48534241_0D

SEGMENTS = f"""
SELECT g.number FROM audit.segment g
WHERE cardinality(g.ids) > coalesce((SELECT sum(p.lines) FROM audit.pruned p WHERE p.segment = g.number), 0)
  AND (g.earliest < $2 OR g.earliest < $1 AND EXISTS (
      SELECT FROM audit.line l WHERE l.channel = '{CHANNEL}' AND l.recorded BETWEEN g.earliest AND g.latest
      AND l.recorded < $1
  )) ORDER BY g.number
"""
"""Those that may hold a line that is over."""
SEGMENT = """
SELECT number, until_xid::text, sealed, earliest, latest, ids, marks, before, hash, key, signature
FROM audit.segment WHERE number = $1
"""
LINES = """
SELECT w.* FROM unnest($1::bigint[]) WITH ORDINALITY AS u(id, place) JOIN audit.whole w ON w.id = u.id
WHERE w.recorded BETWEEN $2 AND $3 ORDER BY u.place
"""
COUNT = f"""
SELECT to_char(recorded AT TIME ZONE 'UTC', 'YYYY-MM') AS month, channel = '{CHANNEL}' AS security, count(*)
FROM audit.line WHERE (channel = '{CHANNEL}' AND recorded < $1) OR (channel <> '{CHANNEL}' AND recorded < $2)
GROUP BY 1, 2 ORDER BY 1, 2
"""


class NotWhole(Problem):
    """The audit trail does not verify, so nothing of this segment was removed: run hsba audit verify."""

    status = 409
    vi = "Nhật ký không qua được kiểm tra nên không xóa gì trong đoạn này: hãy chạy hsba audit verify."


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is to be kept: lines from these moments on; None keeps all of them."""

    security: datetime | None
    """Lines about accounts, sessions, rights and clients."""
    access: datetime | None
    """Lines about the record."""

    def is_over(self, row: Any) -> bool:
        """Whether a line may go."""
        since = self.security if row["channel"] == CHANNEL else self.access
        return since is not None and row["recorded"] < since


@dataclass(frozen=True, slots=True)
class Removed:
    """What the witness is told: that the server itself removed so many lines."""

    subject: str
    act: str = "audit-prune"
    account: str = "worker"
    refused: bool = False
    reason: str = ""
    address: str | None = None
    workstation: str | None = None
    tenant: int | None = INSTALLATION


@dataclass(slots=True)
class Pruned:
    """How far it came."""

    segments: int = 0
    lines: int = 0
    months: dict[tuple[str, bool], int] = field(default_factory=dict)
    """What is over, by month, about accounts or not."""


def keeping(now: datetime, security_months: int, access_years: int) -> Keeping:
    """What is kept now: whole months of UTC, as the partitions are; 0 is for ever."""
    return Keeping(
        _month(now, security_months) if security_months else None,
        _month(now, access_years * 12) if access_years else None,
    )


def chores(owner_dsn: str, security_months: int, access_years: int) -> tuple[Chore, ...]:
    """The chore that removes by itself, once a day, as the owner of the database; the runtime may not."""

    async def prune_daily(house: House) -> None:
        """Remove what is over and tell of it."""
        if not owner_dsn:
            log.error("old lines of the trail stay: audit_prune needs owner_database_url")
            return
        tx = await asyncpg.connect(owner_dsn)
        try:
            now = house.clock.now()
            kept = keeping(now, security_months, access_years)
            if not (await look(tx, kept)).lines:
                return
            done = await prune(tx, keys.signing(house.files / "keys"), house.checkpoints, kept, now)
            if done.lines:
                told = Removed(subject=str(done.lines))
                await TrailWitness(house.clock.now).tell(tx, told)
                log.info("old lines of the trail removed", extra={"lines": done.lines})
        finally:
            await tx.close()

    return (Chore("audit pruning", prune_daily, every=DAY),)


async def look(tx: Connection, kept: Keeping) -> Pruned:
    """What would be removed; nothing is."""
    rows = await tx.fetch(COUNT, kept.security, kept.access)
    return Pruned(
        lines=sum(row["count"] for row in rows),
        months={(row["month"], row["security"]): row["count"] for row in rows},
    )


async def prune(
    tx: Connection,
    key: Ed25519PrivateKey,
    folder: Path,
    kept: Keeping,
    now: datetime,
    *,
    note: Callable[[Pruned], None] = lambda _: None,
) -> Pruned:
    """Remove what is over, segment by segment, each in a transaction; what is not sealed stays."""
    done = Pruned()
    await tx.fetchval("SELECT pg_advisory_lock($1)", LOCK)
    try:
        known = await prunings(tx)
        for (number,) in await tx.fetch(SEGMENTS, kept.security, kept.access):
            row = await tx.fetchrow(SEGMENT, number)
            lines = await tx.fetch(LINES, row["ids"], row["earliest"], row["latest"])
            over = [one for one in lines if kept.is_over(one)]
            if not over:
                continue
            made = _pruning(row, lines, {one["id"] for one in over}, known.get(number, ()), key, now)
            async with tx.transaction():
                await tx.execute(
                    "INSERT INTO audit.pruned (segment, pruned, lines, statement) VALUES ($1, $2, $3, $4)",
                    made.segment,
                    now,
                    len(over),
                    msgspec.json.encode(made).decode(),
                )
                for table, column in (("subject", "line"), ("line", "id")):
                    await tx.execute(
                        f"DELETE FROM audit.{table} t USING unnest($1::bigint[], $2::timestamptz[]) AS o(id, at)"
                        f" WHERE t.{column} = o.id AND t.recorded = o.at",
                        [one["id"] for one in over],
                        [one["recorded"] for one in over],
                    )
                # Before it is committed: what the file says too much is harmless, for the lines are still there.
                await asyncio.to_thread(add_pruning, folder, made)
            done.segments += 1
            done.lines += len(over)
            note(done)
    finally:
        await tx.fetchval("SELECT pg_advisory_unlock($1)", LOCK)
    return done


async def prunings(tx: Connection) -> dict[int, list[Pruning]]:
    """What was removed from which segment."""
    found: dict[int, list[Pruning]] = {}
    for row in await tx.fetch("SELECT statement FROM audit.pruned ORDER BY segment, pruned"):
        one = msgspec.json.decode(row["statement"], type=Pruning)
        found.setdefault(one.segment, []).append(one)
    return found


def _pruning(
    row: Any,
    lines: Sequence[Any],
    over: set[int],
    before: Sequence[Pruning],
    key: Ed25519PrivateKey,
    now: datetime,
) -> Pruning:
    """The word that stands in the place of some lines of a segment, which must be whole."""
    gaps = chain.gaps(before)
    hashes, place = chain.walk(row["before"], row["ids"], {one["id"]: one for one in lines}, gaps)
    public = key.public_key()
    stated = sealing.of_row(row)
    whole = (
        place == len(row["ids"])
        and hashes[-1] == row["hash"]
        and keys.fits(public, row["signature"], stated.signed())
        and all(keys.fits(public, bytes.fromhex(one.signature), one.signed()) for one in before)
    )
    if not whole:
        raise NotWhole(str(row["number"]))
    made: list[Gap] = []
    for place, id_ in enumerate(row["ids"]):
        if id_ not in over:
            continue
        came = row["before"] if place == 0 else hashes[place - 1]
        went = hashes[place]
        assert came is not None  # noqa: S101 - the lines beside a gap have hashes, see chain.walk
        assert went is not None  # noqa: S101
        if made and made[-1].place + made[-1].lines == place:
            made[-1] = replace(made[-1], lines=made[-1].lines + 1, after=went.hex())
        else:
            made.append(Gap(place, 1, came.hex(), went.hex()))
    one = Pruning(row["number"], chain.micros(now), tuple(made), keys.name(public))
    return replace(one, signature=key.sign(one.signed()).hex())


def _month(now: datetime, months: int) -> datetime:
    """The first moment of a month, so many months ago."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
