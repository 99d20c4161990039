"""What an administrator asks and does about roles at the command line, as lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hsba.access.administration import proposals
from hsba.access.administration.role_desk import NAME, BadRoleName
from hsba.access.ports import Happening
from hsba.access.rights import checking, grants, lending, roles
from hsba.access.rights.explain import explain
from hsba.audit.witness import TrailWitness
from hsba.fhir import json
from hsba.fhir.problems import BadRequest
from hsba.fhir.query.dates import interval
from hsba.record.context import OPERATOR, Actor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hsba.access.administration.proposals import Proposal
    from hsba.access.rights.current import Rights
    from hsba.access.rights.explain import Verdict
    from hsba.access.rights.roles import Line, Role
    from hsba.record.context import Tenant
    from hsba.record.work import House
    from hsba.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Desk:
    """The roles of one keeper of records, in an opened house."""

    house: House
    tenant: Tenant
    witness: TrailWitness = field(default_factory=TrailWitness)
    approval: str = "auto"
    """When a change of a role waits for a second person (setting `role_approval`)."""

    async def roles(self) -> list[str]:
        """Every role with its title, and every grant not revoked."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            found, broken = await grants.every_role(tx, self.tenant.id)
            given = await grants.grants_of(tx, self.tenant.id)
        lines = [f"{role.name}  {role.title}{'  *' if role.own else ''}" for _, role in sorted(found.items())]
        lines += [f"✗ {sentence}" for sentence in broken]
        return [*lines, *(_grant(one) for one in given)]

    async def role(self, name: str) -> list[str]:
        """The lines of a role."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            found, _ = await grants.every_role(tx, self.tenant.id)
        if name not in found:
            raise grants.UnknownRole(name)
        return list(_role(found[name]))

    async def written(self, name: str) -> str:
        """A role as JSON, for `put` to read again after it was changed."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            found, _ = await grants.every_role(tx, self.tenant.id)
        if name not in found:
            raise grants.UnknownRole(name)
        role = found[name]
        data = {"title": role.title, "lines": [line.data() for line in role.lines]}
        return json.dump_pretty(data).decode()

    async def put(self, name: str, content: bytes) -> Role | Proposal:
        """Keep or propose a role of the house's own, as `written` writes one; a line that would do nothing is refused."""
        if not NAME.match(name):
            raise BadRoleName
        data = json.parse(content)
        if not isinstance(data.get("title"), str) or not data["title"].strip():
            raise BadRoleName
        title, lines = data["title"].strip(), data.get("lines")
        async with self.house.pool.writing(self.tenant.id) as tx:
            ctx = self.house.context(tx=tx, tenant=self.tenant)
            for line in roles.read(name, title, lines, roles.groups()).lines:
                checking.check(name, line, ctx.definitions, ctx.codes, self.tenant.zone)
            if await proposals.needed(tx, self.tenant.id, self.approval):
                return await self._propose(tx, name, title, lines)
            return await grants.put_role(
                tx, self.tenant.id, OPERATOR, name, title, lines, witness=self.witness
            )

    async def remove(self, name: str) -> Proposal | None:
        """Remove a role of the house's own that nobody has, or propose it; in place of a shipped one, that one holds again."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            if await proposals.needed(tx, self.tenant.id, self.approval):
                return await self._propose(tx, name, None, None)
            await grants.remove_role(tx, self.tenant.id, name)
            told = Happening("role-delete", OPERATOR.account, name, tenant=self.tenant.id)
            await self.witness.tell(tx, told)
        return None

    async def _propose(self, tx: Connection, name: str, title: str | None, lines: object) -> Proposal:
        if title is None and name not in (await grants.every_role(tx, self.tenant.id))[0]:
            raise grants.UnknownRole(name)
        made = await proposals.propose(tx, self.tenant.id, OPERATOR, name, title, lines)
        await self._tell(tx, "role-propose", made)
        return made

    async def waiting(self) -> list[str]:
        """The proposals that nobody has decided yet, each with what it would be."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            found = [one for one in await proposals.proposals(tx, self.tenant.id) if one.is_open]
        lines: list[str] = []
        for one in found:
            lines.append(f"#{one.id}  {one.name}  {one.title}  {', '.join(one.authors)}")
            lines += ["  ✗"] if one.role is None else [f"  {line}" for line in _role(one.role)]
        return lines

    async def approve(self, number: int) -> Proposal:
        """Let a proposal take effect, in the operator's name."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            found = await proposals.approve(tx, self.tenant.id, OPERATOR, number)
            await self._tell(tx, "role-approve", found)
        return found

    async def decline(self, number: int, reason: str) -> Proposal:
        """Refuse a proposal, with the reason; the operator's own is withdrawn."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            found = await proposals.proposal(tx, self.tenant.id, number)
            if OPERATOR.account in found.authors:
                found = await proposals.withdraw(tx, self.tenant.id, OPERATOR, number)
                await self._tell(tx, "role-withdraw", found)
            else:
                found = await proposals.decline(tx, self.tenant.id, OPERATOR, number, reason)
                await self._tell(tx, "role-decline", found)
        return found

    async def _tell(self, tx: Connection, act: str, one: Proposal) -> None:
        told = Happening(act, OPERATOR.account, one.name, reason=f"#{one.id}", tenant=self.tenant.id)
        await self.witness.tell(tx, told)

    async def grant(
        self,
        account: str,
        role: str,
        *,
        department: str | None = None,
        begin: str | None = None,
        end: str | None = None,
        reason: str | None = None,
        person: str | None = None,
        hours: str | None = None,
        crossing: str | None = None,
    ) -> int:
        """Give a role; `begin` and `end` are days or times, `end` inclusive; `person` says who the account is."""
        first = self._instant(begin, 0)
        last = self._instant(end, 1)
        async with self.house.pool.writing(self.tenant.id) as tx:
            if person is not None:
                who = grants.person(person)
                await grants.tell_person(tx, self.tenant.id, OPERATOR, account, *who, witness=self.witness)
            return await grants.grant(
                tx,
                self.tenant.id,
                OPERATOR,
                account,
                role,
                department=department,
                valid_from=first,
                valid_to=last,
                reason=reason,
                witness=self.witness,
                hours=hours,
                crossing=crossing,
            )

    async def hours(
        self,
        account: str,
        hours: str | None,
        *,
        begin: str | None = None,
        end: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Say when an account may work at all; without anything it always may."""
        first, last = self._instant(begin, 0), self._instant(end, 1)
        async with self.house.pool.writing(self.tenant.id) as tx:
            await grants.set_hours(
                tx,
                self.tenant.id,
                OPERATOR,
                account,
                hours,
                valid_from=first,
                valid_to=last,
                reason=reason,
                witness=self.witness,
            )

    async def lend(
        self,
        lender: lending.Desk,
        account: str,
        patient: str,
        *,
        purpose: str,
        reason: str,
        end: str,
        dossier: str | None,
    ) -> int:
        """Lend a patient's record, or one dossier of it, to an account; answers the loan's number."""
        until = self._instant(end, 1)
        if until is None:
            raise lending.BadLoan("Until when?", vi="Cho mượn đến ngày nào?")
        async with self.house.pool.writing(self.tenant.id) as tx:
            ctx = self.house.context(tx=tx, tenant=self.tenant, actor=OPERATOR)
            lent = await lender.lend(
                ctx, account, patient, purpose=purpose, reason=reason, until=until, dossier=dossier
            )
        return lent.id

    async def take_back(self, lender: lending.Desk, number: int) -> str:
        """End a loan."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            ctx = self.house.context(tx=tx, tenant=self.tenant, actor=OPERATOR)
            return _loan(await lender.take_back(ctx, number))

    async def loans(self) -> list[str]:
        """What was lent, the newest first."""
        async with self.house.pool.reading(self.tenant.id) as tx:
            return [_loan(one) for one in await lending.loans(tx, self.tenant.id)]

    async def revoke(self, number: int) -> str:
        """End a grant."""
        async with self.house.pool.writing(self.tenant.id) as tx:
            taken = await grants.revoke(tx, self.tenant.id, OPERATOR, number, witness=self.witness)
            return _grant(taken)

    async def check(self, rights: Rights, account: str, act: str, target: str) -> tuple[Verdict, list[str]]:
        """Whether an account may do something to `Type` or `Type/id`, and why."""
        type_, _, id_ = target.partition("/")
        self.house.registry.type_id(type_)  # a name that is no type is refused
        async with self.house.pool.searching(self.tenant.id) as tx:
            ctx = self.house.context(tx=tx, tenant=self.tenant, actor=OPERATOR)
            policy = await rights.know(ctx, Actor(account=account))
            verdict = await explain(ctx, policy, act, type_, id_ or None)
        lines = []
        for word in verdict.words:
            line = word.given.line
            mark = "?" if word.fault else "-" if line.deny and word.holds else "+" if word.holds else " "
            lines.append(f"{mark} {word.given.role}[{line.number}] #{word.given.grant}  {_line(line)}")
            if word.fault:
                lines.append(f"    {word.fault.vi}")
        lines += [f"hidden: {path}" for path in sorted(verdict.hidden)]
        lines += [f"read-only: {path}" for path in sorted(verdict.read_only)]
        return verdict, lines

    def _instant(self, text: str | None, which: int) -> datetime | None:
        if text is None:
            return None
        try:
            return interval(text, self.tenant.zone)[which]
        except ValueError as problem:
            raise BadRequest(f"“{text}” is no day or time.", vi=f"“{text}” không phải ngày giờ.") from problem


def _grant(one: grants.Grant) -> str:
    until = "" if one.valid_to is None else f" … {one.valid_to:%Y-%m-%d %H:%M}"
    where = f" @ {one.department}" if one.department else ""
    when = f"  [{one.hours}]" if one.hours else ""
    crossing = f"  ({one.crossing})" if one.crossing else ""
    return (
        f"#{one.id} {one.account}: {one.role}{where}  {one.valid_from:%Y-%m-%d %H:%M}{until}{when}{crossing}"
    )


def _loan(one: lending.Lent) -> str:
    what = f"Patient/{one.patient}" + (f" Composition/{one.dossier}" if one.dossier else "")
    back = f"  ✗ {one.returned:%Y-%m-%d %H:%M}" if one.returned else ""
    return (
        f"#{one.id} {one.account}: {what}  {one.purpose}  … {one.valid_to:%Y-%m-%d %H:%M}{back}  {one.reason}"
    )


def _role(role: Role) -> Iterator[str]:
    yield f"{role.name}: {role.title}"
    for line in role.lines:
        yield f"{line.number:3d}  {_line(line)}"


def _line(line: Line) -> str:
    """A line as a person reads it."""
    words = [
        "✗" if line.deny else "",
        ",".join(sorted(line.may)),
        ",".join(sorted(line.types)) if len(line.types) <= 6 else f"{len(line.types)} types",
        " & ".join(line.where),
        f"hidden {','.join(sorted(line.hidden))}" if line.hidden else "",
        f"read-only {','.join(sorted(line.read_only))}" if line.read_only else "",
        f"({line.note})" if line.note else "",
    ]
    return "  ".join(word for word in words if word)
