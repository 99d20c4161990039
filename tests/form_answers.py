"""Answers to every question of a form, as somebody might give them; the same each time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hsba.forms.answers import PART, SHEET, held_by, to_items
from hsba.forms.model import ANSWERED

if TYPE_CHECKING:
    from hsba.forms.model import Form, Item

Resource = dict[str, Any]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def answers(form: Form, part: str) -> dict[str, Any]:
    """An answer to each item of an entry."""
    return {item.id: answer(item) for item in held_by(form, part)}


def answer(item: Item) -> Any:
    """An answer to one item."""
    if item.kind == "table":
        columns = [column for column in item.items if column.kind in ANSWERED]
        return [{column.id: answer(column) for column in columns} for _ in range(2)]
    return _KINDS[item.kind](item)


def response(form: Form, part: str, given: dict[str, Any] | None = None, **more: Any) -> Resource:
    """A completed entry with these answers, or with an answer to everything."""
    items = to_items(form, part, answers(form, part) if given is None else given)
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "0191e7a0-0000-7000-8000-000000000001",
        "extension": [{"url": PART, "valueCode": part}],
        "identifier": {"system": SHEET, "value": "0191e7a0-0000-7000-8000-000000000000"},
        "questionnaire": form.canonical,
        "status": "completed",
        "subject": {"reference": "Patient/an"},
        "encounter": {"reference": "Encounter/stay"},
        "authored": "2026-11-23T09:00:00+07:00",
        "author": {"reference": "Practitioner/binh", "display": "BS Bình"},
        **({"item": items} if items else {}),
        **more,
    }


def _number(item: Item) -> Any:
    low = item.least if item.least is not None else Decimal(1)
    high = item.most if item.most is not None else low + 10
    middle = (low + high) / 2
    return (
        int(middle) if item.kind == "integer" else middle.quantize(Decimal(1).scaleb(-(item.decimals or 0)))
    )


_KINDS: dict[str, Any] = {
    "text": lambda item: ("CHỮ VIẾT" if item.upper else "Chữ viết")[: item.longest or None],
    "long": lambda _: "Dòng một.\nDòng hai.",
    "number": _number,
    "integer": _number,
    "date": lambda _: "2026-11-20",
    "time": lambda _: "07:45",
    "datetime": lambda _: "2026-11-20T07:45:00+07:00",
    "tick": lambda _: True,
    "one": lambda item: item.options[0].code,
    "many": lambda item: [option.code for option in item.options[:2]],
    "coded": lambda _: {"display": "Theo lời kể"},
    "icd": lambda _: {
        "system": "http://fhir.hl7.org.vn/core/CodeSystem/vn-icd10-cs", "code": "I10",
        "display": "Tăng huyết áp vô căn (nguyên phát)",
    },
    "drawing": lambda _: {"contentType": "image/png", "data": PIXEL},
}  # fmt: skip
