"""Registered apps and services: what each may ask for, where people are sent back to, and how it proves itself.

An app that people open has addresses to send them back to; a service comes in its own name with `system/` scopes.  Each
proves itself by a secret, by a key (`private_key_jwt`), or, when it runs where everybody can look into it, not at all.
These functions change one row in the transaction they are handed: the operator's on the server, or an administrator's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import msgspec

from hsba.access import secrets
from hsba.access.accounts import BY_NOBODY_TOLD, LOGIN, By, folded
from hsba.access.oauth import scopes
from hsba.access.problems import BadAccount, UnknownAccount
from hsba.fhir.problems import Forbidden

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from asyncpg import Record

    from hsba.store.pool import Connection

CURVES = frozenset({"P-256", "P-384", "P-521"})
LEAST_RSA = 2048
"""Bits of an RSA key."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

_ADDRESS = re.compile(r"[!-~]{1,2000}\Z")
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+\Z")
"""RFC 8252 7.1: an app on a telephone has a scheme made of a name that is its maker's."""


class BadApp(BadAccount):
    """The app cannot be registered so; nothing was changed."""

    vi = "Không đăng ký được ứng dụng như vậy; chưa thay đổi gì."


class NotTheirApp(Forbidden):
    """Apps are changed by an administrator of all their keepers; nothing was changed."""

    vi = "Chỉ quản trị của mọi cơ sở mà ứng dụng được vào mới sửa được; chưa thay đổi gì."


class UnknownApp(UnknownAccount):
    """There is no app or service of this name; nothing was changed."""

    vi = "Không có ứng dụng mang tên này; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an administrator says of an app."""

    title: str
    """As people read it when they are asked to let it in."""
    scope: str
    """The most it may ask for, with spaces."""
    redirects: tuple[str, ...] = ()
    """Where people are sent back to, letter by letter; none for a service."""
    public: bool = False
    """Whether it runs where a secret cannot be kept: in a browser or on a telephone."""
    keys: str = ""
    """Its public keys as a JWKS, when it proves itself by a key."""
    keys_url: str = ""
    """Where its JWKS is to be had; its host stands in the setting jwks_hosts."""
    launch_url: str = ""
    """Where it is opened from a patient's page."""
    tenants: tuple[int, ...] | None = None
    """The keepers it may come to; None is every one."""


@dataclass(frozen=True, slots=True)
class App:
    """A registered app or service."""

    id: int
    name: str
    """Its client_id."""
    title: str
    scope: str
    redirects: tuple[str, ...]
    keys: dict[str, Any] | None
    keys_url: str | None
    launch_url: str | None
    tenants: frozenset[int] | None
    state: str
    created: datetime
    last_use: datetime | None
    secret: bytes | None = field(default=None, repr=False)
    """The SHA-256 of its secret."""

    @property
    def proves(self) -> str:
        """How it proves itself at the token endpoint (OpenID Connect Core 9)."""
        if self.keys is not None or self.keys_url is not None:
            return "private_key_jwt"
        return "none" if self.secret is None else "client_secret"

    def belongs(self, tenant: int) -> bool:
        """Whether it may come to this keeper's record."""
        return self.tenants is None or tenant in self.tenants


async def every(tx: Connection) -> list[App]:
    """All apps and services, by name."""
    return [_app(row) for row in await tx.fetch("SELECT * FROM access.client ORDER BY name")]


async def find(tx: Connection, name: str) -> App:
    """The app of this name, in whatever state; raises UnknownApp."""
    name = folded(name)
    row = await tx.fetchrow("SELECT * FROM access.client WHERE name = $1", name if LOGIN.match(name) else "")
    if row is None:
        raise UnknownApp(name[:64] if name.isprintable() else "")
    return _app(row)


async def register(
    tx: Connection,
    now: datetime,
    name: str,
    wanted: Wanted,
    *,
    hosts: Collection[str] = (),
    by: By = BY_NOBODY_TOLD,
) -> str | None:
    """Register an app; answers its secret, which is shown once and not kept, where it proves itself by one.

    `hosts` are those of the setting jwks_hosts.
    """
    name = folded(name)
    if not LOGIN.match(name):
        raise BadApp("A name has 2 to 32 of a-z 0-9 . _ -.", vi="Tên gồm 2 đến 32 ký tự a-z 0-9 . _ -.")
    keys = check(wanted, hosts)
    secret = None if wanted.public or keys or wanted.keys_url else secrets.made()
    digest = None if secret is None else secrets.digest(secret)
    if await _keep(tx, now, None, name, digest, "active", _values(wanted, keys), by) is None:
        raise BadApp(f"There is one named {name} already.", vi=f"Đã có ứng dụng {name}.")
    await by.tell(tx, "app-register", f"client:{name}")
    return secret


async def change(
    tx: Connection,
    now: datetime,
    name: str,
    wanted: Wanted,
    *,
    hosts: Collection[str] = (),
    by: By = BY_NOBODY_TOLD,
) -> str | None:
    """Change what an app may; what it was let do before ends. Answers a secret where it needs one and had none."""
    app = await find(tx, name)
    keys = check(wanted, hosts)
    needs_none = wanted.public or keys or wanted.keys_url
    secret = secrets.made() if not needs_none and app.secret is None else None
    kept = None if needs_none else app.secret if secret is None else secrets.digest(secret)
    await _keep(tx, now, app.id, app.name, kept, app.state, _values(wanted, keys), by)
    await _end(tx, now, app)
    await by.tell(tx, "app-change", f"client:{app.name}")
    return secret


async def renew_secret(tx: Connection, now: datetime, name: str, *, by: By = BY_NOBODY_TOLD) -> str:
    """Give an app a new secret; the old one and all its tokens end."""
    app = await find(tx, name)
    if app.proves != "client_secret":
        raise BadApp("It has no secret.", vi="Ứng dụng này không dùng bí mật.")
    secret = secrets.made()
    await _keep(tx, now, app.id, app.name, secrets.digest(secret), app.state, _same(app), by)
    await _end(tx, now, app)
    await by.tell(tx, "app-secret", f"client:{app.name}")
    return secret


async def disable(tx: Connection, now: datetime, name: str, *, by: By = BY_NOBODY_TOLD) -> None:
    """Close an app: it gets no more tokens, and what it was let do ends within two seconds."""
    app = await find(tx, name)
    await _keep(tx, now, app.id, app.name, app.secret, "disabled", _same(app), by)
    await _end(tx, now, app)
    await by.tell(tx, "app-disable", f"client:{app.name}")


async def enable(tx: Connection, now: datetime, name: str, *, by: By = BY_NOBODY_TOLD) -> None:
    """Open an app again; people let it in anew."""
    app = await find(tx, name)
    await _keep(tx, now, app.id, app.name, app.secret, "active", _same(app), by)
    await by.tell(tx, "app-enable", f"client:{app.name}")


def check(wanted: Wanted, hosts: Collection[str]) -> dict[str, Any] | None:
    """Refuse what no app may be; answers the keys it names."""
    if not wanted.title.strip() or not wanted.title.isprintable():
        raise BadApp("It has a name that people read.", vi="Cần có tên để hiển thị.")
    asked = wanted.scope.split()
    if unknown := scopes.not_understood(wanted.scope):
        names = " ".join(unknown)[:200]
        raise BadApp(f"These scopes mean nothing: {names}.", vi=f"Không hiểu các phạm vi: {names}.")
    if not asked:
        raise BadApp("It has a scope.", vi="Cần có phạm vi.")
    for address in wanted.redirects:
        if not is_redirect(address):
            raise BadApp(
                f"People cannot be sent to {address[:200]}.",
                vi=f"Không gửi người dùng về {address[:200]} được.",
            )
    if wanted.launch_url and (not is_redirect(wanted.launch_url) or not wanted.launch_url.startswith("http")):
        raise BadApp("The launch address is https.", vi="Địa chỉ mở ứng dụng phải là https.")
    if wanted.public and (wanted.keys or wanted.keys_url):
        raise BadApp("A public app has no keys.", vi="Ứng dụng công khai không có khóa.")
    own = any(one.context == "system" for one in scopes.rights(wanted.scope)) or scopes.INTROSPECT in asked
    if wanted.public and (own or not wanted.redirects):
        raise BadApp(
            "A public app acts for people only: it has an address to send them back to, and no system scope.",
            vi="Ứng dụng công khai chỉ làm thay người dùng: cần địa chỉ quay về và không có phạm vi system.",
        )
    if wanted.keys and wanted.keys_url:
        raise BadApp("It has keys or an address of keys.", vi="Hoặc khóa, hoặc địa chỉ khóa.")
    if wanted.keys_url:
        parts = urlsplit(wanted.keys_url) if _ADDRESS.match(wanted.keys_url) else None
        known = {one.lower() for one in hosts}
        if parts is None or parts.scheme != "https" or "@" in parts.netloc or parts.hostname not in known:
            raise BadApp(
                "The address of keys is https at a host of the setting jwks_hosts.",
                vi="Địa chỉ khóa phải là https, tại máy khai ở thiết lập jwks_hosts.",
            )
    return _keys(wanted.keys) if wanted.keys else None


def is_redirect(address: str) -> bool:
    """Whether people may be sent there: whole, https or this very machine or an app's own scheme, without a fragment."""
    if not _ADDRESS.match(address) or any(sign in address for sign in "#\\*<>\"'"):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host) and "@" not in parts.netloc
    if parts.scheme == "http":
        return host in LOOPBACK and "@" not in parts.netloc
    return bool(_OWN_SCHEME.match(parts.scheme)) and parts.scheme == address.partition(":")[0]


def _keys(text: str) -> dict[str, Any]:
    """The keys of a JWKS, public ones that may sign; raises BadApp."""
    try:
        found = msgspec.json.decode(text)
        keys = found["keys"]
        right = bool(keys) and all(is_key(one) for one in keys)
    except (msgspec.DecodeError, TypeError, KeyError):
        right = False
    if not right:
        raise BadApp(
            "A JWKS holds public keys with a kid: RSA of 2048 bits or more, or EC of P-256, P-384 or P-521.",
            vi="JWKS gồm các khóa công khai có kid: RSA từ 2048 bit hoặc EC P-256, P-384, P-521.",
        )
    return {"keys": keys}


def is_key(one: Any) -> bool:
    """Whether this is a public key that assertions may be checked with."""
    if not isinstance(one, dict) or "d" in one or not isinstance(one.get("kid"), str) or not one["kid"]:
        return False
    if one.get("use", "sig") != "sig":
        return False
    if one.get("kty") == "RSA":
        return (
            isinstance(one.get("n"), str) and isinstance(one.get("e"), str) and len(one["n"]) * 6 >= LEAST_RSA
        )
    return (
        one.get("kty") == "EC" and one.get("crv") in CURVES and all(isinstance(one.get(n), str) for n in "xy")
    )


async def _keep(
    tx: Connection,
    now: datetime,
    number: int | None,
    name: str,
    secret: bytes | None,
    state: str,
    values: tuple[Any, ...],
    by: By,
) -> int | None:
    """Write an app's row, which only who may can do (store/schema/72_oauth.sql); None where the name is taken."""
    try:
        kept: int | None = await tx.fetchval(
            "SELECT access.keep_client($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12, $13)",
            number,
            name,
            secret,
            state,
            now,
            *values,
            by.number,
        )
    except asyncpg.InsufficientPrivilegeError as exc:
        raise NotTheirApp(name) from exc
    return kept


async def _end(tx: Connection, now: datetime, app: App) -> None:
    """End all that an app was let do, and its own tokens."""
    await tx.execute(
        "UPDATE access.app_grant SET revoked = $2 WHERE client = $1 AND revoked IS NULL", app.id, now
    )
    await tx.execute(
        "UPDATE access.token SET revoked = $2 WHERE client = $1 AND revoked IS NULL", app.id, now
    )


def _values(wanted: Wanted, keys: dict[str, Any] | None) -> tuple[Any, ...]:
    return (
        wanted.title.strip(),
        " ".join(dict.fromkeys(wanted.scope.split())),
        list(wanted.redirects),
        None if keys is None else msgspec.json.encode(keys).decode(),
        wanted.keys_url or None,
        wanted.launch_url or None,
        None if wanted.tenants is None else list(wanted.tenants),
    )


def _same(app: App) -> tuple[Any, ...]:
    """What is kept of an app as it is."""
    wanted = Wanted(
        app.title,
        app.scope,
        app.redirects,
        keys_url=app.keys_url or "",
        launch_url=app.launch_url or "",
        tenants=None if app.tenants is None else tuple(sorted(app.tenants)),
    )
    return _values(wanted, app.keys)


def _app(row: Record) -> App:
    return App(
        id=row["id"],
        name=row["name"],
        title=row["title"],
        scope=row["scope"],
        redirects=tuple(row["redirects"]),
        keys=None if row["keys"] is None else msgspec.json.decode(row["keys"]),
        keys_url=row["keys_url"],
        launch_url=row["launch_url"],
        tenants=None if row["tenants"] is None else frozenset(row["tenants"]),
        state=row["state"],
        created=row["created"],
        last_use=row["last_use"],
        secret=row["secret"],
    )
