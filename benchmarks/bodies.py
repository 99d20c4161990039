"""How to keep bodies: text as PostgreSQL packs it, against bytes packed by us; size and read time, for decision 0003.

Usage: python benchmarks/bodies.py DSN   (a scratch database)
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time

import asyncpg
import zstandard

from hsba.fhir import json
from hsba.ops import demo

FORMS = {
    "text, plain": "text STORAGE EXTERNAL",
    "text, pglz": "text STORAGE MAIN",
    "json, pglz": "json STORAGE MAIN",
    "jsonb": "jsonb STORAGE MAIN",
    "zstd": "bytea STORAGE EXTERNAL",
    "zstd, dictionary": "bytea STORAGE EXTERNAL",
}


async def main(dsn: str) -> None:
    """Store the demo hospital's bodies in each form, then read single ones in interleaved rounds."""
    bodies = [json.dump(one) for one in demo.generate()]
    plain = sum(map(len, bodies))
    dictionary = zstandard.train_dictionary(64 * 1024, bodies[::5])
    packers = {
        "zstd": (zstandard.ZstdCompressor(3), zstandard.ZstdDecompressor()),
        "zstd, dictionary": (
            zstandard.ZstdCompressor(3, dict_data=dictionary),
            zstandard.ZstdDecompressor(dict_data=dictionary),
        ),
    }
    tx = await asyncpg.connect(dsn)
    times: dict[str, list[float]] = {name: [] for name in FORMS}
    sizes: dict[str, int] = {}
    for number, (name, kind) in enumerate(FORMS.items()):
        await tx.execute(f"DROP TABLE IF EXISTS bodies{number}")
        await tx.execute(
            f"CREATE TABLE bodies{number} (id int PRIMARY KEY, body {kind}) WITH (toast_tuple_target = 256)"
        )
        kept = [packers[name][0].compress(body) if name in packers else body.decode() for body in bodies]
        await tx.executemany(f"INSERT INTO bodies{number} VALUES ($1, $2)", list(enumerate(kept)))
        await tx.execute(f"VACUUM ANALYZE bodies{number}")
        sizes[name] = await tx.fetchval(f"SELECT pg_table_size('bodies{number}')")
    chance = random.Random(1)
    for _ in range(5):
        for number, name in enumerate(FORMS):
            statement = await tx.prepare(f"SELECT body FROM bodies{number} WHERE id = $1")
            wanted = [chance.randrange(len(bodies)) for _ in range(3000)]
            started = time.perf_counter()
            for one in wanted:
                body = await statement.fetchval(one)
                if name in packers:
                    packers[name][1].decompress(body)
            times[name].append((time.perf_counter() - started) / len(wanted) * 1e6)
    print(f"{len(bodies)} bodies, {plain / len(bodies):.0f} bytes each")
    for number, name in enumerate(FORMS):
        print(
            f"{name:18} {sizes[name] / plain:5.2f} x plain  {statistics.median(times[name]):6.1f} us a read"
        )
        await tx.execute(f"DROP TABLE bodies{number}")
    await tx.close()


asyncio.run(main(sys.argv[1]))
