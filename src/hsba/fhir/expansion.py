"""The codes of a value set, as far as loaded code systems enumerate it (FHIR R4 valueset.html#expansion).

Only what is certain is answered: a value set that draws on a code system which is not complete at hand
(SNOMED CT, LOINC, UCUM, mime types) has no expansion here, and None says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Raw = dict[str, Any]
Codes = frozenset[tuple[str, str]]
Read = Callable[[str], Raw | None]


class _NotEnumerable(Exception):
    """The value set needs codes that are not at hand."""


def expand(url: str, read: Read) -> Codes | None:
    """The (system, code) pairs of a value set, or None when the loaded packages cannot tell them all."""
    try:
        return _value_set(url, read, frozenset())
    except _NotEnumerable:
        return None


def _value_set(url: str, read: Read, within: frozenset[str]) -> Codes:
    raw = read(url.partition("|")[0])
    if raw is None or raw["resourceType"] != "ValueSet" or url in within:
        raise _NotEnumerable(url)
    if "compose" not in raw:
        return _given(raw)
    inner = within | {url}
    included: set[tuple[str, str]] = set()
    for part in raw["compose"].get("include", ()):
        included |= _part(part, read, inner)
    for part in raw["compose"].get("exclude", ()):
        included -= _part(part, read, inner)
    return frozenset(included)


def _given(raw: Raw) -> Codes:
    """The codes of a value set that brings only its expansion."""
    expansion = raw.get("expansion")
    if expansion is None or "contains" not in expansion:
        raise _NotEnumerable(raw["url"])
    return frozenset(
        (one.get("system", ""), one["code"])
        for one in walk(expansion["contains"], "contains")
        if "code" in one and not one.get("abstract")
    )


def _part(part: Raw, read: Read, within: frozenset[str]) -> Codes:
    """The codes of one include or exclude: the system's part, cut with every value set it names."""
    found: Codes | None = None
    for url in part.get("valueSet", ()):
        codes = _value_set(url, read, within)
        found = codes if found is None else found & codes
    if "system" in part:
        codes = _of_system(part, read)
        found = codes if found is None else found & codes
    if found is None:
        raise _NotEnumerable
    return found


def _of_system(part: Raw, read: Read) -> Codes:
    system = part["system"]
    if "concept" in part:
        return frozenset((system, one["code"]) for one in part["concept"])
    raw = read(system)
    if raw is None or raw["resourceType"] != "CodeSystem" or raw.get("content") != "complete":
        raise _NotEnumerable(system)
    found: set[str] | None = None
    for rule in part.get("filter", ()):
        codes = _filtered(raw, rule)
        found = codes if found is None else found & codes
    if found is None:
        found = {one["code"] for one in walk(raw.get("concept", ()), "concept")}
    return frozenset((system, code) for code in found)


def _filtered(raw: Raw, rule: Raw) -> set[str]:
    """The codes of a system that pass one filter (valueset-filter-operator)."""
    prop, op, value = rule["property"], rule["op"], rule["value"]
    if prop in ("concept", "code") and op in _HIERARCHY:
        return _HIERARCHY[op](raw, value)
    tests: dict[str, Callable[[Raw], bool]] = {
        "=": lambda one: _property(one, prop) == value,
        "in": lambda one: _property(one, prop) in value.split(","),
        "not-in": lambda one: _property(one, prop) not in value.split(","),
        "regex": lambda one: re.fullmatch(value, _property(one, prop) or "") is not None,
        "exists": lambda one: (_property(one, prop) is not None) == (value == "true"),
    }
    if op not in tests:
        raise _NotEnumerable(op)
    return {one["code"] for one in walk(raw.get("concept", ()), "concept") if tests[op](one)}


def _property(one: Raw, name: str) -> str | None:
    if name in ("code", "concept", "display"):
        value: str | None = one.get("code" if name == "concept" else name)
        return value
    for each in one.get("property", ()):
        if each["code"] == name:
            found = next((each[key] for key in each if key.startswith("value")), None)
            if isinstance(found, bool):
                return "true" if found else "false"
            return found["code"] if isinstance(found, dict) else str(found)
    return None


def _children(raw: Raw) -> dict[str, set[str]]:
    """Which codes lie directly below which.

    By nesting, and by the properties parent, child and subsumedBy.
    """
    below: dict[str, set[str]] = {}
    for one in walk(raw.get("concept", ()), "concept"):
        mine = below.setdefault(one["code"], set())
        mine.update(each["code"] for each in one.get("concept", ()))
        for each in one.get("property", ()):
            if each["code"] in ("subsumedBy", "parent") and "valueCode" in each:
                below.setdefault(each["valueCode"], set()).add(one["code"])
            elif each["code"] == "child" and "valueCode" in each:
                mine.add(each["valueCode"])
    return below


def _descendants(raw: Raw, code: str) -> set[str]:
    below = _children(raw)
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for each in below.get(waiting.pop(), ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _all(raw: Raw) -> set[str]:
    return {one["code"] for one in walk(raw.get("concept", ()), "concept")}


def _generalizes(raw: Raw, code: str) -> set[str]:
    return {one for one in _all(raw) if one == code or code in _descendants(raw, one)}


_HIERARCHY: dict[str, Callable[[Raw, str], set[str]]] = {
    "is-a": lambda raw, code: _descendants(raw, code) | ({code} & _all(raw)),
    "descendent-of": _descendants,
    "is-not-a": lambda raw, code: _all(raw) - _descendants(raw, code) - {code},
    "generalizes": _generalizes,
    "=": lambda raw, code: {code} & _all(raw),
    "in": lambda raw, codes: set(codes.split(",")) & _all(raw),
    "not-in": lambda raw, codes: _all(raw) - set(codes.split(",")),
}


def walk(concepts: list[Raw] | tuple[()], below: str) -> Iterator[Raw]:
    """Every concept of a tree, parents before their children."""
    for one in concepts:
        yield one
        if below in one:
            yield from walk(one[below], below)
