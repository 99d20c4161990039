"""Who fills a part: the kinds of staff that a form names, and the roles in which they work.

A kind says whom a part is offered to; whether the entry may be written is said by the rights of its account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.fhir.problems import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.forms.model import Part

KINDS: dict[str, frozenset[str]] = {
    "reception": frozenset({"reception"}),
    "nurse": frozenset({"nurse", "midwife"}),
    "doctor": frozenset({"doctor", "assistant", "midwife", "head"}),
    "head-of-department": frozenset({"doctor", "assistant", "head"}),
    "technician": frozenset({"technician"}),
    "pharmacist": frozenset({"pharmacist"}),
    "planning": frozenset({"records", "reception"}),
    "director": frozenset({"director", "head"}),
    "insurance-clerk": frozenset(),
    "outside-assessor": frozenset(),
    "patient": frozenset(),
    "representative": frozenset(),
}
"""The kinds that each role of the program fills parts as; of a hospital's own roles nothing is known."""


class NotYourPart(Forbidden):
    """This part of the form is filled by other staff; nothing was written."""

    vi = "Phần này của biểu mẫu do người khác ghi; chưa ghi gì."


def is_for(part: Part, roles: Iterable[str]) -> bool:
    """Whether the part is filled by somebody in one of these roles, as far as is known of them; the operator has none."""
    held = tuple(roles)
    if not part.fill or not held or any(role not in KINDS for role in held):
        return True
    return any(KINDS[role].intersection(part.fill) for role in held)
