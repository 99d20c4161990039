"""Searches at the door: parameters in, a searchset of stored texts out (FHIR R4 http.html#search, search.html)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from hsba.fhir import json
from hsba.fhir.problems import Issue, UnknownType
from hsba.fhir.query.expression import InCompartment, all_of
from hsba.fhir.query.parse import parse_search
from hsba.http import answers, bundles, contents
from hsba.http.negotiate import wishes
from hsba.record import interactions
from hsba.record.saving import instant

if TYPE_CHECKING:
    from hsba.fhir.query.parse import Search
    from hsba.http.messages import Answer, Pairs, Request
    from hsba.http.negotiate import Shape
    from hsba.record.context import Context
    from hsba.store.resources import Stored
    from hsba.store.search import Page

SAFE = ",:/|$!*()@'"
"""Characters that stay as they are in a link's parameters, so that it can be read (RFC 3986 3.4)."""

PLAIN = re.compile(r"[A-Za-z0-9_.,:/|$!*()@'-]*\Z")

KEPT = ("_format", "_pretty")
"""Parameters about the answer's form that links carry on, though they are no part of the search."""


async def answer(
    ctx: Context, request: Request, type_: str | None, *, compartment: tuple[str, str] | None = None
) -> Answer:
    """Search a type, or all of them, within a compartment where one is named."""
    pairs = contents.form(request) if request.method == "POST" else request.pairs
    if request.method == "POST":
        request.shape = request.shape_of(pairs)
    return show(ctx, request, await run(ctx, request, type_, pairs, compartment=compartment), pairs)


async def run(
    ctx: Context,
    request: Request,
    type_: str | None,
    pairs: Pairs,
    *,
    compartment: tuple[str, str] | None = None,
) -> tuple[Search, Page]:
    """What was asked, and the page that answers it."""
    wanted = parse_search(
        ctx.definitions,
        () if type_ is None else (type_,),
        pairs,
        zone=ctx.tenant.zone,
        strict=wishes(request.headers.get(b"prefer")).strict,
        max_count=ctx.rules.max_search_count,
        bases=(request.base,),
    )
    if compartment is not None:
        code, id_ = compartment
        if code not in ctx.definitions.compartments:
            raise UnknownType(f"{code} is no compartment.", vi=f"{code} không phải là ngăn (compartment).")
        wanted = replace(wanted, where=all_of([InCompartment(code, id_), wanted.where]))
    return wanted, await interactions.search(ctx, wanted)


def show(ctx: Context, request: Request, found: tuple[Search, Page], pairs: Pairs) -> Answer:
    """A page as a searchset bundle, in the form asked for."""
    wanted, page = found
    itself = link(request, wanted, pairs)
    links = [("self", itself)]
    if page.next is not None:
        links.append(("next", f"{itself}{'&' if '?' in itself else '?'}_cursor={quoted(page.next)}"))
    members = bundles.head(
        "searchset", links, page.total, meta={"lastUpdated": instant(ctx.clock.now(), ctx)}
    )
    if request.shape.summary == "count":
        return answers.of_bundle(request, members, [], ctx.definitions)
    return answers.of_bundle(request, members, entries(ctx, request, wanted, page), ctx.definitions)


def entries(ctx: Context, request: Request, wanted: Search, page: Page) -> list[str]:
    """The entries' texts: matches, what they bring along, and what was passed over."""
    shape = request.shape
    found = _entries(ctx, request, page.matches, bundles.MATCH, shape)
    if page.included:
        # _elements does not apply to what is included (search.html#elements).
        whole = replace(shape, elements=()) if shape.elements else shape
        found += _entries(ctx, request, page.included, bundles.INCLUDE, whole)
    said = (*(_ignored(name) for name in wanted.ignored), *page.issues)
    if said:
        found.append(bundles.entry("", json.dump(answers.outcome(request, said)).decode(), bundles.OUTCOME))
    return found


def _entries(ctx: Context, request: Request, page: list[Stored], mode: str, shape: Shape) -> list[str]:
    names = {type_: ctx.registry.type_name(type_) for type_ in {one.type for one in page}}
    starts = {type_: f'{{"fullUrl":"{request.base}/{name}/' for type_, name in names.items()}
    if not (shape.summary or shape.elements):
        return [f'{starts[one.type]}{one.id}","resource":{one.body}{mode}}}' for one in page]
    taken = ((one, answers.entry_text(one, shape, ctx.definitions)) for one in page)
    return [f'{starts[one.type]}{one.id}","resource":{text}{mode}}}' for one, text in taken]


def _ignored(name: str) -> Issue:
    return Issue(
        "warning",
        "not-supported",
        f"The parameter {name} is not known here and was passed over.",
        f"Tham số {name} không có trên máy chủ này nên đã bỏ qua.",
        problem="UnknownParameter",
    )


def link(request: Request, wanted: Search, pairs: Pairs) -> str:
    """The absolute address of this search on the base the caller used, with the parameters that were applied."""
    address = request.address.removesuffix("/_search")
    if request.method == "GET" and not wanted.ignored and b"_cursor" not in request.query:
        return f"{address}?{request.query.decode()}" if request.query else address
    told = [*wanted.applied, *(pair for pair in pairs if pair[0] in KEPT)]
    query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in told)
    return f"{address}?{query}" if query else address


def quoted(text: str) -> str:
    """A text as it stands in a query."""
    return text if PLAIN.match(text) else quote_plus(text, safe=SAFE)
