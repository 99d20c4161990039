"""What the columns of a table mean, told by a small TOML file: columns by their headings or their numbers.

Files for the ministry's usual layouts come with the program (definitions/vn.moh.codes/columns); a hospital writes its own.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hsba.fhir.problems import Unprocessable
from hsba.terminology.words import folded

SHIPPED = Path(__file__).parents[2] / "definitions" / "vn.moh.codes" / "columns"
PARTS = ("code", "display", "parent", "from", "to", "successor", "english")
KEYS = frozenset({
    "system", "title", "version", "source", "from", "partial", "flags", "not_flags", "columns", "properties", "sheet",
    "digits", "marks", "tree", "corrections", "optional",
})  # fmt: skip

Column = str | int
Columns = tuple[Column, ...]
"""A column by its heading, or by its number from 1; of several, the first that is there."""


class BadMapping(Unprocessable):
    """The mapping file does not say what the columns mean; nothing was loaded."""

    vi = "Tệp ánh xạ cột chưa đúng; danh mục giữ nguyên."


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of a file are, and what is the same for the whole file."""

    system: str
    title: str
    version: str
    source: str
    since: date | None
    columns: dict[str, Columns]
    """A part of a concept (code, display, parent, from, to, successor, english) by its column."""
    properties: dict[str, Columns]
    """A property by its column."""
    flags: frozenset[str] = frozenset()
    """Properties that are yes where anything stands in the column."""
    not_flags: frozenset[str] = frozenset()
    """Properties that are no where anything stands in the column."""
    partial: bool = False
    """Whether codes that the file lacks stay as they are."""
    sheet: str = ""
    digits: int = 0
    """How many digits a code has, so that a leading zero that a spreadsheet lost is put back."""
    marks: str = ""
    """Letters at the end of a code that are no part of it: † and * of ICD-10; kept as the property `mark`."""
    tree: bool = False
    """Whether a code lies below the longest other code that it begins with."""
    optional: bool = False
    """Whether columns other than those of code and display may be missing."""
    corrections: dict[str, str] = field(default_factory=dict)
    """Codes that are known to be mistyped in the published file, and what they are."""


def mapping(path: Path, canonical: str) -> Mapping:
    """Read a mapping file (docs/how-to/code-lists.md)."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as exc:
        raise BadMapping(f"{path.name}: {exc}") from exc
    unknown = sorted(set(told) - KEYS)
    if unknown:
        raise BadMapping(
            f"{path.name}: unknown {', '.join(unknown)}.", vi=f"{path.name}: không hiểu {', '.join(unknown)}."
        )
    system = told.get("system", "")
    columns = _columns(path, "columns", told.get("columns", {}))
    if not system or set(columns) - set(PARTS) or not {"code", "display"} <= columns.keys():
        raise BadMapping(
            f"It names system, and columns.code and columns.display; columns are {', '.join(PARTS)}.",
            vi=f"Cần system, columns.code và columns.display; các cột là {', '.join(PARTS)}.",
        )
    since = told.get("from")
    if since is not None and (not isinstance(since, date) or isinstance(since, datetime)):
        raise BadMapping("from is a date (2026-01-01).", vi="from là một ngày (2026-01-01).")
    return Mapping(
        address(system, canonical),
        told.get("title", ""),
        str(told.get("version", "")),
        told.get("source", ""),
        since,
        columns,
        _columns(path, "properties", told.get("properties", {})),
        frozenset(told.get("flags", ())),
        frozenset(told.get("not_flags", ())),
        bool(told.get("partial", False)),
        told.get("sheet", ""),
        int(told.get("digits", 0)),
        told.get("marks", ""),
        bool(told.get("tree", False)),
        bool(told.get("optional", False)),
        dict(told.get("corrections", {})),
    )


def _columns(path: Path, name: str, told: Any) -> dict[str, Columns]:
    """Columns by their names: a heading, a number, or a list of them."""
    found: dict[str, Columns] = {}
    for part, given in told.items() if isinstance(told, dict) else ():
        some = given if isinstance(given, list) else [given]
        if not some or not all(
            (isinstance(one, str) and one.strip()) or (isinstance(one, int) and one > 0) for one in some
        ):
            raise BadMapping(
                f"{path.name}: {name}.{part} is a heading, the number of a column, or a list of these.",
                vi=f"{path.name}: {name}.{part} là tiêu đề cột, số thứ tự cột, hoặc danh sách các tiêu đề.",
            )
        found[part] = tuple(some)
    return found


def address(system: str, canonical: str) -> str:
    """The address of a list that may be told by its short name: vn-icd10-cs."""
    if "://" in system or system.startswith("urn:"):
        return system
    return f"{canonical}/CodeSystem/{system}"


def shipped() -> list[str]:
    """The names of the mappings that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def named(name: str, canonical: str) -> Mapping:
    """A mapping by the name of one that comes with the program, or by its file."""
    path = SHIPPED / f"{name}.toml"
    return mapping(path if name in shipped() else Path(name), canonical)


def heading(text: str) -> str:
    """A heading as it is compared: without accents, case and signs."""
    return folded(text)
