"""The interactions of FHIR R4 at the door (http.html): each takes the context and the request, and calls the record.

Nothing is decided here: what is in the address, the headers and the body is handed on, what comes back is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsba.fhir.problems import BadRequest, NotFound, VersionConflict
from hsba.http import answers, binaries, contents, searches
from hsba.record import entries, interactions

if TYPE_CHECKING:
    from hsba.http.messages import Answer, Request
    from hsba.record.context import Context


# --- reading -----------------------------------------------------------------------------------------------


async def read(ctx: Context, request: Request) -> Answer:
    """GET /{type}/{id} (FHIR R4 http.html#read)."""
    answer = answers.of_stored(ctx, request, await interactions.read(ctx, request.type, request.id))
    return binaries.unwrapped(answer) if request.shape.raw else answer


async def vread(ctx: Context, request: Request) -> Answer:
    """GET /{type}/{id}/_history/{vid} (FHIR R4 http.html#vread)."""
    answer = answers.of_stored(
        ctx, request, await interactions.vread(ctx, request.type, request.id, request.vid)
    )
    return binaries.unwrapped(answer) if request.shape.raw else answer


async def search_system(ctx: Context, request: Request) -> Answer:
    """GET /?… or POST /_search: every type, or those of `_type` (FHIR R4 http.html#search)."""
    return await searches.answer(ctx, request, None)


async def search_type(ctx: Context, request: Request) -> Answer:
    """GET /{type}?… or POST /{type}/_search (FHIR R4 http.html#search)."""
    return await searches.answer(ctx, request, request.type)


async def search_compartment(ctx: Context, request: Request) -> Answer:
    """GET /{compartment}/{id}/{type}?… (FHIR R4 http.html#vsearch)."""
    type_ = request.segments[2]
    return await searches.answer(
        ctx, request, None if type_ in ("*", "_search") else type_, compartment=(request.type, request.id)
    )


# --- writing -----------------------------------------------------------------------------------------------


async def create(ctx: Context, request: Request) -> Answer:
    """POST /{type}, with If-None-Exist only when there is none yet (FHIR R4 http.html#create, #ccreate)."""
    resource = contents.resource(request, ctx.definitions, type=request.type)
    condition = request.header(b"if-none-exist")
    where = (
        entries.condition(ctx, request.type, condition.rpartition("?")[2]) if condition is not None else None
    )
    ctx.alone = True
    return answers.of_saved(ctx, request, await interactions.create(ctx, resource, if_none_exist=where))


async def update(ctx: Context, request: Request) -> Answer:
    """PUT /{type}/{id}: a new version, or the first at this id (FHIR R4 http.html#update, #upsert)."""
    resource = contents.resource(request, ctx.definitions, type=request.type)
    if resource.get("id") != request.id:
        raise BadRequest(
            "The id in the content must be the one in the address.",
            vi="id trong nội dung phải trùng với id trong địa chỉ.",
            path=f"{request.type}.id",
        )
    ctx.alone = not ctx.again and b"if-none-match" not in request.headers
    saved = await interactions.update(ctx, resource, if_match=request.header(b"if-match"))
    if request.header(b"if-none-match") == "*" and not saved.created:
        raise VersionConflict  # it rolls back: the client wanted to make it, and it is there already
    return answers.of_saved(ctx, request, saved)


async def update_where(ctx: Context, request: Request) -> Answer:
    """PUT /{type}?…: the one that fits, or a new one (FHIR R4 http.html#cond-update)."""
    resource = contents.resource(request, ctx.definitions, type=request.type)
    where = entries.condition(ctx, request.type, request.query.decode("latin-1"))
    saved = await interactions.update_where(ctx, resource, where, if_match=request.header(b"if-match"))
    return answers.of_saved(ctx, request, saved)


async def patch(ctx: Context, request: Request) -> Answer:
    """PATCH /{type}/{id} (FHIR R4 http.html#patch)."""
    change = contents.change(request, ctx.definitions)
    if_match = request.header(b"if-match")
    saved = await interactions.patch(ctx, request.type, request.id, change, if_match=if_match)
    return answers.of_saved(ctx, request, saved)


async def patch_where(ctx: Context, request: Request) -> Answer:
    """PATCH /{type}?…: the one that fits (FHIR R4 http.html#patch)."""
    change = contents.change(request, ctx.definitions)
    where = entries.condition(ctx, request.type, request.query.decode("latin-1"))
    if_match = request.header(b"if-match")
    saved = await interactions.patch_where(ctx, request.type, change, where, if_match=if_match)
    return answers.of_saved(ctx, request, saved)


async def delete(ctx: Context, request: Request) -> Answer:
    """DELETE /{type}/{id}; what is not there needs no deleting (FHIR R4 http.html#delete)."""
    try:
        stored = await interactions.delete(
            ctx, request.type, request.id, if_match=request.header(b"if-match")
        )
    except NotFound:
        if b"if-match" in request.headers:
            raise VersionConflict from None
        stored = None
    return answers.of_deleted(ctx, request, stored)


async def delete_where(ctx: Context, request: Request) -> Answer:
    """DELETE /{type}?…: the one that fits; several are refused (FHIR R4 http.html#3.1.0.7.1)."""
    where = entries.condition(ctx, request.type, request.query.decode("latin-1"))
    deleted = await interactions.delete_where(ctx, request.type, where)
    return answers.of_deleted(ctx, request, deleted[0] if deleted else None)
