"""What paper costs: a filled four-page cover, a dossier of 200 pages, and pages per second with memory, in one warm process.

Usage: scripts/bench forms [--rounds 60] [--pages 2000]
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

os.environ["RAYON_NUM_THREADS"] = "1"  # as the press has it

from hsba.documents.order import Order
from hsba.documents.render import render
from hsba.forms import catalogue, paper
from hsba.forms.paper import Written

if TYPE_CHECKING:
    from hsba.forms.model import Form, Item

COVER = "01-BV1"
PAGES = 4
DOSSIER = 50
SENTENCE = (
    "bệnh nhân sốt cao ho khan đau ngực phải khó thở nhẹ không nôn ăn kém tiểu thường tỉnh tiếp xúc tốt"
)
WORDS = SENTENCE.split()
BARS = {"cover_ms": 30, "dossier_s": 4, "pages_per_s": 20}


def main(options: argparse.Namespace) -> None:
    """Measure, and say each figure beside its bar."""
    chance = random.Random(7)
    form = catalogue.forms()[COVER]
    _print([sheet(form, chance)])
    covers = [_timed([sheet(form, chance)]) for _ in range(options.rounds)]
    print(f"cover, {PAGES} pages: {statistics.median(covers) * 1000:.0f} ms (bar {BARS['cover_ms']})")
    dossier = _timed([sheet(form, chance) for _ in range(DOSSIER)])
    print(f"dossier, {DOSSIER * PAGES} pages: {dossier:.2f} s (bar {BARS['dossier_s']})")
    before, started = _memory(), time.perf_counter()
    for _ in range(options.pages // PAGES):
        _print([sheet(form, chance)])
    rate = options.pages / (time.perf_counter() - started)
    print(
        f"{options.pages} pages: {rate:.0f} pages/s (bar {BARS['pages_per_s']}); {before} MB, then {_memory()} MB"
    )


def sheet(form: Form, chance: random.Random) -> paper.Node:
    """The cover with other answers each time, so that nothing drawn before is of use."""
    answers = {item.id: made for item in form.walk() if (made := _answer(item, chance)) is not None}
    return paper.lay(form, {part.id: [Written(answers, "BS. Trần Thị Mẫu")] for part in form.parts})


def _answer(item: Item, chance: random.Random) -> Any:
    match item.kind:
        case "long":
            return " ".join(chance.choices(WORDS, k=chance.randint(10, 60)))
        case "text":
            return " ".join(chance.choices(WORDS, k=3))
        case "integer":
            return chance.randint(1, 9)
        case "one":
            return chance.choice(item.options).code
        case "icd":
            return {"code": "J18.9", "display": " ".join(chance.choices(WORDS, k=5))}
        case "date":
            return f"2026-11-{chance.randint(1, 28):02}"
        case "datetime":
            return f"2026-11-{chance.randint(1, 28):02}T07:45:00+07:00"
        case _:
            return None


def _print(sheets: list[paper.Node]) -> bytes:
    return render(Order(tuple(sheets), datetime.now(UTC), "Hồ sơ bệnh án", contents=len(sheets) > 1))


def _timed(sheets: list[paper.Node]) -> float:
    started = time.perf_counter()
    _print(sheets)
    return time.perf_counter() - started


def _memory() -> int:
    """Megabytes at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rounds", type=int, default=60)
parser.add_argument("--pages", type=int, default=2000)
main(parser.parse_args())
