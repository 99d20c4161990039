"""What the parts of the compiler share: truth values, aliases, where values lie, and what is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hsba.fhir.paths import PATIENT_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.fhir.paths import Parameter, Path
    from hsba.fhir.query.expression import Expression, Test
    from hsba.store.search.facts import Scope

Condition: TypeAlias = "Expression | At"
"""What the shape of a statement is chosen from."""

NEVER = "false"
ALWAYS = "true"


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of `record.resource` in the statement, and the types its rows may have (none is all)."""

    name: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class At:
    """A value on some paths of the alias's type passes a test: one part of a composite on the resource itself."""

    paths: tuple[Path, ...]
    test: Test


COMMON_WORDS = frozenset(
    (
        "nguyen", "tran", "le", "pham", "hoang", "huynh", "phan", "vu",
        "vo", "dang", "bui", "do", "ho", "ngo", "duong", "ly",
        "thi", "van", "duc", "minh", "huu", "ngoc", "quang", "thanh",
    )
)  # fmt: skip
"""Words that a good part of all Vietnamese names hold: a search is not begun with them where there is another."""


EVERYWHERE = frozenset(("nguyen", "tran", "le", "pham", "thi", "van"))
"""Words that one in ten to twenty holds at least: the next row or two has one, so each row is looked at for it."""


def commonness(word: str) -> tuple[bool, int]:
    """Sorts words so that the one that fewest names will have comes first."""
    return word in COMMON_WORDS or len(word) < 2, -len(word)


TABLES: dict[str, tuple[str, ...]] = {
    # where the values of a path lie, by the kind of its parameter
    "token": ("ix_token", "ix_string"),
    "string": ("ix_string",),
    "order": ("ix_string",),
    "date": ("ix_date",),
    "number": ("ix_quantity",),
    "quantity": ("ix_quantity",),
    "reference": ("ix_reference", "ix_uri", "ix_token"),
    "uri": ("ix_uri",),
    "composite": ("ix_composite",),
    "position": ("ix_composite",),
}

PLAIN = frozenset(
    {"code", "boolean", "id", "string", "uri", "url", "canonical", "integer", "positiveInt", "unsignedInt"}
)


def alike(paths: Iterable[Path]) -> list[list[Path]]:
    """Paths in groups that hold values of one kind, told in one way."""
    groups: dict[tuple[object, ...], list[Path]] = {}
    for path in dict.fromkeys(paths):
        mark = (
            path.kind,
            "HumanName" in path.leaves,
            "ContactPoint" in path.leaves,
            path.leaves <= PLAIN,
            bool(path.leaves & {"canonical"}),
            path.binding if path.leaves <= PLAIN else None,
        )
        groups.setdefault(mark, []).append(path)
    return list(groups.values())


def is_name(paths: list[Path]) -> bool:
    """Whether a value of these paths is the name of a person."""
    return any("HumanName" in path.leaves for path in paths)


def is_hidden(parameter: Parameter, hidden: frozenset[str]) -> bool:
    """Whether a parameter looks at a hidden element, at what lies below it, or ends above it."""
    if not hidden:
        return False
    ways = [path.elements for path in parameter.paths]
    for composite in parameter.composites:
        ways += [part.elements for part in composite.parts]
    return any(not way or any(_touches(way, one.removesuffix("[x]")) for one in hidden) for way in ways)


def _touches(way: tuple[str, ...], hidden: str) -> bool:
    """Whether a way through elements meets a hidden one; `Observation.valueQuantity` is part of `Observation.value`."""
    for element in way:
        rest = hidden[len(element) :] if hidden.startswith(element) else None
        if rest == "" or (rest and rest[0].isupper()):
            return True
    return hidden.startswith(way[-1] + ".")


def patient_path(scope: Scope, type_: str) -> str | None:
    """The expression that the column `patient` of a type's rows is filled from; None where several elements may fill it."""
    definitions = scope.definitions
    names = [name for name in PATIENT_ELEMENTS if definitions.child(type_, name) is not None]
    element = definitions.child(type_, names[0]) if len(names) == 1 else None
    if element is None or element.is_list or element.type != "Reference":
        return None
    return f"{type_}.{names[0]}"


def plain(rows: str) -> str:
    """Rows of a criterion that was made distinct and ordered, as they are."""
    for order in (" ORDER BY x.resource DESC", " ORDER BY resource DESC"):
        rows = rows.removesuffix(order)
    return rows.replace("SELECT DISTINCT", "SELECT", 1)
