"""Asking a person to prove to be there, before a page does something grave: a part for other pages.

With script the dialog of session.js asks within the page (`data-proof` on the form names the act); without it the form comes
back as a page that asks, with all its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hsba.access.coming_back.step_up import HOW
from hsba.fhir.problems import Problem
from hsba.http.web import visitor
from hsba.http.web.page import Page, render, show
from hsba.http.web.posted import guarded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request

PROOF, TYPED = "proof", "typed"
"""The fields that carry a proof, and what was typed to get one."""
ALWAYS = timedelta(0)


@dataclass(frozen=True, slots=True)
class Prove:
    """What `prove.html` shows."""

    action: str
    fields: tuple[tuple[str, str], ...]
    pin: bool
    """Whether a PIN is enough."""
    name: str
    problem: str


async def proof(
    request: Request,
    form: Mapping[str, str],
    act: str,
    *,
    by: Collection[str] = HOW,
    within: timedelta = ALWAYS,
) -> str | Response:
    """A proof for this act, to be spent in its transaction; or the page that asks for it.

    A person who proved to be there `within` the last while is not asked again.
    """
    caller, where, step_up = visitor.caller(request), visitor.where(request), visitor.ward(request).step_up
    if form.get(PROOF):
        return form[PROOF]
    refused = None
    if TYPED in form:
        try:
            return await step_up.prove(caller, form[TYPED], act, where, by=by)
        except Problem as problem:
            refused = problem
    elif within > ALWAYS and (how := await step_up.fresh(caller, within, by=by)) is not None:
        async with step_up.identity.connect() as tx, tx.transaction():
            return await step_up.give(tx, caller, act, how, where)
    fields = tuple((name, value) for name, value in form.items() if name not in (PROOF, TYPED))
    pin = "pin" in by and where.station is not None
    page = Prove(request.url.path, fields, pin, caller.name, visitor.sentence(request, refused))
    return render(request, Page("prove.html", page, status=refused.status if refused else 401), show(request))


async def proved(
    request: Request,
    form: Mapping[str, str],
    act: str,
    *,
    by: Collection[str] = HOW,
    within: timedelta = ALWAYS,
) -> Response | None:
    """None where the person proved to be there for this act; else the page that asks."""
    found = await proof(request, form, act, by=by, within=within)
    if isinstance(found, Response):
        return found
    step_up = visitor.ward(request).step_up
    async with step_up.identity.connect() as tx:
        await step_up.spend(tx, visitor.caller(request), found, act)
    return None


async def prove(request: Request) -> Response:
    """Give our script a proof for one act."""
    caller, form = visitor.caller(request), await visitor.form(request)
    try:
        made = await visitor.ward(request).step_up.prove(
            caller, form.get(TYPED, ""), form.get("act", "")[:200], visitor.where(request)
        )
    except Problem as refused:
        return visitor.refusal(request, refused)
    return PlainTextResponse(made, headers=visitor.UNCACHED)


ROUTES = (Route("/session/proof", guarded(prove), methods=["POST"]),)
"""The pages of this file."""
