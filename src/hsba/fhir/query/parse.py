"""The parameters of a search request to one value that says what is asked (FHIR R4 search.html).

Pure: it knows the definitions and the tenant's zone, nothing else.  A parameter or modifier that is not known is told
or refused, never silently dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hsba.fhir.fold import fold, key_text
from hsba.fhir.paths import catalogue
from hsba.fhir.problems import BadRequest, UnknownParameter, UnknownType
from hsba.fhir.query import expression as e
from hsba.fhir.query.values import BadValue, Reader, split, unescape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from hsba.fhir.definitions import Definitions
    from hsba.fhir.paths import Parameter

Total = Literal["none", "estimate", "accurate"]

DEFAULT_COUNT = 20
MAX_COUNT = 1000
MAX_VALUES = 500
MAX_DEPTH = 12
"""Values after one parameter, and steps of a chain, beyond which a question is taken for an attack."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL and lone surrogates: no resource holds them, and the database refuses them."""

TRANSPORT = frozenset({"_format", "_pretty", "_method"})
"""Parameters that the door has acted on already."""


class UnsupportedModifier(BadRequest):
    """This parameter cannot be asked in that way; nothing was searched."""

    code = "not-supported"
    vi = "Không hỏi được tham số này theo cách đó; chưa tìm gì."


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order: a parameter's code, `_lastUpdated` or `_id`."""

    code: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """Resources to bring along: source type, parameter (`*` is all), target type when narrowed (search.html#include)."""

    type: str
    code: str
    target: str | None = None
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked: types (none is all), the condition, the order, and how the answer should be shown."""

    types: tuple[str, ...]
    where: e.Expression = field(default_factory=e.Everything)
    sort: tuple[Sort, ...] = ()
    count: int = DEFAULT_COUNT
    cursor: str | None = None
    include: tuple[Include, ...] = ()
    revinclude: tuple[Include, ...] = ()
    total: Total | None = None
    summary: str | None = None
    elements: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    applied: tuple[tuple[str, str], ...] = ()


def parse_search(
    definitions: Definitions,
    types: tuple[str, ...],
    pairs: Iterable[tuple[str, str]],
    *,
    zone: ZoneInfo,
    strict: bool = False,
    max_count: int = MAX_COUNT,
    default_count: int = DEFAULT_COUNT,
    bases: tuple[str, ...] = (),
) -> Search:
    """Read a search; `types` are those of the address (none at the root), `bases` the addresses of this server.

    Unknown parameters are refused when `strict` (Prefer: handling=strict), otherwise listed in `ignored`.
    """
    pairs = list(pairs)
    for name, value in pairs:
        if _UNSTORABLE.search(value):
            raise BadValue(
                f"“{name}” holds a character that no text may hold.", vi=f"“{name}” có ký tự không hợp lệ."
            )
        if name == "_type":
            types = tuple(dict.fromkeys((*types, *(part for part in value.split(",") if part))))
    for type_ in types:
        if type_ not in definitions.resource_types:
            raise UnknownType(type_)
    reader = Parser(definitions, Reader(zone, definitions.resource_types, bases))
    parts: list[e.Expression] = []
    told: dict[str, str] = {}
    sort: list[Sort] = []
    include: list[Include] = []
    revinclude: list[Include] = []
    elements: list[str] = []
    ignored: list[str] = []
    applied: list[tuple[str, str]] = []
    for name, value in pairs:
        if name in TRANSPORT:
            continue
        head, _, modifier = name.partition(":")
        match head:
            case "_type":
                pass
            case "_sort":
                sort += reader.sort(types, value)
            case "_elements":
                elements += [part.strip() for part in value.split(",") if part.strip()]
            case "_include" | "_revinclude":
                found = reader.include(types, value, modifier, reverse=head == "_revinclude")
                (include if head == "_include" else revinclude).append(found)
            case "_count" | "_total" | "_summary" | "_cursor" | "_contained" | "_containedType":
                told[head] = value
            case _:
                try:
                    parts.append(reader.parameter(types, name, value))
                except UnknownParameter:
                    if strict:
                        raise
                    ignored.append(name)
                    continue
        if head != "_cursor":
            applied.append((name, value))
    if told.get("_contained", "false") != "false":
        raise BadRequest(
            "Searching inside contained resources is not supported (_contained=false only).",
            vi="Không tìm trong tài nguyên lồng bên trong (chỉ _contained=false).",
        )
    summary = _one_of(told, "_summary", ("true", "text", "data", "count", "false"))
    count = 0 if summary == "count" else _count(told.get("_count"), max_count, default_count)
    total = _one_of(told, "_total", ("none", "estimate", "accurate"))
    return Search(
        types=types,
        where=e.all_of(parts),
        sort=tuple(dict.fromkeys(sort)),
        count=count,
        cursor=told.get("_cursor"),
        include=tuple(dict.fromkeys(include)),
        revinclude=tuple(dict.fromkeys(revinclude)),
        total=total,  # type: ignore[arg-type] # checked against the three words just above
        summary=summary,
        elements=tuple(dict.fromkeys(elements)),
        ignored=tuple(dict.fromkeys(ignored)),
        applied=tuple(applied),
    )


def _one_of(told: dict[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = told.get(name)
    if value is not None and value not in allowed:
        raise BadValue(
            f"{name} is one of {', '.join(allowed)}.", vi=f"{name} là một trong {', '.join(allowed)}."
        )
    return value


def _count(value: str | None, most: int, usual: int) -> int:
    if value is None:
        return min(usual, most)
    if not re.fullmatch(r"\d+", value, re.ASCII):
        raise BadValue("_count is a whole number, 0 or more.", vi="_count là số nguyên không âm.")
    return most if len(value) > 9 else min(int(value), most)


class Parser:
    """Turns parameter names and values into expressions, type by type."""

    def __init__(self, definitions: Definitions, values: Reader) -> None:
        """Keep the definitions and the reader of values."""
        self.definitions = definitions
        self.values = values

    def known(self, type_: str, code: str) -> Parameter | None:
        """A search parameter of a type."""
        if type_ not in self.definitions.resource_types:
            raise UnknownType(type_)
        return catalogue(self.definitions, type_).parameters.get(code)

    def common(self, types: tuple[str, ...], code: str) -> Parameter:
        """A parameter that all the types have (all types of all, where none are named)."""
        found: Parameter | None = None
        for type_ in types or ("Basic",):
            found = self.known(type_, code)
            if found is None:
                of = f" of {type_}" if types else ""
                raise UnknownParameter(f"“{code}”{of}.", vi=f"“{code}”{of and f' của {type_}'}.")
        if found is None or (not types and not _everywhere(self.definitions, code)):
            raise UnknownParameter(f"“{code}”.")
        return found

    # --- one parameter -------------------------------------------------------------------------------------

    def parameter(self, types: tuple[str, ...], name: str, value: str, depth: int = 0) -> e.Expression:
        """One name=value of a search on these types."""
        if depth > MAX_DEPTH:
            raise BadValue(f"A chain of more than {MAX_DEPTH} steps.", vi=f"Chuỗi dài hơn {MAX_DEPTH} bước.")
        if name.startswith("_has:"):
            return self._has(types, name, value, depth)
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if dot:
            return self._chain(types, code, modifier, rest, value, depth)
        if code in _SPECIAL:
            return _SPECIAL[code](self, types, code, modifier, value)
        parameter = self.common(types, code)
        if modifier == "missing":
            return _flag(e.Missing(code), value)
        if not value:
            raise BadValue(f"“{name}” has no value.", vi=f"“{name}” không có giá trị.")
        texts = [text for text in split(value, ",") if text]
        if not texts or len(texts) > MAX_VALUES:
            raise BadValue(
                f"“{name}” takes 1 to {MAX_VALUES} values.",
                vi=f"“{name}” nhận từ 1 đến {MAX_VALUES} giá trị.",
            )
        if modifier in ("not", "not-in") and parameter.kind == "token":
            positive = "in" if modifier == "not-in" else ""
            return e.Not(e.any_of([self.match(parameter, positive, text) for text in texts]))
        return e.any_of([self.match(parameter, modifier, text) for text in texts])

    def match(self, parameter: Parameter, modifier: str, text: str) -> e.Expression:
        """One value of one parameter."""
        if not modifier:
            return e.Match(parameter.code, self.values.read(parameter, text))
        test = self._modified(parameter, modifier, text)
        if test is None:
            raise UnsupportedModifier(
                f"“:{modifier}” on “{parameter.code}” ({parameter.kind}).",
                vi=f"“:{modifier}” trên “{parameter.code}” ({parameter.kind}).",
            )
        return e.Match(parameter.code, test)

    def _modified(self, parameter: Parameter, modifier: str, text: str) -> e.Test | None:
        match parameter.kind, modifier:
            case "token", "text":
                return e.TokenText(fold(unescape(text)))
            case "token", "in":
                return e.InValueSet(unescape(text))
            case "token", ("below" | "above") as direction:
                token = self.values.token(text)
                return e.Hierarchy(direction, token.system, token.code or "")
            case "token", "of-type":
                return self.values.of_type(text)
            case "string", "exact":
                return e.Text(unescape(text), "exact")
            case "string", "contains":
                return e.Text(fold(unescape(text)), "contains")
            case "uri", "below":
                return e.Uri(key_text(unescape(text)), "below")
            case "uri", "above":
                return e.Uri(key_text(unescape(text)), "above")
            case "reference", "identifier":
                return e.Identified(self.values.token(text))
            case "reference", ("below" | "above") as direction:
                reference = self.values.reference(unescape(text))
                if reference.id is None:
                    raise BadValue(
                        f"“{text}” is no resource of this server.", vi=f"“{text}” không ở máy chủ này."
                    )
                type_ = reference.type or self._parent_type(parameter)
                return e.Hierarchy(direction, type_, reference.id)
            case "reference", type_ if type_ in self.definitions.resource_types:
                reference = self.values.reference(unescape(text), type_)
                if reference.id is not None and reference.type != type_:
                    return e.Reference(type_, "")
                return reference
            case _:
                return None

    def _parent_type(self, parameter: Parameter) -> str | None:
        """The one target type of a reference whose resources form a tree."""
        trees = sorted(parameter.targets & TREES.keys())
        return trees[0] if len(trees) == 1 else None

    def _chain(
        self, types: tuple[str, ...], code: str, modifier: str, rest: str, value: str, depth: int
    ) -> e.Expression:
        """`subject:Patient.name`, `subject.name`: any type that the reference may lead to and that knows the rest."""
        parameter = self.common(types, code)
        if parameter.kind != "reference":
            raise UnknownParameter(f"“{code}” is no reference.", vi=f"“{code}” không phải tham chiếu.")
        if modifier and modifier not in self.definitions.resource_types:
            raise UnsupportedModifier(f"“:{modifier}” before a chain.", vi=f"“:{modifier}” trước chuỗi.")
        targets: tuple[str, ...] = (modifier,) if modifier else tuple(sorted(self.targets(types, code)))
        found: dict[e.Expression, list[str]] = {}
        problem: UnknownParameter | None = None
        for target in targets:
            try:
                found.setdefault(self.parameter((target,), rest, value, depth + 1), []).append(target)
            except UnknownParameter as exc:
                problem = exc
        if not found:
            raise problem or UnknownParameter(f"“{code}.{rest}”.")
        return e.any_of([e.Chain(code, tuple(which), where) for where, which in found.items()])

    def targets(self, types: tuple[str, ...], code: str) -> frozenset[str]:
        """The types that a reference parameter may lead to."""
        found: set[str] = set()
        for type_ in types:
            parameter = self.known(type_, code)
            if parameter is not None:
                found |= parameter.targets
        return frozenset(found & self.definitions.resource_types) or self.definitions.resource_types

    def _has(self, types: tuple[str, ...], name: str, value: str, depth: int) -> e.Expression:
        """`_has:Observation:patient:code=…` (search.html#has)."""
        parts = name.split(":", 3)
        if len(parts) != 4 or not parts[3]:
            raise BadValue(
                f"“{name}” should be _has:Type:reference:parameter.", vi=f"“{name}” sai dạng _has."
            )
        _, type_, code, rest = parts
        if type_ not in self.definitions.resource_types:
            raise UnknownType(type_)
        parameter = self.common((type_,), code)
        if parameter.kind != "reference":
            raise UnknownParameter(
                f"“{code}” of {type_} is no reference.", vi=f"“{code}” không phải tham chiếu."
            )
        return e.Has(type_, code, self.parameter((type_,), rest, value, depth + 1))

    # --- parameters of every type --------------------------------------------------------------------------

    def _ids(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        ids = [unescape(part) for part in split(value, ",") if part]
        if modifier == "not":
            return e.Not(e.Ids(tuple(ids)))
        _plain(code, modifier)
        _wanted(code, ids)
        return e.Ids(tuple(dict.fromkeys(ids)))

    def _updated(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        if modifier == "missing":
            return _flag(e.Nothing(), value)
        _plain(code, modifier)
        dates = [unescape(part) for part in split(value, ",") if part]
        _wanted(code, dates)
        return e.any_of([e.Updated(self.values.date(one)) for one in dates])

    def _list(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        _plain(code, modifier)
        if value.startswith("$"):
            raise UnsupportedModifier(
                f"_list={value}: functional lists are not kept here.", vi=f"_list={value}"
            )
        lists = [part.removeprefix("List/") for part in value.split(",") if part]
        _wanted(code, lists)
        return e.any_of([e.InList(one) for one in lists])

    def _content(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        _plain(code, modifier)
        found: list[e.Expression] = []
        for text in split(value, ","):
            words = tuple(dict.fromkeys(re.findall(r"\w+", fold(unescape(text)))))[:20]
            if words:
                found.append(e.Content(words, narrative=code == "_text"))
        _wanted(code, found)
        return e.any_of(found)

    def _filter(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        from hsba.fhir.query.filter import parse_filter  # noqa: PLC0415 - the two grammars call each other

        _plain(code, modifier)
        return parse_filter(self, types, value)

    def _has_itself(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        raise BadValue(
            "_has is written _has:Type:reference:parameter.",
            vi="_has phải viết _has:Loại:tham chiếu:tham số.",
        )

    def _refused(self, types: tuple[str, ...], code: str, modifier: str, value: str) -> e.Expression:
        raise UnknownParameter(f"“{code}”.")

    # --- order and includes --------------------------------------------------------------------------------

    def sort(self, types: tuple[str, ...], value: str) -> list[Sort]:
        """`_sort=-date,_id` (search.html#sort)."""
        found: list[Sort] = []
        for part in value.split(","):
            name = part.strip()
            descending = name.startswith("-")
            code = name.lstrip("-+")
            if not code:
                continue
            if code not in ("_id", "_lastUpdated", "_score") and self.common(types, code).kind in (
                "composite",
                "position",
            ):
                raise UnsupportedModifier(f"Sorting by “{code}”.", vi=f"Sắp xếp theo “{code}”.")
            if code != "_score":
                found.append(Sort(code, descending))
        if len(found) > 8:
            raise BadValue("_sort takes at most 8 keys.", vi="_sort nhận tối đa 8 khóa.")
        return found

    def include(self, types: tuple[str, ...], value: str, modifier: str, *, reverse: bool) -> Include:
        """`Type:parameter[:Target]` or `*`, with `:iterate` (search.html#include)."""
        if modifier not in ("", "iterate", "recurse", "logical"):
            raise UnsupportedModifier(f"“:{modifier}” on an include.", vi=f"“:{modifier}” trên _include.")
        iterate = modifier in ("iterate", "recurse")
        if value == "*":
            if reverse:
                raise BadValue(
                    "_revinclude names a type: Type:* or Type:parameter.", vi="_revinclude phải nêu loại."
                )
            return Include("*", "*", None, iterate)
        parts = value.split(":")
        if len(parts) not in (2, 3) or not all(parts):
            raise BadValue(f"“{value}” should be Type:parameter.", vi=f"“{value}” phải có dạng Loại:tham số.")
        type_, code = parts[0], parts[1]
        target = parts[2] if len(parts) == 3 else None
        for one in (type_, target):
            if one is not None and one not in self.definitions.resource_types:
                raise UnknownType(one)
        if code != "*" and self.common((type_,), code).kind != "reference":
            raise UnknownParameter(
                f"“{code}” of {type_} is no reference.", vi=f"“{code}” không phải tham chiếu."
            )
        return Include(type_, code, target, iterate)


_SPECIAL = {
    "_id": Parser._ids,  # noqa: SLF001 - the table of the class's own methods
    "_lastUpdated": Parser._updated,  # noqa: SLF001
    "_list": Parser._list,  # noqa: SLF001
    "_content": Parser._content,  # noqa: SLF001
    "_text": Parser._content,  # noqa: SLF001
    "_filter": Parser._filter,  # noqa: SLF001
    "_has": Parser._has_itself,  # noqa: SLF001
    "_query": Parser._refused,  # noqa: SLF001
}

TREES: dict[str, str] = {
    # types whose resources form a tree, and the parameter that leads to the parent (search.html#recursive)
    "Location": "partof",
    "Organization": "partof",
    "Encounter": "part-of",
    "Procedure": "part-of",
    "Observation": "part-of",
    "Composition": "related-ref",
    "Task": "part-of",
    "ServiceRequest": "based-on",
    "Medication": "ingredient",
    "Substance": "substance-reference",
    "Specimen": "parent",
    "ResearchStudy": "partof",
}


def _everywhere(definitions: Definitions, code: str) -> bool:
    """Whether every resource type has a parameter: those of Resource itself."""
    return all(
        code in catalogue(definitions, type_).parameters for type_ in ("Basic", "Binary", "Bundle", "Patient")
    )


def _flag(missing: e.Expression, value: str) -> e.Expression:
    if value not in ("true", "false"):
        raise BadValue(":missing is true or false.", vi=":missing là true hoặc false.")
    return missing if value == "true" else e.Not(missing)


def _plain(code: str, modifier: str) -> None:
    if modifier:
        raise UnsupportedModifier(f"“:{modifier}” on “{code}”.", vi=f"“:{modifier}” trên “{code}”.")


def _wanted(code: str, values: list[str] | list[e.Expression]) -> None:
    if not values or len(values) > MAX_VALUES:
        raise BadValue(
            f"“{code}” takes 1 to {MAX_VALUES} values.", vi=f"“{code}” nhận từ 1 đến {MAX_VALUES} giá trị."
        )


def parse_expression(
    definitions: Definitions,
    type_: str,
    pairs: Iterable[tuple[str, str]],
    *,
    zone: ZoneInfo,
    bases: tuple[str, ...] = (),
) -> e.Expression:
    """The condition alone, for conditional interactions, subscriptions and policies; unknown parameters are refused."""
    return parse_search(definitions, (type_,), pairs, zone=zone, strict=True, bases=bases).where
