"""What is sealed reaches the syslog daemon that most houses run, rsyslogd, over TLS."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from hsba.audit import sealing, sending
from hsba.audit.sending import Target
from hsba.record import interactions
from integration.audit.repository import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from house import House

RSYSLOGD = "/usr/sbin/rsyslogd"
CONFIGURATION = """
global(
    workDirectory="{folder}" maxMessageSize="256k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{pem}"
    defaultNetstreamDriverCertFile="{pem}" defaultNetstreamDriverKeyFile="{pem}"
)
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="line" type="string" string="%APP-NAME% %MSGID% %msg%\\n")
action(type="omfile" file="{folder}/received" template="line")
"""


@pytest.fixture
def daemon(folder: Path) -> Iterator[Target]:
    """A rsyslogd of the test's own, which writes down what it is sent."""
    pem = certificate(folder)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    file = folder / "rsyslog.conf"
    file.write_text(CONFIGURATION.format(folder=folder, pem=pem, port=port))
    log = (folder / "rsyslog.log").open("wb")
    running = subprocess.Popen(
        [RSYSLOGD, "-n", "-f", str(file), "-i", str(folder / "rsyslog.pid")],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield Target("tls", "localhost", port, pem)
    finally:
        running.terminate()
        running.wait(10)
        log.close()


async def test_send__reaches_rsyslogd_over_tls(house: House, daemon: Target, folder: Path) -> None:
    await up(daemon.port)
    await sending.send_next(house.app, daemon)
    async with house.writing() as ctx:
        await interactions.update(ctx, {"resourceType": "Patient", "id": "an"})
    await house.settle()
    await sealing.seal(house.app)

    await sending.send_next(house.app, daemon)

    received = folder / "received"
    for _ in range(100):
        if received.exists() and "Patient/an" in received.read_text("utf-8"):
            break
        await asyncio.sleep(0.05)
    lines = received.read_text("utf-8").splitlines()
    assert len(lines) == 1
    assert "<AuditMessage" in lines[0]
    assert "Patient/an" in lines[0]


async def up(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(100):
        try:
            _, line = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            line.close()
            await line.wait_closed()
            return
    pytest.fail("rsyslogd does not listen")
