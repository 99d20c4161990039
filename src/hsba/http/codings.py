"""Content codings both ways: gzip and zstd, read within a limit and written when the client likes them.

A body of a few kilobytes may unfold to terabytes, so reading stops at the limit and never makes more than it.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

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


class Unpacker:
    """Unpacks a content piece by piece, never more than a few megabytes at a time."""

    def __init__(self, coding: bytes | None) -> None:
        """Begin; a coding that is not read here is refused."""
        self._coding = (coding or b"identity").strip().lower()
        self._reader: Any = None
        if self._coding not in (b"identity", b"gzip", b"x-gzip", b"zstd"):
            raise UnsupportedMedia(
                "Content-Encoding may be gzip or zstd.", vi="Content-Encoding chỉ nhận gzip hoặc zstd."
            )

    def read(self, piece: bytes) -> Iterator[bytes]:
        """What a piece unfolds to; one stream may follow another."""
        if self._coding == b"identity":
            yield piece
            return
        step = (
            READ_AT_ONCE if self._coding == b"zstd" else 16 * READ_AT_ONCE
        )  # gzip unfolds a thousandfold at most
        for start in range(0, len(piece), step):
            rest = piece[start : start + step]
            while rest:
                self._reader = self._reader or self._begun()
                try:
                    yield self._reader.decompress(rest)
                except (zlib.error, zstandard.ZstdError) as exc:
                    raise BrokenCompression from exc
                rest = b""
                if self._reader.eof:
                    rest, self._reader = self._reader.unused_data, None

    def _begun(self) -> Any:
        if self._coding == b"zstd":
            return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        return zlib.decompressobj(wbits=GZIP_WINDOW)

    def end(self) -> None:
        """Refuse a content that was cut off."""
        if self._reader is not None:
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
