"""What a search may not show: other keepers, what a policy denies, what it hides, and what is still being indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

from hsba.fhir.query import expression as e
from hsba.store.search import condition
from hsba.store.search.problems import HiddenParameter
from search_world import World
from watch import Policy

if TYPE_CHECKING:
    from databases import Database


WOMEN = e.Match("gender", e.Token(None, "female"))
OF_WOMEN = e.Chain("subject", ("Patient",), WOMEN)


def person(id_: str, gender: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "gender": gender, "name": [{"text": f"An {id_}"}], **more}


def about(type_: str, id_: str, patient: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type_, "id": id_, "subject": {"reference": f"Patient/{patient}"}, **more}


@pytest_asyncio.fixture
async def ward(world: World) -> World:
    """A woman and a man, each with an observation, an encounter, and a list that names both."""
    await world.save(
        person("w", "female", telecom=[{"system": "phone", "value": "0912"}], birthDate="1980"),
        person("m", "male", telecom=[{"system": "phone", "value": "0913"}], birthDate="1990"),
        about("Observation", "ow", "w", status="final", encounter={"reference": "Encounter/ew"}),
        about("Observation", "om", "m", status="final", derivedFrom=[{"reference": "Observation/ow"}]),
        about("Encounter", "ew", "w", status="finished"),
        about("Encounter", "em", "m", status="finished"),
        {"resourceType": "List", "id": "l", "entry": [{"item": {"reference": f"Patient/{p}"}} for p in "wm"]},
    )
    return world


async def test_search__a_denied_resource_is_nowhere(ward: World) -> None:
    ward.policy = Policy({"Patient": WOMEN, "Observation": OF_WOMEN})

    assert await ward.find("Patient") == ["w"]
    assert await ward.find("Patient", "_id=m") == []
    assert await ward.find("Patient", "gender:not=female") == []
    assert (await ward.search("Patient", "_total=accurate&_count=1")).total == 1
    assert (await ward.search("Patient", "_summary=count")).total == 1
    assert await ward.find("Patient", "_list=l") == ["w"]
    assert await ward.find("Patient", "_sort=-birthdate") == ["w"]
    assert sorted(await ward.find("Encounter", "patient.name=an")) == ["ew"]
    assert await ward.find("Patient", "_has:Observation:patient:status=final") == ["w"]
    assert await ward.find("Observation", "_has:Observation:derived-from:status=final") == []
    assert [one.id for one in (await ward.search("List", "_include=List:item")).included] == ["w"]
    assert [one.id for one in (await ward.search("Encounter", "_id=em&_include=*")).included] == []
    revincluded = await ward.search("Encounter", "_revinclude=Observation:encounter")
    assert [one.id for one in revincluded.included] == ["ow"]
    assert sorted(await ward.find("", "_id=w,m,ow,om,ew")) == ["ew", "ow", "w"]


async def test_search__a_denied_list_gives_no_members(ward: World) -> None:
    ward.policy = Policy({"List": e.Nothing()})

    assert await ward.find("Patient", "_list=l") == []


async def test_search__a_policy_may_ask_what_its_own_rules_deny(ward: World) -> None:
    ward.policy = Policy({"Patient": e.Nothing(), "Observation": OF_WOMEN})

    assert await ward.find("Observation") == ["ow"]
    assert await ward.find("Observation", "patient.gender=female") == []


@pytest.mark.parametrize(
    "rule, wanted",
    [
        (e.Belongs("patient", "Patient", WOMEN), ["ow"]),
        (e.Belongs("encounter", "Encounter", e.Match("status", e.Token(None, "finished"))), ["ow"]),
        (e.InCompartment("Patient", "m"), ["om"]),
        (e.Or((e.InCompartment("Patient", "m"), e.InCompartment("Patient", "w"))), ["om", "ow"]),
        (e.Not(e.InCompartment("Patient", "m")), ["ow"]),
        (e.OfTypes(("Patient",)), []),
        (e.Unlabelled(1), ["om", "ow"]),
        (e.And((e.Everything(), e.Ids(("om",)))), ["om"]),
    ],
)
async def test_search__policies_are_expressions_of_any_kind(
    ward: World, rule: e.Expression, wanted: list[str]
) -> None:
    ward.policy = Policy({"Observation": rule})

    assert sorted(await ward.find("Observation")) == wanted


@pytest.mark.parametrize(
    "hidden, type_, query",
    [
        ("Patient.telecom", "Patient", "phone=0912"),
        ("Patient.telecom", "Patient", "telecom:missing=true"),
        ("Patient.telecom", "Patient", "_sort=phone"),
        ("Patient.telecom.value", "Patient", "phone=0912"),
        ("Patient.name", "Patient", "family=x"),
        ("Patient.name.family", "Patient", "name=x"),
        ("Patient.telecom", "Patient", "_content=0912"),
        ("Patient.telecom", "Patient", "_text=0912"),
        ("Patient.telecom", "Patient", "_filter=phone eq 0912"),
        ("Patient.telecom", "Observation", "patient.phone=0912"),
        ("Patient.telecom", "Observation", "subject:Patient.phone=0912"),
        ("Observation.status", "Patient", "_has:Observation:patient:status=final"),
        ("Observation.subject", "Patient", "_has:Observation:patient:status=final"),
        ("Observation.subject", "Observation", "_include=Observation:patient"),
        ("Observation.subject", "Patient", "_revinclude=Observation:patient"),
        ("Observation.value", "Observation", "value-quantity=1"),
        ("Observation.value[x]", "Observation", "code-value-quantity=x$1"),
        ("Observation.valueQuantity", "Observation", "value-quantity=1"),
        ("Observation.component", "Observation", "component-code-value-quantity=x$1"),
        ("Observation.component.value", "Observation", "component-code-value-quantity=x$1"),
        ("Observation.component.code", "Observation", "combo-code=x"),
        ("Observation.subject", "", "_content=x"),
    ],
)
async def test_search__what_is_hidden_may_not_be_asked(
    ward: World, hidden: str, type_: str, query: str
) -> None:
    ward.policy = Policy(secret=frozenset({hidden}))

    with pytest.raises(HiddenParameter):
        await ward.search(type_, query)


@pytest.mark.parametrize(
    "hidden, query",
    [
        ("Patient.telecom", "name=an"),
        ("Patient.name.given", "family=x"),
        ("Patient.nameless", "name=an"),
        ("Patient.contact", "phone=1"),
    ],
)
async def test_search__what_is_not_hidden_may_be_asked(ward: World, hidden: str, query: str) -> None:
    ward.policy = Policy(secret=frozenset({hidden}))

    await ward.search("Patient", query)


async def test_search__a_wildcard_include_leaves_hidden_references_out(ward: World) -> None:
    ward.policy = Policy(secret=frozenset({"Observation.subject"}))

    page = await ward.search("Observation", "_id=ow&_include=*")

    assert [one.id for one in page.included] == ["ew"]


async def test_search__a_compartment_leaves_hidden_references_out(ward: World) -> None:
    wanted = ward.parse("Observation", "")
    ward.policy = Policy(secret=frozenset({"Observation.subject"}))

    from dataclasses import replace  # noqa: PLC0415

    page = await ward.page(replace(wanted, where=e.InCompartment("Patient", "w")))

    assert page.matches == []


async def test_search__another_keeper_sees_nothing(ward: World) -> None:
    other = await World.make(ward.app, "other")
    await other.save(person("w", "female"))

    assert await other.find("Patient") == ["w"]
    assert await other.find("Observation") == []
    assert await other.find("Patient", "_has:Observation:patient:status=final") == []
    assert sorted(await ward.find("Patient")) == ["m", "w"]


async def test_search__the_second_fence_holds_where_a_query_forgets(ward: World, database: Database) -> None:
    await (await World.make(ward.app, "other")).save(person("x", "male"))
    tx = await asyncpg.connect(database.runtime_dsn)
    try:
        assert await tx.fetchval("SELECT count(*) FROM record.resource") == 0
        await tx.execute(f"SET hsba.tenant = '{ward.tenant.id}'")
        assert await tx.fetchval("SELECT count(*) FROM record.resource WHERE vid > 0") == 7
        assert await tx.fetchval("SELECT count(DISTINCT tenant) FROM record.ix_token") == 1
    finally:
        await tx.close()


async def test_condition__is_the_same_predicate_for_a_views_own_statement(ward: World) -> None:
    ward.policy = Policy({"Patient": WOMEN})
    args: list[Any] = [ward.tenant.id]

    def arg(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    async with ward.searching() as ctx:
        text = await condition(ctx.tx, e.Match("name", e.Text("an")), ("Patient",), ctx, "q", arg)
        rows = await ctx.tx.fetch(f"SELECT q.id FROM record.resource q WHERE {text}", *args)

    assert [row[0] for row in rows] == ["w"]


async def test_search__the_survivor_of_a_merge_includes_the_other(ward: World) -> None:
    async with ward.writing() as ctx:
        patient = ctx.registry.type_id("Patient")
        keys = await ctx.registry.addresses.find(ctx.tx, ward.tenant.id, [(patient, "w"), (patient, "m")])
        await ctx.tx.execute(
            "INSERT INTO record.merged (tenant, patient, survivor, direct, merged) VALUES ($1, $2, $3, $3, now())",
            ward.tenant.id,
            keys[patient, "m"],
            keys[patient, "w"],
        )

    assert sorted(await ward.find("Observation", "patient=w")) == ["om", "ow"]
    assert await ward.find("Observation", "patient=m") == ["om"]
    assert sorted(await ward.find("Observation", "patient.gender=female")) == ["om", "ow"]
    assert sorted(await ward.find("Patient", "_has:Observation:patient:_id=om")) == ["m", "w"]
    page = await ward.search("Patient", "_id=w&_revinclude=Observation:patient")
    assert sorted(one.id for one in page.included) == ["om", "ow"]


async def test_search__many_includes_stop_at_a_stated_limit(world: World) -> None:
    await world.save(
        {"resourceType": "Patient", "id": "p"}, *(about("Basic", f"b{n}", "p") for n in range(1100))
    )

    page = await world.search("Patient", "_revinclude=Basic:patient")

    assert len(page.included) == 1000
    assert [issue.code for issue in page.issues] == ["too-costly"]


async def test_search__includes_that_run_in_a_circle_end(world: World) -> None:
    await world.save(
        *(
            {
                "resourceType": "Organization",
                "id": f"o{n}",
                "partOf": {"reference": f"Organization/o{(n + 1) % 5}"},
            }
            for n in range(5)
        )
    )

    page = await world.search(
        "Organization", "_id=o0&_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof"
    )

    assert sorted(one.id for one in page.included) == ["o1", "o2", "o3", "o4"]
    assert page.issues == ()


async def test_search__a_hierarchy_that_runs_in_a_circle_ends(world: World) -> None:
    await world.save(
        *(
            {"resourceType": "Location", "id": f"l{n}", "partOf": {"reference": f"Location/l{(n + 1) % 3}"}}
            for n in range(3)
        ),
        {"resourceType": "Encounter", "id": "e", "location": [{"location": {"reference": "Location/l2"}}]},
    )

    assert await world.find("Encounter", "location:below=Location/l0") == ["e"]
    assert await world.find("Encounter", "location:above=Location/l0") == ["e"]
