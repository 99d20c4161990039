"""Many resources at once, as NDJSON lines: checked like any write, saved by the hundred in one statement.

A line that is refused leaves the others be and is reported with its number; a line that would change nothing makes no
version, so that a load which was cut off is simply started again (FHIR bulk data, `$import`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hsba.fhir import json, primitives
from hsba.fhir.problems import BadRequest, NotFound, Problem
from hsba.fhir.query.expression import Ids
from hsba.record import hiding, interactions, lifecycle, owned
from hsba.record.saving import Pending, save
from hsba.store import resources
from hsba.store import search as searching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsba.record.context import Context
    from hsba.store.addresses import Address
    from hsba.store.resources import Current

Resource = dict[str, Any]


@dataclass(slots=True)
class Figures:
    """What became of the lines: saved as new, as a further version, left as they were, refused."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    """Line number, English and Vietnamese sentence of the first refusals."""

    def add(self, other: Figures, keep: int = 100) -> None:
        """Join the figures of another part."""
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.refused += other.refused
        self.problems.extend(other.problems[: max(0, keep - len(self.problems))])

    def refuse(self, number: int, problem: Problem) -> None:
        """Count a line that was refused, with the first thing that is wrong with it."""
        first = problem.issues[0]
        self.refused += 1
        self.problems.append((number, f"{first.path} {first.en}".strip(), f"{first.path} {first.vi}".strip()))

    @property
    def lines(self) -> int:
        """How many lines these figures are about."""
        return self.created + self.updated + self.unchanged + self.refused


async def load(ctx: Context, lines: Sequence[tuple[int, bytes]]) -> Figures:
    """Save the resources of some numbered lines in the transaction of `ctx`; raising leaves none of them."""
    figures = Figures()
    wanted: dict[Address, Resource] = {}
    numbers: dict[Address, int] = {}
    for number, line in lines:
        try:
            resource = _checked(ctx, json.parse(line))
        except Problem as problem:
            figures.refuse(number, problem)
        else:
            address = (ctx.registry.type_id(resource["resourceType"]), resource["id"])
            if address in wanted:  # the later line wins, as it would one after the other
                figures.unchanged += 1
            wanted[address] = resource
            numbers[address] = number
    currents = await resources.currents(ctx.tx, ctx.tenant.id, list(wanted)) if wanted else {}
    unseen = await _unseen(ctx, [address for address in wanted if address in currents])
    pending = []
    for address, given in wanted.items():
        current = currents.get(address)
        try:
            resource = _allowed(ctx, given, current, unseen=address in unseen)
        except Problem as problem:
            figures.refuse(numbers[address], problem)
            continue
        if current is None or current.body is None:
            pending.append(
                Pending(
                    "C" if current is None or not current.vid else "U", *_named(resource), resource, current
                )
            )
            figures.created += 1
        elif interactions.unchanged(before := json.stored(current.body), resource):
            figures.unchanged += 1
        else:
            pending.append(Pending("U", *_named(resource), resource, current, before=before))
            figures.updated += 1
    if pending:
        await save(ctx, pending, told="import")
    return figures


async def _unseen(ctx: Context, addresses: list[Address]) -> set[Address]:
    """Those of some addresses whose resources this actor may not see, and so may not change."""
    if ctx.policy.unrestricted or not addresses:
        return set()
    wanted: dict[int, list[str]] = {}
    for type_, id_ in addresses:
        wanted.setdefault(type_, []).append(id_)
    seen: set[Address] = set()
    for type_, ids in wanted.items():
        keys = await searching.match_keys(
            ctx.tx, Ids(tuple(ids)), ctx.registry.type_name(type_), ctx, limit=len(ids), deleted=True
        )
        seen.update((type_, id_) for _, id_ in keys)
    return set(addresses) - seen


def _allowed(ctx: Context, resource: Resource, current: Current | None, *, unseen: bool) -> Resource:
    """Refuse what no update would change; what is hidden from the actor is carried over."""
    if current is None:
        return resource
    type_, id_ = _named(resource)
    if unseen and current.vid:
        raise NotFound(f"{type_}/{id_}")
    lifecycle.check_change(current)
    if ctx.policy.unrestricted or current.body is None:
        return resource
    before = json.stored(current.body)
    ctx.policy.check(ctx, "update", type_, before=before, after=resource)
    return hiding.keep_hidden(ctx, type_, before, resource)


def _named(resource: Resource) -> tuple[str, str]:
    return resource["resourceType"], resource["id"]


def _checked(ctx: Context, resource: Resource) -> Resource:
    """Refuse what no create would take; a bulk line must bring its id, for other lines refer to it."""
    type_ = resource.get("resourceType")
    if not isinstance(type_, str) or type_ not in ctx.definitions.resource_types:
        raise BadRequest(f"{type_} is no resource type.", vi=f"{type_} không phải loại tài nguyên.")
    if primitives.id_(resource.get("id")) is not None:
        raise BadRequest("The resource has no valid id.", vi="Tài nguyên không có id đúng dạng.")
    owned.refuse_write(ctx, type_)
    ctx.policy.check(ctx, "create", type_, before=None, after=resource)
    interactions.check(ctx, resource)
    return resource
