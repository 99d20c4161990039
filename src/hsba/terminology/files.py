"""The one door for lists that come as files: finds out what a file is, and loads it, or says what would change."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from typing import TYPE_CHECKING

from hsba.terminology import loads
from hsba.terminology.loads import BadFile, File
from hsba.terminology.sources import fhir_package, loinc, snomed, table
from hsba.terminology.sources.archive import Release
from hsba.terminology.sources.mapping import BadMapping, Mapping, named, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection
    from hsba.terminology.loads import Done, Part

KINDS = ("fhir", "loinc", "snomed")
"""Files that say themselves what they are; every other one is a table and needs a mapping."""
TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")


def recognised(path: Path, told: str = "", canonical: str = "") -> str | Mapping:
    """What a file is: one of KINDS, or the mapping of a table; `told` names a kind, a mapping of the program, or its file."""
    if told in KINDS:
        return told
    if told:
        return named(told, canonical)
    if path.name.endswith((".tgz", ".tar.gz", ".json")):
        return "fhir"
    if path.is_dir() or (zipfile.is_zipfile(path) and path.suffix.lower() == ".zip"):
        release = Release(path)
        for kind, module in (("snomed", snomed), ("loinc", loinc)):
            if module.recognised(release):
                return kind
    if path.suffix.lower() in TABLES:
        raise BadMapping(
            f"{path.name} is a table: say what its columns mean (--as FILE.toml, or one of {', '.join(shipped())}).",
            vi=f"{path.name} là bảng: hãy cho biết ý nghĩa các cột (--as TỆP.toml, hoặc một trong {', '.join(shipped())}).",
        )
    raise BadFile(
        f"{path.name} is neither a FHIR package, nor a SNOMED CT or LOINC release, nor a table (CSV, XLSX).",
        vi=f"{path.name} không phải gói FHIR, bản phát hành SNOMED CT, LOINC, hay bảng (CSV, XLSX).",
    )


async def load(
    tx: Connection,
    definitions: Definitions,
    path: Path,
    of: str | Mapping,
    *,
    account: str,
    today: date,
    version: str = "",
    tenant: int = 0,
    dry: bool = False,
    note: Callable[[str, int], None] = lambda _list, _codes: None,
) -> Done:
    """Load a file whole or not at all; with `dry` only say what would change."""
    if not path.exists():
        raise BadFile(f"There is no {path}.", vi=f"Không có tệp {path}.")
    parts: Iterable[Part]
    if isinstance(of, Mapping):
        parts, kind = [table.read(path, of)], "table"
    elif of == "fhir":
        parts, kind = fhir_package.read(path), of
    elif of == "loinc":
        parts, kind = loinc.read(path, version), of
    else:
        parts, kind = snomed.read(tx, path, version), of
    digest = await asyncio.to_thread(_digest, path)
    return await loads.load(
        tx, definitions, File(path.name, kind, digest), parts, account=account, today=today, tenant=tenant, dry=dry,
        note=note,
    )  # fmt: skip


def _digest(path: Path) -> bytes:
    """The hash of a file; of a folder, of its files' names and sizes."""
    if path.is_dir():
        told = sorted(
            f"{one.relative_to(path)} {one.stat().st_size}" for one in path.rglob("*") if one.is_file()
        )
        return hashlib.sha256("\n".join(told).encode()).digest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
