"""The one listening socket, and Granian's workers behind it.

Granian binds one socket per worker to one address; ours is bound here, once, because it answers IPv4 and
IPv6 together, can be kept to the machine itself, and leaves no request behind when a worker is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from granian._granian import SocketHolder
from granian._internal import load_target
from granian.constants import Interfaces, SSLProtocols
from granian.server import MPServer

from hsba.fhir.problems import Problem
from hsba.ops.processes import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.ops.certificates import Pair

log = logging.getLogger("hsba.http")

LOOPBACK = "localhost"
BACKLOG = 1024
LOOKED_AT_EVERY = 10.0
"""Seconds between two looks whether the certificate was renewed."""


class AddressInUse(Problem):
    """Another program already listens on this port; stop it, or choose another port."""

    vi = "Cổng này đã có chương trình khác dùng; hãy dừng chương trình ấy hoặc chọn cổng khác."


def bind(host: str, port: int) -> socket.socket:
    """Bind the socket: `localhost` is this machine alone by IPv4 and IPv6, `::` every address by both."""
    if host == LOOPBACK:
        return _loopback(port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return _bound(family, host, port)


def _loopback(port: int) -> socket.socket:
    """One socket for 127.0.0.1 and ::1: open to every address, on the loopback device only."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        trial.bind(("::1", 0))
        return _bound(socket.AF_INET6, "::", port, device=b"lo\0")
    return _bound(socket.AF_INET, "127.0.0.1", port)  # no IPv6 here, or a kernel that keeps devices to root


def _bound(family: int, host: str, port: int, *, device: bytes = b"") -> socket.socket:
    found = socket.socket(family)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if device:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as exc:
        found.close()
        if exc.errno == errno.EADDRINUSE:
            raise AddressInUse(f"Port {port}.", vi=f"Cổng {port}.") from exc
        raise
    found.setblocking(False)
    return found


class _Listener(MPServer):
    """Granian on the socket it is given, with a certificate that may be renewed while it serves."""

    def __init__(self, listening: socket.socket, pair: Pair | None, **settings: Any) -> None:
        super().__init__(**settings)
        self.listening = listening
        self.pair = pair
        if pair is not None:
            self._take(pair)
            self.on_reload(lambda: self._take(pair))
            threading.Thread(target=self._watch_pair, args=(pair,), daemon=True).start()

    def _take(self, pair: Pair) -> None:
        """Have the workers that are made from now on speak TLS with these files; a link may have been set to others."""
        self.build_ssl_context(
            pair.certificate, pair.key, None, SSLProtocols.tls12, None, [], client_verify=False
        )

    def _watch_pair(self, pair: Pair) -> None:
        """Replace the workers, one after the other, when the certificate was renewed."""
        known = pair.stamp()
        while True:
            time.sleep(LOOKED_AT_EVERY)
            with contextlib.suppress(OSError):  # between the old file and the new one
                found = pair.stamp()
                if found != known and self.signal_handler_reload():
                    known = found

    def signal_handler_reload(self, *args: Any, **kwargs: Any) -> bool:
        """SIGHUP, or a renewed certificate: new workers, unless the files do not fit one another."""
        if self.pair is not None:
            try:
                self.pair.check()
            except Problem as problem:
                log.error("certificate not taken over", extra={"problem": problem.sentence})  # noqa: TRY400 - its sentence says it
                return False
            log.info("certificate taken over")
        super().signal_handler_reload(*args, **kwargs)  # type: ignore[no-untyped-call] # Granian's own
        return True

    def _init_shared_socket(self) -> None:
        holder = SocketHolder(self.listening.fileno(), False, BACKLOG)  # type: ignore[call-arg] # not in its types
        self._shd = holder  # type: ignore[assignment] # typed as None only
        self._ssp = self._sso = None


def _load(target: str) -> Callable[..., Any]:
    """Load the application in a worker, which ends with the process that made it."""
    die_with_parent()
    found: Callable[..., Any] = load_target(target, factory=True)
    return found


def serve(target: str, *, host: str, port: int, workers: int = 1, pair: Pair | None = None) -> None:
    """Serve what the factory `module:function` makes, until told to stop by SIGTERM or SIGINT; by TLS with a certificate."""
    if pair is not None:
        pair.check()
    listening = bind(host, port)
    server = _Listener(
        listening,
        pair,
        target=target,
        address=host,
        port=listening.getsockname()[1],
        interface=Interfaces.ASGI,
        workers=workers,
        websockets=False,
        log_enabled=True,
        log_level="warning",
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        backlog=BACKLOG,
    )
    server.serve(target_loader=_load)
