"""`/forms/phrases`: what one writes again and again, behind a short word; `/_offered`: what fits while one types `;sot`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from hsba.forms import phrases
from hsba.http.web.page import Go, Page, endpoint
from hsba.http.web.visitor import UNCACHED

if TYPE_CHECKING:
    from starlette.responses import Response

    from hsba.fhir.problems import Problem
    from hsba.forms.phrases import Phrase
    from hsba.http.web.page import Ask

HERE = "/forms/phrases"


@dataclass(frozen=True, slots=True)
class Phrases:
    """What `forms/phrases.html` shows."""

    phrases: tuple[Phrase, ...]
    departments: tuple[str, ...]
    short: str
    words: str
    problem: str


async def listed(ask: Ask) -> Page:
    """The reader's own phrases and those of his departments."""
    return await _page(ask)


async def keep(ask: Ask) -> Page | Go:
    """Keep a phrase; one behind the same short word gives way."""
    given = ask.form.get("department") or None
    try:
        await phrases.keep(ask.ctx, ask.form.get("short", ""), ask.form.get("words", ""), department=given)
    except (phrases.NotAPhrase, phrases.TooManyPhrases, phrases.NotYourDepartment) as refused:
        return await _page(ask, refused)
    return Go(HERE)


async def drop(ask: Ask) -> Go:
    """Delete a phrase."""
    await phrases.drop(ask.ctx, int(ask.path("number")))
    return Go(HERE)


async def offered(ask: Ask) -> Response:
    """The phrases whose short word begins so."""
    found = await phrases.offered(ask.ctx, ask.query("q")[:20], ask.query("item")[:200])
    ask.ctx.told.add("phrases")  # nothing of the record
    return JSONResponse([[one.short, one.words] for one in found], headers=UNCACHED)


async def _page(ask: Ask, refused: Problem | None = None) -> Page:
    shown = Phrases(
        tuple(await phrases.every(ask.ctx)), phrases.departments(ask.ctx), ask.form.get("short", "")[:20],
        ask.form.get("words", "") if refused else "", ask.sentence(refused),
    )  # fmt: skip
    return Page("forms/phrases.html", shown, section="forms", status=refused.status if refused else 200)


ROUTES = (
    Route(HERE, endpoint(listed)),
    Route(HERE, endpoint(keep, room="writing"), methods=["POST"]),
    Route(HERE + "/_offered", endpoint(offered, fragment=True)),
    Route(HERE + "/{number:int}", endpoint(drop, room="writing"), methods=["POST"]),
)
"""The pages of this file; they stand before `/forms/{slug}`."""
