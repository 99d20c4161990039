"""The first answer to a write that carried an Idempotency-Key; a repeat gets the same and changes nothing.

The answer is kept in the transaction of the write, so that it is there exactly when the write is.  Of two equal
requests at the same moment the slower fails on the primary key, is tried again by the door, and then finds it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from hsba.fhir import json, xml
from hsba.fhir.problems import BadRequest, Unprocessable

if TYPE_CHECKING:
    from datetime import datetime

    from hsba.record.context import Context
    from hsba.store.pool import Connection

LONGEST_KEY = 255


class KeyReused(Unprocessable):
    """This Idempotency-Key was used for another request; nothing was changed."""

    code = "conflict"
    vi = "Idempotency-Key này đã dùng cho yêu cầu khác; chưa thay đổi gì."


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was given: status, headers and body text."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


def digest(method: str, address: str, body: bytes) -> bytes:
    """What makes two requests the same: method, address and body."""
    parts = hashlib.sha256(f"{method} {address}\n".encode())
    parts.update(body)
    return parts.digest()


async def find(ctx: Context, key: str, request: bytes) -> Answer | None:
    """The answer already given to this account under this key; refuses (422) a key used for something else."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise BadRequest(
            f"An Idempotency-Key has 1 to {LONGEST_KEY} characters.",
            vi=f"Idempotency-Key dài từ 1 đến {LONGEST_KEY} ký tự.",
        )
    row = await ctx.tx.fetchrow(
        "SELECT request, status, headers, body FROM record.idempotency"
        " WHERE tenant = $1 AND account = $2 AND key = $3",
        ctx.tenant.id,
        ctx.actor.account,
        key,
    )
    if row is None:
        return None
    if row["request"] != request:
        raise KeyReused
    await ctx.trail.add(ctx, "replay", None, _shown(ctx, row["body"]))
    return Answer(row["status"], msgspec.json.decode(row["headers"], type=dict[str, str]), row["body"])


def _shown(ctx: Context, body: str | None) -> list[tuple[str, str]]:
    """Type and id of what an answer shows again: of the resource in it, or of each in its bundle."""
    if not body or body[0] not in "{<":
        return []
    content = json.parse(body.encode()) if body[0] == "{" else xml.parse(body.encode(), ctx.definitions)
    stored = "versionId" in content.get("meta", {})
    some = [content] if stored else [entry.get("resource", {}) for entry in content.get("entry", ())]
    return [(one["resourceType"], one["id"]) for one in some if "id" in one]


async def keep(ctx: Context, key: str, request: bytes, answer: Answer) -> None:
    """Keep the answer with the write it answers."""
    await ctx.tx.execute(
        "INSERT INTO record.idempotency (tenant, account, key, request, status, headers, body, kept)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        ctx.tenant.id,
        ctx.actor.account,
        key,
        request,
        answer.status,
        msgspec.json.encode(answer.headers).decode(),
        answer.body,
        ctx.clock.now(),
    )


async def expire(tx: Connection, tenant: int, before: datetime) -> int:
    """Forget the answers of a tenant that were kept before a time; returns how many."""
    done: str = await tx.execute(
        "DELETE FROM record.idempotency WHERE tenant = $1 AND kept < $2", tenant, before
    )
    return int(done.rpartition(" ")[2])
