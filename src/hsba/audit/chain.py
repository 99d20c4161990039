"""What is sealed: the bytes of a line, the chain over lines, and the checkpoint that is signed; pure, no I/O.

Anybody can do it again: a line is the JSON of `COLUMNS` and its subjects in the order of `audit.whole`, times in
microseconds since 1970; the hash after it is SHA-256 over the hash before and these bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

START = hashlib.sha256(b"hsba audit").digest()
"""The hash before the first line."""
MARK = 8
"""Bytes of the chain's hash that a segment keeps after each line, so that the first altered one can be named."""

COLUMNS = (
    "id", "tenant", "recorded", "account", "role", "on_behalf_of", "workstation", "channel", "address", "purpose",
    "reason", "request", "interaction", "type", "refused", "detail",
)  # fmt: skip
"""What of a line is sealed: everything but the number of its transaction, which belongs to one cluster."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of the chain after a segment, as it is signed and written outside the database."""

    number: int
    sealed: int
    """Microseconds since 1970, as are `earliest` and `latest`, the times of its lines."""
    earliest: int
    latest: int
    lines: int
    before: str
    hash: str
    key: str
    signature: str = ""

    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        parts = (self.number, self.sealed, self.earliest, self.latest, self.lines, self.before, self.hash)
        return _encode(["hsba audit checkpoint", *parts, self.key])


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines of a segment that were removed: from which place, how many, and the chain's hash before and after them."""

    place: int
    lines: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was removed from a segment when its time was over, as it is signed and written outside the database."""

    segment: int
    pruned: int
    """Microseconds since 1970."""
    gaps: tuple[Gap, ...]
    key: str
    signature: str = ""

    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        said = [[one.place, one.lines, one.before, one.after] for one in self.gaps]
        return _encode(["hsba audit pruning", self.segment, self.pruned, said, self.key])


def micros(when: datetime) -> int:
    """A time as a whole number."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def line(row: Any) -> bytes:
    """The bytes of a row of `audit.whole`."""
    values = {name: row[name] for name in COLUMNS}
    values["recorded"] = micros(row["recorded"])
    return _encode([*values.values(), [list(subject) for subject in row["subjects"]]])


def follow(before: bytes, rows: Iterable[Any]) -> list[bytes]:
    """The hash after each of some lines."""
    found = []
    for row in rows:
        before = hashlib.sha256(before + line(row)).digest()
        found.append(before)
    return found


def gaps(some: Sequence[Pruning]) -> dict[int, Gap]:
    """The gaps of a segment, by the place where each begins."""
    return {gap.place: gap for one in some for gap in one.gaps}


def walk(
    before: bytes, ids: Sequence[int], lines: Mapping[int, Any], missing: Mapping[int, Gap]
) -> tuple[list[bytes | None], int]:
    """The hash after each line of a segment (none inside a gap but at its end), and the place where the chain breaks."""
    found: list[bytes | None] = []
    while len(found) < len(ids):
        gap = missing.get(len(found))
        if gap is not None:
            if gap.before != before.hex() or gap.lines < 1 or len(found) + gap.lines > len(ids):
                break
            before = bytes.fromhex(gap.after)
            found += [*[None] * (gap.lines - 1), before]
        elif (row := lines.get(ids[len(found)])) is not None:
            before = hashlib.sha256(before + line(row)).digest()
            found.append(before)
        else:
            break
    return found, len(found)


def marks(hashes: Iterable[bytes]) -> bytes:
    """What a segment keeps of them."""
    return b"".join(one[:MARK] for one in hashes)
