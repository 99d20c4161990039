"""Addresses from which wrong passwords come are slowed and never shut out: a whole hospital sits behind one.

Each process counts for itself and in memory; what is strict is the lock of the account, in the database.
"""

from __future__ import annotations

import asyncio
import time

FREE = 3
"""Wrong tries that cost nothing."""
STEP = 0.25
MOST = 4.0
"""Seconds: the first wait, doubled with each further failure up to the most."""
FORGOTTEN = 600.0
ADDRESSES = 10_000


class Slowing:
    """Failures by address."""

    def __init__(self) -> None:
        """Nobody has failed yet."""
        self._failed: dict[str, tuple[int, float]] = {}

    def delay(self, address: str) -> float:
        """How long the next try from there waits, in seconds."""
        count, last = self._failed.get(address, (0, 0.0))
        if count <= FREE or time.monotonic() - last > FORGOTTEN:
            return 0.0
        return float(min(STEP * 2 ** min(count - FREE - 1, 10), MOST))

    async def wait(self, address: str) -> None:
        """Let a try from there wait its time."""
        if seconds := self.delay(address):
            await asyncio.sleep(seconds)

    def failed(self, address: str) -> None:
        """Count a failure."""
        now = time.monotonic()
        if len(self._failed) >= ADDRESSES:
            self._failed = {one: kept for one, kept in self._failed.items() if now - kept[1] < FORGOTTEN / 10}
        count, last = self._failed.get(address, (0, now))
        self._failed[address] = (1 if now - last > FORGOTTEN else count + 1, now)

    def succeeded(self, address: str) -> None:
        """Somebody there knows a password: a little trust comes back, but not all."""
        if address in self._failed:
            count, last = self._failed[address]
            self._failed[address] = (count // 2, last)
