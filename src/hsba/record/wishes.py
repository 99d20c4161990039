"""What a patient wishes about his record, said in the words of a form, as the FHIR Consent that this server keeps to exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.record.belongs import LABELS
from hsba.record.consents import PURPOSES, TYPES

if TYPE_CHECKING:
    from datetime import date, datetime

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
CONFIDENTIALITY = frozenset({"N", "R", "V"})
RESEARCH = "HRESCH"
LAW = "Luật 91/2025/QH15"
"""Personal data protection: consent is given for a purpose, can be proved and withdrawn."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One rule; what is empty is not asked: everybody, every purpose, all content, always."""

    patient: str
    deny: bool
    """Takes away; else a sensitivity label is lifted for those it names."""
    actor: tuple[str, str] | None = None
    """`Organization`, `Practitioner` or `Patient`, and the id."""
    purposes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    copies: bool = False
    """Only copying, printing and sending out; reading stays as it is."""
    first: date | None = None
    last: date | None = None
    source: str = ""
    """The paper that proves it: its number and day, or where it lies."""

    def is_known(self) -> bool:
        """Whether its codes are ones that this server keeps to."""
        return set(self.purposes) <= PURPOSES and set(self.labels) <= LABELS.keys()


def consent(wish: Wish, given: datetime) -> dict[str, Any]:
    """The Consent of a wish."""
    scope = "research" if wish.purposes == (RESEARCH,) else "patient-privacy"
    provision: dict[str, Any] = {"type": "deny" if wish.deny else "permit"}
    if wish.first or wish.last:
        ends = {"start": wish.first, "end": wish.last}
        provision["period"] = {name: day.isoformat() for name, day in ends.items() if day is not None}
    if wish.actor is not None:
        role = {"coding": [{"system": f"{TERMINOLOGY}/v3-ParticipationType", "code": "IRCP"}]}
        provision["actor"] = [{"role": role, "reference": {"reference": "/".join(wish.actor)}}]
    if wish.copies:
        provision["action"] = [{"coding": [{"system": f"{TERMINOLOGY}/consentaction", "code": "disclose"}]}]
    if wish.labels:
        provision["securityLabel"] = [{"system": _system(code), "code": code} for code in wish.labels]
    if wish.purposes:
        provision["purpose"] = [
            {"system": f"{TERMINOLOGY}/v3-ActReason", "code": code} for code in wish.purposes
        ]
    if wish.types:
        provision["class"] = [{"system": TYPES, "code": code} for code in wish.types]
    whose = {"reference": f"Patient/{wish.patient}"}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": f"{TERMINOLOGY}/consentscope", "code": scope}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": whose,
        "dateTime": given.isoformat(timespec="seconds"),
        "performer": [whose],
        "policyRule": {"text": LAW},
        **({"sourceAttachment": {"title": wish.source}} if wish.source else {}),
        "provision": provision,
    }


def _system(label: str) -> str:
    return f"{TERMINOLOGY}/{'v3-Confidentiality' if label in CONFIDENTIALITY else 'v3-ActCode'}"


__all__ = ["Wish", "consent"]
