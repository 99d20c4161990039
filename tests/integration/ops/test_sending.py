"""A request to somebody else's server goes to the address that was checked, and to nobody who only says he is it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from hsba.ops.hooks import sending
from hsba.ops.hooks.sending import Sender, Unreached
from hsba.record.subscriptions.addresses import TargetRefused, Targets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

THIS = Targets.of(["localhost", "127.0.0.1", "::1"], plain=True)


@contextlib.asynccontextmanager
async def answering(
    answer: bytes, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that says the same to everybody, its port and what it was asked."""
    asked: list[bytes] = []
    calls: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        calls.add(task)
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=tls, family=socket.AF_INET)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0.01)  # what was aborted closes in the loop's next turn


async def sent(url: str, targets: Targets = THIS, **more: Any) -> int:
    async with Sender(targets) as sender:
        return await sender.send("POST", url, below="", headers=[], content=b"", **more)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a name, signed by itself."""
    key, crt = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(crt)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, crt


@pytest.mark.parametrize("name, taken", [("localhost", True), ("other.example", False)])
async def test_send__the_certificate_must_be_for_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, taken: bool
) -> None:
    key, crt = certificate(tmp_path, name)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(crt, key)
    trust = ssl.create_default_context(cafile=str(crt))
    monkeypatch.setattr(sending, "_trust", lambda: trust)

    async with answering(b"HTTP/1.1 204 No\r\n\r\n", tls) as (port, asked):
        if taken:
            assert await sent(f"https://localhost:{port}/hook") == 204
            assert asked[0].startswith(b"POST /hook HTTP/1.1\r\nHost: localhost:%d\r\n" % port)
        else:
            with pytest.raises(Unreached, match="CERTIFICATE_VERIFY_FAILED"):
                await sent(f"https://localhost:{port}/hook")


async def test_send__the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(b"HTTP/1.1 500 Proxy\r\n\r\n") as (proxy, seen):
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy}")
        async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, _):
            assert await sent(f"http://127.0.0.1:{port}/") == 200

    assert seen == []


async def test_send__an_address_that_is_not_allowed_gets_no_connection() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n") as (port, asked):
        with pytest.raises(TargetRefused):
            await sent(f"http://localhost:{port}/", Targets.of(["10.0.0.0/8"], plain=True))

    assert asked == []


async def test_send__an_endless_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 200_000) as (
        port,
        _,
    ):
        assert await sent(f"http://127.0.0.1:{port}/") == 200


async def test_send__a_server_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    async with answering(b"") as (port, _):
        with pytest.raises(Unreached, match="no answer"):
            await sent(f"http://127.0.0.1:{port}/")


async def test_send__a_name_without_an_address_is_told() -> None:
    with pytest.raises(Unreached, match="no address"):
        await sent("http://nowhere.invalid/")


async def test_fetch__answers_what_stands_there() -> None:
    async with (
        answering(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nkeys") as (port, asked),
        Sender(THIS) as sender,
    ):
        found = await sender.fetch(f"http://localhost:{port}/jwks")

    assert found == b"keys"
    assert asked[0].startswith(b"GET /jwks HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n" + b"x" * 99999,
    ],
    ids=["elsewhere", "nothing", "too much"],
)
async def test_fetch__follows_nobody_and_takes_no_flood(answer: bytes) -> None:
    async with answering(answer) as (port, _), Sender(THIS) as sender:
        with pytest.raises(Unreached):
            await sender.fetch(f"http://localhost:{port}/jwks")


async def test_fetch__goes_to_no_address_that_is_not_allowed() -> None:
    async with Sender(Targets.of(["keys.example.vn"])) as sender:
        for url in (
            "https://127.0.0.1/jwks",
            "https://localhost/jwks",
            "https://10.0.0.1/",
            "http://keys.example.vn/",
        ):
            with pytest.raises(TargetRefused):
                await sender.fetch(url)
