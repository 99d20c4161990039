"""What a resource belongs to and when it happened: the few facts the current row keeps beside the body.

Tables, not branches: for each question the elements that may answer it, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.fhir.paths import PATIENT_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCOUNTER = ("encounter", "context")
HAPPENED = (
    "effectiveDateTime",
    "effectiveInstant",
    "effectivePeriod",
    "performedDateTime",
    "performedPeriod",
    "occurrenceDateTime",
    "occurrencePeriod",
    "authored",
    "authoredOn",
    "recordedDate",
    "dateAsserted",
    "period",
    "issued",
    "date",
    "created",
    "started",
)
DOSSIER = "/StructureDefinition/hsba-dossier"
"""The extension by which a sheet or entry points to the Composition that heads its dossier."""

LABELS: dict[str, int] = {
    # v3-Confidentiality
    "R": 1 << 0,
    "V": 1 << 1,
    # v3-ActCode sensitivity
    "HIV": 1 << 2,
    "PSY": 1 << 3,
    "ETH": 1 << 4,
    "SDV": 1 << 5,
    "SEX": 1 << 6,
    "STD": 1 << 7,
    "SUD": 1 << 8,
    "ADOL": 1 << 9,
    "CEL": 1 << 10,
    "EMP": 1 << 11,
    "TBOO": 1 << 12,
    "MH": 1 << 13,
}
"""Sensitivity codes of `meta.security` and their bits in `record.resource.labels`."""


def _literal(value: Any, type_: str) -> str | None:
    """The logical id in a reference to a resource of this type on this server."""
    reference = value.get("reference") if isinstance(value, dict) else None
    if isinstance(reference, str) and reference.startswith(type_ + "/"):
        return reference[len(type_) + 1 :].split("/", 1)[0]
    return None


def _first(resource: dict[str, Any], names: tuple[str, ...], type_: str) -> str | None:
    for name in names:
        value = resource.get(name)
        if value is not None:
            for one in value if isinstance(value, list) else (value,):
                if found := _literal(one, type_):
                    return found
    return None


def owners(resource: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (column, type, id) for the patient, encounter, dossier and department a resource belongs to."""
    kind = resource["resourceType"]
    if kind == "Patient":
        yield "patient", "Patient", resource["id"]
    elif patient := _first(resource, PATIENT_ELEMENTS, "Patient"):
        yield "patient", "Patient", patient
    if kind == "Encounter":
        yield "encounter", "Encounter", resource["id"]
        if department := _literal(resource.get("serviceProvider"), "Organization"):
            yield "department", "Organization", department
    elif encounter := _first(resource, ENCOUNTER, "Encounter") or _first(
        resource["context"] if isinstance(resource.get("context"), dict) else {}, ENCOUNTER[:1], "Encounter"
    ):
        yield "encounter", "Encounter", encounter
    for extension in resource.get("extension", ()):
        if extension.get("url", "").endswith(DOSSIER) and (
            dossier := _literal(extension.get("valueReference"), "Composition")
        ):
            yield "dossier", "Composition", dossier


def happened(resource: dict[str, Any]) -> str | None:
    """When it happened, as the writer said it: a date, a time, or a period's start."""
    for name in HAPPENED:
        value = resource.get(name)
        if isinstance(value, dict):
            value = value.get("start")
        if isinstance(value, str):
            return value
    return None


def labels(resource: dict[str, Any]) -> int:
    """The sensitivity bits of `meta.security`."""
    bits = 0
    for coding in resource.get("meta", {}).get("security", ()):
        bits |= LABELS.get(coding.get("code", ""), 0)
    return bits
