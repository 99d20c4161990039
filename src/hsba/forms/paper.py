"""A form and its answers as the paper shows them: one tree of plain data, which the renderer draws without knowing forms.

Each node says what it `is`: words, field, line, group, beside, table, turned, signatures, signed, drawing or break.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hsba.forms import ink
from hsba.forms.ink import EMPTY
from hsba.forms.model import ANSWERED
from hsba.forms.typed import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from hsba.forms.model import Form, Item, Part, Row

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
Node = dict[str, Any]
Cell = list[Node]

WIDEST = 100
NUMBERS = 8
"""Share of a column of row numbers that the form does not name itself."""
BARE: Node = {"label": "", "number": "", "hint": "", "unit": "", "room": 0, "bare": True}
"""What a cell has not, because its words stand over the column."""
TURNED = 8
"""Columns of a table on its side, where the form does not say."""
WITHOUT_YEAR = re.compile(r"^(\d\d/\d\d)/\d{4} ")


TALL = 400
TALL_LINES = 20
"""Characters and lines from which what stands side by side may be as high as a page."""


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
    form: Form,
    written: Mapping[str, Sequence[Written]],
    *,
    head: Mapping[str, Any] | None = None,
    bilingual: bool = False,
    zone: ZoneInfo = ZONE,
) -> Node:
    """The whole sheet: head, title and body; with nothing written it is the blank form."""
    once = [(part, entry) for part in form.parts if not part.repeats for entry in written.get(part.id, ())]
    answers = {id_: answer for _, entry in once for id_, answer in entry.answers.items()}
    signed = [one for part, entry in once for one in (*entry.signed, *_author(part, entry))]
    hand = Hand(answers, tuple(signed), bilingual, zone)
    body: list[Node] = []
    for part in form.parts:
        body += hand.part(part, written.get(part.id, ()))
    front = _front(body)
    above = hand.of({**answers, **(head or {})})
    sides = {side: above.nodes(getattr(form.head, side)) for side in ("left", "middle", "right")}
    return {
        "code": form.code, "printed": form.printed, "name": form.name, "version": form.version, "title": form.title,
        "subtitle": form.subtitle, "size": form.size, "landscape": form.landscape, "confidence": form.confidence,
        "head": {**sides, "titled": form.head.titled or not form.head.middle}, "front": front, "body": body,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hand:
    """Lays items out with the answers to them, and the names that stand under the sheet."""

    answers: Mapping[str, Any]
    signed: tuple[Signed, ...]
    bilingual: bool
    zone: ZoneInfo

    def part(self, part: Part, entries: Sequence[Written]) -> Iterator[Node]:
        """A part, on a new page or small where the paper has it so."""
        if part.page:
            yield {"is": "break"}
        if part.dense:
            yield {"is": "dense", "body": list(self.entries(part, entries))}
        else:
            yield from self.entries(part, entries)

    def entries(self, part: Part, entries: Sequence[Written]) -> Iterator[Node]:
        """A part under its title: once, once for each entry, or as one table of them."""
        if part.title and not part.quiet:
            yield {"is": "words", "level": part.heading, "number": part.number, "label": part.title}
        if part.as_table:
            yield from (self.columns_of_entries if part.turned else self.rows_of_entries)(part, entries)
        elif part.repeats:
            for entry in entries or (Written(),):
                hand = self.of(entry.answers, (*entry.signed, *_author(part, entry)))
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
                made.append(_line(line))
                line, used = [], 0
            if item.page:
                made.append({"is": "break"})
            if not line and item.width == WIDEST:
                made.append(self.node(item))
                continue
            line.append({"width": item.width, "node": self.node(item)})
            used += item.width
        return [*made, _line(line)] if line else made

    def node(self, item: Item) -> Node:
        """One item, with the framed box that stands beside it."""
        made = NODES.get(item.kind, Hand.question)(self, item)
        return {"is": "beside", "main": made, "box": self.node(item.beside)} if item.beside else made

    def of(self, answers: Mapping[str, Any], signed: tuple[Signed, ...] = ()) -> Hand:
        """The same hand over other answers."""
        return replace(self, answers=answers, signed=signed)

    def words(self, item: Item) -> Node:
        """What the paper prints of an item, whatever is answered."""
        made = {
            "is": "words",
            "level": item.heading,
            "number": item.number,
            "label": item.label,
            "hint": item.hint,
        }
        return {**made, "en": item.en} if self.bilingual and item.en else made

    def question(self, item: Item) -> Node:
        """A question with its answer: ticked, in boxes or on dotted lines."""
        answer = self.answers.get(item.id)
        made: Node = {**self.words(item), "is": "field", "room": item.lines, "unit": item.unit}
        if item.options:
            made |= self.choices(item, answer)
        elif item.kind == "tick":
            made["choices"] = [{"code": "", "label": "", "on": answer is True}]
        elif item.kind == "icd":
            code = str(answer.get("code", "")) if isinstance(answer, dict) else ""
            said = f"{ink.plain(answer)} ({code})" if code and not item.boxes else answer
            made["lines"] = ink.lines(item, said, self.zone)
            made["boxes"] = ink.cells(code.replace(".", ""), item.boxes)
            made["tall"] = _written(made) > TALL
        elif item.boxes:
            made["boxes"] = ink.boxed(item, answer)
            made["tight"] = item.kind == "date"
            made["led"] = item.kind == "integer" and bool(item.label)
        else:
            made["lines"] = ink.lines(item, answer, self.zone)
        return made

    def choices(self, item: Item, answer: Any) -> Node:
        """The options with a square each, or with boxes for the numbers of the chosen; an answer beside them is written."""
        chosen = [str(one) for one in (answer if isinstance(answer, list) else [answer]) if one not in EMPTY]
        options = [
            {
                "code": one.code if item.numbered and one.code.isdigit() else "",
                "label": one.label,
                "on": one.code in chosen,
                **({"en": one.en} if self.bilingual and one.en else {}),
            }
            for one in item.options
        ]
        made: Node = {
            "choices": options if item.spelled else [],
            "columns": item.columns or (0 if item.inline else 1),
        }
        if item.boxes:
            made["boxes"] = ink.cells([one.code for one in item.options if one.code in chosen], item.boxes)
        return made

    def group(self, item: Item) -> Node:
        """Items in a frame, in two columns, or written as one."""
        if item.separator:
            runs = ink.joined(item, self.answers)
            return {**self.words(item), "is": "field", "lines": [runs], "room": 0, "unit": item.unit}
        if item.sides:
            return self.sided(item)
        made: Node = {
            "is": "group",
            "frame": item.frame,
            "body": self.nodes(item.items),
            "right": self.nodes(item.right),
            "split": item.split,
        }
        made["tall"] = _written(made) > TALL or sum(one.lines for one in item.walk()) > TALL_LINES  # fmt: skip
        return {**made, "title": self.words(item)} if item.label else made

    def sided(self, item: Item) -> Node:
        """A group of two sides as a table of its items, their words at the left where the sides leave room for them."""
        left = WIDEST - sum(side.width for side in item.sides)
        heads = [{"width": left, "label": item.label}] if left else []
        rows = []
        for row in item.items:
            cells = [self.side(one, {} if left else self.words(row)) for one in (*row.items, *row.right)]
            rows.append([*([[self.words(row)]] if left else []), *(cells or ([], []))])
        return {
            "is": "table", "across": 1, "heads": True, "tall": True, "rows": rows,
            "columns": [*heads, *({"width": side.width, "label": side.label} for side in item.sides)],
            "joined": [bool(left and at and not row.number and not row.heading) for at, row in enumerate(item.items)],
        }  # fmt: skip

    def side(self, item: Item, words: Node) -> Cell:
        """One side of an item: its answer, or those within it, after the words that stand in the cell itself."""
        if item.kind == "group" and not item.separator:
            return [*([words] if words.get("label") else []), *self.nodes(item.items)]
        made = self.node(item)
        return [{**made, "label": "", "number": "", "hint": "", **words, "is": made["is"]}]

    def table(self, item: Item) -> Node:
        """A table: its printed rows, or its filled ones and as many empty ones as the paper has."""
        if item.turned:
            return self.turned(
                item.items, [self.of(row) for row in self.answers.get(item.id) or ()], item.rows, item
            )
        made: Node = {
            "is": "table", "across": item.across, "heads": any(column.label for column in item.items),
            "columns": [self.column(column) for column in item.items],
        }  # fmt: skip
        if item.label:
            made["title"] = self.words(item)
        if item.fixed:
            made["printed"] = True
            made["rows"] = [self.printed_row(item, row) for row in item.fixed]
            made["columns"] = _leading(item) + made["columns"]
        else:
            rows = self.answers.get(item.id) or []
            made["rows"] = [[self.cell(column, row.get(column.id)) for column in item.items] for row in rows]
            made["rows"] += [
                [self.cell(column, None) for column in item.items] for _ in range(item.rows - len(rows))
            ]
        return made

    def column(self, item: Item) -> Node:
        """The head of a column."""
        return {**self.words(item), "width": item.width, "unit": item.unit}

    def printed_row(self, item: Item, row: Row) -> list[Cell]:
        """A printed row: columns of words take its number and its name, the others its answers."""
        places = len(_leading(item)) or len(_shown(item))
        words = (
            [row.number, row.label] if row.number and places != 1 else [f"{row.number} {row.label}".strip()]
        )
        made: list[Cell] = [[{"is": "words", "label": words.pop(0)}] for _ in _leading(item)]
        for column in item.items:
            if column.kind == "show":
                made.append([{"is": "words", "label": words.pop(0) if words else ""}])
            elif column.id in row.without:
                made.append([])
            else:
                hint = {"is": "words", "hint": row.hints[column.id]} if column.id in row.hints else None
                cell = self.cell(column, self.answers.get(f"{item.id}.{row.id}.{column.id}"))
                made.append([*([hint] if hint else []), *cell])
        return made

    def cell(self, column: Item, answer: Any) -> Cell:
        """An answer without the words that stand over its column."""
        if answer in EMPTY and not (column.options or column.kind == "tick" or column.boxes):
            return []
        found = self.of({column.id: answer}).node(column)
        return [{**found, **BARE}]

    def rows_of_entries(self, part: Part, entries: Sequence[Written]) -> Iterator[Node]:
        """A part's entries as rows of one table, each with its author where the form signs."""
        rows = []
        for entry in entries:
            hand = self.of(entry.answers)
            cells = [
                hand.signature(entry) if item.kind == "signatures" else hand.within(item)
                for item in part.items
            ]
            if part.sign and not any(item.kind == "signatures" for item in part.walk()):
                cells[-1] = [*cells[-1], *hand.signature(entry)]
            rows.append(cells)
        rows += [[[] for _ in part.items] for _ in range(part.rows - len(rows))]
        yield {
            "is": "table",
            "across": 1,
            "heads": True,
            "rows": rows,
            "columns": [self.column(item) for item in part.items],
        }

    def within(self, item: Item) -> Cell:
        """What is answered of an item that is a column: a group's answers stand one under another."""
        if item.kind in ANSWERED:
            return self.cell(item, self.answers.get(item.id))
        made: Cell = []
        for child in item.children() if item.kind == "group" else (item,):
            if child.kind == "table":
                made += self.listed(child)
            elif child.kind == "group" and not child.separator:
                made += self.within(child)
            elif any(self.answers.get(one.id) not in EMPTY for one in child.walk()):
                made.append({**self.node(child), "room": 0, "bare": True})
        return made

    def listed(self, item: Item) -> Cell:
        """The rows of a table inside a cell, each as a line."""
        rows = [
            " – ".join(
                said for column in item.items if (said := shown(column, row.get(column.id), self.zone))
            )
            for row in self.answers.get(item.id) or ()
        ]
        head = [self.words(item)] if rows and item.label else []
        return [*head, *({"is": "words", "label": f"{at}. {row}"} for at, row in enumerate(rows, 1))]

    def signature(self, entry: Written) -> Cell:
        """Who wrote a row, and when."""
        return (
            [{"is": "signed", "name": entry.author, "at": ink.moment(entry.at, self.zone)}]
            if entry.author
            else []
        )

    def columns_of_entries(self, part: Part, entries: Sequence[Written]) -> Iterator[Node]:
        """A part's entries as columns of one table."""
        yield self.turned(part.items, [self.of(entry.answers) for entry in entries], part.rows, None, entries)

    def turned(
        self,
        items: Sequence[Item],
        hands: Sequence[Hand],
        least: int,
        of: Item | None,
        entries: Sequence[Written] = (),
    ) -> Node:
        """A table on its side: a column for each hand, a row for each item; what does not fit goes on in another below."""
        size = least or TURNED
        made: Node = {"is": "turned", "size": size, "tables": []}
        for start in range(0, max(len(hands), 1), size):
            chunk = hands[start : start + size]
            made["tables"].append(
                [
                    row
                    for item in items
                    for row in self.turned_rows(
                        item, chunk, entries[start : start + size], narrow=size > TURNED
                    )
                ]
            )
        return {**made, "title": self.words(of)} if of and of.label else made

    def turned_rows(
        self, item: Item, hands: Sequence[Hand], entries: Sequence[Written], *, narrow: bool
    ) -> Iterator[Node]:
        """The rows of one item: itself, or its heading and what stands in it."""
        head = {**self.words(item), "unit": item.unit}
        match item.kind:
            case "show":
                yield {"head": head}
            case "chart":
                yield {"head": head, "chart": self.curves(item, hands), "room": item.lines}
            case "signatures":
                words = {"is": "words", "label": item.label or item.signers[0].label}
                yield {"head": words, "cells": [self.signature(entry) for entry in entries]}
            case "group" if not item.separator:
                if item.label:
                    yield {"head": head}
                for child in item.children():
                    yield from self.turned_rows(child, hands, entries, narrow=narrow)
            case "table":
                yield {"head": head, "cells": [hand.listed(replace(item, label="")) for hand in hands]}
            case _:
                yield {"head": head, "cells": [hand.short(item, narrow=narrow) for hand in hands]}

    def short(self, item: Item, *, narrow: bool) -> Cell:
        """An answer in few words; a moment without its year where the columns are many."""
        if item.separator:
            return [{**BARE, "is": "field", "lines": [ink.joined(item, self.answers)]}]
        said = shown(item, self.answers.get(item.id), self.zone)
        if narrow and item.kind == "datetime":
            said = WITHOUT_YEAR.sub(r"\1 ", said)
        return [{"is": "words", "label": said}] if said else []

    def curves(self, item: Item, hands: Sequence[Hand]) -> list[Node]:
        """The lines of a chart: where each value stands between the ends of its scale."""
        return [
            {
                "label": one.label, "unit": one.unit, "least": float(one.least), "most": float(one.most),
                "step": float(one.step), "mark": one.mark, "colour": one.colour,
                "values": [_number(hand.answers.get(one.of)) for hand in hands],
            }
            for one in item.curves
        ]  # fmt: skip

    def signatures(self, item: Item) -> Node:
        """The places to sign, with the names of those who did, dated by the last of them."""
        by = {one.label: one for one in self.signed}
        found = [by.get(signer.label) for signer in item.signers]
        times = sorted(one.at for one in found if one and one.at)
        return {
            "is": "signatures", "dated": item.dated, "room": item.lines or 3,
            "date": f"{times[-1].astimezone(self.zone):%d %m %Y}".split() if times else ["", "", ""],
            "signers": [
                {"label": signer.label, "note": signer.note, "name": one.name if one else ""}
                for signer, one in zip(item.signers, found, strict=True)
            ],
        }  # fmt: skip

    def drawing(self, item: Item) -> Node:
        """A picture to draw on, and what was drawn."""
        answer = self.answers.get(item.id)
        drawn = None
        if isinstance(answer, dict) and answer.get("data"):
            drawn = {"type": str(answer.get("contentType", "")), "data": answer["data"]}
        return {**self.words(item), "is": "drawing", "room": item.lines, "art": item.art, "drawn": drawn}


NODES: dict[str, Callable[[Hand, Item], Node]] = {
    "show": Hand.words, "group": Hand.group, "table": Hand.table, "signatures": Hand.signatures,
    "drawing": Hand.drawing, "chart": Hand.drawing,
}  # fmt: skip
"""How each kind is laid out; a kind that is not here is a question."""


def _front(body: list[Node]) -> list[Node]:
    """Take the small parts at the beginning out of it, where they are a page of their own."""
    small = next((at for at, node in enumerate(body) if node["is"] != "dense"), len(body))
    if small < len(body) and body[small]["is"] != "break":
        return []
    front = [node for one in body[:small] for node in one["body"]]
    del body[:small]
    return front


def _author(part: Part, entry: Written) -> tuple[Signed, ...]:
    """The author's name under the words that the part takes a signature for."""
    return (Signed(part.sign, entry.author, entry.at),) if part.sign and entry.author else ()


def _line(cells: list[Node]) -> Node:
    return {"is": "line", "cells": cells, "tall": sum(_written(one["node"]) for one in cells) > TALL}


def _written(node: Any) -> int:
    """How many characters are written in a node and in what it holds."""
    if isinstance(node, dict):
        runs = sum(len(run[1]) for line in node.get("lines") or () for run in line)
        return runs + sum(
            _written(one) for key, one in node.items() if key != "lines" and isinstance(one, dict | list)
        )
    return sum(_written(one) for one in node) if isinstance(node, list) else 0


def _number(answer: Any) -> float | None:
    try:
        return float(answer)
    except (TypeError, ValueError):
        return None


def _shown(item: Item) -> list[Item]:
    return [column for column in item.items if column.kind == "show"]


def _leading(item: Item) -> list[Node]:
    """Columns for the numbers and names of printed rows, where the form names none itself."""
    if _shown(item) or not any(row.label or row.number for row in item.fixed):
        return []
    numbered = [{"width": NUMBERS, "label": "TT"}] if any(row.number for row in item.fixed) else []
    left = WIDEST - NUMBERS * len(numbered) - sum(column.width for column in item.items)
    return [*numbered, {"width": max(NUMBERS, left), "label": ""}]
