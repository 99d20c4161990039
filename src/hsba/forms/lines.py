"""YAML read so that every key knows its line, and nothing in it is taken for more than words, numbers and lists."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 1_000_000
"""Characters of a form's source."""


class BadForm(BadRequest):
    """The form file has an error; nothing was loaded."""

    vi = "Tệp biểu mẫu có lỗi; chưa nạp gì."


class Lined(dict[str, Any]):
    """A mapping of the file, the file's name, the line it begins on, and the line of each key."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.at: dict[str, int] = {}

    def wrong(self, what: str, vi: str, key: str | None = None) -> BadForm:
        """The error that this place has."""
        line = self.at.get(key, self.line) if key else self.line
        return BadForm(f"{self.file}, line {line}: {what}", vi=f"{self.file}, dòng {line}: {vi}")

    def copied(self, **changed: Any) -> Lined:
        """The same with some keys changed; None takes one away."""
        made = Lined(self.file, self.line)
        taken = {key for key, value in changed.items() if value is None}
        made.update({key: value for key, value in {**self, **changed}.items() if key not in taken})
        made.at.update(self.at)
        return made


def each(where: Lined, key: str, value: Any) -> Iterator[Lined]:
    """The mappings of a list; the form's error for anything else."""
    if not isinstance(value, list):
        raise where.wrong(f"{key} is a list.", f"{key} phải là danh sách.", key)
    for one in value:
        if not isinstance(one, Lined):
            raise where.wrong(
                f"{key}: {one!r} is no mapping.", f"{key}: {one!r} không phải cặp tên: giá trị.", key
            )
        yield one


def only(where: Lined, known: set[str]) -> None:
    """Refuse keys that are not known at a place."""
    for key in where:
        if key not in known:
            raise where.wrong(f"{key} is not known here.", f"không có khóa {key} ở đây.", key)


def parse(text: str, file: str) -> Lined:
    """Read one file; anchors, tags and documents beyond the first are refused."""
    if len(text) > MOST:
        raise BadForm(f"{file}: over {MOST:,} characters.", vi=f"{file}: quá {MOST:,} ký tự.")
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(exc, "problem", None) or "not YAML"
        raise BadForm(
            f"{file}, line {line}: {what}", vi=f"{file}, dòng {line}: không đọc được YAML ({what})."
        ) from exc
    found = _value(node, file, set())
    if not isinstance(found, Lined):
        raise BadForm(
            f"{file}, line 1: a mapping is expected.", vi=f"{file}, dòng 1: cần các cặp tên: giá trị."
        )
    return found


def _value(node: yaml.Node | None, file: str, seen: set[int]) -> Any:
    if node is None:
        return None
    here = Lined(file, node.start_mark.line + 1)
    if id(node) in seen:
        raise here.wrong(
            "anchors are not used in form files.", "không dùng mốc neo (&, *) trong tệp biểu mẫu."
        )
    if isinstance(node, yaml.MappingNode):
        seen.add(id(node))
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in here:
                here.at[key] = line
                raise here.wrong(f"{key} stands twice.", f"{key} có hai lần.", key)
            here[key] = _value(value_node, file, seen)
            here.at[key] = line
        return here
    if isinstance(node, yaml.SequenceNode):
        seen.add(id(node))
        return [_value(one, file, seen) for one in node.value]
    return _scalar(node)


def _scalar(node: Any) -> Any:
    plain = node.style in (None, "")
    match node.tag if plain else "str":
        case "tag:yaml.org,2002:bool":
            return node.value.lower() in ("true", "yes", "on")
        case "tag:yaml.org,2002:int" if re.fullmatch(r"-?[0-9]+", node.value):
            return int(node.value)
        case "tag:yaml.org,2002:float" if re.fullmatch(
            r"-?[0-9]+\.[0-9]+", node.value
        ):  # "1." is a number of the paper
            return Decimal(node.value)
        case "tag:yaml.org,2002:null":
            return None
        case _:
            return node.value
