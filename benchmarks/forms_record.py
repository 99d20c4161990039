"""What a sheet costs the record: opening it with a patient's data, keeping a draft, completing a full cover with its facts.

Usage: scripts/bench forms_record [--rounds 40]
"""

from __future__ import annotations

import argparse
import asyncio
import json as plain
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from demo_stay import stay
from form_answers import answers
from hsba import app, config
from hsba.forms import catalogue, entries
from hsba.record.context import new_id
from hsba.store import embedded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.record.context import Context

FORM = "01-BV1"
PART = "examination"
WARM = 5
BUDGET = {"open": 150, "first draft": 40, "draft": 40, "complete": 150}
"""Milliseconds at the server."""


async def measure(rounds: int) -> None:
    """One stay of the demo hospital, a new sheet of its cover each round."""
    home = stay()
    form = catalogue.forms()[FORM]
    part = form.part(PART)
    assert part is not None  # noqa: S101 - the cover has it
    given = answers(form, PART)
    took: dict[str, list[float]] = {name: [] for name in BUDGET}
    with tempfile.TemporaryDirectory(prefix="hsba-bench-") as folder:
        Path(folder).chmod(0o755)
        async with embedded.running(Path(folder) / "data") as database:
            await app.prepare(config.load({}), database.owner_dsn)
            async with app.opened(config.load({}, files=()), database.runtime_dsn, size=2) as house:

                async def do(work: Callable[[Context], Awaitable[Any]]) -> float:
                    begun = time.perf_counter()
                    async with house.pool.writing(house.tenants.get().id) as tx:
                        await work(house.context(tx=tx))
                    return (time.perf_counter() - begun) * 1000

                await do(home.save)
                for turn in range(rounds + WARM):
                    place = entries.Place(home.patient, home.encounter, form, new_id())
                    entry, session = place.entry(part), uuid4()

                    async def opened(ctx: Context, place: Any = place, entry: str = entry) -> None:
                        whole = await entries.sheet(ctx, place)
                        await entries.begun(ctx, place, part, entry, whole)

                    async def drafted(
                        ctx: Context, place: Any = place, entry: str = entry, session: Any = session
                    ) -> None:
                        await entries.keep(
                            ctx, place, part, entry, {"reason": f"Sốt cao {uuid4()}"}, session=session
                        )

                    async def completed(ctx: Context, place: Any = place, entry: str = entry) -> None:
                        await entries.complete(ctx, place, part, entry, given)

                    works = {"open": opened, "first draft": drafted, "draft": drafted, "complete": completed}
                    for name, work in works.items():
                        lasted = await do(work)
                        if turn >= WARM:
                            took[name].append(lasted)
    print(f"{form.code} {PART}: {len(given)} answers")
    for name, all_ in took.items():
        middle, late = statistics.median(all_), sorted(all_)[int(len(all_) * 0.95) - 1]
        print(f"{name:12} {middle:7.1f} ms median {late:7.1f} ms 95 % (budget {BUDGET[name]} ms)")
    print(plain.dumps({name: round(statistics.median(all_), 1) for name, all_ in took.items()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    asyncio.run(measure(parser.parse_args().rounds))
