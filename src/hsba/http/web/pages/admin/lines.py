"""`/admin/roles/{name}/lines/{number}`: one line of a role as a form; what would change, and for whom, is shown first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hsba.access.administration import role_desk
from hsba.access.administration.role_desk import MOST_LINES
from hsba.access.rights import checking
from hsba.access.rights import roles as known
from hsba.access.rights.checking import BadLine
from hsba.fhir.problems import NotFound
from hsba.http.web.page import Go, Page
from hsba.http.web.pages.admin import plain, words
from hsba.http.web.pages.admin.roles import after
from hsba.http.web.pages.admin.room import Form

if TYPE_CHECKING:
    from hsba.access.administration.office import Office
    from hsba.access.administration.role_desk import Holding
    from hsba.access.rights.roles import Line, Role
    from hsba.http.web.pages.admin.plain import Plain
    from hsba.http.web.pages.admin.room import Ask

LONGEST_NOTE = 300
TICKS = ("care-team", "own-patients", "author")
"""Conditions that are one box each."""
_SINCE = re.compile(r"department:(\d{1,4})([hd])\Z")
_FIELDS = (
    "may", "group", "type", "department", "since", "unit", "tick", "state", "label", "other", "hidden", "read_only",
    "deny", "note",
)  # fmt: skip
"""Every field of the form: what the preview carries on to the saving."""


@dataclass(frozen=True, slots=True)
class LineForm:
    """What `admin/line.html` shows."""

    role: Role
    number: int
    """0 is a new line."""
    form: Form
    stamp: str
    problem: str
    acts: dict[str, str]
    groups: dict[str, str]
    members: dict[str, str]
    """What each group holds, in words."""
    types: dict[str, str]
    states: dict[str, str]
    labels: dict[str, str]
    ticks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What `admin/line_preview.html` shows."""

    role: Role
    number: int
    before: Plain | None
    after: Plain | None
    """None where the line is taken away."""
    holdings: tuple[Holding, ...]
    carried: tuple[tuple[str, str], ...]
    """The fields that were filled in, for the saving."""
    stamp: str
    problem: str

    @property
    def names(self) -> list[str]:
        """Whom it concerns, each once."""
        return sorted({one.name for one in self.holdings})


async def line(ask: Ask) -> Page:
    """The form of a line, or of a new one."""
    async with ask.looking() as office:
        role, number = await _own(ask, office)
        stamp = await role_desk.stamp(office, role.name)
    show = ask.show
    form = ask.form if "stamp" in ask.form else _filled(role.lines[number - 1]) if number else Form()
    shown = LineForm(
        role,
        number,
        form,
        stamp,
        ask.problem,
        show.said(words.ACTS),
        {name: show.say(words.GROUPS.get(name, "")) or name for name in sorted(known.groups())},
        {
            name: ", ".join(sorted(plain.type_name(one, show) for one in some))
            for name, some in known.groups().items()
        },
        dict(
            sorted(
                ((one, plain.type_name(one, show)) for one in ask.services.definitions.resource_types),
                key=lambda item: (item[0] not in words.TYPES, item[1]),
            )
        ),
        show.said(words.STATES),
        show.said(words.LABELS),
        {one: show.say(plain.WHERE[one]) for one in TICKS},
    )
    return Page("admin/line.html", shown, section="admin-roles")


async def save_line(ask: Ask) -> Page | Go:
    """Show what would change; save it when that was seen."""
    async with ask.changing() as office:
        role, number = await _own(ask, office)
        made = _read(ask, role, number or len(role.lines) + 1)
        if ask.form.get("step") != "save":
            return await _preview(ask, office, role, number, made)
        lines = [*role.lines[: made.number - 1], made, *role.lines[made.number :]]
        what = f"line {made.number}"
        kept = await role_desk.put(
            office, role.name, role.title, lines, seen=ask.form.get("stamp"), what=what
        )
    return Go(after(role.name, kept))


async def removal(ask: Ask) -> Page:
    """What would change without a line."""
    async with ask.looking() as office:
        role, number = await _own(ask, office)
        if not number:
            raise NotFound("0")
        return await _preview(ask, office, role, number, None)


async def remove_line(ask: Ask) -> Page | Go:
    """Take a line away."""
    async with ask.changing() as office:
        role, number = await _own(ask, office)
        if not number:
            raise NotFound("0")
        lines = [one for one in role.lines if one.number != number]
        what = f"without line {number}"
        kept = await role_desk.put(
            office, role.name, role.title, lines, seen=ask.form.get("stamp"), what=what
        )
    return Go(after(role.name, kept))


async def _own(ask: Ask, office: Office) -> tuple[Role, int]:
    """The role and the number of the line that is meant."""
    role, number = await role_desk.draft(office, ask.path("name")), ask.id("number")
    if not role.own:
        raise role_desk.ShippedRole(role.name)
    if number > len(role.lines) or number >= MOST_LINES:
        raise NotFound(str(number))
    return role, number


async def _preview(ask: Ask, office: Office, role: Role, number: int, made: Line | None) -> Page:
    shown = Preview(
        role,
        number,
        plain.line(role.lines[number - 1], ask.show) if number else None,
        None if made is None else plain.line(made, ask.show),
        tuple(await role_desk.holders(office, role=role.name)),
        tuple((name, value) for name in _FIELDS for value in ask.form.all(name)),
        ask.form.get("stamp") or await role_desk.stamp(office, role.name),
        ask.problem,
    )
    return Page("admin/line_preview.html", shown, section="admin-roles")


# --- between the form and the line -------------------------------------------------------------------------


def _read(ask: Ask, role: Role, number: int) -> Line:
    """The line that the form describes; refused with a sentence where it would not do what is meant."""
    form = ask.form
    may = list(form.all("may"))
    types = [f"@{group}" for group in form.all("group")] + list(form.all("type"))
    if not may or not types:
        raise BadLine(
            "Choose what may be done, and with which kinds of content.",
            vi="Hãy chọn được làm việc gì và với loại nội dung nào.",
        )
    data: dict[str, Any] = {
        "may": may,
        "types": types,
        "where": _where(form),
        "hidden": _paths(form.get("hidden")),
        "read_only": _paths(form.get("read_only")),
        "deny": form.get("deny") == "yes",
        "note": " ".join(form.get("note").split())[:LONGEST_NOTE],
    }
    made = replace(known.read(role.name, role.title, [data], known.groups()).lines[0], number=number)
    services = ask.services
    checking.check(role.name, made, services.definitions, services.codes, ask.tenant.zone)
    return made


def _where(form: Form) -> list[str]:
    """The conditions of a form, as the line keeps them."""
    found = []
    match form.get("department"):
        case "now":
            found.append("department")
        case "stay":
            found.append("department:stay")
        case "since":
            found.append(f"department:{form.get('since')}{form.get('unit')}")
    found += [one for one in TICKS if one in form.all("tick")]
    if states := form.all("state"):
        found.append("state:" + ",".join(states))
    if labels := form.all("label"):
        found.append("label:*" if "*" in labels else "label:" + ",".join(labels))
    return found + [text for one in form.get("other").splitlines() if (text := one.strip())]


def _filled(line: Line) -> Form:
    """A line as the form shows it."""
    groups = plain.grouped(line.types)
    members = {one for name in groups for one in known.groups()[name]}
    fields: dict[str, tuple[str, ...]] = {
        "may": tuple(sorted(line.may)),
        "group": tuple(groups),
        "type": tuple(sorted(line.types - members)),
        "hidden": ("\n".join(sorted(line.hidden)),),
        "read_only": ("\n".join(sorted(line.read_only)),),
        "deny": ("yes",) if line.deny else (),
        "note": (line.note,),
    }
    other = []
    for text in line.where:
        word, _, rest = text.partition(":")
        if text in TICKS:
            fields["tick"] = (*fields.get("tick", ()), text)
        elif text in ("department", "department:stay"):
            fields["department"] = ("stay" if rest else "now",)
        elif since := _SINCE.match(text):
            fields |= {"department": ("since",), "since": (since[1],), "unit": (since[2],)}
        elif word in ("state", "label") and word not in fields:
            fields[word] = tuple(one.strip() for one in rest.split(",") if one.strip())
        else:
            other.append(text)
    return Form({**fields, "other": ("\n".join(other),)})


def _paths(text: str) -> list[str]:
    return [one for one in re.split(r"[\s,;]+", text) if one]
