"""A LOINC distribution (a folder or zip): Loinc.csv, names in Vietnamese, what took a code's place, and the hierarchy."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from hsba.terminology.load import Entry
from hsba.terminology.loads import Arriving, BadFile
from hsba.terminology.sources.archive import Release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYSTEM = "http://loinc.org"
CODE = re.compile(r"[0-9]{1,7}-[0-9]")
PART = re.compile(r"L[PA][0-9]+-[0-9]")
PROPERTIES = (
    "COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS", "STATUS", "ORDER_OBS",
    "VersionLastChanged", "EXAMPLE_UCUM_UNITS",
)  # fmt: skip
"""Columns that are told as properties, by LOINC's own names (loinc.org/fhir)."""


def recognised(release: Release) -> bool:
    """Whether these files are a LOINC distribution."""
    return bool(release.named(r"^Loinc\.csv$"))


def read(path: Path, version: str = "") -> Iterator[Arriving]:
    """The one list of the distribution."""
    release = Release(path)
    told = re.search(r"(\d+\.\d+)", path.name)
    vietnamese = release.named(r"^vi.*LinguisticVariant\.csv$")
    yield Arriving(
        SYSTEM,
        _entries(release, vietnamese),
        title="LOINC",
        version=version or (told[1] if told else ""),
        source="Regenstrief Institute, loinc.org/license",
        language="vi" if vietnamese else "en",
        folds=True,
    )


def _entries(release: Release, vietnamese: list[str]) -> Iterator[Entry]:
    names = {
        row["LOINC_NUM"]: row.get("LONG_COMMON_NAME") or row.get("LinguisticVariantDisplayName") or ""
        for file in vietnamese
        for _, row in _rows(release, file, "LOINC_NUM")
    }
    replaced: dict[str, list[str]] = {}
    for file in release.named(r"^MapTo\.csv$"):
        for _, row in _rows(release, file, "LOINC", "MAP_TO"):
            replaced.setdefault(row["LOINC"], []).append(row["MAP_TO"])
    parents: dict[str, list[str]] = {}
    for file in release.named(r"^ComponentHierarchyBySystem\.csv$"):
        for number, row in _rows(release, file, "CODE", "IMMEDIATE_PARENT", "CODE_TEXT"):
            above = parents.setdefault(row["CODE"], [])
            new = not above
            if row["IMMEDIATE_PARENT"] and row["IMMEDIATE_PARENT"] not in above:
                above.append(row["IMMEDIATE_PARENT"])
            if PART.fullmatch(row["CODE"]) and new:
                yield Entry(
                    row["CODE"], row["CODE_TEXT"] or row["CODE"], row["IMMEDIATE_PARENT"], abstract=True,
                    properties={"level": "part"},
                )  # fmt: skip
            elif not CODE.fullmatch(row["CODE"]) and not PART.fullmatch(row["CODE"]):
                raise _broken(file, number, "CODE", row["CODE"])
    (table,) = release.named(r"^Loinc\.csv$")[:1]
    for number, row in _rows(release, table, "LOINC_NUM", "LONG_COMMON_NAME", "STATUS"):
        code, name = row["LOINC_NUM"], row["LONG_COMMON_NAME"]
        if not CODE.fullmatch(code):
            raise _broken(table, number, "LOINC_NUM", code)
        if not name:
            raise _broken(table, number, "LONG_COMMON_NAME", name)
        own = names.get(code, "")
        others = [("en", name)] if own else []
        others += [("en", row[each]) for each in ("SHORTNAME", "DisplayName") if row.get(each)]
        above = parents.get(code, [])
        yield Entry(
            code,
            own or name,
            above[0] if above else "",
            successor=" ".join(replaced.get(code, ())),
            also=tuple(above[1:]),
            designations=[{"language": language, "value": value} for language, value in others],
            properties={each: row[each] for each in PROPERTIES if row.get(each)},
        )


def _rows(release: Release, name: str, *needed: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a file with their numbers, once it is seen that it has the columns."""
    try:
        with release.open(name) as binary:
            reader = csv.DictReader(io.TextIOWrapper(binary, encoding="utf-8-sig", newline=""), strict=True)
            for column in needed:
                if column not in (reader.fieldnames or ()):
                    raise BadFile(f"{name} has no column {column}.", vi=f"{name} không có cột {column}.")
            for row in reader:
                yield (
                    reader.line_num,
                    {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)},
                )
    except (UnicodeDecodeError, csv.Error) as exc:
        raise BadFile(f"{name}: {exc}") from exc


def _broken(name: str, row: int, column: str, value: str) -> BadFile:
    return BadFile(
        f"{name}: row {row}, column “{column}” is {value!r}.",
        vi=f"{name}: dòng {row}, cột “{column}” có giá trị {value!r} không hợp lệ.",
    )
