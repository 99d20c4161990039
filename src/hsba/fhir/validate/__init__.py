"""Validation: everything that is wrong with a resource, each with its place, in English and Vietnamese.

It uses the definitions and FHIRPath of hsba.fhir, and asks the codes port about lists that the packages do
not hold. It never stops at the first problem, never changes the resource, and never looks outside it for the
target of a reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.validate import profiles as _profiles
from hsba.fhir.validate.compiler import compiler
from hsba.fhir.validate.run import MAX_ISSUES, Codes, EnoughError, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.problems import Issue

__all__ = ["Codes", "validate"]


def validate(
    resource: dict[str, Any],
    definitions: Definitions,
    *,
    codes: Codes | None = None,
    profiles: bool = True,
    against: Sequence[str] = (),
    best_practice: bool = False,
) -> list[Issue]:
    """Every problem of a resource: by its type, then by the profiles it names and those given (``against``).

    A resource of wrong form (unknown elements, wrong JSON types) is told so first; its invariants and profiles
    are tested once the form is right.  Errors refuse a write, warnings and information never do (Issue.blocks).
    ``best_practice`` adds advice, such as that a narrative is missing.
    """
    run = Run(definitions, codes, profiles=profiles, best_practice=best_practice, resource=resource)
    name = resource.get("resourceType")
    if type(name) is not str:
        run.add("no-resource-type", (None, "Resource"))
        return run.issues
    if name not in definitions.resource_types:
        run.add("unknown-resource-type", (None, "Resource"), name=name)
        return run.issues
    at = (None, name)
    try:
        compiler(definitions).whole(name)(resource, at, run)
        if run.settle():
            for url in against:
                _profiles.named(url, resource, at, at, run)
    except EnoughError:
        del run.issues[MAX_ISSUES - 1 :]
        run.add("enough", at, found=MAX_ISSUES)
    return run.issues
