"""Compressed bodies: read within a limit, whole or not at all; written when the client likes them."""

from __future__ import annotations

import os

import pytest
import zstandard

from hsba.fhir.problems import TooLarge, UnsupportedMedia
from hsba.http import codings

DATA = os.urandom(50_000) + b"a" * 400_000
CODINGS = [b"gzip", b"zstd"]


@pytest.mark.parametrize("coding", CODINGS)
def test_unpack__what_was_packed_comes_back(coding: bytes) -> None:
    assert codings.unpack(codings.pack(DATA, coding), coding, len(DATA)) == DATA
    assert (
        codings.unpack(b"".join(codings.pack_pieces([DATA[:9], DATA[9:]], coding)), coding, len(DATA)) == DATA
    )


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_unpack__a_cut_body_is_never_taken_for_whole(coding: bytes, part: float) -> None:
    packed = codings.pack(DATA, coding)

    with pytest.raises(codings.BrokenCompression):
        codings.unpack(packed[: 1 + int(len(packed) * part)], coding, len(DATA))


@pytest.mark.parametrize("coding", CODINGS)
def test_unpack__a_bomb_stops_at_the_limit(coding: bytes) -> None:
    bomb = codings.pack(b"\0" * (1 << 26), coding)

    with pytest.raises(TooLarge):
        codings.unpack(bomb, coding, 1 << 20)


def test_unpack__several_zstd_frames_are_one_body() -> None:
    frame = zstandard.ZstdCompressor().compress(b"ab")

    assert codings.unpack(frame + frame, b"zstd", 10) == b"abab"


def test_unpack__unknown_coding_is_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        codings.unpack(b"x", b"br", 10)


@pytest.mark.parametrize("coding", CODINGS)
def test_unpack__nonsense_is_broken(coding: bytes) -> None:
    with pytest.raises(codings.BrokenCompression):
        codings.unpack(b"nonsense", coding, 10)


@pytest.mark.parametrize(
    "accept, chosen",
    [
        (None, None),
        (b"identity", None),
        (b"gzip", b"gzip"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"zstd;q=0, gzip;q=0.5", b"gzip"),
    ],
)
def test_chosen__what_the_client_likes(accept: bytes | None, chosen: bytes | None) -> None:
    assert codings.chosen(accept) == chosen


def pieces(packed: bytes, coding: bytes, size: int) -> bytes:
    reader = codings.Unpacker(coding)
    found = b"".join(
        plain for start in range(0, len(packed), size) for plain in reader.read(packed[start : start + size])
    )
    reader.end()
    return found


@pytest.mark.parametrize("size", [1, 7, 5000, 10_000_000])
@pytest.mark.parametrize("coding", [b"gzip", b"zstd", b"identity"])
def test_unpacker__pieces_of_any_size_and_several_streams(coding: bytes, size: int) -> None:
    body = os.urandom(3000) + bytes(20_000)
    packed = body if coding == b"identity" else codings.pack(body, coding)

    assert pieces(packed + packed, coding, size) == body + body


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_unpacker__a_cut_content_is_never_taken_for_whole(coding: bytes) -> None:
    packed = codings.pack(os.urandom(3000), coding)

    with pytest.raises(codings.BrokenCompression):
        pieces(packed[:-5], coding, 100)


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_unpacker__a_bomb_unfolds_bit_by_bit(coding: bytes) -> None:
    packed = codings.pack(bytes(100_000_000), coding)

    largest = max(len(plain) for plain in codings.Unpacker(coding).read(packed))

    assert largest <= 16 * 1024 * 1024
