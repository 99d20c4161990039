"""`/codes` and its live fragment: a code of a national list by its name, an abbreviation, or the code itself.

The finder of this page is the one that forms use (`_code_finder.html`, `codes.js`): what this doctor and his department
choose often stands first, and what is chosen is shown with the warnings of its rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hsba.http.web.i18n import mark
from hsba.http.web.page import Page
from hsba.terminology import compose, concepts, expand, flags, mapping, suggest
from hsba.terminology.asked import UnknownCode
from hsba.terminology.flags import Case

if TYPE_CHECKING:
    from datetime import date

    from hsba.http.web.page import Ask
    from hsba.terminology.concepts import Concept, System
    from hsba.terminology.suggest import Suggested

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
DEEPEST = 12
"""Levels above a code that are shown."""
USES = {
    "": mark("any"),
    "main": mark("main diagnosis"),
    "other": mark("other diagnosis"),
    "death": mark("cause of death"),
}
SEXES = {"": mark("any"), "female": mark("female"), "male": mark("male")}
"""What the page asks to look at the rules of a code."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A code that was chosen: what it is, what stands above it, and what its rules say."""

    suggested: Suggested
    of: System
    above: tuple[Concept, ...]
    paired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Codes:
    """What `codes.html` and `_codes.html` show."""

    q: str
    list: str
    day: date
    case: Case
    found: tuple[Suggested, ...] = ()
    total: int = 0
    more: bool = False
    chosen: Chosen | None = None
    maps: bool = False
    """Whether the reader may work on maps of local codes."""
    lists: dict[str, str] = field(default_factory=lambda: LISTS)
    uses: dict[str, str] = field(default_factory=lambda: USES)
    sexes: dict[str, str] = field(default_factory=lambda: SEXES)

    @property
    def live(self) -> str:
        """The address of the fragment, to which the finder adds what is typed."""
        return "/codes/_results?" + urlencode({"list": self.list, "use": self.case.use, "sex": self.case.sex})

    def opened(self, code: str) -> str:
        """The address of the page with a code chosen."""
        return "/codes?" + urlencode({"list": self.list, "code": code})


async def codes(ask: Ask) -> Page:
    """The page: the finder, and the code that was chosen."""
    return Page("codes.html", await _find(ask, chosen=ask.query("code")), section="codes")


async def results(ask: Ask) -> Page:
    """What was found, without the page around it, while one types; what is chosen often where nothing was typed."""
    return Page("_codes.html", await _find(ask, often=True))


async def _find(ask: Ask, *, chosen: str = "", often: bool = False) -> Codes:
    typed = " ".join(ask.query("q").split())[: suggest.LONGEST]
    name = ask.query("list") if ask.query("list") in LISTS else next(iter(LISTS))
    day = ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone).date()
    case = _case(ask)
    raw = await compose.stored(ask.ctx, f"{name}-vs")
    if chosen:
        opened = await _chosen(ask, raw, chosen, day, case)
        return Codes(typed, name, day, case, chosen=opened, maps=mapping.may(ask.ctx))
    if not typed and not often:
        return Codes("", name, day, case, maps=mapping.may(ask.ctx))
    found, some = await suggest.suggest(ask.ctx, raw, day, typed, case, SHOWN)
    return Codes(typed, name, day, case, some, found.total, found.more, maps=mapping.may(ask.ctx))


async def _chosen(ask: Ask, raw: dict[str, object], code: str, day: date, case: Case) -> Chosen:
    """A code of the list, as it is on the day."""
    compiled = await compose.compiled(ask.ctx, raw)
    for of in (await concepts.systems(ask.ctx, compiled.systems)).values():
        found = await concepts.find(ask.ctx, of, code, day)
        if found is not None:
            one = expand.Codes((found,), 1, {of.number: of}, {})
            paired = (
                (await flags.pairs(ask.ctx, [code])).get(code, frozenset())
                if of.url.endswith(flags.ICD)
                else ()
            )
            (suggested,) = await suggest.warned(ask.ctx, one, case)
            return Chosen(suggested, of, await _above(ask, of, found, day), tuple(sorted(paired)))
    raise UnknownCode(code)


async def _above(ask: Ask, of: System, found: Concept, day: date) -> tuple[Concept, ...]:
    """What stands above a code, the highest first."""
    above: list[Concept] = []
    while found.parent and len(above) < DEEPEST:
        parent = await concepts.find(ask.ctx, of, found.parent, day)
        if parent is None:
            break
        above.insert(0, parent)
        found = parent
    return tuple(above)


def _case(ask: Ask) -> Case:
    """For whom and as what the code is, as far as the page was told."""
    age = ask.query("age")
    return Case(
        ask.query("use") if ask.query("use") in USES else "",
        ask.query("sex") if ask.query("sex") in SEXES else "",
        float(age) if age.isdecimal() and len(age) < 4 else None,
        frozenset(ask.query("beside").upper().replace(",", " ").split()),
    )
