"""The functions of FHIRPath, each module a table of names; they are called by what the compiler made.

They may use the scope and the items they are given.
They never change an item, and never reach outside but through the scope's callbacks.
"""

from hsba.fhir.fhirpath.functions import (
    collections,
    conversion,
    fhir,
    maths,
    texts,
    times,
    types,
)
from hsba.fhir.fhirpath.functions.kinds import Function

FUNCTIONS: dict[str, Function] = {
    **collections.TABLE,
    **conversion.TABLE,
    **fhir.TABLE,
    **maths.TABLE,
    **texts.TABLE,
    **times.TABLE,
    **types.TABLE,
}
"""Every function by its name."""

__all__ = ["FUNCTIONS", "Function"]
