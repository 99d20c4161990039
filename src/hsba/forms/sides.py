"""Groups of two sides: what is written once in the file and asked of the right and of the left, as of two eyes.

Each item becomes a group of two columns that hold the same under `<id>.<side>`; conditions and calculations inside name
their own side.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hsba.forms.lines import Lined, each, only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

COUNT = 2
ROW = ("n", "label", "hint", "heading", "en", "page")
"""Keys of an item that are printed once, before its two sides."""
HOLDERS = ("items", "right")
NAME = re.compile(r"(?P<before>^\s*|\s+(?:and|or)\s+|(?<=no)\s+)(?P<name>[a-z][a-z0-9.-]*)(?!\S)")
"""A name in a condition: at its beginning, or after `and`, `or` or `no`."""
ASKED = re.compile(r"%`(?P<name>[^`]+)`")
SITED = frozenset({"observation", "condition"})
"""What an answer becomes that has a place of the body."""


def sides(where: Lined) -> list[Lined]:
    """The two sides of a group; the form's error for anything else."""
    made = list(each(where, "sides", where["sides"]))
    if len(made) != COUNT:
        raise where.wrong("sides are two.", "sides phải gồm hai bên.", "sides")
    for side in made:
        only(side, {"id", "label", "width", "site"})
    return made


def doubled(rows: Sequence[Lined], both: Sequence[Lined]) -> list[Lined]:
    """The items of the group, each with its two sides."""
    known = frozenset(str(one.get("id", "")) for row in rows for one in _walk(row))
    return [row if row.get("type") == "show" else _row(row, both, known) for row in rows]


def _row(row: Lined, both: Sequence[Lined], known: frozenset[str]) -> Lined:
    held = row.copied(**dict.fromkeys(ROW))
    left, right = (
        _side(held, side, known).copied(label=str(side.get("label", "")), width=None) for side in both
    )
    made = Lined(row.file, row.line)
    made.update({key: row[key] for key in ("id", *ROW) if key in row})
    made.update({"type": "group", "items": [left], "right": [right]})
    made.at.update(row.at)
    return made


def _side(item: Lined, side: Lined, known: frozenset[str]) -> Lined:
    """An item and all inside it under the names of one side."""
    tail = f".{side.get('id', '')}"

    def named(name: str) -> str:
        return f"{name}{tail}" if name in known else name

    changed: dict[str, Any] = {"id": f"{item.get('id', '')}{tail}"}
    for key in HOLDERS:
        if key in item:
            changed[key] = [_side(one, side, known) for one in item[key]]
    if "when" in item:
        changed["when"] = NAME.sub(lambda found: found["before"] + named(found["name"]), str(item["when"]))
    if "art" in item:
        changed["art"] = str(item["art"]).replace("{side}", str(side.get("id", "")))
    if "value" in item:
        changed["value"] = ASKED.sub(lambda found: f"%`{named(found['name'])}`", str(item["value"]))
    if "site" in side and isinstance(item.get("becomes"), Lined):
        changed["becomes"] = _sited(item["becomes"], side["site"])
    return item.copied(**changed)


def _sited(becomes: Lined, site: Any) -> Lined:
    """What an answer becomes, with the place of the body it is found at."""
    changed = {}
    for kind, rest in becomes.items():
        if kind in SITED:
            told = rest if isinstance(rest, Lined) else _told(becomes, rest)
            changed[kind] = told.copied(site=site)
    return becomes.copied(**changed)


def _told(becomes: Lined, code: Any) -> Lined:
    made = Lined(becomes.file, becomes.line)
    made["code"] = code
    return made


def _walk(item: Lined) -> Iterator[Lined]:
    yield item
    inside: Iterable[Lined] = (one for key in HOLDERS for one in item.get(key, ()))
    for one in inside:
        yield from _walk(one)
