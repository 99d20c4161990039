"""Wristbands and labels: who somebody is, for people and for readers of codes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import segno

from hsba.documents.bars import bars
from hsba.documents.order import Tag
from hsba.fhir.problems import BadRequest
from hsba.forms import populate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context

PRINT = "print"
FACTS = frozenset(
    {
        "patient.name", "patient.birth-date", "patient.sex", "patient.number", "patient.allergies",
        "department.name", "encounter.bed", "facility.name",
    }
)  # fmt: skip
SEXES = {"1": "Nam", "2": "Nữ"}
ROOM = 40
"""Characters of allergies on a wristband."""
MOST = 40
"""Labels that are printed at once."""


class NoSuchTag(BadRequest):
    """From 1 to 40 labels are printed at once; nothing was printed."""

    vi = "Mỗi lần in từ 1 đến 40 nhãn; chưa in gì."


async def tag(ctx: Context, patient: str, encounter: str, what: str) -> Tag:
    """The tag of a patient in a stay, with a line in the trail; its code is the patient's number, else the id."""
    facts = await populate.gather(ctx, patient, encounter, FACTS)

    def said(name: str) -> str:
        return "; ".join(str(one) for one in facts.get(name, ()))

    born = "/".join(reversed(said("patient.birth-date").split("-")))
    code = said("patient.number") or patient
    drawn = io.BytesIO()
    segno.make(code, error="m", micro=False).save(drawn, kind="svg", xmldecl=False, border=0)
    await ctx.trail.add(ctx, PRINT, "Patient", [("Patient", patient), what])
    return Tag(
        name=said("patient.name").upper(),
        who=" · ".join(one for one in (born, SEXES.get(said("patient.sex"), "")) if one),
        where=" · ".join(one for one in (said("department.name"), said("encounter.bed")) if one),
        house=said("facility.name") or ctx.tenant.title,
        warning=_warning(facts.get("patient.allergies", ())),
        code=code,
        square=drawn.getvalue().decode(),
        bars=tuple(bars(code)),
    )


def _warning(allergies: Sequence[object]) -> str:
    """Allergies in full or, where they do not fit, how many: half of one is worse than none."""
    said = ", ".join(str(one) for one in allergies)
    if not said:
        return ""
    return f"DỊ ỨNG: {said}" if len(said) <= ROOM else f"DỊ ỨNG {len(allergies)} thứ: xem hồ sơ"


def copies(text: str) -> int:
    """How many labels are asked for; one where nothing is said."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if text and not 1 <= number <= MOST:
        raise NoSuchTag(text)
    return number or 1
