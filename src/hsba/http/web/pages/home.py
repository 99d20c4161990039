"""`/`: what this is, how much is in it, who is in the hospital now, and the box to find anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.http.web import words
from hsba.http.web.page import Page
from hsba.record.views import home as view

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.record.views.home import Department

LINKS = {"Patient": "/patients", "Encounter": "#in-hospital"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A count: `more` when it stopped counting, `title` a message, and where it leads."""

    title: str
    number: int
    more: bool
    href: str


@dataclass(frozen=True, slots=True)
class Home:
    """What `home.html` shows."""

    title: str
    """The keeper of the record."""
    q: str
    """What stands in the box."""
    figures: tuple[Figure, ...]
    lying: int
    """How many are in hospital."""
    departments: tuple[Department, ...]
    more: bool
    """Whether more are in hospital than the page lists."""


async def home(ask: Ask) -> Page:
    """The first page."""
    counted = await view.counts(ask.ctx)
    departments, more = await view.in_hospital(ask.ctx)
    figures = tuple(
        Figure(words.TYPES[kind], min(number, view.MOST), number > view.MOST, LINKS.get(kind, ""))
        for kind, number in counted.items()
    )
    lying = sum(len(department.people) for department in departments)
    return Page(
        "home.html", Home(ask.ctx.tenant.title, "", figures, lying, tuple(departments), more), section="home"
    )
