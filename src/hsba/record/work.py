"""The shape of every room's JOBS, FOLLOWERS and HOUSEKEEPING tables: work done by the worker and not by whoever asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from hsba.fhir.definitions import Definitions
    from hsba.record.context import Actor, Context, Tenant
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

    @property
    def files(self) -> Path:
        """The folder for files that are not the record itself (exports and the like)."""
        ...

    @property
    def opener(self) -> Opener:
        """How another process opens the same house: a function that can be sent to it."""
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
    """One kind of job, and what does it; `long` work runs beside the short and does not hold it up."""

    name: str
    handler: Handler
    long: bool = False


@dataclass(frozen=True, slots=True)
class Chore:
    """Something done again and again, by nobody's asking: what, and how many seconds apart."""

    name: str
    do: Callable[[House], Awaitable[None]]
    every: float


__all__ = ["Chore", "Follower", "Handler", "House", "Kind", "Opener"]
