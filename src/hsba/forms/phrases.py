"""What people write again and again: phrases behind a short word (`;sot`), and answers that a part is begun with.

Each belongs to the account that wrote it, or to a department, where whoever is on duty there may use and change it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hsba.access.rights.policy import RolePolicy
from hsba.fhir import json
from hsba.fhir.fold import fold
from hsba.fhir.problems import BadRequest, Conflict, Forbidden, NotFound
from hsba.forms.answers import from_response, to_items
from hsba.forms.state import answerable
from hsba.forms.typed import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsba.forms.answers import Answers
    from hsba.forms.model import Form
    from hsba.record.context import Context

SHORT = re.compile(r"[^\W_][\w-]{0,19}")
"""A word of letters and digits."""
LONGEST = 10_000
"""Characters of a phrase."""
MOST = 1_000
"""Phrases, and templates, of one account or one department."""
OFFERED = 20


class NotAPhrase(BadRequest):
    """A phrase has a short word of up to 20 letters and digits, and its words; nothing was saved."""

    vi = "Câu mẫu cần một chữ tắt (tối đa 20 chữ cái, chữ số) và nội dung; chưa lưu gì."


class NotADraftOfIt(BadRequest):
    """A template has a name, and answers of a part of a form; nothing was saved."""

    vi = "Mẫu điền sẵn cần có tên và nội dung của một phần biểu mẫu; chưa lưu gì."


class TooManyPhrases(Conflict):
    """There are as many as can be found again; delete some first. Nothing was saved."""

    vi = "Đã có quá nhiều mẫu; hãy xóa bớt rồi lưu lại. Chưa lưu gì."


class NotYourDepartment(Forbidden):
    """Only who is on duty in a department changes what it shares; nothing was changed."""

    vi = "Chỉ người đang làm việc tại khoa mới sửa được mẫu chung của khoa; chưa thay đổi gì."


class NoSuchPhrase(NotFound):
    """There is no such phrase or template of yours."""

    vi = "Không có mẫu này."


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words behind a short word, for one question or for all; of a department or the reader's own."""

    id: int
    short: str
    words: str
    item: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Answers that a part of a form can be begun with."""

    id: int
    name: str
    form: str
    part: str
    department: str = ""


def departments(ctx: Context) -> tuple[str, ...]:
    """Where the caller is on duty."""
    return ctx.policy.person.departments if isinstance(ctx.policy, RolePolicy) else ()


# --- phrases -----------------------------------------------------------------------------------------------


async def offered(ctx: Context, begun: str = "", item: str = "", most: int = OFFERED) -> list[Phrase]:
    """What a short word that is being typed may stand for in a field: the caller's own first, accents do not matter."""
    found = [
        one for one in await every(ctx) if one.item in ("", item) and fold(one.short).startswith(fold(begun))
    ]
    seen: set[str] = set()
    made = []
    for one in sorted(found, key=lambda each: (each.short, bool(each.department), not each.item)):
        if one.short not in seen:
            seen.add(one.short)
            made.append(one)
    return made[:most]


async def every(ctx: Context) -> list[Phrase]:
    """The caller's own phrases and those of the departments where he is on duty, by their short words."""
    rows = await ctx.tx.fetch(
        "SELECT id, short, words, item, coalesce(department, '') FROM record.phrase"
        " WHERE tenant = $1 AND (account = $2 OR department = ANY ($3::text[])) ORDER BY short, item, id",
        ctx.tenant.id,
        ctx.actor.account,
        list(departments(ctx)),
    )
    return [Phrase(*row) for row in rows]


async def keep(
    ctx: Context, short: str, words: str, *, item: str = "", department: str | None = None
) -> Phrase:
    """Keep a phrase under a short word; what stood there before is replaced."""
    short, words = clean(short, lines=False).lower().removeprefix(";"), clean(words, lines=True)
    if not SHORT.fullmatch(short) or not words.strip() or len(words) > LONGEST or len(item) > 200:
        raise NotAPhrase
    _may(ctx, department)
    await _room(ctx, "record.phrase", department)
    row = await ctx.tx.fetchrow(
        "INSERT INTO record.phrase (tenant, account, department, short, item, words, author, saved)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        f" ON CONFLICT (tenant, {_owner(department)}, short, item) WHERE {_owner(department)} IS NOT NULL"
        " DO UPDATE SET words = $6, author = $7, saved = $8 RETURNING id",
        ctx.tenant.id,
        None if department else ctx.actor.account,
        department,
        short,
        item,
        words,
        ctx.actor.account,
        ctx.clock.now(),
    )
    return Phrase(row["id"], short, words, item, department or "")


async def drop(ctx: Context, id: int) -> None:
    """Take a phrase away; NoSuchPhrase where it is not the caller's or his department's."""
    await _drop(ctx, "record.phrase", id)


# --- templates ---------------------------------------------------------------------------------------------


async def templates(ctx: Context, form: str, part: str) -> list[Template]:
    """What a part of a form can be begun with: the caller's own first, then those of his departments."""
    rows = await ctx.tx.fetch(
        "SELECT id, name, form, part, coalesce(department, '') FROM record.form_template"
        " WHERE tenant = $1 AND form = $2 AND part = $3 AND (account = $4 OR department = ANY ($5::text[]))"
        " ORDER BY account IS NULL, name, id",
        ctx.tenant.id,
        form,
        part,
        ctx.actor.account,
        list(departments(ctx)),
    )
    return [Template(*row) for row in rows]


async def keep_template(
    ctx: Context,
    form: Form,
    part: str,
    name: str,
    answers: Mapping[str, Any],
    *,
    department: str | None = None,
) -> Template:
    """Keep answers under a name; what the record tells of a patient is never kept with them."""
    name = clean(name, lines=False)
    mine = answerable(form, part) - {item.id for item in form.entry(part) if item.copy}
    items = to_items(form, part, {id_: value for id_, value in answers.items() if id_ in mine})
    if not name or len(name) > 100 or not items:
        raise NotADraftOfIt
    _may(ctx, department)
    await _room(ctx, "record.form_template", department)
    row = await ctx.tx.fetchrow(
        "INSERT INTO record.form_template (tenant, account, department, form, part, name, items, author, saved)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        f" ON CONFLICT (tenant, {_owner(department)}, form, part, name) WHERE {_owner(department)} IS NOT NULL"
        " DO UPDATE SET items = $7, author = $8, saved = $9 RETURNING id",
        ctx.tenant.id,
        None if department else ctx.actor.account,
        department,
        form.slug,
        part,
        name,
        json.dump({"item": items}).decode(),
        ctx.actor.account,
        ctx.clock.now(),
    )
    return Template(row["id"], name, form.slug, part, department or "")


async def answers_of(ctx: Context, id: int, form: Form) -> Answers:
    """The answers of a template, as far as this version of the form still asks them."""
    text = await ctx.tx.fetchval(
        "SELECT items FROM record.form_template WHERE tenant = $1 AND id = $2 AND form = $3"
        " AND (account = $4 OR department = ANY ($5::text[]))",
        ctx.tenant.id,
        id,
        form.slug,
        ctx.actor.account,
        list(departments(ctx)),
    )
    if text is None:
        raise NoSuchPhrase
    return from_response(form, json.parse(text.encode()))


async def drop_template(ctx: Context, id: int) -> None:
    """Take a template away; NoSuchPhrase where it is not the caller's or his department's."""
    await _drop(ctx, "record.form_template", id)


# --- what both share ---------------------------------------------------------------------------------------


def _owner(department: str | None) -> str:
    return "department" if department else "account"


def _may(ctx: Context, department: str | None) -> None:
    if department and department not in departments(ctx):
        raise NotYourDepartment


async def _room(ctx: Context, table: str, department: str | None) -> None:
    count = await ctx.tx.fetchval(
        f"SELECT count(*) FROM {table} WHERE tenant = $1 AND {_owner(department)} = $2",
        ctx.tenant.id,
        department or ctx.actor.account,
    )
    if count >= MOST:
        raise TooManyPhrases


async def _drop(ctx: Context, table: str, id: int) -> None:
    done = await ctx.tx.execute(
        f"DELETE FROM {table} WHERE tenant = $1 AND id = $2 AND (account = $3 OR department = ANY ($4::text[]))",
        ctx.tenant.id,
        id,
        ctx.actor.account,
        list(departments(ctx)),
    )
    if done != "DELETE 1":
        raise NoSuchPhrase
