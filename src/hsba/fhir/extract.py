"""The search values of a resource: one walk over the plain dict finds them all (FHIR R4 search.html).

For each type the atomic paths are joined once into a tree of JSON names whose leaves know how to write a value down.
Extraction then only touches what both the resource and the tree have, so an Observation costs some tens of
microseconds.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hsba.fhir import names, ucum
from hsba.fhir.fold import MAX_FOLDED, contact, fold, key_text, token
from hsba.fhir.paths import catalogue
from hsba.fhir.query.dates import interval, period, timing

if TYPE_CHECKING:
    from hsba.fhir.definitions import Definitions
    from hsba.fhir.paths import Catalogue, Composite, Path, Step

Resource = dict[str, Any]

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
CURRENCY = "urn:iso:std:iso:4217"
MAX_EXACT = 1000
MAX_WORDS = 400

Token = tuple[str, str, str]
"""path, system ("" for none), code"""
String = tuple[str, str, str | None]
"""path, folded text, the text as written (None for the further words of a name and for the text beside a code)"""
Date = tuple[str, datetime, datetime]
"""path, first and last instant it may mean"""
Quantity = tuple[str, str, str, float, float, str | None, float | None, float | None]
"""path, system, unit, low, high; then base unit and low and high told in it, where the unit is known"""
Reference = tuple[str, str, str]
"""path, type and logical id of a resource of this server"""
Uri = tuple[str, str]
"""path, address (also: references that lead elsewhere)"""
Joined = tuple[
    str, str, str, str, str | None, str | None, float | None, float | None,
    str | None, float | None, float | None, datetime | None, datetime | None,
]  # fmt: skip
"""path, system, code; kind of the second part, its system and text, low and high, base, base low and high, from, to"""


@dataclass(slots=True)
class Rows:
    """The values of one resource, by kind of table; paths by their key, which the type's catalogue explains."""

    type: str
    catalogue: Catalogue | None = None
    token: list[Token] = field(default_factory=list)
    string: list[String] = field(default_factory=list)
    date: list[Date] = field(default_factory=list)
    quantity: list[Quantity] = field(default_factory=list)
    reference: list[Reference] = field(default_factory=list)
    uri: list[Uri] = field(default_factory=list)
    composite: list[Joined] = field(default_factory=list)
    text: list[list[str]] = field(default_factory=list)
    """The words of the narrative, where there is one."""


KINDS = ("token", "string", "date", "quantity", "reference", "uri", "composite", "text")
"""The kinds of values, each a list in `Rows` and a table `ix_…`."""

NOTHING = Rows("")
"""The values of a resource that was deleted."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What a value's writer needs beside the value."""

    zone: ZoneInfo
    types: frozenset[str]
    bases: tuple[str, ...]


_Write = Callable[[Any, str, Rows, _Place], None]


def extract(
    resource: Resource, definitions: Definitions, zone: ZoneInfo = VIETNAM, bases: tuple[str, ...] = ()
) -> Rows:
    """All search values of a resource; `bases` are addresses under which this server is reached."""
    type_ = resource["resourceType"]
    plan: _Plan = definitions.made("extract", type_, lambda: _Plan(definitions, type_))
    rows = Rows(type_, plan.catalogue)
    place = _Place(zone, definitions.resource_types, bases)
    _walk(plan.root, resource, rows, place)
    for path, steps in plan.always:
        _decide(path, steps, resource, rows)
    for composite in plan.composites:
        composite(resource, rows, place)
    if "text" in resource:
        _narrative(resource["text"], rows)
    rows.token = list(dict.fromkeys(rows.token))
    if len(rows.string) > 1:
        rows.string = list(dict.fromkeys(rows.string))
    if len(rows.reference) > 1:
        rows.reference = list(dict.fromkeys(rows.reference))
    return rows


# --- the tree ----------------------------------------------------------------------------------------------


class _Node:
    """A place in the JSON: what to write down there, what to look for below, and under which condition."""

    __slots__ = ("children", "conditions", "first", "writers")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.writers: list[tuple[_Write, str]] = []
        self.conditions: list[tuple[Callable[[Any], bool], str, _Node]] = []
        self.first: _Node | None = None

    def child(self, name: str) -> _Node:
        """The place below under a JSON name."""
        return self.children.setdefault(name, _Node())

    def when(self, test: Callable[[Any], bool], label: str) -> _Node:
        """The same place for values that pass a test; equal tests share it."""
        for _, known, node in self.conditions:
            if known == label:
                return node
        node = _Node()
        self.conditions.append((test, label, node))
        return node


def _walk(node: _Node, value: Resource, rows: Rows, place: _Place) -> None:
    children = node.children
    for name, item in value.items():
        child = children.get(name)
        if child is None or item is None:
            continue
        if item.__class__ is list:
            if child.first is not None and item:
                _visit(child.first, item[0], rows, place)
            for one in item:
                _visit(child, one, rows, place)
        else:
            _visit(child, item, rows, place)


def _visit(node: _Node, value: Any, rows: Rows, place: _Place) -> None:
    for write, key in node.writers:
        write(value, key, rows, place)
    if node.children and value.__class__ is dict:
        _walk(node, value, rows, place)
    for test, _, child in node.conditions:
        if test(value):
            _visit(child, value, rows, place)


class _Plan:
    """The tree of one type, and what does not fit into it."""

    def __init__(self, definitions: Definitions, type_: str) -> None:
        known = catalogue(definitions, type_)
        self.catalogue = known
        self.root = _Node()
        self.always: list[tuple[str, tuple[Step, ...]]] = []
        for path in known.paths.values():
            if path.steps is None or path.kind == "composite":
                continue
            if path.steps and path.steps[-1].verb == "exists_not_false":
                self.always.append((path.key, path.steps[:-1]))
            else:
                for node, leaf in _plant(self.root, known, type_, path.steps):
                    _write_at(node, path.kind, leaf, path.key)
        joined = {
            composite.path.key: composite
            for parameter in known.parameters.values()
            for composite in parameter.composites
            if composite.path is not None
        }
        self.composites = [
            _joiner(known, type_, composite, composite.path)
            for composite in joined.values()
            if composite.path
        ]


def _plant(root: _Node, known: Catalogue, type_: str, steps: tuple[Step, ...]) -> list[tuple[_Node, str]]:
    """Make room in the tree for some steps; answers the places reached, with the datatype there."""
    here: list[tuple[_Node, str]] = [(root, type_)]
    for step in steps:
        reached: list[tuple[_Node, str]] = []
        for node, content in here:
            match step.verb:
                case "child":
                    reached += [
                        (node.child(element.name), element.content)
                        for element in known.children(content, step.name)
                    ]
                case "type":
                    if content == step.name:
                        reached.append((node, content))
                    elif content == "Resource":
                        reached.append(
                            (node.when(_is_field("resourceType", step.name), str(step)), step.name)
                        )
                case "where":
                    reached.append((node.when(_is_field(step.name, step.value), str(step)), content))
                case "has_extension":
                    reached.append((node.when(_has_extension(step.name), str(step)), content))
                case "extension":
                    below = node.child("extension").when(_is_field("url", step.name), str(step))
                    reached.append((below, "Extension"))
                case "first":
                    if node.first is None:
                        node.first = _Node()
                    reached.append((node.first, content))
        here = reached
    return here


def _is_field(name: str, wanted: str) -> Callable[[Any], bool]:
    return lambda value: value.__class__ is dict and value.get(name) == wanted


def _has_extension(url: str) -> Callable[[Any], bool]:
    return lambda value: (
        value.__class__ is dict
        and any(one.get("url") == url for one in value.get("extension", ()) if one.__class__ is dict)
    )


def _write_at(node: _Node, kind: str, leaf: str, key: str) -> None:
    write = _WRITERS.get((kind, leaf))
    if write is not None and (write, key) not in node.writers:
        node.writers.append((write, key))


def _decide(path: str, steps: tuple[Step, ...], resource: Resource, rows: Rows) -> None:
    """`X.exists() and X != false`, as a token: also told when X is absent."""
    stem = steps[-1].name
    value = next(
        (
            v
            for name, v in resource.items()
            if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()
        ),
        None,
    )
    rows.token.append((path, "", "false" if value is None or value is False else "true"))


# --- writers: one per kind of parameter and datatype -------------------------------------------------------


def _codeable(value: Any, key: str, rows: Rows, place: _Place) -> None:
    for coding in value.get("coding", ()):
        _coding(coding, key, rows, place)
    text = value.get("text")
    if text.__class__ is str:
        rows.string.append((key, fold(text)[:MAX_FOLDED], None))


def _coding(value: Any, key: str, rows: Rows, place: _Place) -> None:
    code, system = value.get("code"), value.get("system")
    if code is not None or system is not None:
        rows.token.append((key, system or "", token(code or "")))
    display = value.get("display")
    if display.__class__ is str:
        rows.string.append((key, fold(display)[:MAX_FOLDED], None))


def _identifier(value: Any, key: str, rows: Rows, place: _Place) -> None:
    number = value.get("value")
    if number.__class__ is not str:
        return
    code = token(number)
    rows.token.append((key, value.get("system") or "", code))
    type_ = value.get("type")
    if type_ is not None:
        for coding in type_.get("coding", ()):
            rows.composite.append(
                (
                    key,
                    coding.get("system") or "",
                    token(coding.get("code") or ""),
                    "t",
                    None,
                    code,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                )
            )
        if text := type_.get("text"):
            rows.string.append((key, fold(text)[:MAX_FOLDED], None))


def _contact(value: Any, key: str, rows: Rows, place: _Place) -> None:
    number = value.get("value")
    if number.__class__ is str:
        rows.token.append((key, value.get("system") or "", key_text(contact(number))))


def _code(value: Any, key: str, rows: Rows, place: _Place) -> None:
    if value.__class__ is bool:
        rows.token.append((key, "", "true" if value else "false"))
    elif value.__class__ is not dict:
        rows.token.append((key, "", token(str(value))))


def _string(value: Any, key: str, rows: Rows, place: _Place) -> None:
    if value.__class__ is str:
        rows.string.append((key, fold(value)[:MAX_FOLDED], value[:MAX_EXACT]))


def _name(value: Any, key: str, rows: Rows, place: _Place) -> None:
    covered: set[str] = set()
    wanted: list[str] = []
    for part in names.spelled(value):
        folded = fold(part)[:MAX_FOLDED]
        rows.string.append((key, folded, part[:MAX_EXACT]))
        found = folded.split()
        covered.update(found[:1])
        wanted += found[1:]
    # Each further word gets a row of its own, unless some row begins with it already.
    rows.string.extend((key, word, None) for word in dict.fromkeys(wanted) if word not in covered)


def _name_order(value: Any, key: str, rows: Rows, place: _Place) -> None:
    """The place in a list is that of the first name: one row at most."""
    if not any(row[0] == key for row in rows.string):
        rows.string.append((key, names.sort_key(value)[:MAX_FOLDED], None))


_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")


def _address(value: Any, key: str, rows: Rows, place: _Place) -> None:
    for name in _ADDRESS:
        part = value.get(name)
        for one in part if part.__class__ is list else (part,):
            if one.__class__ is str:
                rows.string.append((key, fold(one)[:MAX_FOLDED], one[:MAX_EXACT]))


def _texts(value: Any, key: str, rows: Rows, place: _Place) -> None:
    """A coded or annotated value asked for as a string: its text and displays."""
    texts = [value.get("text"), value.get("display"), *(c.get("display") for c in value.get("coding", ()))]
    for text in texts:
        if text.__class__ is str:
            rows.string.append((key, fold(text)[:MAX_FOLDED], text[:MAX_EXACT]))


def _moment(value: Any, key: str, rows: Rows, place: _Place) -> None:
    if value.__class__ is str:
        try:
            rows.date.append((key, *interval(value, place.zone)))
        except ValueError:
            return  # a date that validation let through (it was off) means nothing to a search


def _period(value: Any, key: str, rows: Rows, place: _Place) -> None:
    try:
        rows.date.append((key, *period(value, place.zone)))
    except ValueError:
        return  # as above


def _timing(value: Any, key: str, rows: Rows, place: _Place) -> None:
    try:
        span = timing(value, place.zone)
    except ValueError:
        return  # as above
    if span is not None:
        rows.date.append((key, *span))


_INFINITY = float("inf")


def _quantity(value: Any, key: str, rows: Rows, place: _Place) -> None:
    number = value.get("value")
    if number is None:
        return
    low = high = float(number)
    comparator = value.get("comparator")
    if comparator is not None:
        low, high = (-_INFINITY, high) if comparator[0] == "<" else (low, _INFINITY)
    system = value.get("system") or ""
    unit = value.get("code") or value.get("unit") or ""
    base = ucum.canonical(ucum.written(unit)) if system in (ucum.SYSTEM, "") and unit else None
    if base is None:
        rows.quantity.append((key, system, key_text(unit), low, high, None, None, None))
    else:
        rows.quantity.append((key, system, unit, low, high, base.base, base.of(low), base.of(high)))


def _money(value: Any, key: str, rows: Rows, place: _Place) -> None:
    number = value.get("value")
    if number is not None:
        amount = float(number)
        rows.quantity.append((key, CURRENCY, value.get("currency") or "", amount, amount, None, None, None))


def _range(value: Any, key: str, rows: Rows, place: _Place) -> None:
    low, high = value.get("low") or {}, value.get("high") or {}
    first, last = low.get("value"), high.get("value")
    if first is None and last is None:
        return
    start = -_INFINITY if first is None else float(first)
    end = _INFINITY if last is None else float(last)
    told = low if first is not None else high
    system, unit = told.get("system") or "", told.get("code") or told.get("unit") or ""
    base = ucum.canonical(ucum.written(unit)) if system in (ucum.SYSTEM, "") and unit else None
    if base is None:
        rows.quantity.append((key, system, key_text(unit), start, end, None, None, None))
    else:
        rows.quantity.append((key, system, unit, start, end, base.base, base.of(start), base.of(end)))


def _number(value: Any, key: str, rows: Rows, place: _Place) -> None:
    if value.__class__ is not dict and value.__class__ is not str:
        number = float(value)
        rows.quantity.append((key, "", "", number, number, None, None, None))


_LITERAL = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def literal(text: str, types: frozenset[str], bases: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """The type and logical id that a reference on this server leads to; None when it leads elsewhere."""
    found = _LITERAL.fullmatch(text)
    if found is None or found[2] not in types:
        return None
    base = found[1]
    if base is None or base in bases:
        return found[2], found[3]
    return None


def _reference(value: Any, key: str, rows: Rows, place: _Place) -> None:
    text = value.get("reference")
    if text.__class__ is str:
        local = literal(text, place.types, place.bases)
        if local is not None:
            rows.reference.append((key, *local))
        else:
            rows.uri.append((key, key_text(text)))
    identifier = value.get("identifier")
    if identifier is not None and (number := identifier.get("value")):
        rows.token.append((key, identifier.get("system") or "", token(str(number))))


def _canonical(value: Any, key: str, rows: Rows, place: _Place) -> None:
    if value.__class__ is str:
        local = literal(value, place.types, place.bases)
        if local is not None:
            rows.reference.append((key, *local))
        else:
            rows.uri.append((key, key_text(value)))


def _uri(value: Any, key: str, rows: Rows, place: _Place) -> None:
    if value.__class__ is str:
        rows.uri.append((key, key_text(value)))


def _inner(value: Any, key: str, rows: Rows, place: _Place) -> None:
    """A resource inside another one (Bundle.entry[0].resource) is referred to by its own address."""
    if value.__class__ is dict and value.get("resourceType") in place.types and value.get("id"):
        rows.reference.append((key, value["resourceType"], value["id"]))


def _located(value: Any, key: str, rows: Rows, place: _Place) -> None:
    latitude, longitude = value.get("latitude"), value.get("longitude")
    if latitude is not None and longitude is not None:
        rows.composite.append(
            (key, "", "", "g", None, None, float(latitude), float(longitude), None, None, None, None, None)
        )


_WRITERS: dict[tuple[str, str], _Write] = {
    ("token", "CodeableConcept"): _codeable,
    ("token", "Coding"): _coding,
    ("token", "Identifier"): _identifier,
    ("token", "ContactPoint"): _contact,
    **{
        ("token", t): _code
        for t in ("code", "boolean", "string", "uri", "id", "canonical", "url", "oid", "uuid")
    },
    **{("token", t): _code for t in ("integer", "positiveInt", "unsignedInt", "markdown")},
    ("string", "HumanName"): _name,
    ("order", "HumanName"): _name_order,
    ("string", "Address"): _address,
    ("string", "CodeableConcept"): _texts,
    ("string", "Coding"): _texts,
    ("string", "Annotation"): _texts,
    **{("string", t): _string for t in ("string", "markdown", "code", "uri", "url", "canonical", "id")},
    **{("date", t): _moment for t in ("date", "dateTime", "instant")},
    ("date", "Period"): _period,
    ("date", "Timing"): _timing,
    **{
        ("quantity", t): _quantity
        for t in ("Quantity", "Age", "Duration", "Count", "Distance", "SimpleQuantity", "MoneyQuantity")
    },
    ("quantity", "Money"): _money,
    ("quantity", "Range"): _range,
    **{("number", t): _number for t in ("integer", "decimal", "positiveInt", "unsignedInt")},
    ("number", "Range"): _range,
    ("number", "Quantity"): _quantity,
    ("quantity", "decimal"): _number,
    ("quantity", "integer"): _number,
    ("reference", "Reference"): _reference,
    ("reference", "canonical"): _canonical,
    ("reference", "uri"): _canonical,
    ("reference", "Resource"): _inner,
    **{("reference", t): _inner for t in ("Composition", "MessageHeader")},
    **{("uri", t): _uri for t in ("uri", "url", "canonical", "oid", "uuid")},
    ("position", "Location.position"): _located,
}


def _extension(kind: str) -> _Write:
    """An extension asked for as a value: what stands in its value[x]."""

    def write(value: Any, key: str, rows: Rows, place: _Place) -> None:
        for name, item in value.items():
            if name.startswith("value"):
                leaf = name[5:]
                writer = _WRITERS.get((kind, leaf)) or _WRITERS.get((kind, leaf[:1].lower() + leaf[1:]))
                if writer is not None:
                    writer(item, key, rows, place)

    return write


_WRITERS.update({(kind, "Extension"): _extension(kind) for kind in ("token", "string", "date", "quantity")})
_WRITERS.update({(kind, "Extension"): _extension(kind) for kind in ("number", "reference", "uri")})


def holds(kind: str, datatype: str) -> bool:
    """Whether values of a datatype can be searched by a parameter of this kind."""
    return (kind, datatype) in _WRITERS


_TAGS = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


def _narrative(text: Any, rows: Rows) -> None:
    """The words of the narrative, for `_text`."""
    div = text.get("div") if text.__class__ is dict else None
    if div.__class__ is str:
        words = dict.fromkeys(_WORD.findall(fold(html.unescape(_TAGS.sub(" ", div)))))
        if words:
            rows.text.append([word[:MAX_FOLDED] for word in list(words)[:MAX_WORDS]])


# --- composites with rows of their own ---------------------------------------------------------------------


def _joiner(
    known: Catalogue, type_: str, composite: Composite, path: Path
) -> Callable[[Resource, Rows, _Place], None]:
    """Write for each element at the context every pairing of its first part with its other parts."""
    key = path.key
    contexts = _Node()
    found: list[Any] = []
    content = type_
    for node, content in _plant(contexts, known, type_, composite.context):  # noqa: B007 - the last one is used below
        node.writers.append((lambda value, _key, _rows, _place: found.append(value), ""))
    plans: list[tuple[bool, _Node]] = []
    for part in composite.parts:
        root = _Node()
        for steps in part.steps:
            start = type_ if part.from_resource else content
            for node, leaf in _plant(root, known, start, steps):
                _write_at(node, part.kind, leaf, "")
        plans.append((part.from_resource, root))

    def join(resource: Resource, rows: Rows, place: _Place) -> None:
        found.clear()
        _walk(contexts, resource, rows, place)
        for value in found:
            parts = []
            for from_resource, root in plans:
                one = Rows(type_)
                _walk(root, resource if from_resource else value, one, place)
                parts.append(one)
            for _, system, code in dict.fromkeys(parts[0].token):
                head = (key, system, code)
                rows.composite.extend(head + tail for tail in _tails(parts[1:]))

    return join


_Tail = tuple[
    str, str | None, str | None, float | None, float | None,
    str | None, float | None, float | None, datetime | None, datetime | None,
]  # fmt: skip


def _tails(parts: list[Rows]) -> list[_Tail]:
    """The second part of a joined row in each way it may be told; two numbers share one row."""
    one = parts[0]
    if len(parts) == 2:
        return [
            ("p", None, None, first[3], second[3], None, None, None, None, None)
            for first in one.quantity
            for second in parts[1].quantity
        ]
    tails: list[_Tail] = [
        ("t", s, c, None, None, None, None, None, None, None) for _, s, c in dict.fromkeys(one.token)
    ]
    tails += [
        ("n", system, unit, low, high, base, base_low, base_high, None, None)
        for _, system, unit, low, high, base, base_low, base_high in one.quantity
    ]
    tails += [("d", None, None, None, None, None, None, None, first, last) for _, first, last in one.date]
    tails += [
        ("s", None, f, None, None, None, None, None, None, None)
        for _, f, exact in one.string
        if exact is not None
    ]
    tails += [("r", None, f"{t}/{i}", None, None, None, None, None, None, None) for _, t, i in one.reference]
    tails += [("r", None, address, None, None, None, None, None, None, None) for _, address in one.uri]
    return tails
