"""Contained resources: what they may not have, and that somebody refers to them.

FHIR R4 references.html#contained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hsba.fhir.validate.run import At, Run

Object = dict[str, Any]


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
    container = run.scope.container
    if not _says(container, address) and not _says(value, "#"):
        run.add("contained-unused", at, value=address)


def _says(value: Any, address: str) -> bool:
    """Whether any reference, canonical or address below a value is this one."""
    if type(value) is dict:
        return any(_says(each, address) for each in value.values())
    if type(value) is list:
        return any(_says(each, address) for each in value)
    # A narrative may show a contained image: <img src="#id"/>.
    return type(value) is str and (value == address or f'"{address}"' in value)
