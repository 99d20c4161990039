"""The administrator's office: in whose name something is done to accounts and rights, from where, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hsba.access.ports import Happening
from hsba.access.rights import roles
from hsba.access.rights.conditions import Setting
from hsba.access.rights.people import Person
from hsba.access.rights.policy import Given, RolePolicy
from hsba.fhir.problems import Forbidden

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.access.identity import Caller
    from hsba.access.ports import Witness
    from hsba.access.rules import Rules
    from hsba.record.context import Actor, Context
    from hsba.store.pool import Connection

ADMINISTRATOR, OFFICER = "administrator", "security"


class NotAdministrator(Forbidden):
    """This is the administrators' room; nothing was shown or changed."""

    vi = "Đây là phần dành cho quản trị; không có gì được hiện ra hay thay đổi."


class OfficerChangesNothing(Forbidden):
    """A security officer reads here and changes nothing; an administrator does it."""

    vi = "Cán bộ an toàn thông tin chỉ xem ở đây, không sửa; hãy nhờ quản trị."


class OwnAccount(Forbidden):
    """Nobody does this to his own account; another administrator does it. Nothing was changed."""

    vi = "Không ai tự làm việc này với tài khoản của mình; phải nhờ người quản trị khác. Chưa thay đổi gì."


class OtherKeepers(Forbidden):
    """This account belongs to keepers of records that you do not administrate; nothing was changed."""

    vi = "Tài khoản này thuộc cả cơ sở mà bạn không quản trị; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Office:
    """An administrator at work in one keeper's house, on one connection."""

    tx: Connection
    now: datetime
    caller: Caller
    tenant: int
    address: str | None
    witness: Witness
    rules: Rules

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.caller.actor

    @property
    def by(self) -> int:
        """The number of the administrator's account."""
        return self.caller.account or 0

    async def tell(self, act: str, subject: str, reason: str = "") -> None:
        """Tell the witness of something done, in the transaction that does it."""
        await self.witness.tell(
            self.tx,
            Happening(
                act,
                self.actor.account,
                subject=subject,
                reason=reason,
                address=self.address,
                workstation=self.actor.workstation,
                tenant=self.tenant,
            ),
        )


def check_may_look(caller: Caller) -> None:
    """Refuse who is neither an administrator nor a security officer."""
    if caller.kind not in (ADMINISTRATOR, OFFICER):
        raise NotAdministrator


def check_may_change(caller: Caller) -> None:
    """Refuse who is no administrator."""
    check_may_look(caller)
    if caller.kind != ADMINISTRATOR:
        raise OfficerChangesNothing


def sight(ctx: Context) -> RolePolicy:
    """What is seen of the record in this room, whatever roles the account has: departments, staff, no patient.

    It is the administrators' role as it comes with the program, not as a house may have changed it.
    """
    person = Person(ctx.actor.account)
    setting = Setting(ctx.definitions, ctx.codes, ctx.tenant.zone, person, (), ctx.clock.now())
    lines = roles.built_in()[ADMINISTRATOR].lines
    return RolePolicy((Given(ADMINISTRATOR, line, ()) for line in lines), setting)
