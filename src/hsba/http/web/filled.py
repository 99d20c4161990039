"""A form on a screen: what the templates ask of an item and its answer while they go through it in the paper's order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hsba.forms import answers as kept
from hsba.forms import drawing, typed
from hsba.forms.model import ANSWERED
from hsba.forms.typed import Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from hsba.forms.model import Condition, Form, Item, Part, Row, Signer
    from hsba.forms.state import Note

COLUMNS = 12
"""Of the grid that a line is laid out on."""
LISTS = {"icd": "vn-icd10"}
"""The list of codes that a kind of item asks, where the item names none."""
BLANK_ROWS = 2
"""Empty rows that a table offers beside those filled."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who wrote a part, and when."""

    author: str
    when: str
    status: str
    version: str


@dataclass(frozen=True)
class Filled:
    """A form with answers, as it is read (no `writing`) or while one part of it is written."""

    form: Form
    zone: ZoneInfo
    language: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    writing: str = ""
    """The part that is written."""
    asked: frozenset[str] | None = None
    """The items that no condition hides; None where that is not known (a blank form)."""
    notes: tuple[Note, ...] = ()
    said: Mapping[str, Said] = field(default_factory=dict)
    """By part."""
    copied: frozenset[str] = frozenset()
    """Items whose answers were copied from an earlier entry and not looked at yet."""
    sex: str = ""
    """Of the patient, for the finder of diagnoses."""

    def shows(self, item: Item) -> bool:
        """Whether the item stands on this page: all of them in reading, those of the part in writing."""
        if not self.writing:
            return True
        if item.kind in ("signatures", "chart"):
            return False
        if item.kind in ANSWERED or item.kind in ("table", "show"):
            return item.part == self.writing or (item.beside is not None and self.shows(item.beside))
        return any(self.shows(child) for child in item.children())

    def stands(self, part: Part) -> bool:
        """Whether anything of what is printed in a part stands on this page."""
        return any(self.shows(item) for item in part.items)

    def hidden(self, item: Item) -> bool:
        """Whether a condition hides it now."""
        return item.when is not None and self.asked is not None and item.id not in self.asked

    def width(self, item: Item) -> str:
        """Its share of the line, as a class of the grid."""
        return f"c{max(1, round(item.width * COLUMNS / 100))}"

    def value(self, item: Item) -> Any:
        """Its answer."""
        return self.answers.get(item.id)

    def text(self, item: Item, value: Any = None) -> str:
        """The answer as it stands in a field; what could not be read stands as it was typed."""
        value = self.answers.get(item.id) if value is None else value
        if isinstance(value, Wrong):
            return value.typed
        if item.kind == "one":
            return str(value or "")
        return typed.shown(item, value, self.zone)

    def field(self, item: Item) -> str:
        """The answer as its field is sent."""
        value = self.answers.get(item.id)
        if isinstance(value, dict) and value.get("code"):
            return "|".join(str(value.get(name, "")) for name in ("system", "code", "display"))
        if isinstance(value, list):
            return ", ".join(str(one) for one in value)
        return "x" if value is True else self.text(item)

    def shown(self, item: Item, value: Any = None) -> str:
        """The answer as it is read."""
        value = self.answers.get(item.id) if value is None else value
        return value.typed if isinstance(value, Wrong) else typed.shown(item, value, self.zone)

    def picked(self, item: Item, code: str) -> bool:
        """Whether this option is chosen."""
        value = self.answers.get(item.id)
        return code in value if isinstance(value, list) else value == code

    def code(self, item: Item) -> Mapping[str, str]:
        """System, code and words of a coded answer."""
        value = self.answers.get(item.id)
        return value if isinstance(value, dict) else {}

    def rows(self, table: Item) -> list[Mapping[str, Any]]:
        """The rows of a table: those filled, and empty ones to write in."""
        found = list(self.answers.get(table.id) or ())
        if not self.writing or table.readonly:
            return found
        return [*found, *({} for _ in range(max(BLANK_ROWS, 3 - len(found))))]

    def cell(self, table: Item, row: Row | int, column: Item) -> Item:
        """The cell of a table, as an item of its own."""
        if isinstance(row, int):
            return replace(column, id=f"{table.id}.{row}.{column.id}", required=False)
        return replace(
            column, id=f"{table.id}.{row.id}.{column.id}", hint=row.hints.get(column.id, column.hint)
        )

    def note(self, id: str) -> Note | None:
        """What is to be said of an item; what is only missing is not said before completing is tried."""
        return self._by_item.get(id)

    @cached_property
    def _by_item(self) -> dict[str, Note]:
        found: dict[str, Note] = {}
        for note in self.notes:
            if note.item not in found or note.stops:
                found[note.item] = note
        return found

    def strokes(self, item: Item) -> list[str]:
        """What was drawn, stroke by stroke."""
        return drawing.strokes(self.answers.get(item.id))

    def frame(self, item: Item) -> tuple[int, int]:
        """Width and height of what is drawn on."""
        return drawing.frame(item.art)

    def signed(self, signer: Signer) -> Said | None:
        """Who wrote the part that is signed at this place."""
        found = (self.said.get(part.id) for part in self.form.parts if part.sign == signer.label)
        return next(found, None)

    def say(self, note: Note) -> str:
        """A note in the reader's language."""
        return note.say if self.language == "vi" else note.en

    def words(self, id: str) -> str:
        """What people call an item: its label, without the sign that ends it."""
        return self._words.get(id, id)

    @cached_property
    def _words(self) -> dict[str, str]:
        found: dict[str, str] = {}

        def go(item: Item, above: str) -> None:
            own = item.label.strip().rstrip(":").lstrip("+- ") or item.hint or above
            found[item.id] = own
            if item.fixed:
                found.update({cell.id: cell.label for cell, _, _ in kept.cells(item)})
            for child in item.children():
                go(child, own)

        for part in self.form.parts:
            for item in part.items:
                go(item, part.title)
        return found

    def when(self, condition: Condition | None) -> str:
        """A condition for the script that watches it."""
        if condition is None:
            return ""
        clauses = [[one.item, one.operator, one.value] for one in condition.clauses]
        return json.dumps({"b": condition.behavior, "c": clauses}, ensure_ascii=False)

    def codes(self, item: Item) -> str:
        """The list that the finder of a coded item looks in."""
        name = item.codes.rpartition("/")[2].removesuffix("-vs")
        return name or LISTS.get(item.kind, "")

    @property
    def others(self) -> str:
        """Answers that are not on this page and that a condition on it may ask, for the script."""
        own = {item.id for item in kept.held_by(self.form, self.writing)}
        named = {
            clause.item for item in self.form.walk() if item.when is not None for clause in item.when.clauses
        }
        found = {name: _plain(self.answers.get(name)) for name in sorted(named - own)}
        return json.dumps({name: value for name, value in found.items() if value}, ensure_ascii=False)


def _plain(value: Any) -> list[str]:
    """An answer as a condition compares it."""
    values = value if isinstance(value, list) else [value]
    return [
        "true" if one is True else str(one.get("code", "")) if isinstance(one, dict) else str(one)
        for one in values
        if one not in (None, "") and one is not False
    ]
