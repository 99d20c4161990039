"""`/admin/ask`: may this account do that with something, and by which line of which role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hsba.access.administration import directory
from hsba.access.rights import grants
from hsba.access.rights.explain import explain
from hsba.fhir.problems import Problem
from hsba.http.web.page import Page
from hsba.http.web.pages.admin import plain, words
from hsba.record.context import Actor
from hsba.record.ports import AllowAll

if TYPE_CHECKING:
    from hsba.access.administration.office import Office
    from hsba.access.rights.explain import Verdict
    from hsba.http.web.pages.admin.plain import Plain
    from hsba.http.web.pages.admin.room import Ask


@dataclass(frozen=True, slots=True)
class Word:
    """What one line says to the question."""

    role: str
    title: str
    line: Plain
    holds: bool
    fault: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it may be done, and why."""

    allowed: bool
    words: tuple[Word, ...]
    hidden: tuple[str, ...]
    read_only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """What `admin/ask.html` shows."""

    account: str
    act: str
    type: str
    id: str
    acts: dict[str, str]
    types: dict[str, str]
    answer: Answer | None
    problem: str


async def asking(ask: Ask) -> Page:
    """The question, and its answer once it is whole."""
    account, act, type_, id_ = (ask.query(name) for name in ("account", "act", "type", "id"))
    problem, answer = "", None
    if account and act in words.ACTS and type_ in ask.services.definitions.resource_types:
        try:
            answer = await _answer(ask, account.lower(), act, type_, id_)
        except Problem as refused:
            problem = refused.sentence_vi if ask.show.language == "vi" else refused.sentence
    types = {one: plain.type_name(one, ask.show) for one in ask.services.definitions.resource_types}
    shown = Asking(
        account,
        act or "view",
        type_ or "Patient",
        id_,
        ask.show.said(words.ACTS),
        dict(sorted(types.items(), key=lambda item: (item[0] not in words.TYPES, item[1]))),
        answer,
        problem,
    )
    return Page("admin/ask.html", shown, section="admin-ask", status=200 if not problem else 404)


async def _answer(ask: Ask, account: str, act: str, type: str, id: str) -> Answer:
    """What the roles of the account say at this moment; which resource was asked about is told to the trail."""
    async with ask.looking() as office:
        await _known(office, account)
        titles = {
            name: one.title for name, one in (await grants.every_role(office.tx, ask.tenant.id))[0].items()
        }
    async with ask.services.pool.searching(ask.tenant.id) as tx:
        ctx = replace(ask.whole(tx), policy=AllowAll())
        if id:
            ask.about.append((type, id))
        policy = await ask.services.rights.know(ctx, Actor(account=account))
        verdict = await explain(ctx, policy, act, type, id or None)
    return _said(ask, verdict, titles)


async def _known(office: Office, account: str) -> None:
    if account not in await directory.named(office, [account]):
        raise directory.NoSuchAccount(account)


def _said(ask: Ask, verdict: Verdict, titles: dict[str, str]) -> Answer:
    show = ask.show
    return Answer(
        verdict.allowed,
        tuple(
            Word(
                one.given.role,
                titles.get(one.given.role, one.given.role),
                plain.line(one.given.line, show),
                one.holds,
                "" if one.fault is None else one.fault.vi if show.language == "vi" else one.fault.en,
            )
            for one in verdict.words
        ),
        tuple(plain.element(path, show) for path in sorted(verdict.hidden)),
        tuple(plain.element(path, show) for path in sorted(verdict.read_only)),
    )
