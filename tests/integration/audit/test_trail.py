"""Each act leaves its line with its subjects, together with what it did or before it is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from hsba.fhir import json
from hsba.fhir.problems import VersionConflict
from hsba.fhir.query.parse import parse_search
from hsba.record import bulk, interactions, patients, transaction

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context

Resource = dict[str, Any]

FORGED = (
    "INSERT INTO audit.line (tenant, recorded, account, channel, purpose, request, interaction, refused)"
    " VALUES (1, now(), 'x', 'rest', 'TREAT', gen_random_uuid(), 'read', false)"
)


def patient(id_: str = "p", **more: Any) -> Resource:
    return {"resourceType": "Patient", "id": id_, **more}


def weight(id_: str, of: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "cân nặng"},
        "subject": {"reference": f"Patient/{of}"},
    }


async def told(owner: Any) -> list[tuple[Any, ...]]:
    """Act, type, and of each subject `(patient, type, id, version, how many)`, in the order they were written."""
    types = {row[0]: row[1] for row in await owner.fetch("SELECT id, name FROM reference.type")}
    names = {row[0]: row[1] for row in await owner.fetch("SELECT key, id FROM record.resource")}
    rows = await owner.fetch("SELECT * FROM audit.whole ORDER BY id")
    return [
        (
            row["interaction"],
            types.get(row["type"]),
            sorted((names.get(s[0]), types.get(s[2]), s[3], s[4], s[5]) for s in row["subjects"]),
        )
        for row in rows
    ]


async def search(ctx: Context, type_: str) -> None:
    await interactions.search(ctx, parse_search(ctx.definitions, (type_,), [], zone=ctx.tenant.zone))


async def test_trail__writes_reads_and_deletes_are_told_with_version_and_patient(
    house: House, owner: Any
) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, patient())
    async with house.writing() as ctx:
        ctx.alone = True
        await interactions.update(ctx, weight("w", "p"))
    async with house.reading() as ctx:
        await interactions.read(ctx, "Observation", "w")
    async with house.writing() as ctx:
        await interactions.delete(ctx, "Observation", "w")

    assert await told(owner) == [
        ("create", "Patient", [("p", "Patient", "p", 1, 1)]),
        ("create", "Observation", [("p", "Observation", "w", 1, 1)]),
        ("read", "Observation", [("p", "Observation", "w", 1, 1)]),
        ("delete", "Observation", [("p", "Observation", "w", 2, 1)]),
    ]


async def test_trail__a_line_says_who_in_which_role_from_where_and_why(house: House, owner: Any) -> None:
    async with house.writing("bs.an") as ctx:
        ctx.actor = replace(ctx.actor, role="doctor", on_behalf_of="bs.binh", workstation="khoa-noi-3")
        ctx.reason, ctx.address = "hội chẩn", "10.1.2.3"
        await interactions.update(ctx, patient())
        number = ctx.request

    row = dict(await owner.fetchrow("SELECT * FROM audit.line"))

    found = {
        name: row[name] for name in ("account", "role", "on_behalf_of", "workstation", "address", "reason")
    }
    assert found == {
        "account": "bs.an", "role": "doctor", "on_behalf_of": "bs.binh", "workstation": "khoa-noi-3",
        "address": "10.1.2.3", "reason": "hội chẩn",
    }  # fmt: skip
    assert (row["channel"], row["purpose"], row["request"], row["refused"]) == (
        "rest",
        "TREAT",
        number,
        False,
    )


async def test_trail__a_write_that_is_rolled_back_leaves_no_line(house: House, owner: Any) -> None:
    async def interrupted(ctx: Context) -> None:
        await interactions.update(ctx, patient())
        raise RuntimeError

    async def too_late(ctx: Context) -> None:
        ctx.alone = True
        await interactions.update(ctx, patient(), if_match='W/"7"')

    with pytest.raises(RuntimeError):
        await house.do(interrupted)
    with pytest.raises(VersionConflict):
        await house.do(too_late)

    assert await told(owner) == []
    assert await owner.fetchval("SELECT count(*) FROM record.version") == 0


async def test_trail__a_write_alone_is_one_call_that_commits_with_its_line(
    house: House, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.writing() as ctx:
        await interactions.create(ctx, {"resourceType": "Patient"})
    asked: list[str] = []
    for name in ("fetchval", "fetchrow", "fetch", "execute"):
        monkeypatch.setattr(asyncpg.Connection, name, _listening(getattr(asyncpg.Connection, name), asked))

    async with house.writing() as ctx:
        ctx.alone = True
        await interactions.create(ctx, {"resourceType": "Patient"})

    assert [sql for sql in asked if "save" in sql] == [asked[-1]]
    assert not [sql for sql in asked if "BEGIN" in sql or "audit" in sql]
    assert len(await told(owner)) == 2


def _listening(method: Any, asked: list[str]) -> Any:
    async def listening(self: Any, sql: str, *args: Any, **more: Any) -> Any:
        asked.append(sql)
        return await method(self, sql, *args, **more)

    return listening


async def test_trail__a_search_has_one_line_and_one_row_for_each_patient_shown(
    house: House, owner: Any
) -> None:
    async with house.writing() as ctx:
        lines = [patient("a"), patient("b"), weight("a1", "a"), weight("a2", "a"), weight("b1", "b")]
        await bulk.load(ctx, [(number, json.dump(one)) for number, one in enumerate(lines)])
    async with house.reading() as ctx:
        await search(ctx, "Observation")
        await search(ctx, "Patient")
        await search(ctx, "Practitioner")

    assert (await told(owner))[-3:] == [
        ("search", "Observation", [("a", "Observation", None, None, 2), ("b", "Observation", "b1", 1, 1)]),
        ("search", "Patient", [("a", "Patient", "a", 1, 1), ("b", "Patient", "b", 1, 1)]),
        ("search", "Practitioner", []),
    ]


async def test_trail__a_transaction_tells_each_act_and_type(house: House, owner: Any) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, patient("a"))
    entries = [
        {"resource": patient("a", active=True), "request": {"method": "PUT", "url": "Patient/a"}},
        {"resource": patient("b"), "request": {"method": "PUT", "url": "Patient/b"}},
        {"resource": weight("w", "b"), "request": {"method": "PUT", "url": "Observation/w"}},
    ]
    async with house.writing() as ctx:
        await transaction.transaction(
            ctx, {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        )

    assert sorted((await told(owner))[1:], key=str) == [
        ("create", "Observation", [("b", "Observation", "w", 1, 1)]),
        ("create", "Patient", [("b", "Patient", "b", 1, 1)]),
        ("update", "Patient", [("a", "Patient", "a", 2, 1)]),
    ]


async def test_trail__a_merge_is_told_once_by_its_name(house: House, owner: Any) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, patient("a"))
        await interactions.update(ctx, patient("b"))
    async with house.writing() as ctx:
        await patients.merge(ctx, "a", "b")

    assert (await told(owner))[-1] == (
        "merge", "Patient", [("a", "Patient", "a", 2, 1), ("b", "Patient", "b", 2, 1)],
    )  # fmt: skip


async def test_trail__the_runtime_can_neither_change_nor_remove_nor_forge_a_line(house: House) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, patient())
    for sql in (
        "UPDATE audit.line SET account = 'x'",
        "DELETE FROM audit.line",
        FORGED,
        "UPDATE audit.subject SET patient = 1",
        "DELETE FROM audit.subject",
        "DELETE FROM audit.segment",
        "UPDATE audit.segment SET hash = ''",
        "TRUNCATE audit.line",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with house.reading() as ctx:
                await ctx.tx.execute(sql)


async def test_trail__lines_of_one_keeper_are_not_seen_by_another(house: House) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, patient())

    async with house.app.pool.reading(999) as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit.line") == 0
        assert await tx.fetchval("SELECT count(*) FROM audit.subject") == 0
        with pytest.raises(asyncpg.PostgresError, match="tenant 1"):
            await tx.fetchval(
                "SELECT audit.note(1, ROW('a', null, null, null, 'rest', 'TREAT', null, gen_random_uuid(), null, null,"
                " null)::record.save_provenance, now(), 'read', null, false, null, null)"
            )
