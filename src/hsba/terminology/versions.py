"""Which versions of code systems a question is about: `system-version` and its stricter sisters.

A list is at hand in the versions that were loaded; asked for another, the answer is that it is not here, never the codes
of one of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest, Problem

if TYPE_CHECKING:
    from hsba.record.calls import Call


class WrongVersion(Problem):
    """The version at hand is not the one that `check-system-version` demands."""

    status, code = 422, "exception"
    vi = "Phiên bản hiện có không đúng với check-system-version."


@dataclass(frozen=True, slots=True)
class Versions:
    """What a call says about versions of code systems, each by the system's address."""

    wanted: dict[str, str] = field(default_factory=dict)
    """Where the value set names none (system-version)."""
    checked: dict[str, str] = field(default_factory=dict)
    """What must be used, else the question is refused (check-system-version)."""
    forced: dict[str, str] = field(default_factory=dict)
    """In the place of whatever is named (force-system-version)."""
    excluded: frozenset[str] = frozenset()
    """Systems whose codes are left out (exclude-system)."""

    def wanted_of(self, system: str, named: str) -> str:
        """The version of a system that is meant where the value set names this one; empty for whichever."""
        return self.forced.get(system) or named or self.wanted.get(system, "")

    def check(self, system: str, there: str) -> None:
        """Refuse a list in another version than the call demands."""
        if system in self.checked and not same(self.checked[system], there):
            raise WrongVersion(f"{system}|{there}")


def of(call: Call) -> Versions:
    """What a call says."""
    return Versions(
        _canonicals(call, "system-version"),
        _canonicals(call, "check-system-version"),
        _canonicals(call, "force-system-version"),
        frozenset(text.partition("|")[0] for text in call.all("exclude-system") if isinstance(text, str)),
    )


def same(wanted: str, there: str) -> bool:
    """Whether a version is the one that is wanted; `x` or `*` stands for any part."""
    asked, parts = wanted.split("."), there.split(".")
    if wanted == there:
        return True
    if not any(one in ("x", "X", "*") for one in asked):
        return False
    return len(asked) <= len(parts) and all(
        one in ("x", "X", "*") or one == part for one, part in zip(asked, parts, strict=False)
    )


def _canonicals(call: Call, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in call.all(name):
        system, mark, version = text.partition("|") if isinstance(text, str) else ("", "", "")
        if not (system and mark and version):
            raise BadRequest(f"{name} is SYSTEM|VERSION.", vi=f"{name} có dạng HỆ_MÃ|PHIÊN_BẢN.")
        found[system] = version
    return found
