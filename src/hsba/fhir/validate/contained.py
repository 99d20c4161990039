"""Contained resources: what they may not have, and that somebody refers to them.

FHIR R4 references.html#contained.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.fhir.validate.run import At, Run, Scope

_in_markup = re.compile(r"\"(#[^\"]+)\"").findall


def check(value: Any, at: At, run: Run) -> None:
    """Check one contained resource (dom-2 to dom-5)."""
    if type(value) is not dict:
        return
    if "contained" in value:
        run.add("contained-nested", at)
    meta = value.get("meta")
    if type(meta) is dict:
        if "versionId" in meta or "lastUpdated" in meta:
            run.add("contained-version", at)
        if "security" in meta:
            run.add("contained-security", at)
    own = value.get("id")
    if type(own) is not str:
        run.add("contained-id", at)
        return
    if run.scope.contained.get(own, value) is not value:
        run.add("contained-duplicate", at, value=own)
    address = "#" + own
    if address not in _local(run.scope) and not _says_container(value):
        run.add("contained-unused", at, value=address)


def _local(scope: Scope) -> frozenset[str]:
    """All addresses inside the resource ("#id") that it holds anywhere, collected once."""
    if scope.local is None:
        found: set[str] = set()
        _collect(scope.container, found)
        scope.local = frozenset(found)
    return scope.local


def _collect(value: Any, found: set[str]) -> None:
    if type(value) is dict:
        for each in value.values():
            _collect(each, found)
    elif type(value) is list:
        for each in value:
            _collect(each, found)
    elif type(value) is str:
        if value[:1] == "#":
            found.add(value)
        elif value[:1] == "<":
            # A narrative may show a contained image: <img src="#id"/>.
            found.update(_in_markup(value))


def _says_container(value: Any) -> bool:
    """Whether a contained resource refers to its container ("#")."""
    found: set[str] = set()
    _collect(value, found)
    return "#" in found
