"""Loading a long list: a SNOMED CT snapshot of invented concepts, put into an empty database by `hsba codes load`.

Usage: scripts/bench lists [--concepts 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from hsba import app, config
from hsba.store import embedded
from hsba.terminology import files

MODULE, FSN, SYNONYM, PREFERRED, IS_A = (
    "900000000000207008", "900000000000003001", "900000000000013009", "900000000000548007", "116680003",
)  # fmt: skip
WORDS = (
    "viêm", "gãy", "đau", "u", "nang", "suy", "cấp", "mạn", "tim", "phổi", "gan", "thận", "xương", "khớp", "da", "mắt", "tai",
    "máu", "trẻ", "phải", "trái", "trên",
)  # fmt: skip


def release(folder: Path, concepts: int) -> None:
    """Write the files: a Vietnamese and an English name and two parents for every fourth concept."""
    chance = random.Random(1)
    heads = {
        "sct2_Concept_Snapshot_INT_20260101.txt": "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n",
        "sct2_Description_Snapshot-vi_VN_20260101.txt": (
            "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n"
        ),
        "sct2_Relationship_Snapshot_INT_20260101.txt": (
            "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId"
            "\tcharacteristicTypeId\tmodifierId\n"
        ),
        "der2_cRefset_LanguageSnapshot-vi_VN_20260101.txt": (
            "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId\n"
        ),
    }
    opened = {name: (folder / name).open("w", encoding="utf-8") for name in heads}
    for name, file in opened.items():
        file.write(heads[name])
    concept, description, relationship, member = opened.values()
    for number in range(1, concepts + 1):
        words = " ".join(chance.choices(WORDS, k=4))
        concept.write(f"{number}\t20260101\t1\t{MODULE}\t1\n")
        for nth, (language, type) in enumerate((("vi", SYNONYM), ("en", FSN))):
            id = number * 10 + nth
            description.write(
                f"{id}\t20260101\t1\t{MODULE}\t{number}\t{language}\t{type}\t{words} {number}\t1\n"
            )
            member.write(f"m{id}\t20260101\t1\t{MODULE}\t5\t{id}\t{PREFERRED}\n")
        for nth in range(1 + (number % 4 == 0)) if number > 1 else ():
            above = max(1, number // (8 + nth))
            relationship.write(
                f"{number * 10 + nth}\t20260101\t1\t{MODULE}\t{number}\t{above}\t0\t{IS_A}\t1\t1\n"
            )
    for file in opened.values():
        file.close()


async def main(concepts: int) -> None:
    """Load the release once and say how long it took and what this process weighed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "release").mkdir()
        release(folder / "release", concepts)
        settings = config.load({}, files=())
        async with embedded.running(folder / "data") as server:
            owner = server.folder.dsn("hsba_owner", "hsba")
            started = time.perf_counter()
            await app.prepare(settings, owner)
            print(
                f"lists of the program (ICD-10 among them): {time.perf_counter() - started:.1f} s with the schema"
            )
            tx = await asyncpg.connect(server.folder.dsn("hsba_runtime", "hsba"))
            try:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                started = time.perf_counter()
                done = await files.load(
                    tx, app.definitions(settings), folder / "release", "snomed", account="bench",
                    today=datetime.now(UTC).date(),
                )  # fmt: skip
                took = time.perf_counter() - started
            finally:
                await tx.close()
            weight = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(
                f"{done.lists[0].added.total:,} concepts: {took:.1f} s, {(weight - before) / 1024:.0f} MB more memory"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--concepts", type=int, default=1_000_000)
    asyncio.run(main(parser.parse_args().concepts))
