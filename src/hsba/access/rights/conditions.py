"""The conditions that a line of a role names, as data: each a word, most with something after a colon.

    department          the patient is in one of the person's departments at this moment
    department:24h      the same, or was until at most so long ago (h hours, d days)
    department:stay     it belongs to a stay in one of the person's departments, over or not
    care-team           the person is in an active care team of the patient
    own-patients        the person attends to the patient at this moment; of a patient's account, the patient himself
    in-treatment:7d     the patient is in treatment here, in whatever department, or was until at most so long ago
    lent                the record, or the dossier, is lent to the person
    author              the person stands as its author
    state:active,draft  its dossier is in one of these states (`none`: it belongs to no dossier)
    label:HIV,PSY       content with these sensitivity labels is meant too; without it, none that has a label
    search:status=final what this search of the type finds

Conditions of one line must all be true.  Each becomes a search expression; what cannot is `NotUnderstood`.  In an emergency
the patient in question is as one of the person's department, care team and patients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from hsba.fhir.paths import PATIENT_ELEMENTS, catalogue
from hsba.fhir.problems import Problem
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import parse_expression
from hsba.record.belongs import LABELS
from hsba.record.lifecycle import STATES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from hsba.access.rights.grants import Loan
    from hsba.access.rights.people import Person
    from hsba.fhir.definitions import Definitions
    from hsba.record.ports import Codes

ALL_LABELS = sum(LABELS.values())
IN_TREATMENT = ("arrived", "triaged", "in-progress", "onleave")
"""Encounter.status of a patient who is here; `planned` is not yet, `finished` no more."""

AUTHORS: dict[str, tuple[str, ...]] = {
    # the parameters that name who wrote, ordered or did it
    "AllergyIntolerance": ("recorder", "asserter"),
    "CarePlan": ("performer",),
    "ClinicalImpression": ("assessor",),
    "Communication": ("sender",),
    "Composition": ("author",),
    "Condition": ("asserter",),
    "DiagnosticReport": ("performer", "results-interpreter"),
    "DocumentReference": ("author",),
    "Encounter": ("participant",),
    "Immunization": ("performer",),
    "MedicationAdministration": ("performer",),
    "MedicationDispense": ("performer",),
    "MedicationRequest": ("requester",),
    "Observation": ("performer",),
    "Procedure": ("performer",),
    "Provenance": ("agent",),
    "QuestionnaireResponse": ("author",),
    "ServiceRequest": ("requester",),
    "Specimen": ("collector",),
    "Task": ("requester", "owner"),
}
OWN_DEPARTMENT: dict[str, str] = {"Encounter": "service-provider", "PractitionerRole": "organization"}
"""Types that name a department themselves, and the parameter that does."""

_SPAN = re.compile(r"(\d{1,4})([hd])\Z")


class NotUnderstood(Problem):
    """This condition of a role cannot be understood, so its line grants nothing."""

    status, code = 422, "invalid"
    vi = "Không hiểu điều kiện này của vai trò, nên dòng đó không cho quyền gì."


@dataclass(frozen=True, slots=True)
class Setting:
    """What conditions are understood with: the language, the person, his departments by this grant, and the time."""

    definitions: Definitions
    codes: Codes
    zone: ZoneInfo
    person: Person
    departments: tuple[str, ...]
    now: datetime
    patients: tuple[str, ...] | None = None
    """In an emergency, whom it is about; else None."""
    loans: tuple[Loan, ...] = ()
    """What is lent to him, for one purpose."""


def expression(conditions: tuple[str, ...], type: str, setting: Setting) -> e.Expression:
    """What resources of a type fulfil all the conditions; raises NotUnderstood."""
    parts: list[e.Expression] = []
    for text in conditions:
        word, _, rest = text.partition(":")
        meaning = MEANINGS.get(word)
        if meaning is None:
            raise NotUnderstood(f"“{text}”")
        parts.append(meaning(rest, type, setting))
    if setting.patients is not None:
        parts.append(_of_patient(type, e.Ids(setting.patients), setting))
    return e.all_of(parts)


def labels(conditions: tuple[str, ...]) -> int:
    """The sensitivity bits that the conditions lift; raises NotUnderstood."""
    bits = 0
    for text in conditions:
        word, _, rest = text.partition(":")
        if word == "label":
            for code in _words(rest):
                if code != "*" and code not in LABELS:
                    raise NotUnderstood(f"“{text}”: {code}")
                bits |= ALL_LABELS if code == "*" else LABELS[code]
    return bits


def belongs_to_a_patient(definitions: Definitions, type: str) -> bool:
    """Whether resources of a type say whose they are."""
    return any(definitions.child(type, name) is not None for name in PATIENT_ELEMENTS)


# --- what each word means ----------------------------------------------------------------------------------


def _department(rest: str, type: str, setting: Setting) -> e.Expression:
    since = None if rest in ("", "stay") else _since("department", rest, setting)
    if setting.patients is not None:
        return e.Everything()
    if not setting.departments:
        return e.Nothing()
    here = _refers("service-provider", "Organization", setting.departments)
    if type == "PractitionerRole":
        return _refers(OWN_DEPARTMENT[type], "Organization", setting.departments)
    if rest == "stay":
        return _of_encounter(type, here)
    return _of_patient(type, e.Has("Encounter", "patient", e.all_of([here, _here_since(since)])), setting)


def _in_treatment(rest: str, type: str, setting: Setting) -> e.Expression:
    since = None if not rest else _since("in-treatment", rest, setting)
    if setting.patients is not None:
        return e.Everything()
    return _of_patient(type, e.Has("Encounter", "patient", _here_since(since)), setting)


def _since(word: str, rest: str, setting: Setting) -> datetime:
    found = _SPAN.match(rest)
    if found is None:
        raise NotUnderstood(f"“{word}:{rest}”")
    return setting.now - timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1))


def _here_since(since: datetime | None) -> e.Expression:
    """Encounters of patients who are here, or left after a moment."""
    now = _any_status(IN_TREATMENT)
    if since is None:
        return now
    ended = e.all_of(
        [e.Match("status", e.Token(None, "finished")), e.Match("date", e.Date("gt", since, since))]
    )
    return e.any_of([now, ended])


def _lent(rest: str, type: str, setting: Setting) -> e.Expression:
    _plain("lent", rest)
    whole = tuple(sorted({one.patient for one in setting.loans if one.dossier is None}))
    parts = [_of_patient(type, e.Ids(whole), setting)] if whole else []
    dossiers = tuple(sorted({one.dossier for one in setting.loans if one.dossier is not None}))
    if dossiers:
        parts.append(_of_dossier(type, dossiers, setting))
    return e.any_of(parts)


def _of_dossier(type: str, dossiers: tuple[str, ...], setting: Setting) -> e.Expression:
    """What belongs to some dossiers, with the patients they are about."""
    if type == "Patient":
        return e.Ids(tuple(sorted({one.patient for one in setting.loans if one.dossier is not None})))
    if type == "Composition":
        return e.any_of([e.Ids(dossiers), e.Belongs("dossier", "Composition", e.Ids(dossiers))])
    if not belongs_to_a_patient(setting.definitions, type):
        return e.Nothing()
    return e.Belongs("dossier", "Composition", e.Ids(dossiers))


def _care_team(rest: str, type: str, setting: Setting) -> e.Expression:
    _plain("care-team", rest)
    if setting.patients is not None:
        return e.Everything()
    if not setting.person.practitioners:
        return e.Nothing()
    member = e.all_of(
        [
            _refers("participant", "Practitioner", setting.person.practitioners),
            e.Match("status", e.Token(None, "active")),
        ]
    )
    return _of_patient(type, e.Has("CareTeam", "patient", member), setting)


def _own_patients(rest: str, type: str, setting: Setting) -> e.Expression:
    _plain("own-patients", rest)
    if setting.patients is not None:
        return e.Everything()
    person = setting.person
    parts: list[e.Expression] = []
    if person.patients:
        parts.append(e.Ids(person.patients))
    if person.practitioners:
        attends = e.all_of(
            [_refers("participant", "Practitioner", person.practitioners), _any_status(IN_TREATMENT)]
        )
        parts += [
            _refers("general-practitioner", "Practitioner", person.practitioners),
            e.Has("Encounter", "patient", attends),
        ]
    return _of_patient(type, e.any_of(parts), setting)


def _author(rest: str, type: str, setting: Setting) -> e.Expression:
    _plain("author", rest)
    known = catalogue(setting.definitions, type).parameters
    parts: list[e.Expression] = []
    for code in AUTHORS.get(type, ()):
        if code in known:
            parts += [
                _refers(code, kind, ids)
                for kind, ids in (
                    ("Practitioner", setting.person.practitioners),
                    ("Patient", setting.person.patients),
                )
                if ids and (not known[code].targets or kind in known[code].targets)
            ]
    return e.any_of(parts)


def _state(rest: str, type: str, setting: Setting) -> e.Expression:
    names = _words(rest)
    if not names or not set(names) <= set(STATES):
        raise NotUnderstood(f"“state:{rest}”")
    return e.InState(tuple(sorted(STATES.index(name) for name in names)))


def _label(rest: str, type: str, setting: Setting) -> e.Expression:
    if not labels((f"label:{rest}",)):
        raise NotUnderstood(f"“label:{rest}”")
    return e.Everything()


def _search(rest: str, type: str, setting: Setting) -> e.Expression:
    try:
        pairs = parse_qsl(rest, keep_blank_values=True, strict_parsing=True, errors="strict")
        parts = [parse_expression(setting.definitions, type, [pair], zone=setting.zone) for pair in pairs]
    except (Problem, ValueError) as problem:
        told, told_vi = (
            (problem.sentence, problem.sentence_vi) if isinstance(problem, Problem) else (str(problem),) * 2
        )
        raise NotUnderstood(
            f"“search:{rest}” ({type}): {told}", vi=f"“search:{rest}” ({type}): {told_vi}"
        ) from problem
    if not parts or any(isinstance(part, e.Everything) for part in parts):  # `_sort=…` asks for nothing
        raise NotUnderstood(f"“search:{rest}”")
    found = e.all_of(parts)
    for address in _value_sets(found):
        if setting.codes.value_set_id(address) is None:
            raise NotUnderstood(f"“search:{rest}”: {address}")
    return found


MEANINGS: dict[str, Callable[[str, str, Setting], e.Expression]] = {
    "author": _author,
    "care-team": _care_team,
    "department": _department,
    "in-treatment": _in_treatment,
    "label": _label,
    "lent": _lent,
    "own-patients": _own_patients,
    "search": _search,
    "state": _state,
}


# --- how they are made -------------------------------------------------------------------------------------


def of_patients(definitions: Definitions, type: str, ids: tuple[str, ...]) -> e.Expression:
    """Those of a type that belong to one of these patients."""
    if type == "Patient":
        return e.Ids(ids)
    return (
        e.Belongs("patient", "Patient", e.Ids(ids))
        if belongs_to_a_patient(definitions, type)
        else e.Nothing()
    )


def _of_patient(type: str, patient: e.Expression, setting: Setting) -> e.Expression:
    """Those of a type whose patient is such."""
    if type == "Patient" or isinstance(patient, e.Nothing):
        return patient
    if not belongs_to_a_patient(setting.definitions, type):
        return e.Nothing()
    return e.Belongs("patient", "Patient", patient)


def _of_encounter(type: str, encounter: e.Expression) -> e.Expression:
    """Those of a type whose encounter is such."""
    if type == "Encounter":
        return encounter
    if type == "Patient":
        return e.Has("Encounter", "patient", encounter)
    return e.Belongs("encounter", "Encounter", encounter)


def _refers(code: str, type: str, ids: tuple[str, ...]) -> e.Expression:
    return e.any_of([e.Match(code, e.Reference(type, id_)) for id_ in ids])


def _any_status(statuses: tuple[str, ...]) -> e.Expression:
    return e.any_of([e.Match("status", e.Token(None, status)) for status in statuses])


def _plain(word: str, rest: str) -> None:
    if rest:
        raise NotUnderstood(f"“{word}:{rest}”")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _value_sets(where: e.Expression) -> list[str]:
    """The value sets that an expression asks about."""
    match where:
        case e.And(parts) | e.Or(parts):
            return [url for part in parts for url in _value_sets(part)]
        case e.Not(part):
            return _value_sets(part)
        case e.Chain(_, _, part) | e.Has(_, _, part) | e.Belongs(_, _, part):
            return _value_sets(part)
        case e.Match(_, e.InValueSet(url)) | e.Match(_, e.Other(e.InValueSet(url))):
            return [url]
    return []
