"""What patients have forbidden or allowed, as search expressions: what is taken from a line of a role, and what is lifted.

A denial takes from whoever it names (from everybody but the patient himself, where it names nobody) what it describes,
less what its exceptions permit.  A permission lifts a sensitivity label for those it names, and gives nothing else: who
may come to the patient at all, the roles say.  Consents themselves are never taken away, else nobody could end one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir import json
from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import Search
from hsba.record import consents
from hsba.store import search as searching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from hsba.access.rights.people import Person
    from hsba.record.consents import Provision, Rule
    from hsba.record.context import Context

OWN_REQUEST = "PATRQT"
"""The purpose of a patient who reads his own record: what he forbids to all he does not forbid to himself."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Who would do what to which type for what, and when."""

    person: Person
    departments: tuple[str, ...]
    purpose: str
    act: str
    type: str
    now: datetime

    def meant_by(self, one: Provision, rule: Rule) -> bool:
        """Whether a provision speaks of this."""
        return (
            (not one.actors or any(self._is(actor) for actor in one.actors))
            and (not one.purposes or self.purpose in one.purposes)
            and (not one.types or self.type in one.types)
            and (not one.acts or self.act in one.acts)
            and (one.first is None or one.first <= self.now)
            and (one.last is None or self.now <= one.last)
            and not (self._own(rule) and not one.actors and not one.purposes)
        )

    def _is(self, actor: tuple[str, str]) -> bool:
        known = {
            "Organization": self.departments,
            "Patient": self.person.patients,
            "Practitioner": self.person.practitioners,
        }
        return actor[1] in known[actor[0]]

    def _own(self, rule: Rule) -> bool:
        return self.purpose == OWN_REQUEST and rule.patient in self.person.patients


async def read(
    ctx: Context, before: dict[tuple[str, int], Rule | None]
) -> dict[tuple[str, int], Rule | None]:
    """The consents that may change what roles say, by id and version; those read before are not read again."""
    found: dict[tuple[str, int], Rule | None] = {}
    wanted = Search(("Consent",), consents.RESTRICTING, count=PAGE, total="none")
    while True:
        page = await searching.run(ctx.tx, wanted, ctx)
        for one in page.matches:
            key = one.id, one.vid
            found[key] = (
                before[key]
                if key in before
                else consents.rule(json.stored(one.body or "{}"), ctx.tenant.zone)
            )
        if page.next is None:
            return found
        wanted = Search(("Consent",), consents.RESTRICTING, count=PAGE, total="none", cursor=page.next)


def denied(rules: Iterable[Rule], asked: Asked) -> dict[e.Expression, list[str]]:
    """What is taken away, and from which patients' records."""
    found: dict[e.Expression, list[str]] = {}
    if asked.type == "Consent":
        return found
    for rule in rules:
        if asked.meant_by(rule.root, rule):
            for part in _denied(rule, asked):
                found.setdefault(part, []).append(rule.patient)
    return found


def _denied(rule: Rule, asked: Asked) -> Iterator[e.Expression]:
    if rule.root.deny:
        spared = [_content(one) for one in rule.exceptions if one.deny is False and asked.meant_by(one, rule)]
        match e.any_of(spared):
            case e.Nothing():
                yield _content(rule.root)
            case e.Everything():
                return
            case some:
                yield e.all_of([_content(rule.root), e.Not(some)])
        return
    for one in rule.exceptions:
        if one.deny and asked.meant_by(one, rule):
            yield e.all_of([_content(rule.root), _content(one)])


def lifted(rules: Iterable[Rule], asked: Asked) -> dict[int, list[str]]:
    """The sensitivity bits that patients let this person see, and the patients."""
    found: dict[int, list[str]] = {}
    for rule in rules:
        root = rule.root
        if root.deny is False and root.actors and root.labels and asked.meant_by(root, rule):
            found.setdefault(root.labels, []).append(rule.patient)
    return found


def _content(one: Provision) -> e.Expression:
    """What a provision is about, of a type that it is about."""
    return e.Not(e.Unlabelled(one.labels)) if one.labels else e.Everything()
