"""POST at the base: a batch or a transaction (FHIR R4 http.html#transaction).

A transaction runs in one transaction of the database, a batch's entries each in one of their own.  What an entry asks
beside plain reads and writes (a search, a history, an operation) goes through the same route table as everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hsba.fhir import json
from hsba.fhir.problems import BadRequest, Forbidden, Gone, NotFound
from hsba.http import answers, bundles, contents, negotiate
from hsba.http.messages import Answer, Request, read_pairs
from hsba.record import idempotency, interactions
from hsba.record.context import new_id
from hsba.record.entries import Answered
from hsba.record.transaction import batch, transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.fhir.problems import Problem
    from hsba.http.middleware import Door
    from hsba.http.negotiate import Returns
    from hsba.http.routes import Room
    from hsba.record.context import Context
    from hsba.record.entries import Asked

    Work = Callable[[Context], Awaitable[Answered]]

Resource = dict[str, Any]


async def answer(door: Door, request: Request) -> Answer:
    """POST /: carry out the bundle in the body and answer with one of the same order."""
    bundle = contents.resource(request, door.services.definitions, type="Bundle")
    kind = bundle.get("type")
    if kind == "transaction":

        async def work(ctx: Context, request: Request) -> Answer:
            answered = await transaction(ctx, bundle, other=_Inside(door, request).answer)
            return _bundle(ctx, request, "transaction-response", answered)

        return await door.write(request, work)
    if kind == "batch":
        return await _batch(door, request, bundle)
    raise BadRequest(
        "A Bundle sent to the base is a batch or a transaction.",
        vi="Bundle gửi tới địa chỉ gốc phải là batch hoặc transaction.",
        path="Bundle.type",
    )


async def _batch(door: Door, request: Request, bundle: Resource) -> Answer:
    """Each entry on a connection of its own; a repeated batch repeats only what was not done the first time."""
    key = request.header(b"idempotency-key")
    asked = idempotency.digest(request.method, "", request.body) if key is not None else b""
    done = 0

    async def run(room: Room, work: Work) -> Answered:
        nonlocal done
        done += room == "writing"
        return await door.attempt(
            request, room, work if key is None or room != "writing" else _Once(f"{key}#{done}", asked, work)
        )

    async def refused(asked: Asked, problem: Problem) -> None:
        if isinstance(problem, (Forbidden, NotFound, Gone)):
            path = asked.url.removeprefix(request.base).partition("?")[0]
            await door.tell(request, problem, (asked.method, path))

    bare = door.context(request, None)
    answered = await batch(bundle, bare, run, other=_Inside(door, request).answer, refused=refused)
    return _bundle(bare, request, "batch-response", answered)


class _Once:
    """One entry's work under a key of its own: done once, then answered from what was kept."""

    def __init__(self, key: str, asked: bytes, work: Work) -> None:
        self.key = key
        self.asked = asked
        self.work = work

    async def __call__(self, ctx: Context) -> Answered:
        kept = await idempotency.find(ctx, self.key, self.asked)
        if kept is not None:
            type_, id_, vid = json.parse_value((kept.body or '["", "", ""]').encode())
            if kept.status == 204 or not id_:
                return Answered(kept.status, type_)
            return Answered(kept.status, type_, await interactions.vread(ctx, type_, id_, vid))
        answered = await self.work(ctx)
        stored = answered.stored
        named = None if stored is None else json.dump([answered.type, stored.id, str(stored.vid)]).decode()
        await idempotency.keep(ctx, self.key, self.asked, idempotency.Answer(answered.status, {}, named))
        return answered


def _bundle(ctx: Context, request: Request, kind: str, answered: list[Answered]) -> Answer:
    """The answers as a bundle of texts, in the order of the entries."""
    returns: Returns = negotiate.wishes(request.headers.get(b"prefer")).returns or "minimal"
    entries = []
    for one in answered:
        text = one.content(returns)
        extra = ',"response":' + json.dump(one.response(ctx, returns)).decode()
        entries.append(
            f"{{{extra[1:]}}}" if text is None else bundles.entry(one.full_url(ctx) or "", text, extra)
        )
    return answers.of_bundle(request, bundles.head(kind, (), None, id=new_id()), entries, ctx.definitions)


class _Inside:
    """What stands in an entry and is no plain read or write: a request within the request."""

    def __init__(self, door: Door, outer: Request) -> None:
        self.door = door
        self.outer = outer

    async def answer(self, ctx: Context, asked: Asked) -> Answered:
        """Find its route, call its handler on the connection at hand, and take what it would have sent."""
        outer = self.outer
        path, _, query = asked.url.removeprefix(outer.base).lstrip("/").partition("?")
        segments = tuple(unquote(part) for part in path.split("/")) if path else ()
        route = self.door.table.find(asked.method, segments)
        if route.interaction == "transaction":
            raise BadRequest("A bundle cannot stand in a bundle.", vi="Không đặt Bundle trong Bundle.")
        pairs = read_pairs(query)
        plain = [pair for pair in pairs if pair[0] not in ("_format", "_pretty")]
        headers = {
            name: value for name, value in outer.headers.items() if name in (b"prefer", b"accept-language")
        }
        body = b""
        if asked.resource is not None and route.body:
            headers[b"content-type"] = b"application/fhir+json"
            body = json.dump(asked.resource)
        request = Request(
            method=asked.method,
            headers=headers,
            query=query.encode(),
            segments=segments,
            base=outer.base,
            tenant=outer.tenant,
            actor=outer.actor,
            route=route,
            shape=negotiate.shape(None, plain),
            pairs=plain,
            number=outer.number,
            body=body,
        )
        got = await self.door.within(ctx, request)
        body = got.body if got.pieces is None else b"".join(got.pieces)
        return Answered(got.status, resource=json.parse(body) if body else None, shows=True)
