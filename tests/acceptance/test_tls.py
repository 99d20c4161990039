"""TLS by the server itself, on real sockets: by both families of addresses, renewed while it serves, and the plain port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from callers import BEARER, let_in
from hsba.http import redirect
from hsba.http.redirect import Redirect
from hsba.ops import certificates, selfcheck
from hsba.ops.certificates import BadCertificate, KeyReadable, Pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SERVE = (
    "from pathlib import Path; from hsba.http import listen; from hsba.ops.certificates import Pair;"
    " listen.LOOKED_AT_EVERY = 0.3;"
    " listen.serve('hsba.app:asgi', host={host!r}, port={port}, pair=Pair(Path({cert!r}), Path({key!r})))"
)


def made(folder: Path, name: str = "one", *, days: int = 90, names: str = "DNS:localhost") -> Pair:
    """A certificate that we signed ourselves, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-days", str(days), "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={names},IP:127.0.0.1,IP:::1",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    return Pair(certificate, key)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def presented(port: int, address: str = "127.0.0.1") -> bytes:
    """The certificate that a server shows."""
    with (
        socket.create_connection((address, port), timeout=5) as plain,
        certificates.unverified().wrap_socket(plain) as spoken,
    ):
        found = spoken.getpeercert(binary_form=True)
    assert found is not None
    return found


async def settled(port: int, before: bytes) -> set[bytes]:
    """The certificates shown once the worker with the one from before has gone (both answer while one replaces the other)."""
    shown = [before]
    for _ in range(150):
        shown.append(presented(port))
        if before not in shown[-10:]:
            break
        await asyncio.sleep(0.2)
    return set(shown[-10:])


@asynccontextmanager
async def served(
    database: Any, pair: Pair, host: str = "::"
) -> AsyncIterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server process that speaks TLS, ready; killed at the end."""
    port = free_port()
    await let_in(database.owner_dsn)
    code = SERVE.format(host=host, port=port, cert=str(pair.certificate), key=str(pair.key))
    environ = {**os.environ, "DATABASE_URL": database.runtime_dsn}
    process = subprocess.Popen(  # noqa: ASYNC220 - ended by its group
        [sys.executable, "-c", code], env=environ, start_new_session=True
    )
    try:
        async with httpx.AsyncClient(verify=certificates.unverified(), trust_env=False) as http:
            for _ in range(150):
                try:
                    if (await http.get(f"https://localhost:{port}/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)
        yield port, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def curled(*arguments: str) -> str:
    """The version of HTTP and the status that curl gets, for what httpx does not speak."""
    program = ("curl", "-sk", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", *arguments)
    running = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    told, _ = await running.communicate()
    return told.decode()


@pytest.mark.slow
async def test_serve__speaks_tls_by_both_families_and_says_so_in_its_headers(
    database: Any, tmp_path: Path
) -> None:
    pair = made(tmp_path)
    trusting = ssl.create_default_context(cafile=str(pair.certificate))

    async with (
        served(database, pair) as (port, _),
        httpx.AsyncClient(verify=trusting, trust_env=False) as http,
    ):
        answers = [
            await http.get(f"https://{host}:{port}/healthz") for host in ("127.0.0.1", "[::1]", "localhost")
        ]
        page = await http.get(f"https://localhost:{port}/login")
        given = await http.post(
            f"https://localhost:{port}/login", data={"login": "x", "password": "y"},
            headers={"Origin": f"https://localhost:{port}"},
        )  # fmt: skip
        read = await http.get(f"https://localhost:{port}/fhir/Patient", headers=BEARER)
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://localhost:{port}/healthz")
        second = await curled("--http2", f"https://localhost:{port}/login")
        old = await curled(
            "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0", f"https://localhost:{port}/login"
        )

    assert [one.status_code for one in answers] == [200] * 3
    assert given.status_code == 401
    assert read.status_code == 200
    for answer in (page, read):
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert second == "2 200"
    assert old == "0 000"


@pytest.mark.slow
async def test_serve__takes_a_renewed_certificate_over_and_keeps_to_the_old_one_while_the_new_is_not_whole(
    database: Any, tmp_path: Path
) -> None:
    first, second = made(tmp_path, "one"), made(tmp_path, "two")
    live = Pair(tmp_path / "live.pem", tmp_path / "live.key")
    live.certificate.symlink_to(first.certificate)
    live.key.symlink_to(first.key)

    def link(to: Path, place: Path) -> None:
        fresh = place.with_suffix(".new")
        fresh.symlink_to(to)
        fresh.rename(place)

    async with served(database, live) as (port, process):
        before = presented(port)
        link(second.certificate, live.certificate)
        await asyncio.sleep(1)
        half = presented(port)
        os.kill(process.pid, signal.SIGHUP)
        await asyncio.sleep(1)
        told = presented(port)
        link(second.key, live.key)
        after = await settled(port, before)
        async with httpx.AsyncClient(verify=certificates.unverified(), trust_env=False) as http:
            alive = await http.get(f"https://localhost:{port}/healthz")

    der = ssl.PEM_cert_to_DER_cert
    assert before == half == told == der(first.certificate.read_text())
    assert after == {der(second.certificate.read_text())}
    assert alive.status_code == 200


def test_pair__that_does_not_fit_or_is_not_there_is_refused(tmp_path: Path) -> None:
    one, two = made(tmp_path, "one"), made(tmp_path, "two")

    for pair in (
        Pair(one.certificate, two.key),
        Pair(one.certificate, tmp_path / "none"),
        Pair(one.key, one.key),
    ):
        with pytest.raises(BadCertificate):
            pair.check()
    one.check()


def test_pair__with_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    pair = made(tmp_path)
    pair.key.chmod(0o644)

    with pytest.raises(KeyReadable):
        pair.check()


def test_pair__with_a_passphrase_is_refused_and_asks_nobody(tmp_path: Path) -> None:
    pair = made(tmp_path)
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "pkey", "-in", str(pair.key), "-aes256", "-passout", "pass:x", "-out", str(locked)],
        check=True,
    )

    with pytest.raises(BadCertificate):
        Pair(pair.certificate, locked).check()


@pytest.mark.parametrize(
    "days,level", [(90, ["ok", "warning"]), (10, ["warning", "warning"])], ids=["long", "short"]
)
def test_doctor__tells_of_the_end_of_a_certificate_and_of_names_it_lacks(
    tmp_path: Path, days: int, level: list[str]
) -> None:
    pair = made(tmp_path, days=days, names="DNS:*.benhvien.example")
    hosts = ("localhost", "emr.benhvien.example", "his.other.example")
    machine = selfcheck.Machine(tmp_path, "::", 1, external=False, pair=pair, hosts=hosts)

    found = list(selfcheck.certificate(machine))

    assert [one.level for one in found] == level
    assert found[1].found.en == "it is not for: his.other.example"


def test_doctor__tells_of_a_key_that_others_can_read(tmp_path: Path) -> None:
    pair = made(tmp_path)
    pair.key.chmod(0o666)

    found = list(selfcheck.certificate(selfcheck.Machine(tmp_path, "::", 1, external=False, pair=pair)))

    assert [one.level for one in found] == ["error"]
    assert "0600" in found[0].found.vi


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_redirect__sends_what_is_read_on_and_refuses_the_rest(host: str) -> None:
    port = free_port()
    shown = f"[{host}]" if ":" in host else host

    async with (
        redirect.redirecting(("127.0.0.1", "[::1]"), host=host, port=port, to=8443),
        httpx.AsyncClient(trust_env=False) as http,
    ):
        sent = await http.get(f"http://{shown}:{port}/find?q=an")
        posted = await http.post(f"http://{shown}:{port}/login", data={"password": "x"})
        elsewhere = await http.get(f"http://{shown}:{port}/", headers={"Host": "evil.example"})

    assert (sent.status_code, sent.headers["location"]) == (308, f"https://{shown}:8443/find?q=an")
    assert posted.status_code == 403
    assert elsewhere.status_code == 421


@pytest.mark.parametrize(
    "head",
    [
        b"GET //evil.example/ HTTP/1.1\r\nHost: localhost", b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example", b"GET / HTTP/1.1",
        b"GET / HTTP/1.1\r\nHost: evil.example@localhost", b"GET /a\nSet-Cookie:x HTTP/1.1\r\nHost: localhost",
        b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nHost: localhost:80@evil.example",
    ],
)  # fmt: skip
def test_redirect__leads_to_no_other_place(head: bytes) -> None:
    answer = Redirect(("localhost",), 443).answer(head + b"\r\n\r\n")

    assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 421"))
    assert b"Location" not in answer


def test_redirect__to_the_usual_port_does_not_name_it() -> None:
    answer = Redirect(("localhost",), 443).answer(b"GET /a HTTP/1.1\r\nHost: localhost:80\r\n\r\n")

    assert b"Location: https://localhost/a\r\n" in answer
