"""The key file of second factors: what it seals, for whom, and who may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hsba.access.problems import FactorUnreadable, VaultOpen
from hsba.access.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path


def test_seal__is_read_by_the_same_file_for_the_same_purpose(tmp_path: Path) -> None:
    sealed = Vault(tmp_path / "keys" / "a.key").seal(b"secret", "totp:7")

    assert b"secret" not in sealed
    assert Vault(tmp_path / "keys" / "a.key").unseal(sealed, "totp:7") == b"secret"


@pytest.mark.parametrize("change", ["purpose", "file", "bit", "length"])
def test_unseal__anything_else_is_refused(tmp_path: Path, change: str) -> None:
    vault = Vault(tmp_path / "a.key")
    sealed = vault.seal(b"secret", "totp:7")
    purpose = "totp:8" if change == "purpose" else "totp:7"
    if change == "file":
        vault = Vault(tmp_path / "b.key")
    if change == "bit":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    if change == "length":
        sealed = sealed[:5]

    with pytest.raises(FactorUnreadable):
        vault.unseal(sealed, purpose)


def test_vault__file_is_private_and_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    Vault(path).mark(b"x", "y")

    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(VaultOpen):
        Vault(path).mark(b"x", "y")


def test_mark__differs_by_purpose_and_statement(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "a.key")

    assert len({vault.mark(b"x", "a"), vault.mark(b"y", "a"), vault.mark(b"x", "b")}) == 3
    assert vault.mark(b"x", "a") == Vault(vault.path).mark(b"x", "a")
