"""A SNOMED CT release in RF2 (a folder or zip), snapshot or full: concepts, names in Vietnamese and English, the is-a tree.

The files go as they are into tables of the database and are put together there, so that a million concepts need no
memory here.  (SNOMED CT Release File Specification, doc.ihtsdotools.org/display/DOCRELFMT.)
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from hsba.terminology.load import Entry
from hsba.terminology.loads import Arriving, BadFile
from hsba.terminology.sources.archive import Release

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from hsba.store.pool import Connection

SYSTEM = "http://snomed.info/sct"
INTERNATIONAL = "900000000000207008"
FULLY_SPECIFIED = 900000000000003001
USE = {"system": SYSTEM, "code": str(FULLY_SPECIFIED), "display": "Fully specified name"}
BATCH = 5000

FILES = (
    ("rf2_concept", r"^x?sct2_Concept_{kind}_.*\.txt$"),
    ("rf2_description", r"^x?sct2_Description_{kind}[-_].*\.txt$"),
    ("rf2_relationship", r"^x?sct2_Relationship_{kind}_.*\.txt$"),
    ("rf2_member", r"^x?der2_cRefset_(Language|Association){kind}[-_].*\.txt$"),
)
"""The tables and the names of the files that go into them."""
NEEDED = 2
"""The first of these without which there is no list."""

LATEST = "(SELECT DISTINCT ON (id) * FROM reference.{table} ORDER BY id, time DESC)"
"""The last state of each line of a full release; a snapshot has no other."""

STATES = {
    "Snapshot": "SELECT id, NULL::integer AS since, CASE active WHEN 0 THEN time END AS until FROM reference.rf2_concept",
    "Full": (
        "SELECT id, CASE active WHEN 1 THEN time END AS since, CASE active WHEN 1 THEN next ELSE time END AS until FROM ("
        " SELECT id, time, active, lead(time) OVER of AS next, count(*) OVER (PARTITION BY id) AS states FROM ("
        "  SELECT id, time, active, lag(active) OVER (PARTITION BY id ORDER BY time) AS before"
        "  FROM reference.rf2_concept) t WHERE active IS DISTINCT FROM before"
        " WINDOW of AS (PARTITION BY id ORDER BY time)) s WHERE active = 1 OR states = 1"
    ),
}
"""The days of each concept: the first day it was right, and the first day it was not."""

TOGETHER = """
SELECT s.id, s.since, s.until, n.languages, n.terms, n.full_names, p.parents, t.targets FROM ({states}) s
LEFT JOIN (
  SELECT concept, array_agg(language ORDER BY rank, term) AS languages, array_agg(term ORDER BY rank, term) AS terms,
         array_agg(full_name ORDER BY rank, term) AS full_names
  FROM (SELECT d.concept, d.language, d.term, d.type = 900000000000003001 AS full_name,
          CASE WHEN d.type = 900000000000003001 THEN 6 ELSE 0 END + CASE d.language WHEN 'vi' THEN 0 ELSE 3 END
          + CASE WHEN m.preferred THEN 0 ELSE 1 END AS rank
        FROM {descriptions} d LEFT JOIN (
          SELECT component, bool_or(target = 900000000000548007) AS preferred FROM {members} r WHERE active = 1
          GROUP BY component) m ON m.component = d.id
        WHERE d.active = 1) w GROUP BY concept) n ON n.concept = s.id
LEFT JOIN (
  SELECT source, array_agg(DISTINCT destination::text) AS parents FROM {relationships} r
  WHERE active = 1 AND type = 116680003 GROUP BY source) p ON p.source = s.id
LEFT JOIN (
  SELECT component, string_agg(target::text, ' ' ORDER BY target) AS targets FROM {members} r WHERE active = 1
  AND refset IN (900000000000523009, 900000000000526001, 900000000000527005) GROUP BY component) t ON t.component = s.id
ORDER BY s.id, s.since
"""
"""Every concept with its names, the likeliest first, the concepts above it, and those that took its place."""


def recognised(release: Release) -> bool:
    """Whether these files are a SNOMED CT release."""
    return bool(release.named(r"^x?sct2_Concept_(Snapshot|Full)_.*\.txt$"))


def read(tx: Connection, path: Path, version: str = "") -> Iterator[Arriving]:
    """The one list of the release."""
    release = Release(path)
    kind = "Snapshot" if release.named(r"^x?sct2_Concept_Snapshot_") else "Full"
    (concepts, *_) = release.named(FILES[0][1].format(kind=kind))
    told = re.search(r"(\d{8})(?:T\d+Z?)?\.txt$", concepts)
    released = _day(int(told[1]), concepts) if told else None
    vietnamese = bool(release.named(rf"^x?sct2_Description_{kind}-vi"))
    yield Arriving(
        SYSTEM,
        _entries(tx, release, kind),
        title="SNOMED CT",
        version=version or (f"{SYSTEM}/{INTERNATIONAL}/version/{told[1]}" if told else ""),
        source="SNOMED International, snomed.org/snomed-ct",
        language="vi" if vietnamese else "en",
        released=released,
        folds=False,
    )


async def _entries(tx: Connection, release: Release, kind: str) -> AsyncIterator[list[Entry]]:
    for place, (table, pattern) in enumerate(FILES):
        await tx.execute(f"TRUNCATE reference.{table}")
        names = release.named(pattern.format(kind=kind))
        if not names and place < NEEDED:
            raise BadFile(f"{release.path.name} has no file {pattern.format(kind=kind)}.")
        for name in names:
            await _copy(tx, release, name, table)
    latest = {
        "descriptions": "rf2_description", "relationships": "rf2_relationship", "members": "rf2_member",
    }  # fmt: skip
    sources = {
        name: LATEST.format(table=table) if kind == "Full" else f"reference.{table}"
        for name, table in latest.items()
    }
    together = TOGETHER.format(states=STATES[kind], **sources)
    await tx.execute(f"DECLARE together NO SCROLL CURSOR FOR {together}")
    while rows := await tx.fetch(f"FETCH {BATCH} FROM together"):
        yield [_entry(row) for row in rows]
    await tx.execute("CLOSE together")
    for table, _ in FILES:
        await tx.execute(f"TRUNCATE reference.{table}")


async def _copy(tx: Connection, release: Release, name: str, table: str) -> None:
    """Put a file into its table; a line that does not fit is refused with its number."""
    try:
        with release.open(name) as file:
            await tx.copy_to_table(
                table,
                source=file,
                schema_name="reference",
                format="csv",
                delimiter="\t",
                quote="\b",
                header=True,
            )
    except asyncpg.DataError as exc:
        where = (getattr(exc, "context", "") or "").partition("\n")[0]
        raise BadFile(
            f"{name}: {exc.args[0]} ({where}).", vi=f"{name}: dòng không đọc được ({where})."
        ) from exc


def _entry(row: Any) -> Entry:
    """A concept; one without a name is shown by its number."""
    names = list(zip(row["languages"] or (), row["terms"] or (), row["full_names"] or (), strict=True))
    parents = sorted(row["parents"] or (), key=int)
    designations = [
        {"language": language, **({"use": USE} if full else {}), "value": term}
        for language, term, full in names[1:]
    ]
    return Entry(
        str(row["id"]),
        names[0][1] if names else str(row["id"]),
        parents[0] if parents else "",
        _day(row["since"], "effectiveTime") if row["since"] else None,
        _day(row["until"], "effectiveTime") - timedelta(days=1) if row["until"] else date.max,
        row["targets"] or "",
        also=tuple(parents[1:]),
        designations=designations,
    )


def _day(number: int, where: str) -> date:
    """A day as RF2 writes it: 20260131."""
    try:
        return date(number // 10000, number // 100 % 100, number % 100)
    except ValueError:
        raise BadFile(f"{where}: {number} is no day.", vi=f"{where}: {number} không phải là ngày.") from None
