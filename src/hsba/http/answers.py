"""What the record answers becomes an HTTP answer: status, ETag, Last-Modified, Location, a body in the form asked for.

Stored bytes are served as they are; only `_summary`, `_elements`, `_pretty` and XML read them (FHIR R4 http.html#ops).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hsba.fhir import json, xml
from hsba.fhir.problems import Issue
from hsba.http import bundles, errors
from hsba.http.messages import Answer
from hsba.http.negotiate import wishes
from hsba.http.subsets import subset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.fhir.definitions import Definitions
    from hsba.http.messages import Header, Request
    from hsba.http.negotiate import Shape
    from hsba.record.context import Context
    from hsba.record.saving import Saved
    from hsba.store.resources import Stored

Resource = dict[str, Any]

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SAVED = Issue("information", "informational", "Saved.", "Đã lưu.")
UNCHANGED = Issue("information", "informational", "Nothing to change.", "Không có gì thay đổi.")
DELETED = Issue("information", "informational", "Deleted.", "Đã xóa.")


def http_date(when: datetime) -> str:
    """An HTTP date (RFC 9110 5.6.7)."""
    utc = when.astimezone(UTC)
    return (
        f"{DAYS[utc.weekday()]}, {utc.day:02} {MONTHS[utc.month]} {utc.year:04}"
        f" {utc.hour:02}:{utc.minute:02}:{utc.second:02} GMT"
    )


# --- bodies ------------------------------------------------------------------------------------------------


def render(resource: Resource, shape: Shape, definitions: Definitions) -> bytes:
    """A resource at hand in the form asked for."""
    if shape.summary or shape.elements:
        resource = subset(resource, shape, definitions)
    if shape.xml:
        return xml.dump_pretty(resource, definitions) if shape.pretty else xml.dump(resource, definitions)
    return json.dump_pretty(resource) if shape.pretty else json.dump(resource)


def render_text(text: str, shape: Shape, definitions: Definitions) -> bytes:
    """A stored resource in the form asked for; as it lies there when nothing else was."""
    if shape.plain:
        return text.encode()
    if shape.xml or shape.summary or shape.elements:
        return render(json.parse(text.encode()), shape, definitions)
    return msgspec.json.format(text.encode(), indent=2)


# --- one resource ------------------------------------------------------------------------------------------


def version_headers(stored: Stored) -> list[Header]:
    """ETag and Last-Modified of a version (FHIR R4 http.html#versioning)."""
    return [
        (b"etag", b'W/"%d"' % stored.vid),
        (b"last-modified", http_date(stored.recorded).encode()),
    ]


def of_stored(ctx: Context, request: Request, stored: Stored) -> Answer:
    """A version that was read; 304 when the client already has it (FHIR R4 http.html#cread)."""
    headers = version_headers(stored)
    if _has_it(request.headers, stored):
        return Answer(304, b"", headers)
    assert stored.body is not None  # noqa: S101 - reading a deleted version is Gone before it comes here
    headers.append((b"content-type", request.shape.media))
    return Answer(200, render_text(stored.body, request.shape, ctx.definitions), headers)


def _has_it(headers: dict[bytes, bytes], stored: Stored) -> bool:
    """Whether the client's copy is this version (RFC 9110 13.2.2: If-None-Match goes before If-Modified-Since)."""
    tags = headers.get(b"if-none-match")
    if tags is not None:
        wanted = b'"%d"' % stored.vid
        return any(tag.strip().removeprefix(b"W/") in (wanted, b"*") for tag in tags.split(b","))
    since = headers.get(b"if-modified-since")
    if since is None:
        return False
    try:
        when = parsedate_to_datetime(since.decode("latin-1"))
    except ValueError:
        return False
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return stored.recorded.replace(microsecond=0) <= when


def of_saved(ctx: Context, request: Request, saved: Saved) -> Answer:
    """A version that was written: 201 with its address, or 200 (FHIR R4 http.html#create, #update, #return)."""
    stored = saved.stored
    address = (
        f"{request.base}/{ctx.registry.type_name(stored.type)}/{stored.id}/_history/{stored.vid}".encode()
    )
    headers = version_headers(stored)
    if saved.created:
        headers.append((b"location", address))
    status = 201 if saved.created else 200
    returns = wishes(request.headers.get(b"prefer")).returns
    if returns == "minimal":
        return Answer(status, b"", headers)
    headers.append((b"content-type", request.shape.media))
    if returns == "OperationOutcome":
        issues = (SAVED if saved.changed else UNCHANGED, *saved.issues)
        return Answer(status, render(outcome(request, issues), request.shape, ctx.definitions), headers)
    headers.append((b"content-location", address))
    assert stored.body is not None  # noqa: S101 - what was saved has a body
    return Answer(status, render_text(stored.body, request.shape, ctx.definitions), headers)


def of_deleted(ctx: Context, request: Request, stored: Stored | None) -> Answer:
    """Nothing, or an outcome where it is preferred (FHIR R4 http.html#delete)."""
    headers = version_headers(stored) if stored is not None else []
    if wishes(request.headers.get(b"prefer")).returns != "OperationOutcome":
        return Answer(204, b"", headers)
    headers.append((b"content-type", request.shape.media))
    issues = (DELETED if stored is not None else UNCHANGED,)
    return Answer(200, render(outcome(request, issues), request.shape, ctx.definitions), headers)


def of_resource(
    request: Request, resource: Resource, definitions: Definitions, *, status: int = 200
) -> Answer:
    """A resource that is not stored: an outcome, Parameters; of a bundle the entries are what parts are taken of."""
    shape = request.shape
    if (shape.summary or shape.elements) and resource["resourceType"] == "Bundle":
        entries = [
            {**entry, "resource": subset(entry["resource"], shape, definitions)}
            if "resource" in entry
            else entry
            for entry in resource.get("entry", ())
        ]
        resource = {**resource, **({"entry": entries} if entries else {})}
        shape = replace(shape, summary=None, elements=())
    return Answer(status, render(resource, shape, definitions), [(b"content-type", shape.media)])


def outcome(request: Request, issues: Sequence[Issue]) -> Resource:
    """An OperationOutcome in the client's language and ours."""
    return errors.body(tuple(issues), request.headers.get(b"accept-language"))


# --- bundles -----------------------------------------------------------------------------------------------


def of_bundle(request: Request, members: Resource, entries: list[str], definitions: Definitions) -> Answer:
    """A bundle whose entries are texts, in the form asked for; in pieces when it is large."""
    shape = request.shape
    headers: list[Header] = [(b"content-type", shape.media)]
    if shape.xml:
        found = bundles.value(members, entries)
        # The parts were taken entry by entry, so the bundle itself is written whole.
        return Answer(200, render(found, replace(shape, summary=None, elements=()), definitions), headers)
    body = bundles.text(members, entries)
    if shape.pretty:
        body = b"".join(bundles.pieces(members, entries)) if body is None else body
        return Answer(200, msgspec.json.format(body, indent=2), headers)
    if body is None:
        return Answer(200, b"", headers, bundles.pieces(members, entries))
    return Answer(200, body, headers)


def entry_text(stored: Stored, shape: Shape, definitions: Definitions) -> str | None:
    """The resource of an entry as text: the stored one, or the part of it that was asked for."""
    if stored.body is None or not (shape.summary or shape.elements):
        return stored.body
    return json.dump(subset(json.stored(stored.body), shape, definitions)).decode()
