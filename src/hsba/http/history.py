"""The history interactions at the door: one resource, one type, everything (FHIR R4 http.html#history)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, UnknownParameter
from hsba.fhir.query.dates import interval
from hsba.http import answers, bundles
from hsba.http.negotiate import CONTROLS, wishes
from hsba.record import history as past
from hsba.record.context import new_id
from hsba.record.saving import instant
from hsba.store.history import Span

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.http.messages import Answer, Request
    from hsba.record.context import Context
    from hsba.store.resources import Stored

PARAMETERS = ("_since", "_at", "_count", "_cursor")
METHODS = {"C": ("POST", "201 Created"), "U": ("PUT", "200 OK"), "D": ("DELETE", "204 No Content")}
"""What made a version, and how it was answered (bundle.html#history)."""


async def history_instance(ctx: Context, request: Request) -> Answer:
    """GET /{type}/{id}/_history: of one resource; 404 where there never was one."""
    return await _answer(ctx, request, request.type, request.id)


async def history_type(ctx: Context, request: Request) -> Answer:
    """GET /{type}/_history: of all resources of a type."""
    return await _answer(ctx, request, request.type, None)


async def history_system(ctx: Context, request: Request) -> Answer:
    """GET /_history: of everything."""
    return await _answer(ctx, request, None, None)


async def _answer(ctx: Context, request: Request, type_: str | None, id_: str | None) -> Answer:
    asked = _asked(request)
    page = await past.history(
        ctx,
        type_,
        id_,
        span=Span(since=_since(ctx, asked.get("_since")), at=_at(ctx, asked.get("_at"))),
        count=0 if request.shape.summary == "count" else _count(asked.get("_count")),
        cursor=asked.get("_cursor"),
    )
    links = [("self", _link(request, asked))]
    if page.next is not None:
        links.append(("next", _link(request, {**asked, "_cursor": page.next})))
    # Not the time of this answer: whoever asks again with it as _since must not miss who committed late.
    members = bundles.head(
        "history", links, page.total, id=new_id(), meta={"lastUpdated": instant(page.horizon, ctx)}
    )
    entries = [_entry(ctx, request, stored, name) for stored, name in page.entries]
    return answers.of_bundle(request, members, entries, ctx.definitions)


def _entry(ctx: Context, request: Request, stored: Stored, name: str) -> str:
    """One version, how it came about, and how that was answered."""
    method, status = METHODS.get(stored.interaction, METHODS["U"])
    address = name if method == "POST" else f"{name}/{stored.id}"
    extra = json.dump(
        {
            "request": {"method": method, "url": address},
            "response": {
                "status": status,
                "etag": f'W/"{stored.vid}"',
                "lastModified": instant(stored.recorded, ctx),
            },
        }
    )
    text = answers.entry_text(stored, request.shape, ctx.definitions)
    return bundles.entry(f"{request.base}/{name}/{stored.id}", text, "," + extra.decode()[1:-1])


def _asked(request: Request) -> dict[str, str]:
    """The parameters of a history; unknown ones are refused, or passed over where the client prefers that."""
    found: dict[str, str] = {}
    for name, value in request.pairs:
        if name in PARAMETERS:
            if name in found:
                raise BadRequest(f"{name} is given twice.", vi=f"{name} xuất hiện hai lần.")
            found[name] = value
        elif name not in CONTROLS and wishes(request.headers.get(b"prefer")).strict:
            raise UnknownParameter(f"{name}: a history knows {', '.join(PARAMETERS)}.", vi=f"{name}")
    return found


def _since(ctx: Context, text: str | None) -> datetime | None:
    return None if text is None else _interval(ctx, "_since", text)[0]


def _at(ctx: Context, text: str | None) -> tuple[datetime, datetime] | None:
    return None if text is None else _interval(ctx, "_at", text)


def _interval(ctx: Context, name: str, text: str) -> tuple[datetime, datetime]:
    try:
        return interval(text, ctx.tenant.zone)
    except ValueError as exc:
        raise BadRequest(f"{name} is a time.", vi=f"{name} là một thời điểm.") from exc


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadRequest("_count is a whole number.", vi="_count là số nguyên không âm.")
    return min(int(text[:10]), 1 << 30)


def _link(request: Request, asked: dict[str, str]) -> str:
    controls = [(name, value) for name, value in request.pairs if name in CONTROLS]
    pairs = urlencode([*asked.items(), *controls])
    return f"{request.address}?{pairs}" if pairs else request.address
