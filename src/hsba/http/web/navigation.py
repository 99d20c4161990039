"""The rooms of daily work in the navigation: an entry is there for whom its rights open something, and for nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from hsba.http.web.i18n import mark


@dataclass(frozen=True, slots=True)
class Door:
    """An entry: the page's section, its address, its title, and what one must be able to do (act, type)."""

    section: str
    href: str
    title: str
    rights: tuple[tuple[str, str], ...]


DOORS = (
    Door("reception", "/reception", mark("Reception"), (("create", "Patient"),)),
    Door("queue", "/queue", mark("Queue"), (("update", "Encounter"),)),
    Door("wards", "/wards", mark("Beds"), (("update", "Encounter"),)),
)
"""In the order of the page."""
