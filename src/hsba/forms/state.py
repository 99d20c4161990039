"""Where a part stands: which items are asked, what is calculated, what is wrong and what is missing.

Step 1 what is calculated, in the order in which one waits for another - step 2 what is asked - step 3 what is missing,
outside the usual, or against a check of the form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.fhir import fhirpath
from hsba.fhir.fhirpath.values import Moment, of_datetime, read_date, read_date_time, read_time
from hsba.forms import conditions
from hsba.forms.answers import Answers, asked_in, held_by
from hsba.forms.model import ANSWERED
from hsba.forms.source import names
from hsba.forms.typed import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from hsba.forms.model import Form, Item, Part

READ = {"date": read_date, "datetime": read_date_time, "time": read_time}


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say of an item, in both languages; what `stops` keeps the part from being completed."""

    item: str
    say: str
    en: str
    stops: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """A part with its answers worked through."""

    answers: Answers
    """Those given and those calculated."""
    asked: frozenset[str]
    """The items that are asked: no condition hides them."""
    notes: tuple[Note, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether nothing stops it from being completed."""
        return not any(note.stops for note in self.notes)


def work(
    form: Form,
    part: Part,
    answers: Mapping[str, Any],
    others: Mapping[str, Any],
    now: datetime,
    zone: ZoneInfo,
) -> State:
    """Work a part through; `others` are the answers of the sheet's other parts, which it may ask but not change."""
    held: Answers = {**others, **answers}
    local = now.astimezone(zone)
    kinds = {item.id: item for item in form.walk()}
    for item in _in_order(form, part.id):
        if item.value:
            held[item.id] = _calculated(item, held, kinds, local)
    asked = frozenset(id_ for one in form.parts for id_ in _asked(one.items, held))
    mine = list(held_by(form, part.id))
    own = {item.id for item in mine}
    notes = [*_notes(mine, held, asked), *_checks(form, held, asked, own, kinds, local)]
    return State({id_: held[id_] for id_ in held if id_ in own or id_ in answers}, asked, tuple(notes))


def _in_order(form: Form, part: str) -> list[Item]:
    """The calculated items, each after those that it asks."""
    waiting = {item.id: item for item in form.entry(part) if item.value}
    made: list[Item] = []
    while waiting:
        ready = [item for item in waiting.values() if not (names(item.value) & waiting.keys()) - {item.id}]
        if not ready:
            break  # a circle, which no form that was read has
        made += [waiting.pop(item.id) for item in ready]
    return made


def _calculated(item: Item, held: Mapping[str, Any], kinds: Mapping[str, Item], now: datetime) -> Any:
    found = _evaluate(item.value, held, kinds, now)
    if not found:
        return None
    value = found[0]
    if item.kind == "integer" and isinstance(value, int | Decimal):
        return int(value)
    if item.kind == "number" and isinstance(value, int | Decimal) and not isinstance(value, bool):
        digits = 1 if item.decimals is None else item.decimals
        return Decimal(value).quantize(Decimal(1).scaleb(-digits))
    return str(value) if isinstance(value, Moment) else value


def _evaluate(
    expression: str, held: Mapping[str, Any], kinds: Mapping[str, Item], now: datetime
) -> list[Any]:
    variables: dict[str, Any] = {"today": read_date(now.date().isoformat()), "now": of_datetime(now)}
    for name in names(expression) - variables.keys():
        variables[name] = _variable(name, held, kinds)
    try:
        return fhirpath.compile(expression).evaluate({}, variables=variables)
    except fhirpath.EvaluationFailed:
        return []  # such as a division by what is not there yet


def _variable(name: str, held: Mapping[str, Any], kinds: Mapping[str, Item]) -> list[Any]:
    if name in held:
        values = held[name] if isinstance(held[name], list) else [held[name]]
    else:  # a column: the values of all rows
        values = [
            row.get(name)
            for rows in held.values()
            if isinstance(rows, list)
            for row in rows
            if isinstance(row, dict)
        ]
    item = kinds.get(name)
    rows = item is not None and item.kind == "table"
    made = (
        _moment(item, value)
        for value in values
        if value is not None and not isinstance(value, Wrong) and not (rows and isinstance(value, dict))
    )
    return [value for value in made if value is not None]


def _moment(item: Item | None, value: Any) -> Any:
    read = READ.get(item.kind) if item else None
    found: Moment | None = read(str(value)) if read else None
    return found if read else value


def _asked(items: Iterable[Item], held: Mapping[str, Any]) -> Iterable[str]:
    for item in items:
        if conditions.holds(item.when, held):
            yield item.id
            if item.kind == "table" and item.fixed:
                yield from (cell.id for cell in asked_in((item,)))
            else:
                yield from _asked(item.children(), held)


def _notes(items: Iterable[Item], held: Mapping[str, Any], asked: frozenset[str]) -> Iterable[Note]:
    for item in items:
        if item.id not in asked:
            continue
        if item.repeats:
            for number, row in enumerate(held.get(item.id) or (), 1):
                for column in item.items:
                    yield from _note(column, row.get(column.id), f"{item.id}.{number - 1}.{column.id}")
        else:
            yield from _note(item, held.get(item.id), item.id)


def _note(item: Item, value: Any, place: str) -> Iterable[Note]:
    if isinstance(value, Wrong):
        yield Note(place, value.say, value.en)
    elif value in (None, "", []):
        if item.required and not item.readonly:
            yield Note(place, "Còn thiếu.", "Missing.")
    elif item.usual and isinstance(value, int | Decimal) and not item.usual[0] <= value <= item.usual[1]:
        yield Note(
            place,
            "Ngoài khoảng thường gặp; kiểm tra lại.",
            "Outside the usual range; look again.",
            stops=False,
        )


def _checks(
    form: Form,
    held: Mapping[str, Any],
    asked: frozenset[str],
    own: set[str],
    kinds: Mapping[str, Item],
    now: datetime,
) -> Iterable[Note]:
    for check in form.checks:
        if own.isdisjoint(check.items) or not asked.intersection(check.items):
            continue
        if _evaluate(check.that, held, kinds, now) == [False]:
            place = next(name for name in check.items if name in own)
            yield Note(place, check.say, check.en, check.stops)


def answerable(form: Form, part: str) -> frozenset[str]:
    """The ids of a part's entry that take an answer from a person."""
    return frozenset(
        item.id
        for item in held_by(form, part)
        if not item.readonly and (item.kind in ANSWERED or item.repeats)
    )


def today(now: datetime, zone: ZoneInfo) -> date:
    """The day at the keeper's place."""
    return now.astimezone(zone).date()
