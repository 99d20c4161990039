"""What an entry says of the stay itself: its diagnoses with their roles, and how it came and ends (FHIR R4 encounter.html)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hsba.forms.answers import coding, from_response, part_of
from hsba.forms.extract import DONE, HL7, UCUM, USES, VN
from hsba.forms.typed import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.forms.extract import Made
    from hsba.forms.model import Form, Item

Resource = dict[str, Any]
OUTCOME = f"{VN}StructureDefinition/vn-ext-treatment-outcome"
OUTCOMES = f"{VN}CodeSystem/vn-treatment-outcome-cs"
DISPOSITIONS = {
    "1": ("1", "Ra viện"),
    "2": ("4", "Xin ra viện"),
    "3": ("3", "Trốn viện"),
    "4": ("4", "Xin ra viện"),
}
"""Ways of leaving on the paper, and their codes in the list of the exchange (bỏ về is trốn viện, đưa về is xin ra viện)."""
SOURCES = {"1": ("emd", "Cấp cứu"), "2": ("outp", "Khoa khám bệnh"), "3": ("other", "Khoa điều trị")}


def fields(form: Form, response: Resource) -> dict[str, Any]:
    """What a completed entry says of the stay, by the field's name."""
    if response.get("status") not in DONE:
        return {}
    answers, part = from_response(form, response), part_of(response)
    return {
        str(item.becomes["field"]): _meant(item, answers[item.id])
        for item in form.walk()
        if item.becomes.get("kind") == "encounter"
        and part in ("", item.part)
        and item.becomes["field"] in FIELDS
        and item.id in answers
        and not isinstance(answers[item.id], Wrong)
    }


def _meant(item: Item, value: Any) -> Any:
    """The code that an option means, where the form says one; else its number on the paper."""
    option = next((one for one in item.options if one.code == value), None)
    return coding(item, value) if option is not None and option.means else value


def with_fields(encounter: Resource, old: dict[str, Any], new: dict[str, Any]) -> Resource:
    """The stay as the entry says it now; what it said before and says no longer is taken away."""
    made = encounter
    for name, put in FIELDS.items():
        if name in new:
            made = put(made, new[name])
        elif name in old:
            made = put(made, None)
    return made


def with_diagnoses(encounter: Resource, made: list[Made], ours: set[str]) -> Resource:
    """The stay with the diagnoses of an entry, `ours` being all that ever were of it; those of others stay."""
    others = [
        one for one in encounter.get("diagnosis", ()) if one.get("condition", {}).get("reference") not in ours
    ]
    mine = [
        {
            "condition": {"reference": f"Condition/{one.resource['id']}"},
            "use": _concept(f"{HL7}diagnosis-role", one.role, USES[one.role].words),
            **({"rank": one.rank} if one.rank else {}),
        }
        for one in made
    ]
    return _with(encounter, "diagnosis", [*others, *mine])


def _with(of: Resource, name: str, value: Any) -> Resource:
    """The same with one element changed; nothing takes it away."""
    kept = {key: one for key, one in of.items() if key != name}
    return {**of, name: value} if value not in (None, [], {}) else kept


def _concept(system: str, code: str, words: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": words}]}


def _outcome(encounter: Resource, value: Any) -> Resource:
    others = [one for one in encounter.get("extension", ()) if one.get("url") != OUTCOME]
    if value is not None:
        coded = value if isinstance(value, dict) else {"system": OUTCOMES, "code": str(value)}
        others.append({"url": OUTCOME, "valueCodeableConcept": {"coding": [coded]}})
    return _with(encounter, "extension", others)


def _end(encounter: Resource, value: Any) -> Resource:
    return _with(encounter, "period", _with(encounter.get("period", {}), "end", value))


def _length(encounter: Resource, value: Any) -> Resource:
    days = None if value is None else {"value": value, "unit": "ngày", "system": UCUM, "code": "d"}
    return _with(encounter, "length", days)


def _hospitalization(
    name: str, make: Callable[[Any], Resource | None]
) -> Callable[[Resource, Any], Resource]:
    def put(encounter: Resource, value: Any) -> Resource:
        inside = _with(encounter.get("hospitalization", {}), name, None if value is None else make(value))
        return _with(encounter, "hospitalization", inside)

    return put


def _coded(system: str, codes: dict[str, tuple[str, str]]) -> Callable[[Any], Resource | None]:
    def make(value: Any) -> Resource | None:
        if isinstance(value, dict):
            return {"coding": [value]}
        return _concept(system, *codes[value]) if value in codes else None

    return make


FIELDS: dict[str, Callable[[Resource, Any], Resource]] = {
    "outcome": _outcome,
    "end": _end,
    "length": _length,
    "source": _hospitalization("admitSource", _coded(f"{HL7}admit-source", SOURCES)),
    "disposition": _hospitalization(
        "dischargeDisposition", _coded(f"{VN}CodeSystem/vn-discharge-disposition-cs", DISPOSITIONS)
    ),
    "destination": _hospitalization("destination", lambda value: {"display": str(value)}),
}
"""`becomes: {encounter: {field: …}}`: how a field is put into the Encounter; None takes it away.

Other fields (`referral`, `transfer`, `death`) have no element of their own there and stay in the entry.
"""
