"""A FHIR package (.tgz in npm's layout), or one resource (.json): its code systems, maps, value sets and naming systems."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hsba.terminology.load import from_resource
from hsba.terminology.loads import Arriving, ArrivingMap, ArrivingResource, BadFile, Line
from hsba.terminology.sources.archive import LARGEST_FILE, untarred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hsba.terminology.loads import Part

Raw = dict[str, Any]

TOLD = frozenset({"package.json", ".index.json"})
EMPTY = frozenset({"not-present", "example"})
"""Contents of a CodeSystem that are no list."""


def read(path: Path) -> Iterator[Part]:
    """The lists of a package, file by file."""
    for name, body in _files(path):
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise BadFile(f"{path.name}: {name}: {exc}") from exc
        if isinstance(raw, dict) and raw.get("resourceType") in _PARTS:
            try:
                yield from _PARTS[raw["resourceType"]](raw, body)
            except (KeyError, TypeError, AttributeError) as exc:
                raise BadFile(f"{path.name}: {name} is no whole {raw['resourceType']}: {exc!r}") from exc


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """The resources: those that lie in `package/` itself; examples and the like lie deeper."""
    if path.suffix == ".json":
        if path.stat().st_size > LARGEST_FILE:
            raise BadFile(f"{path.name} has more than {LARGEST_FILE} bytes.")
        yield path.name, path.read_bytes()
        return
    for name, body in untarred(path):
        folder, _, file = name.removeprefix("./").rpartition("/")
        if folder in ("package", "") and file.endswith(".json") and file not in TOLD:
            yield name, body


def _code_system(raw: Raw, _body: bytes) -> Iterator[Part]:
    content = raw.get("content", "complete")
    if content in EMPTY:
        return
    supplement = content == "supplement"
    yield Arriving(
        raw["url"],
        from_resource(raw),
        title=raw.get("title") or raw.get("name") or "",
        version=str(raw.get("version", "")),
        language=raw.get("language", "en"),
        partial=content == "fragment",
        folds=raw.get("caseSensitive") is False,
        supplements=raw["supplements"].partition("|")[0] if supplement else "",
    )


def lines(raw: Raw) -> Iterator[Line]:
    """The lines of a ConceptMap."""
    for group in raw.get("group", ()):
        for element in group.get("element", ()):
            for target in element.get("target", ()):
                if "code" in target:
                    yield Line(
                        group["source"],
                        element["code"],
                        group["target"],
                        target["code"],
                        target.get("equivalence", "equivalent"),
                        target.get("comment", ""),
                    )


def _concept_map(raw: Raw, _body: bytes) -> Iterator[Part]:
    yield ArrivingMap(
        raw["url"], lines(raw), raw.get("title") or raw.get("name") or "", str(raw.get("version", ""))
    )


def _kept(raw: Raw, body: bytes) -> Iterator[Part]:
    url = raw["url"] if raw["resourceType"] == "ValueSet" else raw.get("url") or f"urn:hsba:{raw['id']}"
    yield ArrivingResource(
        raw["resourceType"], url, body.decode(), str(raw.get("version", "")), raw.get("id", "")
    )


_PARTS: dict[str, Callable[[Raw, bytes], Iterator[Part]]] = {
    "CodeSystem": _code_system,
    "ConceptMap": _concept_map,
    "ValueSet": _kept,
    "NamingSystem": _kept,
}
