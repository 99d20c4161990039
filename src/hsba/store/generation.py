"""Which state the search parameters added at run time are in, and the fence around it (decision 0007).

A number in the database goes up with each change.  Every save says in its own statement with which number its search
rows were made; another one is refused, the process reads the parameters anew, and the door tries again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.fhir.problems import Busy

if TYPE_CHECKING:
    from hsba.store.pool import Connection


class DefinitionsChanged(Busy):
    """A search parameter was added or removed at this moment; nothing was changed, repeat the request."""

    vi = "Tham số tìm kiếm vừa được thêm hoặc bớt; chưa thay đổi gì, hãy gửi lại."


@dataclass(frozen=True, slots=True)
class Known:
    """The search parameters as of one moment: their number, how often paths were opened, and the bodies."""

    number: int
    filled: int
    bodies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """One row: who brought a search parameter, under which id, and what it says."""

    tenant: int
    id: str
    url: str
    digest: bytes
    body: str


async def numbers(tx: Connection) -> tuple[int, int]:
    """The number of the search parameters, and how often a reindex has opened paths."""
    row = await tx.fetchrow("SELECT number, filled FROM reference.generation")
    return row[0], row[1]


async def read(tx: Connection) -> Known:
    """The number and the search parameters, of one snapshot; of two with the same address the first is told."""
    rows = await tx.fetch(
        "SELECT g.number, g.filled, p.body FROM reference.generation g"
        " LEFT JOIN (SELECT DISTINCT ON (url) url, body FROM reference.search_parameter ORDER BY url, tenant, id) p"
        " ON true ORDER BY p.url"
    )
    return Known(rows[0][0], rows[0][1], tuple(row[2] for row in rows if row[2] is not None))


async def require(tx: Connection, number: int) -> None:
    """Refuse when the search parameters have changed since this number."""
    if (await numbers(tx))[0] != number:
        raise DefinitionsChanged


async def lock(tx: Connection, number: int) -> None:
    """Let nobody else change the search parameters until this transaction ends; refused when somebody has."""
    if await tx.fetchval("SELECT number FROM reference.generation FOR UPDATE") != number:
        raise DefinitionsChanged


async def brought(tx: Connection) -> list[Brought]:
    """Every row, in the order in which they were told."""
    rows = await tx.fetch(
        "SELECT tenant, id, url, digest, body FROM reference.search_parameter ORDER BY url, tenant, id"
    )
    return [Brought(*row) for row in rows]


async def put(tx: Connection, one: Brought) -> None:
    """Keep what a tenant's resource says now."""
    await tx.execute(
        "INSERT INTO reference.search_parameter (tenant, id, url, digest, body) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (tenant, id) DO UPDATE SET url = excluded.url, digest = excluded.digest, body = excluded.body",
        one.tenant,
        one.id,
        one.url,
        one.digest,
        one.body,
    )


async def remove(tx: Connection, tenant: int, id: str) -> None:
    """Forget a tenant's resource."""
    await tx.execute("DELETE FROM reference.search_parameter WHERE tenant = $1 AND id = $2", tenant, id)


async def step(tx: Connection) -> int:
    """The next number, in force when this transaction commits."""
    tx.stepped += 1
    number: int = await tx.fetchval("UPDATE reference.generation SET number = number + 1 RETURNING number")
    return number


async def change_paths(tx: Connection, number: int, *, added: list[int], dropped: list[int]) -> None:
    """Close paths for searches: those added until a reindex has filled them, those dropped for good."""
    for paths, gone in ((added, False), (dropped, True)):
        if paths:
            await tx.execute(
                "UPDATE reference.path SET ready = false, dropped = $3, generation = $2 WHERE id = ANY($1::integer[])",
                paths,
                number,
                gone,
            )


async def opened(tx: Connection) -> None:
    """Let every process hear that paths were opened."""
    await tx.execute("UPDATE reference.generation SET filled = filled + 1")
