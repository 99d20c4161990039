"""The answer to the record's port `Codes`: whether a code is in a list on the day of the act.

What the packages tell is answered by the record's own answer; this adds the days of codes that began or ended, and the
codes that hospitals loaded, both few enough to be held by every process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.record import codes as core
from hsba.store import lists as stored
from hsba.terminology import load as lists

if TYPE_CHECKING:
    from datetime import date

    from hsba.fhir.definitions import Definitions
    from hsba.store.pool import Connection

Days = tuple[tuple["date", "date"], ...]

LIMITED = """
SELECT s.uri, c.code, c.valid_from, c.valid_to, c.load IS NOT NULL AS loaded
FROM reference.concept c JOIN reference.system s ON s.id = c.system
JOIN reference.code_list l ON l.system = c.system AND l.tenant = c.tenant AND l.closed
WHERE c.tenant = 0 AND (c.load IS NOT NULL OR c.valid_from <> '-infinity' OR c.valid_to <> 'infinity')
"""

STATE = "SELECT coalesce(max(id), 0) || '/' || count(undone) FROM reference.code_load"


@dataclass(slots=True)
class Loaded:
    """What the database knows beyond the packages; can be sent to another process."""

    days: dict[tuple[str, str], Days] = field(default_factory=dict)
    """The days of codes that do not always mean the same, by system and code."""
    codes: set[tuple[str, str]] = field(default_factory=set)
    """The codes that a hospital loaded."""
    state: str = ""
    """Which loads these are."""


class ListCodes(core.PackageCodes):
    """The lists of the packages with their days, and what was loaded into them; `loaded` is renewed in its place."""

    def __init__(
        self, definitions: Definitions, numbers: dict[str, int] | None = None, loaded: Loaded | None = None
    ) -> None:
        """Answer from the packages and from what was loaded."""
        super().__init__(definitions, numbers)
        self.loaded = loaded or Loaded()
        self._whole = definitions.made("terminology", "whole", lambda: lists.whole(definitions))

    def member(self, value_set: str, system: str | None, code: str, on: date | None = None) -> bool | None:
        """Whether the code is in the list, on a day where one is given; None when the list is not known here."""
        inside = super().member(value_set, system, code)
        system = system or self._whole.get(value_set.partition("|")[0])
        key = (system or "", code)
        if not inside and key in self.loaded.codes and self._whole.get(value_set.partition("|")[0]) == system:
            inside = True
        if not inside or on is None or key not in self.loaded.days:
            return inside
        return any(since <= on <= until for since, until in self.loaded.days[key])


async def load(tx: Connection, definitions: Definitions) -> ListCodes:
    """The answer for this process, knowing what the database has."""
    return ListCodes(definitions, await stored.value_sets(tx), await read(tx))


async def renew(tx: Connection, codes: ListCodes) -> bool:
    """Take over what was loaded or undone since; False when that is nothing."""
    state = await tx.fetchval(STATE)
    if state == codes.loaded.state:
        return False
    now = await read(tx)
    codes.loaded.days, codes.loaded.codes, codes.loaded.state = now.days, now.codes, state
    return True


async def read(tx: Connection) -> Loaded:
    """What the database knows beyond the packages."""
    days: dict[tuple[str, str], list[tuple[date, date]]] = {}
    found = Loaded(state=await tx.fetchval(STATE))
    for uri, code, since, until, loaded in await tx.fetch(LIMITED):
        days.setdefault((uri, code), []).append((since, until))
        if loaded:
            found.codes.add((uri, code))
    found.days = {key: tuple(some) for key, some in days.items()}
    return found
