"""Extensions: either a value or further extensions, and what their definition asks.

FHIR R4 extensibility.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hsba.fhir.validate import contexts, profiles

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions, Type
    from hsba.fhir.validate.run import At, Run

Whole = Callable[[Any, "At", "Run"], None]

_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+").fullmatch


def checked(structure: Whole) -> Whole:
    """The check of an Extension: its structure, and that it has a value or parts (ext-1)."""

    def check(value: Any, at: At, run: Run) -> None:
        structure(value, at, run)
        if type(value) is not dict:
            return
        has_parts = "extension" in value
        has_value = any(key[:5] == "value" or key[:6] == "_value" for key in value)
        if has_parts == has_value:
            run.add("extension-both", at)

    return check


def placed(modifier: bool, owner: Type, definitions: Definitions) -> Whole:  # noqa: FBT001 - one caller
    """The check of an extension at its place: its definition, where it is loaded, and that it may stand here."""
    inside_extension = owner.name == "Extension"
    names = contexts.lineage(owner.name, definitions)

    def defined(value: Any, at: At, run: Run) -> None:
        profile = profiles.find(value["url"], run)
        if profile is not None:
            if profile.context_rules or names.isdisjoint(profile.elements):
                contexts.check(profile, at, run)
            profile.check(value, "Extension", at, run)

    def check(value: Any, at: At, run: Run) -> None:
        url = value.get("url")
        if type(url) is not str:
            return
        profile = profiles.find(url, run)
        if profile is None:
            if _absolute(url) is not None:
                run.add("extension-unknown", at, url=url)
            elif not inside_extension:
                run.add("extension-url", (at, "url"), value=url)
            return
        if profile.type != "Extension":
            run.add("extension-not-defined", at, url=url)
            return
        if profile.is_modifier != modifier:
            run.add("extension-is-modifier" if profile.is_modifier else "extension-not-modifier", at, url=url)
        run.later(defined, value, at)

    return check
