"""`/forms`: the catalogue of forms; `/forms/{slug}`: one of them, blank, with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from hsba.fhir.problems import NotFound
from hsba.forms import drawing, shelf
from hsba.http.web.filled import Filled
from hsba.http.web.page import Page, endpoint
from hsba.http.web.pages.sheets.stay import KINDS

if TYPE_CHECKING:
    from hsba.forms.model import Form
    from hsba.http.web.page import Ask


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What `forms/catalogue.html` shows."""

    forms: dict[str, list[Form]]
    """By kind."""
    kinds: dict[str, str]


@dataclass(frozen=True, slots=True)
class Blank:
    """What `forms/blank.html` shows."""

    form: Form
    f: Filled


async def forms(ask: Ask) -> Page:
    """Every form that is here, by kind."""
    known = (await shelf.current(ask.ctx)).values()
    found = {kind: [form for form in known if form.kind == kind] for kind in KINDS}
    return Page("forms/catalogue.html", Catalogue(found, KINDS), section="forms")


async def blank(ask: Ask) -> Page:
    """One form without answers."""
    form = await shelf.find(ask.ctx, ask.path("slug"), ask.query("version"))
    filled = Filled(form, ask.ctx.tenant.zone, ask.show.language)
    return Page("forms/blank.html", Blank(form, filled), section="forms")


async def art(ask: Ask) -> Response:
    """The picture that is drawn on."""
    found = drawing.picture(ask.path("name"))
    if found is None:
        raise NotFound(ask.path("name"))
    ask.ctx.told.add("art")  # the same for everybody
    headers = {
        "cache-control": "private, max-age=86400",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(found, headers=headers, media_type=drawing.SVG)


ROUTES = (
    Route("/forms/art/{name}.svg", endpoint(art, about=None)),
    Route("/forms", endpoint(forms, about=None)),
    Route("/forms/{slug}", endpoint(blank, about=None)),
)
"""The pages of this file."""
