"""What is wrong with a line of a role, said before it is kept: no such type or element, a condition not understood.

A role in force that has such a line grants nothing by it (policy.py); whoever edits one is told at once and which part it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hsba.access.rights import conditions
from hsba.access.rights.conditions import NotUnderstood, Setting
from hsba.access.rights.people import Person
from hsba.access.rights.policy import Fault
from hsba.fhir.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from hsba.access.rights.roles import Line
    from hsba.fhir.definitions import Definitions
    from hsba.record.ports import Codes

_ANYBODY = Person("anybody", ("x",), ("x",), ("x",))
"""Somebody who is a practitioner, a patient and on duty, so that every condition has something to mean."""


class BadLine(BadRequest):
    """This line would not do what is meant by it; nothing was saved."""

    code = "value"
    vi = "Dòng này sẽ không có tác dụng như ý muốn; chưa lưu gì."


def faults(role: str, line: Line, definitions: Definitions, codes: Codes, zone: ZoneInfo) -> list[Fault]:
    """The sentences why a line would not do what its author means; none when it is understood for all its types."""
    return list(_found(role, line, definitions, codes, zone))


def check(role: str, line: Line, definitions: Definitions, codes: Codes, zone: ZoneInfo) -> None:
    """Refuse a line that has any fault, with every sentence about it."""
    if found := faults(role, line, definitions, codes, zone):
        raise BadLine(" ".join(one.en for one in found), vi=" ".join(one.vi for one in found))


def _found(role: str, line: Line, definitions: Definitions, codes: Codes, zone: ZoneInfo) -> Iterator[Fault]:
    known = sorted(line.types & definitions.resource_types)
    for type_ in sorted(line.types - definitions.resource_types - {"*"}):
        yield Fault(
            role, line.number, type_, f"There is no type {type_}.", f"Không có loại nội dung {type_}."
        )
    setting = Setting(definitions, codes, zone, _ANYBODY, _ANYBODY.departments, datetime.now(UTC))
    told = set()
    for type_ in known or (sorted(definitions.resource_types) if "*" in line.types else []):
        try:
            conditions.expression(line.where, type_, setting)
            conditions.labels(line.where)
        except NotUnderstood as problem:
            if problem.sentence not in told:  # once, not for each type
                told.add(problem.sentence)
                yield Fault(role, line.number, type_, problem.sentence, problem.sentence_vi)
    for path in sorted(line.hidden | line.read_only):
        type_, _, inside = path.partition(".")
        if not inside or not _exists(definitions, type_, inside):
            yield Fault(role, line.number, type_, f"There is no element {path}.", f"Không có mục {path}.")
        elif type_ not in line.types and "*" not in line.types:
            yield Fault(
                role,
                line.number,
                type_,
                f"{path}: the line is not about {type_}.",
                f"{path}: dòng này không nói về {type_}.",
            )


def _exists(definitions: Definitions, type: str, inside: str) -> bool:
    """Whether a type has this element; one with several types is named without its `[x]`."""
    if type not in definitions.resource_types:
        return False
    content = type
    for name in inside.removesuffix("[x]").split("."):
        elements = definitions.type(content).elements
        found = elements.get(name) or next((one for one in elements.values() if one.choice == name), None)
        if found is None:
            return False
        content = found.content
    return True
