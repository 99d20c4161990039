"""Serves AuditEvent from the lines: read and search; a search becomes one statement over `audit.line` and `audit.subject`.

The policy's condition is compiled with the question; what cannot be told of a line grants nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from hsba.audit import events, security
from hsba.audit.witness import CHANNEL, INSTALLATION
from hsba.fhir.problems import BadRequest, Forbidden, NotFound, UnknownParameter
from hsba.fhir.query import expression as e
from hsba.fhir.query.expression import all_of
from hsba.store.search import Page
from hsba.store.search.problems import BadCursor

if TYPE_CHECKING:
    from collections.abc import Callable

    from hsba.fhir.query.parse import Search
    from hsba.record.context import Context

NEWEST_FIRST = (("l.recorded DESC", "l.id DESC"), "<")
OLDEST_FIRST = (("l.recorded", "l.id"), ">")


class NotAskedThus(BadRequest):
    """AuditEvent cannot be searched in this way; nothing was searched."""

    code = "not-supported"
    vi = "AuditEvent không tìm theo cách này được; chưa tìm gì."


class Statement:
    """A condition on lines `l` while it is written; the tenant is `$1`."""

    def __init__(self, ctx: Context) -> None:
        """Start with the tenant."""
        self.ctx = ctx
        self.args: list[Any] = [ctx.tenant.id]

    def arg(self, value: Any) -> str:
        """A place for this value."""
        self.args.append(value)
        return f"${len(self.args)}"

    def where(self, expression: e.Expression) -> str:
        """The condition that a line is such."""
        match expression:
            case e.Everything() | e.Unlabelled():  # a line carries no label
                return "true"
            case e.Nothing():
                return "false"
            case e.And(parts):
                return "(" + " AND ".join(self.where(part) for part in parts) + ")"
            case e.Or(parts):
                return "(" + " OR ".join(self.where(part) for part in parts) + ")"
            case e.Not(part):
                return f"NOT {self.where(part)}"
            case e.Ids(ids):
                numbers = [int(id_) for id_ in ids if is_number(id_)]
                return f"l.id = ANY({self.arg(numbers)}::bigint[])"
            case e.Updated(test):
                return self.when(test)
            case e.InCompartment("Patient", id_):
                return self.patient(e.Reference("Patient", id_))
            case e.Match(code, test) if code in PARAMETERS:
                return PARAMETERS[code](self, test)
        raise NotAskedThus(type(expression).__name__)

    def when(self, test: e.Test) -> str:
        """The time of the line compared with a span."""
        if not isinstance(test, e.Date) or test.prefix not in COMPARED:
            raise NotAskedThus("date")
        first, last = self.arg(test.first), self.arg(test.last)
        both = f" AND {first}::timestamptz IS NOT NULL AND {last}::timestamptz IS NOT NULL"
        return "(" + COMPARED[test.prefix].format(first=first, last=last) + both + ")"

    def patient(self, test: e.Test) -> str:
        """It is about this patient, or one merged into him."""
        if not isinstance(test, e.Reference) or test.id is None or test.type not in (None, "Patient"):
            raise NotAskedThus("patient")
        return f"(l.id, l.recorded) IN ({self.lines_of(test.id)})"

    def lines_of(self, patient: str) -> str:
        """The lines about a patient."""
        type_ = self.ctx.registry.type_id("Patient")
        keys = (
            f"SELECT key FROM record.addressed($1, '{{1}}', '{{{type_}}}', ARRAY[{self.arg(patient)}::text])"
        )
        return (
            "SELECT s.line, s.recorded FROM audit.subject s"
            f" WHERE s.tenant = $1 AND s.patient = ANY(ARRAY({keys}))"
        )

    def entity(self, test: e.Test) -> str:
        """It touched this resource."""
        if not isinstance(test, e.Reference) or test.id is None or test.type is None:
            raise NotAskedThus("entity")
        if test.type == "Patient":
            return self.patient(test)
        type_ = self.ctx.registry.type_id(test.type)
        return (
            "(l.id, l.recorded) IN (SELECT s.line, s.recorded FROM audit.subject s WHERE s.tenant = $1"
            f" AND s.type = {type_} AND s.id = {self.arg(test.id)}::text)"
        )

    def account(self, test: e.Test) -> str:
        """This account did it, or it was done for him."""
        return f"(l.account = {self.arg(token(test).code)}::text)"

    def named(self, test: e.Test) -> str:
        """The account that did it has such a name."""
        if not isinstance(test, e.Text):
            raise NotAskedThus("agent-name")
        text = test.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        pattern = (
            text if test.how in ("exact", "equals") else f"{text}%" if test.how == "starts" else f"%{text}%"
        )
        return f"(l.account ILIKE {self.arg(pattern)}::text)"

    def action(self, test: e.Test) -> str:
        """The action of the standard: C, R, U, D or E."""
        code = token(test).code
        others = [name for name, act in events.ACTS.items() if act.action != code]
        if code == events.EXECUTED.action:
            return f"({OF_RECORD} AND l.interaction <> ALL({self.arg(others)}::text[]) OR {COMES_AND_GOES})"
        names = [name for name, act in events.ACTS.items() if act.action == code]
        ends = [end for end, its in security.ENDINGS.items() if its == code]
        return (
            f"({OF_RECORD} AND l.interaction = ANY({self.arg(names)}::text[]) OR NOT {COMES_AND_GOES}"
            f" AND l.channel = '{CHANNEL}' AND {self.ending(ends, changes=code == 'U')})"
        )

    def ending(self, ends: list[str], *, changes: bool) -> str:
        """The act of an account ends with one of these words; or, for a change, with none that makes or removes."""
        last = "substring(l.interaction FROM '[^-]*$')"
        if changes:
            return f"{last} <> ALL({self.arg(list(security.ENDINGS))}::text[])"
        return f"{last} = ANY({self.arg(ends)}::text[])"

    def kind(self, test: e.Test) -> str:
        """About the record (`rest`), or about accounts by DICOM's code."""
        wanted = token(test)
        if wanted.code == "rest" and wanted.system in (None, events.TYPES):
            return f"({OF_RECORD})"
        return self.of_accounts(wanted, subtype=False)

    def of_accounts(self, wanted: e.Token, *, subtype: bool) -> str:
        """About accounts, by DICOM's code of an event's type or subtype."""
        found = None
        if wanted.system in (None, security.DCM):
            found = security.condition(wanted.code or "", subtype=subtype)
        if found is None:
            return "false"
        how, words = found
        first = "split_part(l.interaction, '-', 1)"
        return f"(l.channel = '{CHANNEL}' AND {first} {how}({self.arg(words)}::text[]))"

    def subtype(self, test: e.Test) -> str:
        """The interaction, by the standard's word or ours."""
        wanted = token(test)
        names = [name for name, act in events.ACTS.items() if act.restful and act.restful == wanted.code]
        if wanted.system in (None, events.OURS):
            names.append(wanted.code or "")
        return f"(l.interaction = ANY({self.arg(names)}::text[]) OR {self.of_accounts(wanted, subtype=True)})"

    def outcome(self, test: e.Test) -> str:
        """Done, or refused."""
        code = token(test).code
        known = {events.SUCCESS: "NOT l.refused", events.REFUSED: "l.refused"}
        return f"({known.get(code or '', 'false')})"


OF_RECORD = f"l.channel <> '{CHANNEL}'"
COMES_AND_GOES = (
    f"(l.channel = '{CHANNEL}' AND split_part(l.interaction, '-', 1) IN ('login', 'logout', 'session'))"
)
HERE = f"l.tenant IN ($1, {INSTALLATION})"
"""The lines of this keeper, and those of the installation."""
COMPARED = {
    "eq": "l.recorded BETWEEN {first} AND {last}",
    "po": "l.recorded BETWEEN {first} AND {last}",
    "ne": "l.recorded NOT BETWEEN {first} AND {last}",
    "gt": "l.recorded > {last}",
    "sa": "l.recorded > {last}",
    "lt": "l.recorded < {first}",
    "eb": "l.recorded < {first}",
    "ge": "l.recorded >= {first}",
    "le": "l.recorded <= {last}",
}

PARAMETERS: dict[str, Callable[[Statement, e.Test], str]] = {
    "action": Statement.action,
    "agent-name": Statement.named,
    "altid": Statement.account,
    "date": Statement.when,
    "entity": Statement.entity,
    "outcome": Statement.outcome,
    "patient": Statement.patient,
    "subtype": Statement.subtype,
    "type": Statement.kind,
}
"""The search parameters of AuditEvent that are answered."""


class AuditEvents:
    """The store of AuditEvent."""

    parameters = frozenset(PARAMETERS)

    async def read(self, ctx: Context, id: str) -> Any:
        """One line."""
        statement = Statement(ctx)
        condition = visible(statement)
        number = int(id) if is_number(id) else -1
        row = await ctx.tx.fetchrow(
            f"SELECT l.* FROM audit.whole l WHERE {HERE} AND l.id = {statement.arg(number)} AND {condition}",
            *statement.args,
        )
        if row is None:
            raise NotFound(f"{events.TYPE}/{id}")
        return (await events.stored(ctx, [row]))[0]

    async def search(self, ctx: Context, wanted: Search) -> Page:
        """The lines that fit, the newest first unless the oldest are asked for."""
        if wanted.include or wanted.revinclude:
            raise UnknownParameter("_include", vi="_include")
        statement = Statement(ctx)
        where = f"{HERE} AND {visible(statement)} AND {statement.where(wanted.where)}"
        total = None
        if wanted.count == 0 or wanted.total in ("accurate", "estimate"):
            total = await ctx.tx.fetchval(f"SELECT count(*) FROM audit.line l WHERE {where}", *statement.args)
        if wanted.count == 0:
            return Page([], [], total=total)
        (order, sign) = _order(wanted)
        if wanted.cursor is not None:
            recorded, id_ = _cursor(wanted.cursor)
            where += f" AND (l.recorded, l.id) {sign} ({statement.arg(recorded)}, {statement.arg(id_)})"
        rows = await ctx.tx.fetch(
            f"SELECT l.* FROM audit.whole l WHERE {where} ORDER BY {', '.join(order)} LIMIT {int(wanted.count) + 1}",
            *statement.args,
        )
        shown = rows[: wanted.count]
        more = len(rows) > len(shown)
        if total is None and wanted.cursor is None and not more and wanted.total != "none":
            total = len(shown)
        following = f"{shown[-1]['recorded'].isoformat()}~{shown[-1]['id']}" if more else None
        return Page(await events.stored(ctx, shown), [], following, total)


def visible(statement: Statement) -> str:
    """The policy's condition; one that cannot be told of a line grants nothing."""
    try:
        return statement.where(all_of([statement.ctx.policy.visible(events.TYPE)]))
    except NotAskedThus as exc:
        raise Forbidden from exc


def _order(wanted: Search) -> tuple[tuple[str, ...], str]:
    if not wanted.sort:
        return NEWEST_FIRST
    first = wanted.sort[0]
    if len(wanted.sort) > 1 or first.code not in ("date", "_lastUpdated"):
        raise NotAskedThus("_sort=date | -date", vi="_sort=date | -date")
    return NEWEST_FIRST if first.descending else OLDEST_FIRST


def _cursor(text: str) -> tuple[datetime, int]:
    at, _, id_ = text.partition("~")
    try:
        return datetime.fromisoformat(at), int(id_)
    except ValueError as exc:
        raise BadCursor from exc


def is_number(id: str) -> bool:
    """Whether an id may be that of a line."""
    return id.isascii() and id.isdigit() and len(id) < 19


def token(test: e.Test) -> e.Token:
    """A token that names a code."""
    if not isinstance(test, e.Token) or test.code is None:
        raise NotAskedThus("token")
    return test


STORES = {events.TYPE: AuditEvents()}
"""The types that are served from the trail."""
