"""The database of one test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.store.cluster import OWNER, RUNTIME

if TYPE_CHECKING:
    from hsba.store.embedded import Server


@dataclass(frozen=True, slots=True)
class Database:
    """A database with the schema of this release and no data, for one test."""

    name: str
    server: Server

    @property
    def owner_dsn(self) -> str:
        """For migrations, and for looking at what was written."""
        return self.server.folder.dsn(OWNER, self.name)

    @property
    def runtime_dsn(self) -> str:
        """What the application connects with."""
        return self.server.folder.dsn(RUNTIME, self.name)
