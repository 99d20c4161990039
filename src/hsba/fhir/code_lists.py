"""The long code lists and maps that come with the program (ICD-10 VN, communes, techniques …), one line per concept.

A CodeSystem resource of many thousand concepts would cost every process its memory; these lists are compressed
tables beside the package, streamed by whoever fills the terminology tables or needs a few names.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent / "definitions" / "vn.moh.codes" / "lists"
MAPS = FOLDER.parent / "maps"
SYNONYMS = FOLDER.parent / "source" / "synonyms.csv"


@dataclass(frozen=True, slots=True)
class Concept:
    """One line of a code list: the code, its Vietnamese name, the code above it, its days, and what else is told."""

    code: str
    display: str
    parent: str
    extra: dict[str, str]
    """Columns of the list's own, by their names as properties."""
    since: date = date.min
    until: date = date.max
    """The last day on which the code means this."""
    successor: str = ""
    """The codes that took its place, apart by spaces."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """One line of a map: a code, what it is in the other list, and how near the two are."""

    source: str
    target: str
    equivalence: str
    comment: str


def names(folder: Path = FOLDER) -> list[str]:
    """The code lists at hand; each is named as its CodeSystem: `vn-icd10-cs`."""
    return sorted(path.name.removesuffix(".csv.zst") for path in folder.glob("*.csv.zst"))


def read(name: str, folder: Path = FOLDER) -> Iterator[Concept]:
    """Stream a list in its own order; parents stand before their children, what has ended before what took its place."""
    for row in rows(folder / f"{name}.csv.zst"):
        code, display, parent = row.pop("code"), row.pop("display"), row.pop("parent")
        since, until = row.pop("from", ""), row.pop("to", "")
        yield Concept(
            code,
            display,
            parent,
            successor=row.pop("successor", ""),
            since=date.fromisoformat(since) if since else date.min,
            until=date.fromisoformat(until) if until else date.max,
            extra=row,
        )


def current(name: str) -> Iterator[Concept]:
    """The concepts of a list that have not ended."""
    return (one for one in read(name) if one.until == date.max)


def read_map(name: str, folder: Path = MAPS) -> Iterator[Mapped]:
    """Stream the lines of a map, named as its ConceptMap."""
    for row in rows(folder / f"{name}.csv.zst"):
        yield Mapped(row["source"], row["target"], row["equivalence"], row["comment"])


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Stream the rows of a packed table."""
    with path.open("rb") as packed:
        stream = zstandard.ZstdDecompressor().stream_reader(packed)
        yield from csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
