"""What rights and the trail cost: the same requests with them and without, interleaved; log-in; who has seen a patient.

Usage: scripts/bench access [--rounds 5] [--seconds 3] [--clients 8] [--lines 10_000_000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import client
from client import Load, connect, let_in, load, request
from core import everyday, process

from hsba import app as root
from hsba import config
from hsba.access import accounts, passwords
from hsba.fhir import json
from hsba.ops import accounts as keeping
from hsba.store import embedded

SERVE = "from hsba.http import listen; listen.serve('{factory}', host='localhost', port={port})"
PORTS = {"all": 18090, "no trail": 18091, "nothing": 18092}
WITHOUT = {"no trail": "trail", "nothing": "trail,policy"}
DOCTOR, PASSWORD = "bench.doctor", "Giường-số-9-cạnh-cửa"
DEPARTMENT = "noi"


async def measure(options: argparse.Namespace) -> None:
    """Fill a little, run the rounds, then the rest."""
    with tempfile.TemporaryDirectory(prefix="hsba-bench-") as folder:
        Path(folder).chmod(0o755)
        async with embedded.running(Path(folder) / "data") as database, AsyncExitStack() as running:
            await root.prepare(config.load({}), database.owner_dsn)
            await let_in(database.owner_dsn)
            everything = client.TOKEN
            for name, port in PORTS.items():
                factory = "hsba.app:asgi" if name == "all" else "without:asgi"
                command = [sys.executable, "-c", SERVE.format(factory=factory, port=port)]
                environment = {"DATABASE_URL": database.runtime_dsn, "WITHOUT": WITHOUT.get(name, "")}
                await running.enter_async_context(process(command, port, **environment))
            ids = await _fill()
            doctor = await _doctor(database.owner_dsn)
            await _rounds(options, ids, {"wide": everything, "doctor": doctor})
            await _sealing(options, database, ids)
            await _log_in()
            client.TOKEN = everything
            await _seen(options, database, ids[0])


async def _fill() -> list[str]:
    """Patients who lie in a department, and an Observation of each; answers what is read."""
    patients, _ = everyday(4_000)
    department = {"resourceType": "Organization", "id": DEPARTMENT, "name": "Khoa Nội"}
    person = {"resourceType": "Practitioner", "id": "me", "name": [{"text": "BS. Đo"}]}
    post = {
        "resourceType": "PractitionerRole", "id": "post", "active": True,
        "practitioner": {"reference": "Practitioner/me"}, "organization": {"reference": f"Organization/{DEPARTMENT}"},
    }  # fmt: skip
    stays = [
        {
            "resourceType": "Encounter", "id": f"stay-{one['id']}", "status": "in-progress", "class": {"code": "IMP"},
            "subject": {"reference": f"Patient/{one['id']}"},
            "serviceProvider": {"reference": f"Organization/{DEPARTMENT}"},
        }
        for one in patients
    ]  # fmt: skip
    connection = await connect(PORTS["all"])
    for one in (department, person, post, *patients, *stays):
        status, _, body = await connection.ask(
            request("PUT", f"/fhir/{one['resourceType']}/{one['id']}", json.dump(one))
        )
        if status != 201:
            raise SystemExit(body[:500])
    connection.close()
    return [f"Patient/{one['id']}" for one in patients]


async def _doctor(owner_dsn: str) -> str:
    """A token of a doctor in whose department all of them lie."""
    tx = await asyncpg.connect(owner_dsn)
    now = datetime.now(UTC)
    await accounts.create(tx, now, DOCTOR, "staff", "BS. Đo", password=PASSWORD, must_change=False)
    await keeping.give(tx, DOCTOR, ["doctor"], person=("Practitioner", "me"))
    token = await accounts.token(tx, now, account=DOCTOR, scope="", lasts=timedelta(days=2))
    await tx.execute("ANALYZE")
    await tx.close()
    return token


async def _rounds(options: argparse.Namespace, ids: list[str], tokens: dict[str, str]) -> None:
    """Reads and searches through each of the servers."""
    chance = random.Random(3)
    runs = {
        "read, nothing": ("nothing", "wide"),
        "read, rights": ("no trail", "wide"),
        "read, rights of a doctor": ("no trail", "doctor"),
        "read, rights and trail": ("all", "wide"),
        "read, all, doctor": ("all", "doctor"),
    }
    results: dict[str, list[Load]] = {name: [] for name in runs}
    for round_ in range(options.rounds + 1):
        for name, (server, who) in runs.items():
            client.TOKEN = tokens[who]
            one = await load(
                PORTS[server],
                lambda: request("GET", f"/fhir/{chance.choice(ids)}"),
                clients=options.clients,
                seconds=options.seconds,
                expect=(200,),
            )
            if round_:
                results[name].append(one)
    compare = {
        "read, rights": ("read, nothing", 0.80),
        "read, rights of a doctor": ("read, nothing", 0.80),
        "read, rights and trail": ("read, rights", 0.45),
        "read, all, doctor": ("read, rights of a doctor", 0.45),
    }
    print(f"{'':28}{'per s':>9}{'p95 ms':>9}{'ratio':>9}{'bar':>7}")
    for name, loads in results.items():
        line = f"{name:28}{statistics.median(one.rate for one in loads):9.0f}"
        line += f"{statistics.median(one.percentile(0.95) for one in loads):9.2f}"
        if name in compare:
            against, bar = compare[name]
            ratio = statistics.median(a.rate / b.rate for a, b in zip(loads, results[against], strict=True))
            line += f"{ratio:9.2f}{bar:7.2f}"
        print(line + (f"   {failed} failed" if (failed := sum(one.failed for one in loads)) else ""))


async def _sealing(options: argparse.Namespace, database: embedded.Server, ids: list[str]) -> None:
    """The same reads while the worker seals the lines and while nobody does."""
    chance = random.Random(4)
    rates: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(options.rounds):
        for seals in (False, True):
            async with AsyncExitStack() as beside:
                if seals:
                    worker = await asyncio.create_subprocess_exec(
                        sys.executable, "-m", "hsba.worker", env={**os.environ, "DATABASE_URL": database.runtime_dsn}
                    )  # fmt: skip
                    beside.push_async_callback(worker.wait)
                    beside.callback(worker.terminate)
                    await asyncio.sleep(4)
                found = await load(
                    PORTS["all"],
                    lambda: request("GET", f"/fhir/{chance.choice(ids)}"),
                    clients=options.clients,
                    seconds=options.seconds,
                    expect=(200,),
                )
                rates[seals].append(found.rate)
    ratio = statistics.median(b / a for a, b in zip(rates[False], rates[True], strict=True))
    print(f"sealing leaves {ratio:.2f} of the reads (bar 0.95)")


async def _log_in() -> None:
    """What a log-in takes beside argon2's own time."""
    form = f"login={DOCTOR}&password={PASSWORD}&next=/".encode()
    connection = await connect(PORTS["all"])
    alone, whole = [], []
    kept = await passwords.hashed(PASSWORD)
    for _ in range(12):
        began = time.perf_counter()
        await passwords.fits(kept, PASSWORD)
        alone.append(time.perf_counter() - began)
        head = (
            f"POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: {len(form)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        began = time.perf_counter()
        status, _, body = await connection.ask(head.encode() + form)
        whole.append(time.perf_counter() - began)
        if status != 303:
            raise SystemExit(body[:500])
    connection.close()
    beside = (statistics.median(whole) - statistics.median(alone)) * 1000
    print(f"log-in takes {beside:.0f} ms beside argon2's {statistics.median(alone) * 1000:.0f} ms (bar 150)")


async def _seen(options: argparse.Namespace, database: embedded.Server, patient: str) -> None:
    """Who has seen a patient, among many lines."""
    tx = await asyncpg.connect(database.owner_dsn)
    began = time.perf_counter()
    await tx.execute(MONTHS)
    await tx.execute(FILL, options.lines, patient.partition("/")[2], timeout=None)
    await tx.execute("ANALYZE audit.line; ANALYZE audit.subject", timeout=None)
    count = await tx.fetchval("SELECT count(*) FROM audit.subject", timeout=None)
    await tx.close()
    print(f"{count} rows filled in {time.perf_counter() - began:.0f} s")
    connection = await connect(PORTS["all"])
    for path in (
        f"/fhir/AuditEvent?patient={patient}&_count=50",
        f"/fhir/AuditEvent?patient={patient}&date=ge2026&_count=50",
    ):
        times = []
        for _ in range(40):
            began = time.perf_counter()
            status, _, body = await connection.ask(request("GET", path))
            times.append(time.perf_counter() - began)
            if status != 200:
                raise SystemExit(body[:500])
        print(f"{path.partition('?')[2]:60} p95 {sorted(times)[37] * 1000:7.1f} ms (bar 50)")
    connection.close()


MONTHS = (
    "SELECT audit.ensure_partition((now() - make_interval(months => n))::date) FROM generate_series(0, 11) n"
)
FILL = """
WITH made AS (
    INSERT INTO audit.line (tenant, recorded, account, role, channel, purpose, request, interaction, type, refused)
    SELECT 1, now() - random() * interval '300 days', 'bench' || n % 400, 'doctor', 'web', 'TREAT', gen_random_uuid(),
        'read', r.type, false
    FROM generate_series(1, $1::bigint) n,
         LATERAL (SELECT id AS type FROM reference.type WHERE name = 'Patient' AND n > 0) r
    RETURNING id, recorded, type
), keys AS (SELECT array_agg(key ORDER BY key) AS some FROM record.resource WHERE patient IS NOT NULL)
INSERT INTO audit.subject (tenant, line, recorded, patient, resource, type, id, vid, shown)
SELECT 1, m.id, m.recorded, k.some[1 + m.id % cardinality(k.some)], NULL, m.type, $2, 1, 1 FROM made m, keys k
"""
"""Lines of a year over all patients; not sealed, which asking does not need."""


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--lines", type=int, default=10_000_000)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
