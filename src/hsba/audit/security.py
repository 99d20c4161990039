"""How the standard calls what happens to accounts: event types of DICOM PS3.16 (CID 400, 401), by an act's first word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DCM = "http://dicom.nema.org/resources/ontology/DCM"
ENDINGS = {"create": "C", "give": "C", "register": "C", "delete": "D"}
"""Of an act `<thing>-<what>`: the action, where it makes or removes something; otherwise it changes something."""


@dataclass(frozen=True, slots=True)
class Family:
    """Acts of one kind: the event's type and what of it, each by code and name."""

    type: tuple[str, str]
    subtype: tuple[str, str]


_AUTHENTICATION, _ALERT = ("110114", "User Authentication"), ("110113", "Security Alert")
OTHER = Family(_ALERT, ("110137", "User Security Attributes Changed"))
FAMILIES: dict[str, Family] = {
    "login": Family(_AUTHENTICATION, ("110122", "Login")),
    "logout": Family(_AUTHENTICATION, ("110123", "Logout")),
    "session": Family(_AUTHENTICATION, ("110123", "Logout")),
    "lock": Family(_AUTHENTICATION, ("110123", "Logout")),
    "unlock": Family(_AUTHENTICATION, ("110122", "Login")),
    "app": Family(_ALERT, ("110129", "Security Configuration")),
    "role": Family(_ALERT, ("110136", "Security Roles Changed")),
    "grant": Family(_ALERT, ("110136", "Security Roles Changed")),
    "emergency": Family(_ALERT, ("110127", "Emergency Override Started")),
    "workstation": Family(_ALERT, ("110129", "Security Configuration")),
    "audit": Family(("110101", "Audit Log Used"), ("110101", "Audit Log Used")),
}
"""By the first word of an act; what is not here changes an account."""


def family(act: str) -> Family:
    """The kind of an act."""
    return FAMILIES.get(act.partition("-")[0], OTHER)


def action(act: str) -> str:
    """C, U, D or E: whether something was made, changed or removed, or somebody came and went."""
    return "E" if family(act).type == _AUTHENTICATION else ENDINGS.get(act.rpartition("-")[2], "U")


def coding(code: tuple[str, str]) -> dict[str, Any]:
    """A code of DICOM as FHIR writes it."""
    return {"system": DCM, "code": code[0], "display": code[1]}


def condition(code: str, *, subtype: bool) -> tuple[str, list[str]] | None:
    """The first words of the acts with this code, and whether they are those meant (`=`) or all others (`<>`)."""
    of = {word: (one.subtype if subtype else one.type)[0] for word, one in FAMILIES.items()}
    if code == (OTHER.subtype if subtype else OTHER.type)[0]:
        return "<> ALL", [word for word, its in of.items() if its != code]
    words = [word for word, its in of.items() if its == code]
    return ("= ANY", words) if words else None
