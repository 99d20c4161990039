"""The HTTP application of one process: which door an address leads to, and what all doors need.

Rooms above join things; this file only names what it must be given (`Services`, `Options`).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.routing import Route

from hsba.access.coming_back import ward
from hsba.access.coming_in.login import LogIn
from hsba.access.coming_in.own_factors import OwnFactors
from hsba.access.coming_in.second_step import SecondStep
from hsba.access.vault import FILE as KEY_FILE
from hsba.access.vault import Vault
from hsba.fhir.problems import HostRefused
from hsba.http import callers, headers, health, limits, oauth
from hsba.http.gate import Gate
from hsba.http.messages import Answer
from hsba.http.metrics import Metrics
from hsba.http.middleware import Door, respond
from hsba.http.operations import Operations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from uuid import UUID

    from starlette.routing import BaseRoute

    from hsba.access.coming_in.outside import Outside
    from hsba.access.identity import Caller, Identity
    from hsba.access.rights.current import Rights
    from hsba.fhir.definitions import Definitions
    from hsba.http.messages import Receive, Scope, Send
    from hsba.record.aside import Aside
    from hsba.record.calls import Operation
    from hsba.record.context import Actor, Context, Rules, Tenant
    from hsba.record.owned import OwnStore
    from hsba.record.ports import Codes, Trail
    from hsba.record.tenants import Tenants
    from hsba.store.pool import Connection, Pool
    from hsba.store.registry import Registry


class Services(Protocol):
    """What the composition root hands to the doors."""

    @property
    def pool(self) -> Pool:
        """Connections to the database."""

    @property
    def definitions(self) -> Definitions:
        """What FHIR R4 and our packages define."""

    @property
    def codes(self) -> Codes:
        """Which codes are right."""

    @property
    def registry(self) -> Registry:
        """The numbers behind names."""

    @property
    def rules(self) -> Rules:
        """What the hospital decided about writing and searching."""

    @property
    def tenants(self) -> Tenants:
        """The keepers of records."""

    @property
    def files(self) -> Path:
        """The folder for files that are not the record itself."""

    @property
    def trail(self) -> Trail:
        """Who is told of every act."""

    @property
    def stores(self) -> Mapping[str, OwnStore]:
        """The types that a room serves from a store of its own."""

    @property
    def aside(self) -> Aside:
        """Where large contents are read and checked."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations that the rooms bring."""

    @property
    def outside(self) -> Outside | None:
        """The other house whose log-in is taken too."""

    @property
    def identity(self) -> Identity:
        """Who stands behind a request."""

    @property
    def rights(self) -> Rights:
        """What each account may do."""

    async def keys_at(self, url: str) -> bytes:
        """What stands at the address of a registered app's keys; raises Unreachable."""

    async def welcome(self, caller: Caller, tenant: Tenant) -> None:
        """Refuse who may not work at this hour, and who belongs elsewhere and has no right here."""

    async def stray(self, address: str) -> None:
        """Tell of a token that nobody has."""

    async def look_out(self, caller: Caller, tenant: Tenant) -> None:
        """Read how many emergency accesses wait, for who looks at them."""

    async def know(self, actor: Actor, tenant: Tenant) -> None:
        """Read what an account may do, before a context is made for it."""

    async def admit(self, actor: Actor, tenant: Tenant) -> None:
        """Read what an account may do, and refuse one that may do nothing here."""

    def context(
        self,
        *,
        tx: Connection,
        tenant: Tenant | None,
        channel: str,
        purpose: str,
        actor: Actor,
        base: str,
        request: UUID,
        again: bool,
    ) -> Context:
        """A context for one request."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be decided about the doors; `app` fills it from the settings."""

    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    base_url: str = ""
    """The address that links are made with; the one the caller used when empty."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose X-Forwarded-For, -Proto and -Host are believed."""
    behind_tls: bool = False
    """Whether a proxy of ours answers by TLS for us, whatever it says of itself."""
    cors_origins: tuple[str, ...] = ()
    max_body: int = 32 * 1024 * 1024
    body_seconds: float = 60.0
    max_lines: int = 8 * 1024 * 1024 * 1024
    """The longest file of lines that is taken in, unpacked."""
    second_factor_key: Path | None = None
    """The key file of second factors; by default among the files of the installation."""
    at_once: int = 256
    """Requests worked on at the same time in one process; the next one is told to come back."""


class Application:
    """The ASGI application: `/fhir` and `/t/{tenant}/fhir` lead to the FHIR door, everything else to the pages."""

    def __init__(self, services: Services, options: Options, pages: Starlette, metrics: Metrics) -> None:
        """Open the doors."""
        self.door = Door(services, options, metrics, Operations(services.operations))
        self.pages = pages
        self.gate = Gate(pages, services, options)
        self._options = options
        self._hosts = limits.Hosts(options.allowed_hosts)
        self._proxies = frozenset(options.trusted_proxies)
        self._roots: dict[tuple[str, bytes], str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's request, or its lifespan."""
        if scope["type"] != "http":
            await self.pages(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith("/fhir"):
            slug, rest = None, path[5:]
        elif path.startswith("/t/"):
            slug, _, rest = path[3:].partition("/")
            rest = rest[4:] if rest == "fhir" or rest.startswith("fhir/") else "-"
        else:
            slug, rest = None, "-"
        try:
            root = self._root(scope)
        except HostRefused as refused:
            await self._refuse(scope, refused, headers.guarded(send, secure=False))
            return
        send = headers.guarded(send, secure=root.startswith("https:") or self._options.behind_tls)
        if (rest and rest[0] != "/") or rest == oauth.SMART:
            refusal = await self.gate.answer(scope, receive, root, send)
            if refusal is not None:
                await respond(refusal, {}, send, head=scope["method"] == "HEAD")
            return
        base = f"{root}/fhir" if slug is None else f"{root}/t/{slug}/fhir"
        await self.door.answer(scope, receive, send, base, slug, rest)

    def _root(self, scope: Scope) -> str:
        """The address that links begin with, of a Host that is one of ours."""
        host = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
                break
        scheme: str = scope["scheme"]
        if self._proxies and callers.bare(scope["client"]) in self._proxies:
            forwarded = {name: value for name, value in scope["headers"] if name.startswith(b"x-forwarded-")}
            host = forwarded.get(b"x-forwarded-host", host).partition(b",")[0].strip()
            proto = forwarded.get(b"x-forwarded-proto", b"").partition(b",")[0].strip()
            scheme = proto.decode("latin-1") if proto in (b"http", b"https") else scheme
        self._hosts.check(host)
        key = (scheme, host)
        root = self._roots.get(key)
        if root is None:
            root = (
                self._options.base_url.rstrip("/").removesuffix("/fhir")
                or f"{scheme}://{host.decode('ascii').lower()}"
            )
            if len(self._roots) < 1000:
                self._roots[key] = root
        return root

    async def _refuse(self, scope: Scope, refused: HostRefused, send: Send) -> None:
        """Answer a request for another server's name in a few words."""
        text = f"{refused.sentence_vi}\n{refused.sentence}\n".encode()
        answer = Answer(refused.status, text, [(b"content-type", b"text/plain; charset=utf-8")])
        await respond(answer, {}, send, head=scope["method"] == "HEAD")


def build(
    services: Services,
    options: Options | None = None,
    *,
    pages: Sequence[BaseRoute] = (),
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
) -> Application:
    """The application for some services: the FHIR door, health, metrics, and the pages given."""
    options = options or Options()
    metrics = Metrics()
    checks = health.Health(services, metrics)
    routes = [
        Route("/healthz", checks.alive),
        Route("/readyz", checks.ready),
        Route("/metrics", checks.metrics),
        *oauth.ROUTES,
        *pages,
    ]
    starlette = Starlette(routes=routes, lifespan=lifespan)
    starlette.state.services = services
    doors = LogIn(services.identity)
    vault = Vault(options.second_factor_key or services.files / "keys" / KEY_FILE)
    starlette.state.login = doors
    starlette.state.oauth = oauth.Desk.of(
        services.identity, doors.slowing, services.keys_at, options.cors_origins
    )
    starlette.state.ward = ward.opened(services.identity, doors)
    starlette.state.second_step = SecondStep(doors, vault)
    starlette.state.own_factors = OwnFactors(doors, vault)
    return Application(services, options, starlette, metrics)


def deferred(
    opened: Callable[[], AbstractAsyncContextManager[tuple[Services, Options]]],
    *,
    pages: Callable[[Services], Sequence[BaseRoute]] = lambda _: (),
) -> Callable[[Scope, Receive, Send], Any]:
    """An ASGI application whose services are opened when the server starts it, in the worker's own event loop."""
    built: list[Application] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with opened() as (services, options):
            built.append(build(services, options, pages=pages(services)))
            try:
                yield
            finally:
                built.clear()

    start = Starlette(lifespan=lifespan)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (built[0] if built and scope["type"] == "http" else start)(scope, receive, send)

    return application
