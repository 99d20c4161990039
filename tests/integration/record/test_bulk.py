"""Many lines at once are held to the same rules as one write: what is hidden or locked stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from hsba.access.rights import grants
from hsba.fhir import json
from hsba.fhir.query.expression import Everything, Expression, Ids, Not
from hsba.ops import loading
from hsba.ops.accounts import DEMO_ROLE
from hsba.record import bulk, interactions
from hsba.record.context import OPERATOR, Actor

if TYPE_CHECKING:
    from house import House
    from hsba.record.context import Context

PHONE = [{"system": "phone", "value": "0900000000"}]


class Narrow:
    """The patient “secret” is not seen, telephone numbers are hidden."""

    unrestricted = False

    def visible(self, type: str) -> Expression:
        return Not(Ids(("secret",))) if type == "Patient" else Everything()

    def hidden(self, type: str) -> frozenset[str]:
        return frozenset({"Patient.telecom"}) if type == "Patient" else frozenset()

    def within(self, interaction: str, type: str) -> Expression:
        """No bounds."""
        return Everything()

    def check(self, ctx: Context, interaction: str, type: str, *, before: Any, after: Any) -> None:
        """Everything is allowed."""


def chunk(*resources: dict[str, Any]) -> list[tuple[int, bytes]]:
    return [(number, json.dump(one)) for number, one in enumerate(resources, 1)]


def patient(id_: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, **more}


async def test_load__hidden_elements_survive_and_unseen_resources_stay(house: House) -> None:
    async with house.writing() as ctx:
        for id_ in ("a", "secret"):
            await interactions.update(ctx, patient(id_, telecom=PHONE))

    async with house.writing() as ctx:
        ctx.policy = Narrow()
        figures = await bulk.load(
            ctx, chunk(patient("a", gender="male"), patient("secret", gender="male"), patient("new"))
        )

    assert (figures.created, figures.updated, figures.refused) == (1, 1, 1)
    assert [number for number, _, _ in figures.problems] == [2]
    async with house.reading() as ctx:
        stored = await interactions.read(ctx, "Patient", "a")
        secret = await interactions.read(ctx, "Patient", "secret")
    found = json.parse((stored.body or "").encode())
    assert found["gender"] == "male"
    assert found["telecom"] == PHONE
    assert secret.vid == 1


async def test_load__a_locked_resource_is_one_refused_line(house: House) -> None:
    async with house.writing() as ctx:
        await interactions.update(ctx, patient("signed"))
        await ctx.tx.execute(
            "INSERT INTO record.version_lock (tenant, resource, vid, locked, account, reason)"
            " SELECT tenant, key, vid, now(), 'a', 'signed' FROM record.resource WHERE id = 'signed'"
        )

    async with house.writing() as ctx:
        figures = await bulk.load(ctx, chunk(patient("b"), patient("signed", gender="male"), patient("c")))

    assert (figures.created, figures.refused) == (2, 1)
    assert figures.problems[0][0] == 2


async def test_load_chunk__what_is_refused_as_a_whole_is_narrowed_down_to_its_line(house: House) -> None:
    """By setting a resource may refer to nothing that is not there; the save of a chunk then refuses all of it."""
    house.app.rules = replace(house.app.rules, refuse_dangling_references=True)
    async with house.writing() as ctx:
        await grants.put_role(ctx.tx, ctx.tenant.id, OPERATOR, *DEMO_ROLE)
        await grants.grant(ctx.tx, ctx.tenant.id, OPERATOR, "importer", DEMO_ROLE[0])
    dangling = patient("d", generalPractitioner=[{"reference": "Practitioner/none"}])
    lines = chunk(*(patient(f"p{number}") for number in range(6)), dangling, patient("z"))

    figures = await loading.load_chunk(
        cast("Any", house.app), house.app.tenants.get().slug, lines, actor=Actor(account="importer")
    )

    assert (figures.created, figures.refused) == (7, 1)
    assert figures.problems[0][0] == 7
    async with house.reading() as ctx:
        assert await ctx.tx.fetchval("SELECT DISTINCT account FROM record.version") == "importer"


def test_chunks__heavy_lines_make_small_chunks() -> None:
    heavy = b"x" * (loading.HEAVY // 2 + 1)

    found = list(loading.chunks([heavy, heavy, b"", b"y", heavy], before=10))

    assert [[number for number, _ in one] for one in found] == [[11, 12], [14, 15]]
