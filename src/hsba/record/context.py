"""Who acts, for what, in which keeper's record, at what time: the first argument of every interaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import uuid_utils.compat as uuid7s

from hsba.record.subscriptions.addresses import Targets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from uuid import UUID

    from hsba.fhir.definitions import Definitions
    from hsba.record.aside import Aside
    from hsba.record.consequences import Consequences
    from hsba.record.owned import OwnStore, Shelf
    from hsba.record.ports import Codes, Policy, Trail
    from hsba.store.pool import Connection
    from hsba.store.registry import Registry


@dataclass(frozen=True, slots=True)
class Tenant:
    """A keeper of records: a number that never changes, its name in addresses, and its time zone."""

    id: int
    slug: str
    title: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Ho_Chi_Minh"))


@dataclass(frozen=True, slots=True)
class Actor:
    """The account that acts, in which role, for whom and from where; written into every version it makes."""

    account: str
    role: str | None = None
    """The roles it acts in, with commas; None is all that it has."""
    on_behalf_of: str | None = None
    workstation: str | None = None
    scope: str = ""
    """The SMART scopes of the token it acts by: it may do no more than these; empty holds nothing back."""
    patient: str | None = None
    """The patient whom the app of that token was opened for: scopes of `patient/` mean this one."""


OPERATOR = Actor(account="operator")
"""Who acts in commands and jobs: whoever runs this machine."""
SERVER = Actor(account="subscription")
"""The server itself, where it changes the state of a Subscription."""
OURS = frozenset({OPERATOR.account, SERVER.account})
"""Accounts that are no person's and have every right: nobody's account may bear their names."""


@dataclass(frozen=True, slots=True)
class Source:
    """The other system a fact was fed from, and its key there."""

    system: str
    key: str | None = None


class Clock:
    """The server's time, in UTC, never stepping back even when the machine's clock does."""

    def __init__(self) -> None:
        """Start at the machine's time."""
        self._last = datetime.now(UTC)

    def now(self) -> datetime:
        """A time later than any this clock gave before, to the microsecond."""
        now = datetime.now(UTC)
        if now <= self._last:
            now = self._last + timedelta(microseconds=1)
        self._last = now
        return now


@dataclass(slots=True)
class Context:
    """Everything an interaction may ask for; built by a door, a job or a test, once per request."""

    actor: Actor
    tenant: Tenant
    purpose: str
    channel: str
    definitions: Definitions
    registry: Registry
    policy: Policy
    codes: Codes
    trail: Trail
    clock: Clock
    rules: Rules
    tx: Connection
    files: Path
    """The folder for files that are not the record itself (exports and the like)."""
    request: UUID = field(default_factory=uuid7s.uuid7)
    reason: str | None = None
    source: Source | None = None
    base: str = ""
    alone: bool = False
    """The door's word that one interaction is all this transaction does, and that nothing refuses after its save."""
    again: bool = False
    """Whether this is a further try of a request that met another: it locks first, so that it waits and does not lose."""
    aside: Aside | None = None
    """Where long work is done, when this request brings much of it."""
    address: str | None = None
    """Of the machine that asks, where it is known."""
    stores: Mapping[str, OwnStore] = field(default_factory=dict)
    """The types that a room serves from a store of its own (record/owned.py)."""
    shelves: Mapping[str, Shelf] = field(default_factory=dict)
    """What rooms add to types of the record (record/owned.py)."""
    consequences: Mapping[str, Consequences] = field(default_factory=dict)
    """What rooms make of writes, by type (record/consequences.py)."""
    entry: str | None = None
    """The entry of a sheet whose facts are being written, which alone may write them (record/derived.py)."""
    told: set[str] = field(default_factory=set)
    """What the trail has kept of this request so far, so that a door sees when nothing was."""

    @property
    def may_commit(self) -> bool:
        """Whether a save, or a look before it, may be a transaction of its own: all that belongs to it is in it."""
        return self.alone and (self.trail.keeps_nothing or self.trail.written_by_store)

    def on(self, tx: Connection) -> Context:
        """The same context on another connection."""
        return replace(self, tx=tx)

    def because(self, reason: str | None) -> Context:
        """The same context with the reason the person gave."""
        return replace(self, reason=reason)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a hospital may decide about writing: settings that the record reads."""

    refuse_dangling_references: bool = False
    late_after: timedelta = timedelta(hours=24)
    answers_kept: timedelta = timedelta(hours=24)
    """How long the answer to a write with an Idempotency-Key is kept for its repeat."""
    validate: bool = True
    max_search_count: int = 1000
    review_months: int = 6
    """After so many months the list of accounts and their roles is to be confirmed again."""
    targets: Targets = field(default_factory=Targets)


def new_id() -> str:
    """A fresh logical id: UUIDv7, so that ids sort by the time they were given."""
    return str(uuid7s.uuid7())
