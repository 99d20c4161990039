"""ValueSet/$find: a code for who is filling in a form; what he and his department choose often first, with warnings.

An operation of our own beside `$expand?filter=`: that one answers everybody the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir.problems import BadRequest
from hsba.record.calls import parameters
from hsba.terminology import asked, expand, flags

if TYPE_CHECKING:
    from datetime import date

    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.terminology.concepts import Concept
    from hsba.terminology.expand import Codes
    from hsba.terminology.flags import Case, Warned

Raw = dict[str, Any]

MOST = 100
"""Codes of one answer."""
SHOWN = 20
LONGEST = 200
"""Letters of what was typed that are read."""

WHOSE: dict[bool | None, str] = {True: "own", False: "department", None: ""}


@dataclass(frozen=True, slots=True)
class Suggested:
    """A code that fits, why it stands where it does, and what is to be said when it is chosen."""

    concept: Concept
    system: str
    often: str
    """`own` or `department` where it is chosen often; else empty."""
    warned: tuple[Warned, ...]


async def suggest(
    ctx: Context, raw: Raw, day: date, typed: str, case: Case, count: int
) -> tuple[Codes, tuple[Suggested, ...]]:
    """The codes that fit what was typed, or those chosen often where nothing was; an old code where no other fits."""
    typed = " ".join(typed.split())[:LONGEST]
    found = await expand.codes(ctx, raw, day, typed=typed, active=True, liked=True, count=count)
    if typed and not found.total:
        found = await expand.codes(ctx, raw, day, typed=typed, liked=True, count=count)
    return found, tuple(await warned(ctx, found, case))


async def warned(ctx: Context, found: Codes, case: Case) -> list[Suggested]:
    """The codes with what is to be said about each."""
    marked = [one.code for one in found.some if one.properties.get("mark")]
    paired = await flags.pairs(ctx, marked) if marked else {}
    return [
        Suggested(
            one,
            found.url(one.system),
            WHOSE[found.often.get((one.system, one.code))],
            flags.warnings(
                one, case, paired.get(one.code, frozenset()), icd=found.url(one.system).endswith(flags.ICD)
            ),
        )
        for one in found.some
    ]


async def find(ctx: Context, call: Call) -> Raw:
    """The codes that fit `text`, each with its name, why it stands there, and the warnings of its rules."""
    raw = await expand.asked_for(ctx, call)
    day, _ = asked.day(ctx, call)
    count = asked.number(call, "count")
    found, some = await suggest(
        ctx, raw, day, call.text("text") or "", case(call), min(SHOWN if count is None else count, MOST)
    )
    language = call.text("displayLanguage")
    parts: list[Raw] = []
    for one in some:
        of = found.systems.get(one.concept.system)
        shown = one.concept.shown(language, of.language) if of else one.concept.display
        match: list[Raw] = [
            {
                "name": "concept",
                "valueCoding": {"system": one.system, "code": one.concept.code, "display": shown},
            }
        ]
        if one.often:
            match.append({"name": "often", "valueCode": one.often})
        if not one.concept.in_force(day):
            match.append({"name": "inactive", "valueBoolean": True})
        match += [
            {
                "name": "warning",
                "part": [
                    {"name": "rule", "valueCode": each.rule},
                    {"name": "vi", "valueString": each.vi},
                    {"name": "en", "valueString": each.en},
                ],
            }
            for each in one.warned
        ]
        parts.append({"name": "match", "part": match})
    total: list[Raw] = [] if found.more else [{"name": "total", "valueInteger": found.total}]
    return parameters(*total, *parts)


def case(call: Call) -> Case:
    """For whom and as what the code is: `use`, `sex`, `age` in years, and the codes `beside` it."""
    age = call.text("age")
    try:
        years = None if age is None else float(age)
    except ValueError:
        years = -1.0
    if years is not None and not 0 <= years < 200:
        raise BadRequest("age is a number of years.", vi="age là số tuổi.")
    beside = frozenset(one for text in call.all("beside") if isinstance(text, str) for one in text.split(","))
    return flags.Case(call.text("use") or "", call.text("sex") or "", years, beside)
