"""Bundles made by joining stored texts: what lies in the store as JSON is not parsed to be sent as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PIECE = 1 << 16
WHOLE = 1 << 18
"""Bundles up to this many characters are sent in one piece, longer ones in pieces of `PIECE`."""

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a bundle: its resource as text, and the small parts around it as JSON members."""

    full_url: str
    resource: str | None
    extra: str = ""
    """Further members, each with its comma before it: `,"search":{"mode":"match"}`."""


MATCH = ',"search":{"mode":"match"}'
INCLUDE = ',"search":{"mode":"include"}'
OUTCOME = ',"search":{"mode":"outcome"}'


def entry(full_url: str, resource: str | None, extra: str) -> str:
    """The text of one entry; addresses hold nothing that JSON must escape (the door checks host and id)."""
    if resource is None:
        return f'{{"fullUrl":"{full_url}"{extra}}}'
    if not full_url:
        return f'{{"resource":{resource}{extra}}}'
    return f'{{"fullUrl":"{full_url}","resource":{resource}{extra}}}'


def head(kind: str, links: Sequence[tuple[str, str]], total: int | None, **members: Any) -> Resource:
    """The members of a Bundle before its entries."""
    found: Resource = {"resourceType": "Bundle", **members, "type": kind}
    if total is not None:
        found["total"] = total
    if links:
        found["link"] = [{"relation": relation, "url": url} for relation, url in links]
    return found


def text(members: Resource, entries: Sequence[str]) -> bytes | None:
    """The whole bundle; None when it is so large that it should go in pieces."""
    if sum(map(len, entries)) > WHOLE:
        return None
    start = json.dump(members)
    if not entries:
        return start
    return b'%b,"entry":[%b]}' % (start[:-1], ",".join(entries).encode())


def pieces(members: Resource, entries: Iterable[str]) -> Iterator[bytes]:
    """The bundle piece by piece, so that no second copy of a large one is made."""
    waiting: list[str] = []
    size = 0
    start = json.dump(members)[:-1].decode() + ',"entry":['
    for one in entries:
        waiting.append(one)
        size += len(one)
        if size >= PIECE:
            yield (start + ",".join(waiting)).encode()
            start, size = ",", 0
            waiting.clear()
    yield ((start if waiting else "") + ",".join(waiting) + "]}").encode()


def value(members: Resource, entries: Iterable[str]) -> Resource:
    """The bundle as a value, for XML."""
    found = [json.parse(one.encode()) for one in entries]
    return {**members, "entry": found} if found else members
