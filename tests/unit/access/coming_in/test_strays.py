"""Wrong tokens are counted by address and minute, and the trail is no door for a flood of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.access.coming_in import strays
from hsba.access.coming_in.strays import Strays

if TYPE_CHECKING:
    import pytest


def test_came__the_first_of_a_minute_is_told_and_the_others_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, at = Strays(), [0.0]
    monkeypatch.setattr("hsba.access.coming_in.strays.time.monotonic", lambda: at[0])

    told = [known.came("192.0.2.7") for _ in range(5)]
    other = known.came("192.0.2.8")
    at[0] = 59.0
    early = known.over()
    at[0] = 61.0
    late = known.over()

    assert told == [True, False, False, False, False]
    assert other
    assert early == []
    assert late == [("192.0.2.7", 4)]  # the other one was told already
    assert known.over() == []
    assert known.came("192.0.2.7")


def test_came__of_too_many_addresses_only_the_number_is_told() -> None:
    known = Strays()

    told = sum(known.came(f"2001:db8::{number:x}") for number in range(10_000))

    assert told == strays.ADDRESSES + 1
    assert len(known._counted) == strays.ADDRESSES + 1
