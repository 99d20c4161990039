"""Roles as data: lines that say who may do what to which types, under which conditions, without which elements.

    { may = ["view", "update"], types = ["@clinical"], where = ["department"], hidden = [], read_only = [] }

A line with `deny = true` takes away.  `@name` is a group of types from `roles.toml`, `*` every type or every act.
A role that cannot be read grants nothing at all.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ACTS = (
    # one spelling for every right: alphabetical
    "archive", "cancel", "close", "copy", "create", "delete", "destroy", "emergency", "export", "label", "lend",
    "link-person", "merge", "print", "reopen", "restore", "review", "sign", "update", "view",
)  # fmt: skip
"""What may be done. The record asks for most of them; copy, print and sign are asked by rooms above it, emergency (to come
to a patient one may not see) and lend of a Patient, and review (of emergencies) of AuditEvent, by this one."""

MEMBERS = frozenset({"deny", "hidden", "may", "note", "read_only", "types", "where"})


class BadRole(Problem):
    """This is no role; it grants nothing."""

    status, code = 422, "invalid"
    vi = "Không đọc được vai trò này; nó không cho quyền gì."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a role."""

    number: int
    may: frozenset[str]
    types: frozenset[str]
    where: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    deny: bool = False
    note: str = ""
    """Why: the rule or the regulation it comes from."""

    def concerns(self, act: str, type: str) -> bool:
        """Whether it is about this act on this type."""
        return bool(self.may & {act, "*"}) and bool(self.types & {type, "*"})

    def data(self) -> dict[str, Any]:
        """The line as it is kept."""
        found: dict[str, Any] = {"may": sorted(self.may), "types": sorted(self.types)}
        for name in ("where", "hidden", "read_only"):
            if value := getattr(self, name):
                found[name] = list(value) if name == "where" else sorted(value)
        if self.deny:
            found["deny"] = True
        return {**found, "note": self.note} if self.note else found


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its name in data and for people, and its lines."""

    name: str
    title: str
    lines: tuple[Line, ...]
    purpose: str = "TREAT"
    """What its people work for (v3-PurposeOfUse); one of the hospital's own works for treatment, unless it replaces ours."""
    own: bool = False
    """Whether the hospital made or changed it; else it comes with the program."""


def read(
    name: str, title: str, lines: Any, groups: Mapping[str, Iterable[str]], *, own: bool = False
) -> Role:
    """A role from data; raises BadRole."""
    if not isinstance(lines, list):
        raise BadRole(name)
    found = tuple(_line(name, n, one, groups) for n, one in enumerate(lines, 1))
    return Role(name, title, found, _purposes().get(name, "TREAT"), own)


def _line(role: str, number: int, data: Any, groups: Mapping[str, Iterable[str]]) -> Line:
    place = f"{role}[{number}]"
    if not isinstance(data, dict) or not set(data) <= MEMBERS:
        raise BadRole(place)
    texts = {
        name: _texts(place, data.get(name, [])) for name in ("may", "types", "where", "hidden", "read_only")
    }
    deny, note = data.get("deny", False), data.get("note", "")
    if not isinstance(deny, bool) or not isinstance(note, str) or not texts["may"] or not texts["types"]:
        raise BadRole(place)
    if unknown := set(texts["may"]) - {*ACTS, "*"}:
        raise BadRole(f"{place}: {', '.join(sorted(unknown))}")
    types: set[str] = set()
    for type_ in texts["types"]:
        if type_.startswith("@"):
            if type_[1:] not in groups:
                raise BadRole(f"{place}: {type_}")
            types.update(groups[type_[1:]])
        else:
            types.add(type_)
    return Line(
        number,
        frozenset(texts["may"]),
        frozenset(types),
        tuple(texts["where"]),
        frozenset(texts["hidden"]),
        frozenset(texts["read_only"]),
        deny,
        note,
    )


def _texts(place: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadRole(place)
    return value


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """The groups of types, by name."""
    return {name: tuple(types) for name, types in _shipped()["groups"].items()}


@cache
def built_in() -> dict[str, Role]:
    """The roles that come with the program, by name."""
    found = _shipped()["roles"]
    return {name: read(name, one["title"], one["lines"], groups()) for name, one in found.items()}


@cache
def _purposes() -> dict[str, str]:
    return {name: one["purpose"] for name, one in _shipped()["roles"].items() if "purpose" in one}


def _shipped() -> dict[str, Any]:
    return tomllib.loads((resources.files("hsba.access.rights") / "roles.toml").read_text("utf-8"))
