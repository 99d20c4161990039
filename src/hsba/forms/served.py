"""Questionnaires of the forms that are here, beside those that a keeper saved: read by id, searched by what names a form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from hsba.fhir import json
from hsba.fhir.fold import fold
from hsba.fhir.problems import Conflict
from hsba.fhir.query import expression as e
from hsba.forms import shelf
from hsba.forms.checking import is_ours_by_url
from hsba.forms.questionnaire import id_of, questionnaire
from hsba.store.resources import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hsba.forms.model import Form
    from hsba.record.consequences import Consequences
    from hsba.record.context import Context
    from hsba.record.owned import Shelf

Resource = dict[str, Any]
TYPE = "Questionnaire"
NO_KEY = -1
"""Stands for the number of a row that no table has."""
MOST = 2_000
"""Questionnaires that are kept ready."""
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
"""When a form counts as recorded that does not say from when it is valid."""


class OfTheProgram(Conflict):
    """A form of this house is loaded from its file (`hsba forms load`), not written as a Questionnaire; nothing was saved."""

    vi = "Biểu mẫu của hệ thống được nạp từ tệp (`hsba forms load`), không ghi thẳng Questionnaire; chưa lưu gì."


class _CannotTell(Exception):
    """A question that is not about what is known of a form."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A form as it is asked about and served."""

    content: Resource
    body: str
    recorded: datetime


class Questionnaires:
    """The forms as Questionnaires, each made once."""

    def __init__(self) -> None:
        """Make none yet."""
        self._made: dict[tuple[str, bool], _Made] = {}

    async def read(self, ctx: Context, id: str) -> Stored | None:
        """The form of that id; None where it is none of ours."""
        current = await shelf.current(ctx)
        for form in await shelf.every(ctx):
            if id_of(form) == id:
                return _stored(ctx, self._of(form, current))
        return None

    async def search(self, ctx: Context, where: e.Expression) -> list[Stored]:
        """The forms that fit; of a question about something else none."""
        current = await shelf.current(ctx)
        try:
            made = (self._of(form, current) for form in await shelf.every(ctx))
            found = [one for one in made if _fits(where, one.content)]
        except _CannotTell:
            return []
        return [_stored(ctx, one) for one in sorted(found, key=lambda one: str(one.content["id"]))]

    def _of(self, form: Form, current: Mapping[str, Form]) -> _Made:
        in_use = form.slug in current and current[form.slug].version == form.version
        key = (form.text, in_use)
        if key not in self._made:
            if len(self._made) >= MOST:
                self._made.clear()
            self._made[key] = _make(form, in_use=in_use)
        return self._made[key]

    async def follow(self, ctx: Context, id: str, before: Resource | None, after: Resource | None) -> None:  # noqa: ARG002
        """Refuse a Questionnaire that takes the address of a form."""
        if after is None:
            return
        taken = any(id_of(form) == id for form in await shelf.every(ctx))
        if taken or is_ours_by_url(str(after.get("url", ""))):
            raise OfTheProgram(str(after.get("url", id)))


_QUESTIONNAIRES = Questionnaires()
SHELVES: dict[str, Shelf] = {TYPE: _QUESTIONNAIRES}
CONSEQUENCES: dict[str, Consequences] = {TYPE: _QUESTIONNAIRES}


def _make(form: Form, *, in_use: bool) -> _Made:
    recorded = datetime.combine(form.valid_from, time(), UTC) if form.valid_from else BEGINNING
    meta = {"versionId": "1", "lastUpdated": recorded.isoformat(timespec="milliseconds")}
    content = questionnaire(form) | ({} if in_use else {"status": "retired"})
    body = json.dump({"resourceType": TYPE, "id": content["id"], "meta": meta, **content}).decode()
    return _Made(content, body, recorded)


def _stored(ctx: Context, made: _Made) -> Stored:
    number = ctx.registry.type_id(TYPE)
    return Stored(NO_KEY, number, made.content["id"], 1, made.recorded, deleted=False, body=made.body)


# --- search ------------------------------------------------------------------------------------------------


def _fits(where: e.Expression, made: Resource) -> bool:
    """Whether a form fits a question."""
    match where:
        case e.Everything():
            return True
        case e.And(parts):
            return all(_fits(part, made) for part in parts)
        case e.Or(parts):
            return any(_fits(part, made) for part in parts)
        case e.Not(part):
            return not _fits(part, made)
        case e.Ids(ids):
            return made["id"] in ids
        case e.Match(code, test) if code in PARAMETERS:
            return PARAMETERS[code](made, test)
    raise _CannotTell


def _url(made: Resource, test: e.Test) -> bool:
    if not isinstance(test, e.Uri) or test.how == "above":
        raise _CannotTell
    return made["url"] == test.value or (test.how == "below" and str(made["url"]).startswith(test.value))


def _token(name: str) -> Callable[[Resource, e.Test], bool]:
    def fits(made: Resource, test: e.Test) -> bool:
        if not isinstance(test, e.Token):
            raise _CannotTell
        values = made.get(name, ())
        codes = values if isinstance(values, list | tuple) else [values]
        return any(
            test.code in (None, one["value"]) and test.system in (None, one["system"])
            if isinstance(one, dict)
            else one == test.code
            for one in codes
        )

    return fits


def _text(name: str) -> Callable[[Resource, e.Test], bool]:
    def fits(made: Resource, test: e.Test) -> bool:
        if not isinstance(test, e.Text):
            raise _CannotTell
        told = str(made.get(name, ""))
        if test.how == "exact":
            return told == test.text
        told, asked = fold(told), fold(test.text)
        return (
            told.startswith(asked)
            if test.how == "starts"
            else told == asked
            if test.how == "equals"
            else asked in told
        )

    return fits


PARAMETERS: dict[str, Callable[[Resource, e.Test], bool]] = {
    "url": _url,
    "identifier": _token("identifier"),
    "status": _token("status"),
    "subject-type": _token("subjectType"),
    "version": _token("version"),
    "name": _text("name"),
    "publisher": _text("publisher"),
    "title": _text("title"),
}
"""The search parameters that are answered of forms."""
