"""A line of a role in plain words: what may be done, to which kinds of content, under which conditions, without which parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.rights import roles
from hsba.http.web.i18n import mark
from hsba.http.web.pages.admin import words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hsba.access.rights.roles import Line
    from hsba.http.web.show import Show

LABEL = "label:"
_SPAN = re.compile(r"(\d{1,4})([hd])\Z")

WHERE = {
    "department": mark("the patient is in a department of the person's now"),
    "department:stay": mark("it belongs to a stay in a department of the person's, over or not"),
    "care-team": mark("the person is in the patient's care team"),
    "lent": mark("it is lent to the person"),
    "in-treatment": mark("the patient is in treatment here, in whatever department"),
    "own-patients": mark("the person attends to the patient now; of a patient's account, he is the patient"),
    "author": mark("the person is its author"),
}
"""Conditions without anything after the colon."""
SINCE = {
    "h": mark("the patient is in a department of the person's now, or was at most %(n)s hours ago"),
    "d": mark("the patient is in a department of the person's now, or was at most %(n)s days ago"),
}
TREATED = {
    "h": mark("the patient is in treatment here, or was at most %(n)s hours ago"),
    "d": mark("the patient is in treatment here, or was at most %(n)s days ago"),
}


@dataclass(frozen=True, slots=True)
class Plain:
    """A line as people read it, each part in the reader's language."""

    number: int
    deny: bool
    acts: str
    types: tuple[str, ...]
    where: tuple[str, ...]
    also: tuple[str, ...]
    """Sensitive content that is meant too."""
    hidden: tuple[str, ...]
    read_only: tuple[str, ...]
    note: str


def line(one: Line, show: Show) -> Plain:
    """The words of a line."""
    return Plain(
        one.number,
        one.deny,
        ", ".join(acts(one.may, show)),
        tuple(types(one.types, show)),
        tuple(condition(text, show) for text in one.where if not text.startswith(LABEL)),
        tuple(condition(text, show) for text in one.where if text.startswith(LABEL)),
        tuple(element(path, show) for path in sorted(one.hidden)),
        tuple(element(path, show) for path in sorted(one.read_only)),
        one.note,
    )


def acts(some: Collection[str], show: Show) -> list[str]:
    """The acts in the order of the table."""
    if "*" in some:
        return [show.say(mark("everything"))]
    return [show.say(word) for act, word in words.ACTS.items() if act in some]


def types(some: Collection[str], show: Show) -> list[str]:
    """Kinds of content: whole groups by their name, the largest first, then what is left."""
    if "*" in some:
        return [show.say(mark("all kinds of content"))]
    found, rest = [], set(some)
    for name in grouped(some):
        found.append(show.say(words.GROUPS.get(name, name)))
        rest -= set(roles.groups()[name])
    return found + sorted(type_name(one, show) for one in rest)


def grouped(some: Collection[str]) -> list[str]:
    """The groups that are whole in a set of types, without those that lie within another."""
    found: list[str] = []
    covered: set[str] = set()
    for name, members in sorted(roles.groups().items(), key=lambda item: -len(item[1])):
        if set(members) <= set(some) and not set(members) <= covered:
            found.append(name)
            covered |= set(members)
    return found


def type_name(type: str, show: Show) -> str:
    """A kind of content; one without a word of ours by its name in FHIR."""
    return show.say(words.TYPES.get(type, "")) or type


def condition(text: str, show: Show) -> str:
    """A condition as a half-sentence that follows “when”."""
    if text in WHERE:
        return show.say(WHERE[text])
    word, _, rest = text.partition(":")
    if word == "department" and (span := _SPAN.match(rest)):
        return show.say(SINCE[span[2]]) % {"n": span[1]}
    if word == "in-treatment" and (span := _SPAN.match(rest)):
        return show.say(TREATED[span[2]]) % {"n": span[1]}
    if word == "state":
        return show.say(mark("its dossier is: %(states)s")) % {"states": _listed(rest, words.STATES, show)}
    if word == "label":
        if rest == "*":
            return show.say(mark("content with any sensitivity label too"))
        return show.say(mark("content labelled as sensitive too: %(labels)s")) % {
            "labels": _listed(rest, words.LABELS, show)
        }
    if word == "search":
        return show.say(mark("the search “%(search)s” finds it")) % {"search": rest}
    return text


def element(path: str, show: Show) -> str:
    """A part of a kind of content: `Người bệnh: điện thoại, thư điện tử`."""
    type_, _, inside = path.partition(".")
    inside = inside.removesuffix("[x]")
    return f"{type_name(type_, show)}: {show.say(words.ELEMENTS.get(inside, '')) or inside}"


def _listed(text: str, table: dict[str, str], show: Show) -> str:
    names: Iterable[str] = (one.strip() for one in text.split(","))
    return ", ".join(show.say(table.get(one, "")) or one for one in names if one)
