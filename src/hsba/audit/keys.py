"""The key that signs checkpoints: Ed25519, made at first use, in a file outside the database that its owner alone reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hsba.fhir.problems import Problem
from hsba.record import keyfile

if TYPE_CHECKING:
    from pathlib import Path

NAME = "audit.pem"
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class KeyOpen(Problem):
    """The key of the audit trail can be read by others; nothing was sealed: give the file mode 0600."""

    vi = "Khóa ký nhật ký đang để người khác đọc được; chưa niêm phong gì: hãy đặt quyền tệp là 0600."


class KeyMissing(Problem):
    """The key of the audit trail is not where it should be; nothing was verified: name the folder with HSBA_DATA."""

    vi = "Không thấy khóa ký nhật ký; chưa kiểm tra gì: hãy chỉ thư mục dữ liệu bằng HSBA_DATA."


def signing(folder: Path) -> Ed25519PrivateKey:
    """The key of this installation; a new one where there is none."""
    path = folder / NAME
    if not path.exists():
        keyfile.make(path, _made())
    if not keyfile.is_private(path):
        raise KeyOpen(str(path))
    found = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(found, Ed25519PrivateKey)  # noqa: S101 - we wrote it
    return found


def _made() -> bytes:
    """A new key as the file holds it."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public(folder: Path) -> Ed25519PublicKey:
    """What signatures of this installation are checked with."""
    if not (folder / NAME).exists():
        raise KeyMissing(str(folder / NAME))
    return signing(folder).public_key()


def name(key: Ed25519PublicKey) -> str:
    """A short name of a key."""
    return hashlib.sha256(key.public_bytes(*RAW)).hexdigest()[:16]


def fits(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether a signature is this key's over these bytes."""
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
