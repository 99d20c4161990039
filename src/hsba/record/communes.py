"""Provinces and communes as they have been since 1 July 2025, with no district between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hsba.fhir import code_lists
from hsba.fhir.fold import fold

KINDS = ("phuong", "xa", "dac khu", "p", "x", "tinh", "thanh pho", "tp")
"""Words before a name, folded, that are often left out or written short."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A province or commune by its code."""

    code: str
    name: str


@cache
def provinces() -> tuple[Unit, ...]:
    """All provinces, in the order of their codes."""
    return tuple(Unit(one.code, one.display) for one in code_lists.current("vn-province-cs"))


@cache
def _communes() -> dict[str, tuple[Unit, ...]]:
    found: dict[str, list[Unit]] = {one.code: [] for one in provinces()}
    for one in code_lists.current("vn-ward-cs"):
        found[one.parent].append(Unit(one.code, one.display))
    return {code: tuple(some) for code, some in found.items()}


def communes(province: str) -> tuple[Unit, ...]:
    """The communes of a province; none where there is no such province."""
    return _communes().get(province, ())


def province(code: str) -> Unit | None:
    """The province with this code."""
    return next((one for one in provinces() if one.code == code), None)


def named(written: str, among: tuple[Unit, ...]) -> list[Unit]:
    """Those that are meant: by code, by the whole name, or by the name without `Phường`, `Xã`, `Tỉnh` before it."""
    bare = fold(written.replace(".", " "))
    if not bare:
        return []
    whole = [one for one in among if bare in (one.code, fold(one.name))]
    return whole or [one for one in among if _proper(fold(one.name)) == _proper(bare)]


def of_address(address: str) -> tuple[str, str, str]:
    """An address on one line as house, province code and commune name, as far as the names of today are in it."""
    parts = [part.strip() for part in address.split(",") if part.strip()]
    found = named(parts[-1], provinces()) if parts else []
    if len(found) != 1:
        return address, "", ""
    rest, code = parts[:-1], found[0].code
    for place, part in enumerate(rest):
        meant = named(part, communes(code))
        if len(meant) == 1:
            return ", ".join(rest[:place]), code, meant[0].name
    return ", ".join(rest), code, ""


def _proper(bare: str) -> str:
    for kind in sorted(KINDS, key=len, reverse=True):
        if bare.startswith(kind + " "):
            return bare.removeprefix(kind + " ")
    return bare
