"""Puts the lists of the packages into the terminology tables, when the packages have changed.

What a hospital has loaded itself stands: a code of its own load is not overwritten by the program's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from hsba.fhir import code_lists
from hsba.terminology.words import marked, plain, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection

Raw = dict[str, Any]

MAPS: tuple[tuple[str, str, str, str, str], ...] = (
    ("hsba-icd10-dagger-asterisk", "vn-icd10-cs", "vn-icd10-cs",
     "ICD-10: mã kiếm (†) và mã sao (*) đi cùng", "QĐ 4469/QĐ-BYT"),
    ("hsba-technique-icd9cm", "hsba-technique-cs", "vn-icd9cm-cs",
     "Dịch vụ kỹ thuật → ICD-9-CM", "QĐ 4440/QĐ-BYT"),
    ("hsba-province-before-2025", "vn-province-cs", "vn-province-cs",
     "Tỉnh trước 01/7/2025 → tỉnh mới", "NQ 202/2025/QH15"),
)  # fmt: skip
"""The maps of the package: name, list of the source, list of the target, title, decision."""

SOURCES = {
    "vn-icd10-cs": "QĐ 4469/QĐ-BYT (28/10/2020)",
    "vn-icd9cm-cs": "QĐ 4440/QĐ-BYT (27/10/2020)",
    "hsba-technique-cs": "QĐ 4440/QĐ-BYT (27/10/2020)",
    "vn-province-cs": "QĐ 19/2025/QĐ-TTg",
    "vn-ward-cs": "QĐ 19/2025/QĐ-TTg",
    "vn-ethnicity-cs": "121-TCTK/PPCĐ",
}
"""The decision that a long list comes from."""

FLAGS = frozenset({"main"})
ABSTRACT = frozenset({"chapter", "group"})
"""Levels of a list that order it and are no code to be chosen."""
BATCH = 4000
LARGEST = 200_000
"""Codes of a list whose tree and codes are spelt out for search and validation; a longer list is climbed when asked."""

INSERT = """
INSERT INTO reference.concept (system, tenant, code, valid_from, valid_to, display, designations, properties, parent,
                               place, abstract, successor, load, plain, folded, words, also)
SELECT $1, $2, w.code, w.valid_from, w.valid_to, w.display, w.designations::jsonb, w.properties::jsonb, w.parent,
       w.place, w.abstract, w.successor, $3, w.plain, w.folded, array_to_tsvector(string_to_array(w.words, ' ')),
       string_to_array(w.also, chr(31))
FROM unnest($4::text[], $5::date[], $6::date[], $7::text[], $8::text[], $9::text[], $10::text[], $11::integer[],
            $12::boolean[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
     AS w(code, valid_from, valid_to, display, designations, properties, parent, place, abstract, successor, plain,
          folded, words, also)
WHERE NOT EXISTS (SELECT FROM reference.concept l WHERE l.system = $1 AND l.tenant = $2 AND l.code = w.code
                  AND l.load IS NOT NULL)
ON CONFLICT DO NOTHING
"""
"""Codes that a hospital loaded stay as they were loaded."""


@dataclass(slots=True)
class Entry:
    """A concept on its way into a list."""

    code: str
    display: str
    parent: str = ""
    since: date | None = None
    """Its own first day; None where nothing is told."""
    until: date = date.max
    successor: str = ""
    abstract: bool = False
    also: tuple[str, ...] = ()
    """Further codes above it."""
    designations: list[Raw] = field(default_factory=list)
    properties: Raw = field(default_factory=dict)


async def fill(tx: Connection, definitions: Definitions, *, changed: bool) -> bool:
    """Fill the tables when the packages changed or nothing is there yet; False when everything is as it was."""
    first = not await tx.fetchval("SELECT EXISTS (SELECT FROM reference.concept)")
    if not changed and not first:
        return False
    async with tx.transaction():
        if first:  # nobody searches yet: the index is made in one go at the end
            await tx.execute("DROP INDEX reference.concept_words")
        await tx.execute("DELETE FROM reference.concept WHERE load IS NULL")
        for url in definitions.urls("CodeSystem"):
            raw = definitions.read(url)
            if raw is not None and raw["resourceType"] == "CodeSystem":
                await _fill_system(tx, url, raw)
        if first:
            await tx.execute("CREATE INDEX concept_words ON reference.concept USING gin (words)")
        await _fill_maps(tx, definitions)
        await whole_lists(tx, definitions)
    await tx.execute("ANALYZE reference.concept; ANALYZE reference.map_element")
    return True


async def _fill_system(tx: Connection, url: str, raw: Raw) -> None:
    name = raw.get("id", "")
    listed = name in code_lists.names() and raw.get("content") != "complete"
    entries = list(from_list(name) if listed else from_resource(raw))
    if not entries:
        return
    number = await system_number(tx, url)
    await tx.execute(
        "INSERT INTO reference.code_list (system, title, version, source, language, folds)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (system, tenant) DO UPDATE SET title = excluded.title,"
        " version = excluded.version, source = excluded.source, language = excluded.language, folds = excluded.folds"
        " WHERE NOT EXISTS (SELECT FROM reference.concept c WHERE c.system = $1 AND c.tenant = 0 AND c.load IS NOT NULL)",
        number,
        raw.get("title") or raw.get("name") or url,
        raw.get("version", ""),
        SOURCES.get(name, ""),
        raw.get("language", "en"),
        raw.get("caseSensitive") is False,
    )
    await insert(tx, number, 0, None, entries)


async def _fill_maps(tx: Connection, definitions: Definitions) -> None:
    lists = {
        str(raw.get("id")): url
        for url in definitions.urls("CodeSystem")
        if (raw := definitions.read(url)) is not None and raw.get("id") in SOURCES
    }
    for name, source, target, title, decision in MAPS:
        if source not in lists or target not in lists:
            continue
        of_source, of_target = (
            await system_number(tx, lists[source]),
            await system_number(tx, lists[target]),
        )
        base = lists[source].rpartition("/CodeSystem/")[0]
        number = await tx.fetchval(
            "INSERT INTO reference.concept_map (url, title, source) VALUES ($1, $2, $3)"
            " ON CONFLICT (url) WHERE load IS NULL DO UPDATE SET title = excluded.title, source = excluded.source RETURNING id",
            f"{base}/ConceptMap/{name}",
            title,
            decision,
        )
        await tx.execute("DELETE FROM reference.map_element WHERE map = $1", number)
        lines = list(code_lists.read_map(name))
        await tx.execute(
            "INSERT INTO reference.map_element SELECT $1, $2, w.source, $3, w.target, w.equivalence, w.comment"
            " FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) AS w(source, target, equivalence, comment)"
            " ON CONFLICT DO NOTHING",
            number,
            of_source,
            of_target,
            *(
                [getattr(one, part) for one in lines]
                for part in ("source", "target", "equivalence", "comment")
            ),
        )


async def insert(
    tx: Connection, system: int, tenant: int, load: int | None, entries: Iterable[Entry], *, first: int = 0
) -> None:
    """Put concepts into a list, in their order; one that is there stays as it is."""
    known = list(entries)
    for start in range(0, len(known), BATCH):
        some = known[start : start + BATCH]
        named = [words(one.display) for one in some]
        columns: list[list[Any]] = [
            [one.code for one in some],
            [one.since or date.min for one in some],
            [one.until for one in some],
            [one.display for one in some],
            [json.dumps(one.designations, ensure_ascii=False) for one in some],
            [json.dumps(one.properties, ensure_ascii=False) for one in some],
            [one.parent for one in some],
            list(range(first + start, first + start + len(some))),
            [one.abstract for one in some],
            [one.successor for one in some],
            [plain(one.code) for one in some],
            [" ".join(one) for one in named],
            [_searched(one, said, system) for one, said in zip(some, named, strict=True)],
            ["\x1f".join(one.also) for one in some],
        ]
        await tx.execute(INSERT, system, tenant, load, *columns)


def _searched(one: Entry, said: list[str], system: int) -> str:
    """Every word it may be found by; `said` are those of its name."""
    found = set(said)
    for each in one.designations:
        found.update(words(each["value"]))
    other = one.properties.get("other")
    if isinstance(other, str):
        found.update(words(other))
    return marked(found, system)


async def system_number(tx: Connection, url: str) -> int:
    """The number of a code system, given when it has none yet."""
    await tx.execute("INSERT INTO reference.system (uri) VALUES ($1) ON CONFLICT (uri) DO NOTHING", url)
    number: int = await tx.fetchval("SELECT id FROM reference.system WHERE uri = $1", url)
    return number


def from_list(name: str) -> Iterator[Entry]:
    """The concepts of a packed list; what is told beside the name becomes properties."""
    for one in code_lists.read(name):
        properties: Raw = {
            key: value == "1" if key in FLAGS else value for key, value in one.extra.items() if value
        }
        yield Entry(
            one.code,
            one.display,
            one.parent,
            one.since,
            one.until,
            one.successor,
            abstract=one.extra.get("level") in ABSTRACT,
            properties=properties,
        )


def from_resource(raw: Raw) -> Iterator[Entry]:
    """The concepts of a CodeSystem resource that brings them, whole or in part."""
    waiting: list[tuple[Raw, str]] = [(one, "") for one in reversed(raw.get("concept", ()))]
    while waiting:
        one, above = waiting.pop()
        properties: Raw = {}
        parents = {above: None} if above else {}
        for each in one.get("property", ()):
            value = next((each[key] for key in each if key.startswith("value")), None)
            value = value["code"] if isinstance(value, dict) else value
            if each["code"] in ("parent", "subsumedBy"):
                parents[str(value)] = None
            properties.setdefault(each["code"], value)
        parent, *also = parents or ("",)
        yield Entry(
            one["code"],
            str(one.get("display") or one["code"]),
            parent,
            abstract=properties.get("notSelectable") is True,
            also=tuple(also),
            designations=[each for each in one.get("designation", ()) if "value" in each],
            properties=properties,
        )
        waiting.extend((below, one["code"]) for below in reversed(one.get("concept", ())))


# --- what the record joins with ----------------------------------------------------------------------------


def whole(definitions: Definitions) -> dict[str, str]:
    """The value sets that are a whole code system, by their address: which system that is."""
    found: dict[str, str] = {}
    for url in definitions.urls("ValueSet"):
        raw = definitions.read(url) or {}
        parts = raw.get("compose", {}).get("include", ())
        if len(parts) == 1 and parts[0].keys() == {"system"} and "exclude" not in raw["compose"]:
            found[url] = parts[0]["system"]
    return found


async def whole_lists(tx: Connection, definitions: Definitions) -> None:
    """Let `:in` and `:below` see the codes that hospitals loaded themselves."""
    for row in await tx.fetch(
        "SELECT DISTINCT system FROM reference.concept WHERE load IS NOT NULL AND tenant = 0"
    ):
        await joined(tx, definitions, row["system"])


async def joined(tx: Connection, definitions: Definitions, system: int) -> None:
    """Spell out a list's tree and the value sets that are the whole of it, as it is now."""
    sets = definitions.made("terminology", "whole", lambda: whole(definitions))
    url = await tx.fetchval("SELECT uri FROM reference.system WHERE id = $1", system)
    mine = [one for one, of in sets.items() if of == url]
    await tx.execute(
        "DELETE FROM reference.value_set_member m USING reference.value_set v WHERE m.system = $1"
        " AND v.id = m.value_set AND v.url = ANY($2::text[])"
        " AND NOT EXISTS (SELECT FROM reference.concept c WHERE c.system = $1 AND c.code = m.code AND c.tenant = 0)",
        system,
        mine,
    )
    await tx.execute("DELETE FROM reference.concept_ancestor WHERE system = $1", system)
    if not await tx.fetchval(
        "SELECT closed FROM reference.code_list WHERE system = $1 AND tenant = 0", system
    ):
        return
    await tx.execute(
        "INSERT INTO reference.value_set_member (value_set, system, code) SELECT DISTINCT v.id, $1::integer, c.code"
        " FROM reference.value_set v JOIN reference.concept c ON c.system = $1 AND c.tenant = 0"
        " WHERE v.url = ANY($2::text[]) ON CONFLICT DO NOTHING",
        system,
        mine,
    )
    await tx.execute(
        "WITH RECURSIVE up (code, ancestor) AS ("
        " SELECT code, code FROM reference.concept WHERE system = $1 AND tenant = 0"
        " UNION SELECT u.code, p.code FROM up u"
        " JOIN reference.concept c ON c.system = $1 AND c.tenant = 0 AND c.code = u.ancestor AND c.parent <> ''"
        " CROSS JOIN LATERAL unnest(c.also || c.parent) AS p(code))"
        " INSERT INTO reference.concept_ancestor (system, ancestor, code) SELECT $1, ancestor, code FROM up",
        system,
    )


__all__ = ["LARGEST", "Entry", "fill", "insert", "joined", "system_number", "whole", "whole_lists"]
