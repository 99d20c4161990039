"""The sheets of a stay: which were begun, and how far they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hsba.fhir import json
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import Search
from hsba.forms import answers as kept
from hsba.forms.model import BASE
from hsba.record import drafts, interactions

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.context import Context

MOST = 1000
"""Entries of a stay that are looked at."""
DRAFTS = 50
"""Drafts of an account that are looked at, the newest first."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sheet of a stay: of which form and version, its parts that were written, and by whom last."""

    sheet: str
    slug: str
    version: str
    parts: frozenset[str] = frozenset()
    author: str = ""
    authored: str = ""
    drafted: datetime | None = None
    """When the reader himself typed something in it that is not completed."""


async def sheets(ctx: Context, patient: str, encounter: str) -> tuple[Begun, ...]:
    """Every sheet of the stay, those written last first; with those that the reader has only begun."""
    where = e.all_of(
        [
            e.Match("encounter", e.Reference("Encounter", encounter)),
            e.Match("patient", e.Reference("Patient", patient)),
        ]
    )
    wanted = Search(("QuestionnaireResponse",), where, count=MOST, total="none")
    page = await interactions.search(ctx, wanted)
    found: dict[str, Begun] = {}
    for one in page.matches:
        _add(found, json.stored(one.body or ""))
    for target, saved in (await drafts.mine(ctx))[:DRAFTS]:
        draft = await drafts.load(ctx, target) if target.startswith("QuestionnaireResponse/") else None
        if draft is not None and _of(draft.body, patient, encounter):
            begun = _begun(draft.body)
            if begun is not None:
                found[begun.sheet] = replace(found.get(begun.sheet, begun), drafted=saved)
    latest = sorted(found.values(), key=lambda one: one.authored, reverse=True)
    return tuple(sorted(latest, key=lambda one: one.drafted is None))


def _add(found: dict[str, Begun], body: dict[str, object]) -> None:
    one = _begun(body)
    if one is None:
        return
    part = kept.part_of(body)
    before = found.get(one.sheet, one)
    last = max(before, _written(one, body), key=lambda each: each.authored)
    found[one.sheet] = replace(last, parts=before.parts | {part})


def _begun(body: dict[str, object]) -> Begun | None:
    identifier = body.get("identifier")
    url, _, version = str(body.get("questionnaire", "")).partition("|")
    if not isinstance(identifier, dict) or identifier.get("system") != kept.SHEET or not url.startswith(BASE):
        return None
    return Begun(str(identifier.get("value")), url.removeprefix(BASE), version)


def _written(one: Begun, body: dict[str, object]) -> Begun:
    author = body.get("author")
    name = str(author.get("display", "")) if isinstance(author, dict) else ""
    return replace(one, author=name, authored=str(body.get("authored", "")))


def _of(body: dict[str, object], patient: str, encounter: str) -> bool:
    return body.get("subject") == {"reference": f"Patient/{patient}"} and body.get("encounter") == {
        "reference": f"Encounter/{encounter}"
    }
