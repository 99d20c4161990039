"""A hospital's own list from a CSV file in whatever columns a ministry gives it, told by a mapping file.

The whole file is read and judged before anything changes; a broken row is refused with its row and column.  A code that
the file lacks is ended, never removed, for records use it.  What stood there before is kept with the load, so that the
last load can be undone.
"""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import NotFound, Unprocessable
from hsba.terminology import load as lists
from hsba.terminology.load import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection

Raw = dict[str, Any]

FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d")
MOST_FAULTS = 20
PARTS = ("code", "display", "parent", "from", "to", "successor", "english")
COLUMNS = (
    "code, valid_from, valid_to, display, designations, properties, parent, place, abstract, successor, load, plain,"
    " folded, array_to_string(tsvector_to_array(words), ' ') AS words"
)


class BadFile(Unprocessable):
    """The file cannot be loaded as it is; nothing was loaded."""

    vi = "Chưa nạp được tệp; danh mục giữ nguyên."


class BadMapping(Unprocessable):
    """The mapping file does not say what the columns mean; nothing was loaded."""

    vi = "Tệp ánh xạ cột chưa đúng; danh mục giữ nguyên."


class NothingToUndo(NotFound):
    """No load of this list is left that could be undone."""

    vi = "Không còn lần nạp nào của danh mục này để hoàn tác."


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of a file are, by their headings, and what is the same for the whole file."""

    system: str
    title: str
    version: str
    source: str
    since: date | None
    columns: dict[str, str]
    """A part of a concept (code, display, parent, from, to, successor, english) by the heading of its column."""
    properties: dict[str, str]
    """A property by the heading of its column."""
    flags: frozenset[str]
    """Properties that are yes where anything stands in the column."""
    partial: bool
    """Whether codes that the file lacks stay as they are."""


@dataclass(slots=True)
class Report:
    """What a load changed, or would change."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    same: int = 0
    load: int | None = None


def mapping(path: Path, canonical: str) -> Mapping:
    """Read a mapping file (docs/how-to/code-lists.md)."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise BadMapping(f"{path.name}: {exc}") from exc
    columns, system = told.get("columns", {}), told.get("system", "")
    unknown = sorted(set(columns) - set(PARTS))
    if not system or unknown or not {"code", "display"} <= columns.keys():
        raise BadMapping(
            f"It names system, and columns.code and columns.display; columns are {', '.join(PARTS)}.",
            vi=f"Cần system, columns.code và columns.display; các cột là {', '.join(PARTS)}.",
        )
    since = told.get("from")
    if since is not None and not isinstance(since, date):
        raise BadMapping("from is a date (2026-01-01).", vi="from là một ngày (2026-01-01).")
    return Mapping(
        address(system, canonical),
        told.get("title", ""),
        str(told.get("version", "")),
        told.get("source", ""),
        since,
        columns,
        told.get("properties", {}),
        frozenset(told.get("flags", ())),
        bool(told.get("partial", False)),
    )


def address(system: str, canonical: str) -> str:
    """The address of a list that may be told by its short name: vn-icd10-cs."""
    if "://" in system or system.startswith("urn:"):
        return system
    return f"{canonical}/CodeSystem/{system}"


def read(path: Path, of: Mapping) -> list[Entry]:
    """Every row of a file as a concept; all faults are told at once, each with its row and column."""
    found: dict[str, Entry] = {}
    rows = _csv(path)
    first = next(rows, None)
    if first is None:
        raise BadFile(f"{path.name} is empty.", vi=f"{path.name} trống.")
    headings = {heading.strip(): place for place, heading in enumerate(first[1])}
    faults = [
        (first[0], heading, "is missing", "không có")
        for heading in (*of.columns.values(), *of.properties.values())
        if heading not in headings
    ]
    if faults:
        raise _told(path, faults)
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue

        def cell(heading: str | None, cells: list[str] = cells) -> str:
            place = headings.get(heading or "", len(cells))
            return " ".join(cells[place].split()) if place < len(cells) else ""

        code, display = cell(of.columns["code"]), cell(of.columns["display"])
        for part, value in (("code", code), ("display", display)):
            if not value:
                faults.append((number, of.columns[part], "is empty", "bị trống"))
        if code in found:
            faults.append((number, of.columns["code"], f"{code} stands there twice", f"mã {code} bị lặp"))
        days: list[date | None] = []
        for part in ("from", "to"):
            text = cell(of.columns.get(part))
            days.append(_day(text))
            if text and days[-1] is None:
                faults.append(
                    (number, of.columns[part], f"{text!r} is no day", f"{text!r} không phải là ngày")
                )
        properties: Raw = {}
        for name, heading in of.properties.items():
            value = cell(heading)
            if name in of.flags:
                properties[name] = value.lower() not in ("", "0", "không", "false", "n")
            elif value:
                properties[name] = value
        english = cell(of.columns.get("english"))
        found[code] = Entry(
            code,
            display,
            cell(of.columns.get("parent")),
            days[0] or of.since or date.min,
            days[1] or date.max,
            cell(of.columns.get("successor")).replace(",", " "),
            designations=[{"language": "en", "value": english}] if english else [],
            properties=properties,
        )
        if days[0] and days[1] and days[0] > days[1]:
            faults.append((number, of.columns["to"], "is before the first day", "trước ngày bắt đầu"))
        if len(faults) > MOST_FAULTS:
            break
    if faults:
        raise _told(path, faults)
    if not found:
        raise BadFile(f"{path.name} has no row.", vi=f"{path.name} không có dòng nào.")
    return list(found.values())


def _told(path: Path, faults: list[tuple[int, str, str, str]]) -> BadFile:
    some = faults[:MOST_FAULTS]
    more = " …" if len(faults) > MOST_FAULTS else ""
    return BadFile(
        f"{path.name}: "
        + "; ".join(f"row {row}, column “{column}” {en}" for row, column, en, _ in some)
        + more,
        vi=f"{path.name}: "
        + "; ".join(f"dòng {row}, cột “{column}” {vi}" for row, column, _, vi in some)
        + more,
    )


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with their numbers; the separator is the one its first line has most of."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=line.count), strict=True)
            for cells in reader:
                yield reader.line_num, cells
    except (UnicodeDecodeError, csv.Error) as exc:
        raise BadFile(f"{path.name}: {exc}") from exc


def _day(text: str) -> date | None:
    for form in FORMS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


# --- into the tables ---------------------------------------------------------------------------------------


async def load(
    tx: Connection,
    definitions: Definitions,
    path: Path,
    of: Mapping,
    *,
    account: str,
    today: date,
    dry: bool = False,
) -> Report:
    """Load a file into a list, in one transaction; with `dry` only say what would change."""
    entries = read(path, of)
    async with tx.transaction():
        await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        system = await _number(tx, of.system, make=not dry)
        stored = await tx.fetch(
            f"SELECT {COLUMNS} FROM reference.concept WHERE system = $1 AND tenant = 0 ORDER BY code, valid_from",
            system,
        )
        report, fresh, touched = _compare(entries, stored, of, today)
        if dry:
            return report
        before = {
            "list": await tx.fetchval(
                "SELECT to_jsonb(l) FROM reference.code_list l WHERE system = $1 AND tenant = 0", system
            ),
            "concepts": [_kept(row) for row in stored if row["code"] in touched],
            "codes": sorted(touched | {one.code for one in fresh}),
        }
        report.load = await tx.fetchval(
            "INSERT INTO reference.code_load (system, file, sha256, account, added, changed, ended, before)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb) RETURNING id",
            system,
            path.name,
            hashlib.sha256(path.read_bytes()).digest(),
            account,
            len(report.added),
            len(report.changed),
            len(report.ended),
            json.dumps(before, ensure_ascii=False),
        )
        await tx.execute(
            "INSERT INTO reference.code_list (system, title, version, source, language)"
            " VALUES ($1, $2, $3, $4, 'vi') ON CONFLICT (system, tenant) DO UPDATE SET"
            " title = coalesce(nullif(excluded.title, ''), code_list.title),"
            " version = coalesce(nullif(excluded.version, ''), code_list.version),"
            " source = coalesce(nullif(excluded.source, ''), code_list.source)",
            system,
            of.title,
            of.version,
            of.source,
        )
        # A code that means something else from now on keeps its old row until the day before.
        changed_on = of.since or today
        await tx.execute(
            "UPDATE reference.concept SET valid_to = $3, load = $4 WHERE system = $1 AND tenant = 0"
            " AND code = ANY($2::text[]) AND valid_to > $3 AND valid_from <= $3",
            system,
            report.ended,
            changed_on - timedelta(days=1),
            report.load,
        )
        await tx.execute(
            "DELETE FROM reference.concept c USING unnest($2::text[], $3::date[]) AS w(code, since)"
            " WHERE c.system = $1 AND c.tenant = 0 AND c.code = w.code AND c.valid_from = w.since",
            system,
            [one.code for one in fresh],
            [one.since for one in fresh],
        )
        await lists.insert(tx, system, 0, report.load, fresh)
        await lists.whole_lists(tx, definitions)
    return report


LOCK = 0x434F4445


def _compare(
    entries: list[Entry], stored: list[Any], of: Mapping, today: date
) -> tuple[Report, list[Entry], set[str]]:
    """What the file changes: the report, the rows to write, and the codes whose rows are touched."""
    now = {row["code"]: row for row in stored}  # the last row of each code
    report, fresh, touched = Report(), [], set()
    for one in entries:
        row = now.get(one.code)
        if row is None:
            report.added.append(one.code)
            fresh.append(one)
        elif _differs(one, row, of):
            report.changed.append(one.code)
            touched.add(one.code)
            one.since = row["valid_from"] if "from" not in of.columns else one.since
            fresh.append(one)
        else:
            report.same += 1
    if not of.partial:
        given = {one.code for one in entries}
        report.ended = [
            row["code"]
            for row in now.values()
            if row["code"] not in given
            and not row["abstract"]
            and row["valid_to"] >= (of.since or today)
            and row["valid_from"] < (of.since or today)
        ]
        touched.update(report.ended)
    return report, fresh, touched


def _differs(one: Entry, row: Any, of: Mapping) -> bool:
    """Whether a row of the file says something else than the table, in what the file tells."""
    pairs = [(one.display, row["display"]), (one.until, row["valid_to"])]
    if "from" in of.columns:
        pairs.append((one.since, row["valid_from"]))
    pairs += [(getattr(one, part), row[part]) for part in ("parent", "successor") if part in of.columns]
    if any(new != old for new, old in pairs):
        return True
    known = json.loads(row["properties"])
    if any(known.get(name) != value for name, value in one.properties.items()):
        return True
    return "english" in of.columns and one.designations != json.loads(row["designations"])


def _kept(row: Any) -> Raw:
    """A row as it is kept for an undo."""
    kept = dict(row)
    kept["valid_from"], kept["valid_to"] = row["valid_from"].isoformat(), row["valid_to"].isoformat()
    return kept


async def undo(tx: Connection, definitions: Definitions, system: str) -> Raw:
    """Bring a list back to what it was before the last load; answers which load that was."""
    async with tx.transaction():
        await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        number = await _number(tx, system, make=False)
        last = await tx.fetchrow(
            "SELECT id, file, before FROM reference.code_load WHERE system = $1 AND undone IS NULL"
            " ORDER BY id DESC LIMIT 1",
            number,
        )
        if last is None:
            raise NothingToUndo(system)
        before = json.loads(last["before"])
        await tx.execute(
            "DELETE FROM reference.concept WHERE system = $1 AND tenant = 0 AND code = ANY($2::text[])",
            number,
            before["codes"],
        )
        rows = before["concepts"]
        await tx.execute(
            "INSERT INTO reference.concept (system, tenant, code, valid_from, valid_to, display, designations, properties,"
            " parent, place, abstract, successor, load, plain, folded, words)"
            " SELECT $1, 0, w.code, w.valid_from, w.valid_to, w.display, w.designations::jsonb, w.properties::jsonb,"
            " w.parent, w.place, w.abstract, w.successor, w.load, w.plain, w.folded,"
            " array_to_tsvector(string_to_array(w.words, ' '))"
            " FROM unnest($2::text[], $3::date[], $4::date[], $5::text[], $6::text[], $7::text[], $8::text[],"
            " $9::integer[], $10::boolean[], $11::text[], $12::integer[], $13::text[], $14::text[], $15::text[])"
            " AS w(code, valid_from, valid_to, display, designations, properties, parent, place, abstract, successor,"
            " load, plain, folded, words)",
            number,
            *(
                [
                    date.fromisoformat(row[name]) if name in ("valid_from", "valid_to") else row[name]
                    for row in rows
                ]
                for name in (
                    "code", "valid_from", "valid_to", "display", "designations", "properties", "parent", "place",
                    "abstract", "successor", "load", "plain", "folded", "words",
                )
            ),
        )  # fmt: skip
        if before["list"] is None:
            await tx.execute("DELETE FROM reference.code_list WHERE system = $1 AND tenant = 0", number)
        else:
            was = json.loads(before["list"])
            await tx.execute(
                "UPDATE reference.code_list SET title = $2, version = $3, source = $4 WHERE system = $1 AND tenant = 0",
                number,
                was["title"],
                was["version"],
                was["source"],
            )
        gone = await tx.fetch(
            "SELECT w.code FROM unnest($2::text[]) AS w(code) WHERE NOT EXISTS"
            " (SELECT FROM reference.concept c WHERE c.system = $1 AND c.code = w.code)",
            number,
            before["codes"],
        )
        codes = [row[0] for row in gone]
        for table in ("value_set_member", "concept_ancestor"):
            await tx.execute(
                f"DELETE FROM reference.{table} WHERE system = $1 AND code = ANY($2::text[])", number, codes
            )
        await lists.whole_lists(tx, definitions)
        await tx.execute("UPDATE reference.code_load SET undone = now() WHERE id = $1", last["id"])
    return {"load": last["id"], "file": last["file"], "codes": len(before["codes"])}


async def _number(tx: Connection, url: str, *, make: bool) -> int:
    """The number of a system; 0, which has no codes, for a new one that is not to be made."""
    if make:
        return await lists.system_number(tx, url)
    number: int | None = await tx.fetchval("SELECT id FROM reference.system WHERE uri = $1", url)
    return number or 0
