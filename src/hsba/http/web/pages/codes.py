"""`/codes` and its live fragment: a code of a national list by its name, an abbreviation, or the code itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.terminology import compose, expand

if TYPE_CHECKING:
    from datetime import date

    from hsba.http.web.page import Ask
    from hsba.terminology.concepts import Concept

LISTS = {
    "vn-icd10": mark("Diseases (ICD-10)"),
    "vn-icd9cm": mark("Procedures (ICD-9-CM)"),
    "hsba-technique": mark("Techniques"),
    "vn-province": mark("Provinces"),
    "vn-ward": mark("Communes"),
    "vn-ethnicity": mark("Ethnic groups"),
    "vn-occupation": mark("Occupations"),
}
"""The lists of the page: the name of a value set without its ending, and what people call it."""
SHOWN = 30


@dataclass(frozen=True, slots=True)
class Codes:
    """What `codes.html` and `_codes.html` show."""

    q: str
    list: str
    lists: dict[str, str]
    day: date
    found: tuple[Concept, ...]
    total: int

    @property
    def live(self) -> str:
        """The address of the fragment."""
        return "/codes/_results?" + urlencode({"list": self.list})


async def codes(ask: Ask) -> Page:
    """The page."""
    return Page("codes.html", await _find(ask), section="codes")


async def results(ask: Ask) -> Page:
    """What was found, without the page around it, while one types."""
    found = await _find(ask)
    headers = {"hx-replace-url": f"/codes?list={found.list}&q={quote(found.q)}"}
    return Page("_codes.html", found, headers=headers)


async def _find(ask: Ask) -> Codes:
    typed = " ".join(ask.query("q").split())[:200]
    chosen = ask.query("list") if ask.query("list") in LISTS else next(iter(LISTS))
    day = ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone).date()
    raw = await compose.stored(ask.ctx, f"{chosen}-vs")
    if not typed:
        return Codes("", chosen, LISTS, day, (), 0)
    found = await expand.codes(ask.ctx, raw, day, typed=typed, active=True, count=SHOWN)
    if not found.total:  # an old code is still found, and told to be old
        found = await expand.codes(ask.ctx, raw, day, typed=typed, count=SHOWN)
    return Codes(typed, chosen, LISTS, day, found.some, found.total)
