"""What was measured or found: an Observation as a value with its unit, its range, and whether it is abnormal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from hsba.record.views.facts import all_codes, coded, codes, happened, link, listed, notes, objects, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.record.views.facts import Coded, Json, Link

Flag = Literal["", "L", "H", "LL", "HH", "A", "AA"]
"""v3-ObservationInterpretation as pages sign it: ↓ ↑, doubled when critical, A where high and low say nothing."""

WHEN = ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued")

_FLAGS: dict[str, Flag] = {
    "LL": "LL", "LU": "LL", "HH": "HH", "HU": "HH", "AA": "AA",
    "L": "L", "H": "H", "A": "A", "POS": "A", "DET": "A", "R": "A", "ABN": "A", "<": "L", ">": "H",
}  # fmt: skip

VITALS: dict[str, str] = {
    "8867-4": "pulse",
    "8310-5": "temperature",
    "85354-9": "pressure",
    "55284-4": "pressure",
    "9279-1": "breath",
    "59408-5": "oxygen",
    "2708-6": "oxygen",
    "29463-7": "weight",
    "3141-9": "weight",
    "8302-2": "height",
    "39156-5": "bmi",
    "9269-2": "coma",
    "72514-3": "pain",
}
"""LOINC codes of the vital signs (FHIR R4 observation-vitalsigns.html, and those a Vietnamese ward adds)."""

SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"


@dataclass(frozen=True, slots=True)
class Reading:
    """One Observation, or one component of it."""

    id: str
    key: str
    """What makes readings comparable: code and system."""
    code: Coded
    kind: str
    """The vital sign it is (a value of VITALS), or empty."""
    category: str
    value: Decimal | None
    shown: str
    """The value where it is not one number: a word, a code, a ratio."""
    comparator: str
    unit: str
    low: Decimal | None
    high: Decimal | None
    range: str
    """The reference range where it is words."""
    flag: Flag
    status: str
    when: str
    encounter: Link | None
    notes: tuple[str, ...]
    parts: tuple[Reading, ...] = ()

    @property
    def worst(self) -> Flag:
        """Its own flag, or the gravest of its parts."""
        return max(
            (self.flag, *(part.flag for part in self.parts)), key=lambda flag: (len(flag), flag != "A", flag)
        )

    def part(self, code: str) -> Reading | None:
        """The component with this code."""
        return next((part for part in self.parts if part.code.code == code), None)


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def _value(node: Json) -> tuple[Decimal | None, str, str, str]:
    """(number, words, comparator, unit) of value[x]."""
    quantity = node.get("valueQuantity")
    if isinstance(quantity, dict):
        number = _decimal(quantity.get("value"))
        return (
            number,
            "",
            text(quantity.get("comparator")),
            text(quantity.get("unit")) or text(quantity.get("code")),
        )
    if "valueInteger" in node:
        return _decimal(node["valueInteger"]), "", "", ""
    if (concept := coded(node.get("valueCodeableConcept"))) is not None:
        return None, concept.text, "", ""
    if isinstance(node.get("valueBoolean"), bool):
        return None, "+" if node["valueBoolean"] else "−", "", ""
    for name in ("valueString", "valueDateTime", "valueTime"):
        if text(node.get(name)):
            return None, text(node[name]), "", ""
    ratio = node.get("valueRatio")
    if isinstance(ratio, dict):
        sides = (_decimal((ratio.get(side) or {}).get("value")) for side in ("numerator", "denominator"))
        return None, ":".join(str(side) for side in sides if side is not None), "", ""
    span = node.get("valueRange")
    if isinstance(span, dict):
        ends = [_decimal((span.get(side) or {}).get("value")) for side in ("low", "high")]
        return (
            None,
            "–".join(str(end) for end in ends if end is not None),
            "",
            text((span.get("low") or {}).get("unit")),
        )
    absent = coded(node.get("dataAbsentReason"))
    return None, absent.text if absent else "", "", ""


def _range(node: Json) -> tuple[Decimal | None, Decimal | None, str]:
    """(low, high, words) of the reference range that holds for this person."""
    ranges = list(objects(node.get("referenceRange")))
    normal = [r for r in ranges if not r.get("type") or "normal" in codes(r.get("type"))]
    for one in normal or ranges[:1]:
        low, high = (_decimal((one.get(side) or {}).get("value")) for side in ("low", "high"))
        return low, high, text(one.get("text"))
    return None, None, ""


def _flag(node: Json, value: Decimal | None, low: Decimal | None, high: Decimal | None) -> Flag:
    """What the laboratory said; where it said nothing, the range decides."""
    said = all_codes(node.get("interpretation"))
    flags = sorted((_FLAGS[code] for code in said if code in _FLAGS), key=len, reverse=True)
    if flags:
        return flags[0]
    if said or value is None:
        return ""
    if low is not None and value < low:
        return "L"
    return "H" if high is not None and value > high else ""


def _one(node: Json, parent: Json, parts: tuple[Reading, ...]) -> Reading | None:
    code = coded(node.get("code"), "loinc.org")
    if code is None:
        return None
    number, shown, comparator, unit = _value(node)
    low, high, words = _range(node)
    return Reading(
        id=text(parent.get("id")),
        key=f"{code.system}|{code.code or code.text}",
        code=code,
        kind=next((VITALS[c] for c in codes(node.get("code")) if c in VITALS), ""),
        category=next(iter(sorted(all_codes(parent.get("category")))), ""),
        value=number,
        shown=shown,
        comparator=comparator,
        unit=unit,
        low=low,
        high=high,
        range=words,
        flag=_flag(node, number, low, high),
        status=text(parent.get("status")),
        when=happened(parent, WHEN),
        encounter=link(parent.get("encounter")),
        notes=notes(parent),
        parts=parts,
    )


def reading(resource: Json) -> Reading | None:
    """An Observation as a page shows it; None when it does not even say what was observed."""
    parts = tuple(
        part
        for one in listed(resource.get("component"))
        if isinstance(one, dict) and (part := _one(one, resource, ()))
    )
    return _one(resource, resource, parts)


def by_code(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    """Readings that may be compared with each other, in the order they came."""
    groups: dict[str, list[Reading]] = {}
    for one in readings:
        groups.setdefault(one.kind or one.key, []).append(one)
    return groups
