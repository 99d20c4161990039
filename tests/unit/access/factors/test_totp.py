"""Codes of the time, against the standard's own table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hsba.access.factors import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    "seconds, code",
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_step__the_codes_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    assert totp.step(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


def test_step__a_code_that_was_used_and_all_before_it_are_over() -> None:
    now = datetime.fromtimestamp(59, UTC)

    assert totp.step(SECRET, "287082", now, after=0) == 1
    assert totp.step(SECRET, "287082", now, after=1) is None


@pytest.mark.parametrize("shift, taken", [(-31, False), (-30, True), (0, True), (59, True), (60, False)])
def test_step__clocks_may_differ_by_one_step(shift: int, taken: bool) -> None:
    now = datetime.fromtimestamp(1234567890 + shift, UTC)

    assert (totp.step(SECRET, "005924", now) is not None) is taken


@pytest.mark.parametrize("code", ["", "28708", "2870820", "28708x", "２８７０８２", "287082\0", "-87082"])
def test_step__what_is_no_code_fits_nothing(code: str) -> None:
    assert totp.step(SECRET, code, datetime.fromtimestamp(59, UTC)) is None
