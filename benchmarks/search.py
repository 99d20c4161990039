"""Bulk load, size on disk and the twelve everyday searches, at about 100,000 and 1,000,000 resources.

Usage: scripts/bench search [--scales 5,52] [--asks 200] [--rows 20]   (the larger takes ten minutes to load)
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import asyncpg
from client import connect, request
from core import PORTS, servers

from hsba import app as root
from hsba import config
from hsba.fhir import json
from hsba.fhir.fold import fold
from hsba.fhir.vn import BASE
from hsba.ops import demo, loading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CCCD, MRN = f"{BASE}/sid/cccd", f"{BASE}/sid/mrn"
GLUCOSE, SYSTOLIC, PRESSURE = "http://loinc.org|2345-7", "http://loinc.org|8480-6", "http://loinc.org|85354-9"


@dataclass(frozen=True, slots=True)
class Known:
    """What the questions ask for: drawn from what was loaded."""

    patients: list[dict[str, Any]]
    departments: list[str]
    conditions: list[str]
    lines: int
    size: int


def numbered(patient: dict[str, Any], system: str) -> str | None:
    """A patient's number of one kind."""
    return next((one["value"] for one in patient.get("identifier", ()) if one.get("system") == system), None)


def questions(known: Known, chance: random.Random) -> dict[str, Callable[[], str]]:
    """The twelve, each a path with values drawn anew."""
    cccd = [found for one in known.patients if (found := numbered(one, CCCD))]
    mrn = [found for one in known.patients if (found := numbered(one, MRN))]

    def who() -> str:
        return str(chance.choice(known.patients)["id"])

    def name() -> str:
        words = fold(chance.choice(known.patients)["name"][0]["text"]).split()
        return quote(f"{words[-1]} {words[0]}")

    def day(back: int) -> str:
        return time.strftime("%Y-%m-%d", time.gmtime(time.time() - back * 86400))

    return {
        "patient by accent-less name": lambda: f"/Patient?name={name()}&_count=10",
        "patient by personal ID": lambda: f"/Patient?identifier={quote(f'{CCCD}|{chance.choice(cccd)}')}",
        "patient by record number": lambda: f"/Patient?identifier={quote(f'{MRN}|{chance.choice(mrn)}')}",
        "observations of a code by date": lambda: (
            f"/Observation?patient={who()}&code={quote(PRESSURE)}&date=ge{day(3000)}&date=lt{day(0)}&_sort=-date"
        ),
        "in progress by department": lambda: (
            f"/Encounter?status=in-progress&service-provider=Organization/{chance.choice(known.departments)}"
        ),
        "conditions by ICD prefix": lambda: (
            f"/Condition?code:below={chance.choice(known.conditions)}&_count=20"
        ),
        "chain": lambda: (
            f"/Observation?subject:Patient.identifier={quote(f'{CCCD}|{chance.choice(cccd)}')}&_count=20"
        ),
        "_has": lambda: f"/Patient?_has:Condition:patient:code={chance.choice(known.conditions)}&_count=20",
        "_include": lambda: (
            f"/Encounter?patient={who()}&_include=Encounter:service-provider&_include=Encounter:patient"
        ),
        "composite": lambda: (
            f"/Observation?patient={who()}&component-code-value-quantity={quote(SYSTOLIC)}$gt{chance.randint(120, 150)}"
        ),
        "last 20 results": lambda: f"/Observation?patient={who()}&category=laboratory&_sort=-date&_count=20",
        "exact total": lambda: f"/Observation?patient={who()}&category=vital-signs&_total=accurate&_count=10",
    }


def generated(scale: float) -> tuple[Iterator[bytes], Callable[[], Known]]:
    """The lines of the hospital at a scale, and what to ask about them once they are read."""
    patients: list[dict[str, Any]] = []
    departments: set[str] = set()
    conditions: set[str] = set()
    figures = [0, 0]

    def lines() -> Iterator[bytes]:
        for one in demo.generate(scale=scale):
            line = json.dump(one)
            figures[0] += 1
            figures[1] += len(line) + 1
            kind = one["resourceType"]
            if kind == "Patient" and len(patients) < 5000:
                patients.append({"id": one["id"], "identifier": one["identifier"], "name": one["name"]})
            elif kind == "Encounter" and "serviceProvider" in one:
                departments.add(one["serviceProvider"]["reference"].partition("/")[2])
            elif kind == "Condition" and len(conditions) < 40:
                conditions.add(one["code"]["coding"][0]["code"].partition(".")[0])
            yield line

    return lines(), lambda: Known(patients, sorted(departments), sorted(conditions), *figures)


async def ask(known: Known, asks: int) -> dict[str, float]:
    """The p95 of each question in milliseconds, asked one after the other; the first twenty only warm up."""
    chance = random.Random(3)
    found: dict[str, list[float]] = {}
    connection = await connect(PORTS["hsba"])
    makers = questions(known, chance)
    for number in range(asks + 20):
        for name, make in makers.items():
            data = request("GET", "/fhir" + make())
            started = time.perf_counter()
            status, _, body = await connection.ask(data)
            spent = time.perf_counter() - started
            if status != 200:
                raise SystemExit(f"{name}: {status} {body[:400]!r}")
            if number >= 20:
                found.setdefault(name, []).append(spent * 1000)
    connection.close()
    return {name: sorted(times)[int(len(times) * 0.95)] for name, times in found.items()}


async def sizes(owner_dsn: str, known: Known) -> None:
    """The database by table, as a ratio of the NDJSON."""
    tx = await asyncpg.connect(owner_dsn)
    rows = await tx.fetch(
        "SELECT coalesce(inhparent, c.oid)::regclass::text AS name, sum(pg_table_size(c.oid)) AS heap,"
        " sum(pg_indexes_size(c.oid)) AS indexes FROM pg_class c LEFT JOIN pg_inherits ON inhrelid = c.oid"
        " WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text IN ('record', 'reference', 'ops')"
        " GROUP BY 1 ORDER BY sum(pg_total_relation_size(c.oid)) DESC LIMIT 10"
    )
    await tx.close()
    total = float(sum(row["heap"] + row["indexes"] for row in rows))
    print(
        f"NDJSON {known.size / 1e6:.0f} MB, database {total / 1e6:.0f} MB: {total / known.size:.2f} x (bar 4.00)"
    )
    for row in rows:
        share = float(row["heap"] + row["indexes"]) / known.size
        heap, indexes = float(row["heap"]) / 1e6, float(row["indexes"]) / 1e6
        print(f"  {row['name']:28}{heap:9.1f} MB {indexes:9.1f} MB of indexes {share:6.2f} x")


COPY = {
    "resource": "key, tenant, type, id, vid, recorded, deleted, state, patient, encounter, dossier, department, labels",
    "version": "tenant, resource, vid, type, interaction, recorded, occurred, late, sha256, before, body, account, role,"
    " channel, purpose, request",
    "ix_token": "resource, tenant, path, system, code",
    "ix_string": "resource, tenant, path, folded, exact",
    "ix_date": "resource, tenant, path, low, high",
    "ix_quantity": "resource, tenant, path, system, unit, low, high, base, base_low, base_high",
    "ix_reference": "resource, target, tenant, path",
    "ix_uri": "resource, tenant, path, value",
    "ix_composite": "resource, tenant, path, system, code, kind, system2, text2, low, high, base, base_low, base_high,"
    " from2, to2",
}
"""What is copied to fill a database by SQL alone."""
MOVED = frozenset({"key", "resource", "target", "patient", "encounter", "dossier", "department"})


async def multiply(owner_dsn: str, rows: float) -> None:
    """Copy the whole record under new keys and ids until there are so many million search rows."""
    tx = await asyncpg.connect(owner_dsn, command_timeout=3600)
    here = 0
    for table in COPY:
        if table.startswith("ix_"):
            here += await tx.fetchval(f"SELECT count(*) FROM record.{table}")
    step = await tx.fetchval("SELECT max(key) FROM record.resource")
    copies = max(0, round(rows * 1e6 / here) - 1)
    started = time.perf_counter()
    for number in range(1, copies + 1):
        for table, columns in COPY.items():
            names = [one.strip() for one in columns.split(",")]
            values = [f"{one} + {step * number}" if one in MOVED else one for one in names]
            values = [f"id || '-{number}'" if one == "id" else one for one in values]
            if table == "ix_token":  # numbers of persons stay numbers of one person
                system = f"system IN (SELECT id FROM reference.system WHERE uri LIKE '{BASE}/sid/%')"
                values[names.index("code")] = f"CASE WHEN {system} THEN code || '-{number}' ELSE code END"
            await tx.execute(
                f"INSERT INTO record.{table} ({columns}) SELECT {', '.join(values)} FROM record.{table}"
                f" WHERE {'key' if table == 'resource' else 'resource'} <= {step}"
            )
    spent = time.perf_counter() - started
    total = await tx.fetchval("SELECT count(*) FROM record.resource")
    print(
        f"{here * (copies + 1) / 1e6:.1f} million search rows of {total} resources, by SQL in {spent:.0f} s"
    )
    await tx.execute("VACUUM ANALYZE")
    await tx.close()


async def measure(options: argparse.Namespace) -> None:
    """Load and ask at each scale, then print both side by side."""
    settings = config.load({}, files=())
    columns: list[tuple[int, dict[str, float]]] = []
    with tempfile.TemporaryDirectory(prefix="hsba-bench-") as folder:
        Path(folder).chmod(0o755)
        for number, scale in enumerate(float(one) for one in options.scales.split(",")):
            async with servers(Path(folder) / f"data{number}") as database:
                lines, known_of = generated(scale)
                started = time.perf_counter()
                opener = root.opener(settings, database.runtime_dsn)
                figures = await asyncio.to_thread(loading.load, opener, root.FIRST_TENANT[0], lines)
                spent = time.perf_counter() - started
                known = known_of()
                print(f"loaded {figures.created} in {spent:.0f} s: {figures.created / spent:.0f}/s (bar 3000), "
                      f"{figures.refused} refused")  # fmt: skip
                owner = await asyncpg.connect(database.owner_dsn, command_timeout=1200)
                await owner.execute("VACUUM ANALYZE")
                await owner.close()
                await sizes(database.owner_dsn, known)
                columns.append((known.lines, await ask(known, options.asks)))
                if options.rows and not number:
                    await multiply(database.owner_dsn, options.rows)
                    columns.append((-int(options.rows), await ask(known, options.asks)))
    heads = (f"{-lines} M rows" if lines < 0 else str(lines) for lines, _ in columns)
    print(f"{'p95, ms':34}" + "".join(f"{head:>12}" for head in heads) + f"{'ratio':>9}")
    for name in columns[0][1]:
        values = [times[name] for _, times in columns]
        ratio = f"{values[-1] / values[0]:9.2f}" if len(values) > 1 else ""
        print(f"{name:34}" + "".join(f"{value:12.2f}" for value in values) + ratio)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", default="5,52")
    parser.add_argument("--asks", type=int, default=200)
    parser.add_argument(
        "--rows", type=float, default=0, help="million search rows to fill by SQL at the first scale"
    )
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
