"""Who calls in tests: by default one who may do everything; for servers in other processes, a token that is let in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from hsba.access import accounts, secrets
from hsba.access.identity import Caller, Identity
from hsba.access.rights import grants
from hsba.ops import accounts as keeping
from hsba.record.context import OPERATOR, Actor

if TYPE_CHECKING:
    from hsba.app import App

TOKEN = "hsba_a-token-of-tests"
SESSION = "hsba_a-session-of-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OFFICER, PATIENT = "an.ninh.thu", "nguoi.benh.thu"
"""A security officer and a patient, with the same password."""
LOGIN, PASSWORD = "thu.nghiem", "Giường-số-7-cạnh-cửa"


class Always(Identity):
    """Everybody is one account, by default the operator: for tests of other things than who it is."""

    def __init__(self, app: App, account: str = "operator") -> None:
        super().__init__(app.pool.bare, app.clock.now, app.identity.rules, app.identity.witness)
        self.account = account
        self.kind = "staff"

    async def caller(self, bearer: str | None, session: str | None) -> Caller | None:
        return Caller(Actor(self.account), self.kind, "Người vận hành")


async def give_all(tx: asyncpg.Connection, account: str) -> None:
    """Give an account the role that may do everything, at every keeper: for tests of other things than rights."""
    for (tenant,) in await tx.fetch("SELECT id FROM record.tenant"):
        await grants.put_role(tx, tenant, OPERATOR, *keeping.DEMO_ROLE)
    await keeping.give(tx, account, [keeping.DEMO_ROLE[0]])


async def let_in(owner_dsn: str, patient: str | None = None) -> None:
    """Make accounts that the constants above open the door for, in a database behind a server process."""
    tx = await asyncpg.connect(owner_dsn)
    now = datetime.now(UTC)
    ends = now + timedelta(days=1)
    try:
        if any(one.login == LOGIN for one in await accounts.every(tx)):
            return
        await accounts.create(tx, now, LOGIN, "staff", "BS. Lê Thử", password=PASSWORD, must_change=False)
        await give_all(tx, LOGIN)
        for login, kind, name, role, person in (
            (OFFICER, "security", "Đỗ Hải An", "security-officer", None),
            (PATIENT, "patient", "Trần Thử", "patient", ("Patient", patient) if patient else None),
        ):
            await accounts.create(tx, now, login, kind, name, password=PASSWORD, must_change=False)
            await keeping.give(tx, login, [role], person=person)
        await tx.execute(
            "INSERT INTO access.token (digest, account, scope, created, ends)"
            " SELECT $1, id, '', $2, $3 FROM access.account WHERE login = $4",
            secrets.digest(TOKEN), now, ends, LOGIN,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO access.session (digest, account, address, created, last_seen, ends)"
            " SELECT $1, id, '::1', $2, $2, $3 FROM access.account WHERE login = $4",
            secrets.digest(SESSION), now, ends, LOGIN,
        )  # fmt: skip
    finally:
        await tx.close()
