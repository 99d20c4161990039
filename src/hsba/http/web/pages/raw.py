"""`/patients/{id}/resources/{Type}/{id}`: what lies behind a page, for the curious: the JSON, and its versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from hsba.fhir import json
from hsba.http.web.page import Page
from hsba.record.views import patient as patients
from hsba.record.views import versions as view

if TYPE_CHECKING:
    from hsba.http.web.page import Ask
    from hsba.record.views.people import Banner

_PIECE = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)')
_REFERENCE = re.compile(r'"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/\d+)?"\Z')


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version in the list; times are written in the tenant's zone by the template."""

    vid: int
    interaction: str
    recorded: str
    late: bool
    account: str
    role: str
    channel: str
    reason: str
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Raw:
    """What `raw.html` shows."""

    banner: Banner
    patient: str
    type: str
    id: str
    vid: int
    versions: tuple[VersionLine, ...]
    more: bool
    json: Markup | None
    """The content, pretty and coloured; None where the version says that the resource was deleted."""


async def raw(ask: Ask) -> Page:
    """A resource of this patient, or one that is nobody's, at a version."""
    id_, type_, resource = ask.path("id"), ask.path("type"), ask.path("resource")
    asked = ask.query("version")
    vid = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
    banner = await patients.banner(ask.ctx, id_)
    found = await view.history(ask.ctx, id_, type_, resource, vid)
    lines = tuple(
        VersionLine(
            one.vid,
            one.interaction,
            one.recorded.isoformat(),
            one.late,
            one.account,
            one.role,
            one.channel,
            one.reason,
            one.source,
            one.sha256,
        )
        for one in found.versions
    )
    content = None if found.content is None else coloured(json.dump_pretty(found.content).decode(), id_)
    return Page(
        "raw.html",
        Raw(banner, id_, type_, resource, found.shown, lines, found.more, content),
        section="patients",
    )


def coloured(text: str, patient: str) -> Markup:
    """Pretty JSON with its names, texts and numbers told apart, and references made links."""
    made: list[str] = []
    at = 0
    for found in _PIECE.finditer(text):
        made.append(str(escape(text[at : found.start()])))
        at = found.end()
        string, colon, other = found.groups()
        if string is None:
            made.append(f'<span class="n">{escape(other)}</span>')
        elif colon is not None:
            made.append(f'<span class="k">{escape(string)}</span>{colon}')
        elif reference := _REFERENCE.match(string):
            type_, id_, _ = reference.groups()
            href = f"/patients/{patient}/resources/{type_}/{id_}"
            made.append(f'<a href="{escape(href)}">{escape(string)}</a>')
        else:
            made.append(f'<span class="s">{escape(string)}</span>')
    made.append(str(escape(text[at:])))
    return Markup("".join(made))  # noqa: S704 - every piece was escaped above
