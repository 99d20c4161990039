"""What is known of one code: $lookup, $validate-code and $subsumes of CodeSystem (FHIR R4 codesystem-operations.html)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, Problem
from hsba.record import interactions
from hsba.record.calls import Call, parameters
from hsba.terminology import asked, concepts, saved, tree
from hsba.terminology.asked import Coding, UnknownCode, UnknownSystem, UnknownVersion

if TYPE_CHECKING:
    from hsba.record.context import Context
    from hsba.terminology.concepts import Concept, System

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a code is to be judged."""

    day: date
    given: bool = False
    """Whether the day was asked about: then the code must be in force on it."""
    language: str | None = None
    lenient: bool = False
    """Whether a wrong name is only told (lenient-display-validation)."""
    abstract: bool = True
    """Whether a code that only orders the list may be used."""
    active: bool = False
    """Whether it must be in force (activeOnly)."""


def manner(ctx: Context, call: Call) -> Manner:
    """What a call says about it."""
    day, given = asked.day(ctx, call)
    return Manner(
        day,
        given,
        call.text("displayLanguage"),
        asked.flag(call, "lenient-display-validation"),
        not call.all("abstract") or asked.flag(call, "abstract"),
        asked.flag(call, "activeOnly"),
    )


async def lookup(ctx: Context, call: Call) -> Raw:
    """The name, the days and the properties of a code; one that has ended is shown with what took its place."""
    coding = await _one(ctx, call)
    of = await known(ctx, coding.system)
    day = of.on(asked.day(ctx, call)[0])
    found = await concepts.find(ctx, of, coding.code, day)
    if found is None:
        raise UnknownCode(f"{coding.system}#{coding.code}")
    wanted = {value for value in call.all("property") if isinstance(value, str)}
    parts: list[Raw] = [{"name": "name", "valueString": of.title}]
    if of.version:
        parts.append({"name": "version", "valueString": of.version})
    display = found.shown(call.text("displayLanguage"), of.language)
    parts.append({"name": "display", "valueString": display})
    if not wanted or "designation" in wanted:
        parts += [_designation(one) for one in _designations(found, of)]
    parts += [
        {
            "name": "property",
            "part": [{"name": "code", "valueCode": name}, {"name": "value", **_typed(name, value)}],
        }
        for name, value in _properties(found, of, day)
        if not wanted or name in wanted
    ]
    return parameters(*parts)


async def validate_code(ctx: Context, call: Call) -> Raw:
    """Whether a code system has a code, under this name, and on the day that is given."""
    how = manner(ctx, call)
    first = await _one(ctx, call)
    others = asked.codings(call)[1:]
    answer: Raw = {}
    for coding in (first, *others):
        of = await concepts.system(ctx, coding.system)
        if of is None:
            answer = verdict(False, coding, message=await unknown(ctx, coding.system))
            continue
        found = await concepts.find(ctx, of, coding.code, how.day)
        answer = judge(coding, found, of, how)
        if answer["parameter"][0]["valueBoolean"]:
            break
    return answer


async def subsumes(ctx: Context, call: Call) -> Raw:
    """Whether one code lies at or above another in its list's tree."""
    pairs: list[Coding] = []
    for letter in "AB":
        if code := call.text(f"code{letter}"):
            pairs.append(Coding(call.text("system") or await instance(ctx, call) or "", code))
        elif value := call.value(f"coding{letter}", dict):
            pairs.append(asked.coding(value))
    if len(pairs) != 2 or pairs[0].system != pairs[1].system:
        raise BadRequest(
            "Give codeA and codeB with their one system.", vi="Hãy đưa codeA, codeB và một system chung."
        )
    of = await known(ctx, pairs[0].system)
    day, _ = asked.day(ctx, call)
    codes = []
    for coding in pairs:
        found = await concepts.find(ctx, of, coding.code, day)
        if found is None:
            raise UnknownCode(f"{of.url}#{coding.code}")
        codes.append(found.code)
    above = await _above(ctx, of, *codes)
    if codes[0] == codes[1]:
        outcome = "equivalent"
    elif codes[0] in above:
        outcome = "subsumes"
    else:
        outcome = "subsumed-by" if codes[1] in above else "not-subsumed"
    return parameters({"name": "outcome", "valueCode": outcome})


async def _above(ctx: Context, of: System, one: str, other: str) -> set[str]:
    """Which of two codes lies above the other."""
    if of.saved is not None:
        some = of.saved.values()
        return {a for a, b in ((one, other), (other, one)) if a in saved.ancestors(some, b)}
    if not of.closed:
        climb = tree.up("$1", "$2::text", "$3")
        return {
            a
            for a, b in ((one, other), (other, one))
            if await ctx.tx.fetchval(f"SELECT $4::text IN ({climb})", of.number, b, ctx.tenant.id, a)
        }
    rows = await ctx.tx.fetch(
        "SELECT ancestor FROM reference.concept_ancestor WHERE system = $1"
        " AND ((ancestor = $2 AND code = $3) OR (ancestor = $3 AND code = $2))",
        of.number,
        one,
        other,
    )
    return {row[0] for row in rows}


# --- what others use too -----------------------------------------------------------------------------------


async def known(ctx: Context, url: str) -> System:
    """A code system, or the problem that says that it is not here."""
    found = await concepts.system(ctx, url)
    if found is None:
        raise await unknown(ctx, url)
    return found


async def unknown(ctx: Context, url: str) -> UnknownSystem:
    """The problem that says that a system is not here, or which of its versions are."""
    some = await concepts.versions(ctx, url) if "|" in url else []
    if not some:
        return UnknownSystem(url)
    there = ", ".join(one or "–" for one in some)
    return UnknownVersion(f"{url}; at hand: {there}.", vi=f"{url}; đang có: {there}.")


async def loaded(ctx: Context, url: str) -> System:
    """A code system whose codes are in the tables; one that a keeper saved as a resource is not."""
    of = await known(ctx, url)
    if of.saved is not None:
        raise UnknownSystem(url)
    return of


def judge(coding: Coding, found: Concept | None, of: System, how: Manner) -> Raw:
    """The answer about a code: a day that was asked about must lie in the days of the code."""
    day = of.on(how.day)
    if found is None:
        return verdict(False, coding, message=UnknownCode(f"{of.url}#{coding.code}"))
    display = found.shown(how.language, of.language)
    if found.abstract and not how.abstract:
        en, vi = "only orders the list and may not be used", "chỉ dùng để sắp xếp danh mục, không được dùng"
        return verdict(False, coding, display=display, text=f"{found.code} {en}. · Mã {found.code} {vi}.")
    if coding.display is not None and not _named(coding.display, found, of, how.language):
        return verdict(
            how.lenient,
            coding,
            display=display,
            text=f"The name of {found.code} is “{display}”. · Tên của mã {found.code} là “{display}”.",
        )
    if found.in_force(day):
        return verdict(True, coding, display=display)
    follow = ", ".join(found.successors)
    en, vi = (
        f"{found.code} is not in force on {day}",
        f"Mã {found.code} không có hiệu lực ngày {day:%d/%m/%Y}",
    )
    if follow:
        en, vi = f"{en}; {follow} took its place", f"{vi}; được thay bằng {follow}"
    right = not how.given and not how.active
    return verdict(right, coding, display=display, text=f"{en}. · {vi}.", inactive=True)


def verdict(
    result: bool,  # noqa: FBT001 - the one thing it is about
    coding: Coding,
    *,
    display: str = "",
    message: Exception | None = None,
    text: str = "",
    inactive: bool = False,
) -> Raw:
    """Parameters of an answer to $validate-code."""
    if isinstance(message, Problem):
        text = f"{message.sentence} · {message.sentence_vi}"
    parts: list[Raw] = [{"name": "result", "valueBoolean": result}]
    if text:
        parts.append({"name": "message", "valueString": text})
    if display:
        parts.append({"name": "display", "valueString": display})
    parts.append({"name": "code", "valueCode": coding.code})
    if coding.system:
        system, _, version = coding.system.partition("|")
        parts.append({"name": "system", "valueUri": system})
        parts += [{"name": "version", "valueString": version}] if version else []
    if inactive:
        parts.append({"name": "inactive", "valueBoolean": True})
    return parameters(*parts)


async def _one(ctx: Context, call: Call) -> Coding:
    """The first code asked about, of the system that the address names where none is given."""
    found = asked.codings(call)[0]
    if found.system:
        return found
    system = await instance(ctx, call)
    if not system:
        raise BadRequest("Say of which system the code is.", vi="Hãy nêu hệ mã (system) của mã.")
    return Coding(system, found.code, found.display)


async def instance(ctx: Context, call: Call) -> str | None:
    """The address of the CodeSystem that was called on: one that is stored, or one of the packages by its id."""
    if call.type != "CodeSystem" or call.id is None:
        return None
    packaged = ctx.definitions.made("terminology", "CodeSystem", lambda: by_id(ctx, "CodeSystem"))
    if call.id in packaged:
        return packaged[call.id]
    stored = await interactions.read(ctx, "CodeSystem", call.id)
    raw = json.stored(stored.body or "")
    url, version = raw.get("url", ""), raw.get("version", "")
    return f"{url}|{version}" if version else url


def by_id(ctx: Context, kind: str) -> dict[str, str]:
    """The addresses of the packages' definitions of a type by their ids."""
    found: dict[str, str] = {}
    for url in ctx.definitions.urls(kind):
        raw = ctx.definitions.read(url)
        if raw is not None and "id" in raw:
            found.setdefault(raw["id"], url)
    return found


def _named(display: str, found: Concept, of: System, language: str | None) -> bool:
    """Whether a code has this name; in a language that the list has for it, in that language."""
    names = [(one.get("language", of.language), str(one["value"])) for one in _designations(found, of)]
    if language:
        names = [one for one in names if concepts.same_language(language, one[0])] or names
    return _plain(display) in {_plain(name) for _, name in names}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _designations(found: Concept, of: System) -> list[Raw]:
    return [{"language": of.language, "value": found.display}, *found.designations]


def _designation(one: Raw) -> Raw:
    parts: list[Raw] = []
    if one.get("language"):
        parts.append({"name": "language", "valueCode": one["language"]})
    if one.get("use"):
        parts.append({"name": "use", "valueCoding": one["use"]})
    return {"name": "designation", "part": [*parts, {"name": "value", "valueString": one["value"]}]}


def _properties(found: Concept, of: System, day: date) -> list[tuple[str, Any]]:
    """Properties by their codes: those of the list, then those that say where it stands and when it is right."""
    told: list[tuple[str, Any]] = [
        (name, value) for name, value in found.properties.items() if name != "parent"
    ]
    told += [("parent", code) for code in (found.parent, *found.also) if code]
    told.append(("inactive", not found.in_force(day)))
    if found.since != date.min:
        told.append(("valid-from", found.since))
    if found.until != date.max:
        told.append(("valid-to", found.until))
    told += [("superseded-by", code) for code in found.successors]
    if of.source:
        told.append(("source", of.source))
    return told


CODES = frozenset({"parent", "superseded-by"})
"""Properties whose values are codes."""


def _typed(name: str, value: Any) -> Raw:
    """A property's value by its type."""
    if name in CODES:
        return {"valueCode": value}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, date):
        return {"valueDateTime": value.isoformat()}
    return {"valueString": str(value)}
