"""What the roles given to an account let it do: the record's question "may they?", answered with search expressions.

Allow lines are joined by or; deny lines, of whichever role, are taken away from all of them.  A line shows what carries a
sensitivity label only where it names the label, or the patient lifted it for this person.  What patients have forbidden is
taken from each line by the purpose its role works for.  A condition that cannot be understood makes an allow line grant
nothing and a deny line take everything of that type; both are told (`faults`).
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hsba.access.rights import binaries, conditions, consents
from hsba.access.rights.conditions import NotUnderstood, Setting
from hsba.access.rights.consents import Asked
from hsba.fhir.problems import Forbidden
from hsba.fhir.query import expression as e
from hsba.record import fence, hiding
from hsba.record.consents import lifts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hsba.access.rights.grants import Loan
    from hsba.access.rights.people import Person
    from hsba.access.rights.roles import Line
    from hsba.record.consents import Rule
    from hsba.record.context import Context

Resource = dict[str, Any]

log = logging.getLogger("hsba.access")

READ = "view"
TREATMENT, BREAK_GLASS = "TREAT", "BTG"
"""Purposes of use (v3-PurposeOfUse)."""
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
    purpose: str = TREATMENT
    """What it is done for; what patients have forbidden for this purpose is taken from it."""
    patients: tuple[str, ...] | None = None
    """In an emergency, whom it is about: as patients of his own, and nobody else."""
    loans: tuple[Loan, ...] = ()
    """What is lent for the purpose."""


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
    own: e.Expression
    """Where it holds by itself."""
    unless: e.Expression = e.Nothing()  # noqa: RUF009 - a frozen value
    """What patients have taken from it."""
    fault: Fault | None = None

    @property
    def where(self) -> e.Expression:
        """Where it holds."""
        return _less(self.own, self.unless)


class RolePolicy:
    """The policy of one account for a moment; what it means for a type is worked out when it is first asked."""

    also: str | None = None

    def __init__(
        self,
        lines: Iterable[Given],
        setting: Setting,
        rules: tuple[Rule, ...] = (),
        *,
        outside: str | None = None,
        guest: bool = False,
    ) -> None:
        """Keep the lines in force, and what conditions are understood with; `rules` are what patients have said."""
        self.lines = tuple(lines)
        self.setting = setting
        self.kept: dict[str, Any] = {}
        """What the store worked out of it and keeps with it, for as long as it holds."""
        self.rules = rules
        self.outside = outside
        """Where the account is outside its hours: these hours."""
        self.guest = guest
        """Whether the account belongs to other keepers only."""
        self.unrestricted = not rules and is_wide([one.line for one in self.lines if one.patients is None])
        self.roles = ",".join(sorted({given.role for given in self.lines}))
        self.faults: dict[tuple[str, int, str], Fault] = {}
        self._within: dict[tuple[str, str], e.Expression] = {}
        self._elements: dict[tuple[str, str], frozenset[str]] = {}

    @property
    def person(self) -> Person:
        """Whose policy it is."""
        return self.setting.person

    @cached_property
    def emergency(self) -> tuple[str, ...]:
        """The patients whom the account came to in an emergency that still lasts."""
        return tuple(sorted({id_ for one in self.lines for id_ in one.patients or ()}))

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
            joined: dict[e.Expression, list[e.Expression]] = {}
            for one in meant:
                if not one.given.line.deny:
                    joined.setdefault(one.unless, []).append(one.own)
            allowed = e.any_of([_less(e.any_of(some), unless) for unless, some in joined.items()])
            denied = e.any_of([one.own for one in meant if one.given.line.deny])
            self._within[key] = _less(allowed, denied)
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
        if fence.is_about_labels(ctx, before, after):
            self._some_line(fence.LABEL, type)
        if type == "Consent" and self._lifts_for_himself(ctx, after):
            raise OwnRole
        shown = hiding.without_hidden(ctx, type, before or {"resourceType": type})
        given = hiding.without_hidden(ctx, type, after)
        for path in sorted(self.read_only(type)):
            if hiding.part(shown, path) != hiding.part(given, path):
                raise ReadOnly(path, path=path)

    # --- how it is found -----------------------------------------------------------------------------------

    def meant(self, interaction: str, type: str) -> list[Meant]:
        """What each line about this act on this type means."""
        found = [
            self._meaning(one, interaction, type)
            for one in self.lines
            if one.line.concerns(interaction, type)
        ]
        if type == binaries.TYPE:
            found += self._of_context(interaction)
        return found

    def _of_context(self, interaction: str) -> list[Meant]:
        """What lines mean for a Binary: as much as for what it says it belongs to (binary.html#security)."""
        found = []
        for one in self.lines:
            kinds: dict[tuple[e.Expression, e.Expression, bool], list[str]] = {}
            for type_ in binaries.CONTEXTS:
                for act in binaries.ACTS.get(interaction, (interaction,)):
                    if one.line.concerns(act, type_):
                        meant = self._meaning(one, act, type_)
                        if not isinstance(meant.own, e.Nothing):
                            key = meant.own, meant.unless, meant.fault is not None
                            kinds.setdefault(key, []).append(type_)
            for (own, unless, _), types in kinds.items():
                there = binaries.belongs_to(tuple(dict.fromkeys(types)), _less(own, unless))
                found.append(Meant(one, e.all_of([there, self._unmasked(one)])))
        return found

    def _meaning(self, given: Given, interaction: str, type: str) -> Meant:
        line = given.line
        setting = replace(
            self.setting, departments=given.departments, patients=given.patients, loans=given.loans
        )
        asked = Asked(self.person, given.departments, given.purpose, interaction, type, setting.now)
        try:
            where = conditions.expression(line.where, type, setting)
            masked = conditions.ALL_LABELS & ~conditions.labels(line.where)
        except NotUnderstood as problem:
            fault = Fault(given.role, line.number, type, problem.sentence, problem.sentence_vi)
            self._tell(fault)
            return Meant(given, e.Everything() if line.deny else e.Nothing(), fault=fault)
        if line.deny or isinstance(where, e.Nothing):
            return Meant(given, where)
        if masked:
            lifted = consents.lifted(self.rules, asked)
            shown = [
                e.all_of([self._of(type, ids), _unmasked(masked & ~bits)]) for bits, ids in lifted.items()
            ]
            where = e.all_of([where, e.any_of([_unmasked(masked), *shown])])
        if given.patients is not None:  # in an emergency nothing that a patient forbade stands in the way
            return Meant(given, where)
        unless = [
            e.all_of([self._of(type, ids), part]) for part, ids in consents.denied(self.rules, asked).items()
        ]
        return Meant(given, where, e.any_of(unless))

    def _of(self, type: str, patients: list[str]) -> e.Expression:
        return conditions.of_patients(self.setting.definitions, type, tuple(sorted(set(patients))))

    @staticmethod
    def _unmasked(given: Given) -> e.Expression:
        """What a line shows of labels, for what has no patient that could lift them."""
        try:
            lifted = conditions.labels(given.line.where)
        except NotUnderstood:
            lifted = 0
        return e.Everything() if given.line.deny else _unmasked(conditions.ALL_LABELS & ~lifted)

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

    def _lifts_for_himself(self, ctx: Context, consent: Resource) -> bool:
        """Whether a Consent lets the actor himself see what a label closes."""
        rule = lifts(consent, ctx.tenant.zone)
        known = {
            "Organization": {id_ for one in self.lines for id_ in one.departments},
            "Patient": set(self.person.patients),
            "Practitioner": set(self.person.practitioners),
        }
        return rule is not None and any(id_ in known[type_] for type_, id_ in rule.root.actors)

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


def _less(allowed: e.Expression, denied: e.Expression) -> e.Expression:
    """What is allowed and not denied."""
    match denied:
        case e.Nothing():
            return allowed
        case e.Everything():
            return e.Nothing()
        case _:
            return e.all_of([allowed, e.Not(denied)])


def _unmasked(bits: int) -> e.Expression:
    return e.Unlabelled(bits) if bits else e.Everything()


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
