"""Who an account is in the record, as far as rights depend on it: the person, the patients, the departments on duty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.access.rights import hours
from hsba.fhir import json
from hsba.fhir.query.dates import interval
from hsba.fhir.query.expression import Match, Reference, Token, all_of, any_of
from hsba.fhir.query.parse import Search
from hsba.store import search as searching

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from hsba.record.context import Context

Resource = dict[str, Any]
MOST_POSTS = 100
"""PractitionerRoles of one person that are looked at."""


@dataclass(frozen=True, slots=True)
class Person:
    """The Practitioners and Patients (himself, or those he represents) an account stands for, and where it is on duty."""

    account: str
    practitioners: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    """Organizations of the PractitionerRoles in force."""


async def on_duty(ctx: Context, practitioners: tuple[str, ...], now: datetime) -> tuple[str, ...]:
    """The departments that the PractitionerRoles in force name; `ctx` sees everything."""
    if not practitioners:
        return ()
    whose = any_of([Match("practitioner", Reference("Practitioner", id_)) for id_ in practitioners])
    where = all_of([whose, Match("active", Token(None, "true"))])
    wanted = Search(("PractitionerRole",), where, count=MOST_POSTS, total="none")
    page = await searching.run(ctx.tx, wanted, ctx)
    found = (department_of(json.stored(one.body or ""), now, ctx.tenant.zone) for one in page.matches)
    return tuple(sorted({one for one in found if one is not None}))


def department_of(post: Resource, now: datetime, zone: ZoneInfo) -> str | None:
    """The department of a PractitionerRole that is on duty now: its period, its hours of the week, its absences.

    What cannot be read holds never: neither a period nor hours, and an absence that cannot be read is one.
    """
    reference = post.get("organization", {}).get("reference", "")
    if not reference.startswith("Organization/") or not _lies_in(post.get("period", {}), now, zone):
        return None
    if "availableTime" in post:
        spans = hours.available(post["availableTime"])
        if spans is None or not hours.within(spans, now, zone):
            return None
    for one in post.get("notAvailable", ()):
        if "during" not in one or _lies_in(one["during"], now, zone, otherwise=True):
            return None
    return str(reference.split("/")[1])


def _lies_in(period: Resource, now: datetime, zone: ZoneInfo, *, otherwise: bool = False) -> bool:
    """Whether a period holds now; `otherwise` where it cannot be read."""
    try:
        begun = "start" not in period or interval(period["start"], zone)[0] <= now
        over = "end" in period and interval(period["end"], zone)[1] < now
    except ValueError:
        return otherwise
    return begun and not over
