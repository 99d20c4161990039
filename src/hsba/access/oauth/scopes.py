"""What the scopes of a token let through of an account's rights: SMART App Launch 2.2, scopes-and-launch-context.html.

    patient/Observation.rs      read and search what belongs to the patient the app was launched for
    user/*.cruds                all that the person may do
    system/Encounter.rs?status=finished    what this search finds, and no more
    patient/*.read              as SMART 1 wrote it: the same as .rs; .write is .cud, .* is .cruds

A token never widens what its account may do: both hold.  To read by id needs `r`; to search, to see what was changed, and
to take along needs `r` and `s`, for it shows content too.  A scope that cannot be understood grants nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hsba.access.rights import conditions, roles
from hsba.access.rights.conditions import NotUnderstood, Setting
from hsba.access.rights.people import Person
from hsba.fhir.problems import Forbidden
from hsba.fhir.query import expression as e

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from hsba.fhir.definitions import Definitions
    from hsba.record.context import Actor, Context
    from hsba.record.ports import Codes, Policy

Resource = dict[str, Any]

LETTERS = "cruds"
V1 = {"read": "rs", "write": "cud", "*": LETTERS}
"""The words of SMART 1 and what they mean."""
OPENID, FHIR_USER, PROFILE, OFFLINE = "openid", "fhirUser", "profile", "offline_access"
LAUNCH, LAUNCH_PATIENT, LAUNCH_ENCOUNTER = "launch", "launch/patient", "launch/encounter"
INTROSPECT = "introspect"
WORDS = (OPENID, FHIR_USER, PROFILE, OFFLINE, LAUNCH, LAUNCH_PATIENT, LAUNCH_ENCOUNTER, INTROSPECT)
"""Scopes that are no rights to the record: who the person is, for how long, what was opened, and asking about tokens."""

NEEDED: dict[str, tuple[str, ...]] = {
    # every right of a role, and the letters of which each must be granted ("cu" is one of the two)
    "archive": ("u",), "cancel": ("u",), "close": ("u",), "copy": ("r", "s"), "create": ("c",), "delete": ("d",),
    "destroy": ("d",), "emergency": ("r", "s", "u"), "export": ("r", "s"), "label": ("cu",), "lend": ("u",),
    "link-person": ("u",), "merge": ("u",),
    "print": ("r", "s"), "reopen": ("u",), "restore": ("u",), "review": ("u",), "sign": ("u",),
    "update": ("u",), "view": ("r", "s"),
}  # fmt: skip
READING = ("r",)
"""What a read by id needs."""

_RIGHT = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})\.(?P<acts>[a-z]{1,5}|\*)(?:\?(?P<query>[!-~]+))?\Z"
)


class ScopeTooNarrow(Forbidden):
    """The token this was asked with does not reach so far; the app must ask for more rights. Nothing was changed."""

    code = "forbidden"
    vi = "Token của ứng dụng không có phạm vi này; ứng dụng phải xin thêm quyền. Chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Right:
    """One scope that is a right to the record."""

    context: str
    type: str
    """`*` is every type."""
    acts: frozenset[str]
    """Letters of `cruds`."""
    query: str = ""

    def concerns(self, letters: str, type: str) -> bool:
        """Whether it grants one of these letters on a type."""
        return self.type in ("*", type) and bool(self.acts & set(letters))

    def text(self) -> str:
        """As it is written in SMART 2."""
        letters = "".join(one for one in LETTERS if one in self.acts)
        return f"{self.context}/{self.type}.{letters}" + (f"?{self.query}" if self.query else "")


def right(text: str) -> Right | None:
    """The right that a scope is; None where it is none or cannot be understood."""
    found = _RIGHT.match(text)
    if found is None:
        return None
    acts = V1.get(found["acts"], found["acts"])
    # SMART 2: the letters stand in this order, each at most once
    if "".join(one for one in LETTERS if one in acts) != acts:
        return None
    return Right(found["context"], found["type"], frozenset(acts), found["query"] or "")


@lru_cache(maxsize=4096)
def rights(scope: str) -> tuple[Right, ...]:
    """The rights among the scopes of a token."""
    return tuple(one for one in map(right, scope.split()) if one is not None)


def covers(registered: str, asked: str) -> bool:
    """Whether one of the scopes that an app was registered with, or several together, hold all that one asked for does."""
    wanted = right(asked)
    if wanted is None:
        return asked in WORDS and asked in registered.split()
    given = [
        one.acts
        for one in rights(registered)
        if one.context == wanted.context
        and one.type in ("*", wanted.type)
        and one.query in ("", wanted.query)
    ]
    return wanted.acts <= frozenset().union(*given)


def granted(registered: str, asked: str) -> str:
    """Those of the scopes asked for that an app may have, each once and in the order asked."""
    return " ".join(one for one in dict.fromkeys(asked.split()) if covers(registered, one))


def told(scope: str) -> str:
    """Scopes as the trail is told of them: without searches, which may name a patient."""
    return " ".join(one.partition("?")[0] for one in scope.split())


def not_understood(scope: str) -> list[str]:
    """Those of some scopes that mean nothing here."""
    return [one for one in scope.split() if one not in WORDS and right(one) is None]


def holds_back(scope: str) -> bool:
    """Whether a token with these scopes may do less than its account; without any it may do the same."""
    return bool(scope) and not any(
        one.context != "patient" and one.type == "*" and one.acts == set(LETTERS) and not one.query
        for one in rights(scope)
    )


def needs_patient(scope: str) -> bool:
    """Whether these scopes mean one patient, who must be chosen before the app is let in."""
    return LAUNCH_PATIENT in scope.split() or any(one.context == "patient" for one in rights(scope))


class Scopes:
    """What the scopes of tokens mean, worked out once for each; one for each process."""

    MOST = 1000

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[tuple[object, ...], Meaning] = {}

    def held(
        self,
        policy: Policy,
        actor: Actor,
        definitions: Definitions,
        codes: Codes,
        zone: ZoneInfo,
        now: Callable[[], datetime],
    ) -> Policy:
        """The policy of an actor as far as the scopes of the token let it through."""
        if not holds_back(actor.scope):
            return policy
        key = actor.scope, actor.patient, definitions.generation, zone.key, id(codes)
        meaning = self._known.get(key)
        if meaning is None:
            setting = Setting(definitions, codes, zone, Person(actor.account), (), now())
            meaning = Meaning(rights(actor.scope), actor.patient, setting)
            if len(self._known) >= self.MOST:
                self._known.clear()
            self._known[key] = meaning
        return ScopedPolicy(policy, meaning)


class Meaning:
    """The scopes of one token as search expressions."""

    def __init__(self, given: Iterable[Right], patient: str | None, setting: Setting) -> None:
        """Keep the scopes, the patient the app was launched for, and what searches are understood with."""
        self.rights = tuple(given)
        self.patient = patient
        self.setting = setting
        self._within: dict[tuple[tuple[str, ...], str], e.Expression] = {}

    def within(self, needed: tuple[str, ...], type: str) -> e.Expression:
        """What the scopes let through of a type for something that needs these letters."""
        key = needed, type
        if key not in self._within:
            self._within[key] = e.all_of(
                [
                    e.any_of(
                        [
                            self._where(one, letters, type)
                            for one in self.rights
                            if one.concerns(letters, type)
                        ]
                    )
                    for letters in needed
                ]
            )
        return self._within[key]

    def _where(self, one: Right, letters: str, type: str) -> e.Expression:
        """Where one scope holds."""
        parts = [self._of_patient(letters, type)] if one.context == "patient" else []
        if one.query:
            try:
                parts.append(conditions.expression((f"search:{one.query}",), type, self.setting))
            except NotUnderstood:
                return e.Nothing()
        return e.all_of(parts)

    def _of_patient(self, letters: str, type: str) -> e.Expression:
        """What belongs to the patient of the launch; of the house's own lists, which are no patient's, to read them."""
        if self.patient is None:
            return e.Nothing()
        if type == "Patient":
            return e.Ids((self.patient,))
        if type in self.setting.definitions.compartment("Patient"):
            return e.InCompartment("Patient", self.patient)
        return e.Everything() if type in roles.groups()["shared"] and letters in "rs" else e.Nothing()


class ScopedPolicy:
    """A policy, and beside it what the scopes of the token say: what both allow."""

    unrestricted = False

    def __init__(self, policy: Policy, meaning: Meaning, needed: tuple[str, ...] = NEEDED["view"]) -> None:
        """Hold an account's policy to the scopes of its token."""
        self.policy = policy
        self.meaning = meaning
        self.needed = needed

    def to_read(self) -> ScopedPolicy:
        """The same for a read by id, which needs no right to search."""
        return ScopedPolicy(self.policy, self.meaning, READING)

    def visible(self, type: str) -> e.Expression:
        """What may be seen of a type."""
        return e.all_of([self.policy.visible(type), self.meaning.within(self.needed, type)])

    def hidden(self, type: str) -> frozenset[str]:
        """What the account may not see of a type's resources; scopes hide no elements."""
        return self.policy.hidden(type)

    def within(self, interaction: str, type: str) -> e.Expression:
        """What an act may be done to."""
        scoped = self.meaning.within(NEEDED[interaction], type) if interaction in NEEDED else e.Nothing()
        return e.all_of([self.policy.within(interaction, type), scoped])

    def check(
        self, ctx: Context, interaction: str, type: str, *, before: Resource | None, after: Resource | None
    ) -> None:
        """Refuse what the account may not do, and what no scope lets it do."""
        self.policy.check(ctx, interaction, type, before=before, after=after)
        if isinstance(self.within(interaction, type), e.Nothing):
            raise ScopeTooNarrow(f"({interaction} {type})")
        if type == "Subscription" and after is not None and not self._reads_all():
            raise ScopeTooNarrow(f"({interaction} {type})")

    def _reads_all(self) -> bool:
        """Whether everything the account sees is let through: a subscription goes on without the token that made it."""
        return any(
            one.context != "patient" and one.type == "*" and one.acts >= set("rs") and not one.query
            for one in self.meaning.rights
        )
