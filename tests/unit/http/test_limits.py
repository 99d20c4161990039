"""Sizes, times, numbers at once, and the names this server answers for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hsba.fhir.problems import BadRequest, HostRefused, TooLarge, TooManyRequests
from hsba.http import limits

if TYPE_CHECKING:
    from hsba.http.messages import Receive


def sends(*messages: dict[str, Any]) -> Receive:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return receive


def piece(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_read_body__pieces_are_joined() -> None:
    receive = sends(piece(b"ab", more=True), piece(b"cd", more=False))

    assert await limits.read_body(receive, {}, limit=4, seconds=1) == b"abcd"


async def test_read_body__announced_too_large_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(TooLarge):
        await limits.read_body(sends(), {b"content-length": b"104857600"}, limit=1000, seconds=1)


async def test_read_body__too_large_without_announcement_is_refused_at_the_limit() -> None:
    with pytest.raises(TooLarge):
        await limits.read_body(sends(piece(b"x" * 11, more=True)), {}, limit=10, seconds=1)


async def test_read_body__client_killed_in_mid_body_is_gone() -> None:
    receive = sends(piece(b'{"resourceType":', more=True), {"type": "http.disconnect"})

    with pytest.raises(limits.ClientGone):
        await limits.read_body(receive, {}, limit=100, seconds=1)


async def test_read_body__fewer_bytes_than_announced_are_not_the_body() -> None:
    with pytest.raises(limits.ClientGone):
        await limits.read_body(
            sends(piece(b"ab", more=False)), {b"content-length": b"3"}, limit=100, seconds=1
        )


async def test_read_body__too_slow_is_refused() -> None:
    with pytest.raises(limits.TooSlow):
        await limits.read_body(sends(piece(b"a", more=True)), {}, limit=100, seconds=0.01)


async def test_read_body__wrong_length_is_refused() -> None:
    with pytest.raises(BadRequest):
        await limits.read_body(sends(), {b"content-length": b"-1"}, limit=100, seconds=1)


def test_at_once__one_too_many_is_told_to_come_back() -> None:
    places = limits.AtOnce(1)

    with places, pytest.raises(TooManyRequests):
        places.__enter__()

    with places:
        assert places.now == 1


@pytest.mark.parametrize(
    "host", [b"localhost", b"LOCALHOST:8000", b"127.0.0.1:80", b"[::1]:8000", b"a.benhvien.vn"]
)
def test_hosts__known_names_pass(host: bytes) -> None:
    limits.Hosts(["localhost", "127.0.0.1", "[::1]", "*.benhvien.vn"]).check(host)


@pytest.mark.parametrize(
    "host",
    [None, b"", b"evil.example", b"localhost.evil.example", b"benhvien.vn", b'localhost"', b"localhost:x"],
)
def test_hosts__others_are_refused(host: bytes | None) -> None:
    with pytest.raises(HostRefused):
        limits.Hosts(["localhost", "*.benhvien.vn"]).check(host)


def test_hosts__a_star_allows_every_well_formed_name() -> None:
    hosts = limits.Hosts(["*"])

    hosts.check(b"any.example:8080")
    with pytest.raises(HostRefused):
        hosts.check(b'any"example')
