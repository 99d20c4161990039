"""`/audit`: the trail for who investigates: by person, patient, time, act, result and place; and the same as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import StreamingResponse

from hsba.access import accounts
from hsba.audit import finding
from hsba.fhir.problems import BadRequest, NotFound
from hsba.http.web import people, words
from hsba.http.web.page import HEADERS, Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from hsba.audit.finding import Line, Wanted
    from hsba.http.web.page import Ask
    from hsba.http.web.people import Names
    from hsba.record.context import Context

DAYS = 7
"""How far back is looked where nobody says from when."""
FIELDS = ("person", "patient", "from", "to", "act", "result", "address", "workstation")
FORMS = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
RESULTS = {"ok": False, "refused": True}


@dataclass(frozen=True, slots=True)
class Audit:
    """What `audit.html` shows."""

    asked: dict[str, str]
    """What stands in the form."""
    acts: dict[str, str]
    accounts: dict[str, str]
    """Acts upon the record, and acts upon accounts: what the form sends, and its words."""
    lines: tuple[Line, ...]
    names: Names
    note: str
    """Why nothing was looked for; empty when it was."""
    next: str
    csv: str
    ndjson: str

    def of_person(self, login: str) -> str:
        """All that somebody has done in the same time."""
        return self._again(person=login)

    def of_patient(self, id: str) -> str:
        """All that was done with a patient's record in the same time."""
        return self._again(patient=id)

    def _again(self, **of: str) -> str:
        kept = {name: self.asked[name] for name in ("from", "to")}
        return "/audit?" + urlencode({**kept, **of})


async def audit(ask: Ask) -> Page:
    """Look for lines."""
    asked = _asked(ask)
    wanted, note = await _wanted(ask.ctx, asked)
    before = ask.query("before")
    lines: tuple[Line, ...] = ()
    following = None
    if wanted is not None:
        found = await finding.find(ask.ctx, wanted, before=int(before) if _number(before) else None)
        lines, following = found.lines, found.next
    named = await people.names(ask, [who for line in lines for who in (line.account, line.on_behalf_of)])
    query = urlencode({name: value for name, value in asked.items() if value})
    page = Audit(
        asked=asked,
        acts=words.ACTS,
        accounts=words.ACCOUNT_ACTS,
        lines=lines,
        names=named,
        note=note,
        next=f"/audit?{query}&before={following}" if following is not None else "",
        csv=f"/audit/file.csv?{query}",
        ndjson=f"/audit/file.ndjson?{query}",
    )
    return Page("audit.html", page, section="audit")


async def file(ask: Ask) -> Response:
    """The same as a file, piece by piece; who takes it slowly holds no connection meanwhile."""
    form = ask.path("form")
    if form not in FORMS:
        raise NotFound(ask.request.url.path)
    asked = _asked(ask)
    wanted, note = await _wanted(ask.ctx, asked)
    if wanted is None:
        raise BadRequest(note, vi=ask.show.say(note))
    as_csv = form == "csv"
    first = await finding.begin_file(ask.ctx, wanted, as_csv=as_csv)
    pool, ctx = ask.request.app.state.services.pool, ask.ctx

    async def pieces() -> AsyncIterator[str]:
        yield first
        before, more = None, True
        while more:
            async with pool.searching(ctx.tenant.id) as tx:
                text, before = await finding.piece(ctx.on(tx), wanted, before, as_csv=as_csv)
            yield text
            more = before is not None

    name = f"nhat-ky-{asked['from']}-{asked['to']}.{form}"
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces(), headers=headers, media_type=FORMS[form])


def _asked(ask: Ask) -> dict[str, str]:
    """What was asked, with the days that are meant where none are named."""
    asked = {name: ask.query(name).strip()[:200] for name in FIELDS}
    today = ask.ctx.clock.now().astimezone(ask.ctx.tenant.zone).date()
    asked["to"] = asked["to"] or today.isoformat()
    asked["from"] = asked["from"] or (today - timedelta(days=DAYS)).isoformat()
    return asked


async def _wanted(ctx: Context, asked: dict[str, str]) -> tuple[Wanted | None, str]:
    """The question, or a sentence that says why it cannot be asked."""
    try:
        since = _instant(date.fromisoformat(asked["from"]), ctx.tenant.zone)
        until = _instant(date.fromisoformat(asked["to"]) + timedelta(days=1), ctx.tenant.zone)
    except (ValueError, OverflowError):
        return None, words.NO_DAY
    who: tuple[str, ...] | None = None
    if person := asked["person"]:
        who = tuple(dict.fromkeys((person, *await accounts.called(ctx.tx, person, ctx.tenant.id))))
    patient = await finding.patient_of(ctx, asked["patient"])
    if patient is None:
        return None, words.NO_PATIENT
    wanted = finding.Wanted(
        since=since,
        until=until - timedelta(microseconds=1),
        accounts=who,
        patient=patient,
        acts=(asked["act"],) if asked["act"] else (),
        refused=RESULTS.get(asked["result"]),
        address=asked["address"],
        workstation=asked["workstation"],
    )
    return wanted, ""


def _instant(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
