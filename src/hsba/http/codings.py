"""Content codings both ways: gzip and zstd, read within a limit and written when the client likes them.

A body of a few kilobytes may unfold to terabytes, so reading stops at the limit and never makes more than it.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import zstandard

from hsba.fhir.problems import Malformed, TooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP_WINDOW = 31  # zlib's way to say: gzip framing
GZIP_LEVEL = 4
ZSTD_LEVEL = 1
ZSTD_WINDOW = 1 << 23  # RFC 9659: what a reader must accept, and may refuse beyond
READ_AT_ONCE = 256  # 4 bytes may unfold to 128 KB, so this makes at most 8 MB before the limit is looked at
MAX_FRAMES = 64
WORTH_IT = 1400
"""A body that fits one network packet gains nothing from compression."""


class BrokenCompression(Malformed):
    """The compressed content cannot be unpacked; nothing was saved."""

    vi = "Không giải nén được nội dung; chưa lưu gì."


# --- reading -----------------------------------------------------------------------------------------------


def unpack(body: bytes, coding: bytes | None, limit: int) -> bytes:
    """The body without its content coding; refuses (413) what unfolds beyond the limit."""
    name = (coding or b"").strip().lower()
    if name in (b"", b"identity"):
        return body
    if name in (b"gzip", b"x-gzip"):
        return _gunzip(body, limit)
    if name == b"zstd":
        return _unzstd(body, limit)
    raise UnsupportedMedia(
        "Content-Encoding may be gzip or zstd.", vi="Content-Encoding chỉ nhận gzip hoặc zstd."
    )


def _gunzip(body: bytes, limit: int) -> bytes:
    reader = zlib.decompressobj(wbits=GZIP_WINDOW)
    try:
        plain = reader.decompress(body, limit + 1)
    except zlib.error as exc:
        raise BrokenCompression from exc
    if len(plain) > limit:
        raise TooLarge
    if not reader.eof or reader.unused_data:
        raise BrokenCompression
    return plain


def _unzstd(body: bytes, limit: int) -> bytes:
    pieces = []
    size = 0
    rest = memoryview(body)
    for _ in range(MAX_FRAMES):
        reader = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        place = 0
        while not reader.eof:
            if place >= len(rest):
                raise BrokenCompression
            try:
                piece = reader.decompress(rest[place : place + READ_AT_ONCE])
            except zstandard.ZstdError as exc:
                raise BrokenCompression from exc
            place += READ_AT_ONCE
            size += len(piece)
            if size > limit:
                raise TooLarge
            pieces.append(piece)
        rest = rest[min(place, len(rest)) - len(reader.unused_data) :]
        if not rest:
            return b"".join(pieces)
    raise BrokenCompression


# --- writing -----------------------------------------------------------------------------------------------


class Packer(Protocol):
    """What makes a compressed stream, of either kind."""

    def compress(self, data: bytes, /) -> bytes:
        """Some of the compressed stream."""

    def flush(self) -> bytes:
        """The rest of it."""


@lru_cache(maxsize=256)
def chosen(accept_encoding: bytes | None) -> bytes | None:
    """The coding to answer with: zstd where it is liked, else gzip, else none."""
    liked = set()
    for part in (accept_encoding or b"").decode("latin-1").lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            liked.add(name.strip())
    return b"zstd" if "zstd" in liked else b"gzip" if "gzip" in liked else None


def _packer(coding: bytes) -> Packer:
    if coding == b"zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    return zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)


def pack(body: bytes, coding: bytes) -> bytes:
    """The whole body in a content coding."""
    packer = _packer(coding)
    return packer.compress(body) + packer.flush()


def pack_pieces(pieces: Iterable[bytes], coding: bytes) -> Iterator[bytes]:
    """A body in pieces in a content coding; pieces that are still in the packer's mouth are not sent empty."""
    packer = _packer(coding)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
