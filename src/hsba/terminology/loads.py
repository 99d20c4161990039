"""Brings what a file tells into the code lists, whole or not at all, and takes it back again.

A list is first laid beside the standing one and compared there by the database, so that a million codes need no memory
here.  A code that the file lacks is ended, never removed, for records use it.  What a load writes over is kept with it:
undoing takes away what the load wrote and puts back what stood there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Conflict, NotFound, Unprocessable
from hsba.terminology import load as lists
from hsba.terminology.words import mark, plain, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection
    from hsba.terminology.load import Entry

Raw = dict[str, Any]

LOCK = 0x434F4445
PLANS = {
    "plan_cache_mode": "force_custom_plan", "enable_seqscan": "on", "enable_hashjoin": "on", "enable_mergejoin": "on",
    "statement_timeout": "0", "work_mem": "'64MB'",
    "gin_pending_list_limit": "'64MB'",
}  # fmt: skip
"""How a load's statements are planned, unlike those of a door that go by key."""
SHOWN = 20
"""Codes of each kind of change that a report names."""
BATCH = 5000


class BadFile(Unprocessable):
    """The file cannot be loaded as it is; nothing was loaded."""

    vi = "Chưa nạp được tệp; danh mục giữ nguyên."


class NothingToUndo(NotFound):
    """No load of this list is left that could be undone."""

    vi = "Không còn lần nạp nào của danh mục này để hoàn tác."


class LaterLoad(Conflict):
    """A later load stands on this one; undo that first."""

    vi = "Có lần nạp sau dựa trên lần nạp này; hãy hoàn tác lần nạp sau trước."


@dataclass(slots=True)
class Arriving:
    """A list as a file tells it."""

    url: str
    entries: Iterable[Entry] | AsyncIterator[list[Entry]]
    title: str = ""
    version: str = ""
    source: str = ""
    language: str = "vi"
    since: date | None = None
    """From when codes without a day of their own are right, and when a new version begins."""
    released: date | None = None
    """When a new version begins, where its codes have days of their own or none."""
    partial: bool = False
    """Whether codes that the file lacks stay as they are."""
    folds: bool = False
    supplements: str = ""
    """The list whose codes this one tells more of."""
    told: frozenset[str] | None = None
    """The parts of a concept that the file tells; what it does not tell stays. None: all parts."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a map."""

    source_system: str
    source: str
    target_system: str
    target: str
    equivalence: str
    comment: str = ""


@dataclass(slots=True)
class ArrivingMap:
    """A map between lists as a file tells it."""

    url: str
    lines: Iterable[Line]
    title: str = ""
    version: str = ""
    source: str = ""


@dataclass(slots=True)
class ArrivingResource:
    """A value set or naming system, kept as it came."""

    type: str
    url: str
    body: str
    version: str = ""
    id: str = ""


Part = Arriving | ArrivingMap | ArrivingResource


@dataclass(slots=True)
class Some:
    """How many codes, and the first of them."""

    total: int = 0
    codes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a load changed in one list, or would change."""

    url: str
    title: str = ""
    added: Some = field(default_factory=Some)
    changed: Some = field(default_factory=Some)
    ended: Some = field(default_factory=Some)
    same: int = 0
    begins: date | None = None
    """The first day of a new version."""


@dataclass(slots=True)
class Done:
    """What a whole file changed, or would change."""

    load: int | None
    lists: list[Report]
    maps: int = 0
    resources: int = 0


@dataclass(frozen=True, slots=True)
class File:
    """The file that is loaded, as the load remembers it."""

    name: str
    kind: str
    sha256: bytes


async def load(
    tx: Connection,
    definitions: Definitions,
    file: File,
    parts: Iterable[Part],
    *,
    account: str,
    today: date,
    tenant: int = 0,
    dry: bool = False,
    note: Callable[[str, int], None] = lambda _list, _codes: None,
) -> Done:
    """Load every part of a file in one transaction; with `dry` only say what would change."""
    transaction = tx.transaction()
    await transaction.start()
    try:
        await _alone(tx)
        number: int = await tx.fetchval(
            "INSERT INTO reference.code_load (tenant, file, kind, sha256, account) VALUES ($1, $2, $3, $4, $5) RETURNING id",
            tenant,
            file.name,
            file.kind,
            file.sha256,
            account,
        )
        loading = _Loading(tx, number, tenant, today, note)
        done = Done(None if dry else number, [])
        for part in parts:
            if isinstance(part, Arriving):
                done.lists.append(await loading.list(part))
            elif isinstance(part, ArrivingMap):
                await loading.map(part)
                done.maps += 1
            else:
                await loading.resource(part)
                done.resources += 1
        if not (done.lists or done.maps or done.resources):
            raise BadFile(f"{file.name} has nothing in it.", vi=f"{file.name} không có gì để nạp.")
        if not dry:
            for system in loading.systems:
                await _settle(tx, definitions, system, tenant)
    except BaseException:
        await transaction.rollback()
        raise
    if dry:
        await transaction.rollback()
    else:
        await transaction.commit()
    return done


async def _alone(tx: Connection) -> None:
    """Wait for other loads; and plan each statement for this list: a list of ten codes and one of a million differ."""
    for name, value in PLANS.items():
        await tx.execute(f"SET LOCAL {name} = {value}")
    await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)


class _Loading:
    """One load, list by list."""

    def __init__(
        self, tx: Connection, number: int, tenant: int, today: date, note: Callable[[str, int], None]
    ) -> None:
        self.tx = tx
        self.number = number
        self.tenant = tenant
        self.today = today
        self.note = note
        self.systems: list[int] = []

    async def list(self, of: Arriving) -> Report:
        """Lay a list beside the standing one, compare, and write what differs."""
        system = await lists.system_number(self.tx, of.url)
        if system in self.systems:
            raise BadFile(
                f"{of.url} stands there twice.", vi=f"{of.url} có hai lần trong tệp; hãy nạp từng phiên bản."
            )
        self.systems.append(system)
        before = await self.tx.fetchrow(
            "SELECT title, version, source, to_jsonb(l) AS row FROM reference.code_list l WHERE system = $1 AND tenant = $2",
            system,
            self.tenant,
        )
        begins = await self._begins(system, of, before)
        new = not await self.tx.fetchval(
            "SELECT EXISTS (SELECT FROM reference.concept WHERE system = $1 AND tenant = $2)",
            system,
            self.tenant,
        )
        await self._lay(system, of, of.since or date.min if new else None)
        await self._compare(system, of, begins, new=new)
        report = await self._report(system, of, begins)
        await self._keep(system, of, begins)
        await self._write(system, begins or self._day(of))
        await self.tx.execute(
            "INSERT INTO reference.code_load_list (load, system, added, changed, ended, before)"
            " VALUES ($1, $2, $3, $4, $5, $6::jsonb)",
            self.number,
            system,
            report.added.total,
            report.changed.total,
            report.ended.total,
            before and before["row"],
        )
        target = await lists.system_number(self.tx, of.supplements) if of.supplements else None
        await self.tx.execute(
            "INSERT INTO reference.code_list (system, tenant, title, version, source, language, folds, supplements)"
            " VALUES ($1, $2, coalesce(nullif($3, ''), $9), $4, $5, $6, $7, $8)"
            " ON CONFLICT (system, tenant) DO UPDATE SET"
            " title = coalesce(nullif($3, ''), code_list.title),"
            " version = coalesce(nullif($4, ''), code_list.version),"
            " source = coalesce(nullif($5, ''), code_list.source), supplements = $8",
            system,
            self.tenant,
            of.title,
            of.version,
            of.source,
            of.language,
            of.folds,
            target,
            of.url,
        )
        if begins is not None and before is not None:
            await self._version(system, of, begins, before)
        await self.tx.execute("TRUNCATE reference.arriving")
        return report

    def _day(self, of: Arriving) -> date:
        """The day from which the list is as the file tells."""
        return of.since or of.released or self.today

    async def _begins(self, system: int, of: Arriving, before: Any) -> date | None:
        """The first day of a new version; None where the list is new, or its version is only mended."""
        if before is None or of.partial or not of.version or before["version"] in ("", of.version):
            return None
        begins = self._day(of)
        later = await self.tx.fetchval(
            "SELECT version FROM reference.list_version WHERE system = $1 AND tenant = $2 AND valid_from > $3"
            " ORDER BY valid_from DESC LIMIT 1",
            system,
            self.tenant,
            begins,
        )
        if later is not None:
            raise BadFile(
                f"Version {later} of {of.url} begins later than {begins} and is loaded already.",
                vi=f"Phiên bản {later} của {of.url} có hiệu lực sau ngày {begins:%d/%m/%Y} và đã được nạp.",
            )
        return begins

    async def _lay(self, system: int, of: Arriving, first: date | None) -> None:
        """Copy the list into the table where it is compared; `first` is the first day of codes of a new list."""
        await self.tx.execute("TRUNCATE reference.arriving")
        place = 0
        title = of.title or of.url
        async for some in _batches(of.entries):
            await self.tx.copy_records_to_table(
                "arriving",
                schema_name="reference",
                columns=COLUMNS,
                records=[_row(one, place + nth, system, first) for nth, one in enumerate(some)],
            )
            place += len(some)
            self.note(title, place)
        if not place:
            raise BadFile(f"{title} has no code.", vi=f"{title} không có mã nào.")

    async def _compare(self, system: int, of: Arriving, begins: date | None, *, new: bool) -> None:
        """Give each code its first day, and say whether it is new, changed, or as it was."""
        if not new:
            await self._match(system, of, begins)
        twice = await self.tx.fetch(
            "SELECT DISTINCT code FROM (SELECT code, valid_to, lead(valid_from) OVER (PARTITION BY code"
            " ORDER BY valid_from) AS next FROM reference.arriving) w WHERE next <= valid_to LIMIT 20"
        )
        if twice:
            some = ", ".join(row["code"] for row in twice)
            raise BadFile(
                f"{of.url}: codes that stand there twice for the same days: {some}.",
                vi=f"{of.url}: mã bị lặp trong cùng thời gian: {some}.",
            )

    async def _match(self, system: int, of: Arriving, begins: date | None) -> None:
        """Hold each code against the standing one."""
        told = COMPARED if of.told is None else of.told
        new = {part: f"a.{part}" if part in told else f"n.{part}" for part in COMPARED}
        if of.told is not None:
            new["properties"] = "n.properties || a.properties"
        content = ", ".join(new[part] for part in COMPARED)
        differs = f"({content}) IS DISTINCT FROM ({', '.join(f'n.{part}' for part in COMPARED)})"
        filled = ", ".join(f"{part} = {new[part]}" for part in COMPARED)
        await self.tx.execute(
            f"UPDATE reference.arriving a SET {filled}, valid_from = CASE WHEN $3::date > n.valid_from"
            f" AND a.valid_to >= $3 AND ({differs} OR n.valid_to < $3) THEN $3 ELSE n.valid_from END,"
            f" change = CASE WHEN {differs} OR a.valid_to <> n.valid_to THEN '~' ELSE '=' END"
            " FROM (SELECT DISTINCT ON (code) * FROM reference.concept WHERE system = $1 AND tenant = $2"
            " ORDER BY code, valid_from DESC) n WHERE n.code = a.code AND a.valid_from IS NULL",
            system,
            self.tenant,
            begins,
        )
        await self.tx.execute(
            f"UPDATE reference.arriving a SET {filled},"
            f" change = CASE WHEN {differs} OR a.valid_to <> n.valid_to THEN '~' ELSE '=' END"
            " FROM reference.concept n WHERE n.system = $1 AND n.tenant = $2 AND n.code = a.code"
            " AND n.valid_from = a.valid_from AND a.change = '+'",
            system,
            self.tenant,
        )
        first = begins or of.since or date.min
        await self.tx.execute(
            "UPDATE reference.arriving SET valid_from = CASE WHEN valid_to < $1 THEN '-infinity' ELSE $1::date END"
            " WHERE valid_from IS NULL",
            first,
        )
        await self.tx.execute(
            "UPDATE reference.arriving a SET change = '~' WHERE a.change = '+' AND EXISTS"
            " (SELECT FROM reference.concept n WHERE n.system = $1 AND n.tenant = $2 AND n.code = a.code)",
            system,
            self.tenant,
        )

    async def _report(self, system: int, of: Arriving, begins: date | None) -> Report:
        report = Report(of.url, of.title, begins=begins)
        kinds = {"+": report.added, "~": report.changed}
        for change, total in await self.tx.fetch(
            "SELECT change, count(*) FROM reference.arriving GROUP BY change"
        ):
            if change == b"=":
                report.same = total
            else:
                kinds[change.decode()].total = total
        for change, some in kinds.items():
            rows = await self.tx.fetch(
                'SELECT code FROM reference.arriving WHERE change = $1::text::"char" ORDER BY place LIMIT $2',
                change,
                SHOWN,
            )
            some.codes = [row["code"] for row in rows]
        if not of.partial:
            day = begins or self._day(of)
            rows = await self.tx.fetch(
                f"SELECT c.code, count(*) OVER () AS total FROM reference.concept c WHERE {ENDED} ORDER BY c.place LIMIT $4",
                system,
                self.tenant,
                day,
                SHOWN,
            )
            report.ended = Some(rows[0]["total"] if rows else 0, [row["code"] for row in rows])
        return report

    async def _keep(self, system: int, of: Arriving, begins: date | None) -> None:
        """Keep what will be written over, or ended."""
        day = begins or self._day(of)
        ended = "false AND $3::date IS NULL" if of.partial else ENDED
        await self.tx.execute(
            f"INSERT INTO reference.concept_before (replaced_by, {STORED}) SELECT $4, {STORED} FROM reference.concept c"
            f" WHERE c.system = $1 AND c.tenant = $2 AND (({ended}) OR EXISTS (SELECT FROM reference.arriving a"
            " WHERE a.code = c.code AND a.change <> '=' AND c.valid_from <= a.valid_to AND c.valid_to >= a.valid_from"
            " AND NOT EXISTS (SELECT FROM reference.arriving e WHERE e.code = c.code AND e.valid_from = c.valid_from"
            " AND e.change = '=')))",
            system,
            self.tenant,
            day,
            self.number,
        )

    async def _write(self, system: int, day: date) -> None:
        """End what is ended, take away what is written over, and write what is new."""
        await self.tx.execute(
            "WITH hit AS (SELECT b.code, b.valid_from, min(a.valid_from) AS first FROM reference.concept_before b"
            "  LEFT JOIN reference.arriving a ON a.code = b.code AND a.change <> '=' AND b.valid_from <= a.valid_to"
            "  AND b.valid_to >= a.valid_from WHERE b.replaced_by = $3 AND b.system = $1 GROUP BY 1, 2),"
            " gone AS (DELETE FROM reference.concept c USING hit h WHERE c.system = $1 AND c.tenant = $2"
            "  AND c.code = h.code AND c.valid_from = h.valid_from AND h.first <= h.valid_from)"
            " UPDATE reference.concept c SET load = $3,"
            "  valid_to = coalesce(h.first - 1, greatest($4::date, c.valid_from))"
            " FROM hit h WHERE c.system = $1 AND c.tenant = $2 AND c.code = h.code AND c.valid_from = h.valid_from"
            "  AND (h.first IS NULL OR h.first > h.valid_from)",
            system,
            self.tenant,
            self.number,
            day - timedelta(days=1),
        )
        await self.tx.execute(
            f"INSERT INTO reference.concept ({STORED}) SELECT $1, $2, {', '.join(COLUMNS[:-1])},"
            " array_to_tsvector(words), $3 FROM reference.arriving WHERE change <> '='",
            system,
            self.tenant,
            self.number,
        )

    async def _version(self, system: int, of: Arriving, begins: date, before: Any) -> None:
        """Note when the new version began, and which one was in force until then."""
        await self.tx.execute(
            "INSERT INTO reference.list_version (system, tenant, version, load, title, source)"
            " SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS"
            " (SELECT FROM reference.list_version WHERE system = $1 AND tenant = $2)",
            system,
            self.tenant,
            before["version"],
            self.number,
            before["title"],
            before["source"],
        )
        await self.tx.execute(
            "INSERT INTO reference.list_version (system, tenant, version, valid_from, load, title, source)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            system,
            self.tenant,
            of.version,
            begins,
            self.number,
            of.title,
            of.source,
        )

    async def map(self, of: ArrivingMap) -> None:
        """Put a map in the place of the one with its address."""
        number = await self.tx.fetchval(
            "INSERT INTO reference.concept_map (url, title, version, source, tenant, load)"
            " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            of.url,
            of.title,
            of.version,
            of.source,
            self.tenant,
            self.number,
        )
        await self.tx.execute(
            "UPDATE reference.concept_map SET replaced = $3"
            " WHERE url = $1 AND tenant = $2 AND id <> $4 AND replaced IS NULL",
            of.url,
            self.tenant,
            self.number,
            number,
        )
        systems: dict[str, int] = {}
        seen: set[tuple[str, ...]] = set()
        rows: list[tuple[Any, ...]] = []
        for line in of.lines:
            for url in (line.source_system, line.target_system):
                if url not in systems:
                    systems[url] = await lists.system_number(self.tx, url)
            key = (line.source_system, line.source, line.target_system, line.target)
            if key in seen:
                continue
            seen.add(key)
            rows.append(
                (
                    number, systems[line.source_system], line.source, systems[line.target_system], line.target,
                    line.equivalence, line.comment,
                )
            )  # fmt: skip
        await self.tx.copy_records_to_table("map_element", schema_name="reference", records=rows)
        self.note(of.title or of.url, len(rows))

    async def resource(self, of: ArrivingResource) -> None:
        """Keep a resource as it came."""
        await self.tx.execute(
            "INSERT INTO reference.definition (load, type, url, version, id, tenant, body)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            self.number,
            of.type,
            of.url,
            of.version,
            of.id,
            self.tenant,
            of.body,
        )


# --- the parts of a list -------------------------------------------------------------------------------------

COMPARED = ("display", "designations", "properties", "parent", "also", "abstract", "successor")
"""What makes two rows of a code differ, beside their days."""
COLUMNS = (
    "code", "valid_from", "valid_to", "display", "designations", "properties", "parent", "also", "place", "abstract",
    "successor", "plain", "folded", "words",
)  # fmt: skip
STORED = f"system, tenant, {', '.join(COLUMNS)}, load"
ENDED = (
    "c.system = $1 AND c.tenant = $2 AND NOT c.abstract AND c.valid_to >= $3::date AND c.valid_from <= $3::date"
    " AND NOT EXISTS (SELECT FROM reference.arriving a WHERE a.code = c.code)"
)
"""Codes in force on the day that the file lacks."""


async def _batches(entries: Iterable[Entry] | AsyncIterator[list[Entry]]) -> AsyncIterator[list[Entry]]:
    """The concepts, some thousand at a time."""
    if not isinstance(entries, Iterable):
        async for some in entries:
            yield some
        return
    waiting: list[Entry] = []
    for one in entries:
        waiting.append(one)
        if len(waiting) == BATCH:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


@lru_cache(100_000)
def _words(token: str) -> tuple[str, ...]:
    """The words of a piece of a name; names repeat the same few thousand."""
    return tuple(words(token))


def _row(one: Entry, place: int, system: int, first: date | None) -> tuple[Any, ...]:
    """A concept as the table has it."""
    before = mark(system)
    said = [word for token in one.display.split() for word in _words(token)]
    found = set(said)
    for text in (*(each["value"] for each in one.designations), one.properties.get("other", "")):
        found.update(word for token in str(text).split() for word in _words(token))
    return (
        one.code,
        one.since or (first and (first if first <= one.until else date.min)),
        one.until,
        one.display,
        json.dumps(one.designations, ensure_ascii=False) if one.designations else "[]",
        json.dumps(one.properties, ensure_ascii=False) if one.properties else "{}",
        one.parent,
        one.also,
        place,
        one.abstract,
        one.successor,
        one.code.lower() if one.code.isascii() and one.code.isalnum() else plain(one.code),
        " ".join(said),
        sorted(before + word for word in found),
    )


async def _settle(tx: Connection, definitions: Definitions, system: int, tenant: int) -> None:
    """Let search and validation see the list as it is now."""
    await tx.execute(
        "UPDATE reference.code_list SET closed = $3 AND (SELECT count(*) <= $4 FROM"
        " (SELECT FROM reference.concept WHERE system = $1 AND tenant = $2 LIMIT $4 + 1) c)"
        " WHERE system = $1 AND tenant = $2",
        system,
        tenant,
        tenant == 0,
        lists.LARGEST,
    )
    if tenant == 0:
        await lists.joined(tx, definitions, system)


# --- taking back ---------------------------------------------------------------------------------------------


async def undo(
    tx: Connection, definitions: Definitions, *, system: str = "", number: int | None = None, tenant: int = 0
) -> Raw:
    """Bring every list of a load back to what it was before; of a list, the last load."""
    async with tx.transaction():
        await _alone(tx)
        last = await tx.fetchrow(
            "SELECT l.id, l.file FROM reference.code_load l WHERE l.tenant = $1 AND l.undone IS NULL"
            " AND ($2::integer IS NULL OR l.id = $2)"
            " AND ($3 = '' OR EXISTS (SELECT FROM reference.code_load_list w JOIN reference.system s ON s.id = w.system"
            "  WHERE w.load = l.id AND s.uri = $3)"
            "  OR EXISTS (SELECT FROM reference.concept_map m WHERE m.load = l.id AND m.url = $3)"
            "  OR EXISTS (SELECT FROM reference.definition d WHERE d.load = l.id AND d.url = $3))"
            " ORDER BY l.id DESC LIMIT 1",
            tenant,
            number,
            system,
        )
        if last is None:
            raise NothingToUndo(system or str(number))
        later = await tx.fetchrow(
            "SELECT l.id, l.file FROM reference.code_load l WHERE l.tenant = $2 AND l.undone IS NULL AND l.id > $1 AND ("
            " EXISTS (SELECT FROM reference.code_load_list a JOIN reference.code_load_list b ON b.system = a.system"
            "  WHERE a.load = l.id AND b.load = $1)"
            " OR EXISTS (SELECT FROM reference.concept_map a JOIN reference.concept_map b ON b.url = a.url"
            "  WHERE a.load = l.id AND b.load = $1)) ORDER BY l.id DESC LIMIT 1",
            last["id"],
            tenant,
        )
        if later is not None:
            raise LaterLoad(f"{later['id']}: {later['file']}")
        changed = await tx.fetch(
            "SELECT system, before FROM reference.code_load_list WHERE load = $1", last["id"]
        )
        codes = 0
        for system_number, before in changed:
            gone = await tx.execute(
                "DELETE FROM reference.concept WHERE system = $1 AND tenant = $2 AND load = $3",
                system_number,
                tenant,
                last["id"],
            )
            codes += int(gone.rpartition(" ")[2])
            await tx.execute(
                f"INSERT INTO reference.concept ({STORED}) SELECT {STORED} FROM reference.concept_before"
                " WHERE replaced_by = $1 AND system = $2 ON CONFLICT DO NOTHING",
                last["id"],
                system_number,
            )
            await tx.execute(
                "DELETE FROM reference.code_list WHERE system = $1 AND tenant = $2", system_number, tenant
            )
            if before is not None:
                await tx.execute(
                    "INSERT INTO reference.code_list SELECT (jsonb_populate_record(null::reference.code_list, $1 ||"
                    " $2::jsonb)).*",
                    json.dumps({"closed": True}),
                    before,
                )
            await tx.execute(
                "DELETE FROM reference.list_version WHERE system = $1 AND tenant = $2 AND load = $3",
                system_number,
                tenant,
                last["id"],
            )
            await _settle(tx, definitions, system_number, tenant)
        await tx.execute("DELETE FROM reference.concept_before WHERE replaced_by = $1", last["id"])
        await tx.execute("DELETE FROM reference.concept_map WHERE load = $1", last["id"])
        await tx.execute("UPDATE reference.concept_map SET replaced = NULL WHERE replaced = $1", last["id"])
        await tx.execute("DELETE FROM reference.definition WHERE load = $1", last["id"])
        await tx.execute("UPDATE reference.code_load SET undone = now() WHERE id = $1", last["id"])
    return {"load": last["id"], "file": last["file"], "codes": codes}


async def history(tx: Connection, tenant: int = 0) -> list[Any]:
    """Every load, the newest first, with what it changed."""
    rows: list[Any] = await tx.fetch(
        "SELECT l.id, l.loaded, l.file, l.kind, l.account, l.undone, string_agg(s.uri, ' ' ORDER BY s.uri) AS lists,"
        " coalesce(sum(w.added), 0) AS added, coalesce(sum(w.changed), 0) AS changed, coalesce(sum(w.ended), 0) AS ended"
        " FROM reference.code_load l LEFT JOIN reference.code_load_list w ON w.load = l.id"
        " LEFT JOIN reference.system s ON s.id = w.system WHERE l.tenant = $1 GROUP BY l.id ORDER BY l.id DESC LIMIT 200",
        tenant,
    )
    return rows
