"""A change of either kind as one value, so that whoever carries it out need not ask which it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir.patch.fhirpath_patch import fhirpath_patch
from hsba.fhir.patch.json_patch import json_patch

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patch:
    """What to change: the operations of a JSON Patch, or the Parameters of a FHIRPath Patch (FHIR R4 http.html#patch)."""

    operations: Any = None
    parameters: Resource | None = None

    @classmethod
    def json(cls, operations: Any) -> Patch:
        """A JSON Patch (RFC 6902)."""
        return cls(operations=operations)

    @classmethod
    def fhirpath(cls, parameters: Resource) -> Patch:
        """A FHIRPath Patch (FHIR R4 fhirpatch.html)."""
        return cls(parameters=parameters)


def apply(resource: Resource, change: Patch, definitions: Definitions) -> Resource:
    """The resource after the change; what was given stays as it was."""
    if change.parameters is not None:
        return fhirpath_patch(resource, change.parameters, definitions)
    return json_patch(resource, change.operations)
