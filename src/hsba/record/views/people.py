"""A patient as a page names him: the banner's facts, and the four states an allergy question can be in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hsba.record.views.facts import (
    address,
    coded,
    codes,
    extension,
    happened,
    identifiers,
    link,
    name,
    objects,
    phone,
    span,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hsba.record.views.facts import Coded, Identifier, Json, Link, Name, Span

AllergyState = Literal["unasked", "unable", "none", "known"]

NO_ALLERGY = frozenset({"716186003", "409137002", "428607008", "429625007", "1003774007"})
"""SNOMED CT: no known allergy, and the same for drugs, environment, food and latex."""

NOT_KNOWN = frozenset(
    {"unknown", "asked-unknown", "asked-declined", "temp-unknown", "unsupported", "1631000175102"}
)
"""data-absent-reason: the question was put, or could not be put, and gave no answer."""

GONE = frozenset({"entered-in-error", "refuted"})


@dataclass(frozen=True, slots=True)
class Allergy:
    """What a person must not be given, how he reacted, and how grave that was."""

    id: str
    substance: str
    reactions: tuple[str, ...]
    severe: bool
    confirmed: bool
    recorded: str


@dataclass(frozen=True, slots=True)
class Allergies:
    """The answer to the allergy question: unknown is not no."""

    state: AllergyState
    asked: str
    known: tuple[Allergy, ...]


@dataclass(frozen=True, slots=True)
class Insurance:
    """A health insurance card: its number, how much it pays, and the days it is valid for."""

    id: str
    number: str
    payer: str
    valid: Span
    status: str
    share: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody lies now: department, room and bed, and since when."""

    encounter: str
    department: str
    spots: tuple[str, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Person:
    """The facts that tell one patient from another."""

    id: str
    name: Name | None
    gender: str
    birth: str
    deceased: str
    """The date of death as written; `yes` where only the fact is known; empty for the living."""
    identifiers: tuple[Identifier, ...]
    phone: str
    address: str
    active: bool

    def number(self, kind: str) -> str:
        """The first identifier of this kind."""
        return next((one.value for one in self.identifiers if one.kind == kind), "")


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands at the top of every page about a patient."""

    person: Person
    insurance: tuple[Insurance, ...]
    allergies: Allergies
    place: Place | None
    flags: tuple[Coded, ...]
    ethnicity: str
    occupation: str
    contact: str
    survivor: Link | None
    """The record this one was merged into."""
    vid: int
    recorded: str


def person(patient: Json) -> Person:
    """A Patient resource as the facts that identify him."""
    deceased = text(patient.get("deceasedDateTime")) or (
        "yes" if patient.get("deceasedBoolean") is True else ""
    )
    return Person(
        id=text(patient.get("id")),
        name=name(patient),
        gender=text(patient.get("gender")),
        birth=text(patient.get("birthDate")),
        deceased=deceased,
        identifiers=identifiers(patient),
        phone=phone(patient),
        address=address(patient),
        active=patient.get("active") is not False,
    )


def allergies(resources: Iterable[Json]) -> Allergies:
    """All AllergyIntolerances of a patient as one answer (web design 1.11)."""
    known: list[Allergy] = []
    none, unable = "", ""
    for one in resources:
        if codes(one.get("verificationStatus")) & GONE:
            continue
        said = codes(one.get("code"))
        when = happened(one, ("recordedDate", "onsetDateTime", "lastOccurrence"))
        absent = any(
            extension(holder, "/data-absent-reason") is not None
            for holder in (one.get("_code"), one.get("code"), (one.get("code") or {}).get("_text"))
            if isinstance(holder, dict)
        )
        if said & NO_ALLERGY:
            none = max(none, when or "?")
        elif said & NOT_KNOWN or absent:
            unable = max(unable, when or "?")
        elif "inactive" in codes(one.get("clinicalStatus")) or "resolved" in codes(one.get("clinicalStatus")):
            continue
        else:
            known.append(_allergy(one, when))
    known.sort(key=lambda allergy: (not allergy.severe, allergy.substance))
    if known:
        return Allergies("known", max((a.recorded for a in known), default=""), tuple(known))
    if none:
        return Allergies("none", none.strip("?"), ())
    return Allergies("unable", unable.strip("?"), ()) if unable else Allergies("unasked", "", ())


def _allergy(one: Json, when: str) -> Allergy:
    substance = coded(one.get("code"))
    reactions = list(objects(one.get("reaction")))
    shown = [
        c.text for reaction in reactions for m in objects(reaction.get("manifestation")) if (c := coded(m))
    ]
    shown = shown or [
        text(reaction.get("description")) for reaction in reactions if reaction.get("description")
    ]
    severe = one.get("criticality") == "high" or any(
        reaction.get("severity") == "severe" for reaction in reactions
    )
    return Allergy(
        id=text(one.get("id")),
        substance=substance.text if substance else "?",
        reactions=tuple(dict.fromkeys(shown)),
        severe=severe,
        confirmed="confirmed" in codes(one.get("verificationStatus")),
        recorded=when,
    )


def insurance(coverage: Json) -> Insurance:
    """A Coverage as the card it stands for."""
    payers = [shown.text for payer in objects(coverage.get("payor")) if (shown := link(payer))]
    share = ""
    for cost in objects(coverage.get("costToBeneficiary")):
        quantity = cost.get("valueQuantity")
        if isinstance(quantity, dict) and quantity.get("value") is not None:
            share = f"{quantity['value']} {text(quantity.get('unit'))}".strip()
    number = text(coverage.get("subscriberId"))
    number = next((i.value for i in identifiers(coverage) if i.kind == "bhyt"), number)
    return Insurance(
        id=text(coverage.get("id")),
        number=number,
        payer=payers[0] if payers else "",
        valid=span(coverage.get("period")),
        status=text(coverage.get("status")),
        share=share,
    )


def place(encounters: Sequence[Json]) -> Place | None:
    """Where the patient lies: the deepest stay in progress that names a place."""
    best: Place | None = None
    for one in encounters:
        if one.get("status") not in ("in-progress", "onleave", "triaged", "arrived"):
            continue
        department = link(one.get("serviceProvider"))
        now = [
            spot
            for spot in objects(one.get("location"))
            if spot.get("status", "active") in ("active", "reserved")
        ]
        spots = tuple(found.text for spot in now if (found := link(spot.get("location"))) and found.text)
        since = next((span(spot.get("period")).start for spot in now), "") or span(one.get("period")).start
        here = Place(text(one.get("id")), department.text if department else "", spots, since)
        if best is None or (len(here.spots), here.since) > (len(best.spots), best.since):
            best = here
    return best


def banner(rows: Sequence[Json], *, vid: int, recorded: str) -> Banner:
    """The banner from a patient's own resource and what the banner's query brought with it."""
    by_type: dict[str, list[Json]] = {}
    for one in rows:
        by_type.setdefault(one["resourceType"], []).append(one)
    patient = by_type["Patient"][0]
    cards = [insurance(one) for one in by_type.get("Coverage", ()) if one.get("status") != "entered-in-error"]
    cards.sort(key=lambda card: (card.status == "active", card.valid.end or "9999"), reverse=True)
    replaced = [
        link(one.get("other")) for one in objects(patient.get("link")) if one.get("type") == "replaced-by"
    ]
    contacts = []
    for contact in objects(patient.get("contact")):
        relation = next((c.text for r in objects(contact.get("relationship")) if (c := coded(r))), "")
        called = name({"name": contact.get("name")})
        parts = (called.full if called else "", relation.lower(), phone(contact))
        contacts.append(" · ".join(part for part in parts if part))
    ethnicity, occupation = (
        shown.text if (shown := coded(extension(patient, ending))) else ""
        for ending in ("/vn-ext-ethnicity", "/vn-ext-occupation")
    )
    return Banner(
        person=person(patient),
        insurance=tuple(cards),
        allergies=allergies(by_type.get("AllergyIntolerance", ())),
        place=place(by_type.get("Encounter", ())),
        flags=tuple(
            shown
            for flag in by_type.get("Flag", ())
            if flag.get("status") == "active" and (shown := coded(flag.get("code")))
        ),
        ethnicity=ethnicity,
        occupation=occupation,
        contact=next(iter(contacts), ""),
        survivor=next((one for one in replaced if one is not None), None),
        vid=vid,
        recorded=recorded,
    )
