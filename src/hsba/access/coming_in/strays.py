"""Tokens that nobody has, brought to the door: one line of the trail for an address and minute, with how many they were.

The first of a minute is told at once; those that follow are counted and told together when the minute is over.  Each process
counts for itself, and too many addresses at a time are told as one, so that the trail is no door for a flood.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MINUTE = 60.0
ADDRESSES = 200
"""So many are told apart in a minute."""
OTHERS = ""
"""Stands for all further addresses."""


@dataclass(slots=True)
class Strays:
    """Who brought wrong tokens in the last minute, and how many that were not told yet."""

    _counted: dict[str, tuple[float, int]] = field(default_factory=dict)

    def came(self, address: str) -> bool:
        """Count one; whether it is to be told at once."""
        if address not in self._counted and len(self._counted) >= ADDRESSES:
            address = OTHERS
        began, count = self._counted.get(address, (0.0, -1))
        if count < 0:
            self._counted[address] = (time.monotonic(), 0)
            return True
        self._counted[address] = (began, count + 1)
        return False

    def over(self) -> list[tuple[str, int]]:
        """The addresses whose minute is over, with how many tokens have not been told; they begin anew."""
        now = time.monotonic()
        ended = [one for one, (began, _) in self._counted.items() if now - began >= MINUTE]
        found = [(one, self._counted.pop(one)[1]) for one in ended]
        return [(one, count) for one, count in found if count]
