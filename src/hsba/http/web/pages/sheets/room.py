"""What the pages of sheets share: where a sheet stands, who writes, and the addresses of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hsba.access.rights.policy import RolePolicy
from hsba.forms import catalogue, entries, shelf, staff
from hsba.forms.entries import NotOfThisSheet, Place

if TYPE_CHECKING:
    from hsba.forms.entries import Entry, Sheet
    from hsba.forms.model import Part
    from hsba.http.web.page import Ask

LONGEST = 4 * 1024 * 1024
"""Bytes of a part that are taken at once; free text over its own limit is kept as typed, and said so."""

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the pages of a sheet are."""

    stay: str
    slug: str = ""
    sheet: str = ""

    @property
    def list(self) -> str:
        """The sheets of the stay."""
        return f"{self.stay}/sheets"

    @property
    def print(self) -> str:
        """The sheet as the statute has it."""
        return f"{self.read}/print.pdf"

    @property
    def read(self) -> str:
        """The sheet."""
        return f"{self.list}/{self.slug}/{self.sheet}"

    def write(self, part: str, entry: str = "") -> str:
        """A part of it, or one entry of a part that repeats."""
        return f"{self.read}/{part}/{entry}" if entry else f"{self.read}/{part}"


def stay(ask: Ask) -> str:
    """The address of the stay that is asked for."""
    patient, encounter = (quote(ask.path(name), safe="") for name in ("id", "encounter"))
    return f"/patients/{patient}/encounters/{encounter}"


async def sheet(ask: Ask) -> Sheet:
    """The sheet that is asked for, in the version of the form that it was begun with; its stay must be this patient's."""
    slug, id_ = ask.path("slug"), ask.path("sheet")
    anything = next(iter(catalogue.forms().values()))
    where = Place(ask.path("id"), ask.path("encounter"), anything, id_)
    await entries.verify(ask.ctx, where)
    whole = await entries.sheet(ask.ctx, where)
    begun = {one.body.get("encounter", {}).get("reference") for one in whole.entries}
    if begun - {f"Encounter/{where.encounter}"}:
        raise NotOfThisSheet(id_)  # of another stay of the patient
    first = whole.entries[0].body["questionnaire"] if whole.entries else ""
    form = await shelf.of(ask.ctx, first) if first else await shelf.find(ask.ctx, slug)
    if form.slug != slug:
        raise NotOfThisSheet(id_)
    return replace(whole, place=replace(where, form=form))


async def named(ask: Ask) -> Place:
    """The place that the address names; nothing of a patient is read."""
    form = await shelf.find(ask.ctx, ask.path("slug"))
    return Place(ask.path("id"), ask.path("encounter"), form, ask.path("sheet"))


def addresses(ask: Ask, where: Place) -> Addresses:
    """Where the pages of this sheet are."""
    return Addresses(stay(ask), where.form.slug, where.sheet)


def roles(ask: Ask) -> tuple[str, ...]:
    """The roles that the caller acts in."""
    return tuple(one for one in (ask.ctx.actor.role or "").split(",") if one)


def may_fill(ask: Ask, part: Part) -> bool:
    """Whether the part is the caller's to fill."""
    return part.asks and (ask.ctx.policy.unrestricted or staff.is_for(part, roles(ask)))


def check(ask: Ask, part: Part) -> None:
    """Refuse a part that other staff fill."""
    if not may_fill(ask, part):
        raise staff.NotYourPart(part.id)


def author(ask: Ask) -> dict[str, Any]:
    """Who writes, as the entry names its author."""
    policy = ask.ctx.policy
    known = policy.person.practitioners if isinstance(policy, RolePolicy) else ()
    reference = {"reference": f"Practitioner/{known[0]}"} if known else {}
    return {**reference, "display": ask.caller.name}


def mine(ask: Ask, entry: Entry) -> bool:
    """Whether the caller wrote the entry."""
    return entry.author == ask.caller.name
