"""Code systems and maps that a keeper saved through FHIR: they answer for that keeper, from the resource as it stands."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import NotFound
from hsba.fhir.query import expression as e
from hsba.record import interactions
from hsba.store import search as searching
from hsba.terminology import concepts
from hsba.terminology.load import from_resource
from hsba.terminology.versions import same

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.record.context import Context
    from hsba.terminology.concepts import Concept, System

Raw = dict[str, Any]

MOST = 50
"""Resources of one address that are looked at for their version."""
NUMBER = -1_000_000
"""Stands for the number of a system that no table has."""


async def resources(ctx: Context, type: str, url: str) -> list[Raw]:
    """What this keeper saved under an address, the newest last."""
    if not url:
        return []
    keys = await searching.match_keys(ctx.tx, e.Match("url", e.Uri(url)), type, ctx, limit=MOST)
    found: list[Raw] = []
    for _, id in keys:
        try:
            stored = await interactions.read(ctx, type, id)
        except NotFound:  # deleted meanwhile
            continue
        found.append(json.stored(stored.body or ""))
    return sorted(found, key=lambda one: str(one.get("meta", {}).get("lastUpdated", "")))


async def system(ctx: Context, url: str, version: str) -> System | None:
    """A code system that this keeper saved; of several versions the one that is asked for, or the newest."""
    fit = [
        one
        for one in await resources(ctx, "CodeSystem", url)
        if one.get("content") in ("complete", "fragment")
        and (not version or same(version, str(one.get("version", ""))))
    ]
    return _system(fit[-1]) if fit else None


async def versions(ctx: Context, url: str) -> list[str]:
    """The versions that this keeper saved."""
    return [str(one["version"]) for one in await resources(ctx, "CodeSystem", url) if "version" in one]


def _system(raw: Raw) -> System:
    return concepts.System(
        NUMBER,
        raw["url"],
        raw.get("title") or raw.get("name") or raw["url"],
        str(raw.get("version", "")),
        "",
        raw.get("language", "en"),
        raw.get("caseSensitive") is False,
        closed=False,
        saved={
            one.code: concepts.Concept(
                NUMBER, one.code, one.display, date.min, date.max, tuple(one.designations), one.properties, one.parent,
                one.abstract, (), one.also,
            )
            for one in from_resource(raw)
        },
    )  # fmt: skip


def ancestors(of: Iterable[Concept], code: str) -> set[str]:
    """A code and all codes above it."""
    parents = {one.code: (one.parent, *one.also) for one in of}
    found: set[str] = set()
    waiting = [code]
    while waiting:
        one = waiting.pop()
        if one and one not in found:
            found.add(one)
            waiting.extend(parents.get(one, ()))
    return found
