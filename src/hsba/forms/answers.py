"""Answers: a mapping of item id to value, what is typed into it, and the QuestionnaireResponse that keeps it.

Values by kind: text and long str; number Decimal; integer int; date `2026-11-23` (or its month or year); time `07:45`;
datetime with offset; tick bool; one the option's code; many a list of them; coded and icd {system, code, display};
drawing {contentType, data}; a repeating table a list of mappings.  Cells of printed rows are `table.row.column`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.forms.model import ANSWERED
from hsba.forms.typed import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hsba.forms.model import Form, Item

SHEET = "http://fhir.hl7.org.vn/core/sid/sheet"
"""The system of a sheet's own id, which all its entries carry."""
PART = "http://fhir.hl7.org.vn/core/StructureDefinition/hsba-form-part"
"""The extension that names the part of the form an entry is."""
OPTIONS = "http://fhir.hl7.org.vn/core/CodeSystem/hsba-form-option"
"""The system of an option that means no code of its own: its code is `item.number`, as in `outcome.5`."""


Answers = dict[str, Any]


def cells(table: Item) -> Iterator[tuple[Item, str, str]]:
    """The cells of a table with printed rows: as items of their own, with the row's and the column's id."""
    for row in table.fixed:
        for column in table.items:
            if column.id not in row.without:
                yield (
                    replace(
                        column, id=f"{table.id}.{row.id}.{column.id}", label=f"{row.label} – {column.label}"
                    ),
                    row.id,
                    column.id,
                )


def asked_in(items: Iterable[Item]) -> Iterator[Item]:
    """Every item that holds an answer, those of printed rows as cells; a repeating table as itself."""
    for item in items:
        if item.kind == "table":
            if item.repeats:
                yield item
            else:
                yield from (cell for cell, _, _ in cells(item) if cell.kind in ANSWERED)
        elif item.kind in ANSWERED:
            yield item
            if item.beside:
                yield from asked_in((item.beside,))
        else:
            yield from asked_in(item.children())


def held_by(form: Form, part: str) -> Iterator[Item]:
    """The items whose answers stand in the entries of a part, wherever the paper prints them."""
    return (item for one in form.parts for item in asked_in(one.items) if item.part == part)


def to_items(
    form: Form, part: str, answers: Mapping[str, Any], asked: Callable[[str], bool] = lambda _: True
) -> list[dict[str, Any]]:
    """QuestionnaireResponse.item of an entry, in the form's order; what is not asked and what is empty is left out."""

    def wanted(item: Item) -> bool:
        return asked(item.id) and (item.part == part or item.kind not in (*ANSWERED, "table"))

    return [made for one in form.parts for made in _to_items(one.items, answers, wanted)]


def _to_items(
    items: Iterable[Item], answers: Mapping[str, Any], wanted: Callable[[Item], bool]
) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for item in items:
        words = {"text": item.label} if item.label else {}
        if item.kind in ANSWERED:
            if wanted(item) and (values := _values(item, answers.get(item.id))):
                made.append({"linkId": item.id, **words, "answer": values})
            if item.beside:
                made += _to_items((item.beside,), answers, wanted)
        elif wanted(item) and item.repeats:
            rows = (_to_items(item.items, row, lambda _: True) for row in answers.get(item.id) or ())
            made += [{"linkId": item.id, **words, "item": inside} for inside in rows if inside]
        elif wanted(item):
            within = (cell for cell, _, _ in cells(item)) if item.fixed else item.children()
            if inside := _to_items(within, answers, wanted):
                made.append({"linkId": item.id, **words, "item": inside})
    return made


def _values(item: Item, value: Any) -> list[dict[str, Any]]:
    if value is None or value is False or value in ("", []):
        return []
    if isinstance(value, Wrong):
        return [{"valueString": value.typed}]  # of a draft only: what was typed is kept
    if item.kind == "many":
        return [{"valueCoding": coding(item, one)} for one in value]
    key, made = _FHIR.get(item.kind, ("valueString", str))
    return [{key: coding(item, value) if item.kind == "one" else made(value)}]


def _coding(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value[key] for key in ("system", "code", "display") if value.get(key)}


def _time(value: str) -> str:
    return value if value.count(":") == 2 else f"{value}:00"


_FHIR: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "number": ("valueDecimal", lambda value: value),
    "integer": ("valueInteger", int),
    "date": ("valueDate", str),
    "time": ("valueTime", _time),
    "datetime": ("valueDateTime", str),
    "tick": ("valueBoolean", bool),
    "one": ("valueCoding", dict),
    "coded": ("valueCoding", _coding),
    "icd": ("valueCoding", _coding),
    "drawing": ("valueAttachment", dict),
}


def coding(item: Item, code: str) -> dict[str, Any]:
    """The Coding of an option: what it means, else its place in the form."""
    for option in item.options:
        if option.code == code:
            if option.means:
                return {"system": option.system, "code": option.means, "display": option.label}
            return {"system": OPTIONS, "code": f"{item.id}.{option.code}", "display": option.label}
    return {"display": str(code)}


def part_of(response: Mapping[str, Any]) -> str:
    """The part of the form that an entry is."""
    found = (one.get("valueCode", "") for one in response.get("extension", ()) if one.get("url") == PART)
    return str(next(found, ""))


def from_response(form: Form, response: Mapping[str, Any]) -> Answers:
    """The answers that a QuestionnaireResponse keeps; items that the form does not know are left out."""
    known = {item.id: item for part in form.parts for item in part.walk()}
    known |= {
        cell.id: cell
        for item in list(known.values())
        if item.kind == "table" and item.fixed
        for cell, _, _ in cells(item)
    }
    answers: Answers = {}
    _take(response.get("item", ()), known, answers)
    return answers


def _take(items: Iterable[Mapping[str, Any]], known: Mapping[str, Item], answers: Answers) -> None:
    for one in items:
        item = known.get(one.get("linkId", ""))
        if item is None:
            continue
        if item.repeats:
            row: Answers = {}
            _take(one.get("item", ()), known, row)
            answers.setdefault(item.id, []).append(row)
            continue
        if one.get("answer"):
            found = [_taken(item, answer) for answer in one["answer"]]
            answers[item.id] = found if item.kind == "many" else found[0]
        _take(one.get("item", ()), known, answers)


def _taken(item: Item, answer: Mapping[str, Any]) -> Any:
    value = next((value for key, value in answer.items() if key.startswith("value")), None)
    if item.kind in ("one", "many"):
        return _option(item, value if isinstance(value, dict) else {"display": str(value)})
    wanted = _FHIR.get(item.kind, ("valueString", str))[0]
    if wanted not in answer and "valueString" in answer:
        return Wrong(str(value), "Chưa đúng dạng của ô này.", "This does not fit the field yet.")
    if item.kind == "number":
        return Decimal(str(value))
    if item.kind == "time":
        return str(value).removesuffix(":00") if str(value).count(":") == 2 else value
    return value


def _option(item: Item, value: Mapping[str, Any]) -> Any:
    for option in item.options:
        if option.means and (value.get("system"), value.get("code")) == (option.system, option.means):
            return option.code
        if value.get("system") == OPTIONS and value.get("code") == f"{item.id}.{option.code}":
            return option.code
    words = str(value.get("display", ""))
    return Wrong(words, "Không có lựa chọn này.", "There is no such choice.")
