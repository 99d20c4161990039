"""Where browsers have passkeys, and which challenges are ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hsba.access.factors import passkeys
from hsba.access.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "root, name, origin",
    [
        ("https://emr.example.vn", "emr.example.vn", "https://emr.example.vn"),
        ("https://emr.example.vn:8443", "emr.example.vn", "https://emr.example.vn:8443"),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
    ],
)
def test_site__is_a_name_under_tls_or_this_machine(root: str, name: str, origin: str) -> None:
    assert passkeys.site(root) == passkeys.Site(name, origin)


@pytest.mark.parametrize(
    "root",
    ["http://emr.example.vn", "https://10.0.0.5", "http://127.0.0.1:8000", "https://[fd00::1]", "https://"],
)
def test_site__without_tls_or_under_a_number_has_no_passkeys(root: str) -> None:
    assert passkeys.site(root) is None


def test_is_ours__a_challenge_has_one_purpose_one_maker_and_ten_minutes(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "a.key")
    asked = passkeys.challenge(vault, "login", NOW)

    assert passkeys.is_ours(vault, "login", asked, NOW + timedelta(minutes=9))
    assert passkeys.challenge(vault, "login", NOW) != asked
    assert not passkeys.is_ours(vault, "add:1", asked, NOW)
    assert not passkeys.is_ours(Vault(tmp_path / "b.key"), "login", asked, NOW)
    assert not passkeys.is_ours(vault, "login", asked, NOW + timedelta(minutes=11))
    assert not passkeys.is_ours(vault, "login", asked, NOW - timedelta(minutes=1))
    for wrong in (b"", asked[:-1], asked + b"\0", bytes(40)):
        assert not passkeys.is_ours(vault, "login", wrong, NOW)
