"""The small facts of a resource as values a page can show: names, coded texts, references, identifiers.

Each reader takes the plain dict as it came and answers None (or an empty tuple) where the resource is silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.fhir import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Json = dict[str, Any]

SIDS = ("cccd", "bhyt", "mrn", "bhxh", "cchn", "passport", "ma-tam", "ma-lk", "ma-cskcb", "so-thu-tu")
"""The last words of the identifier systems that pages know by name; the base before them is a setting."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A concept: what people read, and the code behind it."""

    text: str
    code: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A reference: where it leads (type and id are empty when it leads nowhere here) and what it is called."""

    type: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name cut before the word he is called by: `Nguyễn Thị` and `Hoa`."""

    before: str
    called: str

    @property
    def full(self) -> str:
        """The whole name as it is written."""
        return f"{self.before} {self.called}".strip()


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number a person or thing is known by; `kind` is one of SIDS, or empty for systems we have no word for."""

    kind: str
    value: str
    system: str
    label: str
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A FHIR Period: either end may be open."""

    start: str = ""
    end: str = ""


def listed(value: Any) -> list[Any]:
    """The value as a list: none, one or many."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> Iterator[str]:
    """The strings of a list that came from outside."""
    return (one for one in listed(value) if isinstance(one, str))


def objects(value: Any) -> Iterator[Json]:
    """The objects of a list that came from outside."""
    return (one for one in listed(value) if isinstance(one, dict))


def text(value: Any) -> str:
    """The value if it is a string, else nothing."""
    return value if isinstance(value, str) else ""


def coded(concept: Any, *prefer: str) -> Coded | None:
    """A CodeableConcept or Coding; its own text first, then the display of the preferred (or first) coding."""
    if not isinstance(concept, dict):
        return None
    codings = list(objects(concept.get("coding"))) or (
        [concept] if "code" in concept or "display" in concept else []
    )
    best: Json = next((c for end in prefer for c in codings if text(c.get("system")).endswith(end)), {})
    best = best or (codings[0] if codings else {})
    shown = text(concept.get("text")) or text(best.get("display"))
    shown = shown or next(
        (text(c["display"]) for c in codings if text(c.get("display"))), text(best.get("code"))
    )
    if not shown:
        return None
    return Coded(shown, text(best.get("code")), text(best.get("system")))


def codes(concept: Any) -> frozenset[str]:
    """Every code of a CodeableConcept, whatever its system."""
    if not isinstance(concept, dict):
        return frozenset()
    return frozenset(text(c.get("code")) for c in objects(concept.get("coding")))


def all_codes(concepts: Any) -> frozenset[str]:
    """Every code of a list of CodeableConcepts."""
    return frozenset(code for concept in objects(concepts) for code in codes(concept))


def link(reference: Any) -> Link | None:
    """A Reference: literal on this server, or only its display or identifier."""
    if not isinstance(reference, dict):
        return None
    type_, _, id_ = text(reference.get("reference")).partition("/")
    id_ = id_.partition("/")[0]
    if not id_ or not type_.isalpha():
        type_ = id_ = ""
    shown = text(reference.get("display")) or text((reference.get("identifier") or {}).get("value"))
    if not shown and not id_:
        return None
    return Link(type_, id_, shown)


def name(resource: Json) -> Name | None:
    """The official name of a person, or the first one written."""
    written = list(objects(resource.get("name")))
    if not written:
        return None
    best = next((n for n in written if n.get("use") in ("official", "usual")), written[0])
    given = " ".join(texts(best.get("given")))
    line = names.display(best).strip()
    called = (given or line).split()[-1:]
    if not called:
        return None
    before = line[: -len(called[0])].strip() if line.endswith(called[0]) else line
    return Name(before, called[0])


def identifiers(resource: Json) -> tuple[Identifier, ...]:
    """All identifiers that were not withdrawn, those we have words for first."""
    found = []
    for one in objects(resource.get("identifier")):
        if one.get("use") == "old" or not text(one.get("value")):
            continue
        system = text(one.get("system"))
        last = system.rstrip("/").rpartition("/")[2]
        label = coded(one.get("type"))
        kind = last if last in SIDS else ("mrn" if "MR" in codes(one.get("type")) else "")
        valid = span(one.get("period"))
        found.append(
            Identifier(
                kind, text(one["value"]), system, label.text if label else last, valid.start, valid.end
            )
        )
    order = {kind: number for number, kind in enumerate(SIDS)}
    return tuple(sorted(found, key=lambda one: order.get(one.kind, len(order))))


def span(period: Any) -> Span:
    """A Period; open where it says nothing."""
    if not isinstance(period, dict):
        return Span()
    return Span(text(period.get("start")), text(period.get("end")))


def happened(resource: Json, names_: Sequence[str]) -> str:
    """The first of these elements that says when: a date, a time, or the start of a period."""
    for element in names_:
        value = resource.get(element)
        if isinstance(value, dict):
            value = value.get("start") or value.get("end")
        if isinstance(value, str):
            return value
    return ""


def phone(resource: Json) -> str:
    """The telephone number to call first."""
    found = [
        c for c in objects(resource.get("telecom")) if c.get("system") == "phone" and text(c.get("value"))
    ]
    found.sort(key=lambda c: rank if isinstance(rank := c.get("rank"), int) else 99)
    return text(found[0]["value"]) if found else ""


def address(resource: Json) -> str:
    """Where a person lives, on one line."""
    for one in objects(resource.get("address")):
        if one.get("use") == "old":
            continue
        if text(one.get("text")):
            return text(one["text"])
        parts = [*texts(one.get("line")), *(text(one.get(k)) for k in ("city", "district", "state"))]
        return ", ".join(part for part in parts if part)
    return ""


def extension(resource: Json, ending: str) -> Any:
    """The value of the first extension whose address ends so, whatever the base before it."""
    for one in objects(resource.get("extension")):
        if text(one.get("url")).endswith(ending):
            return next((value for key, value in one.items() if key.startswith("value")), None)
    return None


def notes(resource: Json) -> tuple[str, ...]:
    """The remarks people left on the resource."""
    return tuple(shown for one in objects(resource.get("note")) if (shown := text(one.get("text"))))
