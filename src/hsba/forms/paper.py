"""A form and its answers as the paper shows them: one tree of plain data, which the renderer draws without knowing forms.

Each node says what it `is`: words, field, line, group, beside, table, signatures, drawing, chart or break. An answer is a
list of lines, each a list of runs `[kind, text]`: `ink` was written, `print` stands on the paper, `gap` is room left free.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hsba.forms.model import ANSWERED
from hsba.forms.typed import Wrong, decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hsba.forms.model import Form, Item, Part, Row

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
Node = dict[str, Any]
Line = list[list[str]]

WIDEST = 100
EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose name stands under which words, and since when."""

    label: str
    name: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """One entry of a sheet as the paper needs it: its answers, and whose it is."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    author: str = ""
    at: datetime | None = None
    signed: tuple[Signed, ...] = ()


def lay(
    form: Form, written: Mapping[str, Sequence[Written]], *, bilingual: bool = False, zone: ZoneInfo = ZONE
) -> Node:
    """The whole sheet: head, title and body; with nothing written it is the blank form."""
    once = [(part, entry) for part in form.parts if not part.repeats for entry in written.get(part.id, ())]
    whole = {id_: answer for _, entry in once for id_, answer in entry.answers.items()}
    signed = [one for part, entry in once for one in (*entry.signed, *_by_author(part, entry))]
    hand = Hand(whole, tuple(signed), bilingual, zone)
    body: list[Node] = []
    for part in form.parts:
        body += hand.part(part, written.get(part.id, ()))
    return {
        "code": form.code, "printed": form.printed, "name": form.name, "version": form.version, "title": form.title,
        "subtitle": form.subtitle, "size": form.size, "landscape": form.landscape, "confidence": form.confidence,
        "head": {side: hand.nodes(getattr(form.head, side)) for side in ("left", "middle", "right")},
        "body": body,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hand:
    """Lays items out with the answers to them, and the names that stand under the sheet."""

    answers: Mapping[str, Any]
    signed: tuple[Signed, ...]
    bilingual: bool
    zone: ZoneInfo

    def part(self, part: Part, entries: Sequence[Written]) -> Iterator[Node]:
        if part.page:
            yield {"is": "break"}
        if part.title:
            yield {"is": "words", "level": part.heading, "number": part.number, "label": part.title}
        if part.as_table:
            yield self.rows_of_entries(part, entries)
        elif part.repeats:
            for entry in entries or (Written(),):
                hand = self.of(entry.answers, (*entry.signed, *_by_author(part, entry)))
                yield {"is": "group", "frame": False, "body": hand.nodes(part.items)}
        else:
            yield from self.nodes(part.items)

    def nodes(self, items: Iterable[Item]) -> list[Node]:
        """The items one under the other, those that share a line side by side."""
        made: list[Node] = []
        line: list[Node] = []
        used = 0
        for item in items:
            if line and (used + item.width > WIDEST or item.page):
                made.append({"is": "line", "cells": line})
                line, used = [], 0
            if item.page:
                made.append({"is": "break"})
            node = self.node(item)
            if not line and item.width == WIDEST:
                made.append(node)
                continue
            line.append({"width": item.width, "node": node})
            used += item.width
        return [*made, {"is": "line", "cells": line}] if line else made

    def node(self, item: Item) -> Node:
        """One item, with the framed box that stands beside it."""
        made = NODES.get(item.kind, Hand.question)(self, item)
        return {"is": "beside", "main": made, "box": self.node(item.beside)} if item.beside else made

    def of(self, answers: Mapping[str, Any], signed: tuple[Signed, ...] = ()) -> Hand:
        """The same hand over other answers."""
        return replace(self, answers=answers, signed=signed)

    def words(self, item: Item) -> Node:
        made = {
            "is": "words",
            "level": item.heading,
            "number": item.number,
            "label": item.label,
            "hint": item.hint,
        }
        return {**made, "en": item.en} if self.bilingual and item.en else made

    def question(self, item: Item) -> Node:
        answer = self.answers.get(item.id)
        made: Node = {**self.words(item), "is": "field", "room": item.lines, "unit": item.unit}
        if item.options:
            chosen = {
                str(one) for one in (answer if isinstance(answer, list) else [answer]) if one not in EMPTY
            }
            made["choices"] = [
                {"code": one.code, "label": one.label, "on": one.code in chosen, **({"en": one.en} if self.bilingual and one.en else {})}
                for one in item.options
            ]  # fmt: skip
            made["columns"] = item.columns or (0 if item.inline else 1)
            if item.boxes:
                made["boxes"] = _cells(
                    "".join(one.code for one in item.options if one.code in chosen), item.boxes
                )
        elif item.kind == "tick":
            made["choices"] = [{"code": "", "label": "", "on": answer is True or answer == "true"}]
        elif item.boxes and item.kind != "icd":
            made["boxes"] = _boxed(item, answer)
            made["tight"] = item.kind == "date"
        else:
            made["lines"] = self.answer(item, answer)
            if item.kind == "icd":
                code = answer.get("code", "") if isinstance(answer, dict) else ""
                made["boxes"] = _cells(code.replace(".", ""), item.boxes) if item.boxes else []
                if code and not item.boxes:
                    made["lines"] = [[["ink", f"{_plain(answer)} ({code})"]]]
        return made

    def answer(self, item: Item, answer: Any) -> list[Line]:
        if item.kind in RUNS:
            return [RUNS[item.kind](self, item, answer)]
        if answer in EMPTY:
            return []
        text = _plain(answer)
        return [
            [["ink", line]] if line.strip() else []
            for line in (text.upper() if item.upper else text).splitlines()
        ]

    def date_runs(self, item: Item, answer: Any) -> Line:
        year, month, day = [*str(answer or "").split("-"), "", "", ""][:3]
        between = ("tháng", "năm") if item.label.rstrip().endswith("ngày") else ("/", "/")
        return [
            _ink(day, "2"),
            ["print", between[0]],
            _ink(month, "2"),
            ["print", between[1]],
            _ink(year, "4"),
        ]

    def time_runs(self, _: Item, answer: Any) -> Line:
        hour, minute = [*str(answer or "").split(":"), "", ""][:2]
        return [_ink(hour, "2"), ["print", "giờ"], _ink(minute, "2"), ["print", "phút"]]

    def datetime_runs(self, item: Item, answer: Any) -> Line:
        day = hour = ""
        if answer not in EMPTY:
            try:
                at = datetime.fromisoformat(str(answer))
                at = at.astimezone(self.zone) if at.tzinfo else at
                day, hour = at.date().isoformat(), f"{at:%H:%M}"
            except ValueError:
                return [["ink", str(answer)]]
        if len(str(answer or "")) == len("2026-11-23"):
            hour = ""
        return [*self.time_runs(item, hour), ["print", "ngày"], *self.date_runs(item, day)]

    def group(self, item: Item) -> Node:
        if item.separator:
            return {
                **self.words(item),
                "is": "field",
                "lines": [self.joined(item)],
                "room": 0,
                "unit": item.unit,
            }
        made: Node = {
            "is": "group",
            "frame": item.frame,
            "body": self.nodes(item.items),
            "right": self.nodes(item.right),
            "split": item.split,
        }
        return {**made, "title": self.words(item)} if item.label else made

    def joined(self, item: Item) -> Line:
        runs: Line = []
        for child in item.items:
            said = "" if (answer := self.answers.get(child.id)) in EMPTY else _plain(answer)
            runs += [*([["print", item.separator]] if runs else []), _ink(said, "3")]
        return runs

    def table(self, item: Item) -> Node:
        made: Node = {
            "is": "table", "across": item.across, "heads": any(column.label for column in item.items),
            "columns": [{"width": column.width, "label": column.label, "hint": column.hint, "unit": column.unit} for column in item.items],
        }  # fmt: skip
        if item.label:
            made["title"] = self.words(item)
        if item.fixed:
            made["rows"] = [self.fixed(item, row) for row in item.fixed]
            made["columns"] = _leading(item) + made["columns"]
        else:
            filled = self.answers.get(item.id) or []
            made["rows"] = [
                [self.cell(column, row.get(column.id)) for column in item.items] for row in filled
            ]
            made["rows"] += [
                [self.cell(column, None) for column in item.items] for _ in range(item.rows - len(filled))
            ]
        return made

    def fixed(self, item: Item, row: Row) -> list[list[Node]]:
        """A printed row: columns of words take its number and its name, the others its answers."""
        words = (
            [row.number, row.label]
            if row.number and len(_shown(item)) != 1
            else [f"{row.number} {row.label}".strip()]
        )
        made: list[list[Node]] = [[{"is": "words", "label": word}] for word in words[: len(_leading(item))]]
        left = words[len(made) :]
        for column in item.items:
            if column.kind == "show":
                made.append([{"is": "words", "label": left.pop(0) if left else ""}])
            elif column.id in row.without:
                made.append([])
            else:
                cell = self.cell(column, self.answers.get(f"{item.id}.{row.id}.{column.id}"))
                made.append([{**cell[0], "hint": row.hints.get(column.id, "")}])
        return made

    def cell(self, column: Item, answer: Any) -> list[Node]:
        found = self.of({column.id: answer}).node(column)
        return [{**found, "label": "", "number": "", "hint": "", "unit": "", "bare": True}]

    def rows_of_entries(self, part: Part, entries: Sequence[Written]) -> Node:
        rows = []
        for entry in entries:
            hand = self.of(entry.answers)
            cells = [hand.within(item) for item in part.items]
            if part.sign and entry.author:
                cells[-1] = [
                    *cells[-1],
                    {"is": "signed", "name": entry.author, "at": _moment(entry.at, self.zone)},
                ]
            rows.append(cells)
        return {
            "is": "table", "across": 1, "heads": True, "rows": rows, "tall": True,
            "columns": [{"width": item.width, "label": item.label, "hint": item.hint, "unit": item.unit} for item in part.items],
        }  # fmt: skip

    def within(self, item: Item) -> list[Node]:
        return (
            self.cell(item, self.answers.get(item.id))
            if item.kind in ANSWERED
            else self.nodes((*item.items, *item.right))
        )

    def signatures(self, item: Item) -> Node:
        """The places to sign, with the names of those who did, dated by the last of them."""
        by = {one.label: one for one in self.signed}
        found = [by.get(signer.label) for signer in item.signers]
        times = sorted(one.at for one in found if one and one.at)
        day = f"{times[-1].astimezone(self.zone):%d %m %Y}".split() if times else ["", "", ""]
        return {
            "is": "signatures", "date": day, "dated": item.dated,
            "signers": [
                {"label": signer.label, "note": signer.note, "name": one.name if one else ""}
                for signer, one in zip(item.signers, found, strict=True)
            ],
        }  # fmt: skip

    def drawing(self, item: Item) -> Node:
        answer = self.answers.get(item.id)
        made: Node = {**self.words(item), "is": "drawing", "room": item.lines, "art": item.art}
        if isinstance(answer, dict) and answer.get("data"):
            made["image"] = {"type": answer.get("contentType", ""), "data": answer["data"]}
        return made

    def chart(self, item: Item) -> Node:
        return {**self.words(item), "is": "drawing", "room": item.lines}


NODES: dict[str, Callable[[Hand, Item], Node]] = {
    "show": Hand.words, "group": Hand.group, "table": Hand.table,
    "signatures": Hand.signatures, "drawing": Hand.drawing, "chart": Hand.chart,
}  # fmt: skip
"""How each kind is laid out; a kind that is not here is a field."""

RUNS: dict[str, Callable[[Hand, Item, Any], Line]] = {
    "date": Hand.date_runs, "time": Hand.time_runs, "datetime": Hand.datetime_runs,
}  # fmt: skip
"""Answers between words that are printed."""


def _by_author(part: Part, entry: Written) -> tuple[Signed, ...]:
    """The author's name under the words that the part takes a signature for."""
    return (Signed(part.sign, entry.author, entry.at),) if part.sign and entry.author else ()


def _ink(text: str, room: str) -> list[str]:
    return ["ink", text] if text else ["gap", room]


def _plain(answer: Any) -> str:
    """An answer in words, numbers with the comma of Vietnamese."""
    if isinstance(answer, bool):
        return "x" if answer else ""
    if isinstance(answer, Decimal | float | int):
        return decimal(answer)
    if isinstance(answer, list):
        return "; ".join(_plain(one) for one in answer)
    if isinstance(answer, dict):
        return str(answer.get("display") or answer.get("code") or "")
    return answer.typed if isinstance(answer, Wrong) else str(answer)


def _boxed(item: Item, answer: Any) -> list[list[str]]:
    if item.kind == "date":
        parts = [*str(answer or "").split("-"), "", "", ""][:3]
        return _cells(
            "".join(part or " " * room for part, room in zip(reversed(parts), (2, 2, 4), strict=True)),
            item.boxes,
        )
    said = "" if answer in EMPTY else _plain(answer)
    return _cells(said.rjust(sum(item.boxes)) if item.kind == "integer" else said, item.boxes)


def _cells(text: str, boxes: tuple[int, ...]) -> list[list[str]]:
    """One character in each box, group by group; the last group grows for what does not fit, and nothing is cut."""
    made, at = [], 0
    for place, size in enumerate(boxes):
        end = max(len(text), at + size) if place == len(boxes) - 1 else at + size
        made.append([one.strip() for one in text[at:end].ljust(size)])
        at = end
    return made


def _shown(item: Item) -> list[Item]:
    return [column for column in item.items if column.kind == "show"]


def _leading(item: Item) -> list[Node]:
    """Columns for the numbers and names of printed rows, where the form names none itself."""
    if _shown(item) or not any(row.label or row.number for row in item.fixed):
        return []
    numbered = [{"width": 8, "label": "TT"}] if any(row.number for row in item.fixed) else []
    return [
        *numbered,
        {
            "width": max(10, WIDEST - 8 * len(numbered) - sum(column.width for column in item.items)),
            "label": "",
        },
    ]


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M %d/%m/%Y}" if at else ""
