"""An audit repository of a test's own: listens by UDP, TCP or TLS, takes RFC 5424 messages apart and keeps them."""

from __future__ import annotations

import datetime as dt
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

# RFC 5424 6: PRI, version, timestamp, host, application, process, message id, structured data, BOM, text.
MESSAGE = re.compile(
    rb"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) (?P<host>[\x21-\x7e]{1,255})"
    rb" (?P<app>[\x21-\x7e]{1,48}) (?P<proc>[\x21-\x7e]{1,128}) (?P<id>[\x21-\x7e]{1,32}) - \xef\xbb\xbf(?P<text>.*)",
    re.DOTALL,
)


@dataclass
class Repository:
    """What was received, and how it listens."""

    context: ssl.SSLContext | None = None
    way: str = "tcp"
    deaf: bool = False
    """Hang up on whoever comes, unread."""
    received: list[re.Match[bytes]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        kind = socket.SOCK_DGRAM if self.way == "udp" else socket.SOCK_STREAM
        self.line = socket.socket(socket.AF_INET, kind)
        self.line.bind(("127.0.0.1", 0))
        self.port = self.line.getsockname()[1]
        if self.way != "udp":
            self.line.listen()
        self.thread = threading.Thread(
            target=self._datagrams if self.way == "udp" else self._streams, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.line.close()

    def texts(self) -> list[str]:
        return [one["text"].decode() for one in self.received]

    def _datagrams(self) -> None:
        while True:
            try:
                self._take(self.line.recv(65535))
            except OSError:
                return

    def _streams(self) -> None:
        while True:
            try:
                plain, _ = self.line.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) if self.context else plain as line:
                    if not self.deaf:
                        self._frames(line)
            except OSError as exc:
                self.faults.append(str(exc))

    def _frames(self, line: socket.socket) -> None:
        """Octet counting: a number, a space, so many octets (RFC 6587 3.4.1)."""
        read = line.makefile("rb")
        while True:
            digits = b""
            while (one := read.read(1)) and one != b" ":
                digits += one
            if not digits:
                return
            if not digits.isdigit():
                self.faults.append(f"no count: {digits!r}")
                return
            self._take(read.read(int(digits)))

    def _take(self, message: bytes) -> None:
        found = MESSAGE.fullmatch(message)
        if found is None:
            self.faults.append(f"no RFC 5424: {message[:200]!r}")
        else:
            self.received.append(found)


def certificate(folder: Path, name: str = "localhost") -> Path:
    """A certificate that vouches for itself, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
