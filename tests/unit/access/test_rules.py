"""Which addresses are the hospital's own, and who must have a second factor."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hsba.access.rules import Rules


@pytest.mark.parametrize(
    "address, inside",
    [
        ("127.0.0.1", True), ("10.20.30.40", True), ("172.31.255.255", True), ("192.168.1.9", True),
        ("::1", True), ("fd12::9", True), ("fe80::1%eth0", True),
        ("172.32.0.1", False), ("8.8.8.8", False), ("2001:db8::1", False), ("192.0.2.7", False),
        ("", False), ("localhost", False), ("10.0.0", False), ("10.0.0.1, 8.8.8.8", False),
    ],
)  # fmt: skip
def test_is_inside__private_ranges_and_what_is_no_address_is_outside(address: str, *, inside: bool) -> None:
    assert Rules().is_inside(address) is inside


@pytest.mark.parametrize(
    "kind, address, demanded",
    [
        ("staff", "10.1.1.1", False), ("staff", "8.8.8.8", True), ("patient", "8.8.8.8", True),
        ("administrator", "10.1.1.1", True), ("security", "127.0.0.1", True), ("technical", "10.1.1.1", False),
    ],
)  # fmt: skip
def test_demands__by_kind_and_from_outside(kind: str, address: str, *, demanded: bool) -> None:
    assert Rules().demands_second_factor(kind, address) is demanded
    assert not Rules(second_factor_waived=True).demands_second_factor(kind, address)


def test_is_inside__a_hospital_names_its_own() -> None:
    rules = Rules(inside=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")))

    assert rules.is_inside("203.0.113.9")
    assert rules.is_inside("2001:db8::5")
    assert not rules.is_inside("10.0.0.1")
