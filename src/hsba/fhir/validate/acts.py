"""On which day a resource's codes must be right: the day of the act it tells, in Vietnam.

A resource that tells no day (a patient, an organization) may carry a code of any time: an old address stays right.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

VIETNAM = timezone(timedelta(hours=7))

DAYS: dict[str, tuple[str, ...]] = {
    "Claim": ("created",),
    "Condition": ("recordedDate", "onsetDateTime"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod.start", "issued"),
    "Encounter": ("period.end", "period.start"),
    "Immunization": ("occurrenceDateTime",),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod.start"),
    "MedicationRequest": ("authoredOn",),
    "Observation": ("effectiveDateTime", "effectivePeriod.start", "effectiveInstant", "issued"),
    "Procedure": ("performedDateTime", "performedPeriod.start"),
    "ServiceRequest": ("authoredOn", "occurrenceDateTime"),
}
"""By type: where the day stands, the first that is there."""


def act_day(resource: dict[str, Any]) -> date | None:
    """The day of the act; None where the resource tells none, or only a month or year."""
    for path in DAYS.get(str(resource.get("resourceType")), ()):
        value: Any = resource
        for step in path.split("."):
            value = value.get(step) if type(value) is dict else None
        if type(value) is str:
            return _day(value)
    return None


def _day(text: str) -> date | None:
    try:
        if len(text) <= 10:
            return date.fromisoformat(text) if len(text) == 10 else None
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment.astimezone(VIETNAM) if moment.tzinfo else moment).date()
