"""A small record to search in: resources saved as they come, and searches as text.

Every search crosses the record, and is watched: what is shown was told to the trail and nothing else was, and of what
the policy hides nothing is shown.  A shadowed world asks each search again of somebody from whom half the record is
denied and some elements hidden.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from hsba.fhir.query import expression as e
from hsba.fhir.query.parse import parse_search
from hsba.record import interactions, tenants
from hsba.record.context import Actor
from hsba.record.saving import Pending, save
from hsba.store import resources
from hsba.store.search.problems import HiddenParameter
from watch import Policy as Denying
from watch import Recording, addresses, shows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hsba.app import App
    from hsba.fhir.query.parse import Search
    from hsba.record.context import Context, Tenant
    from hsba.record.ports import Policy
    from hsba.store.search import Page

Resource = dict[str, Any]

SHADOW = frozenset(
    {
        "Patient.contact",
        "Patient.birthDate",
        "Observation.note",
        "Observation.value[x]",
        "Encounter.hospitalization",
    }
)
"""What a shadow may not see; some of it is searched by, some is not."""


@dataclass(slots=True)
class World:
    """One keeper's record in an opened application."""

    app: App
    tenant: Tenant
    policy: Policy | None = None
    shadowed: bool = False
    saved: dict[str, Resource] = field(default_factory=dict)

    @classmethod
    async def make(cls, app: App, slug: str = "main") -> World:
        """The record of a keeper of that name, made when it is new."""
        async with app.pool.bare() as tx:
            await tenants.ensure(tx, slug, slug)
            await app.tenants.read(tx)
        return cls(app, app.tenants.get(slug))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Context]:
        """A context in a transaction."""
        async with self.app.pool.writing(self.tenant.id) as tx:
            ctx = self.app.context(tx=tx, tenant=self.tenant, actor=Actor(account="tester"))
            yield replace(ctx, policy=self.app.policy)

    @asynccontextmanager
    async def searching(self) -> AsyncIterator[Context]:
        """A context on a connection for searches, under this world's policy."""
        async with self.app.pool.searching(self.tenant.id) as tx:
            ctx = self.app.context(tx=tx, tenant=self.tenant, actor=Actor(account="tester"))
            yield replace(ctx, policy=self.policy or self.app.policy)

    async def save(self, *some: Resource) -> None:
        """Save resources as they are, unvalidated, as one transaction."""
        async with self.writing() as ctx:
            addresses = [(ctx.registry.type_id(one["resourceType"]), one["id"]) for one in some]
            current = await resources.currents(ctx.tx, self.tenant.id, addresses)
            pending = [
                Pending(
                    "U" if place in current else "C", one["resourceType"], one["id"], one, current.get(place)
                )
                for place, one in zip(addresses, some, strict=True)
            ]
            await save(ctx, pending)
        self.saved.update((f"{one['resourceType']}/{one['id']}", one) for one in some)

    async def delete(self, address: str) -> None:
        """Leave a tombstone."""
        type_, _, id_ = address.partition("/")
        async with self.writing() as ctx:
            place = (ctx.registry.type_id(type_), id_)
            current = await resources.currents(ctx.tx, self.tenant.id, [place])
            await save(ctx, [Pending("D", type_, id_, None, current[place])])
        self.saved.pop(address, None)

    def parse(self, type_: str, query: str) -> Search:
        """A search as the door would read it, strictly."""
        return parse_search(
            self.app.definitions,
            (type_,) if type_ else (),
            parse_qsl(query, keep_blank_values=True),
            zone=self.tenant.zone,
            strict=True,
            bases=("http://here/fhir",),
        )

    async def page(self, wanted: Search) -> Page:
        """One page, watched."""
        page = await self._watched(wanted, self.policy)
        if self.shadowed and self.policy is None:
            await self._shadow(wanted)
        return page

    async def _watched(self, wanted: Search, policy: Policy | None) -> Page:
        """One page: what is shown was told, nothing else was, and nothing hidden is in it."""
        trail = Recording()
        async with self.searching() as found:
            ctx = replace(found, trail=trail, policy=found.policy if policy is None else policy)
            page = await interactions.search(ctx, wanted)
            assert [line[0] for line in trail.lines] == ["search"]
            assert trail.told == addresses(ctx, page.all())
            for one in page.all():
                for path in ctx.policy.hidden(ctx.registry.type_name(one.type)):
                    assert not shows(one.body, path), path
        return page

    async def _shadow(self, wanted: Search) -> None:
        """The same search by who may not see half of the record, and then not every element of the other half."""
        denied = {one for address in self.saved if sum((one := address.partition("/")[2]).encode()) % 2}
        allowed: e.Expression = e.Not(e.Ids(tuple(sorted(denied))))
        rules = dict.fromkeys(self.app.definitions.resource_types, allowed) if denied else {}
        for policy in (Denying(rules), Denying(rules, SHADOW)):
            try:
                page = await self._watched(wanted, policy)
            except HiddenParameter:
                assert policy.secret
                continue
            assert denied.isdisjoint(one.id for one in page.all())
            if page.next is None and wanted.cursor is None and wanted.count and page.total is not None:
                assert page.total == len(page.matches)

    async def search(self, type_: str, query: str = "") -> Page:
        """One page of a search told as text."""
        return await self.page(self.parse(type_, query))

    async def find(self, type_: str, query: str = "") -> list[str]:
        """The ids of a page's matches, in order."""
        return [one.id for one in (await self.search(type_, query)).matches]

    async def pages(self, wanted: Search) -> list[list[str]]:
        """Addresses page by page, by following the cursor to the end."""
        found: list[list[str]] = []
        while True:
            page = await self.page(wanted)
            found.append([f"{self.app.registry.type_name(one.type)}/{one.id}" for one in page.matches])
            if page.next is None:
                return found
            wanted = replace(wanted, cursor=page.next)
