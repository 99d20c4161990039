"""`/patients/new`: register somebody; who may be the same is shown before anything is saved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hsba.http.web.page import Page
from hsba.http.web.pages.reception import room
from hsba.record import communes as places
from hsba.record import registration
from hsba.record.registration import MayBeSame, NotAnIdentity, SamePerson
from hsba.record.views import alike

if TYPE_CHECKING:
    from hsba.fhir.problems import Problem
    from hsba.http.web.page import Ask, Go
    from hsba.record.communes import Unit
    from hsba.record.registration import Identity
    from hsba.record.views.alike import Candidate
    from hsba.record.views.people import Banner


@dataclass(frozen=True, slots=True)
class Form:
    """What `reception/identity.html` shows."""

    here: str
    """Where it is sent to."""
    key: str
    form: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    candidates: tuple[Candidate, ...] = ()
    communes: tuple[Unit, ...] = ()
    """Of the province that is chosen."""
    banner: Banner | None = None
    """Of the patient whose identity is completed."""
    version: str = ""
    may_merge: bool = False
    provinces: tuple[Unit, ...] = field(default_factory=places.provinces)
    fields: dict[str, str] = field(default_factory=lambda: room.FIELDS)
    reasons: dict[str, str] = field(default_factory=lambda: room.REASONS)
    why_wrong: dict[str, str] = field(default_factory=lambda: room.WRONG)
    kin: dict[str, str] = field(default_factory=lambda: registration.KIN)
    genders: tuple[str, ...] = registration.GENDERS

    @property
    def same(self) -> Candidate | None:
        """Who certainly is the same person."""
        return next((one for one in self.candidates if one.same), None)


@dataclass(frozen=True, slots=True)
class Communes:
    """What `reception/_communes.html` shows."""

    communes: tuple[Unit, ...]


async def blank(ask: Ask) -> Page:
    """An empty form."""
    room.require(ask, "create", "Patient")
    return page(Form("/patients/new", room.key(), {}))


async def sent(ask: Ask) -> Page | Go:
    """Fill the form from a card, or register whom it describes."""
    room.require(ask, "create", "Patient")
    if ask.form.get("_act") == "fill":
        return page(Form("/patients/new", room.key(), dict(ask.form)))
    read = registration.read(ask.form, room.today(ask))
    if read.wrong:
        return refused(ask, Form("/patients/new", _key(ask), dict(ask.form), read.wrong), NotAnIdentity())

    async def register() -> str:
        id_ = await registration.register(ask.ctx, read.identity, reason=ask.form.get("reason", ""))
        return f"/patients/{id_}/visits/new" if room.may(ask, "create", "Encounter") else f"/patients/{id_}"

    try:
        return await room.once(ask, register)
    except (SamePerson, MayBeSame) as found:
        some = await _candidates(ask, read.identity)
        form = Form("/patients/new", _key(ask), dict(ask.form), candidates=some)
        return refused(ask, form, found)


async def communes_of(ask: Ask) -> Page:
    """The communes of a province, for the list beside the field."""
    if not room.may(ask, "update", "Patient"):
        room.require(ask, "create", "Patient")
    return Page("reception/_communes.html", Communes(places.communes(ask.query("province"))))


def page(form: Form, status: int = 200) -> Page:
    """The form with the communes of its province."""
    shown = replace(form, communes=places.communes(form.form.get("province", "")))
    return Page("reception/identity.html", shown, section=room.SECTION, status=status)


def refused(ask: Ask, form: Form, problem: Problem) -> Page:
    """The form as it was sent, with why nothing was saved."""
    may_merge = room.may(ask, "merge", "Patient")
    return page(replace(form, problem=ask.sentence(problem), may_merge=may_merge), problem.status)


def _key(ask: Ask) -> str:
    return ask.form.get(room.KEY) or room.key()


async def _candidates(ask: Ask, identity: Identity) -> tuple[Candidate, ...]:
    return tuple(await alike.candidates(ask.ctx, identity.known))
