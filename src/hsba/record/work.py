"""The shape of every room's JOBS, FOLLOWERS and HOUSEKEEPING tables: work done by the worker and not by whoever asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import timedelta
    from pathlib import Path

    from hsba.fhir.definitions import Definitions
    from hsba.record.context import Actor, Clock, Context, Rules, Tenant
    from hsba.record.tenants import Tenants
    from hsba.store.jobs import Job
    from hsba.store.pool import Connection, Pool
    from hsba.store.registry import Registry


class House(Protocol):
    """What work needs of the composition root: connections, the keepers, the language, and a context for each step."""

    pool: Pool
    tenants: Tenants
    definitions: Definitions
    registry: Registry
    clock: Clock
    rules: Rules
    files: Path
    """The folder for files that are not the record itself (exports and the like)."""
    checkpoints: Path
    """The folder for the checkpoints of the audit trail, outside the database."""

    @property
    def opener(self) -> Opener:
        """How another process opens the same house: a function that can be sent to it."""
        ...

    async def renew(self, tx: Connection) -> None:
        """Take over the search parameters that the database has now."""
        ...

    async def know(self, actor: Actor, tenant: Tenant) -> None:
        """Read what an account may do, before a context is made for it."""
        ...

    def context(
        self,
        *,
        tx: Connection,
        tenant: Tenant | None = None,
        channel: str = "rest",
        purpose: str = "TREAT",
        actor: Actor = ...,
        base: str = "",
        **more: Any,
    ) -> Context:
        """A context for one transaction."""
        ...


Opener = Callable[[], "AbstractAsyncContextManager[House]"]
Handler = Callable[[House, "Job"], Awaitable[dict[str, Any]]]
"""Does one job and answers its last figures; must bear being run twice, and show a sign of life (`jobs.progress`)."""
Follower = Callable[[House], Awaitable[int]]
"""Reads on in the feed of versions and answers how many it read."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job, and what does it; `long` work runs beside the short and does not hold it up.

    A kind that mostly waits for somebody else has `slots` of its own: so many of its jobs are done side by side.
    """

    name: str
    handler: Handler
    long: bool = False
    slots: int = 0


class Later(Exception):  # a signal, not an accident
    """The job is to be taken again after a while; nothing is wrong with it, and its attempts are not counted."""

    def __init__(self, after: timedelta, progress: dict[str, Any]) -> None:
        """Say how long, and what to remember until then."""
        super().__init__()
        self.after = after
        self.progress = progress


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done again and again, by nobody's asking: what, and how many seconds apart."""

    name: str
    do: Callable[[House], Awaitable[None]]
    every: float


__all__ = ["Chore", "Follower", "Handler", "House", "Kind", "Later", "Opener"]
