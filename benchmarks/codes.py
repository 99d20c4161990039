"""Code lists: finding, expanding, validating and loading, each against its bar of issue 4's plan.

Usage: scripts/bench codes [--asks 200] [--small 50000] [--large 1000000]   (the larger list takes some minutes to fill)
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba import app as root
from hsba import config
from hsba.fhir import code_lists, definitions
from hsba.fhir.validate import validate
from hsba.fhir.vn import BASE
from hsba.record.calls import Call
from hsba.store import embedded
from hsba.terminology import expand
from hsba.terminology import load as lists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hsba.app import App

ICD, ICD_VS = f"{BASE}/CodeSystem/vn-icd10-cs", f"{BASE}/ValueSet/vn-icd10-vs"
TYPED = (
    "tang huyet ap", "tha", "b0000", "vrt", "viem ruot thua cap", "dtd type 2", "viem", "viem phoi", "gay xuong", "ung thu",
    "suy tim", "a0", "benh", "vi", "dau that lung", "mo lay thai", "xet nghiem", "phau thuat", "noi soi da day", "huyet ap",
    "soi than", "khong xac dinh", "tang hu", "viem ru",
)  # fmt: skip
"""What is typed: whole names, abbreviations, beginnings of words and of codes, common words alone."""


def names(count: int) -> Iterator[lists.Entry]:
    """Concepts with names put together of those of the national lists."""
    chance = random.Random(count)
    some = [one.display for name in ("vn-icd10-cs", "hsba-technique-cs") for one in code_lists.read(name)]
    words = [word for text in some for word in text.split()]
    for number in range(count):
        more = " ".join(chance.choice(words) for _ in range(chance.randint(0, 4)))
        yield lists.Entry(f"{chance.choice('ABCDEFGH')}{number:07d}", f"{chance.choice(some)} {more}".strip())


async def fill(tx: asyncpg.Connection, url: str, count: int) -> float:
    """Load a list of so many concepts; answers the seconds."""
    entries = list(names(count))
    started = time.perf_counter()
    number = await lists.system_number(tx, url)
    await tx.execute("INSERT INTO reference.code_list (system, title) VALUES ($1, $2)", number, url)
    await lists.insert(tx, number, 0, None, entries)
    spent = time.perf_counter() - started
    await tx.execute("VACUUM ANALYZE reference.concept")
    return spent


def whole(url: str) -> dict[str, Any]:
    """The value set of a whole list."""
    return {
        "resourceType": "ValueSet",
        "url": f"{url}/vs",
        "status": "active",
        "compose": {"include": [{"system": url}]},
    }


async def find(house: App, url: str, asks: int) -> list[float]:
    """Milliseconds of each finding of 30 codes."""
    times = []
    for number in range(asks + len(TYPED)):
        async with house.pool.searching(house.tenants.get().id) as tx:
            ctx = house.context(tx=tx)
            started = time.perf_counter()
            await expand.codes(
                ctx,
                whole(url),
                ctx.clock.now().date(),
                typed=TYPED[number % len(TYPED)],
                active=True,
                liked=True,
                count=30,
            )
            times.append((time.perf_counter() - started) * 1000)
    return times[len(TYPED) :]


async def thousand(house: App, asks: int) -> list[float]:
    """Milliseconds of $expand with a thousand codes of ICD-10."""
    call = Call.of("expand", type="ValueSet", pairs=[("url", ICD_VS), ("count", "1000")])
    times = []
    for _ in range(asks // 4):
        async with house.pool.searching(house.tenants.get().id) as tx:
            started = time.perf_counter()
            await expand.expand(house.context(tx=tx), call)
            times.append((time.perf_counter() - started) * 1000)
    return times


def validated(house: App) -> tuple[float, float]:
    """Codes a second in process, and how much longer a resource with one takes to be validated because of it."""
    codes = [one.code for one in code_lists.read("vn-icd10-cs")][:5000]
    started = time.perf_counter()
    for code in codes:
        house.codes.member(ICD_VS, ICD, code)
    rate = len(codes) / (time.perf_counter() - started)
    condition = {
        "resourceType": "Condition", "subject": {"reference": "Patient/p"}, "recordedDate": "2026-01-01",
        "meta": {"profile": [f"{BASE}/StructureDefinition/vn-core-condition"]},
        "code": {"coding": [{"system": ICD, "code": "I10"}]},
    }  # fmt: skip
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(300):
        for on in (True, False):
            started = time.perf_counter()
            validate(condition, house.definitions, codes=house.codes if on else None)
            spent[on].append(time.perf_counter() - started)
    return rate, statistics.median(spent[True]) / statistics.median(spent[False]) - 1


async def icd(tx: asyncpg.Connection) -> float:
    """Seconds to load ICD-10 anew."""
    raw = definitions.default().read(ICD)
    assert raw is not None  # noqa: S101 - it comes with the program
    number = await lists.system_number(tx, ICD)
    started = time.perf_counter()
    async with tx.transaction():
        await tx.execute("DELETE FROM reference.concept WHERE system = $1", number)
        await lists.insert(tx, number, 0, None, lists.from_list("vn-icd10-cs"))
    return time.perf_counter() - started


def p95(times: list[float]) -> float:
    """The time below which 95 of 100 stay."""
    return sorted(times)[int(len(times) * 0.95)]


async def measure(options: argparse.Namespace) -> None:
    """Fill, ask, and print each figure with its bar."""
    with tempfile.TemporaryDirectory(prefix="hsba-bench-") as folder:
        Path(folder).chmod(0o755)
        async with embedded.running(Path(folder) / "data") as database:
            settings = config.load({}, files=())
            await root.prepare(settings, database.owner_dsn)
            tx = await asyncpg.connect(
                database.owner_dsn,
                server_settings={"search_path": "record, reference, ops", "timezone": "UTC"},
            )
            print(f"load ICD-10            {await icd(tx):9.2f} s     (bar 5)")
            async with root.opened(settings, database.runtime_dsn, size=4) as house:
                rate, more = validated(house)
                print(f"$validate-code         {rate:9.0f} /s    (bar 5,000)")
                print(f"  of a validation      {more:9.1%}       (bar 10 % of the create path)")
                print(
                    f"$expand of 1,000 codes {p95(await thousand(house, options.asks)):9.1f} ms p95 (bar 30)"
                )
                for count, bar, load in ((options.small, 10, ""), (options.large, 25, "(bar 120)")):
                    url = f"http://bench.example/{count}"
                    print(f"load {count:>9,}         {await fill(tx, url, count):9.1f} s     {load}")
                    times = await find(house, url, options.asks)
                    print(
                        f"find in {count:>9,}      {p95(times):9.1f} ms p95 (bar {bar}), median {statistics.median(times):.1f}"
                    )
            await tx.close()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=200)
    parser.add_argument("--small", type=int, default=50_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
