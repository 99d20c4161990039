"""Proves that no sealed line was altered, removed, inserted or moved: chains all anew and compares with the checkpoints.

It reads as the owner of the database and trusts nothing in it: the chain must end where the signed checkpoint says, and
the file of checkpoints outside the database must tell the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.audit import chain, checkpoints, keys, pruning, sealing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from hsba.audit.chain import Checkpoint, Gap, Pruning

    Connection = Any  # asyncpg's own, as the owner

SENTENCES = {
    "altered": ("Line {line} was altered.", "Dòng {line} đã bị sửa."),
    "missing": ("Line {line} is missing.", "Dòng {line} đã bị xóa."),
    "inserted": ("Line {line} was inserted.", "Dòng {line} bị chèn thêm."),
    "moved": ("Line {line} stands in another place than it was sealed in.", "Dòng {line} bị đổi chỗ."),
    "segment": ("Segment {segment} was altered.", "Đoạn {segment} đã bị sửa."),
    "signature": ("Segment {segment} bears a wrong signature.", "Đoạn {segment} mang chữ ký sai."),
    "pruning": (
        "Of segment {segment} more was removed than was signed for.",
        "Đoạn {segment} bị xóa nhiều hơn mức đã ký.",
    ),
    "lost": ("Segment {segment} is missing in the database.", "Đoạn {segment} không còn trong cơ sở dữ liệu."),
    "unwritten": (
        "Segment {segment} is not in the file of checkpoints.",
        "Đoạn {segment} không có trong tệp điểm kiểm.",
    ),
}  # fmt: skip

SEGMENTS = """
SELECT number, until_xid::text, sealed, earliest, latest, ids, marks, before, hash, key, signature
FROM audit.segment
WHERE ($1::timestamptz IS NULL OR latest >= $1) AND ($2::timestamptz IS NULL OR earliest <= $2) ORDER BY number
"""
LINES = """
SELECT w.* FROM unnest($1::bigint[]) WITH ORDINALITY AS u(id, place) JOIN audit.whole w ON w.id = u.id
WHERE w.recorded BETWEEN $2 AND $3 ORDER BY u.place
"""
STRANGERS = """
SELECT l.id FROM audit.line l LEFT JOIN (SELECT unnest(ids) AS id FROM audit.segment) s ON s.id = l.id
WHERE s.id IS NULL AND l.xid < $1::text::xid8
  AND ($2::timestamptz IS NULL OR l.recorded >= $2) AND ($3::timestamptz IS NULL OR l.recorded <= $3)
ORDER BY l.xid, l.id LIMIT 1
"""
LOOSE = """
SELECT s.line FROM audit.subject s WHERE NOT EXISTS (
    SELECT FROM audit.line l WHERE l.id = s.line AND l.recorded = s.recorded
) AND ($1::timestamptz IS NULL OR s.recorded >= $1) AND ($2::timestamptz IS NULL OR s.recorded <= $2)
ORDER BY s.line LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong: what kind, in which segment, and which line."""

    kind: str
    segment: int
    line: int | None = None

    def sentence(self, language: str) -> str:
        """It, in a reader's language."""
        en, vi = SENTENCES[self.kind]
        return (vi if language == "vi" else en).format(line=self.line, segment=self.segment)


@dataclass(slots=True)
class Found:
    """What was verified: segments and lines that are as they were sealed, what is wrong, and what is not sealed yet."""

    segments: int = 0
    lines: int = 0
    pruned: int = 0
    """Lines that were removed when their time was over, and signed for."""
    tail: int = 0
    oldest: datetime | None = None
    """Of the lines that are not sealed yet."""
    fault: Fault | None = None


@dataclass(slots=True)
class Before:
    """What the segment before ended with."""

    hash: bytes | None = None
    xid: int = 0


async def verify(
    tx: Connection,
    key: Ed25519PublicKey,
    folder: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    note: Callable[[Found], None] = lambda _: None,
) -> Found:
    """Chain all segments whose lines fall into a span of time anew; stops at the first fault."""
    found = Found()
    written = {one.number: one for one in checkpoints.read(folder)}
    last = await tx.fetchrow(sealing.LAST)
    numbers = [row["number"] for row in await tx.fetch("SELECT number FROM audit.segment ORDER BY number")]
    found.fault = _gap(numbers, written)
    if found.fault is None and last is not None:
        async with tx.transaction(isolation="repeatable_read", readonly=True):
            found.fault = await _chain(
                tx, key, written, checkpoints.prunings(folder), found, note, since, until
            )
            found.fault = found.fault or await _strangers(tx, last, since, until)
    tail = await tx.fetchrow(
        "SELECT count(*), min(recorded) FROM audit.line WHERE xid >= $1::text::xid8", last[0] if last else "0"
    )
    found.tail, found.oldest = tail
    return found


async def _chain(
    tx: Connection,
    key: Ed25519PublicKey,
    written: dict[int, Checkpoint],
    outside: set[Pruning],
    found: Found,
    note: Callable[[Found], None],
    since: datetime | None,
    until: datetime | None,
) -> Fault | None:
    """The first thing that is wrong with the segments of a span of time, counting what is right in `found`."""
    before = Before()
    removed = await pruning.prunings(tx)
    async for row in tx.cursor(SEGMENTS, since, until, prefetch=10):
        some = removed.get(row["number"], [])
        if any(
            one not in outside or not keys.fits(key, bytes.fromhex(one.signature), one.signed())
            for one in some
        ):
            return Fault("pruning", row["number"])
        gaps = chain.gaps(some)
        fault = await _segment(tx, row, key, written.get(row["number"]), before, gaps)
        if fault is not None:
            return fault
        found.segments += 1
        gone = sum(gap.lines for gap in gaps.values())
        found.lines += len(row["ids"]) - gone
        found.pruned += gone
        note(found)
    return None


def _gap(numbers: list[int], written: dict[int, Checkpoint]) -> Fault | None:
    """A segment that the file knows and the database does not, or the other way round."""
    there = set(numbers)
    for number in sorted(written):
        if number not in there:
            return Fault("lost", number)
    for place, number in enumerate(numbers):
        if number not in written and place < len(numbers) - 1:  # the last may be on its way
            return Fault("unwritten", number)
        if place and number != numbers[place - 1] + 1:
            return Fault("lost", numbers[place - 1] + 1)
    return None


async def _segment(
    tx: Connection,
    row: Any,
    key: Ed25519PublicKey,
    written: Checkpoint | None,
    before: Before,
    gaps: dict[int, Gap],
) -> Fault | None:
    """What is wrong with one segment: first its lines, so that the line is named; then what is said of them."""
    number = row["number"]
    stated = sealing.of_row(row)
    expected: list[int] = row["ids"]
    start = row["before"] if before.hash is None else before.hash
    lines = await tx.fetch(LINES, expected, row["earliest"], row["latest"])
    gone = {id_ for gap in gaps.values() for id_ in expected[gap.place : gap.place + gap.lines]}
    back = next((one["id"] for one in lines if one["id"] in gone), None)
    if back is not None:
        return Fault("inserted", number, back)
    left = [id_ for id_ in expected if id_ not in gone]
    if (fault := await _missing(tx, number, left, [one["id"] for one in lines])) is not None:
        return fault
    kept = row["marks"]
    if len(kept) != chain.MARK * len(expected) or row["before"] != start:
        return Fault("segment", number)
    hashes, place = chain.walk(start, expected, {one["id"]: one for one in lines}, gaps)
    for at, made in enumerate(hashes):
        if made is not None and kept[at * chain.MARK : (at + 1) * chain.MARK] != made[: chain.MARK]:
            return Fault("altered", number, expected[at])
    if place < len(expected):
        return Fault("pruning", number)
    if hashes[-1] != row["hash"] or (number == 1 and start != chain.START):
        return Fault("segment", number)
    if stated.key != keys.name(key) or not keys.fits(key, row["signature"], stated.signed()):
        return Fault("signature", number)
    if written is not None and written != stated:
        return Fault("segment", number)
    for one in lines:
        if (xid := int(one["xid"])) < before.xid:
            return Fault("moved", number, one["id"])
        before.xid = xid
    before.hash = row["hash"]
    return None


async def _missing(tx: Connection, number: int, expected: list[int], there: list[int]) -> Fault | None:
    """The first line of a segment that is not there, or is there at another time than its segment's."""
    if there == expected:
        return None
    have = set(there)
    gone = next((one for one in expected if one not in have), None)
    if gone is None:
        return Fault(
            "moved", number, next(one for one, other in zip(expected, there, strict=False) if one != other)
        )
    elsewhere = await tx.fetchval("SELECT true FROM audit.line WHERE id = $1", gone)
    return Fault("altered" if elsewhere else "missing", number, gone)


async def _strangers(
    tx: Connection, last: Any, since: datetime | None, until: datetime | None
) -> Fault | None:
    """A line below what is sealed that no segment holds, or a row of a line that is not there."""
    line = await tx.fetchval(STRANGERS, last[0], since, until)
    if line is None:
        line = await tx.fetchval(LOOSE, since, until)
    twice = await tx.fetchval(
        "SELECT id FROM (SELECT unnest(ids) AS id FROM audit.segment) s GROUP BY id HAVING count(*) > 1 LIMIT 1"
    )
    if line is not None:
        return Fault("inserted", last[1], line)
    return Fault("moved", last[1], twice) if twice is not None else None
