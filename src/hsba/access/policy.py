"""What the roles given to an account let it do: the record's question "may they?", answered with search expressions.

Allow lines are joined by or; deny lines, of whichever role, are taken away from all of them.  A line shows what carries a
sensitivity label only where it names the label.  A condition that cannot be understood makes an allow line grant nothing
and a deny line take everything of that type; both are told (`faults`).
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.access import conditions
from hsba.access.conditions import NotUnderstood, Setting
from hsba.fhir.problems import Forbidden
from hsba.fhir.query import expression as e
from hsba.record import fence, hiding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hsba.access.people import Person
    from hsba.access.roles import Line
    from hsba.record.context import Context

Resource = dict[str, Any]

log = logging.getLogger("hsba.access")

READ = "view"
APART = frozenset({"AuditEvent"})
"""Types in stores of their own, which ask `visible` each time and never whether a policy is unrestricted."""


class NoRight(Forbidden):
    """None of your roles lets you do this; ask your administrator or head of department."""

    vi = "Không vai trò nào của bạn cho làm việc này; hãy hỏi quản trị hoặc trưởng khoa."


class ReadOnly(Forbidden):
    """Your role may not change this element; nothing was saved."""

    vi = "Vai trò của bạn không được sửa mục này; chưa lưu gì."


class OwnRole(Forbidden):
    """Nobody changes his own posts or roles; another administrator does it."""

    vi = "Không ai tự sửa vai trò hoặc vị trí công tác của mình; phải nhờ người quản trị khác."


@dataclass(frozen=True, slots=True)
class Given:
    """A line that an account has by a grant, and the departments it holds in."""

    role: str
    line: Line
    departments: tuple[str, ...]
    grant: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """A line whose condition could not be understood for a type."""

    role: str
    line: int
    type: str
    en: str
    vi: str


@dataclass(frozen=True, slots=True)
class Meant:
    """What a line means for one type: where it holds, or why it means nothing."""

    given: Given
    where: e.Expression
    fault: Fault | None = None


class RolePolicy:
    """The policy of one account for a moment; what it means for a type is worked out when it is first asked."""

    also: str | None = None

    def __init__(self, lines: Iterable[Given], setting: Setting) -> None:
        """Keep the lines in force, and what conditions are understood with."""
        self.lines = tuple(lines)
        self.setting = setting
        self.kept: dict[str, Any] = {}
        """What the store worked out of it and keeps with it, for as long as it holds."""
        self.unrestricted = is_wide([given.line for given in self.lines])
        self.roles = ",".join(sorted({given.role for given in self.lines}))
        self.faults: dict[tuple[str, int, str], Fault] = {}
        self._within: dict[tuple[str, str], e.Expression] = {}
        self._elements: dict[tuple[str, str], frozenset[str]] = {}

    @property
    def person(self) -> Person:
        """Whose policy it is."""
        return self.setting.person

    def narrowed(self, act: str) -> RolePolicy:
        """The same, seeing only what this may be done to: to read is not to export."""
        found = copy(self)
        found.also = act
        found.kept = {}
        return found

    # --- the port ------------------------------------------------------------------------------------------

    def visible(self, type: str) -> e.Expression:
        """What may be seen of a type."""
        seen = self.within(READ, type)
        return seen if self.also is None else e.all_of([seen, self.within(self.also, type)])

    def hidden(self, type: str) -> frozenset[str]:
        """What may not be seen of a type's resources, whichever line shows them."""
        return self._kept_from("hidden", (READ,), type)

    def read_only(self, type: str) -> frozenset[str]:
        """What may be neither set nor changed in a type's resources."""
        return self._kept_from("read_only", ("create", "update"), type)

    def within(self, interaction: str, type: str) -> e.Expression:
        """What an act may be done to."""
        key = interaction, type
        if key not in self._within:
            meant = self.meant(interaction, type)
            allowed = e.any_of([one.where for one in meant if not one.given.line.deny])
            denied = e.any_of([one.where for one in meant if one.given.line.deny])
            match denied:
                case e.Nothing():
                    self._within[key] = allowed
                case e.Everything():
                    self._within[key] = e.Nothing()
                case _:
                    self._within[key] = e.all_of([allowed, e.Not(denied)])
        return self._within[key]

    def check(
        self, ctx: Context, interaction: str, type: str, *, before: Resource | None, after: Resource | None
    ) -> None:
        """Refuse what no line allows, whatever it is done to; the database asks the rest (record/fence.py)."""
        self._some_line(interaction, type)
        if type == "PractitionerRole" and (self._mine(before) or self._mine(after)):
            raise OwnRole
        if after is None:
            return
        if fence.labels_differ(before, after):
            self._some_line(fence.LABEL, type)
        shown = hiding.without_hidden(ctx, type, before or {"resourceType": type})
        given = hiding.without_hidden(ctx, type, after)
        for path in sorted(self.read_only(type)):
            if hiding.part(shown, path) != hiding.part(given, path):
                raise ReadOnly(path, path=path)

    # --- how it is found -----------------------------------------------------------------------------------

    def meant(self, interaction: str, type: str) -> list[Meant]:
        """What each line about this act on this type means."""
        return [self._meaning(one, type) for one in self.lines if one.line.concerns(interaction, type)]

    def _meaning(self, given: Given, type: str) -> Meant:
        line = given.line
        setting = Setting(
            self.setting.definitions,
            self.setting.codes,
            self.setting.zone,
            self.setting.person,
            given.departments,
            self.setting.now,
        )
        try:
            where = conditions.expression(line.where, type, setting)
            masked = conditions.ALL_LABELS & ~conditions.labels(line.where)
        except NotUnderstood as problem:
            fault = Fault(given.role, line.number, type, problem.sentence, problem.sentence_vi)
            self._tell(fault)
            return Meant(given, e.Everything() if line.deny else e.Nothing(), fault)
        if masked and not line.deny:
            where = e.all_of([where, e.Unlabelled(masked)])
        return Meant(given, where)

    def _tell(self, fault: Fault) -> None:
        key = fault.role, fault.line, fault.type
        if key not in self.faults:
            self.faults[key] = fault
            log.warning(
                "a line of a role cannot be understood and grants nothing",
                extra={"role": fault.role, "line": fault.line, "type": fault.type, "why": fault.en},
            )

    def _some_line(self, interaction: str, type: str) -> None:
        if isinstance(self.within(interaction, type), e.Nothing):
            raise NoRight(f"({interaction} {type})")

    def _mine(self, post: Resource | None) -> bool:
        """Whether a PractitionerRole is the actor's own."""
        reference = (post or {}).get("practitioner", {}).get("reference", "")
        return any(f"Practitioner/{id_}" in reference for id_ in self.person.practitioners)

    def _kept_from(self, member: str, acts: tuple[str, ...], type: str) -> frozenset[str]:
        """The elements that lines keep from this actor.

        Rights are told per type and not per resource, so of two lines the lighter one wins only where it covers all
        that the other one reaches: else the other one's resources would be shown with elements that no line shows.
        """
        key = member, type
        if key not in self._elements:
            lines = [
                (one.where, frozenset(path.removesuffix("[x]") for path in getattr(one.given.line, member)))
                for act in acts
                for one in self.meant(act, type)
                if not one.given.line.deny and not isinstance(one.where, e.Nothing)
            ]
            paths = {path for _, some in lines for path in some if path.startswith(type + ".")}
            self._elements[key] = frozenset(path for path in paths if not _lifted(path, lines))
        return self._elements[key]


def is_wide(lines: Iterable[Line]) -> bool:
    """Whether one line allows everything, and others take away nothing but types that have a store of their own."""
    lines = tuple(lines)
    denied = {type_ for line in lines if line.deny for type_ in line.types}
    return denied <= APART and any(_allows_all(line) for line in lines)


def _allows_all(line: Line) -> bool:
    if line.deny or line.hidden or line.read_only or "*" not in line.may or "*" not in line.types:
        return False
    return line.where == ("label:*",)


def _lifted(path: str, lines: Sequence[tuple[e.Expression, frozenset[str]]]) -> bool:
    """Whether every line that keeps an element back is covered by one that does not."""
    lighter = [where for where, kept in lines if not _keeps(kept, path)]
    return all(any(_covers(one, where) for one in lighter) for where, kept in lines if _keeps(kept, path))


def _keeps(kept: frozenset[str], path: str) -> bool:
    return any(
        path == one or (path.startswith(one) and (path[len(one)] == "." or path[len(one)].isupper()))
        for one in kept
    )


def _covers(wide: e.Expression, narrow: e.Expression) -> bool:
    """Whether the first surely holds wherever the second does: it asks for nothing that the second does not."""
    asked = _parts(narrow)
    return all(
        part in asked
        or (
            isinstance(part, e.Unlabelled)
            and any(isinstance(one, e.Unlabelled) and part.bits & ~one.bits == 0 for one in asked)
        )
        for part in _parts(wide)
    )


def _parts(where: e.Expression) -> tuple[e.Expression, ...]:
    if isinstance(where, e.Everything):
        return ()
    return where.parts if isinstance(where, e.And) else (where,)
