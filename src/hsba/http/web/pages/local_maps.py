"""`/maps`: the workbench where local codes are brought to national ones; for who may update a ConceptMap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.routing import Route

from hsba.http.web.i18n import mark
from hsba.http.web.page import Go, Page, endpoint
from hsba.http.web.pages.codes import LISTS
from hsba.terminology import compose, mapping

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.terminology.mapping import LocalMap, Work

STATES = {"open": mark("Not mapped yet"), "accepted": mark("Mapped"), "unmatched": mark("No national code")}
EQUIVALENCES = {
    "equivalent": mark("the same"), "wider": mark("the national code means more"),
    "narrower": mark("the national code means less"), "inexact": mark("only nearly the same"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Maps:
    """What `maps.html` shows."""

    maps: tuple[tuple[LocalMap, dict[str, int]], ...]
    targets: dict[str, str]
    """Lists that one may lead to."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What `map.html` shows."""

    work: Work
    state: str
    number: int
    """Of the page, from 0."""
    q: str
    list: str
    """The name of the target list for the finder; empty where it is none of the page's lists."""
    states: dict[str, str]
    equivalences: dict[str, str]

    @property
    def here(self) -> str:
        """The address of the map."""
        return f"/maps/{self.work.map.id}"

    def at(self, state: str, number: int = 0) -> str:
        """The address of a page of it."""
        asked = {"state": state, **({"page": number} if number else {}), **({"q": self.q} if self.q else {})}
        return f"{self.here}?{urlencode(asked)}"

    @property
    def last(self) -> bool:
        """Whether there is no further page, as far as the counts tell."""
        return (self.number + 1) * mapping.PAGE >= self.work.counts[self.state]

    @property
    def live(self) -> str:
        """The address of the finder's choices."""
        return "/codes/_results?" + urlencode({"list": self.list})


async def maps(ask: Ask) -> Page:
    """The maps in making, and a form to begin one."""
    found = tuple(await mapping.maps(ask.ctx))
    return Page("maps.html", Maps(found, LISTS), section="maps")


async def bench(ask: Ask) -> Page:
    """One map: its codes by frequency with suggestions, or those decided."""
    state = ask.query("state") if ask.query("state") in STATES else "open"
    number = int(ask.query("page")) if ask.query("page").isdecimal() and len(ask.query("page")) < 6 else 0
    typed = ask.query("q")
    found = await mapping.work(ask.ctx, ask.path("id"), state, number, typed)
    name = found.map.target.rpartition("/")[2].removesuffix("-vs")
    list_ = name if name in LISTS else ""
    return Page("map.html", Bench(found, state, number, typed, list_, STATES, EQUIVALENCES), section="maps")


async def begin(ask: Ask) -> Go:
    """Begin a map and open it."""
    form = ask.form
    raw = await compose.stored(ask.ctx, f"{form.get('target', '')}-vs")
    made = await mapping.begin(ask.ctx, form.get("title", ""), form.get("source", ""), raw["url"])
    return Go(f"/maps/{made.id}")


async def decide(ask: Ask) -> Go:
    """Accept, reject, or say that there is no national code."""
    form = ask.form
    id_ = ask.path("id")
    await mapping.decide(
        ask.ctx, id_, form.get("code", ""), form.get("verdict", ""),
        system=form.get("target-system", ""), target=form.get("target-code") or form.get("target", ""),
        equivalence=form.get("equivalence", "equivalent"), comment=form.get("comment", ""),
    )  # fmt: skip
    return Go(_back(id_, form))


async def undo(ask: Ask) -> Go:
    """Take a decision back."""
    form = ask.form
    id_ = ask.path("id")
    await mapping.undo(ask.ctx, id_, int(ask.request.path_params["number"]))
    return Go(_back(id_, form))


def _back(id: str, form: dict[str, str]) -> str:
    state = form.get("state", "")
    return f"/maps/{id}" + (f"?state={state}" if state in STATES else "")


ROUTES = (
    Route("/maps", endpoint(maps, room="searching", about=None)),
    Route("/maps", endpoint(begin, room="writing", about=None), methods=["POST"]),
    Route("/maps/{id}", endpoint(bench, room="searching", about=None)),
    Route("/maps/{id}/decide", endpoint(decide, room="writing", about=None), methods=["POST"]),
    Route("/maps/{id}/undo/{number:int}", endpoint(undo, room="writing", about=None), methods=["POST"]),
)
