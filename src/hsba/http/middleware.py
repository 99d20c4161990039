"""The way of a FHIR request: who and where, its handler on the right connection, and its answer on the line.

Step 1 host, base, who calls and which tenant - step 2 route and form - step 3 body - step 4 context and handler, a write in one
transaction that is tried again when it met another - step 5 the answer, compressed where that pays.  Everything is
raised before the first byte is sent, so an answer is never cut short by a problem.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import shutil
import time
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote
from uuid import UUID

import uuid_utils.compat as uuid7s

from hsba.access.ports import Happening
from hsba.access.problems import BadToken, NotLoggedIn
from hsba.fhir.problems import BadRequest, Forbidden, Gone, MethodNotAllowed, NotAcceptable, NotFound
from hsba.http import answers, callers, codings, contents, errors, idempotency, limits, negotiate, operations
from hsba.http.messages import Answer, Request, join_headers, read_pairs
from hsba.http.metadata import Capabilities
from hsba.http.routes import ROUTES, Table
from hsba.record.aside import LARGE
from hsba.record.context import Actor
from hsba.store.pool import RETRY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hsba.access.identity import Caller
    from hsba.fhir.problems import Problem
    from hsba.http.app import Options, Services
    from hsba.http.messages import Header, Receive, Scope, Send
    from hsba.http.metrics import Metrics
    from hsba.http.operations import Operations
    from hsba.http.routes import Room, Route
    from hsba.record.context import Context, Tenant
    from hsba.store.pool import Connection

    Handler = Callable[[Context, Request], Awaitable[Answer]]

Done = TypeVar("Done")

log = logging.getLogger("hsba.http")

OPEN = ("metadata",)
"""What anybody may ask: what this server can do (FHIR R4 http.html#capabilities)."""
NOBODY = Actor(account="anonymous")
"""Who asks what this server can do."""

PURPOSE = "TREAT"
UNTOLD = frozenset({"capabilities"})
"""Interactions that show nothing of anybody, and leave no line."""
TOLD = (Forbidden, NotFound, Gone)
"""What leaves a line although nothing was shown: who tried which address."""
UNTOLD_OPERATIONS = frozenset(
    {
        "$closure",
        "$expand",
        "$find",
        "$find-matches",
        "$local",
        "$lookup",
        "$subsumes",
        "$translate",
        "$validate-code",
    }
)
"""The same: look-ups of codes."""
PAUSES = (0.01, 0.05, 0.2)
"""Seconds before each further try of a write that met another, on average."""

ALWAYS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"vary", b"accept, accept-encoding, accept-language, origin"),
    (b"x-content-type-options", b"nosniff"),
)
EXPOSED = (
    b"etag, location, content-location, last-modified, x-request-id, x-correlation-id, retry-after,"
    b" x-progress, idempotent-replayed"
)
ALLOWED_HEADERS = (
    b"accept, accept-language, authorization, content-type, content-encoding, idempotency-key, if-match,"
    b" if-modified-since, if-none-exist, if-none-match, prefer, traceparent, x-hsba-reason, x-request-id"
)
TRACE = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
SAFE_ID = re.compile(r"[\x21-\x7e]{1,100}\Z")


class Door:
    """The FHIR REST API as one ASGI application, called with the path below `/fhir`."""

    def __init__(
        self, services: Services, options: Options, metrics: Metrics, operations: Operations
    ) -> None:
        """Keep what every request needs."""
        self.services = services
        self.options = options
        self.metrics = metrics
        self.operations = operations
        self.capabilities = Capabilities()
        self.table = Table(ROUTES, services.definitions.resource_types)
        self.at_once = limits.AtOnce(options.at_once)
        self._origins = frozenset(origin.encode("latin-1") for origin in options.cors_origins)

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, root: str, slug: str | None, path: str
    ) -> None:
        """Answer one request; a client that goes away before its request is whole gets nothing done and no answer."""
        started = time.perf_counter()
        headers = join_headers(scope["headers"])
        number = _request_id(headers)
        interaction, type_ = "", ""
        request: Request | None = None
        caller: Caller | None = None
        try:
            method: str = scope["method"]
            segments = _segments(path)
            if method == "OPTIONS":
                interaction, answer = "options", self._options(headers, segments)
            else:
                if segments != OPEN:
                    caller = await self._caller(headers, method, root)
                    caller.check()
                route = self.table.find(method, segments)
                interaction = route.interaction
                if segments and segments[0] in self.table.types:
                    type_ = segments[0]
                tenant = await self.services.tenants.find(slug, self.services.pool.bare)
                if caller is not None and not caller.belongs(tenant.id):  # before anything more is read
                    await self.services.welcome(caller, tenant)
                actor = caller.actor if caller is not None else NOBODY
                request = self._request(scope, headers, root, tenant, actor, segments, route, number)
                if route.body and route.interaction == "operation" and self.operations.takes_lines(request):
                    await self._keep_lines(request, receive)
                elif route.body:
                    request.body = await limits.read_body(
                        receive, headers, limit=self.options.max_body, seconds=self.options.body_seconds
                    )
                started = time.perf_counter()
                with self.at_once:
                    if len(request.body) > LARGE:
                        await contents.read_aside(request, self.services.aside)
                    if caller is not None:
                        await self.services.welcome(caller, tenant)
                        await self.services.admit(request.actor, tenant)
                    answer = await self.run(request, route.room, route.handler)
                    await self._leave_line(request)
                if idempotency.REPLAYED in answer.headers:
                    _give_up(request)
        except limits.ClientGone:
            _give_up(request)
            self.metrics.observe(interaction, type_, 499, time.perf_counter() - started)
            return
        except Exception as exc:  # noqa: BLE001 - the one place where an error becomes an answer
            _give_up(request)
            problem: Exception = exc
            try:
                await self._tell_refusal(exc, request, caller, scope, headers)
            except Exception as untold:  # noqa: BLE001 - what could not be told is not answered as if it were
                problem = untold
            answer = await self._refusal(problem, scope, headers, path, number)
        seconds = time.perf_counter() - started
        self.metrics.observe(interaction, type_, answer.status, seconds)
        if log.isEnabledFor(logging.DEBUG):
            told = {
                "request": str(number),
                "interaction": interaction,
                "type": type_,
                "status": answer.status,
            }
            log.debug("answered", extra={**told, "ms": round(seconds * 1000, 2)})
        self._common_headers(answer, headers, number)
        await respond(answer, headers, send, head=scope["method"] == "HEAD")

    # --- into the record -----------------------------------------------------------------------------------

    async def run(self, request: Request, room: Room, handler: Callable[..., Awaitable[Answer]]) -> Answer:
        """Call the handler on a connection of the kind it asks for."""
        pool, tenant = self.services.pool, request.tenant.id
        if room == "reading":
            async with pool.reading(tenant) as tx:
                return await handler(self.context(request, tx), request)
        if room == "searching":
            async with pool.searching(tenant) as tx:
                return await handler(self.context(request, tx), request)
        if room == "writing":
            return await self.write(request, handler)
        return await handler(self, request)

    async def write(self, request: Request, handler: Handler) -> Answer:
        """Call the handler in a transaction; a request that was carried out before gets its first answer."""
        key = request.header(b"idempotency-key")
        if key is None:
            return await self._transacted(request, lambda ctx: handler(ctx, request))
        asked = idempotency.digest(request)

        async def once(ctx: Context) -> Answer:
            if (before := await idempotency.find(ctx, key, asked)) is not None:
                return before
            answer = await handler(ctx, request)
            await idempotency.keep(ctx, key, asked, answer)
            return answer

        return await self._transacted(request, once)

    async def attempt(self, request: Request, room: Room, work: Callable[[Context], Awaitable[Done]]) -> Done:
        """Do one part of a request on a connection of its own; whatever goes wrong is a Problem."""
        pool, tenant = self.services.pool, request.tenant.id
        try:
            await self.services.know(request.actor, request.tenant)
            if room == "writing":
                return await self._transacted(request, work)
            async with pool.reading(tenant) if room == "reading" else pool.searching(tenant) as tx:
                return await work(self.context(request, tx))
        except Exception as exc:
            raise errors.as_problem(exc, str(request.number)) from exc

    async def within(self, ctx: Context, request: Request) -> Answer:
        """Answer a request that stands in another one, on the connection of that one."""
        route = request.route
        if route.interaction == "operation":
            return await operations.within(self, ctx, request)
        return await route.handler(self if route.room == "own" else ctx, request)

    async def _transacted(self, request: Request, work: Callable[[Context], Awaitable[Done]]) -> Done:
        """Returning commits, raising rolls back; a write that met another is done again with everything read anew."""
        for tries, pause in enumerate(PAUSES):
            try:
                async with self.services.pool.writing(request.tenant.id) as tx:
                    return await work(self.context(request, tx, again=tries > 0))
            except RETRY:
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        async with self.services.pool.writing(request.tenant.id) as tx:
            return await work(self.context(request, tx, again=True))

    def context(self, request: Request, tx: Connection | None, *, again: bool = False) -> Context:
        """Everything an interaction may ask for, for this request; a batch as a whole has no connection."""
        ctx = self.services.context(
            tx=tx,  # type: ignore[arg-type] # only a batch passes none, and hands out contexts that have one
            tenant=request.tenant,
            channel="rest",
            purpose=PURPOSE,
            actor=request.actor,
            base=request.base,
            request=request.number,
            again=again,
        )
        ctx.address, ctx.told = request.came_from, request.told
        if request.content is not None:
            ctx.aside = self.services.aside
        reason = request.headers.get(b"x-hsba-reason")
        if reason is not None:
            ctx.reason = _reason(reason)
        return ctx

    async def _caller(self, headers: dict[bytes, bytes], method: str, root: str) -> Caller:
        """Who calls; nobody who is not logged in comes further."""
        secure = self.options.behind_tls or root.startswith("https:")
        found = await callers.known(self.services.identity, headers, method=method, root=root, secure=secure)
        if found is None:
            raise NotLoggedIn
        return found

    # --- from the line -------------------------------------------------------------------------------------

    def _request(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        root: str,
        tenant: Tenant,
        actor: Actor,
        segments: tuple[str, ...],
        route: Route,
        number: UUID,
    ) -> Request:
        query: bytes = scope["query_string"]
        pairs = read_pairs(query) if query else []
        understand = negotiate.shape
        if route.interaction in ("read", "vread") and segments[0] == "Binary":
            understand = negotiate.shape_of_binary
        elif route.interaction == "operation":
            understand = negotiate.shape_of_operation
        return Request(
            method=scope["method"],
            headers=headers,
            query=query,
            segments=segments,
            base=root,
            tenant=tenant,
            actor=actor,
            route=route,
            shape=understand(headers.get(b"accept"), pairs),
            pairs=pairs,
            number=number,
            came_from=callers.address(scope["client"], headers, self.options.trusted_proxies) or None,
        )

    async def _keep_lines(self, request: Request, receive: Receive) -> None:
        """Keep a long content in a file of its own, for the operation that takes it."""
        request.file = self.services.files / "imports" / uuid7s.uuid7().hex / "lines.ndjson"
        await limits.keep_lines(
            receive,
            request.headers,
            request.file,
            limit=self.options.max_lines,
            seconds=self.options.body_seconds,
        )

    def _options(self, headers: dict[bytes, bytes], segments: tuple[str, ...]) -> Answer:
        """What an address answers to; also the question a browser asks before a call from another origin."""
        allowed = self.table.allowed(segments).encode()
        found: list[Header] = [(b"allow", allowed), (b"accept-patch", contents.PATCHES.encode())]
        if headers.get(b"origin") in self._origins and b"access-control-request-method" in headers:
            found += [
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
                (b"access-control-max-age", b"600"),
            ]
        return Answer(204, b"", found)

    # --- onto the line -------------------------------------------------------------------------------------

    async def _refusal(
        self, exc: Exception, scope: Scope, headers: dict[bytes, bytes], path: str, number: UUID
    ) -> Answer:
        """The answer to what went wrong: an OperationOutcome in the form the client reads, JSON where it reads none."""
        problem = errors.as_problem(exc, str(number))
        try:
            query = scope["query_string"]
            shape = negotiate.shape(headers.get(b"accept"), read_pairs(query) if query else [])
        except (NotAcceptable, BadRequest):
            shape = negotiate.Shape()
        if shape.summary or shape.elements:
            shape = negotiate.Shape(xml=shape.xml, media=shape.media, pretty=shape.pretty, plain=False)
        found = errors.body(problem.issues, headers.get(b"accept-language"))
        body = answers.render(found, shape, self.services.definitions)
        answer = Answer(problem.status, body, [(b"content-type", shape.media), *errors.headers(problem)])
        if isinstance(problem, MethodNotAllowed):
            answer.headers.append((b"allow", self.table.allowed(_segments(path)).encode()))
        return answer

    async def _leave_line(self, request: Request) -> None:
        """Note an act of which nobody below has told the trail: no route is without a line, whatever room brings it."""
        if request.told or self.services.trail.keeps_nothing or request.route.interaction in UNTOLD:
            return
        act, type_ = request.route.interaction, None
        if act == "operation":
            act = request.segments[-1]
            if act in UNTOLD_OPERATIONS:
                return
        if request.segments and request.segments[0] in self.table.types:
            type_ = request.segments[0]

        async def note(ctx: Context) -> None:
            await ctx.trail.add(ctx, act, type_, self._touched(request))

        await self.attempt(request, "reading", note)

    def _touched(self, request: Request) -> tuple[object, ...]:
        """What an address names: a resource where it has an id, else its words."""
        some = request.segments[:2]
        if len(some) == 2 and some[0] in self.table.types and "{id}" in request.route.path:
            return (some,)
        return some

    async def _tell_refusal(
        self,
        exc: Exception,
        request: Request | None,
        caller: Caller | None,
        scope: Scope,
        headers: dict[bytes, bytes],
    ) -> None:
        """Note who was refused what; who is known and came no further than the door is noted with his account."""
        if isinstance(exc, BadToken):
            await self.services.stray(callers.address(scope["client"], headers, self.options.trusted_proxies))
        if not isinstance(exc, TOLD):
            return
        if request is not None:
            await self.tell(request, exc, self._touched(request))
        elif caller is not None:
            happening = Happening(
                "door-refuse",
                caller.actor.account,
                subject=f"{scope['method']} {scope['path']}",
                refused=True,
                reason=type(exc).__name__,
                address=callers.address(scope["client"], headers, self.options.trusted_proxies) or None,
                workstation=caller.actor.workstation,
            )
            async with self.services.pool.bare() as tx:
                await self.services.identity.witness.tell(tx, happening)

    async def tell(self, request: Request, refused: Problem, touched: tuple[object, ...]) -> None:
        """Note a refusal, or a look for what is not there, by itself: the transaction of the request was rolled back."""
        log.warning("refused", extra={"request": str(request.number), "problem": type(refused).__name__})

        async def note(ctx: Context) -> None:
            act = f"refused:{request.route.interaction}"
            await ctx.trail.add(ctx, act, None, (*touched, type(refused).__name__))

        await self.attempt(request, "reading", note)

    def _common_headers(self, answer: Answer, headers: dict[bytes, bytes], number: UUID) -> None:
        """The headers of every answer."""
        found = answer.headers
        found += ALWAYS
        found.append((b"x-request-id", str(number).encode()))
        given = headers.get(b"x-request-id")
        if given is not None and SAFE_ID.match(text := given.decode("latin-1")) and text != str(number):
            found.append((b"x-correlation-id", given))
        trace = headers.get(b"traceparent")
        if trace is not None and TRACE.match(trace):
            found.append((b"traceparent", trace))
        origin = headers.get(b"origin")
        if origin is not None and (origin in self._origins or b"*" in self._origins):
            found += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED)]


async def respond(answer: Answer, headers: dict[bytes, bytes], send: Send, *, head: bool) -> None:
    """Send an answer, compressed where the client likes it and it pays."""
    body, found, pieces = answer.body, answer.headers, answer.pieces
    coding = headers.get(b"accept-encoding")
    packed = codings.chosen(coding) if coding is not None else None
    if packed is not None and (pieces is not None or len(body) > codings.WORTH_IT):
        found.append((b"content-encoding", packed))
        if pieces is None:
            body = codings.pack(body, packed)
        else:
            pieces = codings.pack_pieces(pieces, packed)
    if pieces is None:
        if answer.status not in (204, 304):
            found.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": found})
        await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": found})
    for piece in () if head else pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)  # others get their turn while a large bundle is put together
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _give_up(request: Request | None) -> None:
    """Remove the content that was kept for a request that came to nothing."""
    if request is not None and request.file is not None:
        shutil.rmtree(request.file.parent, ignore_errors=True)


def _segments(path: str) -> tuple[str, ...]:
    """The parts of a path below the base; one slash at its end is forgiven."""
    path = path.removeprefix("/").removesuffix("/")
    return tuple(path.split("/")) if path else ()


def _request_id(headers: dict[bytes, bytes]) -> UUID:
    """The request's number: the client's when it is a UUID, else one of ours (FHIR R4 http.html#custom)."""
    given = headers.get(b"x-request-id")
    if given is not None:
        try:
            return UUID(given.decode("latin-1"))
        except ValueError:
            pass
    return uuid7s.uuid7()


def _reason(value: bytes) -> str:
    """The reason a person gave for an act: percent-encoded UTF-8, since a header holds no Vietnamese letters."""
    try:
        text = unquote(value.decode("ascii"), errors="strict").strip()
    except UnicodeDecodeError as exc:
        raise BadRequest(
            "X-HSBA-Reason is percent-encoded UTF-8.", vi="X-HSBA-Reason phải là UTF-8 mã hóa phần trăm."
        ) from exc
    if len(text) > 1000 or any(ord(char) < 32 for char in text):
        raise BadRequest(
            "X-HSBA-Reason is at most 1000 letters on one line.", vi="Lý do: tối đa 1000 chữ, một dòng."
        )
    return text


__all__ = ["Door", "respond"]
