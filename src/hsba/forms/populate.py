"""What the record knows already, put into a form before anybody types: facts by name, and the items that they fill.

Step 1 the resources at hand are read once - step 2 equal searches are asked once - step 3 each fact's path is taken of
them - step 4 the items `from` and `copy` get them as their kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from hsba.fhir import fhirpath, json
from hsba.fhir.problems import Forbidden, Gone, NotFound
from hsba.fhir.query.parse import parse_search
from hsba.forms import catalogue
from hsba.forms.answers import Answers, from_response, held_by, part_of
from hsba.forms.state import answerable
from hsba.record import interactions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from zoneinfo import ZoneInfo

    from hsba.forms.model import Form, Item
    from hsba.record.context import Context

Resource = dict[str, Any]
VALID: dict[str, tuple[tuple[str, str], ...]] = {
    "AllergyIntolerance": (("verification-status:not", "entered-in-error"),),
    "Condition": (("verification-status:not", "entered-in-error"),),
    "MedicationAdministration": (("status:not", "entered-in-error"),),
    "MedicationRequest": (("status:not", "entered-in-error"),),
    "Observation": (("status:not", "entered-in-error"), ("status:not", "cancelled")),
    "Procedure": (("status:not", "entered-in-error"),),
}
"""What no fact is taken of: by type, what a search leaves out."""
Facts = dict[str, list[Any]]

HIGHEST = 5
"""Organizations that are climbed from a department to its facility."""
ROWS = 200
"""Resources that a fact may be taken of, where its search does not say."""


# --- facts of the record -----------------------------------------------------------------------------------


def wanted(form: Form, part: str | None = None, *, alone: bool = False) -> frozenset[str]:
    """The facts that an entry of a part takes from the record; of the whole form and its head without one.

    With `alone` only those that it shows and does not copy (`owned`).
    """
    if part is not None:
        items: Iterable[Item] = held_by(form, part)
    else:
        items = (
            item for side in (form.head.left, form.head.middle, form.head.right, form.walk()) for item in side
        )
    named = (item.source or ("" if alone else item.copy) for item in items)
    return frozenset(name for name in named if name)


async def gather(
    ctx: Context,
    patient: str,
    encounter: str,
    names: frozenset[str],
    given: Mapping[str, Resource] | None = None,
) -> Facts:
    """The facts of these names about a patient in a stay; `given` are resources that the caller has at hand.

    What the caller's rights do not show is not there; that the patient and the stay may be seen is asked first.
    """
    at_hand = _AtHand(ctx, patient, encounter, dict(given or {}))
    known = catalogue.facts()
    facts: Facts = {}
    for name in sorted(names):
        if (fact := known.get(name)) is not None and (values := await at_hand.fact(fact)):
            facts[name] = values
    return facts


@dataclass(slots=True)
class _AtHand:
    """What was read so far for one sheet."""

    ctx: Context
    patient: str
    encounter: str
    read: dict[str, Resource | None]
    searched: dict[str, list[Resource]] = field(default_factory=dict)

    async def fact(self, fact: Mapping[str, Any]) -> list[Any]:
        """The values of a fact; of one with columns its rows."""
        if "search" in fact:
            found = await self.search(str(fact["search"]))
        else:
            one = await self.resource(str(fact["of"]))
            found = [] if one is None else [one]
        if not found:
            return []
        if "columns" in fact:
            return self.rows(fact, found)
        return self.values(str(fact["path"]), found)

    def values(self, path: str, found: list[Resource]) -> list[Any]:
        ctx = self.ctx
        try:
            return _compiled(path).evaluate(
                found[0],
                definitions=ctx.definitions,
                variables={"found": found},
                clock=lambda: ctx.clock.now().astimezone(ctx.tenant.zone).replace(microsecond=0),
            )
        except fhirpath.EvaluationFailed:
            return []  # such as first() of what should be one and is two

    def rows(self, fact: Mapping[str, Any], found: list[Resource]) -> list[Any]:
        """A row for each resource, or for all of those for which `by` gives the same."""
        groups: dict[str, list[Resource]] = {}
        for number, one in enumerate(found):
            key = str(self.values(str(fact["by"]), [one])) if "by" in fact else str(number)
            groups.setdefault(key, []).append(one)
        return [
            {
                column: values[0]
                for column, path in fact["columns"].items()
                if (values := self.values(str(path), group))
            }
            for group in groups.values()
        ]

    async def search(self, query: str) -> list[Resource]:
        """What a search finds now, in its order."""
        ids = {"{{%patient.id}}": self.patient, "{{%encounter.id}}": self.encounter}
        for place, id_ in ids.items():
            if place in query and not id_:
                return []
            query = query.replace(place, id_)
        if query not in self.searched:
            type_, _, words = query.partition("?")
            pairs = [*parse_qsl(words), *VALID.get(type_, ())]
            asked = parse_search(
                self.ctx.definitions,
                (type_,),
                pairs,
                zone=self.ctx.tenant.zone,
                strict=True,
                default_count=ROWS,
            )
            page = await interactions.search(self.ctx, asked)
            self.searched[query] = [json.stored(one.body or "") for one in page.matches]
        return self.searched[query]

    async def resource(self, name: str) -> Resource | None:
        """One of the resources at hand, read when it is asked for first."""
        if name not in self.read:
            self.read[name] = await READ[name](self) if name in READ else None
        return self.read[name]

    async def address(self, reference: Any) -> Resource | None:
        """What a reference leads to; None where that is nothing that may be seen."""
        type_, _, id_ = str((reference or {}).get("reference", "")).partition("/")
        if not id_ or "/" in id_ or type_ not in self.ctx.definitions.resource_types:
            return None
        try:
            return json.stored((await interactions.read(self.ctx, type_, id_)).body or "")
        except (NotFound, Gone, Forbidden):
            return None


async def _patient(at_hand: _AtHand) -> Resource | None:
    found = await interactions.read(at_hand.ctx, "Patient", at_hand.patient)
    return json.stored(found.body or "")


async def _encounter(at_hand: _AtHand) -> Resource | None:
    if not at_hand.encounter:
        return None
    found = await interactions.read(at_hand.ctx, "Encounter", at_hand.encounter)
    return json.stored(found.body or "")


async def _coverage(at_hand: _AtHand) -> Resource | None:
    """The insurance that holds on the first day of the stay, the one that lasts longest; without a stay, that lasts longest."""
    found = await at_hand.search("Coverage?beneficiary=Patient/{{%patient.id}}&status=active")
    encounter = await at_hand.resource("encounter")
    began = str((encounter or {}).get("period", {}).get("start", ""))[:10]

    def holds(one: Resource) -> tuple[bool, str]:
        period = one.get("period", {})
        end = str(period.get("end", "9999"))
        return str(period.get("start", ""))[:10] <= (began or "9999") and end[: len(began)] >= began, end

    return max(found, key=holds, default=None)


async def _department(at_hand: _AtHand) -> Resource | None:
    encounter = await at_hand.resource("encounter")
    return await at_hand.address((encounter or {}).get("serviceProvider"))


async def _facility(at_hand: _AtHand) -> Resource | None:
    """The organization at the top, over the department of the stay."""
    found = await at_hand.resource("department")
    for _ in range(HIGHEST):
        if found is None or _is_facility(found):
            break
        found = await at_hand.address(found.get("partOf")) or found
    return found


def _is_facility(organization: Resource) -> bool:
    """Whether it gives care under its own licence, and is no department of one that does."""
    return any(
        coding.get("code") == "prov"
        for type_ in organization.get("type", ())
        for coding in type_.get("coding", ())
    )


async def _dossier(at_hand: _AtHand) -> Resource | None:
    """The header of the stay's dossier."""
    found = await at_hand.search("Composition?encounter=Encounter/{{%encounter.id}}&category=dossier")
    return found[0] if found else None


READ: dict[str, Callable[[_AtHand], Awaitable[Resource | None]]] = {
    "patient": _patient,
    "encounter": _encounter,
    "coverage": _coverage,
    "department": _department,
    "facility": _facility,
    "dossier": _dossier,
}
"""What `of:` may name, and how it is found; `sheet` and `paper` are given by who asks."""


@cache
def _compiled(path: str) -> fhirpath.Compiled:
    return fhirpath.compile(f"%found.{path}")


# --- earlier entries ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Earlier:
    """An entry of the same part that was completed before: its resource's id, when, by whom, and what may be copied."""

    id: str
    authored: str
    author: str
    answers: Answers


async def previous(ctx: Context, form: Form, part: str, patient: str, encounter: str) -> Answers | None:
    """What the last completed entry of this part in the stay says, for who writes the next one."""
    found = await earlier(ctx, form, part, patient, encounter, most=1)
    return found[0].answers if found else None


async def earlier(
    ctx: Context, form: Form, part: str, patient: str, encounter: str, *, most: int = 20
) -> list[Earlier]:
    """The completed entries of this part in the stay, of whatever version of the form, the newest first."""
    query = (
        f"patient=Patient/{patient}&encounter=Encounter/{encounter}&questionnaire={form.url}"
        "&status=completed,amended&_sort=-authored"
    )
    asked = parse_search(
        ctx.definitions, ("QuestionnaireResponse",), parse_qsl(query), zone=ctx.tenant.zone, strict=True,
        default_count=ROWS,
    )  # fmt: skip
    page = await interactions.search(ctx, asked)
    mine = answerable(form, part)
    found: list[Earlier] = []
    for one in page.matches:
        response = json.stored(one.body or "")
        if part_of(response) == part and len(found) < most:
            answers = {id_: value for id_, value in from_response(form, response).items() if id_ in mine}
            author = response.get("author", {}).get("display", "")
            found.append(Earlier(one.id, response.get("authored", ""), author, answers))
    return found


# --- answers of a form -------------------------------------------------------------------------------------


def filled(form: Form, part: str, facts: Mapping[str, list[Any]], zone: ZoneInfo) -> Answers:
    """The answers that facts give to the entry of a part: those owned elsewhere, and those that fill it first."""
    return shown(held_by(form, part), facts, zone)


def owned(form: Form, part: str, facts: Mapping[str, list[Any]], zone: ZoneInfo) -> Answers:
    """The answers of the items alone that are owned elsewhere: they follow the record as long as an entry is a draft."""
    return shown((item for item in held_by(form, part) if item.source), facts, zone)


def head(form: Form, facts: Mapping[str, list[Any]], zone: ZoneInfo) -> Answers:
    """What stands over the title."""
    return shown((*form.head.left, *form.head.middle, *form.head.right), facts, zone)


def shown(items: Iterable[Item], facts: Mapping[str, list[Any]], zone: ZoneInfo) -> Answers:
    """The facts of some items as answers of their kind; what does not fit the kind is left out."""
    answers: Answers = {}
    for item in items:
        values = facts.get(item.source or item.copy)
        if not values:
            continue
        value = _rows(item, values, zone) if item.kind == "table" else _value(item, values, zone)
        if value not in (None, [], ""):
            answers[item.id] = value
    return answers


def _rows(table: Item, rows: Iterable[Any], zone: ZoneInfo) -> list[Answers]:
    """The rows of a table over resources: each column takes the one its fact names after the table's."""
    found = (
        {
            column.id: value
            for column in table.items
            if (told := row.get((column.source or column.copy).rpartition(".")[2])) is not None
            and (value := _value(column, [told], zone)) not in (None, [], "")
        }
        for row in rows
        if isinstance(row, dict)
    )
    return [row for row in found if row]


def _value(item: Item, values: list[Any], zone: ZoneInfo) -> Any:
    return _KINDS[item.kind](item, values, zone) if item.kind in _KINDS else None


def _text(item: Item, values: list[Any], zone: ZoneInfo) -> Any:  # noqa: ARG001 - all kinds are called alike
    text = "; ".join(dict.fromkeys(words for value in values if (words := _words(value))))
    return text.upper() if item.upper else text


def _words(value: Any) -> str:
    """A value as people say it: of a concept its text, else what its code means."""
    if isinstance(value, dict):
        codings = value.get("coding", ())
        said = (
            value.get("text"),
            value.get("display"),
            *(one.get("display") for one in codings),
            value.get("code"),
        )
        return next((str(one) for one in said if one), "")
    return str(value)


def _number(item: Item, values: list[Any], zone: ZoneInfo) -> Any:  # noqa: ARG001
    try:
        value = Decimal(str(values[0]))
    except InvalidOperation:
        return None
    return int(value) if item.kind == "integer" else value


def _date(item: Item, values: list[Any], zone: ZoneInfo) -> Any:  # noqa: ARG001
    text = str(values[0])
    return _local(text, zone)[:10] if "T" in text else text


def _datetime(item: Item, values: list[Any], zone: ZoneInfo) -> Any:  # noqa: ARG001
    text = str(values[0])
    return _local(text, zone) if "T" in text else None


def _time(item: Item, values: list[Any], zone: ZoneInfo) -> Any:  # noqa: ARG001
    text = str(values[0])
    text = _local(text, zone).partition("T")[2] if "T" in text else text
    return text[:5] if re.match(r"\d{2}:\d{2}", text) else None


def _local(text: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(text).astimezone(zone).isoformat(timespec="seconds")


def _one(item: Item, values: list[Any], zone: ZoneInfo) -> Any:
    return next(iter(_many(item, values, zone)), None)


def _many(item: Item, values: list[Any], zone: ZoneInfo) -> list[str]:  # noqa: ARG001
    """The options that values name: by their number on the paper, by what they mean, or by their words."""
    named = {name for value in values for name in _names(value)}
    return [
        option.code
        for option in item.options
        if option.code in named
        or (option.means and (option.system, option.means) in named)
        or option.label in named
    ]


def _names(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        codings = value.get("coding", [value] if "code" in value else [])
        return [(one.get("system", ""), one.get("code", "")) for one in codings]
    return [str(value)]


def _coded(item: Item, values: list[Any], zone: ZoneInfo) -> Any:
    """The Coding of a concept, with the words that were written where there are some."""
    value = values[0]
    if not isinstance(value, dict):
        return {"display": _text(item, values, zone)}
    coding = next(iter(value.get("coding", ())), value)
    display = value.get("text") or coding.get("display")
    made = {"system": coding.get("system"), "code": coding.get("code"), "display": display}
    return {key: one for key, one in made.items() if one} or None


def _tick(item: Item, values: list[Any], zone: ZoneInfo) -> Any:  # noqa: ARG001
    return bool(values[0])


_KINDS: dict[str, Callable[[Item, list[Any], ZoneInfo], Any]] = {
    "text": _text,
    "long": _text,
    "number": _number,
    "integer": _number,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "one": _one,
    "many": _many,
    "coded": _coded,
    "icd": _coded,
    "tick": _tick,
}
