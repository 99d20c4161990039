"""`/patients/{id}/merge`: two records of one person side by side, joined with a reason, and parted again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.fhir import json
from hsba.fhir.problems import Unprocessable
from hsba.http.web import words
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.reception import room
from hsba.record import interactions
from hsba.record import patients as people
from hsba.record.views import alike, holdings
from hsba.record.views import patient as patients
from hsba.record.views.alike import Known

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.record.patients import Written
    from hsba.record.views.people import Banner

MOST = 200


class NoMergeReason(Unprocessable):
    """To join or part two records needs a reason; nothing was changed."""

    vi = "Gộp hoặc tách hồ sơ phải ghi lý do; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, and what is written about him."""

    banner: Banner
    holds: dict[str, int]


@dataclass(frozen=True, slots=True)
class Merge:
    """What `reception/merge.html` shows."""

    kept: Side
    other: Side | None
    """The one that would count as the first; none while he is still to be found."""
    score: int = 0
    reasons: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=lambda: words.APP_TYPES)
    why: dict[str, str] = field(default_factory=lambda: room.REASONS)
    most: int = MOST


@dataclass(frozen=True, slots=True)
class Parted:
    """What `reception/parted.html` shows."""

    kept: str
    other: str
    written: tuple[Written, ...]
    types: dict[str, str] = field(default_factory=lambda: words.APP_TYPES)


async def compare(ask: Ask) -> Page:
    """The two side by side; of one that was merged, the form that parts them."""
    room.require(ask, "merge", "Patient")
    kept = await _side(ask, ask.path("id"))
    with_ = ask.query("with")
    other = await _side(ask, with_) if with_ and with_ != ask.path("id") else None
    if other is None:
        return Page("reception/merge.html", Merge(kept, None), section=room.SECTION)
    one = kept.banner.person
    known = Known(
        one.name.full if one.name else "", one.birth, one.gender, one.number("cccd"), one.phone,
        tuple(card.number for card in kept.banner.insurance),
    )  # fmt: skip
    weighed = alike.weigh(await _content(ask, with_), known)
    return Page(
        "reception/merge.html", Merge(kept, other, weighed.score, weighed.reasons), section=room.SECTION
    )


async def merge(ask: Ask) -> Go:
    """Join them: the other counts as this one from now on."""
    room.require(ask, "merge", "Patient")
    id_ = ask.path("id")
    await people.merge(ask.ctx.because(_reason(ask)), id_, ask.form.get("with", ""))
    return Go(f"/patients/{id_}")


async def part(ask: Ask) -> Page:
    """Part one that was merged; what was written in between is listed, for somebody to say whose it is."""
    room.require(ask, "merge", "Patient")
    id_ = ask.path("id")
    done = await people.unmerge(ask.ctx.because(_reason(ask)), id_)
    return Page("reception/parted.html", Parted(done.survivor.id, id_, done.written), section=room.SECTION)


async def _side(ask: Ask, id_: str) -> Side:
    return Side(await patients.banner(ask.ctx, id_), await holdings.counts(ask.ctx, id_))


async def _content(ask: Ask, id_: str) -> dict[str, object]:
    return dict(json.stored((await interactions.read(ask.ctx, "Patient", id_)).body or ""))


def _reason(ask: Ask) -> str:
    reason = " ".join(ask.form.get("reason", "").split())[:MOST]
    if not reason:
        raise NoMergeReason
    return reason
