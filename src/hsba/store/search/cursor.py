"""Where the next page begins: an opaque text that holds the values of the order, not a count of what was shown.

So a page neither repeats nor skips when others write: the default order is by key, which never changes, and for an order
by values that do change the cursor also holds the snapshot of the first page.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hsba.store.search.problems import BadCursor

Value = datetime | float | str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its stage, the values it was ordered by, its key; and what the first page could see."""

    order: str
    stage: int
    values: tuple[Value, ...]
    key: int
    snapshot: str
    taken: datetime

    def text(self) -> str:
        """As it stands in an address."""
        told = [
            self.order,
            self.stage,
            [_told(value) for value in self.values],
            self.key,
            self.snapshot,
            _micros(self.taken),
        ]
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(told)).decode().rstrip("=")


def read(text: str, order: str, kinds: tuple[type, ...]) -> Cursor:
    """The cursor in an address; refused when this server did not give it for this order."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        given, stage, values, key, snapshot, taken = msgspec.msgpack.decode(
            raw, type=tuple[str, int, list[Any], int, str, int]
        )
        found = Cursor(given, stage, tuple(_read(v) for v in values), key, snapshot, _time(taken))
    except (binascii.Error, ValueError, msgspec.DecodeError, OverflowError, TypeError) as exc:
        raise BadCursor from exc
    fits = len(found.values) == len(kinds) and all(
        value is None or isinstance(value, kind) for value, kind in zip(found.values, kinds, strict=True)
    )
    parts = snapshot.split(":")
    sound = not snapshot
    if len(parts) == 3:
        sound = all(
            p.isascii() and p.isdigit() for p in (parts[0], parts[1], *filter(None, parts[2].split(",")))
        )
    if given != order or stage not in (0, 1) or not fits or not sound or not -(2**63) <= key < 2**63:
        raise BadCursor
    if any("\0" in value for value in found.values if isinstance(value, str)):
        raise BadCursor
    return found


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(when: datetime) -> int:
    difference = when - _EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


def _time(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _told(value: Value) -> Any:
    return ["t", _micros(value)] if isinstance(value, datetime) else value


def _read(value: Any) -> Value:
    if isinstance(value, list):
        return _time(int(value[1]))
    if value is None or isinstance(value, str):
        return value
    return float(value)
