"""Which forms a keeper has: those of the program, and its own; every version that was ever in use can be found."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from hsba.fhir.problems import Conflict, NotFound
from hsba.forms import blocks, catalogue, source
from hsba.forms.lines import BadForm
from hsba.forms.model import BASE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from hsba.forms.model import Form
    from hsba.record.context import Context
    from hsba.store.pool import Connection


log = logging.getLogger("hsba.forms")


class UnknownForm(NotFound):
    """There is no such form here; look for it in the list of forms."""

    vi = "Không có biểu mẫu này; hãy tìm trong danh mục biểu mẫu."


class FormInUse(Conflict):
    """This version of the form is there and is never changed; give yours another version. Nothing was loaded."""

    vi = "Phiên bản này của biểu mẫu đã có và không bao giờ sửa; hãy đặt phiên bản khác cho mẫu đã sửa. Chưa nạp gì."


async def current(ctx: Context) -> Mapping[str, Form]:
    """The forms that a sheet may be begun with today, by slug: the newest of each, a keeper's own before ours."""
    today = ctx.clock.now().astimezone(ctx.tenant.zone).date()
    rows = await ctx.tx.fetch(
        "SELECT slug, version, source, retired IS NOT NULL AS retired FROM record.form WHERE tenant = $1"
        " ORDER BY loaded, version",
        ctx.tenant.id,
    )
    made = {form.slug: form for form in catalogue.every() if _valid(form, today)}
    for row in rows:
        try:
            form = _read(row["source"])
        except BadForm:  # names a fact that this release has not: nothing new is begun with it
            log.exception("form not read", extra={"form": row["slug"], "version": row["version"]})
            continue
        if _valid(form, today) and not row["retired"]:
            made[form.slug] = form
        elif row["retired"] and made.get(form.slug) == form:
            del made[form.slug]
    return made


async def every(ctx: Context) -> list[Form]:
    """Every version of every form that can be found here, those out of use too."""
    rows = await ctx.tx.fetch(
        "SELECT source FROM record.form WHERE tenant = $1 ORDER BY loaded, version", ctx.tenant.id
    )
    made = list(catalogue.every())
    for row in rows:
        try:
            made.append(_read(row["source"]))
        except BadForm:
            log.exception("form not read")
    return made


async def find(ctx: Context, slug: str, version: str = "") -> Form:
    """A form by its slug: the version named, even a retired one, or that in use today; UnknownForm otherwise."""
    if not version:
        found = (await current(ctx)).get(slug)
    else:
        row = await ctx.tx.fetchval(
            "SELECT source FROM record.form WHERE tenant = $1 AND slug = $2 AND version = $3",
            ctx.tenant.id,
            slug,
            version,
        )
        found = _read(row) if row else _shipped(slug, version)
    if found is None:
        raise UnknownForm(f"{slug} {version}".strip())
    return found


async def of(ctx: Context, canonical: str) -> Form:
    """The form that a QuestionnaireResponse names: `…/Questionnaire/17-BV1|1`."""
    url, _, version = canonical.partition("|")
    if not url.startswith(BASE):
        raise UnknownForm(canonical)
    return await find(ctx, url.removeprefix(BASE), version)


async def load(tx: Connection, tenant: int, text: str, file: str, account: str) -> tuple[Form, bool]:
    """Keep a version of a keeper's form, and whether it is new; BadForm or FormInUse, and nothing is kept."""
    whole = blocks.expanded(text, file, catalogue.library())
    form = source.load(text, file, catalogue.library())
    shipped = _shipped(form.slug, form.version)
    before = await tx.fetchval(
        "SELECT source FROM record.form WHERE tenant = $1 AND slug = $2 AND version = $3",
        tenant,
        form.slug,
        form.version,
    )
    if shipped is not None or (before is not None and before != whole):
        raise FormInUse(f"{form.code}, {form.version}.")
    if before is None:
        await tx.execute(
            "INSERT INTO record.form (tenant, slug, version, source, account) VALUES ($1, $2, $3, $4, $5)",
            tenant,
            form.slug,
            form.version,
            whole,
            account,
        )
    return form, before is None


async def retire(tx: Connection, tenant: int, slug: str, version: str) -> None:
    """No new sheet is begun with this version from now on; UnknownForm where the keeper has none such."""
    done = await tx.execute(
        "UPDATE record.form SET retired = now() WHERE tenant = $1 AND slug = $2 AND version = $3 AND retired IS NULL",
        tenant,
        slug,
        version,
    )
    if done != "UPDATE 1":
        raise UnknownForm(f"{slug} {version}".strip())


def written(form: Form) -> str:
    """A form as a file that can be changed and loaded again under another version."""
    return blocks.expanded(form.text, f"{form.slug}.yaml", catalogue.library())


def _shipped(slug: str, version: str) -> Form | None:
    return next((one for one in catalogue.every() if (one.slug, one.version) == (slug, version)), None)


def _valid(form: Form, today: date) -> bool:
    return (form.valid_from is None or form.valid_from <= today) and (
        form.valid_to is None or today <= form.valid_to
    )


@lru_cache(maxsize=512)
def _read(text: str) -> Form:
    return source.load(text, "form", catalogue.library())
