"""Blocks: items that several forms share, put in where a form says `use:`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from hsba.forms.lines import Lined, each, only, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

DEEPEST = 16
"""How many blocks may stand within one another."""
LISTS = ("items", "right", "left", "middle")
"""Keys of a form, a part or an item that hold lists of items."""


@dataclass(frozen=True, slots=True)
class Library:
    """What form files may refer to: blocks by name, and the names of facts."""

    blocks: Mapping[str, list[Lined]]
    facts: frozenset[str]

    def block(self, where: Lined, key: str, name: Any) -> list[Lined]:
        """The items of a block; the form's error where there is none."""
        found = self.blocks.get(str(name))
        if found is None:
            raise where.wrong(f"there is no block {name}.", f"không có khối {name}.", key)
        return found

    def put_in(self, where: Lined, key: str, value: Any, depth: int = 0) -> list[Lined]:
        """The items of a list, those of blocks in their place."""
        if depth > DEEPEST:
            raise where.wrong(
                "blocks use one another in a circle.", "các khối dùng lẫn nhau thành vòng.", key
            )
        made: list[Lined] = []
        for one in each(where, key, value):
            if "use" not in one:
                made.append(self._opened(one, depth))
                continue
            only(one, {"use", "without", "with", "only"})
            made += _changed(one, self.put_in(one, "use", self.block(one, "use", one["use"]), depth + 1))
        return made

    def _opened(self, one: Lined, depth: int) -> Lined:
        """An item with the blocks inside it in their place."""
        inside: dict[str, Any] = {
            key: self.put_in(one, key, one[key], depth + 1) for key in LISTS if _items(one.get(key))
        }
        if isinstance(one.get("beside"), Lined):
            inside["beside"] = self.put_in(one, "beside", [one["beside"]], depth + 1)[0]
        return one.copied(**inside)


def read(files: Mapping[str, str]) -> dict[str, list[Lined]]:
    """The blocks of some files, by name: lists of items, or a head."""
    made: dict[str, list[Lined]] = {}
    for file, text in files.items():
        top = parse(text, file)
        for name, value in top.items():
            if name in made:
                raise top.wrong(f"block {name} stands twice.", f"khối {name} có hai lần.", name)
            made[name] = list(each(top, name, value if isinstance(value, list) else [value]))
    return made


def expanded(text: str, file: str, library: Library) -> str:
    """A form's source with its blocks put in: it says by itself all that it means, whatever becomes of the blocks."""
    top = parse(text, file)
    plain = {
        key: library.block(top, "head", value)[0] if key == "head" and isinstance(value, str) else value
        for key, value in top.items()
    }
    return yaml.dump(
        _plain(plain, top, library), allow_unicode=True, sort_keys=False, width=120, Dumper=_Dumper
    )


def _plain(value: Any, where: Lined, library: Library) -> Any:
    if isinstance(value, dict):
        here = value if isinstance(value, Lined) else where
        made = {}
        for key, one in value.items():
            if (key in LISTS or key == "checks") and _items(one):
                made[key] = [_plain(item, here, library) for item in library.put_in(here, key, one)]
            elif key == "beside" and isinstance(one, Lined):
                made[key] = _plain(library.put_in(here, key, [one])[0], here, library)
            else:
                made[key] = _plain(one, here, library)
        return made
    if isinstance(value, list):
        return [_plain(one, where, library) for one in value]
    return value if isinstance(value, int | str) or value is None else _Number(str(value))


class _Number(str):
    """A number with a fraction, as it was written."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes numbers as they were, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as the library calls it
        """Write what stands twice twice."""
        return True


_Dumper.add_representer(
    _Number, lambda dumper, one: dumper.represent_scalar("tag:yaml.org,2002:float", str(one))
)


def _changed(where: Lined, held: list[Lined]) -> list[Lined]:
    """A block's items without some, or only some, and with keys changed, at any depth."""
    without, wanted = _names(where, "without"), _names(where, "only")
    changes = where.get("with", {})
    known = set()

    def change(items: list[Lined]) -> list[Lined]:
        made = []
        for item in items:
            id_ = str(item.get("id", ""))
            known.add(id_)
            inside: dict[str, Any] = {key: change(item[key]) for key in LISTS if _items(item.get(key))}
            if isinstance(item.get("beside"), Lined):
                inside["beside"] = next(iter(change([item["beside"]])), None)
            if id_ not in without:
                made.append(item.copied(**{**inside, **changes.get(id_, {})}))
        return made

    made = change(held)
    for id_ in (*without, *wanted, *changes):
        if id_ not in known:
            raise where.wrong(f"the block has no {id_}.", f"khối không có mục {id_}.")
    return [item for item in made if not wanted or item.get("id") in wanted]


def _items(value: Any) -> bool:
    """Whether it is a list of items, not of names."""
    return isinstance(value, list) and all(isinstance(one, Lined) for one in value)


def _names(where: Lined, key: str) -> tuple[str, ...]:
    value = where.get(key, [])
    return tuple(str(one) for one in (value if isinstance(value, list) else [value]))
