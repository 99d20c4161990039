"""The commands as a person types them, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from hsba.ops import processes
from hsba.store import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

HSBA = Path(sys.executable).parent / "hsba"


def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HSBA, *map(str, arguments)], capture_output=True, text=True, check=False, env={**clean(), **environ}
    )


def clean() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HSBA_", "PG")) and name != "DATABASE_URL"
    } | {"COLUMNS": "200"}


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Running:
    """A server started by a command."""

    def __init__(self, *arguments: object) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [HSBA, *map(str, arguments), "--port", str(self.port)],
            env=clean(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if self.address.replace("127.0.0.1", "localhost") in line:
                break
        else:
            pytest.fail(f"it did not start: {self.said}")
        self.seconds = time.monotonic() - self.started

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(60)


@pytest.fixture
def stopped() -> Iterator[list[Running]]:
    """Servers that the test leaves running are killed after it."""
    servers: list[Running] = []
    yield servers
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGTERM)


def test_version__names_the_release() -> None:
    assert re.match(r"hsba \d+\.\d+\.\d+", run("version").stdout)


def test_settings__shows_each_with_its_origin_and_no_secret() -> None:
    said = run("settings", HSBA_PORT="9000", DATABASE_URL="postgresql://u:secret@db/x").stdout

    assert "9000 (HSBA_PORT)" in said
    assert "secret" not in said


def test_any_command__unknown_setting_is_refused_in_both_languages() -> None:
    done = run("doctor", HSBA_PROT="1")

    assert done.returncode != 0
    assert "HSBA_PORT" in done.stderr
    assert "Không có thiết lập" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor__of_an_empty_machine_speaks_vietnamese(folder: Path) -> None:
    done = run("doctor", "--data", folder / "data", HSBA_PORT=str(free_port()))

    assert "chưa có dữ liệu" in done.stdout
    assert done.returncode == 0


def test_doctor__speaks_english_when_asked(folder: Path) -> None:
    assert "no data yet" in run("doctor", "--lang", "en", "--data", folder / "data").stdout


def test_doctor__database_that_cannot_be_reached_is_an_error(folder: Path) -> None:
    done = run("doctor", "--lang", "en", DATABASE_URL=f"postgresql:///x?host={folder}")

    assert done.returncode == 1
    assert "DATABASE_URL" in done.stdout


def test_serve__other_address_than_this_machine_without_tls_is_refused() -> None:
    done = run("serve", HSBA_HOST="0.0.0.0")  # noqa: S104 - what must be refused

    assert done.returncode != 0
    assert "HSBA_HOST" in done.stderr


def test_serve__taken_port_is_told_before_anything_starts(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--data", folder / "data", "--port", taken.getsockname()[1])

    assert done.returncode != 0
    assert str(taken) not in done.stderr
    assert not (folder / "data" / "db").exists()


@pytest.mark.slow
def test_migrate_and_doctor__of_a_new_database(folder: Path) -> None:
    assert run("migrate", "--data", folder / "data").returncode == 0

    done = run("doctor", "--data", folder / "data", HSBA_PORT=str(free_port()))

    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


@pytest.mark.slow
def test_reindex__fills_what_doctor_says_is_waiting(folder: Path) -> None:
    people = [
        {"resourceType": "Patient", "id": f"p{n}", "maritalStatus": {"coding": [{"code": "M"}]}}
        for n in range(3)
    ]
    parameter = {
        "resourceType": "SearchParameter", "id": "marital", "url": "http://x.example/marital", "name": "Marital",
        "status": "active", "description": "x", "code": "marital", "base": ["Patient"], "type": "token",
        "expression": "Patient.maritalStatus",
    }  # fmt: skip
    lines = folder / "lines.ndjson"
    lines.write_text("\n".join(map(json.dumps, [*people, parameter])))
    where = ("--data", folder / "data")

    loaded = run("load", lines, *where)
    before = run("doctor", *where, HSBA_PORT=str(free_port()))
    refused = run("reindex", "--type", "Patent", *where)
    filled = run("reindex", *where)
    again = run("reindex", *where)
    anew = run("reindex", "--all", *where)
    after = run("doctor", *where, HSBA_PORT=str(free_port()))

    assert loaded.returncode == 0, loaded.stderr
    assert "Task was destroyed" not in loaded.stderr
    assert "Patient.maritalStatus" in before.stdout
    assert "hsba reindex" in before.stdout
    assert refused.returncode != 0
    assert "Patent" in refused.stderr
    assert filled.stdout.splitlines() == ["Patient: 3 trên 3, 3 dòng"]
    assert again.stdout.splitlines() == ["Không có gì phải lập."]
    assert {line.partition(":")[0] for line in anew.stdout.splitlines()} == {"Patient", "SearchParameter"}
    assert "hsba reindex" not in after.stdout


@pytest.mark.slow
def test_serve__answers_and_stops_with_its_postgresql(folder: Path, stopped: list[Running]) -> None:
    server = Running("serve", "--data", folder / "data")
    stopped.append(server)
    assert httpx.get(f"{server.address}/readyz").status_code == 200
    database = cluster.Folder.at(folder / "data")

    assert server.end(signal.SIGTERM) == 0, server.said

    assert cluster.alive(database, database.cluster(18)) == cluster.Alive(None, ())
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.address)


@pytest.mark.slow
def test_serve__after_kill_of_everything_the_next_start_serves_the_same_data(
    folder: Path, stopped: list[Running]
) -> None:
    server = Running("serve", "--data", folder / "data")
    stopped.append(server)
    assert re.search(r"admin, mật khẩu \S{19} ", server.said)
    where = ("--data", folder / "data")
    temporary = run(
        "account", "create", "bs.mo", "--name", "BS. Mơ", "--role", "reception", *where
    ).stdout.strip()
    key = run("token", "--account", "bs.mo", *where).stdout
    bearer = {"Authorization": f"Bearer {key.strip()}"}
    assert len(temporary) == 19
    assert re.fullmatch(r"hsba_\S{43}\n", key)
    assert run("account", "reset-second-factor", "khong.co", *where).returncode == processes.REFUSED
    assert run("account", "reset-second-factor", "admin", *where).returncode == 0
    patient = {"resourceType": "Patient", "name": [{"text": "Lê Thị Mơ"}]}
    assert httpx.post(f"{server.address}/fhir/Patient", json=patient).status_code == 401
    made = httpx.post(f"{server.address}/fhir/Patient", json=patient, headers=bearer)
    assert made.status_code == 201, made.text
    database = cluster.Folder.at(folder / "data")
    found = cluster.alive(database, database.cluster(18))
    assert found.postmaster is not None
    os.kill(found.postmaster, signal.SIGKILL)
    server.end(signal.SIGKILL)

    again = Running("serve", "--data", folder / "data")
    stopped.append(again)

    assert "mật khẩu" not in again.said
    kept = httpx.get(f"{again.address}/fhir/Patient/{made.json()['id']}", headers=bearer)
    assert kept.json()["name"] == [{"text": "Lê Thị Mơ"}]
    print(f"\nstarted again after a kill in {again.seconds:.1f} s")


@pytest.mark.slow
def test_demo__fresh_leaves_what_is_not_a_demo_alone(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "precious").write_text("x")

    done = run("demo", "--fresh", "--data", folder / "data", "--port", free_port())

    assert done.returncode != 0
    assert (folder / "data" / "precious").exists()
