"""Transaction bundles of about a hundred entries over HTTP, and what a worker weighs after many mixed requests.

Usage: scripts/bench bundles [--seconds 10] [--requests 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from client import connect, load, request
from core import PORTS, mixed, servers

from hsba.fhir import json
from hsba.ops import demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENTRIES = 100
REFERENCE = re.compile(rb'"reference":"([A-Za-z]+/[^"/]+)"')


def bundles(resources: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """Transactions that create the resources a hundred at a time, those of one bundle referring to each other by uuid."""
    while True:
        for start in range(0, len(resources) - ENTRIES, ENTRIES):
            chunk = resources[start : start + ENTRIES]
            names = {f"{one['resourceType']}/{one['id']}".encode(): f"urn:uuid:{uuid4()}" for one in chunk}
            entries = [
                {
                    "fullUrl": name,
                    "resource": {key: value for key, value in one.items() if key != "id"},
                    "request": {"method": "POST", "url": one["resourceType"]},
                }
                for one, name in zip(chunk, names.values(), strict=True)
            ]
            text = json.dump({"resourceType": "Bundle", "type": "transaction", "entry": entries})
            yield REFERENCE.sub(lambda found, names=names: renamed(found, names), text)  # type: ignore[misc]


def renamed(found: re.Match[bytes], names: dict[bytes, str]) -> bytes:
    """A reference to a resource of the same bundle, by its uuid."""
    name = names.get(found[1])
    return found[0] if name is None else b'"reference":"%s"' % name.encode()


async def rate(clients: int, seconds: float, requests: Iterator[bytes]) -> None:
    """Resources a second that so many clients get saved."""
    found = await load(PORTS["hsba"], lambda: next(requests), clients=clients, seconds=seconds, expect=(200,))
    p95 = found.percentile(0.95)
    print(
        f"{clients} clients: {found.rate * ENTRIES:.0f} resources/s (bar 2000), p95 of a bundle {p95:.0f} ms"
    )


async def weight(total: int, resources: list[dict[str, Any]]) -> None:
    """What the web process holds after a mix of requests: 60 % reads, 20 % searches, 15 % creates, 5 % updates."""
    chance = random.Random(5)
    patients = [one for one in resources if one["resourceType"] == "Patient"]
    make = mixed(patients, [one for one in resources if one["resourceType"] == "Observation"], chance)
    for one in patients:
        connection = await connect(PORTS["hsba"])
        await connection.ask(request("PUT", f"/fhir/Patient/{one['id']}", json.dump(one)))
        connection.close()
    print(f"worker before: {held()} MB")
    done, started = 0, time.perf_counter()
    while done < total:
        found = await load(PORTS["hsba"], make, clients=8, seconds=5, expect=(200, 201))
        done += len(found.times)
        if found.failed:
            raise SystemExit(f"{found.failed} requests failed")
    spent = time.perf_counter() - started
    print(
        f"worker after {done} mixed requests in {spent:.0f} s ({done / spent:.0f}/s): {held()} MB (bar 250)"
    )


def held() -> int:
    """The resident memory of the process that answers, in MB."""
    found = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes()
            mine = f"HSBA_PORT={PORTS['hsba']}".encode() in (place / "environ").read_bytes()
            if b"hsba.cli\0http" in command and mine:
                pages = int((place / "statm").read_text().split()[1])
                found = max(found, pages * 4096 // 1_000_000)
        except OSError:
            continue
    return found


async def measure(options: argparse.Namespace) -> None:
    """Both, on one server."""
    resources = list(itertools.islice(demo.generate(seed=7, scale=1), 20_000))
    requests = (request("POST", "/fhir", text) for text in bundles(resources))
    with tempfile.TemporaryDirectory(prefix="hsba-bench-") as folder:
        Path(folder).chmod(0o755)
        async with servers(Path(folder) / "data"):
            await rate(1, 2, requests)
            for clients in (1, 4):
                await rate(clients, options.seconds, requests)
            await weight(options.requests, resources)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--requests", type=int, default=100_000)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
