"""Changes told instead of whole resources: JSON Patch and FHIRPath Patch; both give a new resource.

It may use FHIRPath and the definitions.
It never changes the resource it is given, and never decides who may change what.
"""

from hsba.fhir.patch.change import Patch, apply
from hsba.fhir.patch.fhirpath_patch import fhirpath_patch
from hsba.fhir.patch.json_patch import json_patch
from hsba.fhir.patch.problems import MalformedPatch, PatchRefused

__all__ = ["MalformedPatch", "Patch", "PatchRefused", "apply", "fhirpath_patch", "json_patch"]
