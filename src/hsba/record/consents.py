"""Consents that decide who may see what: which part of FHIR R4 Consent is understood, and read exactly.

A provision says deny or permit, to whom, for what purpose, of which types and labels, at which acts, in which time; those
one level below it are its exceptions (consent.html#provision).  A consent that is active and says more than that is
refused when it is saved here, and takes the whole patient away where it came in another way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import Issue
from hsba.fhir.query.dates import interval
from hsba.fhir.query.expression import Match, Missing, Not, Token, all_of, any_of
from hsba.record.belongs import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from hsba.record.context import Context

Resource = dict[str, Any]

ACTS: dict[str, tuple[str, ...]] = {
    # http://terminology.hl7.org/CodeSystem/consentaction, as acts of the record; nothing is every act
    "access": (),
    "use": (),
    "collect": ("create", "update"),
    "correct": ("update", "delete"),
    "disclose": ("copy", "export", "print"),
}
PURPOSES = frozenset(
    {
        "BTG",
        "ETREAT",
        "FAMRQT",
        "HLEGAL",
        "HMARKT",
        "HOPERAT",
        "HPAYMT",
        "HRESCH",
        "PATRQT",
        "PUBHLTH",
        "TREAT",
    }
)
"""Purposes of use (v3-PurposeOfUse) that something here is done for, or may be."""
ACTORS = frozenset({"Organization", "Patient", "Practitioner"})
TYPES = "http://hl7.org/fhir/resource-types"
PROVISION = frozenset(
    {"type", "period", "actor", "action", "securityLabel", "purpose", "class", "provision", "id", "extension"}
)
"""Elements of a provision that are understood; extensions add nothing to what it says (extensibility.html)."""

RESTRICTING = all_of(
    [
        Match("status", Token(None, "active")),
        any_of(
            [
                Match("effect", Token(None, "deny")),
                Match("effect", Token(None, "OPTOUT")),
                Not(Missing("security-label")),
            ]
        ),
    ]
)
"""The consents that may change what the roles say; all others need not be read."""


class NotExact(ValueError):
    """What a consent says is more than is understood here."""


@dataclass(frozen=True, slots=True)
class Provision:
    """One rule; what is empty is not asked."""

    deny: bool | None
    """None says neither, and only bounds its exceptions."""
    actors: tuple[tuple[str, str], ...] = ()
    purposes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    labels: int = 0
    acts: frozenset[str] = frozenset()
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What one consent says about its patient."""

    patient: str
    root: Provision
    exceptions: tuple[Provision, ...] = ()


def rule(consent: Resource, zone: ZoneInfo) -> Rule | None:
    """What an active consent says; None of one that is not active, or about nobody here."""
    patient = _patient(consent)
    if consent.get("status") != "active" or patient is None:
        return None
    everything = Rule(patient, Provision(deny=True))
    try:
        return _read(consent, patient, zone)
    except NotExact:
        return everything if _denies(consent) else None
    except (AttributeError, KeyError, TypeError):  # it was never validated: nothing of it is believed
        return everything


def lifts(consent: Resource | None, zone: ZoneInfo) -> Rule | None:
    """What an active consent says, where it lets somebody see what a sensitivity label closes."""
    found = None if consent is None else rule(consent, zone)
    if found is None or found.root.deny is not False or not found.root.labels or not found.root.actors:
        return None
    return found


def issues(ctx: Context, consent: Resource) -> tuple[Issue, ...]:
    """Refuse to save an active consent that cannot be kept to exactly."""
    if consent.get("status") != "active":
        return ()
    try:
        _read(consent, "", ctx.tenant.zone)
    except NotExact as problem:
        return (
            Issue(
                "error",
                "not-supported",
                f"This active consent says more than this server can keep to: {problem}.",
                f"Không thực hiện đúng được thỏa thuận đang hiệu lực này: {problem}.",
                "Consent.provision",
            ),
        )
    return ()


def _read(consent: Resource, patient: str, zone: ZoneInfo) -> Rule:
    if "modifierExtension" in consent:
        raise NotExact("Consent.modifierExtension")
    told = consent.get("provision", {})
    root = _provision(told, zone)
    exceptions = []
    for one in told.get("provision", ()):
        if "provision" in one or "type" not in one:
            raise NotExact("Consent.provision.provision.provision")
        exceptions.append(_provision(one, zone))
    if root.deny is None and _opts_out(consent):
        root = replace(root, deny=True)
    return Rule(patient, root, tuple(exceptions))


def _provision(told: Resource, zone: ZoneInfo) -> Provision:
    if more := sorted(set(told) - PROVISION):
        raise NotExact(f"Consent.provision.{more[0]}")
    if told.get("type") not in (None, "deny", "permit"):
        raise NotExact("Consent.provision.type")
    period = told.get("period", {})
    try:
        first = interval(period["start"], zone)[0] if "start" in period else None
        last = interval(period["end"], zone)[1] if "end" in period else None
    except ValueError as problem:
        raise NotExact("Consent.provision.period") from problem
    acts: set[str] = set()
    every = "action" not in told
    for code in _codes(told, "action"):
        if code not in ACTS:
            raise NotExact("Consent.provision.action")
        every = every or not ACTS[code]
        acts.update(ACTS[code])
    return Provision(
        {"deny": True, "permit": False}.get(told.get("type", "")),
        tuple(_actors(told)),
        frozenset(_known(told, "purpose", PURPOSES)),
        frozenset(_types(told)),
        sum(LABELS[code] for code in set(_known(told, "securityLabel", frozenset(LABELS)))),
        frozenset() if every else frozenset(acts),
        first,
        last,
    )


def _actors(told: Resource) -> Iterator[tuple[str, str]]:
    for one in told.get("actor", ()):
        type_, _, id_ = str(one.get("reference", {}).get("reference", "")).partition("/")
        if type_ not in ACTORS or not id_ or "/" in id_:
            raise NotExact("Consent.provision.actor")
        yield type_, id_


def _types(told: Resource) -> Iterator[str]:
    for one in told.get("class", ()):
        if one.get("system") != TYPES or not one.get("code"):
            raise NotExact("Consent.provision.class")
        yield one["code"]


def _known(told: Resource, name: str, known: frozenset[str]) -> Iterator[str]:
    for one in told.get(name, ()):
        if one.get("code") not in known:
            raise NotExact(f"Consent.provision.{name}")
        yield one["code"]


def _codes(told: Resource, name: str) -> Iterator[str]:
    """The code of each concept; one without any is not understood."""
    for concept in told.get(name, ()):
        codings = concept.get("coding", ())
        if len(codings) != 1 or "code" not in codings[0]:
            raise NotExact(f"Consent.provision.{name}")
        yield codings[0]["code"]


def _opts_out(consent: Resource) -> bool:
    return any(one.get("code") == "OPTOUT" for one in consent.get("policyRule", {}).get("coding", ()))


def _denies(consent: Resource) -> bool:
    """Whether a consent that is not understood takes something away."""
    waiting = [consent.get("provision", {})]
    while waiting:
        one = waiting.pop()
        if one.get("type") not in (None, "permit"):
            return True
        waiting.extend(one.get("provision", ()))
    return _opts_out(consent)


def _patient(consent: Resource) -> str | None:
    reference = consent.get("patient")
    text = reference.get("reference", "") if isinstance(reference, dict) else ""
    type_, _, id_ = str(text).partition("/")
    return id_.partition("/")[0] if type_ == "Patient" and id_ else None


__all__ = ["PURPOSES", "RESTRICTING", "Provision", "Rule", "issues", "lifts", "rule"]
