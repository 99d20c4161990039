"""A statutory form as the program holds it: its parts, their items, and the conditions between them.

Everything here is a value read from a form's source (`source.py`); it is never changed after that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from decimal import Decimal

BASE = "http://fhir.hl7.org.vn/core/Questionnaire/"

KINDS: dict[str, str] = {
    "text": "string",
    "long": "text",
    "number": "decimal",
    "integer": "integer",
    "date": "date",
    "time": "time",
    "datetime": "dateTime",
    "tick": "boolean",
    "one": "choice",
    "many": "choice",
    "coded": "open-choice",
    "icd": "choice",
    "drawing": "attachment",
    "group": "group",
    "table": "group",
    "show": "display",
    "chart": "display",
    "signatures": "display",
}
"""What an item may be, and the FHIR R4 Questionnaire.item.type that says so."""

ANSWERED = frozenset(KINDS) - {"group", "table", "show", "chart", "signatures"}
"""Kinds that hold an answer themselves."""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice as printed: its number or letter, its words, and the code it means where the field has one."""

    code: str
    label: str
    en: str = ""
    system: str = ""
    means: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison of a condition: an item, `=`, `!=`, `<`, `<=`, `>`, `>=` or `exists`, and a value."""

    item: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Condition:
    """When an item is asked: all of the clauses, or any of them (Questionnaire.item.enableBehavior)."""

    clauses: tuple[Clause, ...]
    behavior: str = "all"


@dataclass(frozen=True, slots=True)
class Signer:
    """A place to sign: the words over it, and the roles whose signature it takes."""

    label: str
    roles: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line that a chart draws: the column it follows, and the scale that the paper prints for it."""

    of: str
    """The item of the same table or part whose values it joins."""
    label: str
    least: Decimal
    most: Decimal
    step: Decimal
    unit: str = ""
    mark: str = "dot"
    """`dot`, `cross`, `circle`, `up` or `down`, so that black and white tells them apart too."""
    colour: str = ""
    """`red` or `blue` where the paper says so."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two columns in which every item of a group stands, such as the right eye."""

    id: str
    label: str
    width: int = 50
    """Share of the line, per cent; what both leave free takes the words of the items."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that the paper prints in a table: its id, number and words."""

    id: str
    number: str
    label: str
    without: tuple[str, ...] = ()
    """Columns that this row has no cell for."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Words printed inside a cell, by column."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question, a group of them, a table, or words between them; in the order and words of the paper."""

    id: str
    kind: str
    label: str = ""
    en: str = ""
    number: str = ""
    hint: str = ""
    heading: int = 0
    """1 to 3 for a heading of that size, 0 for plain words."""
    lines: int = 0
    """Dotted lines that the paper prints under the one of the label."""
    width: int = 100
    """Share of the line, per cent."""
    unit: str = ""
    ucum: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    usual: tuple[Decimal, Decimal] | None = None
    """Outside these a value is asked for again, not refused."""
    decimals: int | None = None
    longest: int = 0
    """Characters at most; 0 for the limit of the kind."""
    boxes: tuple[int, ...] = ()
    """Digit cells, in groups."""
    options: tuple[Option, ...] = ()
    inline: bool = True
    """Whether the options stand on the label's line."""
    spelled: bool = True
    """Whether the options are printed; otherwise only the cells for their numbers, the words standing above."""
    numbered: bool = True
    """Whether the options' codes, where they are digits, are printed before their words."""
    columns: int = 0
    """In how many columns the options stand under the label, filled downwards; 0 for one after the other."""
    codes: str = ""
    """The value set (canonical) or the room's list that the answer comes from."""
    upper: bool = False
    required: bool = False
    when: Condition | None = None
    value: str = ""
    """FHIRPath that calculates it; `%id` is the answer of another item."""
    source: str = ""
    """The fact of the record that is shown here and owned elsewhere (`facts.yaml`)."""
    copy: str = ""
    """The fact that fills it first and may be changed."""
    becomes: Mapping[str, Any] = field(default_factory=dict)
    """What is made of the answer: the kind of resource, and what it needs (`becoming.py`)."""
    items: tuple[Item, ...] = ()
    right: tuple[Item, ...] = ()
    """The right column of a group printed in two."""
    split: int = 50
    """Share of the left column of a group printed in two, per cent."""
    sides: tuple[Side, ...] = ()
    """The two columns of a group that asks everything of a right and a left side (`sides.py`)."""
    beside: Item | None = None
    """A framed group printed at the right of it."""
    frame: bool = False
    rows: int = 0
    """Empty rows that the paper prints in a table."""
    fixed: tuple[Row, ...] = ()
    across: int = 1
    """How often the columns of a table stand side by side."""
    turned: bool = False
    """Whether the table stands on its side: each entry is a column, each item a row with its label at the left."""
    curves: tuple[Curve, ...] = ()
    """What a chart draws; it is `lines` high and stands in a turned table or part, over the columns of the entries."""
    separator: str = ""
    """What stands between the answers of a group written as one, such as 120/80."""
    signers: tuple[Signer, ...] = ()
    dated: bool = False
    """Whether a line for place and date stands over the signatures."""
    page: str = ""
    """`before`: the paper begins a new page here."""
    art: str = ""
    """The picture of a drawing that is drawn on (`art/<name>.svg`)."""
    part: str = ""
    """The part whose entry holds the answer; another than it is printed in where a frame is filled by several."""

    @property
    def repeats(self) -> bool:
        """Whether the group's answers come once for each row."""
        return self.kind == "table" and not self.fixed

    @property
    def readonly(self) -> bool:
        """Whether nobody types here."""
        return bool(self.source or self.value)

    def children(self) -> tuple[Item, ...]:
        """What stands inside, in the order of the paper."""
        return (*self.items, *self.right, *((self.beside,) if self.beside else ()))

    def walk(self) -> Iterator[Item]:
        """This item and all inside it."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Part:
    """A cut of the form: what one person writes and signs at one time, one entry (QuestionnaireResponse)."""

    id: str
    title: str
    items: tuple[Item, ...]
    fill: tuple[str, ...] = ()
    """Kinds of staff that write it; empty for everybody who may write in the record."""
    sign: str = ""
    """Whose signature it takes, in the words of the form; empty where it is not signed."""
    repeats: bool = False
    """Whether there are many entries of it, such as a day's notes."""
    as_table: bool = False
    """Whether its entries are printed as rows of one table; a group's items then stand in one cell."""
    turned: bool = False
    """Whether that table stands on its side: each entry is a column."""
    rows: int = 0
    """Empty rows (columns, where turned) that the paper prints."""
    number: str = ""
    heading: int = 1
    quiet: bool = False
    """Whether the title is for screens only, the paper having other words there."""
    dense: bool = False
    """Whether it is printed small and close, as the front page of a cover is."""
    page: str = ""

    @property
    def asks(self) -> bool:
        """Whether there is anything to fill; otherwise it is words of the paper, and nobody's entry."""
        return any(item.kind in ANSWERED and not item.source for item in self.walk())

    def walk(self) -> Iterator[Item]:
        """Every item of the part."""
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold between answers: FHIRPath that is true or empty where it does, and what to say where not."""

    that: str
    say: str
    en: str
    items: tuple[str, ...]
    stops: bool = True
    """Whether completing is refused; otherwise it is only told."""


@dataclass(frozen=True, slots=True)
class Head:
    """The three columns over the title, each a list of lines: words, or a fact after words."""

    left: tuple[Item, ...] = ()
    middle: tuple[Item, ...] = ()
    right: tuple[Item, ...] = ()
    titled: bool = False
    """Whether the title stands in the middle column, over its lines, and not below the three."""


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form."""

    code: str
    """As the law writes it: 17/BV1."""
    slug: str
    """The same for addresses and file names: 17-BV1."""
    version: str
    name: str
    title: str
    kind: str
    """cover, sheet or paper."""
    parts: tuple[Part, ...]
    subtitle: str = ""
    printed: str = ""
    """The code as it stands on the paper."""
    basis: str = ""
    source: str = ""
    """What its fields rest on."""
    confidence: str = "reconstructed"
    """`confirmed` where the paper itself was seen, `reconstructed` where not."""
    valid_from: date | None = None
    valid_to: date | None = None
    head: Head = Head()
    size: str = "a4"
    landscape: bool = False
    many: bool = False
    """Whether a stay may have several sheets of it."""
    checks: tuple[Check, ...] = ()
    text: str = ""
    """The source it was read from, with its blocks put in."""

    @property
    def url(self) -> str:
        """The canonical address of its Questionnaire."""
        return f"{BASE}{self.slug}"

    @property
    def canonical(self) -> str:
        """The address with the version."""
        return f"{self.url}|{self.version}"

    def part(self, id: str) -> Part | None:
        """The part of that name."""
        return next((part for part in self.parts if part.id == id), None)

    def entry(self, part: str) -> Iterator[Item]:
        """Every item whose answer stands in the entries of a part, wherever it is printed."""
        return (item for item in self.walk() if item.part == part)

    def walk(self) -> Iterator[Item]:
        """Every item of every part."""
        for part in self.parts:
            yield from part.walk()
