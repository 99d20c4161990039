"""Invariants of FHIR R4 written by hand where that is simpler and many times faster than their FHIRPath.

Each answers whether the rule holds for one object that has passed the structural checks or not: it must not
fall over on wrong types.  A test holds every one of them against its FHIRPath original over all examples of
R4.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from hsba.fhir.validate.moments import not_after

Object = dict[str, Any]
Rule = Callable[[Object], bool]

BUILT_IN: Final = frozenset(
    {"ele-1", "ext-1", "ref-1", "txt-1", "txt-2", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6"}
)
"""Tested by the structure itself: empty elements, extensions, references, narrative, contained resources."""

_VALUES_OF_OBSERVATION = [
    "Quantity",
    "CodeableConcept",
    "String",
    "Boolean",
    "Integer",
    "Range",
    "Ratio",
    "SampledData",
    "Time",
    "DateTime",
    "Period",
]
_UCUM = "http://unitsofmeasure.org"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def has(one: Object, *names: str) -> bool:
    """Whether any of these elements stands there, as a value or by its extensions."""
    return any(name in one or "_" + name in one for name in names)


def has_choice(one: Object, stem: str) -> bool:
    """Whether a choice element stands there under any of its names."""
    return any(name.startswith((stem, "_" + stem)) and _is_choice(name, stem) for name in one)


def _is_choice(name: str, stem: str) -> bool:
    rest = name.removeprefix("_")[len(stem) :]
    return bool(rest) and rest[0].isupper()


def codings(concept: object) -> list[Object]:
    """The codings of a CodeableConcept, or of a list of them, that are objects."""
    if isinstance(concept, list):
        return [coding for each in concept for coding in codings(each)]
    if not isinstance(concept, dict):
        return []
    found = concept.get("coding")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def coded(concept: object, system: str, *wanted: str) -> bool:
    """Whether a concept carries one of the codes of this system."""
    return any(each.get("system") == system and each.get("code") in wanted for each in codings(concept))


def _observation_value_or_reason(one: Object) -> bool:
    return not has(one, "dataAbsentReason") or not has_choice(one, "value")


def _observation_code_in_component(one: Object) -> bool:
    components = one.get("component")
    if not components or not has_choice(one, "value"):
        return True
    own = codings(one.get("code"))
    return not any(
        coding in own for each in components if isinstance(each, dict) for coding in codings(each.get("code"))
    )


def _period_in_order(one: Object) -> bool:
    return not_after(one.get("start"), one.get("end"))


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _range_in_order(one: Object) -> bool:
    low, high = one.get("low"), one.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict):
        return True
    if (low.get("system"), low.get("code")) != (high.get("system"), high.get("code")):
        return True
    if low.get("code") is None and low.get("unit") != high.get("unit"):
        return True
    least, most = _number(low.get("value")), _number(high.get("value"))
    return least is None or most is None or least <= most


def _ratio_whole(one: Object) -> bool:
    return ("numerator" in one) == ("denominator" in one) and ("numerator" in one or "extension" in one)


def _not_entered_in_error_has_status(one: Object) -> bool:
    return has(one, "clinicalStatus") or coded(
        one.get("verificationStatus"), _ALLERGY_VERIFICATION, "entered-in-error"
    )


def _entered_in_error_has_no_status(one: Object) -> bool:
    return not has(one, "clinicalStatus") or not coded(
        one.get("verificationStatus"), _ALLERGY_VERIFICATION, "entered-in-error"
    )


def _abated_is_not_active(one: Object) -> bool:
    return not has_choice(one, "abatement") or coded(
        one.get("clinicalStatus"), _CLINICAL, "resolved", "remission", "inactive"
    )


def _condition_in_error_has_no_status(one: Object) -> bool:
    return not has(one, "clinicalStatus") or not coded(
        one.get("verificationStatus"), _VERIFICATION, "entered-in-error"
    )


def _any(*names: str) -> Rule:
    return lambda one: has(one, *names)


def _not_both(first: str, second: str) -> Rule:
    return lambda one: not (has(one, first) and has(one, second))


def _needs(first: str, second: str) -> Rule:
    """Where the first stands, the second stands."""
    return lambda one: second in one or not has(one, first) or has(one, second)


def _never_less_than_zero(name: str) -> Rule:
    def rule(one: Object) -> bool:
        value = _number(one.get(name))
        return value is None or value >= 0

    return rule


def _ucum_quantity(*, unit: str | None = None, positive: bool = False, whole: bool = False) -> Rule:
    def rule(one: Object) -> bool:
        if "value" in one and not has(one, "code"):
            return False
        if "system" in one and one["system"] != _UCUM:
            return False
        if unit is not None and "code" in one and one["code"] != unit:
            return False
        value = one.get("value")
        number = _number(value)
        if number is None:
            return True
        return not (positive and number <= 0) and not (whole and "." in str(value))

    return rule


def _timing_offset(one: Object) -> bool:
    if not has(one, "offset"):
        return True
    when = one.get("when")
    return (
        isinstance(when, list) and bool(when) and not (len(when) == 1 and when[0] in ("C", "CM", "CD", "CV"))
    )


def _bundle_total(one: Object) -> bool:
    return not has(one, "total") or one.get("type") in ("searchset", "history")


def _entries(one: Object) -> list[Object]:
    found = one.get("entry")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _bundle_search(one: Object) -> bool:
    return one.get("type") == "searchset" or not any("search" in each for each in _entries(one))


def _bundle_requests(one: Object) -> bool:
    wanted = one.get("type") in ("batch", "transaction", "history")
    return all(("request" in each) == wanted for each in _entries(one))


def _bundle_responses(one: Object) -> bool:
    wanted = one.get("type") in ("batch-response", "transaction-response", "history")
    return all(("response" in each) == wanted for each in _entries(one))


def _bundle_addresses_distinct(one: Object) -> bool:
    if one.get("type") == "history":
        return True
    seen = set()
    for each in _entries(one):
        address = each.get("fullUrl")
        if not isinstance(address, str):
            continue
        resource = each.get("resource")
        meta = resource.get("meta") if isinstance(resource, dict) else None
        key = address + str(meta.get("versionId", "") if isinstance(meta, dict) else "")
        if key in seen:
            return False
        seen.add(key)
    return True


def _bundle_full_url(one: Object) -> bool:
    address = one.get("fullUrl")
    return not isinstance(address, str) or "/_history/" not in address


def _first_entry_is(bundle_type: str, resource_type: str) -> Rule:
    def rule(one: Object) -> bool:
        if one.get("type") != bundle_type:
            return True
        entries = one.get("entry")
        first = entries[0] if isinstance(entries, list) and entries else None
        resource = first.get("resource") if isinstance(first, dict) else None
        return isinstance(resource, dict) and resource.get("resourceType") == resource_type

    return rule


def _document_identified(one: Object) -> bool:
    identifier = one.get("identifier")
    if one.get("type") != "document":
        return True
    return isinstance(identifier, dict) and has(identifier, "system") and has(identifier, "value")


def _document_dated(one: Object) -> bool:
    return one.get("type") != "document" or "timestamp" in one


def _not_at_home(one: Object) -> bool:
    return one.get("use") != "home"


RULES: Final[dict[str, Rule]] = {
    "age-1": _ucum_quantity(positive=True),
    "ait-1": _not_entered_in_error_has_status,
    "ait-2": _entered_in_error_has_no_status,
    "app-1": _any("type", "actor"),
    "app-2": lambda one: has(one, "start") == has(one, "end"),
    "apr-1": _any("participantType", "actor"),
    "att-1": _needs("data", "contentType"),
    "bdl-1": _bundle_total,
    "bdl-2": _bundle_search,
    "bdl-3": _bundle_requests,
    "bdl-4": _bundle_responses,
    "bdl-5": _any("resource", "request", "response"),
    "bdl-7": _bundle_addresses_distinct,
    "bdl-8": _bundle_full_url,
    "bdl-9": _document_identified,
    "bdl-10": _document_dated,
    "bdl-11": _first_entry_is("document", "Composition"),
    "bdl-12": _first_entry_is("message", "MessageHeader"),
    "cmp-1": _any("text", "entry", "section"),
    "cmp-2": _not_both("emptyReason", "entry"),
    "cnt-3": _ucum_quantity(unit="1", whole=True),
    "con-1": _any("summary", "assessment"),
    "con-2": _any("code", "detail"),
    "con-4": _abated_is_not_active,
    "con-5": _condition_in_error_has_no_status,
    "cpl-3": _not_both("detail", "reference"),
    "cpt-2": _needs("value", "system"),
    "dis-1": _ucum_quantity(),
    "drt-1": lambda one: not has(one, "code") or (one.get("system") == _UCUM and has(one, "value")),
    "exp-1": _any("expression", "reference"),
    "imm-1": _any("documentType", "reference"),
    "ipn-1": _any("identifier", "name"),
    "lst-1": _not_both("emptyReason", "entry"),
    "mad-1": lambda one: has(one, "dose") or has_choice(one, "rate"),
    "nor-1": _any("oralDiet", "supplement", "enteralFormula"),
    "obs-3": _any("low", "high", "text"),
    "obs-6": _observation_value_or_reason,
    "obs-7": _observation_code_in_component,
    "org-1": _any("identifier", "name"),
    "org-2": _not_at_home,
    "org-3": _not_at_home,
    "pat-1": _any("name", "telecom", "address", "organization"),
    "per-1": _period_in_order,
    "ppc-1": _any("policy", "policyRule"),
    "prr-1": _needs("orderDetail", "code"),
    "que-7": lambda one: one.get("operator") != "exists" or has(one, "answerBoolean"),
    "qrs-1": _not_both("answer", "item"),
    "qty-3": _needs("code", "system"),
    "rat-1": _ratio_whole,
    "rng-2": _range_in_order,
    "tim-1": _needs("duration", "durationUnit"),
    "tim-2": _needs("period", "periodUnit"),
    "tim-4": _never_less_than_zero("duration"),
    "tim-5": _never_less_than_zero("period"),
    "tim-6": _needs("periodMax", "period"),
    "tim-7": _needs("durationMax", "duration"),
    "tim-8": _needs("countMax", "count"),
    "tim-9": _timing_offset,
    "tim-10": _not_both("timeOfDay", "when"),
}
"""By key; keys are unique among the rules of R4's own types but for inv-1, which is therefore not here."""
