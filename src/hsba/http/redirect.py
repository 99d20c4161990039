"""The plain port beside the TLS one: it sends browsers on to https and does nothing else.

Only what is read is sent on. What would change something was sent in the open already; it is refused, so that a program
that is set up wrongly is noticed.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hsba.fhir.problems import HostRefused
from hsba.http import listen
from hsba.http.limits import Hosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

SECONDS = 10.0
LONGEST = 16 * 1024
HTTPS = 443
_ASKED = re.compile(rb"(?:GET|HEAD) (/(?!/)[\x21-\x7e]*) HTTP/1\.[01]\Z")
_HOST = re.compile(rb"host:[ \t]*([^\s]*)[ \t]*\Z", re.IGNORECASE)


class Redirect:
    """Answers each connection once."""

    def __init__(self, hosts: Iterable[str], port: int) -> None:
        """Send to this port, for the names this server answers for."""
        self._hosts = Hosts(hosts)
        self._port = port

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the head of a request, answer it and close."""
        try:
            async with asyncio.timeout(SECONDS):
                writer.write(self.answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # nobody there, or nobody who speaks HTTP: nothing to say
        finally:
            writer.close()

    def answer(self, head: bytes) -> bytes:
        """What the head of a request is answered."""
        line, *fields = head[:-4].split(b"\r\n")
        asked = _ASKED.match(line)
        if asked is None:
            return _plain(b"403 Forbidden", "Chỉ dùng https.\nUse https.\n")
        hosts = [found[1] for field in fields if (found := _HOST.match(field))]
        try:
            self._hosts.check(hosts[0] if len(hosts) == 1 else None)
        except HostRefused as refused:
            return _plain(b"421 Misdirected Request", f"{refused.sentence_vi}\n{refused.sentence}\n")
        name = hosts[0].decode("ascii")
        name = name.rpartition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
        place = f"https://{name}" + ("" if self._port == HTTPS else f":{self._port}")
        return _plain(b"308 Permanent Redirect", "", b"Location: " + place.encode() + asked[1] + b"\r\n")


@asynccontextmanager
async def redirecting(hosts: Iterable[str], *, host: str, port: int, to: int) -> AsyncIterator[None]:
    """Send browsers on while the block lasts; port 0 is nowhere."""
    if not port:
        yield
        return
    server = await asyncio.start_server(Redirect(hosts, to), sock=listen.bind(host, port), limit=LONGEST)
    async with server:
        yield


def _plain(status: bytes, text: str, more: bytes = b"") -> bytes:
    body = text.encode()
    return (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        b"X-Content-Type-Options: nosniff\r\nContent-Length: " + str(len(body)).encode() + b"\r\n" + more
        + b"\r\n" + body
    )  # fmt: skip
