"""A Binary has the rights of what it says it belongs to (`securityContext`, FHIR R4 binary.html#security).

One that says nothing is seen by those only whose role names Binary itself.
"""

from __future__ import annotations

from hsba.fhir.query import expression as e

TYPE = "Binary"
CONTEXTS = (
    "Claim", "Communication", "Composition", "Consent", "Coverage", "DiagnosticReport", "DocumentReference", "Encounter",
    "ImagingStudy", "Media", "Observation", "Patient", "Procedure", "QuestionnaireResponse", "ServiceRequest", "Specimen",
)  # fmt: skip
"""Types that a Binary may belong to."""
ACTS: dict[str, tuple[str, ...]] = {
    "create": ("create", "update"),
    "update": ("update",),
    "delete": ("update",),
    "label": ("label",),
}
"""What one must be allowed to do to the context; every other act is the same on both."""


def belongs_to(types: tuple[str, ...], where: e.Expression) -> e.Expression:
    """Those that belong to a resource of one of these types that is such."""
    return e.Chain("security-context", types, where)
