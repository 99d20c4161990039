"""Everything about one patient or one stay: the compartment and what its resources refer to.

FHIR R4 compartmentdefinition.html, patient-operation-everything.html, encounter-operation-everything.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, UnknownType
from hsba.fhir.query.dates import BEGINNING, END, interval
from hsba.fhir.query.expression import (
    Date,
    Expression,
    InCompartment,
    Match,
    OfTypes,
    Updated,
    all_of,
    any_of,
)
from hsba.fhir.query.parse import Include, Search
from hsba.record import interactions, owned
from hsba.record.context import new_id
from hsba.record.saving import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hsba.record.calls import Call
    from hsba.record.context import Context
    from hsba.store.resources import Stored
    from hsba.store.search import Page

Resource = dict[str, Any]

CARE_DATES = ("date", "occurrence", "authoredon", "authored", "effective-time", "whenhandedover", "recorded-date",
              "onset-date", "started", "created", "period")  # fmt: skip
"""Search parameters that say when care took place, the most telling first; a type has the first it knows."""


async def everything_patient(ctx: Context, call: Call) -> Resource:
    """All that is known about a patient, those merged into him included, and what it refers to, in pages."""
    id_ = _id(call)
    await interactions.require(ctx, "Patient", id_)
    return await _everything(ctx, call, "Patient", InCompartment("Patient", id_))


async def everything_encounter(ctx: Context, call: Call) -> Resource:
    """All that belongs to a stay and what it refers to, in pages."""
    id_ = _id(call)
    await interactions.require(ctx, "Encounter", id_)
    return await _everything(ctx, call, "Encounter", InCompartment("Encounter", id_))


async def _everything(ctx: Context, call: Call, code: str, belongs: Expression) -> Resource:
    types = owned.stored(members(ctx, code), ctx.stores)
    if wanted := _types(ctx, call):
        owned.store(ctx, (code, *wanted))
        types = tuple(type_ for type_ in types if type_ in wanted)
    parts: list[Expression] = [belongs]
    if (since := call.text("_since")) is not None:
        parts.append(Updated(Date("ge", *_interval(ctx, "_since", since))))
    if dates := _dates(ctx, call, types):
        parts.append(dates)
    if not types:
        return _bundle(ctx, call, None)
    search = Search(
        types=types,
        where=all_of(parts),
        count=_count(ctx, call),
        cursor=call.text("_cursor"),
        include=tuple(Include("*", "*", target) for target in sorted(wanted) or (None,)),
    )
    return _bundle(ctx, call, await interactions.search(ctx, search))


def members(ctx: Context, code: str) -> tuple[str, ...]:
    """The types of a compartment, its owner among them."""
    return tuple(sorted(ctx.definitions.compartment(code)))


def _id(call: Call) -> str:
    if call.id is None:
        raise BadRequest("It is asked of one resource.", vi="Thao tác này hỏi về một bản ghi.")
    return call.id


def _types(ctx: Context, call: Call) -> frozenset[str]:
    """The types that `_type` asks for; nothing asked is none."""
    found = frozenset(
        part.strip() for value in call.all("_type") for part in str(value).split(",") if part.strip()
    )
    for type_ in found:
        if type_ not in ctx.definitions.resource_types:
            raise UnknownType(type_[:64])
    return found


def _count(ctx: Context, call: Call) -> int:
    values = call.all("_count")
    if not values:
        return ctx.rules.max_search_count
    text = str(values[0])
    if len(values) > 1 or not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadRequest("_count is one whole number.", vi="_count là một số nguyên không âm.")
    return min(int(text), ctx.rules.max_search_count)


def _interval(ctx: Context, name: str, text: str) -> tuple[datetime, datetime]:
    try:
        return interval(text, ctx.tenant.zone)
    except ValueError as exc:
        raise BadRequest(f"{name} is a time.", vi=f"{name} là một thời điểm.") from exc


def _dates(ctx: Context, call: Call, types: tuple[str, ...]) -> Expression | None:
    """The range of care that `start` and `end` ask for; types that know no such date are not narrowed."""
    start, end = call.text("start"), call.text("end")
    if start is None and end is None:
        return None
    first = _interval(ctx, "start", start)[0] if start is not None else BEGINNING
    last = _interval(ctx, "end", end)[1] if end is not None else END
    span = Date("po", first, last)
    by_code: dict[str, list[str]] = {}
    for type_ in types:
        known = ctx.definitions.search_parameters(type_)
        code = next((one for one in CARE_DATES if one in known and known[one].type == "date"), "")
        by_code.setdefault("" if type_ == "Patient" else code, []).append(type_)
    return any_of(
        [
            all_of([OfTypes(tuple(which)), Match(code, span)]) if code else OfTypes(tuple(which))
            for code, which in by_code.items()
        ]
    )


def _bundle(ctx: Context, call: Call, page: Page | None) -> Resource:
    """A page as a searchset."""
    found: Resource = {
        "resourceType": "Bundle",
        "id": new_id(),
        "meta": {"lastUpdated": instant(ctx.clock.now(), ctx)},
        "type": "searchset",
        "link": [{"relation": "self", "url": _link(call, call.text("_cursor"))}],
    }
    if page is None:
        return found
    if page.next is not None:
        found["link"].append({"relation": "next", "url": _link(call, page.next)})
    entries = [*_entries(ctx, page.matches, "match"), *_entries(ctx, page.included, "include")]
    return {**found, "entry": entries} if entries else found


def _entries(ctx: Context, stored: list[Stored], mode: str) -> Iterator[Resource]:
    for one in stored:
        type_ = ctx.registry.type_name(one.type)
        if one.body is not None:
            entry: Resource = {"resource": json.stored(one.body), "search": {"mode": mode}}
            yield {"fullUrl": f"{ctx.base}/{type_}/{one.id}", **entry} if ctx.base else entry


def _link(call: Call, cursor: str | None) -> str:
    """The address of this page or the next one."""
    pairs = [(name, value) for name, value in call.query if name != "_cursor"]
    if not call.query:  # called by POST: what it was given goes into the link
        pairs = [
            (one["name"], str(value))
            for one in call.parameters
            for key, value in one.items()
            if key != "name"
        ]
        pairs = [(name, value) for name, value in pairs if name != "_cursor"]
    if cursor is not None:
        pairs.append(("_cursor", cursor))
    return f"{call.address}?{urlencode(pairs)}" if pairs else call.address
