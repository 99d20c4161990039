"""How the pages of administration are made: who may come in, a form that is read, an act that is done and told, and the way back.

A page that changes something is sent by POST and answered by a redirect; where it is refused, the same page is shown again
with the sentence and with what was typed.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import uuid_utils.compat as uuid7s

from hsba.access.administration import office
from hsba.access.administration.office import Office
from hsba.access.ports import Happening
from hsba.access.problems import NotLoggedIn, PasswordMustChange
from hsba.fhir.problems import Forbidden, NotFound, Problem
from hsba.http.messages import read_pairs
from hsba.http.web import forms
from hsba.http.web.page import KEEPER, Go, Page, after_telling, go, keep_choice, problem, render, show
from hsba.http.web.pages.admin import keepers, uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from starlette.requests import Request
    from starlette.responses import Response

    from hsba.access.identity import Caller
    from hsba.http.app import Services
    from hsba.http.web.show import Show
    from hsba.record.context import Context, Tenant
    from hsba.store.pool import Connection

LONGEST = 1024 * 1024
"""Bytes of a form with a list of accounts."""
PURPOSE = "HOPERAT"


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in; a field that is not asked for by name is not looked at."""

    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, name: str, otherwise: str = "") -> str:
        """The last value of a field, without spaces around it."""
        return (self.fields.get(name) or (otherwise,))[-1].strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field: the boxes that were ticked."""
        return self.fields.get(name, ())

    def __contains__(self, name: str) -> bool:
        """Whether a field was sent at all."""
        return name in self.fields


@dataclass(slots=True)
class Ask:
    """One request for a page of administration."""

    request: Request
    services: Services
    caller: Caller
    tenant: Tenant
    show: Show
    number: UUID
    form: Form = field(default_factory=Form)
    refused: Problem | None = None
    """Why the act was refused after which this page is shown again."""
    officers: bool = False
    """Whether a security officer may do this too."""
    about: list[tuple[str, str]] = field(default_factory=list)
    """Resources that the page was about, as type and id: for the trail."""

    @property
    def may_change(self) -> bool:
        """Whether who reads this may change something here."""
        return self.caller.kind == office.ADMINISTRATOR

    @property
    def problem(self) -> str:
        """The refusal in the reader's language; empty without one."""
        if self.refused is None:
            return ""
        return self.refused.sentence_vi if self.show.language == "vi" else self.refused.sentence

    def query(self, name: str) -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    def id(self, name: str = "id") -> int:
        """A number in the address; one that no row can have is none."""
        number = int(self.request.path_params[name])
        if number >= 1 << 63:
            raise NotFound(str(number))
        return number

    def check_may_do(self) -> None:
        """Refuse who may not do what this page is for."""
        (office.check_may_look if self.officers else office.check_may_change)(self.caller)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Office]:
        """The office on a connection that reads."""
        async with self.services.pool.reading(self.tenant.id) as tx:
            yield self._office(tx)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Office]:
        """The office in a transaction: what is done and what is told are committed together."""
        self.check_may_do()
        async with self.services.pool.writing(self.tenant.id) as tx:
            yield self._office(tx)
        self.services.identity.forget()

    def ctx(self, tx: Connection) -> Context:
        """A context for the record, in which departments and staff are seen and no patient."""
        made = self.whole(tx)
        return replace(made, policy=office.sight(made))

    def whole(self, tx: Connection) -> Context:
        """A context as the door makes it, for the trail."""
        services = self.services
        made = services.context(
            tx=tx, tenant=self.tenant, channel="web", purpose=PURPOSE, actor=self.caller.actor, base="",
            request=self.number, again=False,
        )  # fmt: skip
        made.address = self.request.scope["hsba.address"] or None
        return made

    def _office(self, tx: Connection) -> Office:
        identity = self.services.identity
        address = self.request.scope["hsba.address"] or None
        return Office(
            tx, identity.now(), self.caller, self.tenant.id, address, identity.witness, identity.rules
        )


def endpoint(
    looking: Callable[[Ask], Awaitable[Page]],
    doing: Callable[[Ask], Awaitable[Page | Go]] | None = None,
    *,
    act: str = "",
    officers: bool = False,
) -> Callable[[Request], Awaitable[Response]]:
    """A page of this room: `looking` answers GET, `doing` POST; `act` is the witness's word for what is tried.

    With `officers` a security officer may do it, too.
    """

    async def answer(request: Request) -> Response:
        number = uuid7s.uuid7()
        name = (doing or looking).__name__ if request.method == "POST" else looking.__name__
        ask: Ask | None = None
        try:
            if request.method != "POST" and (kept := keep_choice(request)) is not None:
                return kept
            ask = await _entered(request, number, officers=officers)
            if doing is None or request.method != "POST":
                made: Page | Go = await looking(ask)
            else:
                made = await _done(ask, looking, doing)
            if ask.refused is not None:
                await _tell_refusal(ask, act, ask.refused)
            async with ask.services.pool.reading(ask.tenant.id) as tx:
                ctx = ask.whole(tx)
                await ctx.trail.add(ctx, "page", None, [f"admin.{name}", *ask.about])
            if isinstance(made, Go):
                return go(made.where, made.cookie)
            return render(request, made, ask.show)
        except Exception as exc:  # noqa: BLE001 - the one place where an error becomes a page
            telling = _tell_stranger(request, number, name, act, exc) if isinstance(exc, Forbidden) else None
            return problem(request, await after_telling(exc, telling), number)

    answer.__name__ = (doing or looking).__name__
    answer.__doc__ = (doing or looking).__doc__
    return answer


async def _entered(request: Request, number: UUID, *, officers: bool) -> Ask:
    """Who may come in here, with what he sent."""
    services: Services = request.app.state.services
    caller: Caller | None = request.scope.get("hsba.caller")
    if caller is None:
        raise NotLoggedIn
    if caller.must_change:
        raise PasswordMustChange
    tenant = keepers.chosen(request, caller)
    request.scope[KEEPER] = tenant
    office.check_may_look(caller)
    ask = Ask(request, services, caller, tenant, show(request), number, officers=officers)
    if request.method == "POST":
        ask.check_may_do()
        ask.form = await _read(request)
    return ask


async def _done(
    ask: Ask, looking: Callable[[Ask], Awaitable[Page]], doing: Callable[[Ask], Awaitable[Page | Go]]
) -> Page | Go:
    """Do it; where it is refused, show the page it was sent from, with the reason."""
    try:
        return await doing(ask)
    except NotFound:
        raise
    except Problem as refused:
        if refused.status >= 500:
            raise
        ask.refused = refused
    again = await looking(ask)
    return replace(again, status=ask.refused.status)


async def _read(request: Request) -> Form:
    body = await forms.body(request, longest=LONGEST)
    kind = request.headers.get("content-type", "")
    pairs = uploads.read(body, kind) if kind.startswith("multipart/form-data") else read_pairs(body)
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)


async def _tell_refusal(ask: Ask, act: str, refused: Problem) -> None:
    """Note what was tried and refused, in a transaction of its own."""
    async with ask.services.pool.reading(ask.tenant.id) as tx:
        await ask.services.identity.witness.tell(
            tx,
            Happening(
                act,
                ask.caller.actor.account,
                subject=await _subject(ask, tx),
                refused=True,
                reason=type(refused).__name__,
                address=ask.request.scope["hsba.address"] or None,
                workstation=ask.caller.actor.workstation,
                tenant=ask.tenant.id,
            ),
        )


async def _subject(ask: Ask, tx: Connection) -> str:
    """What the address of an act names: a role, or an account by its login."""
    parts = ask.request.path_params
    if "id" in parts and ask.request.url.path.startswith("/admin/accounts/") and int(parts["id"]) < 1 << 63:
        login = await tx.fetchval("SELECT login FROM access.account WHERE id = $1", int(parts["id"]))
        return str(login or f"#{parts['id']}")
    return str(parts.get("name") or parts.get("id", ""))


async def _tell_stranger(request: Request, number: UUID, page: str, act: str, refused: Forbidden) -> None:
    """Note who was not let in: the trail for a page, the witness for an act."""
    services: Services = request.app.state.services
    tenant = request.scope.get(KEEPER) or services.tenants.get()
    ask = Ask(request, services, request.scope["hsba.caller"], tenant, show(request), number)
    if request.method == "POST" and act:
        await _tell_refusal(ask, act, refused)
    async with services.pool.reading(ask.tenant.id) as tx:
        ctx = ask.whole(tx)
        await ctx.trail.add(ctx, f"refused:admin.{page}", None, [f"admin.{page}"])
