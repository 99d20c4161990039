"""Many interactions in one bundle: all or nothing (transaction), or each for itself (batch) (FHIR R4 http.html#transaction).

Step 1 read the entries - step 2 delete - step 3 find what conditions fit, give ids, follow links - step 4 validate and
check rights, collecting every problem of every entry - step 5 save, in one statement - step 6 resolve conditional
references and save what held them - step 7 operations and reads.  Nothing given is changed and nothing is remembered, so a
transaction that met another one is simply called again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from hsba.fhir import json
from hsba.fhir import patch as patches
from hsba.fhir.bundle import Links
from hsba.fhir.problems import BadRequest, Conflict, Gone, NotFound, Problem, Unprocessable, VersionConflict
from hsba.record import consequences, derived, entries, hiding, interactions, lifecycle
from hsba.record.context import new_id
from hsba.record.entries import Answered, Asked, Faults, placed
from hsba.record.saving import Pending, save
from hsba.store import resources
from hsba.store import search as searching

if TYPE_CHECKING:
    from hsba.fhir.problems import Issue
    from hsba.record.context import Context
    from hsba.store.addresses import Address
    from hsba.store.resources import Current, Stored

Resource = dict[str, Any]
Room = Literal["reading", "searching", "writing"]
Other = Callable[["Context", Asked], Awaitable[Answered]]
"""How the door answers what is not a plain read or write: searches, histories, operations."""

BREATH = 16
"""After so many validations other requests get their turn."""


class DuplicateIdentity(BadRequest):
    """Two entries of the transaction are about the same resource; nothing was saved."""

    code = "duplicate"
    vi = "Hai mục của giao dịch cùng nói về một bản ghi; chưa lưu gì."


class ReferenceUnresolved(Unprocessable):
    """A conditional reference fits no resource, or several; nothing was saved."""

    code = "not-found"
    vi = "Tham chiếu có điều kiện không khớp bản ghi nào hoặc khớp nhiều bản ghi; chưa lưu gì."


async def transaction(ctx: Context, bundle: Resource, *, other: Other | None = None) -> list[Answered]:
    """Carry out all entries or none, in the transaction of `ctx`; the answers come in the order of the entries."""
    asked = [one for one in entries.read(ctx, bundle, "transaction") if isinstance(one, Asked)]
    return await _Work(ctx, asked, other).run()


async def batch(
    bundle: Resource,
    ctx: Context,
    run: Callable[[Room, Callable[[Context], Awaitable[Answered]]], Awaitable[Answered]],
    *,
    other: Other | None = None,
    refused: Callable[[Asked, Problem], Awaitable[None]] | None = None,
) -> list[Answered]:
    """Carry out each entry for itself, so that one that fails leaves the others be.

    `run` calls a work on a connection of the room asked for, tries it again when it met another writer, and turns
    what goes wrong into a Problem; `ctx` needs no connection here.  `refused` is told of an entry that came to nothing.
    """
    answers: list[Answered] = []
    for asked in entries.read(ctx, bundle, "batch"):
        if isinstance(asked, Problem):
            answers.append(Answered.refused(asked))
            continue

        async def one(inner: Context, asked: Asked = asked) -> Answered:
            return (await _Work(inner, [asked], other, alone=True).run())[0]

        try:
            answers.append(await run(asked.room, one))
        except Problem as problem:
            if refused is not None:
                await refused(asked, problem)
            answers.append(Answered.refused(problem))
    return answers


@dataclass(slots=True)
class _Write:
    """An entry on its way to becoming a version."""

    asked: Asked
    type: str
    id: str
    resource: Resource | None = None
    change: patches.Patch | None = None
    current: Current | None = None
    before: Resource | None = None
    issues: tuple[Issue, ...] = ()
    conditions: frozenset[str] = frozenset()

    @property
    def interaction(self) -> str:
        """What the trail and the rights call it."""
        if self.asked.method == "DELETE":
            return "delete"
        return "update" if self.exists else "create"

    @property
    def exists(self) -> bool:
        """Whether there is a version before."""
        return self.current is not None and self.current.vid > 0


@dataclass(slots=True)
class _Work:
    """One transaction: what is asked, and what is known so far."""

    ctx: Context
    asked: list[Asked]
    other: Other | None
    alone: bool = False
    answers: dict[int, Answered] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    links: Links = field(default_factory=lambda: Links({}))
    same: dict[int, int] = field(default_factory=dict)
    """Entry → the earlier entry that creates the same thing under the same condition."""

    async def run(self) -> list[Answered]:
        """The steps, in the order of the standard."""
        self.faults.alone = self.alone
        deletes = await self.deletes()
        gone = list(deletes)
        if deletes and any(one.method != "DELETE" for one in self.asked):
            await self.save(
                deletes
            )  # first, so that no condition below finds what this transaction takes away
            deletes = []
        writes = await self.identities()
        self.refuse_duplicates([*gone, *writes])
        self.follow(writes)
        await self.check_new(writes)
        self.faults.stop()
        await self.build(writes)
        self.faults.stop()
        now = [write for write in writes if not write.conditions]
        await self.save([*deletes, *now])
        await self.resolve([write for write in writes if write.conditions])
        for later, first in self.same.items():
            made = self.answers[first]
            self.answers[later] = Answered(200, made.type, made.stored)
        for one in sorted(self.asked, key=lambda asked: asked.method in ("GET", "HEAD")):
            if one.index not in self.answers:
                self.answers[one.index] = await self.answer(one)
        return [self.answers[one.index] for one in self.asked]

    # --- step 2: deletes -----------------------------------------------------------------------------------

    async def deletes(self) -> list[_Write]:
        """What DELETE entries take away; what is not there needs no deleting (FHIR R4 http.html#delete)."""
        wanted: list[_Write] = []
        for one in self.asked:
            if one.method != "DELETE":
                continue
            if one.condition is None:
                wanted.append(_Write(one, one.type, one.id))
                continue
            with placed(self.faults, one, ".request"):
                found = await self.match(one)
                if found is None:
                    self.answers[one.index] = Answered(204, one.type)
                else:
                    wanted.append(_Write(one, one.type, found))
        self.faults.stop()
        self.refuse_duplicates(wanted)
        await self.read_currents(wanted)
        kept = []
        for write in wanted:
            with placed(self.faults, write.asked):
                current = write.current
                if current is None or current.vid == 0 or current.body is None:
                    interactions.require_match(current if write.exists else None, write.asked.if_match)
                    self.answers[write.asked.index] = Answered(204, write.type)
                    continue
                interactions.require_match(current, write.asked.if_match)
                self.ctx.policy.check(self.ctx, "delete", write.type, before=write.before, after=None)
                await lifecycle.check_delete(self.ctx, current)
                derived.check(self.ctx, write.before)
                kept.append(write)
        self.faults.stop()
        return kept

    # --- step 3: conditions, ids, links --------------------------------------------------------------------

    async def identities(self) -> list[_Write]:
        """Which resource each POST, PUT and PATCH is about: by its address, by its condition, or a new one."""
        found: dict[int, str | None] = {}
        firsts: dict[tuple[str, str], Asked] = {}
        conditional = [
            one for one in self.asked if one.condition is not None and one.method in ("POST", "PUT", "PATCH")
        ]
        # Everybody locks conditions in the same order, so that two transactions never wait for each other.
        for one in sorted(conditional, key=lambda asked: (asked.type, asked.condition or "")):
            with placed(self.faults, one, ".request"):
                found[one.index] = await self.match(one)
        self.faults.stop()
        writes: list[_Write] = []
        for one in self.asked:
            if one.operation or one.method not in ("POST", "PUT", "PATCH"):
                continue
            id_ = found.get(one.index) if one.condition is not None else (one.id or None)
            with placed(self.faults, one):
                if one.method == "POST" and id_ is not None:
                    await self.already_there(one, id_)
                    continue
                if id_ is None and one.method == "PATCH":
                    raise NotFound(
                        f"No {one.type} fits the condition.", vi=f"Không có {one.type} khớp điều kiện."
                    )
                if id_ is None and one.condition is not None:
                    first = firsts.setdefault((one.type, one.condition), one)
                    if first is not one:
                        self.repeat(one, first)
                        continue
                if one.method == "PUT" and one.condition is not None:
                    id_ = await self.chosen(one, id_)
                elif id_ is None:
                    id_ = new_id()
                writes.append(_Write(one, one.type, id_))
                self.name(one, id_)
        made = {write.asked.index: write.id for write in writes}
        for one in self.asked:
            if one.index in self.same and self.same[one.index] in made:
                self.name(one, made[self.same[one.index]])
        self.faults.stop()
        return writes

    def repeat(self, one: Asked, first: Asked) -> None:
        """The same content created under the same condition twice is created once; anything else is refused."""
        same = one.method == first.method == "POST" and json.dump(first.resource) == json.dump(one.resource)
        if not same:
            raise DuplicateIdentity(one.condition or "")
        self.same[one.index] = first.index

    async def already_there(self, one: Asked, id_: str) -> None:
        """A conditional create whose condition fits: nothing is created (FHIR R4 http.html#ccreate)."""
        stored = await interactions.read(self.ctx, one.type, id_)
        self.name(one, id_)
        self.answers[one.index] = Answered(200, one.type, stored)

    async def chosen(self, one: Asked, found: str | None) -> str:
        """The id of a conditional update: what fits, or what the client wishes for (FHIR R4 http.html#cond-update)."""
        given = one.resource.get("id") if one.resource else None
        if found is None:
            if given is None:
                return new_id()
            number = self.ctx.registry.type_id(one.type)
            if await resources.read(self.ctx.tx, self.ctx.tenant.id, number, given) is not None:
                raise Conflict(
                    f"{one.type}/{given} does not fit the condition.",
                    vi=f"{one.type}/{given} không khớp điều kiện.",
                )
            return str(given)
        if (
            given is not None
            and given != found
            and f"{one.type}/{given}" != self.links.targets.get(one.full_url or "")
        ):
            raise BadRequest(
                f"The content has id {given}, the condition fits {found}.",
                vi=f"Nội dung mang id {given}, điều kiện lại khớp {found}.",
            )
        return found

    def name(self, one: Asked, id_: str) -> None:
        """From now on links to the entry's own address lead to the resource here."""
        if one.full_url and not self.alone:
            target = f"{one.type}/{id_}"
            if self.links.targets.setdefault(one.full_url, target) != target:
                self.faults.add(one, DuplicateIdentity(one.full_url))

    def refuse_duplicates(self, writes: list[_Write]) -> None:
        """Refuse two entries that are about one resource (FHIR R4 http.html#trules)."""
        seen: set[tuple[str, str]] = set()
        for write in writes:
            if (write.type, write.id) in seen:
                self.faults.add(write.asked, DuplicateIdentity(f"{write.type}/{write.id}"))
            seen.add((write.type, write.id))
        self.faults.stop()

    def follow(self, writes: list[_Write]) -> None:
        """Replace the links between entries by the addresses they have here."""
        self.links.versions.update({f"{w.type}/{w.id}": 1 for w in writes if w.asked.method == "POST"})
        for write in writes:
            resource = write.asked.resource
            if resource is None:
                continue
            self.links.conditions = set()
            if not self.alone:
                resource = self.links.follow(resource, write.asked.full_url, self.ctx.definitions)
            write.conditions = frozenset(self.links.conditions)
            if write.asked.method == "PATCH":
                with placed(self.faults, write.asked, ".resource"):
                    write.change = entries.change(resource)
            elif write.asked.method == "PUT" and resource.get("id") != write.id:
                write.resource = {**resource, "id": write.id}
            else:
                write.resource = resource

    # --- step 4: rights and validation ---------------------------------------------------------------------

    async def check_new(self, writes: list[_Write]) -> None:
        """Validate every content at hand, before anything is locked."""
        ready = [
            write
            for write in writes
            if write.resource is not None
            and not (write.asked.method == "PUT" and self.ctx.policy.hidden(write.type))
        ]
        if self.ctx.aside is not None and self.ctx.rules.validate and not self.alone:
            found = await self.ctx.aside.issues([write.resource or {} for write in ready])
            for write, issues in zip(ready, found, strict=True):
                with placed(self.faults, write.asked, ".resource", drop=write.type):
                    write.issues = interactions.settle(self.ctx, write.resource or {}, issues)
            return
        for place, write in enumerate(ready):
            self.validate(write)
            if place % BREATH == BREATH - 1:
                await asyncio.sleep(0)

    def validate(self, write: _Write) -> None:
        """Keep the warnings of a content, or note every error with its place in the bundle."""
        assert write.resource is not None  # noqa: S101 - only called where there is content
        with placed(self.faults, write.asked, ".resource", drop=write.type):
            write.issues = interactions.check(self.ctx, write.resource)

    async def build(self, writes: list[_Write]) -> None:
        """Read what updates and patches build on, all at once, and check rights, versions and locks."""
        changing = [write for write in writes if write.asked.method != "POST"]
        await self.read_currents(changing)
        for write in writes:
            with placed(self.faults, write.asked):
                await self.prepare(write)

    async def prepare(self, write: _Write) -> None:
        """Check one write against what is there, and finish its content."""
        ctx, current, before = self.ctx, write.current, write.before
        if write.asked.method != "POST":
            interactions.require_match(current, write.asked.if_match)
            if write.asked.if_none_match == "*" and write.exists:
                raise VersionConflict
        if write.asked.method == "PATCH":
            if current is None or current.vid == 0:
                raise NotFound(f"{write.type}/{write.id}")
            if before is None:
                raise Gone(f"{write.type}/{write.id}")
            shown = hiding.without_hidden(ctx, write.type, before)
            assert write.change is not None  # noqa: S101 - a patch without a readable change was refused before
            write.resource = patches.apply(shown, write.change, ctx.definitions)
            if write.resource.get("resourceType") != write.type or write.resource.get("id") != write.id:
                raise Unprocessable(
                    "A patch may not change the type or the id.", vi="Không được đổi loại hoặc id khi vá."
                )
        ctx.policy.check(ctx, write.interaction, write.type, before=before, after=write.resource)
        if current is not None:
            lifecycle.check_change(current)
        derived.check(ctx, before, write.resource)
        if write.asked.method == "PATCH" or (write.asked.method == "PUT" and ctx.policy.hidden(write.type)):
            assert write.resource is not None  # noqa: S101 - both have content
            write.resource = hiding.keep_hidden(ctx, write.type, before, write.resource)
            self.validate(write)

    async def read_currents(self, writes: list[_Write]) -> None:
        """Lock and read what writes build on: two queries for any number of them."""
        ctx = self.ctx
        if not writes:
            return
        addresses = [(ctx.registry.type_id(write.type), write.id) for write in writes]
        found = await resources.currents(ctx.tx, ctx.tenant.id, addresses)
        for write, address in zip(writes, addresses, strict=True):
            write.current = found.get(address)
            if write.current is not None and write.current.body is not None:
                write.before = json.stored(write.current.body)
        if not ctx.policy.unrestricted:
            for write in writes:
                if write.exists:
                    with placed(self.faults, write.asked):
                        await interactions.may_see(ctx, write.type, write.id)
            self.faults.stop()

    # --- steps 5 and 6: saving -----------------------------------------------------------------------------

    async def save(self, writes: list[_Write]) -> None:
        """Save in one statement and answer each entry; an update that changes nothing makes no version."""
        ctx = self.ctx
        changed: list[_Write] = []
        same: dict[str, list[Stored]] = {}
        for write in writes:
            given = write.before is not None and write.resource is not None and write.current is not None
            if given and interactions.unchanged(write.before or {}, write.resource or {}):
                stored = self.stored_before(write)
                same.setdefault(write.type, []).append(stored)
                self.answers[write.asked.index] = Answered(200, write.type, stored, write.issues)
                continue
            changed.append(write)
        if changed:
            await self.save_changed(changed)
        for type_, versions in same.items():  # nothing was written, but it is shown
            await ctx.trail.add(ctx, "read", type_, versions)

    async def save_changed(self, changed: list[_Write]) -> None:
        """Save what is new and answer it."""
        ctx = self.ctx
        # Rows that may meet another transaction's are made in an order that all writers keep.
        changed.sort(key=lambda write: (write.type, write.id))
        letters = {"create": "C", "update": "U", "delete": "D"}
        saved = await save(
            ctx,
            [
                Pending(letters[w.interaction], w.type, w.id, w.resource, w.current, before=w.before)
                for w in changed
            ],
        )
        for write, stored in zip(changed, saved, strict=True):
            self.answers[write.asked.index] = self.answered(write, stored)
        for write in changed:
            with placed(self.faults, write.asked, ".resource", drop=write.type):
                await consequences.follow(
                    ctx, write.type, write.id, before=write.before, after=write.resource
                )
        self.faults.stop()

    def answered(self, write: _Write, stored: Stored) -> Answered:
        """The answer to one saved entry."""
        if stored.deleted:
            return Answered(204, write.type, stored)
        created = not write.exists or (write.current is not None and write.current.deleted)
        shown = hiding.hide(self.ctx, write.type, stored)
        return Answered(201 if created else 200, write.type, shown, write.issues)

    def stored_before(self, write: _Write) -> Stored:
        """The version that an update left as it was."""
        assert write.current is not None  # noqa: S101 - it was compared with
        current, number = write.current, self.ctx.registry.type_id(write.type)
        stored = resources.Stored(
            current.key, number, write.id, current.vid, current.recorded, False, current.body
        )
        return hiding.hide(self.ctx, write.type, stored)

    async def resolve(self, writes: list[_Write]) -> None:
        """Resolve conditional references, last as the standard has it, so that they find what was just saved."""
        if not writes:
            return
        targets: dict[str, str] = {}
        for condition in sorted({one for write in writes for one in write.conditions}):
            holder = next(write for write in writes if condition in write.conditions)
            with placed(self.faults, holder.asked, ".resource"):
                type_, _, query = condition.partition("?")
                found = await searching.match_keys(
                    self.ctx.tx, entries.condition(self.ctx, type_, query), type_, self.ctx, limit=2
                )
                if len(found) != 1:
                    raise ReferenceUnresolved(condition)
                targets[condition] = f"{type_}/{found[0][1]}"
        self.faults.stop()
        links = Links(targets)
        for write in writes:
            assert write.resource is not None  # noqa: S101 - what holds a reference has content
            write.resource = links.follow(write.resource, None, self.ctx.definitions)
        # What was saved first may refer to these already: then their rows are there, as addresses.
        addresses = {(self.ctx.registry.type_id(w.type), w.id): w for w in writes if w.current is None}
        if addresses:
            found_rows: dict[Address, Current] = await resources.currents(
                self.ctx.tx, self.ctx.tenant.id, list(addresses)
            )
            for address, current in found_rows.items():
                addresses[address].current = current
        await self.save(writes)

    # --- step 7: operations and reads ----------------------------------------------------------------------

    async def answer(self, one: Asked) -> Answered:
        """Answer what changes no resource by itself: reads here, the rest by the door."""
        try:
            if one.read is not None:
                type_, id_, vid = one.read
                reading = (
                    interactions.read(self.ctx, type_, id_)
                    if vid is None
                    else (interactions.vread(self.ctx, type_, id_, vid))
                )
                return _fresh(one, Answered(200, type_, await reading, shows=one.method == "GET"))
            if not self.alone and one.method in ("GET", "HEAD"):
                await self.ctx.tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            if self.other is None:
                raise BadRequest(
                    f"{one.method} {one.url} cannot stand in a bundle.", vi=f"{one.method} {one.url}"
                )
            return await self.other(self.ctx, one)
        except Problem as problem:
            raise self.faults.at(one, problem) from problem

    # --- conditions ----------------------------------------------------------------------------------------

    async def match(self, one: Asked) -> str | None:
        """The id of the one resource that fits an entry's condition, which is locked first."""
        where = entries.condition(self.ctx, one.type, one.condition or "")
        return await interactions.match_one(self.ctx, one.type, where)


def _fresh(one: Asked, answered: Answered) -> Answered:
    """304 where the client has that version already (FHIR R4 http.html#cread)."""
    stored = answered.stored
    assert stored is not None  # noqa: S101 - a read answers a version or raises
    if one.if_none_match is not None:
        has = one.if_none_match.strip().removeprefix("W/").strip('"') in (str(stored.vid), "*")
        return replace(answered, status=304, shows=False) if has else answered
    if one.if_modified_since is not None:
        try:
            since = parsedate_to_datetime(one.if_modified_since)
        except ValueError:
            return answered
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        if stored.recorded.replace(microsecond=0) <= since:
            return replace(answered, status=304, shows=False)
    return answered


__all__ = ["Answered", "Asked", "batch", "transaction"]
