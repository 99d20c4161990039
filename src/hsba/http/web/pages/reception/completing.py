"""`/patients/{id}/identity`: say who somebody is, once it is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hsba.fhir import json
from hsba.http.web.page import Go
from hsba.http.web.pages.reception import registering, room
from hsba.http.web.pages.reception.registering import Form
from hsba.record import interactions, registration
from hsba.record.registration import MayBeSame, NotAnIdentity, SamePerson
from hsba.record.views import alike
from hsba.record.views import patient as patients

if TYPE_CHECKING:
    from hsba.http.web.page import Ask, Page


async def filled(ask: Ask) -> Page:
    """What is known, to be completed."""
    room.require(ask, "update", "Patient")
    stored = await interactions.read(ask.ctx, "Patient", ask.path("id"))
    form = registration.identity_of(json.stored(stored.body or ""))
    return registering.page(await _form(ask, form, str(stored.vid)))


async def sent(ask: Ask) -> Page | Go:
    """Keep it, unless somebody else is that person already."""
    room.require(ask, "update", "Patient")
    id_, version = ask.path("id"), ask.form.get("_version", "")
    read = registration.read(ask.form, room.today(ask))
    form = await _form(ask, dict(ask.form), version)
    if read.wrong:
        return registering.refused(ask, replace(form, wrong=read.wrong), NotAnIdentity())
    reason = ask.form.get("reason", "")
    try:
        await registration.complete(ask.ctx, id_, read.identity, if_match=f'W/"{version}"', reason=reason)
    except (SamePerson, MayBeSame) as found:
        some = tuple(await alike.candidates(ask.ctx, read.identity.known, besides=id_))
        return registering.refused(ask, replace(form, candidates=some), found)
    return Go(f"/patients/{id_}")


async def _form(ask: Ask, form: dict[str, str], version: str) -> Form:
    id_ = ask.path("id")
    banner = await patients.banner(ask.ctx, id_)
    return Form(f"/patients/{id_}/identity", room.key(), form, banner=banner, version=version)
