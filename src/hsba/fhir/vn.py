"""The canonical base of the Vietnamese profiles, kept in this one place (VN Core, docs: reference of hsba.core).

The files of the package ``hsba.core`` are written with ``BASE``; an installation that follows another guide sets
another base, and `definitions.load(rebase=(BASE, wanted))` replaces it while reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions

BASE: Final = "http://fhir.hl7.org.vn/core"


@dataclass(frozen=True, slots=True)
class Canon:
    """Makes the canonical addresses of the Vietnamese profiles, extensions, codes and identifiers."""

    base: str = BASE

    @classmethod
    def of(cls, definitions: Definitions) -> Canon:
        """The one that these definitions were loaded with."""
        mark = "/StructureDefinition/vn-core-patient"
        return definitions.made("canon", mark, lambda: _found(definitions, mark))

    def profile(self, name: str) -> str:
        """The address of a profile or extension: `vn-core-patient`, `vn-ext-ward`."""
        return f"{self.base}/StructureDefinition/{name}"

    def codes(self, name: str) -> str:
        """The address of a code system: `vn-icd10-cs`."""
        return f"{self.base}/CodeSystem/{name}"

    def value_set(self, name: str) -> str:
        """The address of a value set: `vn-icd10-vs`."""
        return f"{self.base}/ValueSet/{name}"

    def identifier(self, name: str) -> str:
        """The system of an identifier: `cccd`, `bhyt`, `mrn`."""
        return f"{self.base}/sid/{name}"


def _found(definitions: Definitions, mark: str) -> Canon:
    urls = definitions.urls("StructureDefinition")
    return Canon(next((url.removesuffix(mark) for url in urls if url.endswith(mark)), BASE))
