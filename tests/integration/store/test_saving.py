"""`record.save` is the one door for versions, and it fences the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

from hsba.record import interactions
from hsba.store import saving

if TYPE_CHECKING:
    from search_world import World


async def test_runtime__may_not_insert_a_version_itself(world: World) -> None:
    async with world.app.pool.writing(world.tenant.id) as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute(
                "INSERT INTO record.version (tenant, resource, vid, type, interaction, recorded, sha256, account,"
                " channel, purpose, request) VALUES ($1, 1, 1, 1, 'C', now(), '', 'x', 'x', 'x', gen_random_uuid())",
                world.tenant.id,
            )


async def test_save__for_another_tenant_than_the_connections_is_refused(world: World) -> None:
    async with world.app.pool.writing(world.tenant.id) as tx:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await tx.execute(
                saving.SAVE,
                world.tenant.id + 1,
                None,
                [],
                0,
                None,
                [],
                *saving.SearchRows().arguments(),
                None,
            )
        assert refused.value.sqlstate == "HB004"


async def test_save__kinds_are_the_tables_and_the_functions_parameters(world: World) -> None:
    async with world.app.pool.reading(world.tenant.id) as tx:
        tables = {
            row[0] for row in await tx.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'ix\\_%'")
        }
        names = await tx.fetchval("SELECT proargnames FROM pg_proc WHERE oid = 'record.save_rows'::regproc")

    assert tables == {f"ix_{kind}" for kind in saving.KINDS}
    assert names[-len(saving.KINDS) :] == [f"no_{kind}" for kind in saving.KINDS]


async def test_search__words_of_the_narrative_in_any_order_and_without_accents(world: World) -> None:
    async with world.writing() as ctx:
        div = '<div xmlns="http://www.w3.org/1999/xhtml">Bệnh nhân <b>sốt cao</b>, ho khan 3 ngày</div>'
        text = {"status": "generated", "div": div}
        await interactions.update(ctx, {"resourceType": "Patient", "id": "t", "text": text})

    assert await world.find("Patient", "_text=khan sot") == ["t"]
    assert await world.find("Patient", "_text=cao-ho") == ["t"]
    assert await world.find("Patient", "_text=khanh") == []
