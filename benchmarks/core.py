"""Create, read, update and name search over HTTP against the floor, interleaved, on one database server.

Usage: scripts/bench core [--rounds 5] [--seconds 3] [--clients 8]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from client import Load, connect, let_in, load, request

from hsba import app as root
from hsba import config
from hsba.fhir import json
from hsba.ops import demo
from hsba.store import embedded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HERE = Path(__file__).parent
PORTS = {"hsba": 18080, "floor": 18081}


@asynccontextmanager
async def process(
    command: list[str], port: int, **environment: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A server of its own, ready to answer, ended on leaving."""
    server = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True, cwd=HERE)  # noqa: S603, ASYNC220
    try:
        for _ in range(300):
            try:
                (await connect(port)).close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield server
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[embedded.Server]:
    """PostgreSQL with a migrated database, HSBA with one worker, and the floor, all on this machine."""
    settings = config.load({})
    async with embedded.running(folder) as database:
        await root.prepare(settings, database.owner_dsn)
        await let_in(database.owner_dsn)
        owner = await asyncpg.connect(database.owner_dsn)
        await owner.execute(
            "CREATE TABLE IF NOT EXISTS public.floor (id bigint PRIMARY KEY, body text NOT NULL)"
        )
        await owner.execute(
            "GRANT USAGE ON SCHEMA public TO hsba_runtime; GRANT ALL ON public.floor TO hsba_runtime"
        )
        await owner.close()
        serve = [sys.executable, "-m", "hsba.cli", "serve", "--port", str(PORTS["hsba"])]
        bare = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "asgi",
            "--no-access-log",
            "--log-level",
            "warning",
        ]
        bare += ["--port", str(PORTS["floor"]), "floor:app"]
        dsn = database.runtime_dsn
        async with (
            process(serve, PORTS["hsba"], DATABASE_URL=dsn, HSBA_OWNER_DATABASE_URL=database.owner_dsn),
            process(bare, PORTS["floor"], FLOOR_DSN=dsn),
        ):
            yield database


def everyday(count: int, seed: int = 7) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Patients, and what is created most: observations, conditions, encounters of the demo mix."""
    resources = list(itertools.islice(demo.generate(seed=seed, scale=1), count))
    patients = [one for one in resources if one["resourceType"] == "Patient"]
    rest = [one for one in resources if one["resourceType"] in {"Observation", "Condition", "Encounter"}]
    return patients, rest


async def measure(options: argparse.Namespace) -> None:
    """Fill a little, then run the rounds and print the table."""
    patients, mix = everyday(20_000)
    chance = random.Random(1)
    bodies = [json.dump({k: v for k, v in one.items() if k != "id"}) for one in mix]
    with tempfile.TemporaryDirectory(prefix="hsba-bench-") as folder:
        Path(folder).chmod(0o755)
        async with servers(Path(folder) / "data") as database:
            hsba, floor = PORTS["hsba"], PORTS["floor"]
            for one in patients:
                body = json.dump(one)
                await _ask(hsba, request("PUT", f"/fhir/Patient/{one['id']}", body), 201)
            ids = [f"Patient/{one['id']}" for one in patients]
            names = [one["name"][0]["text"] for one in patients]
            versions = itertools.count(1)
            places = [(await _ask(floor, request("POST", "/", body), 201))[1] for body in bodies[:500]]
            numbers = [head.lower().split(b"location: /")[1].split(b"\r\n")[0].decode() for head in places]

            def update() -> bytes:
                patient = chance.choice(patients)
                changed = {**patient, "extension": [*patient.get("extension", ()), _mark(next(versions))]}
                return request("PUT", f"/fhir/Patient/{patient['id']}", json.dump(changed))

            def named() -> bytes:
                words = chance.choice(names).split()
                return request(
                    "GET", f"/fhir/Patient?name={_plain(words[-1])}%20{_plain(words[0])}&_count=10"
                )

            runs: dict[str, tuple[int, Callable[[], bytes], tuple[int, ...]]] = {
                "floor insert": (floor, lambda: request("POST", "/", chance.choice(bodies)), (201,)),
                "create": (hsba, lambda: _create(chance.choice(bodies)), (201,)),
                "update": (hsba, update, (200,)),
                "floor read": (floor, lambda: request("GET", f"/{chance.choice(numbers)}"), (200,)),
                "read": (hsba, lambda: request("GET", f"/fhir/{chance.choice(ids)}"), (200,)),
                "name search": (hsba, named, (200,)),
            }
            results: dict[str, list[Load]] = {name: [] for name in runs}
            for round_ in range(options.rounds + 1):
                for name, (port, make, expect) in runs.items():
                    one = await load(
                        port, make, clients=options.clients, seconds=options.seconds, expect=expect
                    )
                    if round_:  # the first warms the caches and the prepared statements
                        results[name].append(one)
            _table(results)
            await _size(database)


def mixed(
    patients: list[dict[str, Any]], others: list[dict[str, Any]], chance: random.Random
) -> Callable[[], bytes]:
    """A day's mix: of a hundred requests 60 read, 20 search by name, 15 create and 5 update."""
    names = [one["name"][0]["text"].split() for one in patients]
    bodies = [json.dump({k: v for k, v in one.items() if k != "id"}) for one in others]
    versions = itertools.count(1)

    def make() -> bytes:
        drawn = chance.random()
        one = chance.choice(patients)
        if drawn < 0.6:
            return request("GET", f"/fhir/Patient/{one['id']}")
        if drawn < 0.8:
            words = chance.choice(names)
            return request("GET", f"/fhir/Patient?name={_plain(words[-1])}%20{_plain(words[0])}&_count=10")
        if drawn < 0.95:
            return _create(chance.choice(bodies))
        changed = {**one, "extension": [*one.get("extension", ()), _mark(next(versions))]}
        return request("PUT", f"/fhir/Patient/{one['id']}", json.dump(changed))

    return make


def _mark(number: int) -> dict[str, Any]:
    return {"url": "urn:bench", "valueInteger": number}


def _plain(word: str) -> str:
    from hsba.fhir.fold import fold  # noqa: PLC0415 - only for making the question

    return fold(word)


def _create(body: bytes) -> bytes:
    kind = body[17 : body.index(b'"', 17)].decode()  # {"resourceType":"…"
    return request("POST", f"/fhir/{kind}", body)


async def _ask(port: int, data: bytes, expect: int) -> tuple[int, bytes, bytes]:
    connection = await connect(port)
    try:
        answer = await connection.ask(data)
    finally:
        connection.close()
    if answer[0] != expect:
        raise SystemExit(f"{answer[0]} instead of {expect}: {answer[2][:500]!r}")
    return answer


def _table(results: dict[str, list[Load]]) -> None:
    """Rates, and each as a ratio of the floor of its own round."""
    bars = {"create": ("floor insert", 0.40), "update": ("floor insert", 0.35), "read": ("floor read", 0.70),
            "name search": ("floor read", 0.35)}  # fmt: skip
    print(f"{'':14}{'per s':>9}{'p95 ms':>9}{'ratio':>9}{'bar':>7}")
    for name, loads in results.items():
        rate = statistics.median(one.rate for one in loads)
        p95 = statistics.median(one.percentile(0.95) for one in loads)
        line = f"{name:14}{rate:9.0f}{p95:9.2f}"
        if name in bars:
            floor, bar = bars[name]
            ratio = statistics.median(a.rate / b.rate for a, b in zip(loads, results[floor], strict=True))
            line += f"{ratio:9.2f}{bar:7.2f}"
        failed = sum(one.failed for one in loads)
        print(line + (f"   {failed} failed" if failed else ""))


async def _size(database: embedded.Server) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetchval("SELECT count(*) FROM record.version")
    print(f"{rows} versions at the end")
    await owner.close()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", type=int, default=8)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
