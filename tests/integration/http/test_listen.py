from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from hsba.http import listen

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = """
async def answer(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(__import__("os").getpid()).encode()})

def make():
    return answer
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    (tmp_path / "bare.py").write_text(APPLICATION)
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    code = (
        f"from hsba.http import listen; listen.serve('bare:make', host='localhost', port={port}, workers=2)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(tmp_path)})
    try:
        until_answers(port)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def until_answers(port: int) -> None:
    for _ in range(200):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the server does not answer")


def test_serve__answers_by_ipv4_and_ipv6_of_this_machine(server: tuple[subprocess.Popen[bytes], int]) -> None:
    _, port = server

    for address in ("127.0.0.1", "[::1]"):
        assert httpx.get(f"http://{address}:{port}/").status_code == 200


def test_serve__does_not_answer_on_other_addresses(server: tuple[subprocess.Popen[bytes], int]) -> None:
    _, port = server
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.connect(("192.0.2.1", 9))  # nothing is sent: only asks which address would be used
        except OSError:
            pytest.skip("this machine has no other address")
        address = trial.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as other:
        other.settimeout(1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device_of(address))

        with pytest.raises(OSError, match=r"refused|timed out"):
            other.connect((address, port))


def device_of(address: str) -> bytes:
    """The network device with this address."""
    import fcntl  # noqa: PLC0415 - this helper alone
    import struct  # noqa: PLC0415 - this helper alone

    with socket.socket() as asked:
        for _, name in socket.if_nameindex():
            packed = struct.pack("256s", name.encode())
            try:
                found = fcntl.ioctl(asked, 0x8915, packed)[20:24]  # SIOCGIFADDR
            except OSError:
                continue
            if socket.inet_ntoa(found) == address:
                return name.encode() + b"\0"
    raise AssertionError(address)


def test_serve__workers_end_with_a_killed_parent(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = server
    worker = int(httpx.get(f"http://127.0.0.1:{port}/").text)

    process.send_signal(signal.SIGKILL)
    process.wait()

    for _ in range(100):
        if not Path(f"/proc/{worker}").exists() or ") Z" in Path(f"/proc/{worker}/stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the worker outlives its parent")


def test_bind__taken_port_is_refused() -> None:
    with listen.bind("localhost", 0) as taken, pytest.raises(listen.AddressInUse):
        listen.bind("localhost", taken.getsockname()[1])
