"""No path shows more than the scopes of a token let through, whatever they are and whatever the record holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsba.access.oauth import scopes
from hsba.access.oauth.scopes import Meaning, ScopedPolicy
from hsba.access.rights.conditions import Setting
from hsba.access.rights.people import Person
from hsba.fhir.query.parse import Include, Search, Sort
from hsba.record.ports import AllowAll
from property.test_roles import exported, opened, readable, ways
from property.test_search_oracle import SLOW, SORTS, TYPES, questions, records, world_of
from search_oracle import Oracle

if TYPE_CHECKING:
    from hsba import app
    from hsba.fhir.query import expression as e

__all__ = ["opened"]

scope_texts = st.lists(
    st.builds(
        "{}/{}.{}{}".format,
        st.sampled_from(("patient", "user", "user", "system")),
        st.sampled_from(("*", *TYPES)),
        st.sampled_from(("rs", "rs", "r", "s", "cruds", "read", "cud", "sr")),
        st.sampled_from(("", "", "", "?status=final", "?gender=female", "?nonsense=1", "?")),
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


@settings(SLOW, max_examples=30)
@given(
    some_resources=records,
    scope=scope_texts,
    patient=st.sampled_from((None, "p0", "p1", "p3")),
    asked=st.lists(questions, min_size=2, max_size=4),
    size=st.integers(1, 3),
)
async def test_scopes__no_path_shows_more_than_they_let_through(
    opened: app.App,
    some_resources: list[dict[str, Any]],
    scope: str,
    patient: str | None,
    asked: list[tuple[str, e.Expression]],
    size: int,
) -> None:
    world = await world_of(opened, some_resources)
    setting = Setting(opened.definitions, opened.codes, world.tenant.zone, Person("x"), (), datetime.now(UTC))
    policy = ScopedPolicy(AllowAll(), Meaning(scopes.rights(scope), patient, setting))

    def let_through(by: ScopedPolicy) -> set[str]:
        whole = Oracle(
            opened.definitions, world.tenant.zone, world.saved, AllowAll().visible, {}, frozenset()
        )
        return {one for type_ in TYPES for one in whole.matches(type_, by.visible(type_))}

    to_read, to_search = let_through(policy.to_read()), let_through(policy)

    async with opened.pool.reading(world.tenant.id) as tx:
        ctx = replace(opened.context(tx=tx, tenant=world.tenant), policy=policy)
        bodies = await readable(ctx, world)
        assert bodies.keys() == to_read
        assert to_search <= to_read
        assert await ways(ctx, world, bodies, to_search) <= to_read
        assert await exported(ctx) == to_search

    oracle = Oracle(opened.definitions, world.tenant.zone, world.saved, policy.visible, {}, frozenset())
    for type_ in TYPES:
        wanted = Search((type_,), sort=(Sort(SORTS[type_][0]), Sort("_id")), count=100)
        order = [one for page in await world.pages(wanted) for one in page]
        world.policy = policy
        pages = await world.pages(replace(wanted, count=size))
        world.policy = None
        assert [one for page in pages for one in page] == [one for one in order if one in to_search]
    world.policy = policy
    for type_, where in asked:
        wanted = Search(
            (type_,), where, count=100, total="accurate",
            include=tuple(Include(one, "*") for one in TYPES), revinclude=tuple(Include(one, "*") for one in TYPES),
        )  # fmt: skip
        page = await world.page(wanted)
        found = {f"{type_}/{one.id}" for one in page.matches}
        assert found == oracle.matches(type_, where)
        assert page.total == len(found)
        assert {f"{opened.registry.type_name(one.type)}/{one.id}" for one in page.all()} <= to_search


pytestmark = pytest.mark.slow
