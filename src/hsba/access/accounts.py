"""Accounts and service clients as the operator makes, lists, locks and renews them; one person, one account.

These functions are handed a connection that may do it: the owner's, on the server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from hsba.access import passwords, secrets
from hsba.access.identity import Kind
from hsba.access.ports import NOBODY, UNTOLD, Happening
from hsba.access.problems import BadAccount, UnknownAccount
from hsba.record.context import OPERATOR, OURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from asyncpg import Connection

    from hsba.access.ports import Witness

KINDS: tuple[str, ...] = get_args(Kind)
LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])\Z")
TAKEN = OURS | {"hsba", "system", NOBODY, "worker"}
"""Names that the program itself acts under."""
FIRST = "admin"
LONGEST_NAME = 200

_INSERT = """
INSERT INTO access.account (login, kind, name, tenants, password, password_set, must_change, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $6) ON CONFLICT (login) DO NOTHING RETURNING id
"""
_MAKE = "SELECT access.make_account($1, $2, $3, $4, $5, $6, $7, $8)"
"""The same in an administrator's name, by the runtime: store/schema/77_administration.sql."""


@dataclass(frozen=True, slots=True)
class By:
    """Who keeps the accounts at this moment, and who is told of it; the operator of the server unless another is named."""

    witness: Witness = UNTOLD
    account: str = OPERATOR.account
    address: str | None = None
    workstation: str | None = None
    reason: str = ""
    number: int | None = None
    """Of the administrator's account, where he works in the browser; the operator has none."""

    async def tell(self, tx: Connection, act: str, subject: str) -> None:
        """Note what was done to an account or a client."""
        await self.witness.tell(
            tx,
            Happening(
                act,
                self.account,
                subject,
                reason=self.reason,
                address=self.address,
                workstation=self.workstation,
            ),
        )


BY_NOBODY_TOLD = By()


@dataclass(frozen=True, slots=True)
class Account:
    """One account, as the operator sees it."""

    login: str
    kind: str
    name: str
    roles: tuple[str, ...]
    """Those in force, at whichever keeper."""
    state: str
    locked_until: datetime | None
    must_change: bool
    created: datetime
    last_use: datetime | None


def folded(login: str) -> str:
    """A login name as it is kept and compared."""
    return login.strip().lower()


async def create(
    tx: Connection,
    now: datetime,
    login: str,
    kind: str,
    name: str,
    *,
    password: str | None = None,
    hashed: str | None = None,
    tenants: Sequence[int] | None = None,
    must_change: bool = True,
    by: By = BY_NOBODY_TOLD,
    maker: int | None = None,
) -> str:
    """Make an account; answers its password, generated when none was given.

    `hashed` is that password's hash if known; `maker` the administrator in whose name it is made where the connection is
    not the owner's (decision 0017).
    """
    login, title = checked(login, kind, name)
    password = password or secrets.password()
    made = await tx.fetchval(
        _INSERT if maker is None else _MAKE,
        login,
        kind,
        title,
        None if tenants is None else list(tenants),
        hashed or await passwords.hashed(password),
        now,
        must_change,
        *(() if maker is None else (maker,)),
    )
    if made is None:
        raise BadAccount(f"There is one named {login} already.", vi=f"Đã có tài khoản {login}.")
    await by.tell(tx, "account-create", login)
    return password


def checked(login: str, kind: str, name: str) -> tuple[str, str]:
    """Login and name as they are kept; refuses what no account can have."""
    login = folded(login)
    if not LOGIN.match(login) or login in TAKEN:
        raise BadAccount(
            "A name has 2 to 32 of a-z 0-9 . _ - and is not one of the program's own.",
            vi="Tên đăng nhập gồm 2 đến 32 ký tự a-z 0-9 . _ - và khác các tên riêng của chương trình.",
        )
    if kind not in KINDS:
        raise BadAccount(f"Kinds: {', '.join(KINDS)}.", vi=f"Các loại: {', '.join(KINDS)}.")
    title = " ".join(name.split())
    if not title or not title.isprintable() or len(title) > LONGEST_NAME:
        raise BadAccount("It has a name that people read.", vi="Cần có tên để hiển thị.")
    return login, title


async def first(tx: Connection, now: datetime, *, by: By = BY_NOBODY_TOLD) -> str | None:
    """Make the first administrator where there is no account at all; answers the password, which must be changed."""
    if await tx.fetchval("SELECT EXISTS (SELECT FROM access.account)"):
        return None
    return await create(tx, now, FIRST, "administrator", "Quản trị", by=by)


async def every(tx: Connection) -> list[Account]:
    """All accounts by name."""
    rows = await tx.fetch(
        "SELECT login, kind, name, state, locked_until, must_change, created, last_use,"
        " ARRAY(SELECT DISTINCT role FROM record.role_grant WHERE account = login AND revoked IS NULL"
        " AND valid_from <= now() AND now() < valid_to ORDER BY role) AS roles"
        " FROM access.account ORDER BY login"
    )
    return [Account(**{**row, "roles": tuple(row["roles"])}) for row in rows]


async def names(tx: Connection, logins: Sequence[str]) -> dict[str, str]:
    """What people call some accounts and clients, as a line of the trail names them."""
    rows = await tx.fetch(
        "SELECT login, name FROM access.account WHERE login = ANY($1)"
        " UNION ALL SELECT 'client:' || name, title FROM access.client WHERE 'client:' || name = ANY($1)",
        list(logins),
    )
    return {row["login"]: row["name"] for row in rows}


async def called(tx: Connection, text: str, tenant: int, most: int = 50) -> list[str]:
    """The accounts of a keeper with such a name, or part of one."""
    pattern = "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    rows = await tx.fetch(
        "SELECT login FROM access.account WHERE (tenants IS NULL OR $3 = ANY (tenants))"
        " AND (login = $1 OR name ILIKE $2) ORDER BY login LIMIT $4",
        folded(text),
        pattern,
        tenant,
        most,
    )
    return [row["login"] for row in rows]


async def disable(tx: Connection, now: datetime, login: str, *, by: By = BY_NOBODY_TOLD) -> None:
    """Close an account: no log-in, and what is open ends within two seconds."""
    number = await _found(tx, login)
    await tx.execute("UPDATE access.account SET state = 'disabled' WHERE id = $1", number)
    await end_everything(tx, now, number)
    await by.tell(tx, "account-close", folded(login))


async def enable(tx: Connection, now: datetime, login: str, *, by: By = BY_NOBODY_TOLD) -> None:
    """Open an account again, whether it was closed, locked by wrong passwords, or unused for too long."""
    await tx.execute(
        "UPDATE access.account SET state = 'active', failures = 0, locked_until = NULL, last_use = $2 WHERE id = $1",
        await _found(tx, login),
        now,
    )
    await by.tell(tx, "account-open", folded(login))


async def renew(
    tx: Connection, now: datetime, login: str, password: str | None = None, *, by: By = BY_NOBODY_TOLD
) -> str:
    """Give an account a new password that must be changed, and end all its sessions and tokens; answers the password."""
    number = await _found(tx, login)
    password = password or secrets.password()
    await tx.execute(
        "INSERT INTO access.old_password (account, set, password)"
        " SELECT id, password_set, password FROM access.account WHERE id = $1 AND password IS NOT NULL"
        " ON CONFLICT DO NOTHING",
        number,
    )
    await tx.execute(
        "UPDATE access.account SET password = $2, password_set = $3, must_change = true, failures = 0,"
        " locked_until = NULL WHERE id = $1",
        number,
        await passwords.hashed(password),
        now,
    )
    await end_everything(tx, now, number)
    await by.tell(tx, "password-reset", folded(login))
    return password


async def end_everything(tx: Connection, now: datetime, account: int) -> None:
    """End all sessions and tokens of an account, its log-ins that are half done, and its shifts: no PIN brings it back."""
    await tx.execute("DELETE FROM access.half_open WHERE account = $1", account)
    await tx.execute(
        "UPDATE access.session SET revoked = $2 WHERE account = $1 AND revoked IS NULL", account, now
    )
    await tx.execute(
        "UPDATE access.token SET revoked = $2 WHERE account = $1 AND revoked IS NULL", account, now
    )
    await tx.execute("DELETE FROM access.shift WHERE account = $1", account)
    await tx.execute(
        "UPDATE access.app_grant SET revoked = $2 WHERE account = $1 AND revoked IS NULL", account, now
    )


async def create_client(
    tx: Connection,
    now: datetime,
    name: str,
    title: str,
    *,
    scope: str,
    tenants: Sequence[int] | None = None,
    secret: str | None = None,
    by: By = BY_NOBODY_TOLD,
) -> str:
    """Make a service client; answers its secret, which is not kept."""
    name = folded(name)
    if not LOGIN.match(name):
        raise BadAccount("A name has 2 to 32 of a-z 0-9 . _ -.", vi="Tên gồm 2 đến 32 ký tự a-z 0-9 . _ -.")
    secret = secret or secrets.made()
    made = await tx.fetchval(
        "INSERT INTO access.client (name, title, secret, scope, tenants, created) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (name) DO NOTHING RETURNING id",
        name,
        title,
        secrets.digest(secret),
        " ".join(scope.split()),
        None if tenants is None else list(tenants),
        now,
    )
    if made is None:
        raise BadAccount(f"There is one named {name} already.", vi=f"Đã có máy khách {name}.")
    await by.tell(tx, "client-create", f"client:{name}")
    return secret


async def token(
    tx: Connection,
    now: datetime,
    *,
    account: str | None = None,
    client: str | None = None,
    scope: str,
    lasts: timedelta,
    by: By = BY_NOBODY_TOLD,
) -> str:
    """Make a bearer token for an account or a client that is open."""
    secret = secrets.made()
    of, name = ("account", account) if account is not None else ("client", client or "")
    column = "login" if of == "account" else "name"
    made = await tx.fetchval(
        f"INSERT INTO access.token (digest, {of}, scope, created, ends)"
        f" SELECT $2, id, $3, $4, $5 FROM access.{of} WHERE {column} = $1 AND state = 'active' RETURNING id",
        folded(name or ""),
        secrets.digest(secret),
        " ".join(scope.split()),
        now,
        now + lasts,
    )
    if made is None:
        raise UnknownAccount(folded(name or ""))
    await by.tell(
        tx, "token-create", folded(name or "") if of == "account" else f"client:{folded(name or '')}"
    )
    return secret


async def _found(tx: Connection, login: str) -> int:
    number: int | None = await tx.fetchval("SELECT id FROM access.account WHERE login = $1", folded(login))
    if number is None:
        raise UnknownAccount(folded(login))
    return number
