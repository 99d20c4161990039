"""The certificate and the key that the server speaks TLS with: whether they fit, how long they hold, who can read the key."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

OTHERS, OUTSIDERS = 0o077, 0o037
"""Rights on a key that nobody but its owner may have; and where root owns it, that nobody outside its group may have."""


class BadCertificate(Problem):
    """The certificate and its key cannot be used (tls_certificate, tls_key); nothing was started."""

    vi = "Không dùng được chứng thư và khóa TLS (tls_certificate, tls_key); chưa khởi động gì."


class KeyReadable(BadCertificate):
    """Others can read the private key (tls_key): give the file mode 0600, or 0640 where root owns it. Nothing was started."""

    vi = "Người khác đọc được khóa riêng (tls_key): hãy đặt quyền tệp là 0600, hoặc 0640 nếu thuộc root. Chưa khởi động gì."


@dataclass(frozen=True, slots=True)
class Pair:
    """Two PEM files: the certificate with its chain, and the private key."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Refuse what a server could not speak TLS with, and a key that others can read."""
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            # A key with a passphrase is refused; without this OpenSSL would ask for it on the terminal.
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
            key = self.key.stat()
        except (OSError, ValueError) as exc:
            raise BadCertificate(f"{self.certificate}, {self.key}: {exc}") from exc
        if key.st_mode & (OUTSIDERS if key.st_uid == 0 else OTHERS):
            raise KeyReadable(str(self.key))

    def ends(self) -> datetime:
        """Until when the certificate holds."""
        return self._read().not_valid_after_utc

    def names(self) -> tuple[str, ...]:
        """The names and addresses that it was made for."""
        try:
            found = self._read().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ()
        addresses = (str(one) for one in found.get_values_for_type(x509.IPAddress))
        return (
            *found.get_values_for_type(x509.DNSName),
            *(f"[{one}]" if ":" in one else one for one in addresses),
        )

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when one of the files is replaced."""
        looked = (one.stat() for one in (self.certificate, self.key))
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in looked)

    def _read(self) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificates(self.certificate.read_bytes())[0]
        except (OSError, ValueError) as exc:
            raise BadCertificate(f"{self.certificate}: {exc}") from exc


def unverified() -> ssl.SSLContext:
    """To speak with our own server on this machine, whatever name its certificate was made for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def covers(names: tuple[str, ...], host: str) -> bool:
    """Whether a certificate of these names is one for this host."""
    host = host.lower()
    wild = "*." + host.partition(".")[2]
    return any(name.lower() in (host, wild) for name in names)
