"""Addresses (type and logical id) to integer keys: what references and search rows are made of.

A key is given once and never taken back, so what was seen committed may be remembered by the process for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hsba.store.pool import Connection

Address = tuple[int, str]
"""The type's number and the logical id."""

REMEMBER = 50_000
BLOCK = 256

FIND = """
SELECT w.type, w.id, r.key FROM unnest($2::smallint[], $3::text[]) AS w(type, id) CROSS JOIN LATERAL (
    SELECT r.key FROM record.resource r WHERE r.tenant = $1 AND r.type = w.type AND r.id = w.id OFFSET 0
) r
"""

PLACE = """
INSERT INTO record.resource (key, tenant, type, id, vid, recorded)
SELECT key, $1, type, id, 0, now() FROM unnest($2::bigint[], $3::smallint[], $4::text[]) AS w(key, type, id)
ON CONFLICT (tenant, type, id) DO NOTHING
"""


class Addresses:
    """The keys this process has seen, and a block of keys not yet used."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._known: dict[tuple[int, int, str], int] = {}
        self._free: list[int] = []

    async def take(self, tx: Connection, count: int) -> list[int]:
        """New keys for new addresses."""
        if len(self._free) < count:
            rows = await tx.fetch_alone(
                "SELECT nextval('record.resource_key_seq') FROM generate_series(1, $1)", max(BLOCK, count)
            )
            self._free.extend(row[0] for row in reversed(rows))
        taken = self._free[-count:]
        del self._free[-count:]
        return taken[::-1]

    def forget(self) -> None:
        """Drop what is remembered: after a restore, or between tests."""
        self._known.clear()
        self._free.clear()

    async def resolve(self, tx: Connection, tenant: int, wanted: Iterable[Address]) -> dict[Address, int]:
        """The key of each address; addresses that nobody has written yet get a placeholder.

        What this transaction placed itself is not remembered, for it may still be rolled back.
        """
        found: dict[Address, int] = {}
        missing: list[Address] = []
        for address in wanted:
            key = self._known.get((tenant, *address))
            if key is None:
                missing.append(address)
            else:
                found[address] = key
        if not missing:
            return found
        seen = await self.find(tx, tenant, missing)
        found.update(seen)
        absent = sorted(address for address in missing if address not in seen)
        if absent:
            keys = await self.take(tx, len(absent))
            types, ids = [a[0] for a in absent], [a[1] for a in absent]
            tx.wrote = True
            await tx.execute(PLACE, tenant, keys, types, ids)
            found.update(await self.find(tx, tenant, absent))
        return found

    async def find(self, tx: Connection, tenant: int, wanted: list[Address]) -> dict[Address, int]:
        """The keys of those addresses that exist, as a plain look-up.

        A transaction that has made addresses sees its own too, which may be rolled back: then nothing is remembered.
        """
        rows = await tx.fetch_alone(FIND, tenant, [w[0] for w in wanted], [w[1] for w in wanted])
        found = {(row[0], row[1]): row[2] for row in rows}
        if not tx.wrote:
            self.remember(tenant, found)
        return found

    def remember(self, tenant: int, found: dict[Address, int]) -> None:
        """Keep keys that are known to be committed."""
        if len(self._known) + len(found) > REMEMBER:
            for known in list(self._known)[: REMEMBER // 4]:
                del self._known[known]
        for (type_, id_), key in found.items():
            self._known[tenant, type_, id_] = key
