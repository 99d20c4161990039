"""What protects the server from a client: sizes, times, numbers at once, and names it does not answer for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest, HostRefused, Problem, TooLarge, TooManyRequests
from hsba.http import codings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from hsba.http.messages import Receive


class ClientGone(Exception):
    """The client closed the connection before its request was whole: nobody to answer, nothing to do."""


class TooSlow(Problem):
    """The content came too slowly; nothing was saved."""

    status, code = 408, "timeout"
    vi = "Nội dung gửi đến quá chậm; chưa lưu gì."


async def read_body(receive: Receive, headers: dict[bytes, bytes], *, limit: int, seconds: float) -> bytes:
    """The whole content of a request, unpacked; what is cut off is never taken for whole."""
    announced = _length(headers.get(b"content-length"))
    if announced is not None and announced > limit:
        raise TooLarge(f"The limit is {limit} bytes.", vi=f"Giới hạn là {limit} byte.")
    body = b""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                piece = message.get("body", b"")
                size += len(piece)
                if size > limit:
                    raise TooLarge(f"The limit is {limit} bytes.", vi=f"Giới hạn là {limit} byte.")
                if not message.get("more_body", False):
                    body = b"".join((*pieces, piece)) if pieces else piece
                    break
                pieces.append(piece)
    except TimeoutError as exc:
        raise TooSlow from exc
    if announced is not None and announced != size:
        raise ClientGone
    coding = headers.get(b"content-encoding")
    return codings.unpack(body, coding, limit) if coding is not None else body


async def keep_lines(
    receive: Receive, headers: dict[bytes, bytes], file: Path, *, limit: int, seconds: float
) -> None:
    """Write the content of a request to a file as it comes, unpacked; `seconds` may pass between two pieces of it."""
    announced = _length(headers.get(b"content-length"))
    if announced is not None and announced > limit:
        raise TooLarge(f"The limit is {limit} bytes.", vi=f"Giới hạn là {limit} byte.")
    reader = codings.Unpacker(headers.get(b"content-encoding"))
    size = written = 0
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("wb") as opened:
        more = True
        while more:
            try:
                async with asyncio.timeout(seconds):
                    message = await receive()
            except TimeoutError as exc:
                raise TooSlow from exc
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            size += len(piece)
            more = message.get("more_body", False)
            for plain in reader.read(piece):
                written += len(plain)
                if written > limit:
                    raise TooLarge(f"The limit is {limit} bytes.", vi=f"Giới hạn là {limit} byte.")
                opened.write(plain)
                await asyncio.sleep(0)
        reader.end()
    if announced is not None and announced != size:
        raise ClientGone


def _length(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not value.isdigit():
        raise BadRequest("Content-Length is no number.", vi="Content-Length không phải là số.")
    return int(value[:20])


class AtOnce:
    """Lets so many requests work at the same time; the next one is told to come back (429)."""

    def __init__(self, most: int) -> None:
        """Allow `most` at once in this process."""
        self.most = most
        self.now = 0

    def __enter__(self) -> None:
        """Take a place."""
        if self.now >= self.most:
            raise TooManyRequests
        self.now += 1

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        """Give the place back."""
        self.now -= 1


class Hosts:
    """The names this server answers for: a page elsewhere must not reach it by a name of its own (DNS rebinding)."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """Keep the names; `*` allows all, `*.example.vn` all below one."""
        names = {name.lower() for name in allowed}
        self._any = "*" in names
        self._names = {name for name in names if not name.startswith("*")}
        self._below = tuple(name[1:] for name in names if name.startswith("*."))
        self._known: set[bytes] = set()

    def check(self, host: bytes | None) -> None:
        """Refuse (421) a Host header that names another server."""
        if host is None or host not in self._known:
            self._look(host)

    def _look(self, host: bytes | None) -> None:
        text = (host or b"").decode("latin-1").lower()
        name = text.rpartition("]")[0] + "]" if text.startswith("[") else text.partition(":")[0]
        port = text[len(name) :]
        well = all(char.isalnum() or char in "-._:[]" for char in name) and name.isascii()
        known = self._any or name in self._names or name.endswith(self._below)
        if not name or not well or not known or (port and not port[1:].isdigit()):
            raise HostRefused
        if host is not None and len(self._known) < 1000:
            self._known.add(host)
