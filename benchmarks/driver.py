"""asyncpg against psycopg 3 on the store's two commonest acts, for decision 0002.

Usage: python benchmarks/driver.py DSN   (a scratch database; psycopg[binary] installed beside the lock)
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

import asyncpg
import psycopg

BODY = "x" * 900
READ = 8_000
CLIENTS = 4


async def measure(read: object, write: object) -> tuple[float, float, float]:
    """Reads/s, microseconds of process time per read, small transactions/s."""
    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(read(n) for n in range(CLIENTS)))  # type: ignore[operator]
    reads, cpu = time.perf_counter() - started, time.process_time() - used
    started = time.perf_counter()
    await asyncio.gather(*(write(n) for n in range(CLIENTS)))  # type: ignore[operator]
    writes = time.perf_counter() - started
    return READ / reads, cpu / READ * 1e6, READ / 2 / writes


async def with_asyncpg(dsn: str) -> tuple[float, float, float]:
    """One round with asyncpg."""
    connections = [await asyncpg.connect(dsn) for _ in range(CLIENTS)]

    async def read(n: int) -> None:
        for i in range(READ // CLIENTS):
            await connections[n].fetchrow(
                "SELECT body FROM bench_read WHERE tenant = $1 AND id = $2", 1, i % 1000
            )

    async def write(n: int) -> None:
        for _ in range(READ // 2 // CLIENTS):
            async with connections[n].transaction():
                await connections[n].execute(
                    "INSERT INTO bench_write SELECT $1, $2, x FROM unnest($3::int[]) AS x",
                    1,
                    BODY,
                    list(range(8)),
                )

    result = await measure(read, write)
    for connection in connections:
        await connection.close()
    return result


async def with_psycopg(dsn: str) -> tuple[float, float, float]:
    """One round with psycopg 3, statements prepared, binary results."""
    connections = [await psycopg.AsyncConnection.connect(dsn, autocommit=True) for _ in range(CLIENTS)]
    for connection in connections:
        connection.prepare_threshold = 1

    async def read(n: int) -> None:
        cursor = connections[n].cursor(binary=True)
        for i in range(READ // CLIENTS):
            await cursor.execute("SELECT body FROM bench_read WHERE tenant = %s AND id = %s", (1, i % 1000))
            await cursor.fetchone()

    async def write(n: int) -> None:
        for _ in range(READ // 2 // CLIENTS):
            async with connections[n].transaction():
                await connections[n].execute(
                    "INSERT INTO bench_write SELECT %s, %s, x FROM unnest(%s::int[]) AS x",
                    (1, BODY, list(range(8))),
                )

    result = await measure(read, write)
    for connection in connections:
        await connection.close()
    return result


async def main(dsn: str) -> None:
    """Five interleaved rounds, medians."""
    setup = await asyncpg.connect(dsn)
    await setup.execute(
        "DROP TABLE IF EXISTS bench_read, bench_write;"
        "CREATE TABLE bench_read (tenant int, id int, body text, PRIMARY KEY (tenant, id));"
        "CREATE TABLE bench_write (tenant int, body text, x int);"
        f"INSERT INTO bench_read SELECT 1, g, repeat('x', {len(BODY)}) FROM generate_series(0, 999) AS g"
    )
    rounds: dict[str, list[tuple[float, float, float]]] = {"asyncpg": [], "psycopg": []}
    for _ in range(5):
        rounds["asyncpg"].append(await with_asyncpg(dsn))
        rounds["psycopg"].append(await with_psycopg(dsn))
    for name, results in rounds.items():
        reads, cpu, writes = (statistics.median(column) for column in zip(*results, strict=True))
        print(f"{name:8} {reads:8.0f} reads/s  {cpu:5.0f} us each  {writes:7.0f} transactions/s")
    await setup.execute("DROP TABLE bench_read, bench_write")
    await setup.close()


asyncio.run(main(sys.argv[1]))
