"""The long code lists that come with the program (ICD-10 VN, communes …), one line per concept.

A CodeSystem resource of many thousand concepts would cost every process its memory; these lists are compressed
tables beside the package, streamed by whoever fills the terminology tables or needs a few names.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent / "definitions" / "hsba.core" / "lists"


@dataclass(frozen=True, slots=True)
class Concept:
    """One line of a code list: the code, its Vietnamese name, the code above it, and what else the list tells."""

    code: str
    display: str
    parent: str
    extra: dict[str, str]


def names(folder: Path = FOLDER) -> list[str]:
    """The code lists at hand; each is named as its CodeSystem: `vn-icd10-cs`."""
    return sorted(path.name.removesuffix(".csv.zst") for path in folder.glob("*.csv.zst"))


def read(name: str, folder: Path = FOLDER) -> Iterator[Concept]:
    """Stream a list in its own order; parents stand before their children."""
    with (folder / f"{name}.csv.zst").open("rb") as packed:
        stream = zstandard.ZstdDecompressor().stream_reader(packed)
        for row in csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline="")):
            yield Concept(row.pop("code"), row.pop("display"), row.pop("parent"), row)
